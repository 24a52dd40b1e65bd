"""How good soft labels are, where the truth is known: F1 of what they harden to, Brier score, reliability.

All functions take flat arrays over cells (a second and a class that was asked): `soft` in 0..1, `truth` bool. Soft
labels of different scales (shares of ticks, probabilities) are compared by F1 at the threshold that suits each best,
which needs the truth and flatters all alike; the Brier score and reliability ask whether they are probabilities.
"""

import numpy as np

BINS = 10  # of the reliability diagram, equally wide over 0..1


def f1_score(active: np.ndarray, truth: np.ndarray) -> float:
    """Compute F1 = 2 TP / (2 TP + FP + FN) of hard labels [cells]; nan without a true cell."""
    return 2 * float((active & truth).sum()) / float(active.sum() + truth.sum()) if truth.any() else float("nan")


def best_threshold(soft: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    """Find the threshold with the highest F1, among all that there are.

    Returns
    -------
    threshold, f1 : float
        Halfway between two neighbouring values of `soft`, or just below the least where all cells are active at best;
        both nan without a true cell.
    """
    if not truth.any():
        return float("nan"), float("nan")
    values, place = np.unique(soft, return_inverse=True)
    cells = np.bincount(place)[::-1].cumsum()[::-1]  # cells at or above each value
    hits = np.bincount(place, weights=truth)[::-1].cumsum()[::-1]
    scores = 2 * hits / (cells + truth.sum())
    best = int(np.argmax(scores))
    below = values[best - 1] if best else np.nextafter(values[0], -1)
    return float((below + values[best]) / 2 if best else below), float(scores[best])


def brier_score(soft: np.ndarray, truth: np.ndarray) -> float:
    """Compute the mean squared difference of soft labels and truth (Brier, 1950): 0 is perfect."""
    return float(np.mean((soft - truth) ** 2))


def reliability(soft: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Sum up a reliability diagram: [3, BINS], cells, sum of soft labels and true cells in each bin; sums add up."""
    place = np.minimum((soft * BINS).astype(int), BINS - 1)
    return np.stack([np.bincount(place, weights=w, minlength=BINS) for w in (np.ones_like(soft), soft, truth)])


def calibration_error(sums: np.ndarray) -> float:
    """Compute the expected calibration error from `reliability`: the mean over cells of |soft label - true share|."""
    return float(np.abs(sums[1] - sums[2]).sum() / sums[0].sum())
