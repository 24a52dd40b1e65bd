"""The table of metrics against the ground truth: which rows are compared, and their gains."""

import json
import statistics

import pandas as pd
import pytest
from support.tsv import read_rows

from softsed.report.ground_truth import COLUMNS, counterparts, group, main, make_table

HARD = {"labels": "hard", "loss": "bce", "output": "sigmoid"}
SOFT = {"labels": "soft", "loss": "mse", "output": "linear"}


def metrics(system, method, f1, *, run=1, training=None, points=("0.5", "class-dependent")):
    """Return metrics of two folds: macro F1 as given, pooled and by fold, and micro F1 half as large."""

    def summary(value):
        found = {
            "error_rate": 1 - value if value is not None else None,
            "f1_micro": value / 2 if value is not None else None,
            "f1_macro": value,
            "classes_detected": 3,
            "classes_in_reference": 4,
        }
        ranking = {"f1_best_macro": value, "mpauc": 0.5, "auroc_within": value}
        return {"operating_points": dict.fromkeys(points, found), "ranking": ranking, "mse": 0.25}

    pooled, *folds = f1
    return {
        **{"system": system, "run": run, "training": (training or {}) | {"method": method}},
        **{"classes": list("abcd"), "recordings": 2, "seconds": 120, "config": {"threshold": 0.5}},
        **{"pooled": summary(pooled), "folds": {f"fold{i}": summary(v) for i, v in enumerate(folds, start=1)}},
    }


def grouped(*found):
    systems = {}
    for one in found:
        systems.setdefault(one["system"], []).append(one)
    return group(systems)


def results(systems, reference):
    return make_table(systems, reference).to_dict("records")


def test_counterparts_differ_only_in_the_method():
    systems = grouped(
        metrics("labels", "eq1", [0.5], points=["0.5"]),
        metrics("labels", "joint", [0.5], points=["expected_f1"]),
        metrics("H", "eq1", [0.5], training=HARD),
        metrics("S", "eq1", [0.5], training=SOFT),
        metrics("S_joint", "joint", [0.5], training=SOFT),
        metrics("B_joint", "joint", [0.5], training=SOFT | {"loss": "bce"}),
        metrics("prior", "eq1", [0.5]),
    )
    expected = {("labels", "joint"): ("labels", "eq1"), ("S_joint", "joint"): ("S", "eq1")}
    assert counterparts(systems, "eq1") == expected
    assert counterparts(systems, "majority") == {}


def test_gain_is_pooled_and_deviation_within_folds():
    """A fold that is difficult for both systems does not increase the deviation of the gain, .1 in every fold."""
    rows = results(
        grouped(
            metrics("S", "eq1", [0.4, 0.2, 0.6], training=SOFT),
            metrics("S_joint", "joint", [0.55, 0.3, 0.7], training=SOFT),
        ),
        "eq1",
    )
    assert [(row["system"], row["threshold"]) for row in rows] == [
        *(("S", "0.5"), ("S", "class-dependent"), ("S_joint", "0.5"), ("S_joint", "class-dependent"))
    ]
    assert [row["against"] for row in rows[2:]] == ["S", "S"]
    assert all(pd.isna(row["against"]) for row in rows[:2])
    assert rows[2]["f1_macro"] == pytest.approx(55)
    assert rows[2]["f1_macro_std"] == pytest.approx(100 * statistics.stdev([0.3, 0.7]))
    assert (rows[2]["f1_macro_gain"], rows[2]["f1_micro_gain"]) == pytest.approx((15, 7.5))
    assert rows[2]["f1_macro_gain_std"] == pytest.approx(0, abs=1e-9)
    assert pd.isna(rows[0]["f1_macro_gain"])


def test_gain_pairs_runs_and_skips_undefined_folds():
    rows = results(
        grouped(
            metrics("S", "eq1", [0.4, 0.2, None], training=SOFT),
            metrics("S", "eq1", [0.6, 0.5, 0.7], run=2, training=SOFT),
            metrics("S_joint", "joint", [0.5, 0.3, None], training=SOFT),
            metrics("S_joint", "joint", [0.5, 0.4, 0.8], run=2, training=SOFT),
        ),
        "eq1",
    )
    assert rows[2]["f1_macro_gain"] == pytest.approx(0)
    assert rows[2]["f1_macro_gain_std"] == pytest.approx(100 * statistics.stdev([0.1, -0.1, 0.1]))
    assert rows[2]["runs"] == 2


def test_command_writes_table(tmp_path):
    found = [
        metrics("labels", "eq1", [0.5, 0.4, 0.6], points=["0.5"]),
        metrics("labels", "joint", [0.8, 0.7, 0.9], points=["expected_f1"]),
        metrics("scene_prior", "eq1", [0.2, None, 0.2]),
    ]
    paths = [tmp_path / f"{index}.json" for index in range(len(found))]
    for path, one in zip(paths, found, strict=True):
        path.write_text(json.dumps(one))
    main(
        [
            *("--metrics", *map(str, paths), "--reference", "eq1", "--tsv", str(tmp_path / "truth.tsv")),
        ]
    )
    rows = read_rows(tmp_path / "truth.tsv")
    assert list(rows[0]) == COLUMNS
    assert [row["against"] for row in rows] == ["", "labels, eq1", "", ""]
    assert (rows[1]["threshold"], rows[1]["against_threshold"]) == ("expected_f1", "0.5")
    assert float(rows[1]["f1_macro_gain"]) == pytest.approx(30)
    assert rows[2]["f1_macro_std"] == ""
    assert [float(row["auroc_within"]) for row in rows] == pytest.approx([50, 80, 20, 20])
    assert float(rows[0]["auroc_within_std"]) == pytest.approx(100 * statistics.stdev([0.4, 0.6]), rel=1e-5)
    assert (rows[1]["classes_detected"], rows[1]["classes_in_reference"]) == ("3", "4")


def test_table_without_counterparts():
    (row, _) = results(grouped(metrics("S", "eq1", [0.4, 0.2, 0.6], training=SOFT)), "eq1")
    assert list(row) == COLUMNS
    assert pd.isna(row["f1_macro_gain"])
