"""Inputs of networks: rates, lengths and parts of the three front ends."""

import json

import numpy as np
import pytest
import torch
from support.errors import refused

from softsed.features.embeddings import Embeddings
from softsed.features.inputs import Both, FrontEnd, normalise
from softsed.train.sequences import Scaler, cut

FEATURES = {"mel_bands": 16, "hop_s": 0.1}
SETTINGS = {"hop_s": 0.5, "dimensions": 3, "model": None}


def front_end(kind):
    return FrontEnd.choose(kind, FEATURES, SETTINGS)


@pytest.fixture
def files(tmp_path):
    """Write 5.3 s of mel energies and of embeddings, whose labels have four seconds."""
    np.savez(tmp_path / "r.npz", mel=np.arange(54 * 16, dtype=np.float32).reshape(54, 16))
    np.save(tmp_path / "r.npy", np.arange(11 * 3, dtype=np.float32).reshape(11, 3))
    rows = {"r": {"file": str(tmp_path / "r.npy"), "sha256": "", "seconds": 4}}
    (tmp_path / "manifest.json").write_text(json.dumps({**SETTINGS, "recordings": rows}))
    return tmp_path, Embeddings.read(tmp_path / "manifest.json")


def test_mel_energies_are_whole(files):
    x = front_end("mel").read("r", files[0], None)
    assert (x.shape, front_end("mel").seconds(x), front_end("mel").rate) == ((54, 16), 5, 10)


def test_embeddings_have_their_own_rate(files):
    x = front_end("embeddings").read("r", files[0] / "no features", files[1])
    assert (front_end("embeddings").seconds(x), front_end("embeddings").rate) == (4, 2)
    np.testing.assert_array_equal(x, np.arange(24).reshape(8, 3))


def test_both_have_the_same_seconds(files):
    x = front_end("both").read("r", *files)
    assert (x.mel.shape, x.embeddings.shape, front_end("both").seconds(x)) == ((50, 16), (10, 3), 5)
    shorter = front_end("both").shorten(x, 2)
    assert (len(shorter.mel), len(shorter.embeddings), len(shorter)) == (20, 4, 20)


def test_parameters_describe_the_input():
    found = {kind: front_end(kind).sizes(FEATURES, SETTINGS) for kind in ("mel", "embeddings", "both")}
    assert found["mel"] == {"mel_bands": 16}
    assert found["embeddings"] == {"mel_bands": 0, "dimensions": 3}
    assert found["both"] == {"mel_bands": 16, "dimensions": 3}


def test_sequences_with_embeddings_are_whole_seconds():
    assert [front_end("mel").sequence_length(n) for n in (3, 27)] == [3, 27]
    assert [front_end("both").sequence_length(n) for n in (3, 27, 200)] == [10, 30, 200]
    assert [front_end("embeddings").sequence_length(n) for n in (3, 27, 200)] == [2, 6, 40]


@pytest.mark.parametrize("kind", ["embeddings", "both"])
def test_missing_embeddings_are_refused(files, kind):
    with refused(key="--embeddings", problem="reads embeddings"):
        FrontEnd.choose(kind, FEATURES, None)
    with refused(key="--embeddings", problem="reads embeddings"):
        front_end(kind).read("r", files[0], None)


def test_cut_keeps_embeddings_beside_their_mel_frames():
    lengths = [6, 3, 1]  # seconds
    mel = [np.repeat(np.arange(1, n + 1) + 100 * i, 10).reshape(-1, 1) for i, n in enumerate(lengths)]
    beside = [np.repeat(np.arange(1, n + 1) + 100 * i, 2).reshape(-1, 1) for i, n in enumerate(lengths)]
    targets = [np.zeros((n * 10, 4)) for n in lengths]
    data = cut(map(Both, mel, beside), targets, 40)
    assert (data.features.mel.shape, data.features.embeddings.shape) == ((4, 40, 1), (4, 8, 1))
    assert torch.equal(data.features.mel[:, ::5], data.features.embeddings)
    assert data.mask[..., 0].sum(dim=1).tolist() == [40, 20, 30, 10]
    assert len(data.tensors()) == 4
    batch = data.features[torch.tensor([2, 0])]
    assert torch.equal(batch.mel[1], data.features.mel[0])
    assert torch.equal(batch.embeddings[0], data.features.embeddings[2])


def test_scaler_has_columns_of_both():
    rng = np.random.default_rng(0)
    x = [Both(rng.normal(3, 2, (n * 5, 2)), rng.normal(-1, 4, (n, 3))) for n in (20, 30)]
    scaler = Scaler.fit(x)
    assert scaler.mean.shape == scaler.std.shape == (5,)
    scaled = [scaler(one) for one in x]
    for part in ("mel", "embeddings"):
        together = np.concatenate([getattr(one, part) for one in scaled])
        np.testing.assert_allclose(together.mean(axis=0), 0, atol=1e-5)
        np.testing.assert_allclose(together.std(axis=0), 1, atol=1e-5)
    tensors = Both(torch.from_numpy(x[0].mel), torch.from_numpy(x[0].embeddings))
    found = normalise(tensors, torch.from_numpy(scaler.mean), torch.from_numpy(scaler.std))
    np.testing.assert_allclose(found.embeddings, scaled[0].embeddings)
