"""True events of a recording as seconds: the reference that is the same for all systems and label methods.

Onsets are rounded down and offsets up to whole seconds, as in sed_eval. Only labelled cells (a second and class) count.
"""

import logging
from pathlib import Path

import numpy as np

from softsed.core.errors import InputError, Problems, count
from softsed.core.event_text import count_other_events, read_truth
from softsed.core.label_rows import LabelRows
from softsed.core.labels import rasterise

# If a true event ends later than this multiple of the labelled seconds, its times are probably milliseconds.
FAR = 10

logger = logging.getLogger(__name__)


def find_late(rows: LabelRows, seconds: int) -> np.ndarray:
    """Find the true events of one recording that begin after its labelled seconds.

    Parameters
    ----------
    rows : LabelRows
        True events of the recording, of all classes.
    seconds : int
        Number of labelled seconds of the recording.

    Returns
    -------
    ndarray of int
        Indices of the rows.

    Raises
    ------
    InputError
        If one event ends `FAR` times later than the labelled seconds, and every event begins at 0 s or after them. This
        suggests another unit.
    """
    if len(rows.line) and rows.offset.max() > FAR * seconds and ((rows.onset == 0) | (rows.onset >= seconds)).all():
        last = int(rows.offset.argmax())
        raise InputError(
            f"a true event ends at {rows.offset[last]:g} s, but the recording has only {seconds} s of labels",
            **rows.place(last),
            expected="onset and offset in seconds",
            remedy="Check whether the times are in milliseconds",
        )
    return np.flatnonzero(rows.onset >= seconds)


def read_true_seconds(path: Path, soft: np.ndarray, classes: list[str]) -> np.ndarray:
    """Read the true events of a recording and rasterise them to seconds.

    True events that begin after the labelled seconds are left out. The check of the true events warns about them, and
    the log of the step counts them. True events of classes that are not
    annotated in the scene are left out too; `count_left_out` counts them. If the class is annotated in the scene but a
    cell has no label, the true event does not count in this cell, which `softsed.evaluate.inputs` leaves out.

    Parameters
    ----------
    soft : ndarray [seconds, classes]
        Soft labels of the recording, nan without a label.

    Returns
    -------
    ndarray of bool [seconds, classes]

    Raises
    ------
    InputError
        If the events are probably in another unit, see `find_late`.
    """
    rows, seconds = read_truth(path, Problems(strict=True)), len(soft)
    if number := len(find_late(rows, seconds)):
        after = f"after the {seconds} s with labels"
        what = count(number, f"true event begins {after} and does", f"true events begin {after} and do")
        logger.info("%s: %s not count", path, what)
    known = [row for row, label in enumerate(rows.label) if label in classes]
    return rasterise(rows.events(np.array(known, dtype=int)), classes, seconds) & ~np.isnan(soft)


def count_left_out(path: Path, annotated: np.ndarray, classes: list[str]) -> int:
    """Count the true events whose class is not annotated in the scene of the recording, as `softsed check` does.

    Parameters
    ----------
    annotated : ndarray of bool [classes]
        Whether the class is annotated in the scene of the recording, see `inputs.annotated_in_scenes`.
    """
    return count_other_events(path, [name for name, asked in zip(classes, annotated, strict=True) if asked])
