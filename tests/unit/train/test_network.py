"""The network: size, the textbook network's outputs and gradients, dropout, and independence where it is promised."""

import pytest
import torch
from textbook import Textbook, copy_weights

from softsed.core.errors import InputError
from softsed.train import fast_blocks
from softsed.train.fast_gru import BidirectionalGRU
from softsed.train.network import CRNN, choose_device, choose_precision

PAPER = {
    "mel_bands": 64,
    "classes": 17,
    "filters": 128,
    "pooling": [5, 2, 2],
    "dropout": 0.2,
    "gru_units": 32,
    "gru_layers": 1,
    "dense": [32],
    "output": "linear",
}
SMALL = {**PAPER, "filters": 8, "gru_units": 5, "gru_layers": 2, "dropout": 0.0}


def size(**changes):
    return sum(weight.numel() for weight in CRNN(**{**PAPER, **changes}).parameters())


def test_parameter_count_of_the_published_baseline():
    # The authors' DCASE 2023 Task 4B baseline states 380,113 parameters for these sizes.
    assert size() == 380_113


def test_second_gru_layer_adds_its_closed_form():
    # Two directions, three gates: input weights 64, recurrent weights 32, two biases.
    assert size(gru_layers=2) - size() == 2 * 3 * 32 * (64 + 32 + 2)


def test_keeps_the_frames_and_gives_one_output_a_class():
    model = CRNN(**PAPER).eval()
    assert model(torch.randn(2, 37, 64)).shape == (2, 37, 17)


def test_sigmoid_gives_probabilities_and_linear_does_not_touch():
    raw = torch.tensor([[-3.0, 0.0, 3.0]])
    assert torch.equal(CRNN(**PAPER).activate(raw), raw)
    torch.testing.assert_close(CRNN(**{**PAPER, "output": "sigmoid"}).activate(raw), 1 / (1 + torch.exp(-raw)))


def pair(changes, dtype):
    """Ours and the textbook's network with the same weights, norms that do something, and running statistics."""
    torch.manual_seed(0)
    ours, textbook = CRNN(**{**SMALL, **changes}), Textbook(**{**SMALL, **changes})
    for block in ours.convolutions:
        torch.nn.init.normal_(block.norm.weight)  # of both signs
        torch.nn.init.normal_(block.norm.bias)
        torch.nn.init.normal_(block.norm.running_mean)
        torch.nn.init.uniform_(block.norm.running_var, 0.5, 2)
    copy_weights(ours, textbook)
    return ours.to(dtype), textbook.to(dtype)


CHANGES = [{}, {"pooling": [2]}, {"pooling": [3, 5, 4]}, {"mel_bands": 16, "pooling": [1, 4]}, {"gru_layers": 1}]


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("changes", CHANGES)
def test_outputs_gradients_and_statistics_are_the_textbook_networks(changes, training, monkeypatch):
    """In double precision, in which nothing hangs on which of two nearly equal values is the maximum."""
    monkeypatch.setattr(fast_blocks, "ROWS", 100)  # several pieces, the last one shorter
    ours, textbook = (model.train(training) for model in pair(changes, torch.float64))
    mel = torch.randn(3, 21, {**SMALL, **changes}["mel_bands"], dtype=torch.float64) * 3 + 2
    target = torch.randn(3, 21, 17, dtype=torch.float64)
    outputs = [model(mel) for model in (ours, textbook)]
    for output in outputs:
        (output * target).sum().backward()
    torch.testing.assert_close(*outputs, rtol=1e-9, atol=1e-11)
    for (name, mine), theirs in zip(ours.named_parameters(), textbook.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, theirs.grad, rtol=1e-7, atol=1e-10, msg=name)
    for (name, mine), theirs in zip(ours.named_buffers(), textbook.buffers(), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-9, atol=1e-11, msg=name)


@pytest.mark.parametrize("training", [True, False])
def test_float32_equals_the_textbook_network_at_the_papers_sizes(training):
    ours, textbook = (model.train(training) for model in pair({**PAPER, "dropout": 0.0}, torch.float32))
    mel = torch.randn(4, 64, 64)
    outputs = [model(mel) for model in (ours, textbook)]
    assert distance(*outputs) < 1e-5
    for (name, mine), theirs in zip(ours.named_buffers(), textbook.named_buffers(), strict=True):
        if "running" in name:
            assert distance(mine, theirs[1]) < 1e-5


def distance(found, expected):
    return ((found - expected).norm() / expected.norm()).item()


def test_bfloat16_is_close_and_float32_comes_out():
    single, half = (CRNN(**{**PAPER, "dropout": 0.0}, precision=name) for name in ("float32", "bfloat16"))
    half.load_state_dict(single.state_dict())
    mel = torch.randn(4, 64, 64) + 5  # far from centred: variances must not come from rounded sums
    raw = half(mel)
    assert raw.dtype == torch.float32
    assert distance(raw, single(mel)) < 0.03
    raw.sum().backward()
    assert all(weight.grad.dtype == torch.float32 for weight in half.parameters())
    first = [model.convolutions[0].norm for model in (single, half)]
    assert torch.equal(first[0].running_var, first[1].running_var)


