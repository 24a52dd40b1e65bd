"""The network: its size, its shapes, its output layer, and the independence of the recordings in a batch."""

import pytest
import torch
from support.errors import refused
from support.networks import PAPER, distance

from softsed.features.inputs import Both
from softsed.train.fast.network import NETWORKS
from softsed.train.network import CRNN

EACH = pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)


def size(**changes):
    return sum(weight.numel() for weight in CRNN(**{**PAPER, **changes}).parameters())


def test_size_is_the_published_baselines():
    """The authors' DCASE 2023 Task 4B baseline states 380,113 parameters for these sizes."""
    assert size() == 380_113


def test_second_gru_layer_adds_its_closed_form():
    """Two directions, three gates: input weights 64, recurrent weights 32, two biases."""
    assert size(gru_layers=2) - size() == 2 * 3 * 32 * (64 + 32 + 2)


def test_layers_are_pytorchs():
    """The readable network has no module of this package but itself."""
    own = [module for module in CRNN(**PAPER).modules() if not type(module).__module__.startswith("torch.")]
    assert [type(module) for module in own] == [CRNN]


@EACH
def test_output_has_one_row_per_frame(network):
    model = network(**PAPER).eval()
    assert model(torch.randn(2, 37, 64)).shape == (2, 37, 17)


def test_activation_is_sigmoid_or_linear():
    raw = torch.tensor([[-3.0, 0.0, 3.0]])
    assert torch.equal(CRNN(**PAPER).activate(raw), raw)
    torch.testing.assert_close(CRNN(**{**PAPER, "output": "sigmoid"}).activate(raw), 1 / (1 + torch.exp(-raw)))


@EACH
def test_bfloat16_is_close_to_float32(network):
    """Far from centred, variances must not come from rounded sums; outputs and gradients are float32."""
    single, half = (network(**{**PAPER, "dropout": 0.0}, precision=name) for name in ("float32", "bfloat16"))
    half.load_state_dict(single.state_dict())
    mel = torch.randn(4, 64, 64) + 5
    raw = half(mel)
    assert raw.dtype == torch.float32
    assert distance(raw, single(mel)) < 0.05
    raw.sum().backward()
    assert all(weight.grad.dtype == torch.float32 for weight in half.parameters())


@EACH
def test_recordings_of_a_batch_are_independent(network):
    model = network(**PAPER).eval()
    x = torch.randn(3, 25, 64)
    with torch.inference_mode():
        torch.testing.assert_close(model(x)[1], model(x[1:2])[0], rtol=1e-4, atol=1e-5)


@EACH
def test_convolution_reaches_its_frames_only(network):
    model = network(**{**PAPER, "filters": 4}).eval()
    x = torch.randn(1, 25, 64)
    y = x.clone()
    y[0, 12] += 1
    with torch.inference_mode():
        changed = (model.convolve(x) - model.convolve(y)).abs().sum(dim=-1)[0].nonzero().flatten().tolist()
    assert changed == list(range(12 - model.reach, 12 + model.reach + 1))


@EACH
@pytest.mark.parametrize("pooling", [[2], [4, 4], [5, 2, 2]])
def test_number_of_blocks_is_that_of_pooling(network, pooling):
    model = network(**{**PAPER, "pooling": pooling, "filters": 4})
    assert len(model.convolutions) == len(pooling)
    assert model(torch.randn(1, 9, 64)).shape == (1, 9, 17)


@EACH
def test_pooling_that_leaves_no_band_is_refused(network):
    with refused(key="train.model.pooling", problem=("[5, 5, 5]", "64 mel bands")):
        network(**{**PAPER, "pooling": [5, 5, 5]})


def test_embeddings_replace_the_convolutional_part():
    """The first GRU reads `filters` numbers per frame instead of three bands of them."""
    convolutions = sum(weight.numel() for weight in CRNN(**PAPER).convolutions.parameters())
    fewer = convolutions + 2 * 3 * 32 * (3 * 128 - 128)
    assert size(mel_bands=0, dimensions=20) == size() - fewer + (20 * 128 + 128)


def test_embeddings_beside_mel_add_a_projection():
    assert size(dimensions=20) == size() + (20 * 128 + 128) + 2 * 3 * 32 * 128


@EACH
def test_embeddings_alone_have_one_output_per_frame(network):
    model = network(**{**PAPER, "mel_bands": 0, "dimensions": 20}).eval()
    x = torch.randn(2, 37, 20)
    found = model(x)
    assert found.shape == (2, 37, 17)
    weight, bias = model.projection[1].weight, model.projection[1].bias
    torch.testing.assert_close(found, model.recur(x @ weight.T + bias))


@EACH
def test_embeddings_are_repeated_beside_mel_energies(network):
    """40 mel frames and 8 embeddings of the same seconds: each embedding stands beside five frames."""
    model = network(**{**PAPER, "dimensions": 20}).eval()
    x = Both(torch.randn(2, 40, 64), torch.randn(2, 8, 20))
    repeated = model.project(x.embeddings).repeat_interleave(5, dim=1)
    expected = model.recur(torch.cat([model.convolve(x.mel), repeated], dim=-1))
    torch.testing.assert_close(model(x), expected)


@EACH
@pytest.mark.parametrize("mel_bands", [0, 64])
def test_embeddings_in_bfloat16_are_close_to_float32(network, mel_bands):
    sizes = {**PAPER, "dropout": 0.0, "mel_bands": mel_bands, "dimensions": 20}
    single, half = (network(**sizes, precision=name) for name in ("float32", "bfloat16"))
    half.load_state_dict(single.state_dict())
    embeddings = torch.randn(4, 16, 20)
    x = Both(torch.randn(4, 64, 64), embeddings) if mel_bands else embeddings
    raw = half(x)
    assert distance(raw, single(x)) < 0.05
    raw.sum().backward()
    assert all(weight.grad.dtype == torch.float32 for weight in half.parameters())
