"""Thresholds from soft labels: the trimmed midrange, and the threshold of the highest expected F1."""

import csv
import statistics

import numpy as np
import pytest
from support.errors import refused
from support.shared import shared

from softsed.core.thresholds import trimmed_midrange
from softsed.labels.harden import expected_f1

pytestmark = pytest.mark.filterwarnings("error")


def test_trimmed_midrange_by_hand():
    """Values .1 to 1.1 in steps of .1: P10 = .2 and P90 = 1.0 lie on values, and their mean is .6.

    One outlier instead of the largest value moves the 0 % midrange but not the trimmed one.
    """
    column = np.arange(1, 12) / 10
    np.testing.assert_allclose(trimmed_midrange([column[:, None]], 10), [0.6])
    outlier = np.where(column == 1.1, 50.0, column)[:, None]
    np.testing.assert_allclose(trimmed_midrange([outlier], 10), [0.6])
    np.testing.assert_allclose(trimmed_midrange([outlier], 0), [25.05])


def test_trimmed_midrange_pools_listed_values():
    """Zeros (not listed in the published files) and nan (not annotated) are left out; recordings are pooled."""
    first = np.array([[0.2, 0.0], [0.0, 0.0], [0.4, 0.0]])
    second = np.array([[0.6, np.nan], [0.8, np.nan], [1.0, np.nan]])
    # .2 .4 .6 .8 1: P25 = .4, P75 = .8. Nothing is listed for the second class.
    np.testing.assert_allclose(trimmed_midrange([first, second], 25), [0.6, np.nan])
    np.testing.assert_allclose(trimmed_midrange([second, first], 25), [0.6, np.nan])


def test_trimmed_midrange_of_real_recordings():
    """Deciles of the listed values, those above zero: P10 and P90 are the first and the last of nine cuts."""
    matrices: dict[str, list[list[float]]] = {}
    with shared("maestro_real/soft_labels.tsv").open(encoding="utf-8", newline="") as file:
        for name, _, _, *values in list(csv.reader(file, delimiter="\t"))[1:]:
            matrices.setdefault(name, []).append([float(value) for value in values])
    assert len(matrices) == 25
    expected = []
    for column in zip(*(row for rows in matrices.values() for row in rows), strict=True):
        cuts = statistics.quantiles([value for value in column if value > 0], n=10, method="inclusive")
        expected.append((cuts[0] + cuts[-1]) / 2)
    actual = trimmed_midrange([np.array(rows) for rows in matrices.values()], 10)
    np.testing.assert_allclose(actual, expected, rtol=1e-12)


def test_trimmed_midrange_of_no_recording():
    with refused(expected="the training recordings"):
        trimmed_midrange([], 10)


def ratio(p, threshold):
    """F as a ratio of expectations, term by term."""
    active = [value for value in p if value > threshold]
    return 2 * sum(active) / (len(active) + sum(p))


@pytest.mark.parametrize("seed", range(20))
def test_no_threshold_has_a_higher_expected_f1(seed):
    """Brute force over every threshold with another result: each value, and one below all values."""
    rng = np.random.default_rng(seed)
    p = rng.beta(*rng.uniform(0.05, 2, 2), size=rng.integers(1, 200)).round(6)
    (threshold,) = expected_f1([p[:, None]])
    best = max(ratio(p.tolist(), t) for t in [-1, *p.tolist()])
    assert ratio(p.tolist(), threshold) == pytest.approx(best, rel=1e-12)
    assert threshold == pytest.approx(best / 2, rel=1e-12)  # Lipton et al., theorem 1


def test_expected_f1_by_hand():
    """.8, .5, .2, mass 1.5. One active second: 1.6 / 2.5 = .64; two: 2.6 / 3.5 = .743; three: 3 / 4.5 = .667."""
    np.testing.assert_allclose(expected_f1([np.array([[0.8], [0.2]]), np.array([[0.5]])]), [2.6 / 3.5 / 2])


def test_expected_f1_of_certain_labels_is_half():
    np.testing.assert_array_equal(expected_f1([np.array([[1.0, 1], [0, 1], [0, np.nan]])]), [0.5, 0.5])


def test_expected_f1_of_zero_class_is_1():
    found = expected_f1([np.array([[0.0, np.nan, 0.3], [0.0, np.nan, 0.8]])])
    np.testing.assert_array_equal(found[:2], [1, 1])
    assert 0.3 < found[2] < 0.8


def test_expected_f1_of_improbable_class_is_1():
    values = np.full((600, 2), 0.001)  # 0.6 s expected
    values[7] = 0.002, 0.9  # and 1.5 s
    assert (values > expected_f1([values])).sum(axis=0).tolist() == [0, 1]


def test_expected_f1_equals_mean_over_truths():
    """Truths drawn from the probabilities themselves: at the chosen threshold their mean F1 is highest, F = 2 t."""
    rng = np.random.default_rng(0)
    p = rng.beta(0.2, 0.6, size=4000)
    (threshold,) = expected_f1([p[:, None]])

    def mean_f1(t):
        f1 = []
        for _ in range(100):
            truth, found = rng.random(len(p)) < p, p > t
            f1.append(2 * (truth & found).sum() / (truth.sum() + found.sum()))
        return np.mean(f1)

    assert mean_f1(threshold) == pytest.approx(2 * threshold, abs=0.003)
    assert all(mean_f1(threshold) > mean_f1(other) for other in (threshold - 0.15, threshold + 0.15))


def test_trimmed_midrange_of_binary_labels():
    binary = np.array([[0, 1], [1, 1], [0, 0], [1, 0.5]])
    np.testing.assert_array_equal(trimmed_midrange([binary], 10), [0.5, (np.percentile([1, 1, 0.5], 10) + 1) / 2])
