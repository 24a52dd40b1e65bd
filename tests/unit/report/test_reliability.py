"""Reliability diagrams of systems, against those of scikit-learn and worked by hand."""

import json

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from support.tsv import read_rows

from softsed.core.labels import harden, to_events, write_hard, write_soft
from softsed.core.scores import write_scores
from softsed.evaluate.inputs import EvaluationInputs
from softsed.report.reliability import diagram_rows, main, sum_up

RUNS = {"system": [1, 2], "prior": [1]}


def random_inputs(rng, **names):
    soft = {name: rng.random((seconds, 3)) for name, seconds in names.items()}
    for values in soft.values():
        values[:, 2] = np.nan  # not annotated in the scene
    scores = {name: rng.uniform(-0.3, 1.3, values.shape) for name, values in soft.items()}
    hard = {name: np.nan_to_num(values) > 0.5 for name, values in soft.items()}
    return EvaluationInputs(["a", "b", "c"], {"fold1": (scores, [])}, soft, hard)


def test_equals_scikit_learn():
    inputs = random_inputs(np.random.default_rng(0), one=300, two=200)
    scores = np.concatenate([np.clip(values[:, :2], 0, 1).ravel() for values in inputs.folds["fold1"][0].values()])
    active = np.concatenate([inputs.hard[name][:, :2].ravel() for name in ("one", "two")])
    shares, means = calibration_curve(active, scores, n_bins=10)
    rows = diagram_rows("system", "hard", sum_up(inputs)["hard"])
    assert [row["score"] for row in rows] == pytest.approx(list(means))
    assert [row["label"] for row in rows] == pytest.approx(list(shares))
    assert sum(row["cells"] for row in rows) == 1000  # classes that are not annotated are left out


def test_soft_and_hard_labels_as_reference():
    soft = {"one": np.array([[0.2, np.nan], [0.4, 0.9]])}
    folds = {"fold1": ({"one": np.array([[0.12, 0.5], [0.16, 2.0]])}, [])}
    inputs = EvaluationInputs(["a", "b"], folds, soft, {"one": soft["one"] > 0.5})
    hard, level = (diagram_rows("s", kind, sum_up(inputs)[kind]) for kind in ("hard", "soft"))
    assert (level[1]["cells"], level[1]["score"], level[1]["label"]) == pytest.approx((2, 0.14, 0.3))
    assert (level[9]["score"], level[9]["label"], hard[9]["label"], hard[1]["label"]) == pytest.approx((1, 0.9, 1, 0))
    assert level[5]["cells"] == 0  # the score 0.5 is of a class that is not annotated
    assert level[5]["score"] is level[5]["label"] is None
    assert level[0]["calibration_error"] == pytest.approx((2 * 0.16 + 0.1) / 3)
    assert hard[0]["calibration_error"] == pytest.approx(2 * 0.14 / 3)


def test_table_pools_runs(tmp_path):
    rng = np.random.default_rng(1)
    soft = {name: rng.random((30, 2)).round(3) for name in ("one", "two", "three")}
    write_soft(tmp_path / "soft.tsv", soft, ["a", "b"])
    write_hard(tmp_path / "hard.tsv", {n: to_events(harden(v, 0.5), ["a", "b"]) for n, v in soft.items()})
    (tmp_path / "classes.tsv").write_text("class\na\nb\n")
    folds = {"fold1": ("one", "two"), "fold2": ("two", "one")}
    for fold, (tested, other) in folds.items():
        rows = f"{tested}\ts\ttest\n{other}\ts\ttrain\nthree\ts\tvalidation\n"
        (tmp_path / f"{fold}.tsv").write_text(f"recording\tscene\tpart\n{rows}")
        for system, runs in RUNS.items():
            for run in runs:
                path = tmp_path / system / f"run{run}" / f"{fold}.tsv"
                path.parent.mkdir(parents=True, exist_ok=True)
                levels = soft[tested] if system == "prior" else np.full((30, 2), 0.3 * run)
                write_scores(path, {tested: levels}, ["a", "b"])
    arguments = ["--predictions", tmp_path, "--systems", json.dumps(RUNS), "--evaluated", '"all"']
    arguments += ["--folds", *(tmp_path / f"{fold}.tsv" for fold in folds), "--tsv", tmp_path / "out.tsv"]
    for name in ("soft", "hard", "classes"):
        arguments += [f"--{name}", tmp_path / f"{name}.tsv"]
    main([str(word) for word in arguments])
    rows = read_rows(tmp_path / "out.tsv")
    assert [(row["system"], row["reference"]) for row in rows[::10]] == [
        ("system", "hard"), ("system", "soft"), ("prior", "hard"), ("prior", "soft"),
    ]  # fmt: skip
    counts = {row["bin_from"]: int(row["cells"]) for row in rows[:10]}
    assert {place: n for place, n in counts.items() if n} == {"0.3": 120, "0.6": 120}
    assert {row["calibration_error"] for row in rows if (row["system"], row["reference"]) == ("prior", "soft")} == {"0"}
