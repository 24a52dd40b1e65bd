"""Sums over chains whose windows do not overlap equal those over the states of all seconds."""

import numpy as np
import pytest

from softsed.labels.joint.blocks import smooth_blocks, sum_paths
from softsed.labels.joint.forward_backward import smooth

TRANSITION = np.array([[0.8, 0.2], [0.4, 0.6]])


@pytest.mark.parametrize("lengths", [[4], [4, 2, 4], [1, 3, 1, 1, 2], [3, 0]])
def test_smooth_blocks_equals_smooth(lengths):
    rng = np.random.default_rng(len(lengths))
    seen = rng.uniform(0.1, 1, size=(len(lengths), 3, 5))  # three chains
    seen[1:2] = 1  # a gap
    found = smooth_blocks(seen, np.tile(lengths, (3, 1)).T, TRANSITION, sum_paths(TRANSITION[None], 4)[0])
    used = np.flatnonzero(lengths)
    kinds, ends = sorted(set(lengths) - {0}), np.cumsum(lengths)
    evidence = np.ones((len(kinds), ends[-1], 5, 3))
    for block in used:
        evidence[kinds.index(lengths[block]), ends[block] - 1] = seen[block].T
    counts, moves, log_scale, _ = smooth(evidence, np.repeat(TRANSITION[:, :, None], 3, axis=2), kinds)
    for block in used:
        expected = counts[kinds.index(lengths[block]), ends[block] - 1].T
        np.testing.assert_allclose(found[0][block], expected, rtol=1e-10, atol=1e-15)
        active = moves[ends[block] - lengths[block] : ends[block], [1, 3]].sum(axis=1).T
        np.testing.assert_allclose(found[1][block, :, : lengths[block]], active, rtol=1e-10)
        assert not found[1][block, :, lengths[block] :].any()
    np.testing.assert_allclose(found[2], moves[1:].sum(axis=(0, 2)), rtol=1e-10, atol=1e-12)
    assert found[3] == pytest.approx(log_scale.sum(), rel=1e-10)


def test_sum_paths_by_hand():
    """Two seconds after an inactive one: inactive, active; active, inactive; both active; none."""
    sums = sum_paths(TRANSITION[None], 2)[0, 2, :, 0]
    expected = np.array([[0.64, 0], [0.08, 0.16], [0, 0.12]])  # [numbers, last second]
    np.testing.assert_allclose(sums[0], expected)
    np.testing.assert_allclose(sums[1], [[0, 0], [0.08, 0], [0, 0.12]])  # the first second is active
    np.testing.assert_allclose(sums[2], [[0, 0], [0, 0.16], [0, 0.12]])
    np.testing.assert_allclose(sums[3], [[1.28, 0], [0, 0.16], [0, 0]])  # stays inactive: twice, or once
    np.testing.assert_allclose(sums[4], [[0, 0], [0.08, 0.16], [0, 0.12]])  # one onset
