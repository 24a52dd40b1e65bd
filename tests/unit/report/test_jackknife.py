import numpy as np
import pytest

from softsed.evaluate.segments import count, metrics_of
from softsed.report.jackknife import (
    best_f1,
    error_scores,
    jackknife_variance,
    leave_out,
    partial_auc,
    ranking_scores,
    threshold_scores,
)

CLASSES = ["a", "b", "c"]
SCENES = ["s", "t", "s", "s"]


@pytest.fixture(params=range(3))
def data(request):
    """Four recordings of different lengths; class c has a reference in the last one only."""
    rng = np.random.default_rng(request.param)
    reference = [rng.random((seconds, 3)) > 0.6 for seconds in (30, 7, 19, 40)]
    for active in reference[:3]:
        active[:, 2] = False
    outputs = [np.clip(active + rng.normal(0, 0.6, active.shape), -0.3, 1.3).round(1) for active in reference]
    return reference, outputs


def repeated(items, weights):
    return [item for item, weight in zip(items, weights, strict=True) for _ in range(int(weight))]


def test_leaving_out():
    """The others of the scene weigh more; two recordings that are alone in theirs stand in for one another."""
    assert leave_out(["s", "s", "s"]).tolist() == [[0, 1.5, 1.5], [1.5, 0, 1.5], [1.5, 1.5, 0]]
    assert leave_out(["s", "t", "s", "u"]).tolist() == [[0, 1, 2, 1], [1, 0, 1, 2], [2, 1, 0, 1], [1, 2, 1, 0]]
    assert leave_out(["s"]).tolist() == [[1]]


def test_the_jackknife_leaves_out_what_differs_between_scenes():
    """Of a mean of scenes with the same spread around different levels: the textbook's stratified error."""
    rng = np.random.default_rng(0)
    scenes = ["s"] * 30 + ["t"] * 20
    values = rng.normal(0, 1, 50) + np.array([0.0] * 30 + [100.0] * 20)
    within = [values[:30], values[30:]]
    expected = sum((len(v) / 50) ** 2 * v.var(ddof=1) / len(v) for v in within)
    weights = leave_out(scenes)
    variance, freedom = jackknife_variance(weights @ values / weights.sum(axis=1), scenes)
    assert (variance, freedom) == (pytest.approx(expected), 48)


def test_scores_of_weighted_recordings_are_those_that_sed_eval_gives_for_repeated_recordings(data):
    reference, outputs = data
    found = [output > 0.5 for output in outputs]
    weights = np.random.default_rng(3).multinomial(4, [0.25] * 4, size=8).astype(float)
    scores = threshold_scores(list(zip(reference, found, strict=True)))
    ours = {name: score(weights) for name, score in scores.items()}
    for row, each in enumerate(weights):
        theirs = metrics_of(count(repeated(reference, each), repeated(found, each), CLASSES), CLASSES)
        for name, values in ours.items():
            assert values[row] == pytest.approx(theirs[name], nan_ok=True), name


def test_nothing_in_the_reference_has_no_score():
    scores = threshold_scores([(np.zeros((5, 2), bool), np.ones((5, 2), bool))])
    assert all(np.isnan(score(np.ones((1, 1)))).all() for score in scores.values())
    scores = ranking_scores([np.zeros((5, 2), bool)], [np.ones((5, 2))])
    assert all(np.isnan(score(np.ones((1, 1)))).all() for score in scores.values())


def test_a_ranking_by_hand():
    hits, alarms = np.array([1, 1, 2, 2]), np.array([0, 1, 1, 10])
    assert best_f1(hits, alarms) == 2 * 2 / (2 + 1 + 2)
    # True positive rate 1/2 from 0 to 0.1, where a second hit comes: at the end of what counts.
    assert partial_auc(hits, alarms) == pytest.approx(0.5)
    # With 20 seconds to raise false alarms in, it comes in the middle.
    assert partial_auc(hits, np.array([0, 1, 1, 20])) == pytest.approx((0.5 * 0.05 + 1 * 0.05) / 0.1)


def test_a_constant_output_ranks_nothing():
    reference = [np.array([[True], [False], [False], [False]])]
    scores = ranking_scores(reference, [np.full((4, 1), 0.3)])
    assert scores["f1_best_macro"](np.ones((1, 1))) == 2 / 5
    assert scores["mpauc"](np.ones((1, 1))) == 0


def test_squared_errors_leave_out_what_was_not_asked_and_weigh_recordings_by_their_cells():
    reference = [np.array([[0.5, np.nan], [1.0, np.nan]]), np.array([[0.0, 0.0]])]
    outputs = [np.array([[0.5, 9.0], [1.5, 9.0]]), np.array([[0.5, -2.0]])]
    score = error_scores(reference, outputs, "mse")["mse"]
    assert score(np.array([[1.0, 1.0], [1.0, 0.0], [0.0, 2.0]])).tolist() == [0.25 / 4, 0, 0.125]
