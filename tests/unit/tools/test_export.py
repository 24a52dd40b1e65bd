"""Exports, read back with the libraries that they are for."""

import json
import sys
import warnings

import numpy as np
import pytest
from support.errors import refused

from softsed.core.labels import Event, to_events, write_hard, write_soft
from softsed.core.scores import write_scores
from softsed.evaluate.segments import count, metrics_of
from softsed.tools import export

with warnings.catch_warnings():
    warnings.simplefilter("ignore", UserWarning)  # dcase_util announces the end of pkg_resources
    import sed_eval
    import sed_scores_eval

CLASSES = ["car", "people talking", "wind_blowing"]
ODD = "-ç (2) [x]"  # files of an export have the names of the recordings
RNG = np.random.default_rng(0)
SOFT = {name: np.round(RNG.random((12, 3)), 6) for name in ("a.1", "b", ODD)}
SOFT["b"][:, 1] = np.nan  # not asked
SOFT[ODD][:] = 0  # nothing to be heard
HARD = {name: to_events(values > 0.5, CLASSES) for name, values in SOFT.items()}
SCORES = {name: np.round(RNG.normal(0.5, 0.5, (12, 3)), 6) for name in SOFT}


@pytest.fixture
def made(tmp_path):
    """Labels, and the scores of two folds, in the files of the workflow."""
    (tmp_path / "classes.tsv").write_text("class\n" + "\n".join(CLASSES) + "\n")
    write_soft(tmp_path / "soft.tsv", SOFT, CLASSES)
    write_hard(tmp_path / "hard.tsv", HARD)
    for fold, names in {"fold1": ("a.1", ODD), "fold2": ("b",)}.items():
        write_scores(tmp_path / f"{fold}.tsv", {name: SCORES[name] for name in names}, CLASSES)
    return tmp_path


def run(folder, form, *arguments):
    names = [str(folder / text) if text.endswith((".tsv", ".json")) else text for text in arguments]
    export.main([form, *names, "--classes", str(folder / "classes.tsv"), "--output", str(folder / form)])
    return folder / form


def read_with_sed_eval(path):
    listed = sed_eval.io.load_event_list(str(path))
    return [Event(event["onset"], event["offset"], event["event_label"]) for event in listed]


def test_hard_labels_for_sed_eval_and_audacity(made):
    folder = run(made, "events", "--hard", "hard.tsv")
    assert {path.name for path in folder.iterdir()} == {"a.1.txt", "b.txt", f"{ODD}.txt"}
    for name, events in HARD.items():
        assert read_with_sed_eval(folder / f"{name}.txt") == events
        # A label track: start, end, label, with tabs, seconds with a point; nothing else.
        lines = (folder / f"{name}.txt").read_text().splitlines()
        assert [(float(a), float(b), c) for a, b, c in (line.split("\t") for line in lines)] == events
    # sed_eval counts the export of the labels against the labels as perfect.
    metrics = sed_eval.sound_event.SegmentBasedMetrics(CLASSES, time_resolution=1.0)
    for name, events in HARD.items():
        reference = [dict(zip(("onset", "offset", "event_label"), event, strict=True)) for event in events]
        listed = sed_eval.io.load_event_list(str(folder / f"{name}.txt"))
        metrics.evaluate(reference, listed, evaluated_length_seconds=12)
    assert metrics.overall_f_measure()["f_measure"] == 1


