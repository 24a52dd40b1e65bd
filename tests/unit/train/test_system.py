"""Training on labels: recordings of the fold, the constant of the comparison, the output bias, and embeddings."""

import json
import logging

import numpy as np
import pytest
import torch
from support.errors import refused
from support.trainings import arguments

from softsed.core.labels import read_soft
from softsed.core.scores import read_scores
from softsed.features.inputs import Both
from softsed.predict.system import load_model
from softsed.predict.system import main as predict
from softsed.train import system


def command(folder, name="m", *more, labels="soft", front_end="mel", augment=None, mask=None, **changes):
    settings = {"labels": labels, "loss": "mse", "output": "linear", "front_end": front_end}
    settings |= ({"augment": augment} if augment else {}) | ({"mask": mask} if mask else {})
    system.main([*arguments(folder, name, settings, **changes), "--hard", str(folder / "hard.tsv"), *more])


def test_history_has_the_loss_of_a_constant(experiment):
    command(experiment)
    soft = read_soft(experiment / "soft.tsv", ["a", "b"])
    mean = (10 * sum(soft[f"r{i}"].sum(axis=0) for i in range(3)) + 0.5) / (3 * 40 + 1)
    expected = ((soft["r3"] - mean) ** 2).mean()
    losses = [float(line.split("\t")[-1]) for line in (experiment / "m.tsv").read_text().splitlines()[1:]]
    assert losses == pytest.approx([expected] * 2, rel=1e-5)


def test_output_bias_starts_at_the_class_means(experiment):
    command(experiment, "mean", epochs=1, learning_rate=1e-12)
    command(experiment, "random", epochs=1, learning_rate=1e-12, output_bias="random")
    biases = {
        name: torch.load(experiment / f"{name}.pt", weights_only=True)["state"]["dense.0.bias"].numpy()
        for name in ("mean", "random")
    }
    soft = read_soft(experiment / "soft.tsv", ["a", "b"])
    means = np.concatenate([soft[f"r{i}"] for i in range(3)]).mean(axis=0)
    np.testing.assert_allclose(biases["mean"], means, atol=0.01)
    assert abs(biases["random"] - means).max() > 0.05


def test_test_recordings_have_no_influence(experiment):
    command(experiment, "before")
    for name in ("r4", "r5"):
        np.savez(experiment / "features" / f"{name}.npz", mel=np.full((41, 16), 1e6, np.float32))
    labels = (experiment / "soft.tsv").read_text().splitlines()
    kept = [line for line in labels if not line.startswith(("r4", "r5"))]
    (experiment / "soft.tsv").write_text("\n".join(kept) + "\n")
    command(experiment, "after")
    before, after = (torch.load(experiment / f"{name}.pt", weights_only=True) for name in ("before", "after"))
    assert torch.equal(before["mean"], after["mean"])
    assert all(torch.equal(before["state"][name], after["state"][name]) for name in before["state"])
    frames = np.concatenate([np.load(experiment / "features" / f"r{i}.npz")["mel"][:40] for i in range(3)])
    np.testing.assert_allclose(before["mean"], frames.mean(axis=0), atol=1e-5)


@pytest.fixture
def embeddings(experiment):
    """Write embeddings of the recordings, one frame per half second; return their manifest."""
    rng, rows = np.random.default_rng(1), {}
    for i in range(6):
        np.save(experiment / f"r{i}.npy", rng.normal(i, 2, (9, 3)))
        rows[f"r{i}"] = {"file": str(experiment / f"r{i}.npy"), "sha256": "", "seconds": 4}
    content = {"hop_s": 0.5, "dimensions": 3, "model": None, "recordings": rows}
    (experiment / "manifest.json").write_text(json.dumps(content))
    return experiment / "manifest.json"


