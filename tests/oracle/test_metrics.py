"""Metrics against the results of sed_eval and sed_scores_eval and a count in numpy, on random events."""

import math

import numpy as np
import pandas as pd
import pytest

from softsed.core.labels import harden, to_events
from softsed.core.thresholds import trimmed_midrange
from softsed.evaluate.segments import count, metrics_of
from softsed.evaluate.system import evaluate
from softsed.report.jackknife import ranking_metrics

sed_eval = pytest.importorskip("sed_eval")
segment_based = pytest.importorskip("sed_scores_eval").segment_based

CLASSES = ["car", "door opens/closes", "people talking", "wind_blowing"]
LENGTHS = (37, 120, 1, 64)
CONFIG = {"threshold": 0.5, "trim": 10, "epsilon": 1e-7}


def smooth(rng, seconds):
    """Random activity that forms events of several seconds."""
    noise = rng.random((seconds + 2, len(CLASSES)))
    return (noise[:-2] + noise[1:-1] + noise[2:]) / 3


@pytest.fixture(params=range(4))
def data(request):
    rng = np.random.default_rng(request.param)
    soft = {f"r{i}": smooth(rng, seconds) for i, seconds in enumerate(LENGTHS)}
    scores = {name: np.clip(labels + rng.normal(0, 0.25, labels.shape), -0.2, 1.2) for name, labels in soft.items()}
    scores["r0"][:] = -1  # a recording in which nothing is detected
    soft["r2"][:] = 0  # and one without any event
    return soft, {name: harden(labels, 0.5) for name, labels in soft.items()}, scores


def ours_of(data, names):
    _, hard, scores = data
    return metrics_of(count([hard[n] for n in names], [harden(scores[n], 0.5) for n in names], CLASSES), CLASSES)


def events(active, shift=0):
    return [
        {"event_onset": e.onset + shift, "event_offset": e.offset + shift, "event_label": e.label}
        for e in to_events(active, CLASSES)
    ]


def test_equals_sed_eval_over_a_concatenation(data):
    """All recordings on one time axis, each beginning at a whole second, are one long recording to sed_eval."""
    _, hard, scores = data
    metrics = sed_eval.sound_event.SegmentBasedMetrics(CLASSES, time_resolution=1.0)
    starts = dict(zip(hard, np.cumsum([0, *LENGTHS[:-1]]).tolist(), strict=True))
    reference = [event for name in hard for event in events(hard[name], starts[name])]
    output = [event for name in hard for event in events(harden(scores[name], 0.5), starts[name])]
    metrics.evaluate(reference, output, evaluated_length_seconds=sum(LENGTHS))
    theirs, ours = metrics.results(), ours_of(data, list(hard))
    assert ours["error_rate"] == pytest.approx(theirs["overall"]["error_rate"]["error_rate"])
    assert ours["f1_micro"] == pytest.approx(theirs["overall"]["f_measure"]["f_measure"])
    # Every class is detected here, so that sed_eval's macro average is the same.
    assert ours["classes_detected"] == len(CLASSES)
    assert ours["f1_macro"] == pytest.approx(theirs["class_wise_average"]["f_measure"]["f_measure"])
    for name in CLASSES:
        theirs_class = theirs["class_wise"][name]
        assert ours["class_wise"][name]["f1"] == pytest.approx(theirs_class["f_measure"]["f_measure"])
        assert ours["class_wise"][name]["n_ref"] == theirs_class["count"]["Nref"]


def test_equals_count_of_boolean_matrices(data):
    _, hard, scores = data
    r = np.concatenate(list(hard.values()))
    o = np.concatenate([scores[name] for name in hard]) > 0.5
    both, n_ref, n_sys = (r & o).sum(axis=1), r.sum(axis=1), o.sum(axis=1)
    ours = ours_of(data, list(hard))
    assert ours["error_rate"] == pytest.approx((np.maximum(n_ref, n_sys) - both).sum() / n_ref.sum())
    assert ours["f1_micro"] == pytest.approx(2 * both.sum() / (n_ref + n_sys).sum())
    for i, name in enumerate(CLASSES):
        row = ours["class_wise"][name]
        assert row["tp"] == (r & o)[:, i].sum()
        assert row["fp"] == (~r & o)[:, i].sum()
        assert row["fn"] == (r & ~o)[:, i].sum()
        assert row["f1"] == pytest.approx(2 * row["tp"] / (r[:, i].sum() + o[:, i].sum()))
    assert ours["counts"]["substitutions"] == (np.minimum(n_ref, n_sys) - both).sum()
    assert ours["counts"]["deletions"] == np.maximum(n_ref - n_sys, 0).sum()
    assert ours["counts"]["insertions"] == np.maximum(n_sys - n_ref, 0).sum()


