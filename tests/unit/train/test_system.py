"""The training step: its files, what the model file contains, and what a checkpoint may be continued by."""

import json
import logging

import numpy as np
import pytest
import torch
from support.errors import refused
from support.networks import TRAINING
from support.tsv import write_opinions

from softsed.core.labels import read_soft, to_events, write_hard, write_soft
from softsed.core.metadata import read_asked
from softsed.core.opinions import read_opinions
from softsed.labels.joint.dependence import count_independent
from softsed.predict.system import load_model
from softsed.train import system
from softsed.train.opinion_sequences import select


@pytest.fixture
def experiment(tmp_path):
    """Write the files of six recordings of 4 s at 10 frames per second, as the workflow does."""
    classes = ["a", "b"]
    (tmp_path / "classes.tsv").write_text("class\na\nb\n")
    (tmp_path / "features").mkdir()
    rng = np.random.default_rng(0)
    for i in range(6):
        np.savez(tmp_path / "features" / f"r{i}.npz", mel=rng.normal(i, 1, (41, 16)).astype(np.float32))
    soft = {f"r{i}": rng.uniform(0, 1, (4, 2)) for i in range(6)}
    write_soft(tmp_path / "soft.tsv", soft, classes)
    write_hard(tmp_path / "hard.tsv", {name: to_events(values > 0.5, classes) for name, values in soft.items()})
    parts = ["train"] * 3 + ["validation"] + ["test"] * 2
    rows = "".join(f"r{i}\tscene\t{part}\n" for i, part in enumerate(parts))
    (tmp_path / "fold1.tsv").write_text("recording\tscene\tpart\n" + rows)
    return tmp_path


def command(folder, name="m", *more, labels="soft", **changes):
    sections = {
        "--system": {"labels": labels, "loss": "mse", "output": "linear"},
        "--config": {**TRAINING, "epochs": 2, **changes},
        "--feature-config": {"mel_bands": 16, "hop_s": 0.1, "sample_rate": 1000},
        "--carried": {"pooling": "max", "context": "recording", "threshold": 0.4, "trim": 20},
    }
    files = {"--fold": "fold1.tsv", "--features": "features", "--soft": "soft.tsv", "--hard": "hard.tsv"}
    files |= {"--classes": "classes.tsv", "--model": f"{name}.pt", "--history": f"{name}.tsv"}
    arguments = ["--seed", "7", "--device", "cpu"]
    arguments += [text for key, value in sections.items() for text in (key, json.dumps(value))]
    arguments += [text for key, value in files.items() for text in (key, str(folder / value))]
    system.main([*arguments, *more])


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


@pytest.fixture
def crowd(experiment):
    """Write opinions of three annotators on windows of 2 s; one has opinions on the validation recording only."""
    (experiment / "recordings.tsv").write_text(
        "recording\tscene\tduration_s\n" + "".join(f"r{i}\tscene\t4.1\n" for i in range(6))
    )
    (experiment / "scenes.tsv").write_text("scene\tclass\nscene\ta\nscene\tb\n")
    rng, rows = np.random.default_rng(1), []
    for i in range(6):
        for onset in (0, 1, 2):
            for who in ("Ann", "Bob") if i != 3 else ("Ann", "Eve"):
                rows += [(f"r{i}", onset, onset + 2, who, name, int(rng.uniform() < 0.4)) for name in "ab"]
    write_opinions(experiment / "opinions.tsv", rows)
    crowd = {"detection": 0.3, "annotators": ["Ann", "Bob"], "false_alarm": [0.02, 0.02], "active_s": [3, 2]}
    crowd |= {"competence": [[0.7, 0.6], [0.5, 0.4]], "tick_rate": [[0.2, 0.2], [0.3, 0.3]]}
    (experiment / "annotators.json").write_text(json.dumps(crowd))
    return experiment


def learn(folder, name="m", *more, **changes):
    """Train on the opinions."""
    system = {"labels": "opinions", "loss": "crowd", "output": "sigmoid", "unticked": "absent"}
    files = [str(folder / file) for file in ("opinions.tsv", "recordings.tsv", "scenes.tsv", "annotators.json")]
    command(folder, name, "--system", json.dumps(system), "--opinions", *files, *more, **changes)


def test_model_contains_the_crowd(crowd):
    learn(crowd)
    model, extras = load_model(crowd / "m.pt", torch.device("cpu"))
    assert extras["crowd"]["annotators"] == ["Ann", "Bob"]
    assert extras["crowd"]["competence"].shape == (2, 2)
    assert extras["sequence_frames"] == 20
    assert model.output == "sigmoid"
    assert len((crowd / "m.tsv").read_text().splitlines()) == 3


