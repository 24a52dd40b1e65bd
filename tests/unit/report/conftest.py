"""Metrics files with known values, which several tables of the report read."""

import json

import pytest
from support.project import ROOT

from softsed.report import curve_tables
from softsed.report import table2 as tables

RESOURCES = ROOT / "workflow" / "resources"
POINTS = ("0.5", "class-dependent", "class-dependent, all classes")
THRESHOLDS = {fold: {"car": 0.5, "footsteps": 0.3, "people talking": 0.4} for fold in ("fold1", "fold2")}


def point(error_rate, f1, macro, detected, class_wise):
    values = {name: {"f1": value} for name, value in class_wise.items()}
    return {
        "error_rate": error_rate,
        "f1_micro": f1,
        "f1_macro": macro,
        "classes_detected": detected,
        "classes_in_reference": sum(value is not None for value in class_wise.values()),
        "class_wise": values,
    }


def metrics(system, run, loss, shift=0.0):
    def result(offset):
        first = point(
            0.4 + offset, 0.7 - offset, 0.2, 1, {"car": 0.8 - offset, "people talking": 0.0, "footsteps": None}
        )
        second = point(0.5 + offset, 0.6 - offset, 0.4, 2, {"car": 0.5, "people talking": 0.3, "footsteps": None})
        kld = {
            "hard": {"kld_time": 3 + offset, "kld_bernoulli": 4},
            "soft": {"kld_time": 1 + offset, "kld_bernoulli": 2},
        }
        beyond = {"car": 0.5, "people talking": 0.3, "footsteps": None, "shopping cart": 0.0, "announcement": 0.1}
        third = point(0.6 + offset, 0.5 - offset, 0.25, 3, beyond)
        return {
            **{"operating_points": dict(zip(POINTS, (first, second, third), strict=True)), "kld": kld},
            "ranking": {
                "hard": {"f1_best_macro": 0.45 - offset, "mpauc": 0.3, "auroc_within": 0.75 - offset},
                "soft": {"auroc_within": 0.65 - offset},
            },
            "without_hard_labels": {"classes": ["announcement"], "classes_detected": ["announcement"][: int(run == 1)]},
        }

    return {
        **{"system": system, "run": run, "loss": loss, "kld_reference": "hard" if loss == "bce" else "soft"},
        **{"classes": ["car", "footsteps", "people talking"], "recordings": 49, "seconds": 11000},
        **{"config": {"epsilon": 1e-7}, "thresholds": {"0.5": 0.5, **dict.fromkeys(POINTS[1:], THRESHOLDS)}},
        **{"pooled": result(shift), "folds": {"fold1": result(shift - 0.1), "fold2": result(shift + 0.1)}},
    }


@pytest.fixture
def files(tmp_path):
    """Return a folder, and metrics files of four systems, one of them with two runs."""
    made = {
        "h1": metrics("H_BCE_sig", 1, "bce"),
        "h2": metrics("H_BCE_sig", 2, "bce", 0.02),
        "own": metrics("my_system", 1, "mse"),
        "s1": metrics("S_MSE_lin", 1, "mse"),
        "prior": metrics("scene_prior", 1, "none", 0.05),
    }
    for name, content in made.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    return tmp_path, [str(tmp_path / f"{name}.json") for name in made]


@pytest.fixture
def undefined(tmp_path):
    """Return a folder, and the metrics file of a system without any reference at the threshold 0.5."""
    found = metrics("my_system", 1, "mse")
    for part in (found["pooled"], *found["folds"].values()):
        part["operating_points"]["0.5"] |= {"error_rate": None, "f1_micro": None, "f1_macro": None}
        part["kld"]["soft"] = {"kld_time": None, "kld_bernoulli": None}
    (tmp_path / "undefined.json").write_text(json.dumps(found))
    return tmp_path, [str(tmp_path / "undefined.json")]


@pytest.fixture
def table2():
    """Return a function that makes Table 2 from metrics files."""

    def make(folder, paths):
        outputs = ["--tsv", str(folder / "table2.tsv"), "--json", str(folder / "metrics.json")]
        tables.main(["--metrics", *paths, "--paper", str(RESOURCES / "paper_table2.tsv"), *outputs])
        return folder / "table2.tsv"

    return make


@pytest.fixture
def figure2():
    """Return a function that makes the table of Fig. 2 from metrics files and Table 1."""

    def make(folder, paths, *names):
        (folder / "table1.tsv").write_text(
            "scene\tcar\tfootsteps\tpeople talking\tfiles\nx\t2\t7\t-\t1\ny\t1\t-\t5\t1\nTotal\t3\t7\t5\t2\n"
        )
        outputs = ["--table1", str(folder / "table1.tsv"), "--tsv", str(folder / "figure2.tsv")]
        curve_tables.main(["figure2", "--metrics", *paths, "--curves", *names, *outputs])
        return folder / "figure2.tsv"

    return make
