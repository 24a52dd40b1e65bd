"""Forward-backward sums equal an enumeration of all sequences."""

import itertools

import numpy as np
import pytest

from softsed.labels.joint.forward_backward import smooth


@pytest.mark.parametrize("lengths", [[3], [2, 3]])
def test_smooth_equals_enumeration(lengths):
    rng = np.random.default_rng(len(lengths))
    evidence = rng.uniform(0.1, 1, size=(len(lengths), 6, 4, 1))
    transition = np.array([[0.8, 0.2], [0.4, 0.6]])
    counts, active, likelihood = np.zeros(evidence.shape), np.zeros(6), 0.0
    for sequence in itertools.product((0, 1), repeat=6):
        probability = (2 / 3, 1 / 3)[sequence[0]]  # stationary
        for before, after in itertools.pairwise(sequence):
            probability *= transition[before, after]
        numbers = [[sum(sequence[max(0, t - length + 1) : t + 1]) for t in range(6)] for length in lengths]
        for kind, second in np.ndindex(len(lengths), 6):
            probability *= evidence[kind, second, numbers[kind][second], 0]
        likelihood += probability
        active += probability * np.array(sequence)
        for kind, second in np.ndindex(len(lengths), 6):
            counts[kind, second, numbers[kind][second], 0] += probability
    found, moves, log_scale, _ = smooth(evidence, transition[:, :, None], lengths)
    np.testing.assert_allclose(moves[:, 1, 0] + moves[:, 3, 0], active / likelihood, rtol=1e-10)
    np.testing.assert_allclose(found, counts / likelihood, rtol=1e-10, atol=1e-15)
    np.testing.assert_allclose(log_scale.sum(), np.log(likelihood), rtol=1e-10)


def test_smooth_without_evidence_is_stationary():
    transition = np.array([[0.9, 0.1], [0.3, 0.7]])[:, :, None]
    counts, moves, log_scale, _ = smooth(np.ones((1, 8, 3, 1)), transition, [2])
    np.testing.assert_allclose(moves[1:, 1, 0] + moves[1:, 3, 0], 0.25)
    np.testing.assert_allclose(counts.sum(axis=2), 1)
    np.testing.assert_allclose(log_scale, 0, atol=1e-12)
