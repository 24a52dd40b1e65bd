"""`make demo` as the README has it, in a clone, and what its tables must show."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import copy_project, planned

from softsed.classes import read_classes
from softsed.labels import read_soft


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The folder of a finished `make demo`, run in the environment of the tests, and what it printed."""
    folder = copy_project(tmp_path_factory.mktemp("demo"))
    environment = Path(sys.executable).parents[1]
    # The environment is complete: its marks are newer than the copied lock files.
    for name in ("workflow", "tests"):
        (environment / name).touch()
    # As typed by a person: without what a make around these tests would hand on.
    variables = {key: value for key, value in os.environ.items() if key not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    command = ["make", "demo", f"VENV={environment}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, env=variables)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder, done.stdout


def rows(folder, name):
    with (folder / "results/demo/report" / f"{name}.tsv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def test_ends_with_the_tables_and_where_the_figures_are(demo):
    folder, shown = demo
    assert "| `S_MSE_lin` | class-dependent |" in shown
    assert "results/demo/report" in shown.splitlines()[-1]
    for name in ("figure2.png", "training.png", "report.html"):
        assert (folder / "results/demo/report" / name).stat().st_size > 10_000


def test_soft_labels_with_class_dependent_thresholds_find_what_hard_labels_miss(demo):
    table = {(row["system"], row["threshold"]): row for row in rows(demo[0], "table2")}
    soft, hard = table["S_MSE_lin", "class-dependent"], table["H_BCE_sig", "0.5"]
    assert int(soft["classes_detected"]) > int(hard["classes_detected"])
    assert float(soft["f1_macro"]) > float(hard["f1_macro"]) + 10
    # Against the same reference, and above what the scene alone gives.
    assert float(soft["f1_macro"]) > float(table["scene_prior", "class-dependent"]["f1_macro"]) + 5
    assert float(soft["f1_macro"]) > float(table["H_BCE_sig", "class-dependent"]["f1_macro"]) + 5


def test_nothing_is_left_to_do(demo):
    assert planned(demo[0], configuration=["--configfile", "workflow/demo.yaml"]) == {}


def test_labels_resemble_the_published_ones(demo):
    # Published (25 recordings, evaluated classes, cells of asked classes): 98 % not zero, median of these .245, half of
    # the cells within .2 to .8, a quarter above .5; autocorrelation of 60-s pieces .92 at 1 s and .58 at 5 s.
    folder = demo[0]
    classes = read_classes(folder / "workflow/resources/classes.tsv")
    evaluated = [column for column, counts in enumerate(classes.values()) if counts]
    paths = sorted((folder / "results/demo/labels/eq1/soft").glob("*.txt"))
    series = [column for path in paths for column in read_soft(path, list(classes))[:, evaluated].T]
    series = np.stack([column for column in series if not np.isnan(column).any()])
    assert (series > 0).mean() > 0.91
    assert np.median(series[series > 0]) == pytest.approx(0.245, abs=0.08)
    assert ((series > 0.2) & (series < 0.8)).mean() == pytest.approx(0.5, abs=0.1)
    assert (series > 0.5).mean() == pytest.approx(0.24, abs=0.08)
    centred = series - series.mean(axis=1, keepdims=True)
    for lag, published in [(1, 0.92), (5, 0.58)]:
        correlation = (centred[:, lag:] * centred[:, :-lag]).mean() / (centred**2).mean()
        assert correlation == pytest.approx(published, abs=0.1)
