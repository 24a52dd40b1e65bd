"""Metrics without a threshold, against a loop over pairs, scipy and scikit-learn."""

import math

import numpy as np
import pytest
from scipy import stats

from softsed.evaluate.ranking import (
    DIRECT,
    auroc_within,
    best_f1,
    concordance,
    concordances,
    partial_auc,
    rank_together,
)


def by_pairs(reference, scores):
    """Compare every pair of seconds: the definition of the concordance index."""
    ordered, pairs = 0.0, 0
    for low in range(len(reference)):
        for high in range(len(reference)):
            if reference[low] < reference[high]:
                pairs += 1
                ordered += 1.0 if scores[low] < scores[high] else 0.5 if scores[low] == scores[high] else 0.0
    return ordered / pairs if pairs else math.nan


@pytest.mark.parametrize("seconds", [2, 9, DIRECT, DIRECT + 1, 3 * DIRECT])
@pytest.mark.parametrize("levels", [2, 5, 1000])
def test_concordance_equals_loop_over_pairs(seconds, levels):
    """Few and many levels, equal scores, and lengths below and above the direct comparison."""
    rng = np.random.default_rng(seconds + levels)
    for values in (4, 1000):
        reference = rng.integers(0, levels, seconds) / levels
        scores = (rng.integers(0, values, seconds) + 2 * reference).round(1)
        expected = by_pairs(reference.tolist(), scores.tolist())
        assert concordance(reference, scores) == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize("frequent", [0, 1])
def test_concordance_with_one_frequent_level(frequent):
    """Most seconds have the lowest or the highest level, which is where a long array is split."""
    rng = np.random.default_rng(frequent)
    reference = np.where(rng.random(300) < 0.9, frequent, rng.random(300))
    scores = reference + rng.normal(0, 0.5, 300)
    assert concordance(reference, scores) == pytest.approx(by_pairs(reference.tolist(), scores.tolist()))


def test_concordance_equals_somers_d():
    """(D + 1) / 2 with Somers' D, which scipy computes from a table of counts."""
    rng = np.random.default_rng(0)
    reference = rng.integers(0, 6, 200)
    scores = reference + rng.integers(0, 8, 200)
    expected = (stats.somersd(reference, scores).statistic + 1) / 2
    assert concordance(reference / 6, scores.astype(float)) == pytest.approx(expected)


def test_binary_concordance_is_area_under_roc():
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(1)
    active = rng.random(250) < 0.3
    scores = (active + rng.normal(0, 1, 250)).round(1)
    assert concordance(active, scores) == pytest.approx(metrics.roc_auc_score(active, scores))


def test_concordance_by_hand():
    """Pairs (0, .5), (0, .5), (0, 1), (.5, 1), (.5, 1): ordered, tied, ordered, reversed, ordered."""
    reference, scores = np.array([0, 0.5, 0.5, 1]), np.array([1.0, 3.0, 1.0, 2.0])
    assert concordance(reference, scores) == 3.5 / 5
    assert concordance(reference, -scores) == 1.5 / 5


def test_seconds_without_annotation_do_not_count():
    reference, scores = np.array([0, np.nan, 1, np.nan]), np.array([0.1, 5, 0.2, -5])
    assert concordance(reference, scores) == 1
    assert math.isnan(concordance(np.full(4, np.nan), scores))


def test_constant_scores_have_no_temporal_skill():
    """Exactly 0.5, also for constants that differ between recordings: two recordings and levels of any number."""
    rng = np.random.default_rng(2)
    reference = [rng.random((seconds, 3)) for seconds in (50, 201)]
    outputs = [np.tile(levels.mean(axis=0), (len(levels), 1)) for levels in reference]
    assert auroc_within(reference, outputs) == 0.5
    assert auroc_within([levels > 0.6 for levels in reference], outputs) == 0.5


def test_mean_over_recordings_then_classes():
    """Class a: 1 and 0 in two recordings; class b: 1 in the first, no pair in the second; class c: no pair at all."""
    reference = [np.array([[0, 0, 0], [1, 1, 0]], bool), np.array([[0, 1, 0], [1, 1, 0]], bool)]
    outputs = [np.array([[0, 0, 0], [1, 1, 1]]), np.array([[1, 0, 0], [0, 1, 1]])]
    found = concordances(reference, outputs)
    np.testing.assert_array_equal(found, [[1, 1, np.nan], [0, np.nan, np.nan]])
    assert auroc_within(reference, outputs) == (0.5 + 1) / 2


def test_no_reference_is_undefined():
    nothing = [np.zeros((5, 2), bool)]
    assert math.isnan(auroc_within(nothing, [np.ones((5, 2))]))
    assert all(math.isnan(value) for value in rank_together(nothing, [np.ones((5, 2))]).values())


def test_best_f1_and_area_by_hand():
    hits, alarms = np.array([1, 1, 2, 2]), np.array([0, 1, 1, 10])
    assert best_f1(hits, alarms) == 2 * 2 / (2 + 1 + 2)
    # True positive rate 1/2 from 0 to 0.1; the second hit comes at the upper limit.
    assert partial_auc(hits, alarms) == pytest.approx(0.5)
    # With 20 seconds for false alarms, the second hit comes in the middle.
    assert partial_auc(hits, np.array([0, 1, 1, 20])) == pytest.approx((0.5 * 0.05 + 1 * 0.05) / 0.1)


def test_best_macro_f1_tries_every_threshold():
    """Against F1 at every threshold between two scores, class by class."""
    rng = np.random.default_rng(3)
    reference = [rng.random((seconds, 3)) > 0.7 for seconds in (20, 30)]
    outputs = [(active + rng.normal(0, 0.7, active.shape)).round(1) for active in reference]
    active, scores = np.concatenate(reference), np.concatenate(outputs)
    best = []
    for column in range(3):
        detected = [scores[:, column] > threshold for threshold in np.unique(scores[:, column]) - 0.05]
        hits = [(found & active[:, column]).sum() for found in detected]
        counts = zip(hits, detected, strict=True)
        best.append(max(2 * tp / (found.sum() + active[:, column].sum()) for tp, found in counts))
    assert rank_together(reference, outputs)["f1_best_macro"] == pytest.approx(np.mean(best))
