"""Training on opinions: inputs, content of the model file, and values without influence."""

import json
import logging

import numpy as np
import pytest
import torch
from support.errors import refused
from support.trainings import arguments, edit_text
from support.tsv import write_opinions

from softsed.core.code_hash import code
from softsed.core.metadata import read_asked
from softsed.core.opinions import read_opinions
from softsed.labels.joint.dependence import count_independent
from softsed.predict.system import load_model
from softsed.train import on_opinions
from softsed.train.crowd.sequences import select


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


def options_of(folder, name="m", *more, mask=None):
    """Return the arguments of a training on the opinions."""
    system = {"labels": "opinions", "loss": "crowd", "output": "sigmoid"} | ({"mask": mask} if mask else {})
    files = {f"--{table}": f"{table}.tsv" for table in ("opinions", "recordings", "scenes")}
    files["--annotators"] = "annotators.json"
    options = [text for key, value in files.items() for text in (key, str(folder / value))]
    return [*arguments(folder, name, system), *options, *more]


def learn(folder, name="m", *more):
    on_opinions.main(options_of(folder, name, *more))


def test_model_contains_the_crowd(crowd):
    learn(crowd)
    model, extras = load_model(crowd / "m.pt", torch.device("cpu"))
    assert extras["crowd"]["annotators"] == ["Ann", "Bob"]
    assert extras["crowd"]["competence"].shape == (2, 2)
    assert extras["sequence_frames"] == 20
    assert extras["made"]["code"] == code("train.on_opinions")
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


@pytest.mark.parametrize(("mask", "seconds"), [(None, 3 * 4), ("asked", 0)])
def test_classes_that_are_not_annotated_are_inactive(crowd, mask, seconds):
    """Each whole second of the training recordings counts once, unless only annotated classes count."""
    edit_text(crowd, "scenes.tsv", "scene\tb\n", "")
    lines = (crowd / "opinions.tsv").read_text().splitlines(keepends=True)
    (crowd / "opinions.tsv").write_text("".join(line for line in lines if "\tb\t" not in line))
    options = on_opinions.make_parser().parse_args(options_of(crowd, mask=mask))
    material = on_opinions.prepare(options, ["a", "b"])
    assert material.training.inactive.sum(dim=(0, 1)).tolist() == [0, seconds]
    assert set(material.training.label.tolist()) == {0}


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


def test_window_of_longer_validation_recording_is_used(crowd):
    """The training recordings of 4 s do not limit the sequences."""
    edit_text(crowd, "recordings.tsv", "r3\tscene\t4.1", "r3\tscene\t6.1")
    np.savez(crowd / "features/r3.npz", mel=np.zeros((61, 16), np.float32))
    with (crowd / "opinions.tsv").open("a") as file:
        file.write("r3\t0\t6\tAnn\ta\t1\n")
    options = on_opinions.make_parser().parse_args(options_of(crowd))
    options.config["sequence_frames"] = 100
    material = on_opinions.prepare(options, ["a", "b"])
    assert (material.validation.offset - material.validation.onset).max() == 6


@pytest.mark.parametrize(("mask", "seconds"), [(None, 3 * 4), ("asked", 2 * 4)])
def test_output_bias_is_the_share_of_counted_seconds(crowd, mask, seconds):
    """Class b is not annotated in the scene of one of three training recordings of 4 s; 3 and 2 s are active."""
    edit_text(crowd, "recordings.tsv", "r0\tscene", "r0\tother")
    edit_text(crowd, "scenes.tsv", "scene\tb\n", "scene\tb\nother\ta\n")
    edit_text(crowd, "fold1.tsv", "r0\tscene", "r0\tother")
    lines = (crowd / "opinions.tsv").read_text().splitlines(keepends=True)
    kept = [line for line in lines if not (line.startswith("r0") and "\tb\t" in line)]
    (crowd / "opinions.tsv").write_text("".join(kept))
    options = on_opinions.make_parser().parse_args(options_of(crowd, mask=mask))
    np.testing.assert_allclose(on_opinions.prepare(options, ["a", "b"]).means, [3 / 12, 2 / seconds])