def test_constant_of_opinions_is_the_share_of_ticks(crowd):
    learn(crowd)
    lines = [line.split("\t") for line in (crowd / "opinions.tsv").read_text().splitlines()[1:]]
    # The answers of an annotator about overlapping windows count less: with windows of 2 s every second, the weights
    # of the first, middle and last window are 1 / (1 + rho k), with k = 1/2, 1 and 1/2.
    with_eve = [line for line in lines if line[0] == "r3"]
    share = {}
    rho = count_independent(select(read_opinions_of(crowd), ["r0", "r1", "r2", "r3"]))[0]
    weight = {"0": 1 / (1 + rho / 2), "1": 1 / (1 + rho), "2": 1 / (1 + rho / 2)}
    for name in "ab":
        mine = [line for line in lines if line[0] in ("r0", "r1", "r2") and line[4] == name]
        ticks = sum(weight[line[1]] * int(line[5]) for line in mine)
        share[name] = (ticks + 0.5) / (sum(weight[line[1]] for line in mine) + 1)
    losses = [-weight[line[1]] * np.log(share[line[4]] if line[5] == "1" else 1 - share[line[4]]) for line in with_eve]
    expected = sum(losses) / sum(weight[line[1]] for line in with_eve)
    found = float((crowd / "m.tsv").read_text().splitlines()[1].split("\t")[-1])
    assert found == pytest.approx(expected, rel=1e-5)


def read_opinions_of(folder):
    recordings, asked = read_asked(folder / "recordings.tsv", folder / "scenes.tsv", ["a", "b"])
    return read_opinions(folder / "opinions.tsv", ["a", "b"], asked=asked, recordings=recordings)


def test_opinions_on_test_recordings_have_no_influence(crowd):
    learn(crowd, "before")
    for name in ("r4", "r5"):
        text = (crowd / "opinions.tsv").read_text()
        lines = [line for line in text.splitlines(keepends=True) if not line.startswith(name)]
        (crowd / "opinions.tsv").write_text("".join(lines) + f"{name}\t0\t2\tAnn\ta\t1\n")
    learn(crowd, "after")
    before, after = (torch.load(crowd / f"{name}.pt", weights_only=True) for name in ("before", "after"))
    assert all(torch.equal(before["state"][name], after["state"][name]) for name in before["state"])


def test_training_on_other_opinions_is_not_continued(crowd, caplog):
    checkpoint = ["--checkpoint", str(crowd / "checkpoint.pt"), "--checkpoint-every", "0"]
    learn(crowd, "m", *checkpoint)
    with caplog.at_level(logging.INFO):
        learn(crowd, "m", *checkpoint)
    assert "continuing after epoch 2" in caplog.text
    edit_text(crowd, "opinions.tsv", "r0\t0\t2\tAnn\ta\t", "r0\t0\t2\tZoe\ta\t")
    with caplog.at_level(logging.INFO):
        learn(crowd, "m", *checkpoint)
    assert "training with other data;" in caplog.text
    learn(crowd, "m", *checkpoint)
    edit_text(crowd, "annotators.json", "0.7", "0.8")
    caplog.clear()
    with caplog.at_level(logging.INFO):
        learn(crowd, "m", *checkpoint)
    assert "training with other data;" in caplog.text


def test_validation_without_opinions_is_refused(crowd):
    lines = (crowd / "opinions.tsv").read_text().splitlines(keepends=True)
    (crowd / "opinions.tsv").write_text("".join(line for line in lines if not line.startswith("r3")))
    with refused(file="fold1.tsv", problem="validation"):
        learn(crowd)


def test_opinions_without_tables_are_refused(crowd):
    with refused(key="--opinions", problem="opinions"):
        learn(crowd, "m", "--opinions")


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


def edit_features(folder, name):
    """Replace the features of one recording."""
    mel = np.load(folder / "features" / f"{name}.npz")["mel"]
    np.savez(
        folder / "features" / f"{name}.npz", mel=mel + np.linspace(0, 1, mel.size, dtype=np.float32).reshape(41, 16)
    )


def edit_text(folder, name, before, after):
    text = (folder / name).read_text()
    assert before in text
    (folder / name).write_text(text.replace(before, after))


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
    monkeypatch.setattr(system, "code", lambda stage: [f"softsed/{stage}.py@edited"])
    with caplog.at_level(logging.INFO):
        command(experiment, "m", *checkpoint)
    assert "training with other code;" in caplog.text
