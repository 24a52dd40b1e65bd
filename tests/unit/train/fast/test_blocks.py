"""The blocks against PyTorch's operations: values, gradients, nan, dropout, threads, and other devices."""

from collections.abc import Iterator

import pytest
import torch
from support.networks import distance
from torch.nn import functional

from softsed.train.fast.blocks import Block, ConvolvePool, FirstBlock, NormPool

SIZES = pytest.mark.parametrize(("width", "filters"), [(1, 3), (2, 1), (3, 8), (5, 40), (13, 2)])
BANDS = 13


def convolve_plainly(mel, weights, width):
    """Compute `ConvolvePool` with PyTorch's operations."""
    x = functional.conv2d(mel.unsqueeze(1), weights[:9].T.unflatten(1, (1, 3, 3)), weights[9], padding=1)
    return functional.relu(functional.max_pool2d(x, (1, width))).permute(0, 2, 3, 1)


def make_block(width, filters, dtype=torch.float64):
    """Create a block whose norm has weights of both signs."""
    block = Block(3, filters, width, 0.0)
    torch.nn.init.normal_(block.norm.weight)
    torch.nn.init.normal_(block.norm.bias)
    torch.nn.init.normal_(block.norm.running_mean)
    return block.to(dtype)


def pool_ones(shape, dropout) -> torch.Tensor:
    """Return which of the values [batch, frames, bands, filters] dropout keeps."""
    ones = torch.ones(shape[-1])
    x = torch.ones(shape).permute(0, 3, 1, 2)
    return NormPool.apply(x, 0 * ones, ones, ones, 0 * ones, 1, dropout, False)


@pytest.fixture
def three_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


