"""The fast GRU equals PyTorch's."""

import torch

from softsed.train.fast_gru import BidirectionalGRU


def test_states_and_gradients_are_pytorchs():
    torch.manual_seed(0)
    fast = BidirectionalGRU(7, 5, 2).double()
    reference = torch.nn.GRU(7, 5, 2, bidirectional=True, batch_first=True).double()
    reference.load_state_dict(fast.state_dict())
    x = torch.randn(3, 11, 7, dtype=torch.float64, requires_grad=True)
    y = x.detach().clone().requires_grad_()
    torch.testing.assert_close(fast(x)[0], reference(y)[0])
    (fast(x)[0] ** 2).sum().backward()
    (reference(y)[0] ** 2).sum().backward()
    torch.testing.assert_close(x.grad, y.grad)
    for found, expected in zip(fast.parameters(), reference.parameters(), strict=True):
        torch.testing.assert_close(found.grad, expected.grad)
