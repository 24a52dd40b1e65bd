"""Training on labels: only the recordings of the fold, the constant that it is compared with, and the output bias."""

import numpy as np
import pytest
import torch
from support.trainings import arguments

from softsed.core.labels import read_soft
from softsed.train import system


def command(folder, name="m", *more, labels="soft", **changes):
    settings = {"labels": labels, "loss": "mse", "output": "linear"}
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
