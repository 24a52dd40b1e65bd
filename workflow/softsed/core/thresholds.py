"""Thresholds a class that the labels themselves give, without truth.

`trimmed_midrange` is the paper's, `expected_f1` is for soft labels that are probabilities. A threshold is exceeded
strictly: a second is active where its value lies above it.
"""

import numpy as np

from softsed.core.errors import InputError

MIDRANGE = "class-dependent"  # name of the operating point of `trimmed_midrange`; a fixed one is named by its value


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