def test_gru_is_pytorchs():
    torch.manual_seed(0)
    ours = BidirectionalGRU(7, 5, 2).double()
    theirs = torch.nn.GRU(7, 5, 2, bidirectional=True, batch_first=True).double()
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(3, 11, 7, dtype=torch.float64, requires_grad=True)
    y = x.detach().clone().requires_grad_()
    torch.testing.assert_close(ours(x), theirs(y)[0])
    (ours(x) ** 2).sum().backward()
    (theirs(y)[0] ** 2).sum().backward()
    torch.testing.assert_close(x.grad, y.grad)
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, other.grad)


def test_the_first_of_equal_values_gets_the_gradient_as_in_max_pooling():
    values = torch.tensor([1.0, 3.0, 3.0, 2.0, -1.0, -1.0]).view(2, 3, 1).requires_grad_()  # windows of three
    fast_blocks.PoolReluDrop.apply(values, None).sum().backward()
    assert values.grad.flatten().tolist() == [0, 1, 0, 1, 0, 0]


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.bfloat16, 0.01)])
def test_values_computed_again_find_the_maximum_they_were(dtype, tolerance):
    """The gradient of the first block finds the maximum by computing the same products a second time."""
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
def test_dropout_has_its_rate_and_values_are_independent(dropout):
    torch.manual_seed(0)
    dropped = fast_blocks.dropped_levels(dropout)
    assert dropped / 256 == pytest.approx(dropout, abs=1 / 512)
    kept = fast_blocks.draw_kept((1001, 257), dropped, torch.device("cpu"))
    assert set(kept.flatten().tolist()) == {0, 1}
    kept = kept.double().flatten()
    p, count = 1 - dropped / 256, kept.numel()
    error = (p * (1 - p) / count) ** 0.5
    assert abs(kept.mean().item() - p) < 4 * error
    for step in (*range(1, 18), 257):  # within the eight of one number, and beyond
        together = (kept[:-step] * kept[step:]).mean().item()
        assert abs(together - p * p) < 5 * (p * p * (1 - p * p) / count) ** 0.5 + 2 * error


def test_dropout_of_a_block_scales_what_it_keeps():
    torch.manual_seed(0)
    for block, x in (
        (fast_blocks.FirstBlock(8, 2, 0.2), torch.randn(4, 50, 64)),
        (fast_blocks.Block(3, 8, 2, 0.2), torch.randn(4, 3, 50, 64)),
    ):
        torch.manual_seed(1)
        dropped = block(x)
        block.dropped = 0
        whole = block(x)
        kept = dropped != 0
        torch.testing.assert_close(dropped[kept], whole[kept] * 256 / (256 - 51), rtol=1e-5, atol=1e-6)
        share = kept.sum() / (whole != 0).sum()
        assert share.item() == pytest.approx(1 - 51 / 256, abs=0.01)
        assert torch.equal(block.eval()(x), block(x))  # nothing random when scoring


def test_dropout_follows_from_pytorchs_generator():
    model = CRNN(**{**SMALL, "dropout": 0.5})
    mel, state = torch.randn(2, 9, 64), torch.get_rng_state()
    first, second = model(mel), model(mel)
    torch.set_rng_state(state)
    assert torch.equal(model(mel), first)
    assert not torch.equal(first, second)


def test_device():
    assert choose_device("cpu").type == "cpu"
    assert choose_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.parametrize(
    ("device", "units", "expected"),
    [
        ("cpu", {"avx512_bf16": True}, "bfloat16"),
        ("cpu", {"amx_bf16": True}, "bfloat16"),
        ("cpu", {"bf16": True}, "bfloat16"),
        ("cpu", {"avx512_bf16": False, "avx2": True}, "float32"),
        ("cuda", {"avx512_bf16": True}, "float32"),
    ],
)
def test_precision_by_what_the_cpu_has_unless_told(device, units, expected, monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: units)
    assert choose_precision("auto", torch.device(device)) == expected
    for told in ("float32", "bfloat16"):
        assert choose_precision(told, torch.device(device)) == told


def test_recordings_in_a_batch_do_not_influence_one_another_when_scoring():
    model = CRNN(**PAPER).eval()
    x = torch.randn(3, 25, 64)
    with torch.inference_mode():
        torch.testing.assert_close(model(x)[1], model(x[1:2])[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("pooling", [[2], [4, 4], [5, 2, 2]])
def test_any_number_of_blocks(pooling):
    assert CRNN(**{**PAPER, "pooling": pooling, "filters": 4})(torch.randn(1, 9, 64)).shape == (1, 9, 17)


def test_pooling_that_leaves_no_band_is_refused():
    with pytest.raises(InputError, match=r"pooling \[5, 5, 5\] leaves none of 64 mel bands"):
        CRNN(**{**PAPER, "pooling": [5, 5, 5]})
