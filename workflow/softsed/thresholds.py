"""Thresholds a class that the labels themselves give, without truth.

`trimmed_midrange` is the paper's, `expected_f1` is for soft labels that are probabilities. A threshold is exceeded
strictly: a second is active where its value lies above it.
"""

import numpy as np

from softsed.errors import InputError
from softsed.textfiles import read_number

MIDRANGE = "class-dependent"  # name of the operating point of `trimmed_midrange`; a fixed one is named by its value
FIXED = "fixed"  # that of the config
EXPECTED_F1 = "expected_f1"  # `threshold:` in the config that asks for `expected_f1`


def check_threshold(wanted: str) -> None:
    """Raise an InputError for what cannot be asked for as the threshold of `softsed apply`."""
    if wanted not in (MIDRANGE, FIXED) and not 0 <= read_number(wanted) <= 1:
        raise InputError(f"threshold {wanted!r}: expected {MIDRANGE}, {FIXED} or a number from 0 to 1")


def trimmed_midrange(values: list[np.ndarray], percent: float) -> np.ndarray:
    """Compute the class-dependent thresholds of Sec. 4: the trimmed midrange of the training soft labels.

    The n % trimmed midrange is (P_n + P_100-n) / 2 with P the percentiles of the values listed in the published
    files: asked in the scene and not zero. Nothing would lie above a midrange of 1, which is that of labels of 0 and 1:
    the threshold of these is .5, the midrange with the zeros.

    Parameters
    ----------
    values : list of ndarray [seconds, classes]
        Soft labels, one matrix a recording; an InputError without any.
    percent : float
        n, from 0 to below 50.

    Returns
    -------
    ndarray [classes]
        nan for a class without any positive value: there is nothing to take a threshold from.
    """
    if not values:
        raise InputError("no recording to take class-dependent thresholds from; expected the training recordings")
    pooled = np.concatenate(values)
    listed = (column[column > 0] for column in pooled.T)
    found = (np.percentile(v, (percent, 100 - percent)).mean() if len(v) else np.nan for v in listed)
    return np.array([0.5 if value == 1 else value for value in found])


def expected_f1(values: list[np.ndarray]) -> np.ndarray:
    """Compute the thresholds at which hard labels have the highest expected F1, if soft labels are probabilities.

    With p the probability that a second is truly active, the hard labels above t have, as a ratio of expectations,

        F(t) = 2 sum_{p > t} p / (sum_{p > t} 1 + sum p).

    The best t is half the F it reaches (Lipton, Elkan and Narayanaswamy, ECML PKDD 2014): a second adds 2 p to the
    numerator and 1 to the denominator, which raises F where 2 p > F. Where less than one active second is expected at
    all, the ratio says nothing: it would make an event of the likeliest second of a class that was never there.

    Parameters
    ----------
    values : list of ndarray [seconds, classes]
        Probabilities, one matrix a recording, at least one; nan where a class was not asked.

    Returns
    -------
    ndarray [classes]
        In 0..0.5, pooled over the recordings; 1 (nothing is active) where less than one active second is expected.
    """
    thresholds = []
    for column in np.concatenate(values).T:
        descending = np.sort(column[column > 0])[::-1]
        mass = np.cumsum(descending)
        best = np.max(2 * mass / (np.arange(1, len(mass) + 1) + mass[-1:]), initial=0)
        thresholds.append(best / 2 if mass[-1:].sum() >= 1 else 1)
    return np.array(thresholds, dtype=float)
