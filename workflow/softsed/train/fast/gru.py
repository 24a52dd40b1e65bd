"""A bidirectional GRU for CPUs: matrix products over all steps in PyTorch, the steps themselves in compiled code.

On a CPU, PyTorch's GRU runs one direction after the other, and each of its steps is a dozen small operations whose
overhead exceeds their work. On other devices, PyTorch's GRU is used.
"""

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from softsed.train.fast.blocks import working_type
from softsed.train.fast.gru_kernels import compile_steps


class Layer(torch.autograd.Function):
    """One layer of a GRU in both directions.

    The products with the input run in the type of autocast, everything else in the type of the weights.
    """

    @staticmethod
    def forward(ctx, x: Tensor, *parameters: Tensor) -> Tensor:
        """Compute all states.

        Parameters
        ----------
        x : Tensor [batch, steps, inputs]
            Input.
        *parameters : Tensor
            As in `torch.nn.GRU`, for both directions: weights [2, 3 * units, inputs] of the input, weights
            [2, 3 * units, units] of the state, biases [2, 3 * units] of the input and of the state.

        Returns
        -------
        Tensor [batch, steps, 2 * units]
        """
        weight_ih, weight_hh, bias_ih, bias_hh = parameters
        (batch, steps, _), (_, wide, units) = x.shape, weight_hh.shape
        kind = working_type(x)
        x, weights = x.to(kind), weight_ih.flatten(0, 1).to(kind)
        with torch.autocast("cpu", enabled=False):
            gates = (x @ weights.T).to(weight_hh.dtype).view(batch, steps, 2, wide)
        hidden, states = weight_hh.new_empty(2, batch, steps, 2, units)
        weight_rz, weight_n = (part.mT.flatten(1) for part in weight_hh.split([2 * units, units], dim=1))
        # Of the state's biases, only the bias of n is inside the brackets.
        rz, n = slice(2 * units), slice(2 * units, None)
        bias = torch.cat([bias_ih[:, rz] + bias_hh[:, rz], bias_ih[:, n], bias_hh[:, n]], dim=1)
        forward, _ = compile_steps(units)
        forward(*(v.detach().contiguous().numpy() for v in (gates, hidden, weight_rz, weight_n, bias, states)))
        ctx.save_for_backward(x, weights, weight_hh, gates, hidden, states)
        return states.flatten(2)

    @staticmethod
    @once_differentiable
    @torch.autocast("cpu", enabled=False)
    def backward(ctx, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, weights, weight_hh, gates, hidden, states = ctx.saved_tensors
        _, wide, units = weight_hh.shape
        projected, recurrent = torch.empty_like(gates), torch.empty_like(hidden)
        _, backward = compile_steps(units)
        arrays = (gradient.reshape(states.shape), gates, hidden, weight_hh.flatten(1), states, projected, recurrent)
        backward(*(v.detach().contiguous().numpy() for v in arrays))
        by_rz = projected[..., : 2 * units]
        # Each step's gradients belong to the state before it, which is 0 at the first step.
        later, earlier = slice(1, None), slice(None, -1)
        by_hh = torch.stack(
            [
                torch.cat([torch.bmm(part[:, now, d].mT, states[:, before, d]).sum(0) for part in (by_rz, recurrent)])
                for d, (now, before) in enumerate([(later, earlier), (earlier, later)])
            ]
        )
        by_bias = projected.sum((0, 1))
        by_bias_hh = torch.cat([by_bias[:, : 2 * units], recurrent.sum((0, 1))], dim=1)
        products = projected.flatten(2).to(x.dtype)
        by_x = products @ weights if ctx.needs_input_grad[0] else None
        by_ih = (products.flatten(0, 1).T @ x.flatten(0, 1)).to(weight_hh.dtype).view(2, wide, -1)
        return by_x, by_ih, by_hh, by_bias, by_bias_hh


class BidirectionalGRU(nn.GRU):
    """`torch.nn.GRU` with the same weights under the same names, bidirectional and batch first."""

    def __init__(self, inputs: int, units: int, layers: int) -> None:
        super().__init__(inputs, units, num_layers=layers, bidirectional=True, batch_first=True)

    def forward(self, x: Tensor) -> tuple[Tensor, None]:  # no initial states
        """Compute [batch, steps, inputs] -> [batch, steps, 2 * units] from initial states of 0.

        The second value stands for the last states, which `torch.nn.GRU` returns and nothing here uses.
        """
        if x.device.type != "cpu":
            return super().forward(x)[0], None
        for layer in range(self.num_layers):
            # [directions, ...] of each of the four
            weights = [
                torch.stack([getattr(self, f"{name}_l{layer}{direction}") for direction in ("", "_reverse")])
                for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
            ]
            x = Layer.apply(x, *weights)
        return x, None
