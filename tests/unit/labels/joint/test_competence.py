"""Shrunk probabilities by hand."""

import numpy as np
import pytest

from softsed.labels.joint.competence import shrink

YES, TRIALS = np.array([[3, 1, 0], [0, 0, 0]]), np.array([[4, 6, 0], [0, 0, 0]])


@pytest.mark.parametrize(
    ("weight", "expected"),
    [
        (0, [4 / 6, 2 / 8, 1 / 2]),
        (10, [(3 + 50 / 12) / 14, (1 + 50 / 12) / 16, 5 / 12]),
        (np.inf, [5 / 12, 5 / 12, 5 / 12]),
    ],
)
def test_shrink_by_hand(weight, expected):
    """4 of 10 in all classes, with one success and one failure added: 5/12. The second annotator has no trials."""
    common, own = shrink(YES, TRIALS, prior=(1, 1), weight=weight)
    np.testing.assert_allclose(common, [5 / 12, 1 / 2])
    np.testing.assert_allclose(own, [expected, [1 / 2] * 3])