def test_predicted_events(made):
    folder = run(made, "events", "--scores", "fold1.tsv", "fold2.tsv", "--threshold", "0.3")
    for name, scores in SCORES.items():
        assert read_with_sed_eval(folder / f"{name}.txt") == to_events(scores > 0.3, CLASSES)
    thresholds = {"fold1": [0.2, 0.4, None], "fold2": [0.9, 0.1, 0.5]}
    named = {fold: dict(zip(CLASSES, values, strict=True)) for fold, values in thresholds.items()}
    (made / "run1.json").write_text(json.dumps({"thresholds": {"0.5": 0.5, "class-dependent": named}}))
    run(made, "events", "--scores", "fold1.tsv", "fold2.tsv", "--metrics", "run1.json")
    for name, fold in {"a.1": "fold1", "b": "fold2", ODD: "fold1"}.items():
        level = np.array(thresholds[fold], dtype=float)
        assert read_with_sed_eval(folder / f"{name}.txt") == to_events(SCORES[name] > level, CLASSES)
    with refused(file="classes.tsv", problem="not a file of metrics"):
        run(made, "events", "--scores", "fold1.tsv", "--metrics", "classes.tsv")
    with refused(file="fold1.tsv", problem=["'a.1'", "fold1"]):
        run(made, "events", "--scores", "fold1.tsv", "fold1.tsv")


def test_scores_for_sed_scores_eval(made):
    folder = run(made, "scores", "--scores", "fold1.tsv", "fold2.tsv")
    found = sed_scores_eval.io.read_sed_scores(folder)
    assert set(found.keys()) == set(SCORES)
    for name, scores in SCORES.items():
        table = sed_scores_eval.io.read_sed_scores(folder / f"{name}.tsv")
        assert list(table.columns) == ["onset", "offset", *CLASSES]
        np.testing.assert_array_equal(table["onset"], np.arange(12))
        np.testing.assert_allclose(table[CLASSES].to_numpy(), scores)
    # It makes of them, against the hard labels, the F1 that softsed makes of the scores themselves.
    events = {name: [tuple(event) for event in HARD[name]] for name in SCORES}
    lengths = dict.fromkeys(SCORES, 12.0)
    fmeasure, *_ = sed_scores_eval.segment_based.fscore(folder, events, lengths, threshold=0.5, segment_length=1.0)
    outputs = [scores > 0.5 for scores in SCORES.values()]
    expected = metrics_of(count([SOFT[name] > 0.5 for name in SCORES], outputs, CLASSES), CLASSES)
    assert fmeasure["macro_average"] == pytest.approx(expected["f1_macro"])
    assert fmeasure["micro_average"] == pytest.approx(expected["f1_micro"])
    assert [fmeasure[name] for name in CLASSES] == pytest.approx([expected["class_wise"][c]["f1"] for c in CLASSES])


@pytest.mark.filterwarnings("ignore:Passing a schema to Validator.iter_errors")
def test_labels_as_jams(made):
    jams = pytest.importorskip("jams", reason="the library jams is not installed (envs/dev.lock)")
    folder = run(made, "jams", "--soft", "soft.tsv", "--hard", "hard.tsv")
    for name, soft in SOFT.items():
        found = jams.load(str(folder / f"{name}.jams"), validate=True, strict=True)
        assert found.file_metadata.duration == 12
        hard, second = found.annotations
        assert {(o.time, o.time + o.duration, o.value) for o in hard.data} == set(HARD[name])
        matrix = np.full(soft.shape, np.nan)
        for row in second.data:
            matrix[int(row.time), CLASSES.index(row.value)] = row.confidence
        np.testing.assert_array_equal(matrix, soft)


def test_write_jams_refuses_missing_library(made, monkeypatch):
    monkeypatch.setitem(sys.modules, "jams", None)
    with refused(problem="jams", remedy="Run `pip install jams`"):
        run(made, "jams", "--soft", "soft.tsv", "--hard", "hard.tsv")


@pytest.mark.parametrize("name", ["../../escaped", "/escaped", "scene/a"])
def test_folders_in_names_are_not_written(made, name):
    write_hard(made / "hard.tsv", {"good": [], name: []})
    run(made, "events", "--hard", "hard.tsv")
    written = {path.name for path in (made / "events").iterdir()}
    assert written == {"good.txt", f"{name.rpartition('/')[2]}.txt"}
    assert not list(made.parent.glob("escaped*"))


def test_make_folder_refuses_file(made):
    (made / "events").write_text("mine")
    with refused(file="events", problem="a file", expected="the name of a folder"):
        run(made, "events", "--hard", "hard.tsv")
