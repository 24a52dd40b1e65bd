"""Every benchmark runs at its smallest size, and the table that it writes has a header and rows."""

import csv
import sys

import numpy as np
import pytest
from support.project import ROOT
from support.run import run

from softsed.core.scores import write_scores

pytestmark = pytest.mark.slow

FOLDER = ROOT / "benchmarks"
SCRIPTS = sorted(path.stem for path in FOLDER.glob("*.py") if "build_parser(__doc__" in path.read_text("utf-8"))


def write_annotations(folder):
    """Write strong labels of three annotators, who mostly agree, as LEAD publishes them."""
    lines = ["recording\tscene\tannotator\tonset\toffset\tlabel"]
    for recording in ("a", "b"):
        for annotator in range(3):
            lines += [f"{recording}\tstreet\t{annotator}\t{2 + annotator}\t{9 + annotator}\tcar"]
            lines += [f"{recording}\tstreet\t{annotator}\t20\t30\tbirds"]
    (folder / "annotations.tsv").write_text("\n".join(lines) + "\n")
    return [folder / "annotations.tsv"]


def write_experiment(folder):
    """Write true events and scores of two recordings and one system."""
    (folder / "classes.tsv").write_text("class\na\nb\n")
    (folder / "recordings.tsv").write_text("recording\tscene\tduration_s\nr\tx\t10\ns\tx\t10\n")
    (folder / "data/truth").mkdir(parents=True)
    run = folder / "predictions/S_MSE_lin/run1"
    run.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for fold, name in enumerate("rs", start=1):
        (folder / f"data/truth/{name}.tsv").write_text("onset\toffset\tlabel\n1\t4\ta\n3\t5\ta\n2\t8\tb\n")
        write_scores(run / f"fold{fold}.tsv", {name: rng.uniform(size=(10, 2))}, ["a", "b"])
    return [folder, "--classes", folder / "classes.tsv", "--recordings", folder / "recordings.tsv"]


def test_scripts_are_found():
    assert {"features", "labels", "layers", "lead", "psds", "training", "workflow"} <= set(SCRIPTS)


@pytest.mark.parametrize("script", SCRIPTS)
def test_script_writes_a_table(script, tmp_path):
    inputs = {"lead": write_annotations, "psds": write_experiment}.get(script, lambda _: [])(tmp_path)
    table = tmp_path / "out/table.tsv"
    command = [sys.executable, FOLDER / f"{script}.py", *inputs[:1], table, *inputs[1:], "--smoke"]
    shown = run(ROOT, *command, PYTHONPATH=str(ROOT / "workflow"))
    with table.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file, delimiter="\t")
    assert rows
    assert all(len(row) == len(header) for row in rows)
    assert table.read_text() in shown
