"""Baselines without audio: metrics of made-up labels worked out by hand, and published systems beside them."""

import json

import numpy as np
import pandas as pd
import pytest
from support.project import ROOT
from support.tsv import read_rows, write_rows

from softsed.core.labels import harden, to_events, write_hard, write_soft
from softsed.evaluate import system
from softsed.planning.templates import list_templates
from softsed.predict import prior
from softsed.report import intervals, table1
from softsed.report.documents.published import METRICS, official_table
from softsed.report.documents.render import main
from softsed.report.documents.without_audio import find_ahead, widen_metrics

RESOURCES = ROOT / "workflow/resources"
CLASSES = ["car", "dog"]
# Labels of car and dog in four seconds; no dog in the street. Every recording is tested in one of two folds.
SOFT = {
    "street_1": np.array([[0.9, 0], [0.9, 0], [0.9, 0], [0.1, 0]]),
    "street_2": np.array([[0.9, 0], [0.9, 0], [0.7, 0], [0.3, 0]]),
    "yard_1": np.array([[0.1, 0.6], [0.1, 0.6], [0.1, 0.2], [0.1, 0.2]]),
    "yard_2": np.array([[0.3, 0.6], [0.3, 0.6], [0.3, 0.6], [0.3, 0.6]]),
}
PARTS = {
    "fold1": {"street_1": "test", "yard_1": "test", "street_2": "train", "yard_2": "validation"},
    "fold2": {"street_2": "test", "yard_2": "test", "street_1": "train", "yard_1": "validation"},
}
CONFIG = {"classes": "all", "threshold": 0.5, "trim": 0, "epsilon": 0.001}


@pytest.fixture
def page(tmp_path, monkeypatch):
    """Return a function that renders the document of an experiment from `SOFT`, by the commands of the rules."""
    monkeypatch.chdir(ROOT)
    write_soft(tmp_path / "soft.tsv", SOFT, CLASSES)
    events = {name: to_events(harden(values, 0.5), CLASSES) for name, values in SOFT.items()}
    write_hard(tmp_path / "hard.tsv", events)
    scenes = {name: name.partition("_")[0] for name in SOFT}
    write_rows(
        tmp_path / "recordings.tsv", [(n, s, 4.5) for n, s in scenes.items()], ("recording", "scene", "duration_s")
    )
    write_rows(tmp_path / "classes.tsv", CLASSES, "class")
    write_rows(tmp_path / "scenes.tsv", [(s, c) for s in ("street", "yard") for c in CLASSES], ("scene", "class"))
    files = {name: str(tmp_path / f"{name}.tsv") for name in ("soft", "hard", "recordings", "classes", "scenes")}
    labels = ["--soft", files["soft"], "--classes", files["classes"]]
    both = [*labels, "--hard", files["hard"]]
    folds = []
    for fold, parts in PARTS.items():
        rows = [(name, scenes[name], part) for name, part in parts.items()]
        folds.append(str(write_rows(tmp_path / f"{fold}.tsv", rows, ("recording", "scene", "part"))))
        for kind in ("scene_prior", "recording_prior"):
            scores = tmp_path / "predictions" / kind / "run1" / f"{fold}.tsv"
            scores.parent.mkdir(parents=True, exist_ok=True)
            prior.main(["--kind", kind, "--fold", folds[-1], *labels, "--output", str(scores)])
    scores = [str(tmp_path / "predictions/scene_prior/run1" / f"{fold}.tsv") for fold in PARTS]
    options = ["--system", "scene_prior", "--run", "1", "--loss", "none", "--scores", *scores, "--folds", *folds]
    config = ["--config", json.dumps(CONFIG)]
    system.main([*options, *both, *config, "--output", str(tmp_path / "facts.json")])
    tables = [tmp_path / f"{name}.tsv" for name in ("baselines", "baseline_differences", "table1")]
    options = ["--predictions", str(tmp_path / "predictions"), "--priors", "scene_prior", "--folds", *folds]
    options += ["--systems", '{"scene_prior": [1], "recording_prior": [1]}', "--metrics", str(tables[0])]
    intervals.main([*options, *both, *config, "--differences", str(tables[1])])
    options = [f"--{name}={files[name]}" for name in ("recordings", "classes", "scenes", "hard")]
    table1.main([*options, "--tsv", str(tables[2])])

    def write(source: str) -> str:
        options = ["without_audio", "--tables", *map(str, tables), str(RESOURCES / "published_systems.tsv")]
        options += ["--facts", str(tmp_path / "facts.json"), "--experiment", "mine", "--source", source, "--templates"]
        options += list_templates("workflow/softsed/report/documents/templates/without_audio.md.j2")
        main([*options, "--output", str(tmp_path / "page.md")])
        return (tmp_path / "page.md").read_text(encoding="utf-8")

    return write


