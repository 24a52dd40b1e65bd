"""The fast network equals the readable one: weights, outputs, gradients, statistics, and models of either."""

import numpy as np
import pytest
import torch
from support.networks import PAPER, distance

from softsed.features.inputs import Both
from softsed.train.fast.network import NETWORKS, FastCRNN, choose_implementation
from softsed.train.loop import FrameLoss, run_epoch
from softsed.train.network import CRNN
from softsed.train.sequences import cut

SMALL = {**PAPER, "filters": 8, "gru_units": 5, "gru_layers": 2, "dropout": 0.0}
CHANGES = [
    {},
    {"pooling": [2]},
    {"pooling": [3, 5, 4]},
    {"mel_bands": 16, "pooling": [1, 4]},
    {"gru_layers": 1},
    {"filters": 1},
    {"dense": [], "classes": 1, "output": "sigmoid"},
    {"mel_bands": 0, "dimensions": 6},
    {"dimensions": 6},
]
SIZES = pytest.mark.parametrize("changes", CHANGES, ids=str)


def pair(changes, dtype):
    """Both networks with the same weights, norms with an effect, and running statistics."""
    torch.manual_seed(0)
    reference, fast = (network(**{**SMALL, **changes}) for network in (CRNN, FastCRNN))
    for block in reference.convolutions:
        torch.nn.init.normal_(block.norm.weight)  # of both signs
        torch.nn.init.normal_(block.norm.bias)
        torch.nn.init.normal_(block.norm.running_mean)
        torch.nn.init.uniform_(block.norm.running_var, 0.5, 2)
    fast.load_state_dict(reference.state_dict())
    return reference.to(dtype), fast.to(dtype)


@SIZES
def test_initial_weights_are_equal(changes):
    states = []
    for network in NETWORKS.values():
        torch.manual_seed(3)
        states.append(network(**{**SMALL, **changes}).state_dict())
    reference, fast = states
    assert list(reference) == list(fast)
    for name, value in reference.items():
        assert value.dtype == fast[name].dtype
        assert torch.equal(value, fast[name]), name


@pytest.mark.parametrize("training", [True, False])
@SIZES
def test_outputs_and_gradients_are_equal(changes, training):
    """In double precision, in which no two values of a window are equal except for rounding."""
    reference, fast = (model.train(training) for model in pair(changes, torch.float64))
    sizes = {**SMALL, **changes}
    mel = torch.randn(3, 21, sizes["mel_bands"], dtype=torch.float64) * 3 + 2
    if dimensions := sizes.get("dimensions"):
        embeddings = torch.randn(3, 7 if sizes["mel_bands"] else 21, dimensions, dtype=torch.float64)
        mel = Both(mel, embeddings) if sizes["mel_bands"] else embeddings
    target = torch.randn(3, 21, sizes["classes"], dtype=torch.float64)
    outputs = [model(mel) for model in (reference, fast)]
    for output in outputs:
        (output * target).sum().backward()
    torch.testing.assert_close(*outputs, rtol=1e-9, atol=1e-11)
    for (name, expected), found in zip(reference.named_parameters(), fast.parameters(), strict=True):
        torch.testing.assert_close(found.grad, expected.grad, rtol=1e-7, atol=1e-10, msg=name)
    for (name, expected), found in zip(reference.named_buffers(), fast.buffers(), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-11, msg=name)


@pytest.mark.parametrize("training", [True, False])
def test_outputs_in_float32_are_close(training):
    """At the paper's sizes."""
    reference, fast = (model.train(training) for model in pair({**PAPER, "dropout": 0.0}, torch.float32))
    mel = torch.randn(4, 64, 64)
    expected, found = (model(mel) for model in (reference, fast))
    assert distance(found, expected) < 1e-5
    for (name, value), other in zip(reference.named_buffers(), fast.buffers(), strict=True):
        if "running" in name:
            assert distance(other, value) < 1e-5
    for output in (expected, found):
        output.square().sum().backward()
    for (name, value), other in zip(reference.named_parameters(), fast.parameters(), strict=True):
        if not (training and "convolution.bias" in name):  # the norm makes this gradient 0 except for rounding
            assert distance(other.grad, value.grad) < 1e-3, name


def test_statistics_in_bfloat16_are_those_of_float32():
    single, half = (FastCRNN(**{**PAPER, "dropout": 0.0}, precision=name) for name in ("float32", "bfloat16"))
    half.load_state_dict(single.state_dict())
    for model in (single, half):
        model(torch.randn(4, 64, 64, generator=torch.Generator().manual_seed(0)) + 5)
    first = [model.convolutions[0].norm for model in (single, half)]
    assert torch.equal(first[0].running_var, first[1].running_var)


@pytest.mark.parametrize("source", NETWORKS)
def test_a_trained_model_predicts_the_same_in_both(source):
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    trained = NETWORKS[source](**{**SMALL, "classes": 2, "dropout": 0.2})
    data = cut([rng.normal(size=(60, 64))], [rng.uniform(size=(60, 2))], 20)
    optimiser = torch.optim.Adam(trained.parameters(), lr=0.01)
    for _ in range(3):
        run_epoch(trained, data, [torch.arange(len(data))], FrameLoss("mse"), optimiser)
    mel, scores = torch.randn(1, 40, 64), []
    for network in NETWORKS.values():
        model = network(**{**SMALL, "classes": 2}).eval()
        model.load_state_dict(trained.state_dict())
        with torch.inference_mode():
            scores.append(model(mel))
    torch.testing.assert_close(*scores, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
@pytest.mark.parametrize("share", [0.2, 0.5])
def test_dropout_drops_its_share(network, share):
    """Values of a block that are positive without dropout are 0 or scaled by 1 / (1 - share)."""
    torch.manual_seed(0)
    x = torch.randn(4, 1, 50, 64)
    block, whole = (network(**{**SMALL, "dropout": p}).convolutions[0] for p in (share, 0.0))
    whole.load_state_dict(block.state_dict())
    found, expected = block(x), whole(x)
    kept, positive = found != 0, expected != 0
    assert (kept & ~positive).sum() == 0
    torch.testing.assert_close(found[kept], expected[kept] / (1 - share), rtol=1e-4, atol=1e-5)
    assert 1 - (kept.sum() / positive.sum()).item() == pytest.approx(share, abs=0.015)
    assert torch.equal(block.eval()(x), block(x))  # nothing random in evaluation


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_dropout_follows_from_pytorchs_generator(network):
    model = network(**{**SMALL, "dropout": 0.5})
    mel, state = torch.randn(2, 9, 64), torch.get_rng_state()
    first, second = model(mel), model(mel)
    torch.set_rng_state(state)
    assert torch.equal(model(mel), first)
    assert not torch.equal(first, second)


def test_auto_is_fast_on_a_cpu_only():
    devices = [torch.device(name) for name in ("cpu", "cuda", "cuda:1")]
    assert [choose_implementation("auto", device) for device in devices] == ["fast", "reference", "reference"]
    for name in NETWORKS:
        assert [choose_implementation(name, device) for device in devices] == [name] * 3
