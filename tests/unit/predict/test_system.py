"""Scores: frames pooled to their seconds, models loaded without executing anything."""

import pickle

import numpy as np
import pytest
import torch
from support.errors import refused

from softsed.features.inputs import FrontEnd
from softsed.predict import system
from softsed.predict.system import load_model, pool_seconds, score
from softsed.train.fast.network import NETWORKS

SIZES = {"mel_bands": 16, "classes": 2, "filters": 4, "pooling": [4], "dropout": 0.5, "gru_units": 4}
SIZES |= {"gru_layers": 1, "dense": [], "output": "sigmoid"}


def test_pooling_by_hand():
    frames = np.arange(9.0).reshape(9, 1)  # two whole seconds of four frames, and the frame at 2 s
    np.testing.assert_array_equal(pool_seconds(frames, 4, "mean")[:, 0], [1.5, 5.5])
    np.testing.assert_array_equal(pool_seconds(frames, 4, "max")[:, 0], [3, 7])


@pytest.mark.parametrize("samples", [44100 * 3 - 1, 44100 * 3, 44100 * 3 + 1, 44100 * 4 - 1])
def test_scores_cover_the_whole_seconds(samples):
    frames = np.zeros((1 + samples // 882, 1))
    assert len(pool_seconds(frames, 50, "mean")) == samples // 44100


def extras():
    normal = {"mean": torch.full((16,), 2.0), "std": torch.full((16,), 4.0)}
    return normal | {"front_end": FrontEnd("mel", 10, 0), "sequence_frames": 10}


@pytest.mark.parametrize("implementation", NETWORKS)
@pytest.mark.parametrize("block", [system.BLOCK_FRAMES, 7])
def test_score_pools_probabilities(implementation, block, monkeypatch):
    """The probabilities do not depend on the blocks in which frames are convolved."""
    monkeypatch.setattr(system, "BLOCK_FRAMES", block)
    torch.manual_seed(0)
    model = NETWORKS[implementation](**SIZES).eval()
    features = np.random.default_rng(0).normal(2, 4, (31, 16)).astype(np.float32)
    with torch.inference_mode():
        frames = torch.sigmoid(model(torch.from_numpy((features - 2) / 4)[None]))[0, :30]
    expected = frames.reshape(3, 10, 2).mean(dim=1)
    config = {"pooling": "mean", "context": "recording"}
    np.testing.assert_allclose(score(model, extras(), features, config), expected, atol=1e-6)


@pytest.mark.parametrize(("frames", "starts"), [(30, [0, 5, 10, 15, 20]), (27, [0, 5, 10, 15, 17]), (8, [0])])
def test_overlapping_sequences_are_averaged(frames, starts, monkeypatch):
    """The expected values: each sequence alone, and a weighted mean of the outputs of each frame."""
    monkeypatch.setattr(system, "SEQUENCES", 2)
    torch.manual_seed(0)
    model = NETWORKS["reference"](**SIZES).eval()
    convolved = torch.randn(frames, 4 * 4)
    length = min(10, frames)
    total, weights = np.zeros((frames, 2)), np.zeros((frames, 1))
    with torch.inference_mode():
        for start in starts:
            output = torch.sigmoid(model.recur(convolved[None, start : start + length]))[0].numpy()
            for place in range(length):
                weight = min(place + 1, length - place)
                total[start + place] += weight * output[place]
                weights[start + place] += weight
        found = system.recur_overlapping(model, convolved, 10)
    np.testing.assert_allclose(found, total / weights, atol=1e-6)
    assert system.recur_overlapping(model, convolved, frames).shape == (frames, 2)


def test_score_uses_sequences_of_the_training(monkeypatch):
    torch.manual_seed(0)
    model = NETWORKS["reference"](**SIZES).eval()
    features = np.random.default_rng(0).normal(2, 4, (31, 16)).astype(np.float32)
    mel = torch.from_numpy((features - 2) / 4)
    with torch.inference_mode():
        outputs = system.recur_overlapping(model, system.convolve_blocks(model, mel), 10)[:30]
    expected = outputs.reshape(3, 10, 2).amax(dim=1)
    found = score(model, extras(), features, {"pooling": "max", "context": "sequence"})
    np.testing.assert_allclose(found, expected, atol=1e-6)


class Bomb:
    def __reduce__(self):
        return (print, ("executed",))


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
def test_file_that_would_execute_code_is_refused(tmp_path, capsys):
    torch.save({"state": Bomb()}, tmp_path / "bomb.pt")
    (tmp_path / "pickle.pt").write_bytes(pickle.dumps(Bomb()))
    (tmp_path / "text.pt").write_text("no model")
    for name in ("bomb.pt", "pickle.pt", "text.pt"):
        with refused(file=name, problem="not a model of softsed", golden=False):
            load_model(tmp_path / name, torch.device("cpu"))
    assert "executed" not in capsys.readouterr().out


def test_model_that_is_missing_or_lacks_an_entry(tmp_path):
    with refused(file="m.pt", problem="there is no such file", remedy="Correct the path"):
        load_model(tmp_path / "m.pt", torch.device("cpu"))
    torch.save({"classes": ["a"]}, tmp_path / "m.pt")
    with refused(file="m.pt", problem="not a model of softsed: the entry 'parameters' is missing"):
        load_model(tmp_path / "m.pt", torch.device("cpu"))


def test_load_model_without_memory(monkeypatch):
    def load(*_, **__):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

    monkeypatch.setattr(torch, "load", load)
    with pytest.raises(RuntimeError, match="can't allocate memory"):
        load_model("fold1.pt", torch.device("cpu"))
