"""Soft and hard labels: matrices, events, the two tables of this project, and the step from soft to hard labels.

Conventions
-----------
- A label matrix is a float array [seconds, classes]: row t is the second from t to t + 1, columns follow
  ``classes.tsv``, values are activity levels in 0..1. nan means that there is no label: the class is not
  annotated in the scene, or nobody gave an opinion about the second. 0 means that no annotator who was asked
  reported the class.
- Soft table: ``recording onset offset label value``, one row per second and class with labels in the recording, zeros
  included. The value is empty for a second without a label.
- Hard table: ``recording onset offset label``, one row per event, contiguous active seconds merged (Sec. 2.2). A
  recording without events has one row whose other fields are empty.
- One table contains all recordings of an experiment: the workflow then plans with one file per method, not one per
  recording.
"""

from pathlib import Path

import numpy as np

from softsed.core.errors import InputError, Problems, count
from softsed.core.label_rows import HARD_COLUMNS, SOFT_COLUMNS, Event, read_rows


def harden(soft: np.ndarray, threshold: float | np.ndarray) -> np.ndarray:
    """Compute hard labels from activity levels: active where strictly above the threshold (Sec. 2.1).

    Parameters
    ----------
    soft : ndarray [seconds, classes]
        Activity levels; nan (not annotated in this scene) is never active.
    threshold : float or ndarray [classes]
        One threshold, or one per class. A threshold of nan (no positive value in the training data) detects nothing.

    Returns
    -------
    ndarray of bool [seconds, classes]
    """
    return np.greater(soft, threshold)


def to_events(active: np.ndarray, classes: list[str]) -> list[Event]:
    """Merge contiguous active seconds of each class into events.

    Parameters
    ----------
    active : ndarray of bool [seconds, classes]

    Returns
    -------
    list of Event
        Sorted by onset, then by the order of `classes`; empty if no second is active.
    """
    edges = np.diff(np.pad(active.astype(np.int8), ((1, 1), (0, 0))), axis=0)
    events = []
    for column, name in enumerate(classes):
        onsets, offsets = (np.flatnonzero(edges[:, column] == step).tolist() for step in (1, -1))
        events += [Event(onset, offset, name) for onset, offset in zip(onsets, offsets, strict=True)]
    return sorted(events, key=lambda event: event.onset)  # stable: classes stay in order


def rasterise(events: list[Event], classes: list[str], seconds: int) -> np.ndarray:
    """Mark the seconds that events touch: onset rounded down, offset rounded up, as sed_eval does.

    Returns
    -------
    ndarray of bool [seconds, classes]
        Events beyond `seconds` are cut off.
    """
    active = np.zeros((seconds, len(classes)), dtype=bool)
    for event in events:
        active[int(np.floor(event.onset)) : int(np.ceil(event.offset)), classes.index(event.label)] = True
    return active


def read_soft(path: Path, classes: list[str], recordings: list[str] | None = None) -> dict[str, np.ndarray]:
    """Read a soft table. Its rows define which classes are annotated in a recording, and its length.

    Parameters
    ----------
    path : Path
        Soft table.
    classes : list of str
        Names of the columns of a matrix, in order.
    recordings : list of str, optional
        Recordings to return, in this order; all recordings of the table by default.

    Returns
    -------
    dict of ndarray [seconds, classes]
        Activity levels in 0..1; nan in the columns of classes without a row and where the value is unknown.

    Raises
    ------
    InputError
        If a row is not a whole second, names an unknown class or has a value outside 0..1; if a recording does not
        have exactly one row for every second of every class that it lists, or a requested recording has no row.
    """
    problems = Problems(strict=True)
    table = read_rows(path, "soft", problems)
    column = table.columns(classes, problems)
    labels = {}
    for recording, rows in table.by_recording().items():
        seconds, listed = int(table.onset[rows].max()) + 1, np.unique(column[rows])
        cells = np.unique(table.onset[rows].astype(int) * len(classes) + column[rows])
        if len(rows) == len(cells) == seconds * len(listed):
            labels[recording] = np.full((seconds, len(classes)), np.nan)
            labels[recording][table.onset[rows].astype(int), column[rows]] = table.value[rows]
        else:
            given = count(len(rows), "row", "rows")
            raise InputError(
                f"recording {recording!r} has {given} instead of {seconds * len(listed)} (seconds: {seconds}, classes: "
                f"{len(listed)})",
                **table.place(rows[0]),
                expected="one row for every second of every class, zeros included",
            )
    return _select(labels, recordings, path)


def write_soft(path: Path, labels: dict[str, np.ndarray], classes: list[str]) -> None:
    """Write label matrices [seconds, classes] as a soft table.

    An unknown label (nan) is a row with an empty value. A class without any known label in a recording has no rows.
    """
    listed = {recording: np.flatnonzero(~np.isnan(values).all(axis=0)).tolist() for recording, values in labels.items()}
    rows = [
        f"{recording}\t{second}\t{second + 1}\t{classes[column]}\t"
        + ("\n" if np.isnan(row[column]) else f"{row[column]:.6f}\n")
        for recording, values in labels.items()
        for second, row in enumerate(values)
        for column in listed[recording]
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\t".join(SOFT_COLUMNS) + "\n" + "".join(rows), encoding="utf-8")


def read_hard(path: Path, classes: list[str], recordings: list[str] | None = None) -> dict[str, list[Event]]:
    """Read a hard table: the events of each recording, an empty list for a recording without events.

    Raises
    ------
    InputError
        If a row is not 0 <= onset < offset seconds, names an unknown class, is empty although the recording has
        events, or a requested recording has no row.
    """
    problems = Problems(strict=True)
    table = read_rows(path, "hard", problems)
    table.columns(classes, problems)
    events = {name: table.events(rows) for name, rows in table.by_recording().items()}
    for name, line in table.bare.items():
        if events[name]:
            problem = f"recording {name!r} has events and a row without an event"
            raise InputError(problem, file=path, line=line, remedy="Remove the events or this row")
    return _select(events, recordings, path)


def write_hard(path: Path, events: dict[str, list[Event]]) -> None:
    """Write the events of each recording as a hard table."""
    rows = [
        f"{recording}\t{onset:.10g}\t{offset:.10g}\t{label}\n"
        for recording, listed in events.items()
        for onset, offset, label in listed
    ]
    rows += [f"{recording}\t\t\t\n" for recording, listed in events.items() if not listed]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\t".join(HARD_COLUMNS) + "\n" + "".join(rows), encoding="utf-8")


def _select(found: dict, recordings: list[str] | None, path: Path) -> dict:
    """Select recordings; raise an InputError if the table has no rows or a recording is missing."""
    if not found:
        raise InputError("the table contains no label", file=path, expected="labels of every recording")
    if recordings is None:
        return found
    if missing := [name for name in recordings if name not in found]:
        problem = f"the table lacks labels for the recordings {missing}"
        remedy = "Add the labels, or remove the recordings from the table of recordings"
        raise InputError(problem, file=path, expected="labels of every recording", remedy=remedy)
    return {name: found[name] for name in recordings}


def read_active(path: Path, soft: dict[str, np.ndarray], classes: list[str]) -> dict[str, np.ndarray]:
    """Read the hard labels of the recordings that have soft labels.

    Parameters
    ----------
    path : Path
        Hard table.
    soft : dict of ndarray [seconds, classes]
        Soft labels, which define the lengths.

    Returns
    -------
    dict of ndarray of bool [seconds, classes]
    """
    events = read_hard(path, classes, list(soft))
    return {name: rasterise(events[name], classes, len(values)) for name, values in soft.items()}
