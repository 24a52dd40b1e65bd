"""Parts of the fast blocks: which value gets the gradient, and the random numbers of dropout."""

import pytest
import torch
from support.networks import distance

from softsed.train import fast_blocks


def test_the_first_of_equal_values_gets_the_gradient():
    """As in PyTorch's max pooling."""
    values = torch.tensor([1.0, 3.0, 3.0, 2.0, -1.0, -1.0]).view(2, 3, 1).requires_grad_()  # windows of three
    fast_blocks.PoolReluDrop.apply(values, None).sum().backward()
    assert values.grad.flatten().tolist() == [0, 1, 0, 1, 0, 0]


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.bfloat16, 0.01)])
def test_recomputed_values_find_their_maximum(dtype, tolerance):
    """The gradient of the first block finds the maximum by computing the same products again."""
    torch.manual_seed(0)
    patches = torch.randn(5, 3 * fast_blocks.ROWS + 7, 10).to(dtype)
    weights = torch.randn(10, 128).to(dtype).requires_grad_()
    gradient = torch.randn(patches.shape[1], 128).to(dtype)
    y = fast_blocks.PatchesPoolReluDrop.apply(patches, weights, None)
    y.backward(gradient)
    values = patches @ weights.detach()
    places = values.max(0, keepdim=True).indices
    shares = torch.zeros(values.shape).scatter_(0, places, torch.where(y > 0, gradient, 0).float().unsqueeze(0))
    expected = torch.einsum("wpk,wpf->kf", patches.float(), shares)
    assert distance(weights.grad.float(), expected) < tolerance


@pytest.mark.parametrize("dropout", [0.2, 0.5, 0.01])
def test_kept_values_are_independent_with_their_share(dropout):
    torch.manual_seed(0)
    dropped = fast_blocks.dropped_levels(dropout)
    assert dropped / 256 == pytest.approx(dropout, abs=1 / 512)
    kept = fast_blocks.draw_kept((1001, 257), dropped, torch.device("cpu"))
    assert set(kept.flatten().tolist()) == {0, 1}
    kept = kept.double().flatten()
    p, count = 1 - dropped / 256, kept.numel()
    error = (p * (1 - p) / count) ** 0.5
    assert abs(kept.mean().item() - p) < 4 * error
    for step in (*range(1, 18), 257):  # within the eight values of one number, and beyond
        together = (kept[:-step] * kept[step:]).mean().item()
        assert abs(together - p * p) < 5 * (p * p * (1 - p * p) / count) ** 0.5 + 2 * error


def test_dropout_of_each_block_scales_the_kept_values():
    torch.manual_seed(0)
    for block, x in (
        (fast_blocks.FirstBlock(8, 2, 0.2), torch.randn(4, 1, 50, 64)),
        (fast_blocks.Block(3, 8, 2, 0.2), torch.randn(4, 3, 50, 64)),
    ):
        dropped = block(x)
        block.dropped = 0
        whole = block(x)
        kept = dropped != 0
        torch.testing.assert_close(dropped[kept], whole[kept] * 256 / (256 - 51), rtol=1e-5, atol=1e-6)
        share = kept.sum() / (whole != 0).sum()
        assert share.item() == pytest.approx(1 - 51 / 256, abs=0.01)