@pytest.mark.parametrize(("front_end", "length"), [("embeddings", 4), ("both", 20)])
def test_model_of_embeddings_carries_what_it_needs(experiment, embeddings, front_end, length):
    command(experiment, "m", "--embeddings", str(embeddings), front_end=front_end)
    model, extras = load_model(experiment / "m.pt", torch.device("cpu"))
    assert extras["embeddings"] == {"hop_s": 0.5, "dimensions": 3, "model": None}
    assert (extras["front_end"].kind, extras["sequence_frames"]) == (front_end, length)
    frames = np.concatenate([np.load(experiment / f"r{i}.npy")[:8] for i in range(3)])
    np.testing.assert_allclose(extras["mean"][-3:], frames.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(extras["std"][-3:], frames.std(axis=0), rtol=1e-5)
    assert len(extras["mean"]) == (3 if front_end == "embeddings" else 19)
    assert bool(len(model.convolutions)) == (front_end == "both")


@pytest.mark.parametrize(("part", "names"), [("training", {"r0", "r1", "r2"}), ("validation", {"r3"})])
def test_part_without_labels_is_refused(experiment, part, names):
    """With mask: asked, the mean over the elements that count would be 0 / 0. Otherwise all classes are inactive."""
    lines = (experiment / "soft.tsv").read_text().splitlines()
    kept = [line if line.split("\t")[0] not in names else line.rpartition("\t")[0] + "\t" for line in lines]
    (experiment / "soft.tsv").write_text("\n".join(kept) + "\n")
    command(experiment, epochs=1)
    with refused(file="fold1.tsv", problem=f"no {part} recording of the fold has a label"):
        command(experiment, mask="asked")


@pytest.mark.parametrize("front_end", ["embeddings", "both"])
def test_embeddings_are_augmented_with_their_labels(experiment, embeddings, front_end):
    augment = {"mixup": 0.2, "time_mask_s": 0.5, "shift_s": 1}
    states = []
    for name, settings in (("plain", None), ("first", augment), ("second", augment)):
        command(experiment, name, "--embeddings", str(embeddings), front_end=front_end, augment=settings)
        states.append(load_model(experiment / f"{name}.pt", torch.device("cpu"))[0].state_dict())
    assert all(torch.equal(states[1][key], states[2][key]) for key in states[1])
    assert not torch.equal(states[0]["dense.0.weight"], states[1]["dense.0.weight"])


def test_shift_without_effect_is_reported(experiment, caplog):
    command(experiment, augment={"shift_s": 1}, sequence_frames=20)
    assert "augment.shift_s" not in caplog.text
    command(experiment, augment={"shift_s": 1}, sequence_frames=40)
    assert "augment.shift_s changes nothing" in caplog.text


@pytest.mark.parametrize("context", ["recording", "sequence"])
@pytest.mark.parametrize("front_end", ["embeddings", "both"])
def test_embedding_model_scores_its_test_recordings(experiment, embeddings, front_end, context):
    """The slow way: the network on the whole recording, and a mean over the frames of each second."""
    command(experiment, "m", "--embeddings", str(embeddings), front_end=front_end, sequence_frames=40)
    files = {"--model": "m.pt", "--fold": "fold1.tsv", "--features": "features", "--output": "scores.tsv"}
    paths = [text for key, value in files.items() for text in (key, str(experiment / value))]
    config = json.dumps({"pooling": "mean", "context": context})
    predict([*paths, "--embeddings", str(embeddings), "--config", config, "--device", "cpu"])
    found = read_scores(experiment / "scores.tsv", ["a", "b"])
    model, extras = load_model(experiment / "m.pt", torch.device("cpu"))
    mean, std = (extras[name].numpy() for name in ("mean", "std"))
    for name in ("r4", "r5"):
        beside = torch.from_numpy((np.load(experiment / f"{name}.npy")[:8] - mean[-3:]) / std[-3:]).float()[None]
        mel = np.load(experiment / f"features/{name}.npz")["mel"][:40]
        x = beside if front_end == "embeddings" else Both(torch.from_numpy((mel - mean[:16]) / std[:16])[None], beside)
        with torch.inference_mode():
            expected = model(x)[0].reshape(4, -1, 2).mean(dim=1)
        np.testing.assert_allclose(found[name], expected, atol=1e-5)


def test_checkpoint_depends_on_training_embeddings(experiment, embeddings, caplog):
    options = ["--embeddings", str(embeddings), "--checkpoint", str(experiment / "c.pt"), "--checkpoint-every", "0"]
    command(experiment, "m", *options, front_end="embeddings")
    np.save(experiment / "r0.npy", np.zeros((9, 3)))
    with caplog.at_level(logging.INFO):
        command(experiment, "m", *options, front_end="embeddings")
    assert "training with other data;" in caplog.text