def test_metrics_by_hand(page):
    """The scene prior scores street 1 with the car of street 2 (.7), yard 1 with the dog of yard 2 (.6), and so on.

    At 0.5 it has 8 of 12 active cells, 4 false alarms (1, 1 and 2) and 4 misses (yard 2). A lower threshold finds the
    dogs of both yards: 6 hits and 2 false alarms, as for the cars. The oracle misses the dog of yard 1 (.4) only.
    """
    text = page("own")
    assert "| `scene_prior` | 4 | 0.667 | 66.67 | 62.86 | 85.71 |" in text
    assert "| `recording_prior` | 4 | 0.333 | 83.33 | 82.86 | 85.71 |" in text
    assert "| `recording_prior` | `scene_prior` | 0.5 | -0.33 [" in text
    assert "4 recordings, 16 s" in text


def test_thresholds_by_hand(page):
    """Trained on street 2 the midrange of car is (.3 + .9) / 2, on street 1 (.1 + .9) / 2; no dog is trained on."""
    text = page("own")
    assert "| car | 2 | 0.550 | 0.500 | 0.600 |" in text
    assert "| dog | 2 |  |  |  |" in text


def test_undefined_metrics_are_empty():
    rows = [["prior", "0.5", "error_rate", np.nan, 4], ["prior", "any", "f1_best_macro", np.nan, 4]]
    rows += [["prior", "class-dependent", "error_rate", 0.5, 4]]
    frame = pd.DataFrame(rows, columns=["system", "threshold", "metric", "value", "recordings"])
    published = pd.DataFrame(columns=[*METRICS, "system", "recordings"])
    shown = [official_table(widen_metrics(frame, point), published) for point in ("0.5", "class-dependent")]
    assert [table.to_numpy().tolist() for table in shown] == [[["`prior`", "4"]], [["`prior`", "4", "0.500"]]]


def test_published_systems_of_maestro_real_only(page):
    demo = page("demo")
    assert ("published system of this table" in demo, "| Source |" in demo) == (False, False)
    assert "official script, which differs" not in demo
    text = page("maestro_real")
    assert "| H_BCE_sig | 75 | 0.44 | 70.60 |  |  | [" in text
    assert "| PANNs and multi-task CRNN | 49 | 0.406 | 76.61 | 39.87 | 49.30 | [" in text
    fixed, dependent = text.split("## Class-dependent thresholds")
    assert ("| S_MSE_lin | 75 | 0.44 |" in fixed, "| S_MSE_lin | 75 | 0.47 | 67.30 |" in dependent) == (True, True)
    assert "better than every published system of this table in ER_m, F1_m, F1_M, F1_MO." in text
    assert "official script, which differs from softsed by about 0.2" in text
    assert "75 recordings are those of the paper" in text


def test_intervals_name_reference_and_extension(page):
    intervals = page("own").split("## Intervals")[1]
    assert "AUROC within recordings measures temporal skill." in intervals
    assert "The reference is the soft labels." in intervals
    assert "Its intervals are extended" in intervals


def test_metrics_ahead_of_published_systems():
    """A lower error rate and a higher F1 are better; an equal value is not, and a metric without values is left out."""
    published = pd.DataFrame(
        [["0.4", "70", "", ""], ["0.5", "75", "36", ""]],
        columns=["error_rate", "f1_micro", "f1_macro", "f1_best_macro"],
    )
    ahead = pd.Series(dict(zip(METRICS, (0.39, 75.0, 36.1, 50.0), strict=True)))
    assert find_ahead(ahead, published) == ["ER_m", "F1_M"]
    assert find_ahead(ahead * 0, published) == ["ER_m"]


def test_published_systems_repeat_table_2_of_the_paper():
    names = ("system", "threshold", "error_rate", "f1_micro")
    paper = {tuple(row[name] for name in names) for row in read_rows(RESOURCES / "paper_table2.tsv")}
    rows = read_rows(RESOURCES / "published_systems.tsv")
    assert {tuple(row[name] for name in names) for row in rows if row["recordings"] == "75"} == paper
