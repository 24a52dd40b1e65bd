"""Class-dependent thresholds of Sec. 4, and the names of operating points.

A second is active where its value lies above the threshold; a value equal to the threshold is inactive.
"""

import numpy as np

from softsed.core.errors import InputError

MIDRANGE = "class-dependent"  # operating point of `trimmed_midrange`; a fixed threshold is named by its value
ALL_CLASSES = f"{MIDRANGE}, all classes"  # the same thresholds, for all classes with soft labels


def trimmed_midrange(values: list[np.ndarray], percent: float) -> np.ndarray:
    """Compute the class-dependent thresholds of Sec. 4: the trimmed midrange of the training soft labels.

    The n % trimmed midrange is (P_n + P_100-n) / 2. P are the percentiles of the values that the published files list:
    those of classes annotated in the scene that are not zero. Labels of 0 and 1 have a midrange of 1, and no value lies
    above 1. Their threshold is 0.5, the midrange with the zeros included.

    Parameters
    ----------
    values : list of ndarray [seconds, classes]
        Soft labels in 0..1, one matrix per training recording.
    percent : float
        n, from 0 to below 50.

    Returns
    -------
    ndarray [classes]
        nan for a class without a positive value.

    Raises
    ------
    InputError
        If `values` is empty.
    """
    if not values:
        raise InputError(
            "class-dependent thresholds cannot be computed without recordings", expected="the training recordings"
        )
    pooled = np.concatenate(values)
    listed = (column[column > 0] for column in pooled.T)
    found = (np.percentile(v, (percent, 100 - percent)).mean() if len(v) else np.nan for v in listed)
    return np.array([0.5 if value == 1 else value for value in found])
