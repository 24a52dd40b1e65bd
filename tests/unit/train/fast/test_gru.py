"""The fast GRU equals PyTorch's."""

import pytest
import torch

from softsed.train.fast.gru import BidirectionalGRU


def pair(inputs, units, layers, dtype):
    """The fast GRU and PyTorch's with the same weights."""
    torch.manual_seed(0)
    fast = BidirectionalGRU(inputs, units, layers).to(dtype)
    reference = torch.nn.GRU(inputs, units, layers, bidirectional=True, batch_first=True).to(dtype)
    reference.load_state_dict(fast.state_dict())
    return fast, reference


def run(model, x):
    """Output, and the gradients of the input and of the weights for a fixed gradient of the output."""
    x = x.clone().requires_grad_()
    y = model(x)[0]
    weights = torch.randn(y.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    return y, torch.autograd.grad(y, [x, *model.parameters()], weights.to(y.dtype))


@pytest.mark.parametrize(
    ("batch", "steps", "inputs", "units", "layers"),
    [(3, 11, 7, 5, 2), (1, 1, 4, 16, 1), (1, 6, 3, 17, 3), (2, 1, 5, 17, 2), (5, 40, 24, 16, 1)],
)
def test_states_and_gradients_are_pytorchs(batch, steps, inputs, units, layers):
    fast, reference = pair(inputs, units, layers, torch.float64)
    x = 3 * torch.randn(batch, steps, inputs, dtype=torch.float64)
    (found, gradients), (expected, others) = run(fast, x), run(reference, x)
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-12)
    for gradient, other in zip(gradients, others, strict=True):
        torch.testing.assert_close(gradient, other, rtol=1e-7, atol=1e-11)


def test_states_and_gradients_in_float32_are_close():
    """At the paper's number of units."""
    fast, reference = pair(24, 32, 2, torch.float32)
    x = 3 * torch.randn(2, 100, 24)
    (found, gradients), (expected, others) = run(fast, x), run(reference, x)
    torch.testing.assert_close(found, expected, rtol=0, atol=5e-6)
    for gradient, other in zip(gradients, others, strict=True):
        torch.testing.assert_close(gradient, other, rtol=0, atol=2e-5 * other.abs().max().item())


def test_only_products_of_the_input_are_bfloat16():
    """With autocast, states and gradients are those of rounded inputs and weights, except for rounded sums."""
    fast, rounded = pair(24, 32, 1, torch.float32)
    with torch.no_grad():
        for name, weight in rounded.named_parameters():
            if "weight_ih" in name:
                weight.copy_(weight.bfloat16())
    x = torch.randn(2, 50, 24).bfloat16().float()
    with torch.autocast("cpu", torch.bfloat16):
        found, gradients = run(fast, x)
    expected, others = run(rounded, x)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-2)
    for gradient, other in zip(gradients, others, strict=True):
        torch.testing.assert_close(gradient, other, rtol=0, atol=1e-2 * other.abs().max().item())


@pytest.mark.parametrize("frame", [0, 3, 6])
def test_nan_reaches_the_outputs_that_depend_on_it(frame):
    """The first direction depends on the frames before, the second on the frames after."""
    fast, _ = pair(4, 16, 1, torch.float32)
    x = torch.randn(2, 7, 4)
    x[0, frame, 1] = torch.nan
    y = fast(x)[0].isnan()
    assert y[0, frame:, :16].all()
    assert y[0, : frame + 1, 16:].all()
    assert y.sum() == 16 * 8