def for_sed_scores_eval(data):
    """Return scores, true events and durations as sed_scores_eval reads them."""
    _, hard, scores = data
    frames = {
        name: pd.DataFrame(values, columns=CLASSES).assign(
            onset=np.arange(len(values)), offset=np.arange(1, len(values) + 1)
        )[["onset", "offset", *CLASSES]]
        for name, values in scores.items()
    }
    truth = {name: [tuple(event) for event in to_events(active, CLASSES)] for name, active in hard.items()}
    durations = {name: float(len(values)) for name, values in scores.items()}
    return frames, truth, durations


def test_equals_sed_scores_eval_at_same_threshold(data):
    f, _, _, statistics = segment_based.fscore(*for_sed_scores_eval(data), threshold=0.5, segment_length=1.0)
    ours = ours_of(data, list(data[1]))
    for name in CLASSES:
        assert ours["class_wise"][name]["f1"] == pytest.approx(f[name])
        assert ours["class_wise"][name]["tp"] == statistics[name]["tps"]
        assert ours["class_wise"][name]["fp"] == statistics[name]["fps"]
    assert ours["f1_micro"] == pytest.approx(f["micro_average"])
    assert ours["f1_macro"] == pytest.approx(f["macro_average"])


def test_pooled_folds_equal_all_recordings(data):
    soft, hard, scores = data
    folds = {
        "fold1": ({name: scores[name] for name in ("r0", "r1")}, ["r2", "r3"]),
        "fold2": ({name: scores[name] for name in ("r2", "r3")}, ["r0", "r1"]),
    }
    result = evaluate(folds, soft, hard, CLASSES, config=CONFIG)
    assert result["pooled"]["operating_points"]["0.5"] == ours_of(data, list(scores))
    assert result["folds"]["fold2"]["operating_points"]["0.5"] == ours_of(data, ["r2", "r3"])
    assert result["recordings"] == 4
    assert result["seconds"] == sum(LENGTHS)


def test_class_dependent_point_equals_count_per_fold(data):
    soft, hard, scores = data
    folds = {
        "fold1": ({name: scores[name] for name in ("r0", "r1")}, ["r3"]),
        "fold2": ({name: scores[name] for name in ("r2", "r3")}, ["r0", "r1"]),
    }
    result = evaluate(folds, soft, hard, CLASSES, config=CONFIG)
    both = total = 0
    for fold, (tested, training) in folds.items():
        thresholds = trimmed_midrange([soft[name] for name in training], 10)
        np.testing.assert_allclose(list(result["thresholds"]["class-dependent"][fold].values()), thresholds)
        for name, values in tested.items():
            r, o = soft[name] > thresholds, values > thresholds
            both, total = both + (r & o).sum(), total + r.sum() + o.sum()
    assert result["pooled"]["operating_points"]["class-dependent"]["f1_micro"] == pytest.approx(2 * both / total)


def test_undetected_class_counts_0_unlike_sed_eval():
    """By hand: car 2 of 2 seconds, door missed; F1 1 and 0, so macro 0.5 here and 1 in sed_eval."""
    reference = np.zeros((4, len(CLASSES)), dtype=bool)
    reference[:2, 0] = reference[3, 1] = True
    output = reference.copy()
    output[:, 1] = False
    ours = metrics_of(count([reference], [output], CLASSES), CLASSES)
    metrics = sed_eval.sound_event.SegmentBasedMetrics(CLASSES, time_resolution=1.0)
    metrics.evaluate(events(reference), events(output), evaluated_length_seconds=4)
    assert metrics.results_class_wise_average_metrics()["f_measure"]["f_measure"] == 1
    assert ours["f1_macro"] == 0.5
    assert ours["classes_detected"] == 1
    assert ours["classes_in_reference"] == 2
    assert ours["class_wise"]["door opens/closes"]["f1"] == 0
    assert math.isnan(ours["class_wise"]["wind_blowing"]["f1"])


def test_rankings_equal_sed_scores_eval(data):
    _, hard, scores = data
    inputs = for_sed_scores_eval(data)
    f, *_ = segment_based.best_fscore(*inputs, segment_length=1.0)
    area, _ = segment_based.auroc(*inputs, segment_length=1.0, max_fpr=0.1)
    ours = ranking_metrics(list(hard.values()), list(scores.values()))
    once = np.ones((1, len(hard)))
    assert ours["f1_best_macro"](once) == pytest.approx(f["macro_average"])
    assert ours["mpauc"](once) == pytest.approx(area["mean"])
