"""Metrics of systems and labels against true events: hand-worked cases and folds."""

import json

import numpy as np
import pytest
from support.errors import refused

from softsed.core.event_text import write_events
from softsed.core.labels import Event, write_hard, write_soft
from softsed.core.scores import write_scores
from softsed.evaluate.ground_truth import EvaluatedRecording, compare_with_truth, main

CLASSES = ["a", "b", "c"]
CONFIG = {"classes": ["a", "b"], "threshold": 0.5, "trim": 10}

pytestmark = pytest.mark.filterwarnings("error")


def recording(truth, levels, active):
    annotated = ~np.isnan(levels)
    scores = np.where(annotated, levels, 9)  # the score of a class that is not annotated does not change the MSE
    return EvaluatedRecording(np.array(truth, bool), scores, annotated, {"0.5": np.array(active, bool)})


def test_mse_clips_and_skips_classes_not_annotated():
    """(1 - .8)^2 = .04, clipped 1.3 to 1: 0, clipped -.2 to 0: 0, (0 - .4)^2 = .16: sum .2 over four cells."""
    one = recording([[1, 0], [1, 0]], [[0.8, np.nan], [1.3, np.nan]], [[1, 0], [1, 0]])
    two = recording([[0, 0]], [[-0.2, 0.4]], [[0, 0]])
    found = compare_with_truth({"fold1": [one], "fold2": [two]}, ["a", "b"])
    assert found["pooled"]["mse"] == pytest.approx(0.2 / 4)
    assert [fold["mse"] for fold in found["folds"].values()] == pytest.approx([0.02, 0.08])
    assert (found["recordings"], found["seconds"]) == (2, 3)


def test_counts_of_folds_add_up():
    rng = np.random.default_rng(0)
    folds = {
        fold: [recording(rng.random((20, 3)) < 0.4, rng.random((20, 3)), rng.random((20, 3)) < 0.4) for _ in range(2)]
        for fold in ("fold1", "fold2", "fold3")
    }
    found = compare_with_truth(folds, CLASSES)
    pooled = found["pooled"]["operating_points"]["0.5"]["counts"]
    for name, value in pooled.items():
        assert value == sum(fold["operating_points"]["0.5"]["counts"][name] for fold in found["folds"].values())
    truth, active = (
        np.concatenate([getter(r) for tested in folds.values() for r in tested])
        for getter in (lambda r: r.truth, lambda r: r.active["0.5"])
    )
    assert pooled["tp"] == (truth & active).sum()
    assert pooled["substitutions"] == np.minimum((truth & ~active).sum(1), (active & ~truth).sum(1)).sum()


@pytest.fixture
def folder(tmp_path):
    """Two folds; r1 is tested in the first, r2 in the second. b is not annotated in r1, c is not evaluated."""
    for name in ("folds", "scores", "truth"):
        (tmp_path / name).mkdir()
    (tmp_path / "classes.tsv").write_text("class\na\nb\nc\n")
    soft = {"r1": [[0.2, np.nan, 1], [0.4, np.nan, 1]], "r2": [[0.6, 0.1, 1], [0.8, 0.3, 1]]}
    scores = {"r1": [[0.9, 0.9, 0], [0.65, 0.1, 0]], "r2": [[0.35, 0.1, 0], [0.25, 0.6, 0]]}
    truth = {"r1": [Event(0.5, 0.6, "a"), Event(0, 2, "c")], "r2": [Event(0, 1.5, "a")]}
    for fold, (test, train) in enumerate((("r1", "r2"), ("r2", "r1")), start=1):
        write_events(tmp_path / "truth" / f"{test}.txt", truth[test])
        rows = f"recording\tscene\tpart\n{test}\tof {test}\ttest\n{train}\tof {train}\ttrain\nr3\ts\tvalidation\n"
        (tmp_path / "folds" / f"fold{fold}.tsv").write_text(rows)
        write_scores(tmp_path / "scores" / f"fold{fold}.tsv", {test: np.array(scores[test])}, CLASSES)
    write_soft(tmp_path / "soft.tsv", {name: np.array(values) for name, values in soft.items()}, CLASSES)
    write_hard(tmp_path / "hard.tsv", {name: [Event(1, 2, "a")] for name in soft})
    return tmp_path


def run(folder, command, *arguments):
    main(
        [
            *(command, "--folds", *(str(folder / "folds" / f"fold{fold}.tsv") for fold in (1, 2))),
            *("--soft", str(folder / "soft.tsv"), "--truth", str(folder / "truth")),
            *("--classes", str(folder / "classes.tsv"), "--config", json.dumps(CONFIG)),
            *("--training", json.dumps({"method": "eq1"}), "--output", str(folder / "truth.json"), *arguments),
        ]
    )
    return json.loads((folder / "truth.json").read_text())


def of_system(folder):
    scores = [str(folder / "scores" / f"fold{fold}.tsv") for fold in (1, 2)]
    return run(folder, "system", "--system", "S", "--run", "2", "--scores", *scores)


