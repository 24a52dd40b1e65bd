"""Every benchmark runs at its smallest size, and the table that it writes has a header and rows."""

import csv
import sys

import numpy as np
import pytest
from support.project import ROOT
from support.run import run

from softsed.core.labels import to_events, write_hard, write_soft
from softsed.core.metadata import read_classes
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


def write_labelled_features(folder):
    """Write features, soft and hard labels, and two folds of four recordings of 12 s at 5 frames per second."""
    classes = read_classes(ROOT / "workflow/resources/classes.tsv")
    labels, names = folder / "labels/eq1", list("abcd")
    for path in (labels, folder / "features", folder / "folds"):
        path.mkdir(parents=True)
    rng = np.random.default_rng(0)
    soft = {name: rng.uniform(size=(12, len(classes))) for name in names}
    write_soft(labels / "soft.tsv", soft, classes)
    write_hard(labels / "hard.tsv", {name: to_events(values > 0.5, classes) for name, values in soft.items()})
    for name in names:
        np.savez(folder / f"features/{name}.npz", mel=rng.normal(size=(61, 64)).astype(np.float32), hop_s=0.2)
    for fold, parts in enumerate(
        (("train", "train", "validation", "test"), ("test", "train", "train", "validation")), 1
    ):
        rows = "".join(f"{name}\tscene\t{part}\n" for name, part in zip(names, parts, strict=True))
        (folder / f"folds/fold{fold}.tsv").write_text("recording\tscene\tpart\n" + rows)
    return [folder]


INPUTS = {
    "lead": write_annotations,
    "psds": write_experiment,
    "seeds": write_labelled_features,
    "sequence_length": write_labelled_features,
}
TINY = ["--recordings", ROOT / "tests/workflow/tiny.tsv"]


def test_scripts_are_found():
    expected = {"accelerator", "features", "intervals", "labels", "layers", "macs", "readings", "training", "workflow"}
    assert expected | set(INPUTS) <= set(SCRIPTS)


@pytest.mark.parametrize("script", SCRIPTS)
def test_script_writes_a_table(script, tmp_path, finished):
    inputs = INPUTS.get(script, lambda _: [])(tmp_path)
    if script == "readings":
        inputs = [finished / "results/tiny", *TINY]
    table = tmp_path / "out/table.tsv"
    command = [sys.executable, FOLDER / f"{script}.py", *inputs[:1], table, *inputs[1:], "--smoke"]
    shown = run(ROOT, *command, PYTHONPATH=str(ROOT / "workflow"))
    with table.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file, delimiter="\t")
    assert rows
    assert all(len(row) == len(header) for row in rows)
    assert table.read_text() in shown
