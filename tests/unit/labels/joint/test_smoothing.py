"""Posterior of chains with and without overlapping windows, as by enumeration of all sequences."""

import itertools

import numpy as np
import pytest

from softsed.labels.joint.smoothing import Smoother

# (chain, onset, length) of windows. Chains: two with overlaps, a clip, a clip with gaps, one without windows, one with
# windows side by side, one with a window that ends after its last whole second.
WINDOWS = [(0, 0, 3), (0, 1, 3), (0, 4, 2), (1, 0, 2), (1, 1, 2), (2, 0, 3), (3, 4, 2), (5, 0, 2), (5, 2, 3), (6, 0, 3)]
SECONDS, LABEL = np.array([6, 3, 3, 7, 4, 5, 2]), np.array([0, 1, 0, 1, 1, 0, 1])
TRANSITION = np.array([[[0.8, 0.9], [0.2, 0.1]], [[0.4, 0.3], [0.6, 0.7]]])  # [2, 2, classes]


def enumerate_all(evidence):
    """Posterior per chain from all sequences: active seconds, counts, moves and log likelihood."""
    active, counts, moves, total = [], np.zeros(evidence.shape), np.zeros((4, 2)), 0.0
    for chain, label in enumerate(LABEL):
        step, mine = TRANSITION[:, :, label], [(c, w) for c, w in enumerate(WINDOWS) if w[0] == chain]
        seconds = max([SECONDS[chain], *(onset + length for _, (_, onset, length) in mine)])
        weights, each, moved, seen = [], [], [], []
        for sequence in itertools.product((0, 1), repeat=int(seconds)):
            pairs = list(itertools.pairwise(sequence))
            numbers = [sum(sequence[onset : onset + length]) for _, (_, onset, length) in mine]
            weight = (step[1, 0], step[0, 1])[sequence[0]] / (step[1, 0] + step[0, 1])
            weight *= np.prod([step[pair] for pair in pairs])
            weight *= np.prod([evidence[cell, number] for (cell, _), number in zip(mine, numbers, strict=True)])
            weights.append(weight)
            each.append(sequence)
            moved.append(np.bincount([2 * a + b for a, b in pairs], minlength=4))
            seen.append(numbers)
        share = np.array(weights) / sum(weights)
        active.append(share @ np.array(each))
        moves[:, label] += share @ np.array(moved)
        total += np.log(sum(weights))
        for place, (cell, _) in enumerate(mine):
            counts[cell] = np.bincount(np.array(seen)[:, place], weights=share, minlength=evidence.shape[1])
    return np.concatenate(active), counts, moves, total


@pytest.mark.parametrize("order", [1, -1])
def test_posterior_equals_enumeration(order):
    evidence = np.random.default_rng(0).uniform(0.1, 1, size=(len(WINDOWS), 4))
    smoother = Smoother(*np.array(WINDOWS[::order]).T, seconds=SECONDS, label=LABEL)
    assert [part[0].tolist() for part in smoother.overlapping] == [[0, 1]]
    found = smoother.posterior(evidence[::order], TRANSITION)
    active, counts, moves, log_likelihood = enumerate_all(evidence)
    np.testing.assert_allclose(found.active, active, rtol=1e-5)
    np.testing.assert_allclose(found.counts[::order], counts, rtol=1e-5, atol=1e-12)
    np.testing.assert_allclose(found.moves, moves, rtol=1e-5)
    assert found.log_likelihood == pytest.approx(log_likelihood, rel=1e-6)
    assert smoother.start.tolist() == [0, 6, 9, 12, 19, 23, 28]


def test_posterior_does_not_depend_on_parts(monkeypatch):
    """Many clips of one class, in one part or in many."""
    rng = np.random.default_rng(1)
    windows = np.arange(50), np.zeros(50, dtype=int), rng.integers(1, 4, size=50)
    table = {"seconds": rng.integers(4, 9, size=50), "label": np.zeros(50, dtype=int)}
    evidence, transition = rng.uniform(0.1, 1, size=(50, 4)), TRANSITION[:, :, :1]
    whole = Smoother(*windows, **table).posterior(evidence, transition)
    monkeypatch.setattr("softsed.labels.joint.smoothing.BLOCKS", 8)
    parts = Smoother(*windows, **table)
    assert len(parts.apart) > 10
    found = parts.posterior(evidence, transition)
    for name in ("active", "counts", "moves", "log_likelihood"):
        np.testing.assert_allclose(getattr(found, name), getattr(whole, name), rtol=1e-10, err_msg=name)
