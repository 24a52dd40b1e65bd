"""Divergences: closed forms and properties."""

import math

import numpy as np
import pytest

from softsed.evaluate.divergence import kld_bernoulli, kld_time

EPSILON = 1e-7


def test_time_closed_form():
    # p = (3/4, 1/4), q = (1/2, 1/2): 3/4 log 3/2 + 1/4 log 1/2
    reference, output = np.array([[0.75], [0.25]]), np.array([[0.3], [0.3]])
    expected = 0.75 * math.log(1.5) + 0.25 * math.log(0.5)
    assert kld_time(reference, output, epsilon=EPSILON) == pytest.approx(expected)


def test_time_of_one_active_second_is_log_of_length():
    reference, output = np.zeros((20, 1)), np.full((20, 1), 0.4)
    reference[7] = 1
    assert kld_time(reference, output, epsilon=EPSILON) == pytest.approx(math.log(20))


def test_time_ignores_scale_and_empty_classes():
    rng = np.random.default_rng(0)
    reference = rng.random((30, 2))
    output = 0.3 * reference
    assert kld_time(reference, output, epsilon=EPSILON) == pytest.approx(0, abs=1e-12)
    more = np.hstack([reference, np.zeros((30, 1))]), np.hstack([output, rng.random((30, 1))])
    assert kld_time(*more, epsilon=EPSILON) == pytest.approx(0, abs=1e-12)
    other = rng.random((30, 2))
    by_class = [kld_time(reference[:, [i]], other[:, [i]], epsilon=EPSILON) for i in range(2)]
    assert kld_time(reference, other, epsilon=EPSILON) == pytest.approx(np.mean(by_class))


def test_time_clips_outputs():
    reference, output = np.array([[1.0], [0.0]]), np.array([[-0.3], [1.7]])
    # q = (0.1, 0.9) / 1
    assert kld_time(reference, output, epsilon=0.1) == pytest.approx(math.log(10))


def test_bernoulli_closed_forms():
    half = np.full((4, 3), 0.5)
    assert kld_bernoulli(np.ones((4, 3)), half, epsilon=EPSILON) == pytest.approx(3 * math.log(2))
    assert kld_bernoulli(np.zeros((4, 3)), half, epsilon=EPSILON) == pytest.approx(3 * math.log(2))
    assert kld_bernoulli(half, half, epsilon=EPSILON) == 0
    one = kld_bernoulli(np.array([[0.8]]), np.array([[0.4]]), epsilon=EPSILON)
    assert one == pytest.approx(0.8 * math.log(2) + 0.2 * math.log(0.2 / 0.6))


def test_bernoulli_clips_outputs():
    assert kld_bernoulli(np.ones((1, 1)), np.full((1, 1), -2.0), epsilon=0.01) == pytest.approx(math.log(100))
    assert kld_bernoulli(np.zeros((1, 1)), np.full((1, 1), 2.0), epsilon=0.01) == pytest.approx(math.log(100))


def test_divergences_are_not_negative():
    rng = np.random.default_rng(5)
    for _ in range(50):
        reference, output = rng.random((12, 3)).round(1), rng.normal(0.5, 0.6, size=(12, 3))
        assert kld_time(reference, output, epsilon=EPSILON) >= 0
        assert kld_bernoulli(reference, output, epsilon=EPSILON) >= 0


def test_empty_reference_is_nan():
    assert math.isnan(kld_time(np.zeros((4, 2)), np.full((4, 2), 0.5), epsilon=EPSILON))
    assert math.isnan(kld_time(np.zeros((0, 2)), np.zeros((0, 2)), epsilon=EPSILON))
    assert math.isnan(kld_bernoulli(np.zeros((0, 2)), np.zeros((0, 2)), epsilon=EPSILON))
