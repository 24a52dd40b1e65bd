"""What all trainings share: the files, what the model file contains, and what a checkpoint may be continued by."""

import logging

import numpy as np
import pytest
import torch
from support.networks import TRAINING
from support.trainings import arguments, edit_text

from softsed.core.labels import read_soft
from softsed.predict.system import load_model
from softsed.train import system, training


def command(folder, name="m", *more, labels="soft", **changes):
    settings = {"labels": labels, "loss": "mse", "output": "linear"}
    system.main([*arguments(folder, name, settings, **changes), "--hard", str(folder / "hard.tsv"), *more])


def test_command_writes_model_and_history(experiment):
    command(experiment)
    model, extras = load_model(experiment / "m.pt", torch.device("cpu"))
    assert extras["classes"] == ["a", "b"]
    assert extras["seed"] == 7
    assert extras["implementation"] == "fast"
    # For `softsed apply`: parts of the config, and the trimmed midrange of the training recordings' soft labels.
    assert extras["carried"] == {"pooling": "max", "context": "recording", "threshold": 0.4, "trim": 20}
    soft = read_soft(experiment / "soft.tsv", ["a", "b"])
    training = np.concatenate([soft[f"r{i}"] for i in range(3)])
    expected = (np.percentile(training, 20, axis=0) + np.percentile(training, 80, axis=0)) / 2
    np.testing.assert_allclose(extras["thresholds"], expected)
    assert not model.training
    lines = (experiment / "m.tsv").read_text().splitlines()
    assert lines[0].split("\t") == ["epoch", "train_loss", "validation_loss", "learning_rate", "constant_loss"]
    assert len(lines) == 3
    assert extras["sequence_frames"] == TRAINING["sequence_frames"]


def edit_features(folder, name):
    """Replace the features of one recording."""
    mel = np.load(folder / "features" / f"{name}.npz")["mel"]
    np.savez(
        folder / "features" / f"{name}.npz", mel=mel + np.linspace(0, 1, mel.size, dtype=np.float32).reshape(41, 16)
    )


@pytest.mark.parametrize(
    ("change", "options", "named"),
    [
        (lambda folder: edit_features(folder, "r0"), {}, "data"),
        (lambda folder: edit_features(folder, "r3"), {}, "data"),
        (lambda folder: edit_text(folder, "fold1.tsv", "r1\tscene\ttrain", "r1\tscene\ttest"), {}, "data"),
        (lambda folder: edit_text(folder, "fold1.tsv", "r4\tscene\ttest", "r4\tscene\tvalidation"), {}, "data"),
        (lambda folder: edit_text(folder, "soft.tsv", "0.", "0.0"), {}, "data"),
        (lambda folder: edit_text(folder, "classes.tsv", "a\nb", "b\na"), {}, "data"),
        (None, {"labels": "hard"}, "system, data"),
        (None, {"learning_rate": 0.02}, "config"),
        (None, {"implementation": "reference"}, "config"),
        (None, {"more": ["--seed", "8"]}, "seed"),
        # Changes without influence on the weights.
        (None, {"implementation": "fast"}, None),
        (lambda folder: edit_features(folder, "r4"), {}, None),
        (None, {"more": ["--threads", "2", "--checkpoint-every", "60"]}, None),
    ],
)
def test_only_the_same_training_is_continued(experiment, caplog, change, options, named):
    checkpoint = ["--checkpoint", str(experiment / "checkpoint.pt"), "--checkpoint-every", "0"]
    command(experiment, "m", *checkpoint)
    if change:
        change(experiment)
    with caplog.at_level(logging.INFO):
        command(experiment, "m", *checkpoint, *options.pop("more", []), **options)
    assert ("continuing after epoch 2" in caplog.text) == (named is None)
    assert named is None or f"training with other {named};" in caplog.text


def test_checkpoint_of_other_code_is_not_continued(experiment, caplog, monkeypatch):
    checkpoint = ["--checkpoint", str(experiment / "checkpoint.pt"), "--checkpoint-every", "0"]
    command(experiment, "m", *checkpoint)
    monkeypatch.setattr(training, "code", lambda stage: [f"softsed/{stage}.py@edited"])
    with caplog.at_level(logging.INFO):
        command(experiment, "m", *checkpoint)
    assert "training with other code;" in caplog.text
