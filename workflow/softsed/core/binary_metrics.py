"""Quality of soft labels against the ground truth: F1 of their hard labels, Brier score and reliability.

All functions take flat arrays over cells, pairs of a second and a class annotated in the scene: `soft` in 0..1 and
`truth` bool. Soft labels of different scales (shares of ticks, probabilities) are compared by their F1 at the threshold
with the highest F1, which requires the truth. The Brier score and the reliability measure how close soft labels are to
probabilities.
"""

import numpy as np

BINS = 10  # number of bins of the reliability diagram, of equal width over 0..1


def f1_score(active: np.ndarray, truth: np.ndarray) -> float:
    """Compute F1 = 2 TP / (2 TP + FP + FN) of hard labels [cells]; nan if no cell is true."""
    return 2 * float((active & truth).sum()) / float(active.sum() + truth.sum()) if truth.any() else float("nan")


def best_threshold(soft: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    """Find the threshold with the highest F1 among all thresholds.

    Returns
    -------
    threshold, f1 : float
        The threshold lies halfway between two neighbouring values of `soft`, or just below the smallest one if F1 is
        highest with all cells active. Both are nan if no cell is true.
    """
    if not truth.any():
        return float("nan"), float("nan")
    values, place = np.unique(soft, return_inverse=True)
    cells = np.bincount(place)[::-1].cumsum()[::-1]  # cells at or above each value
    hits = np.bincount(place, weights=truth)[::-1].cumsum()[::-1]
    f1 = 2 * hits / (cells + truth.sum())
    best = int(np.argmax(f1))
    below = values[best - 1] if best else np.nextafter(values[0], -1)
    return float((below + values[best]) / 2 if best else below), float(f1[best])


def brier_score(soft: np.ndarray, truth: np.ndarray) -> float:
    """Compute the mean squared difference of soft labels and truth (Brier, 1950): 0 is perfect."""
    return float(np.mean((soft - truth) ** 2))


def reliability(soft: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Compute the sums of a reliability diagram.

    Returns
    -------
    ndarray [3, BINS]
        Number of cells, sum of soft labels and sum of `truth` in each bin. Diagrams are pooled by adding these sums.
    """
    place = np.minimum((soft * BINS).astype(int), BINS - 1)
    return np.stack([np.bincount(place, weights=w, minlength=BINS) for w in (np.ones_like(soft), soft, truth)])


def calibration_error(sums: np.ndarray) -> float:
    """Compute the expected calibration error from `reliability`: the mean over cells of |soft label - true share|."""
    return float(np.abs(sums[1] - sums[2]).sum() / sums[0].sum())
