"""A bidirectional GRU for CPUs: both directions in one step, and few operations per step.

On a CPU, PyTorch's GRU runs one direction after the other. Each of its steps is a dozen small operations whose overhead
exceeds their work. Here, one step of both directions is six operations forward and four backward. Everything that does
not depend on the previous step is computed for all steps at once. On a GPU, cuDNN's GRU is used.
"""

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional


class Recurrence(torch.autograd.Function):
    """Steps of a GRU in both directions, from the projected input.

    Notation of `torch.nn.GRU`: gates r, z, n in this order;  h' = (1 - z) n + z h,  n = tanh(input_n + r hidden_n).
    """

    @staticmethod
    def forward(ctx, projected: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """Compute all states.

        Parameters
        ----------
        projected : Tensor [steps, 2, batch, 3 * units]
            Input times its weights; the second direction runs backwards in time.
        weight : Tensor [2, 3 * units, units]
            Weights of the state.
        bias : Tensor [2, 1, 3 * units]
            Biases of the state.

        Returns
        -------
        Tensor [steps, 2, batch, units]
        """
        units = weight.shape[-1]
        steps, directions, batch, _ = projected.shape
        # r and z start from the projected input. Of the state's biases, only the bias of n is inside the brackets.
        rz = projected[..., : 2 * units] + bias[..., : 2 * units]
        n, hidden_n = torch.empty(2, steps, directions, batch, units, dtype=rz.dtype, device=rz.device)
        states = rz.new_zeros(steps + 1, directions, batch, units)
        weight_rz, weight_n = weight.transpose(1, 2).split([2 * units, units], dim=-1)
        bias_n, state = bias[..., 2 * units :], states[0]
        views = (rz, rz[..., :units], rz[..., units:], n, hidden_n, projected[..., 2 * units :], states[1:])
        for rz_t, r_t, z_t, n_t, hidden_t, input_t, next_state in zip(*(v.unbind() for v in views), strict=True):
            torch.baddbmm(rz_t, state, weight_rz, out=rz_t).sigmoid_()
            torch.baddbmm(bias_n, state, weight_n, out=hidden_t)
            torch.addcmul(input_t, r_t, hidden_t, out=n_t).tanh_()
            state = torch.lerp(n_t, state, z_t, out=next_state)
        ctx.save_for_backward(weight, rz, n, hidden_n, states)
        return states[1:]

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        weight, rz, n, hidden_n, states = ctx.saved_tensors
        r, z = rz.chunk(2, dim=-1)
        # Derivatives of h' by the arguments of n, r and z, and by the state's part of the argument of n.
        by_n = (1 - z) * (1 - n * n)
        by_gates = torch.stack([by_n * hidden_n * r * (1 - r), (states[:-1] - n) * z * (1 - z), by_n * r], dim=-2)
        total = torch.empty_like(gradient)  # gradient of each state, from its output and from the next step
        through = torch.empty_like(by_gates)  # [steps, 2, batch, 3, units], of the state's projection
        carried = torch.zeros_like(gradient[0])
        views = (gradient, total, total.unsqueeze(-2), by_gates, through, through.flatten(3), z)
        for gradient_t, total_t, wide_t, by_t, through_t, flat_t, z_t in zip(
            *(reversed(v.unbind()) for v in views), strict=True
        ):
            torch.add(gradient_t, carried, out=total_t)
            torch.mul(wide_t, by_t, out=through_t)
            carried = torch.mul(total_t, z_t).baddbmm_(flat_t, weight)
        hidden = through.flatten(3).transpose(0, 1).flatten(1, 2)  # [2, steps * batch, 3 * units]
        before = states[:-1].transpose(0, 1).flatten(1, 2)  # [2, steps * batch, units]
        projected = torch.cat([through[..., :2, :].flatten(3), total * by_n], dim=-1)
        return projected, hidden.transpose(1, 2) @ before, hidden.sum(1, keepdim=True)


class BidirectionalGRU(nn.GRU):
    """`torch.nn.GRU` with the same weights under the same names, bidirectional and batch first."""

    def __init__(self, inputs: int, units: int, layers: int) -> None:
        super().__init__(inputs, units, num_layers=layers, bidirectional=True, batch_first=True)

    def forward(self, x: Tensor) -> tuple[Tensor, None]:  # no initial states
        """Compute [batch, steps, inputs] -> [batch, steps, 2 * units] from initial states of 0.

        The second value stands for the last states, which `torch.nn.GRU` returns and nothing here uses.
        """
        if x.is_cuda:
            return super().forward(x)[0], None
        for layer in range(self.num_layers):
            # [directions, ...] of each of the four
            weights = [
                torch.stack([getattr(self, f"{name}_l{layer}{direction}") for direction in ("", "_reverse")])
                for name in ("weight_ih", "bias_ih", "weight_hh", "bias_hh")
            ]
            x = run_layer(x, *weights)
        return x, None


def run_layer(x: Tensor, weight_ih: Tensor, bias_ih: Tensor, weight_hh: Tensor, bias_hh: Tensor) -> Tensor:
    """Run one layer: [batch, steps, inputs] -> [batch, steps, 2 * units]; weights as in `torch.nn.GRU`, stacked."""
    gates = weight_hh.shape[1]
    projected = functional.linear(x, weight_ih.flatten(0, 1)).to(weight_hh.dtype)  # [batch, steps, 2 * gates]
    projected = projected.transpose(0, 1).unflatten(-1, (2, gates)).transpose(1, 2)  # [steps, 2, batch, gates]
    turned = torch.stack([projected[:, 0], projected[:, 1].flip(0)], dim=1) + bias_ih.unsqueeze(1)
    states = Recurrence.apply(turned, weight_hh, bias_hh.unsqueeze(1))  # [steps, 2, batch, units]
    return torch.cat([states[:, 0], states[:, 1].flip(0)], dim=-1).transpose(0, 1)
