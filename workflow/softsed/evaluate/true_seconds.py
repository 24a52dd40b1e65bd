"""True events of a recording as seconds: the reference that is the same for all systems and label methods.

Onsets are rounded down and offsets up to whole seconds, as sed_eval does. Only labelled seconds count.
"""

import logging
from pathlib import Path

import numpy as np

from softsed.core.errors import InputError
from softsed.core.event_text import count_other_events, read_true_events
from softsed.core.labels import rasterise

# True events that end later than this multiple of the labelled seconds are probably in milliseconds.
FAR = 10

logger = logging.getLogger(__name__)


def read_true_seconds(path: Path, soft: np.ndarray, classes: list[str]) -> np.ndarray:
    """Read the true events of a recording and rasterise them to seconds.

    True events that begin after the labelled seconds are left out, with a warning. True events of classes that are not
    annotated in the scene do not count, see `softsed.planning.ground_truth`.

    Parameters
    ----------
    soft : ndarray [seconds, classes]
        Soft labels of the recording, nan for classes not annotated in the scene.

    Returns
    -------
    ndarray of bool [seconds, classes]

    Raises
    ------
    InputError
        If no event begins within the labelled seconds although one ends `FAR` times later, which suggests another unit.
    """
    events, seconds = read_true_events(path, classes), len(soft)
    last = max((event.offset for event in events), default=0)
    if last > FAR * seconds and all(event.onset == 0 or event.onset >= seconds for event in events):
        raise InputError(
            f"the last true event ends at {last:g} s, but the recording has {seconds} s of labels and no true event "
            "begins within them",
            file=path,
            expected="onset and offset in seconds",
        )
    if late := sum(event.onset >= seconds for event in events):
        logger.warning("%s: %d of %d true events begin after the %d s with labels", path, late, len(events), seconds)
    return rasterise(events, classes, seconds) & _annotated(soft)


def count_left_out(path: Path, soft: np.ndarray, classes: list[str]) -> int:
    """Count the true events of a recording that have a class that is not annotated; arguments as above."""
    return count_other_events(path, [name for name, asked in zip(classes, _annotated(soft), strict=True) if asked])


def _annotated(soft: np.ndarray) -> np.ndarray:
    """Return whether each class is annotated in the recording, bool [classes]."""
    return ~np.isnan(soft).all(axis=0)
