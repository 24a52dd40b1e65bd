import numpy as np
import pytest

from softsed.evaluate.ranking import auroc_within, rank_together
from softsed.evaluate.segments import count, metrics_of
from softsed.report.jackknife import (
    error_metrics,
    jackknife_bias,
    jackknife_variance,
    leave_out,
    ranking_metrics,
    temporal_metrics,
    threshold_metrics,
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


def test_leave_out_keeps_the_weight_of_scenes():
    """The other recordings of the scene weigh more; recordings that are alone in their scenes replace each other."""
    assert leave_out(["s", "s", "s"]).tolist() == [[0, 1.5, 1.5], [1.5, 0, 1.5], [1.5, 1.5, 0]]
    assert leave_out(["s", "t", "s", "u"]).tolist() == [[0, 1, 2, 1], [1, 0, 1, 2], [2, 1, 0, 1], [1, 2, 1, 0]]
    assert leave_out(["s"]).tolist() == [[1]]


def test_jackknife_variance_is_stratified_error():
    """For a mean over scenes with equal spread around different levels, the variance is that of the textbook."""
    rng = np.random.default_rng(0)
    scenes = ["s"] * 30 + ["t"] * 20
    values = rng.normal(0, 1, 50) + np.array([0.0] * 30 + [100.0] * 20)
    within = [values[:30], values[30:]]
    expected = sum((len(v) / 50) ** 2 * v.var(ddof=1) / len(v) for v in within)
    weights = leave_out(scenes)
    variance, freedom = jackknife_variance(weights @ values / weights.sum(axis=1), scenes)
    assert (variance, freedom) == (pytest.approx(expected), 48)


def test_weighted_metrics_equal_sed_eval(data):
    """Integer weights give the metrics of sed_eval for repeated recordings: the two implementations are equal."""
    reference, outputs = data
    found = [output > 0.5 for output in outputs]
    weights = np.random.default_rng(3).multinomial(4, [0.25] * 4, size=8).astype(float)
    metrics = threshold_metrics(list(zip(reference, found, strict=True)))
    ours = {name: metric(weights) for name, metric in metrics.items()}
    for row, each in enumerate(weights):
        theirs = metrics_of(count(repeated(reference, each), repeated(found, each), CLASSES), CLASSES)
        for name, values in ours.items():
            assert values[row] == pytest.approx(theirs[name], nan_ok=True), name


def test_empty_reference_is_undefined():
    metrics = threshold_metrics([(np.zeros((5, 2), bool), np.ones((5, 2), bool))])
    assert all(np.isnan(metric(np.ones((1, 1)))).all() for metric in metrics.values())
    metrics = ranking_metrics([np.zeros((5, 2), bool)], [np.ones((5, 2))])
    assert all(np.isnan(metric(np.ones((1, 1)))).all() for metric in metrics.values())


def test_weighted_rankings_equal_repeated_recordings(data):
    """Integer weights give the metrics of `evaluate.ranking` for repeated recordings."""
    reference, outputs = data
    weights = np.random.default_rng(4).multinomial(4, [0.25] * 4, size=8).astype(float)
    metrics = ranking_metrics(reference, outputs) | temporal_metrics(reference, outputs)
    ours = {name: metric(weights) for name, metric in metrics.items()}
    for row, each in enumerate(weights):
        pair = repeated(reference, each), repeated(outputs, each)
        theirs = rank_together(*pair) | {"auroc_within": auroc_within(*pair)}
        for name, values in ours.items():
            assert values[row] == pytest.approx(theirs[name], nan_ok=True), name


def test_weighted_rankings_leave_out_unlabelled_cells(data):
    reference, outputs = data
    rng = np.random.default_rng(4)
    outputs = [np.where(rng.random(output.shape) < 0.3, np.nan, output) for output in outputs]
    together = rank_together(reference, outputs)
    for name, metric in ranking_metrics(reference, outputs).items():
        assert metric(np.ones((1, len(outputs)))).tolist() == [pytest.approx(together[name])], name


def test_bias_of_plug_in_variance_is_exact():
    """The jackknife turns the variance with divisor n into the unbiased one with divisor n - 1 (Quenouille, 1956)."""
    sample = np.random.default_rng(5).normal(0, 1, 9)
    values = np.array([sample.var(), *(np.delete(sample, place).var() for place in range(9))])
    assert values[0] - jackknife_bias(values, ["s"] * 9) == pytest.approx(sample.var(ddof=1))


def test_bias_of_mean_within_scenes_is_0():
    values = np.random.default_rng(6).normal(0, 1, 10)
    scenes = ["s"] * 4 + ["t"] * 6
    weights = np.concatenate([np.ones((1, 10)), leave_out(scenes)])
    assert jackknife_bias(weights @ values / weights.sum(axis=1), scenes) == pytest.approx(0, abs=1e-12)


def test_constant_output_ranks_nothing():
    reference = [np.array([[True], [False], [False], [False]])]
    metrics = ranking_metrics(reference, [np.full((4, 1), 0.3)])
    assert metrics["f1_best_macro"](np.ones((1, 1))) == 2 / 5
    assert metrics["mpauc"](np.ones((1, 1))) == 0


def test_squared_errors_weigh_recordings_by_cells():
    reference = [np.array([[0.5, np.nan], [1.0, np.nan]]), np.array([[0.0, 0.0]])]
    outputs = [np.array([[0.5, 9.0], [1.5, 9.0]]), np.array([[0.5, -2.0]])]
    mse = error_metrics(reference, outputs, "mse")["mse"]
    assert mse(np.array([[1.0, 1.0], [1.0, 0.0], [0.0, 2.0]])).tolist() == [0.25 / 4, 0, 0.125]
