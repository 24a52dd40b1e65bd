"""Quality of soft labels: hand-worked cases, scikit-learn, and brute force over thresholds."""

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss
from sklearn.metrics import f1_score as sklearn_f1

from softsed.core.binary_metrics import BINS, best_threshold, brier_score, calibration_error, f1_score, reliability
from softsed.core.labels import harden

pytestmark = pytest.mark.filterwarnings("error")


def cells(seed):
    rng = np.random.default_rng(seed)
    soft = np.round(rng.uniform(size=200), 2)  # ties
    return soft, rng.uniform(size=200) < soft**2


@pytest.mark.parametrize("seed", range(3))
def test_f1_and_brier_equal_scikit_learn(seed):
    soft, truth = cells(seed)
    assert f1_score(soft > 0.5, truth) == pytest.approx(sklearn_f1(truth, soft > 0.5))
    assert brier_score(soft, truth) == pytest.approx(brier_score_loss(truth, soft))


@pytest.mark.parametrize("seed", range(3))
def test_best_threshold_against_brute_force(seed):
    soft, truth = cells(seed)
    threshold, reached = best_threshold(soft, truth)
    assert f1_score(harden(soft, threshold), truth) == pytest.approx(reached)
    assert max(f1_score(soft > t, truth) for t in np.linspace(-0.01, 1, 1011)) == pytest.approx(reached)


def test_best_threshold_by_hand():
    soft, truth = np.array([0.1, 0.3, 0.6, 0.9]), np.array([False, True, False, True])
    threshold, reached = best_threshold(soft, truth)  # above 0.2: hits 2, cells 3, true 2
    assert threshold == pytest.approx(0.2)
    assert reached == pytest.approx(4 / 5)


def test_best_threshold_below_0_if_all_cells_are_true():
    soft, truth = np.zeros(5), np.ones(5, dtype=bool)
    threshold, reached = best_threshold(soft, truth)
    assert reached == 1
    assert harden(soft, threshold).all()


def test_f1_without_true_cells_is_nan():
    soft, truth = np.array([0.2, 0.8]), np.zeros(2, dtype=bool)
    assert np.isnan(f1_score(soft > 0.5, truth))
    assert np.isnan(best_threshold(soft, truth)).all()
    assert brier_score(soft, truth) == pytest.approx((0.04 + 0.64) / 2)


def test_reliability_by_hand():
    sums = reliability(np.array([0.0, 0.05, 0.55, 1.0]), np.array([False, True, True, True]))
    assert sums[0].tolist() == [2, 0, 0, 0, 0, 1, 0, 0, 0, 1]
    assert sums[1, [0, 5, 9]].tolist() == [0.05, 0.55, 1.0]
    assert sums[2, [0, 5, 9]].tolist() == [1, 1, 1]
    assert calibration_error(sums) == pytest.approx((0.95 + 0.45 + 0) / 4)
    assert sums.shape == (3, BINS)


def test_calibration_error_of_probabilities():
    rng = np.random.default_rng(0)
    soft = rng.uniform(size=100_000)
    truth = rng.uniform(size=soft.size) < soft
    assert calibration_error(reliability(soft, truth)) < 0.01
    assert calibration_error(reliability(soft**2, truth)) == pytest.approx(1 / 2 - 1 / 3, abs=0.01)