def test_events_without_annotation_change_no_metric(folder):
    """b is not annotated in r1, and sirens in no recording: only the number of left-out events changes."""
    before = of_system(folder)
    with (folder / "truth/r1.txt").open("a") as file:
        file.write("0\t2\tb\n0\t1\tsiren\n1\t2\tsiren\n")
    after = of_system(folder)
    assert (before.pop("left_out"), after.pop("left_out")) == (0, 3)
    assert after == before


def test_left_out_events_are_those_of_the_scene(folder):
    """With both recordings in one scene, b is annotated in the scene of r1, but it has no label in r1."""
    for path in (folder / "folds").iterdir():
        path.write_text(path.read_text().replace("of r1", "s").replace("of r2", "s"))
    before = of_system(folder)
    with (folder / "truth/r1.txt").open("a") as file:
        file.write("0\t2\tb\n0\t1\tsiren\n")
    after = of_system(folder)
    assert (before.pop("left_out"), after.pop("left_out")) == (0, 1)
    assert after == before


def test_system_at_both_operating_points(folder):
    """Worked by hand, classes a and b. Truth: a in r1 at 0 s, in r2 at 0 and 1 s.

    At 0.5: r1 gives a, b at 0 s and a at 1 s (tp, fp, fp), r2 b at 1 s (fp) and misses a twice (at 1 s a substitution).
    Class-dependent: trained on r2, a has (P10 + P90) / 2 = .7 and b .2, so r1 gives a and b at 0 s; trained on r1, a
    has .3 and b nothing, so r2 gives a at 0 s, and misses it at 1 s.
    """
    found = of_system(folder)
    assert (found["system"], found["run"], found["training"]) == ("S", 2, {"method": "eq1"})
    assert found["thresholds"]["class-dependent"] == {
        "fold1": {"a": pytest.approx(0.7), "b": pytest.approx(0.2)},
        "fold2": {"a": pytest.approx(0.3), "b": None},
    }
    fixed, adapted = (found["pooled"]["operating_points"][point]["counts"] for point in ("0.5", "class-dependent"))
    assert fixed == {"tp": 1, "fp": 3, "fn": 2, "n_ref": 3, "substitutions": 1, "deletions": 1, "insertions": 2}
    assert adapted == {"tp": 2, "fp": 1, "fn": 1, "n_ref": 3, "substitutions": 0, "deletions": 1, "insertions": 1}
    squares = [0.1**2, 0.65**2, 0.65**2, 0.1**2, 0.75**2, 0.6**2]  # a in r1, then a and b in r2
    # In r1 a has its true second first and the higher score there; r2 has no second without a, and nothing has b.
    assert found["pooled"]["ranking"]["auroc_within"] == 1
    assert found["folds"]["fold2"]["ranking"]["auroc_within"] is None
    # The true seconds of a have .9, .35 and .25, the false alarm has .65: all four are detected at the best threshold.
    assert found["pooled"]["ranking"]["f1_best_macro"] == pytest.approx(2 * 3 / (4 + 3), rel=1e-5)
    assert found["pooled"]["mse"] == pytest.approx(np.mean(squares), rel=1e-5)


def test_labels_are_evaluated_like_a_system(folder):
    """Hard labels contain a at 1 s of both recordings: a false alarm and a miss in r1, a hit and a miss in r2."""
    found = run(folder, "labels", "--hard", str(folder / "hard.tsv"), "--threshold", "expected_f1")
    assert (found["system"], found["run"], list(found["folds"])) == ("labels", 1, ["fold1", "fold2"])
    counts = found["pooled"]["operating_points"]["expected_f1"]["counts"]
    assert counts == {"tp": 1, "fp": 1, "fn": 2, "n_ref": 3, "substitutions": 0, "deletions": 2, "insertions": 1}
    # Soft labels are the scores: .2 at the true second of r1 and .4 at the other one.
    assert found["pooled"]["ranking"]["auroc_within"] == 0
    squares = [0.8**2, 0.4**2, 0.4**2, 0.1**2, 0.2**2, 0.3**2]
    assert found["pooled"]["mse"] == pytest.approx(np.mean(squares), rel=1e-5)


def test_recording_without_true_events(folder):
    (folder / "truth" / "r2.txt").unlink()
    with refused(golden=False) as caught:  # the message is that of core.event_text
        of_system(folder)
    assert "'r2'" in str(caught.value)


def test_recording_with_two_files_of_true_events(folder):
    (folder / "truth" / "r2.tsv").write_text("onset\toffset\tlabel\n")
    with refused(golden=False) as caught:  # the message is that of core.event_text
        of_system(folder)
    assert "'r2.tsv' and 'r2.txt'" in str(caught.value)
    assert "several files" in str(caught.value)


def test_empty_file_is_recording_without_events(folder):
    (folder / "truth" / "r2.txt").write_text("")
    assert of_system(folder)["folds"]["fold2"]["operating_points"]["0.5"]["f1_macro"] is None
