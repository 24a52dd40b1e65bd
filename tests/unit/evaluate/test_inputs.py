"""Inputs of the evaluation: scores that do not match the folds or the labels."""

import numpy as np
import pytest
from support.errors import refused

from softsed.core.labels import harden, read_soft, to_events, write_hard, write_soft
from softsed.core.scores import write_scores
from softsed.evaluate.inputs import limit_to_labels, read_fold_scores, read_inputs, recordings_of, scores_of_run

CLASSES = ["a", "b", "c"]


@pytest.fixture
def folder(tmp_path):
    """Two folds of one test recording each, with 30 s of labels and scores."""
    rng = np.random.default_rng(0)
    (tmp_path / "folds").mkdir()
    (tmp_path / "net/run1").mkdir(parents=True)
    (tmp_path / "classes.tsv").write_text("class\na\nb\nc\n")
    labels = {name: rng.random((30, 3)).round(3) for name in ("r1", "r2")}
    for fold, (test, train) in enumerate((("r1", "r2"), ("r2", "r1")), start=1):
        rows = f"recording\tscene\tpart\n{test}\ts\ttest\n{train}\ts\ttrain\nr3\ts\tvalidation\n"
        (tmp_path / f"folds/fold{fold}.tsv").write_text(rows)
        write_scores(tmp_path / f"net/run1/fold{fold}.tsv", {test: labels[test]}, CLASSES)
    write_soft(tmp_path / "soft.tsv", labels, CLASSES)
    write_hard(tmp_path / "hard.tsv", {name: to_events(harden(soft, 0.5), CLASSES) for name, soft in labels.items()})
    return tmp_path


def folds_of(folder, order=(1, 2)):
    return [folder / f"folds/fold{fold}.tsv" for fold in order]


def inputs(folder):
    tables = {name: folder / f"{name}.tsv" for name in ("soft", "hard", "classes")}
    folds = folds_of(folder)
    return read_inputs(scores_of_run(folder, "net", 1, folds), folds, **tables, wanted=["a", "c"])


def test_scores_and_labels_of_evaluated_classes(folder):
    found = inputs(folder)
    assert found.classes == ["a", "c"]
    assert [(fold, list(scores), training) for fold, (scores, training) in found.folds.items()] == [
        *(("fold1", ["r1"], ["r2"]), ("fold2", ["r2"], ["r1"]))
    ]
    assert recordings_of(found.folds) == ["r1", "r2"]
    np.testing.assert_array_equal(found.folds["fold1"][0]["r1"], found.soft["r1"])
    np.testing.assert_array_equal(found.hard["r2"], found.soft["r2"] > 0.5)


def test_scores_and_folds_in_another_order(folder):
    scores = scores_of_run(folder, "net", 1, folds_of(folder))
    with refused(key="--scores", problem=["['fold1.tsv', 'fold2.tsv']", "['fold2.tsv', 'fold1.tsv']"]):
        read_fold_scores(scores, folds_of(folder, (2, 1)), CLASSES)


def test_scores_of_other_recordings(folder):
    write_scores(folder / "net/run1/fold1.tsv", {"r2": np.zeros((30, 3))}, CLASSES)
    with refused(file="net/run1/fold1.tsv", problem="['r2']") as caught:
        inputs(folder)
    assert caught.value.expected.endswith("folds/fold1.tsv: ['r1']")


def test_scores_longer_than_labels_are_cut(folder, caplog):
    expected = inputs(folder).folds["fold1"][0]["r1"]
    path = folder / "net/run1/fold1.tsv"
    path.write_text(path.read_text() + "".join(f"r1\t{s}\t{s + 1}\t1\t1\t1\n" for s in (30, 31)))
    np.testing.assert_array_equal(inputs(folder).folds["fold1"][0]["r1"], expected)
    (message,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert all(text in message for text in ("r1", "32 s", "30 s"))


def test_scores_shorter_than_labels(folder):
    write_scores(folder / "net/run1/fold1.tsv", {"r1": np.zeros((29, 3))}, CLASSES)
    with refused(problem=["'r1'", "29 s", "30 s"]):
        inputs(folder)


def test_cells_without_a_label_have_no_score():
    """a is labelled, b is annotated in the scene but unknown in the second second, c is not annotated in the scene."""
    soft = np.array([[0.1, 0.2, np.nan], [0.3, np.nan, np.nan]])
    limited = limit_to_labels(np.ones((3, 3)), soft, np.array([True, True, False]), "r")
    np.testing.assert_array_equal(limited, [[1, 1, 1], [1, np.nan, 1]])


def test_class_labelled_elsewhere_in_the_scene(folder):
    """Nobody labelled c in r1, but in r2 of the same scene: c does not count in r1."""
    labels = read_soft(folder / "soft.tsv", CLASSES)
    labels["r1"][:, 2] = np.nan
    write_soft(folder / "soft.tsv", labels, CLASSES)
    found = inputs(folder)
    assert np.isnan(found.folds["fold1"][0]["r1"]).all(axis=0).tolist() == [False, True]
    assert not np.isnan(found.folds["fold2"][0]["r2"]).any()