@SIZES
def test_first_block_equals_pytorch(width, filters):
    torch.manual_seed(0)
    mel, weights = torch.randn(2, 9, BANDS).double(), torch.randn(10, filters).double().requires_grad_()
    found, expected = ConvolvePool.apply(mel, weights, width, 0.0, mel.dtype), convolve_plainly(mel, weights, width)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)
    gradient = torch.randn_like(expected)
    sums = [torch.autograd.grad(y, weights, gradient)[0] for y in (found, expected)]
    torch.testing.assert_close(*sums, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("training", [True, False])
@SIZES
def test_other_blocks_equal_pytorch(width, filters, training):
    torch.manual_seed(0)
    block = make_block(width, filters).train(training)
    x = torch.randn(2, 3, 9, BANDS).double().requires_grad_()
    results = []
    for forward in (block.forward_elsewhere, block):  # both update the running statistics
        block.norm.running_mean.fill_(0.1)
        y = forward(x)
        gradients = torch.autograd.grad(y, [x, *block.parameters()], y.detach().cos())
        results.append([y, *gradients, block.norm.running_mean.clone()])
    for expected, found in zip(*results, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-10)


def test_first_block_elsewhere_equals_its_kernels():
    torch.manual_seed(0)
    block, x = FirstBlock(8, 2, 0.0).double(), torch.randn(2, 1, 9, BANDS).double()
    torch.testing.assert_close(block(x), block.forward_elsewhere(x))


def test_variance_is_exact_far_from_zero():
    """Sums of squares would lose all digits: the mean is 10,000 times the standard deviation."""
    torch.manual_seed(0)
    block, x = Block(1, 4, 2, 0.0), torch.randn(4, 4, 50, 6) + 1e4
    mean, var = block.moments(x.contiguous(memory_format=torch.channels_last))
    torch.testing.assert_close(mean.double(), x.double().mean((0, 2, 3)), rtol=1e-6, atol=0)
    torch.testing.assert_close(var.double(), x.double().var((0, 2, 3), unbiased=False), rtol=1e-5, atol=0)


def test_outputs_in_bfloat16_are_rounded_to_nearest():
    torch.manual_seed(0)
    mel, weights = torch.randn(2, 40, 64), torch.randn(10, 128)
    single, half = (ConvolvePool.apply(mel, weights, 5, 0.0, kind) for kind in (torch.float32, torch.bfloat16))
    assert torch.equal(half, single.bfloat16())


def test_gradients_in_bfloat16_are_close():
    torch.manual_seed(0)
    mel, weights = torch.randn(2, 40, 64), torch.randn(10, 128).requires_grad_()
    gradient = torch.randn(2, 40, 12, 128).bfloat16()
    y = ConvolvePool.apply(mel, weights, 5, 0.0, torch.bfloat16)
    (found,) = torch.autograd.grad(y, weights, gradient)
    (expected,) = torch.autograd.grad(convolve_plainly(mel, weights, 5), weights, gradient.float())
    assert distance(found, expected) < 1e-5


def test_first_of_equal_values_gets_the_gradient():
    """As in PyTorch's max pooling."""
    values = torch.tensor([1.0, 3.0, 3.0, 2.0, -1.0, -1.0]).view(1, 1, 1, 6).requires_grad_()  # windows of three
    one = torch.ones(1)
    NormPool.apply(values, 0 * one, one, one, 0 * one, 3, 0.0, False).sum().backward()
    assert values.grad.flatten().tolist() == [0, 1, 0, 1, 0, 0]


def test_first_of_equal_products_gets_the_gradient():
    """All values are 1. The first places of both windows have three right neighbours of two, and one left neighbour."""
    weights = torch.zeros(10, 1)
    weights[4] = 1
    weights.requires_grad_()
    ConvolvePool.apply(torch.ones(1, 1, 4), weights, 2, 0.0, torch.float32).sum().backward()
    assert weights.grad.flatten().tolist() == [0, 0, 0, 1, 2, 2, 0, 0, 0, 2]


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
def test_nan_reaches_the_outputs_that_depend_on_it(kind):
    torch.manual_seed(0)
    for block, channels in ((FirstBlock(8, 5, 0.0), 1), (Block(3, 8, 5, 0.0), 3)):
        x = torch.randn(1, channels, 9, BANDS)
        x[0, 0, 4, 1] = float("nan")  # in the middle of a window: later values of the window are numbers
        block.eval()
        with torch.autocast("cpu", kind, enabled=kind != torch.float32):
            found, expected = block(x).isnan(), block.forward_elsewhere(x).isnan()
        assert expected.any()
        assert torch.equal(found, expected)
        assert block.train()(x).isnan().all()  # by the statistics


@pytest.mark.parametrize("bits", [0x7FFFFFFF, -1, 0x7FC00000])
def test_any_nan_is_nan_in_bfloat16(bits):
    """Rounding adds to the bits, and must not turn a nan of many bits into 0."""
    weights = torch.zeros(10, 1)
    weights[9] = torch.tensor(bits, dtype=torch.int32).view(torch.float32)
    assert ConvolvePool.apply(torch.ones(1, 1, 4), weights, 2, 0.0, torch.bfloat16).isnan().all()


def test_first_block_passes_a_gradient_to_its_input():
    torch.manual_seed(0)
    block, x = FirstBlock(8, 2, 0.0).double(), torch.randn(2, 1, 9, BANDS).double().requires_grad_()
    found, expected = (torch.autograd.grad(f(x).square().sum(), x)[0] for f in (block, block.forward_elsewhere))
    torch.testing.assert_close(found, expected)
    assert found.any()


def test_first_block_reads_inputs_in_bfloat16():
    torch.manual_seed(0)
    block, x = FirstBlock(8, 2, 0.0), torch.randn(2, 1, 9, BANDS).bfloat16()
    assert torch.equal(block(x), block(x.float()))


def test_one_graph_serves_one_backward_pass():
    """The memory of the values becomes that of their gradient, which PyTorch must notice."""
    y = make_block(2, 4)(torch.randn(1, 3, 5, 6).double())
    y.sum().backward(retain_graph=True)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


@pytest.mark.parametrize("dropout", [0.2, 0.5, 0.01])
def test_kept_values_are_independent_with_their_share(dropout):
    """Pairs of values at several distances along each axis, and between two draws."""
    torch.manual_seed(0)
    first, second = (pool_ones((6, 50, 17, 129), dropout) for _ in range(2))
    assert set(first.flatten().tolist()) == {0, 1}
    p, count = 1 - dropout, first.numel()
    pairs = [(first, second)]
    for axis in range(4):
        for step in (1, 2, 3, 4, 8, 16, 32, 64, 128):
            if step < first.shape[axis]:
                length = first.shape[axis] - step
                pairs.append((first.narrow(axis, 0, length), first.narrow(axis, step, length)))
    for one, other in pairs:
        error = (p * (1 - p) / one.numel()) ** 0.5
        assert abs(one.mean().item() - p) < 4 * error
        covariance = ((one - p) * (other - p)).mean().item()
        assert abs(covariance) < 4 * p * (1 - p) / one.numel() ** 0.5
    windows = first.sum(-1)  # as spread as the binomial distribution
    assert windows.var().item() == pytest.approx(129 * p * (1 - p), rel=5 * (2 * 129 / count) ** 0.5)


def test_kept_values_follow_from_the_seed():
    state = torch.get_rng_state()
    first, second = (pool_ones((2, 5, 3, 8), 0.5) for _ in range(2))
    torch.set_rng_state(state)
    assert torch.equal(pool_ones((2, 5, 3, 8), 0.5), first)
    assert not torch.equal(first, second)


def test_dropout_of_each_block_scales_the_kept_values():
    torch.manual_seed(0)
    for block, x in (
        (FirstBlock(8, 2, 0.2), torch.randn(4, 1, 50, 64)),
        (Block(3, 8, 2, 0.2), torch.randn(4, 3, 50, 64)),
    ):
        dropped = block(x)
        block.share = 0.0
        whole = block(x)
        kept = dropped != 0
        torch.testing.assert_close(dropped[kept], whole[kept] / 0.8, rtol=1e-5, atol=1e-6)
        share = kept.sum() / (whole != 0).sum()
        assert share.item() == pytest.approx(0.8, abs=0.01)


def step(width, filters):
    """Run both blocks forward and backward once: outputs, running statistics and gradients."""
    torch.manual_seed(0)
    results = []
    for block, channels in ((FirstBlock(filters, width, 0.2), 1), (Block(3, filters, width, 0.2), 3)):
        y = block.double()(torch.randn(2, channels, 9, BANDS).double())
        y.square().sum().backward()
        results += [y, block.norm.running_mean, block.norm.running_var, *(p.grad for p in block.parameters())]
    return results


@pytest.mark.usefixtures("three_threads")
def test_threads_compute_the_same():
    """Equal bits for an equal number of threads, and the same random numbers for any number."""
    several, again = step(3, 8), step(3, 8)
    assert all(torch.equal(*pair) for pair in zip(several, again, strict=True))
    torch.set_num_threads(1)
    for expected, found in zip(step(3, 8), several, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)
