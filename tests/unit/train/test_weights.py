"""Weights of seconds and classes: by hand, and what trainings make of them."""

import json
import math

import numpy as np
import pytest
from support.errors import refused
from support.trainings import arguments
from support.tsv import write_opinions

from softsed.labels.counts import main as count
from softsed.labels.counts import write_counts
from softsed.train import system
from softsed.train.weights import Weights, balance, read_counts

NONE = {"recordings": ["r"], "targets": [np.ones((4, 2))], "rate": 2, "classes": ["a", "b"], "counts": None}


def test_plain_system_has_equal_weights():
    assert (Weights.fit({}, **NONE).of("r", np.ones((4, 2)), 2) == 1).all()


def test_class_weights_by_hand_leave_out_nan():
    targets = [np.array([[0.5, 0, np.nan]] * 6), np.array([[1, 0, 0.25]] * 4)]  # at 2 frames per second
    expected = 1 / (1 + np.array([3.5, 0, 0.5]))
    np.testing.assert_allclose(balance(targets, 2), expected / expected.mean())


def test_counts_are_read_as_written(tmp_path):
    counts = {"x": np.array([[3, 0, 1], [0, 0, 2]]), "y": np.array([[0, 5, 0]])}
    write_counts(tmp_path / "counts.tsv", counts, ["a", "b", "c"])
    found = read_counts(tmp_path / "counts.tsv", ["a", "b", "c"])
    np.testing.assert_array_equal(found["x"], [[3, np.nan, 1], [0, np.nan, 2]])
    np.testing.assert_array_equal(found["y"], [[np.nan, 5, np.nan]])


def test_weights_by_opinions_relative_to_the_training(tmp_path):
    """The mean of r is 4 opinions; class b has none in s, which is not a training recording."""
    write_counts(tmp_path / "counts.tsv", {"r": np.array([[2, 6], [0, 8]]), "s": np.array([[2, 0]])}, ["a", "b"])
    options = NONE | {"counts": tmp_path / "counts.tsv"}
    weights = Weights.fit({"weight": "opinions"}, **options)
    np.testing.assert_allclose(weights.of("r", np.ones((4, 2)), 2), [[0.5, 1.5]] * 2 + [[0, 2]] * 2)
    np.testing.assert_allclose(weights.of("s", np.ones((2, 2)), 2), [[0.5, 1]] * 2)
    both = Weights.fit({"weight": "opinions", "class_weights": "balanced"}, **options | {"targets": [np.eye(2)]})
    np.testing.assert_allclose(both.of("s", np.ones((2, 2)), 2), [[0.5, 1]] * 2)  # both classes are as often active


def test_missing_or_wrong_counts_are_refused(tmp_path):
    with refused(key="--counts", problem="the option is missing"):
        Weights.fit({"weight": "opinions"}, **NONE)
    (tmp_path / "counts.tsv").write_text("recording\tonset\tlabel\topinions\nr\t0\ta\tmany\n")
    with refused(file="counts.tsv", problem="many"):
        read_counts(tmp_path / "counts.tsv", ["a"])


def test_training_without_opinions_is_refused(tmp_path):
    write_counts(tmp_path / "counts.tsv", {"s": np.array([[2, 0]])}, ["a", "b"])
    with refused(file="counts.tsv", problem="no opinion is about a training recording"):
        Weights.fit({"weight": "opinions"}, **NONE | {"counts": tmp_path / "counts.tsv"})


@pytest.fixture
def counted(experiment):
    """Count opinions of the experiment: only the first three of four seconds have any, the second one has two."""
    rows = "".join(f"r{i}\tscene\t4.1\n" for i in range(6))
    (experiment / "recordings.tsv").write_text("recording\tscene\tduration_s\n" + rows)
    (experiment / "scenes.tsv").write_text("scene\tclass\nscene\ta\nscene\tb\n")
    opinions = [(f"r{i}", onset, onset + 2, "Ann", name, 1) for i in range(6) for onset in (0, 1) for name in "ab"]
    write_opinions(experiment / "opinions.tsv", opinions)
    tables = [text for key in ("opinions", "recordings", "classes", "scenes") for text in (f"--{key}", f"{key}.tsv")]
    paths = [str(experiment / text) if text.endswith(".tsv") else text for text in tables]
    count([*paths, "--output", str(experiment / "counts.tsv")])
    return experiment


def history(folder, **keys):
    """Train for one epoch that changes nothing; return the losses of validation: of the network and of a constant."""
    settings = {"labels": "soft", "loss": "bce", "output": "sigmoid", **keys}
    options = arguments(folder, "m", settings, epochs=1, learning_rate=1e-12)
    system.main([*options, "--counts", str(folder / "counts.tsv")])
    values = (folder / "m.tsv").read_text().splitlines()[1].split("\t")
    return float(values[2]), float(values[4])


def test_seconds_without_opinions_do_not_count(counted):
    """Other labels of the last second change the loss of the plain system only."""
    before = history(counted, weight="opinions"), history(counted)
    lines = (counted / "soft.tsv").read_text().splitlines()
    changed = [line.rpartition("\t")[0] + "\t0.5" if line.startswith("r3\t3\t") else line for line in lines]
    (counted / "soft.tsv").write_text("\n".join(changed) + "\n")
    after = history(counted, weight="opinions"), history(counted)
    assert after[0] == before[0]
    assert after[1] != before[1]


def test_constant_loss_has_the_weights_of_the_system(counted):
    """By hand, with the class means of the training and the weights 1, 2, 1, 0 of the four seconds."""
    rows = [line.split("\t") for line in (counted / "soft.tsv").read_text().splitlines()[1:]]
    label = {(name, int(onset), one): float(value) for name, onset, _, one, value in rows}
    total = 0
    for one in "ab":
        p = (10 * sum(label[f"r{i}", t, one] for i in range(3) for t in range(4)) + 0.5) / (3 * 40 + 1)
        for t, weight in enumerate([1, 2, 1, 0]):
            y = label["r3", t, one]
            total -= weight * (y * math.log(p) + (1 - y) * math.log(1 - p))
    assert history(counted, weight="opinions")[1] == pytest.approx(total / 8, rel=1e-5)


def test_all_options_together_train_and_are_carried(counted):
    """A system with augmentation, the focal loss and both weights; its model is applied as any other."""
    import torch  # noqa: PLC0415

    from softsed.predict.system import load_model  # noqa: PLC0415

    augment = {"mixup": 0.2, "frequency_mask": 4, "time_mask_s": 0.5, "shift_s": 1, "gain_db": 6}
    keys = {"labels": "soft", "loss": "focal", "output": "sigmoid", "augment": augment}
    keys |= {"weight": "opinions", "class_weights": "balanced"}
    options = arguments(counted, "m", keys, epochs=3)
    place = options.index("--feature-config") + 1
    options[place] = json.dumps(json.loads(options[place]) | {"power": 2, "log": True})
    system.main([*options, "--counts", str(counted / "counts.tsv")])
    model, extras = load_model(counted / "m.pt", torch.device("cpu"))
    assert extras["system"] == keys
    assert torch.isfinite(model(torch.zeros(1, 20, 16))).all()
