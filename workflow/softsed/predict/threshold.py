"""Threshold of the events of `softsed apply`: class-dependent, fixed, or a number."""

import numpy as np

from softsed.core.errors import InputError
from softsed.core.thresholds import MIDRANGE
from softsed.core.tsv import read_number

FIXED = "fixed"  # the threshold of the experiment's config


def check_threshold(wanted: str) -> None:
    """Raise an InputError unless `wanted` is "class-dependent", "fixed" or a number from 0 to 1."""
    if wanted not in (MIDRANGE, FIXED) and not 0 <= read_number(wanted) <= 1:
        raise InputError(
            f"the value is {wanted!r}", key="threshold", expected=f"{MIDRANGE}, {FIXED} or a number from 0 to 1"
        )


def choose_threshold(extras: list[dict], wanted: str) -> np.ndarray:
    """Choose the threshold of each class.

    Parameters
    ----------
    extras : list of dict
        Extras of the models of one run, from `softsed.predict.apply.load_models`.
    wanted : str
        "class-dependent": trimmed midrange of the training labels, averaged over the models that have one;
        "fixed": threshold of the experiment's config; or a number from 0 to 1.

    Returns
    -------
    ndarray [classes]
        nan, which no score exceeds, for a class without a class-dependent threshold in any model.
    """
    check_threshold(wanted)
    if wanted == MIDRANGE:
        listed = np.array([one["thresholds"].cpu().numpy() for one in extras])  # [models, classes]
        known = ~np.isnan(listed)
        with np.errstate(invalid="ignore"):
            return np.where(known, listed, 0).sum(axis=0) / known.sum(axis=0)
    value = extras[0]["carried"]["threshold"] if wanted == FIXED else float(wanted)
    return np.full(len(extras[0]["classes"]), value)
