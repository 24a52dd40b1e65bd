"""Soft and hard labels: matrices, events, the two tables of this project, and the step from soft to hard labels.

Conventions
-----------
- A label matrix is a float array [seconds, classes]: row t is the second from t to t + 1, columns follow
  ``classes.tsv``, values are activity levels in 0..1. A column of nan is a class that is not annotated in the scene; 0
  is a class that is annotated in the scene and that no annotator reported.
- Soft table: ``recording onset offset label value``, one row per second and class annotated in the scene, zeros
  included.
- Hard table: ``recording onset offset label``, one row per event, contiguous active seconds merged (Sec. 2.2). A
  recording without events has one row whose other fields are empty.
- One table holds all recordings of an experiment: the workflow then plans with one file per method, not one per
  recording.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from softsed.core.errors import InputError
from softsed.core.tsv import read_columns, read_lines, read_number

HARD = ("recording", "onset", "offset", "label")
SOFT = (*HARD, "value")


class Event(NamedTuple):
    """A labelled stretch of time, in seconds."""

    onset: float
    offset: float
    label: str


def harden(soft: np.ndarray, threshold: float | np.ndarray) -> np.ndarray:
    """Binarise activity levels: active where strictly above the threshold (Sec. 2.1).

    Parameters
    ----------
    soft : ndarray [seconds, classes]
        Activity levels; nan (not asked) is never active.
    threshold : float or ndarray [classes]
        One threshold, or one a class; nan as a threshold (no positive value in the training data) detects nothing.

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
        Sorted by onset, then by the order of `classes`; empty when nothing is active.
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
        What lies beyond `seconds` is left out.
    """
    active = np.zeros((seconds, len(classes)), dtype=bool)
    for event in events:
        active[int(np.floor(event.onset)) : int(np.ceil(event.offset)), classes.index(event.label)] = True
    return active


def read_active(path: Path, soft: dict[str, np.ndarray], classes: list[str]) -> dict[str, np.ndarray]:
    """Read the hard labels of the recordings that have soft ones.

    Parameters
    ----------
    path : Path
        Hard table.
    soft : dict of ndarray [seconds, classes]
        Their soft labels, which tell how long they are.

    Returns
    -------
    dict of ndarray of bool [seconds, classes]
    """
    events = read_hard(path, classes, list(soft))
    return {name: rasterise(events[name], classes, len(values)) for name, values in soft.items()}


def write_soft(path: Path, labels: dict[str, np.ndarray], classes: list[str]) -> None:
    """Write label matrices [seconds, classes] as a soft table; columns of nan (not asked) are left out."""
    rows = [
        f"{recording}\t{second}\t{second + 1}\t{name}\t{row[column]:.6f}\n"
        for recording, values in labels.items()
        for second, row in enumerate(values)
        for column, name in enumerate(classes)
        if not np.isnan(row[column])
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\t".join(SOFT) + "\n" + "".join(rows), encoding="utf-8")


def read_soft(path: Path, classes: list[str], recordings: list[str] | None = None) -> dict[str, np.ndarray]:
    """Read a soft table: its rows tell which classes were asked about a recording, and for how long.

    Parameters
    ----------
    classes : list of str
        Names of the columns of a matrix, in order.
    recordings : list of str, optional
        Those wanted, in this order; all of the table if left out.

    Returns
    -------
    dict of ndarray [seconds, classes]
        Activity levels in 0..1; nan in the columns of classes without a row.

    Raises
    ------
    InputError
        When a row is not a whole second, names an unknown class or holds a value outside 0..1, when a recording has
        not exactly one row for every second of every class that it lists, or a wanted recording has none.
    """
    table = read_columns(path, SOFT)

    def refuse(bad: np.ndarray, expected: str) -> None:
        if bad.any():
            row = int(bad.argmax())
            raise InputError(f"{path}, line {row + 2}: {expected}, got {[table[name][row] for name in SOFT]}")

    onset, offset, value = (_numbers(table[name]) for name in ("onset", "offset", "value"))
    number = {name: column for column, name in enumerate(classes)}
    column = np.array([number.get(name, -1) for name in table["label"]], dtype=int)
    refuse(column < 0, f"expected a class of {classes}")
    refuse(~((onset >= 0) & (onset % 1 == 0) & (offset == onset + 1)), "expected a row of one whole second")
    refuse(~((value >= 0) & (value <= 1)), "expected a soft label in 0..1")

    blocks: dict[str, list[int]] = {}
    for row, recording in enumerate(table["recording"]):
        blocks.setdefault(recording, []).append(row)
    labels = {}
    for recording, rows in blocks.items():
        seconds, listed = int(onset[rows].max()) + 1, np.unique(column[rows])
        complete = len(rows) == seconds * len(listed)  # counted first: a row of the year 3000 would fill the memory
        if complete:
            labels[recording] = np.full((seconds, len(classes)), np.nan)
            labels[recording][onset[rows].astype(int), column[rows]] = value[rows]
            complete = not np.isnan(labels[recording][:, listed]).any()
        if not complete:
            raise InputError(
                f"{path}, line {rows[0] + 2} on: {recording!r} has {len(rows)} rows for {seconds} s and {len(listed)} "
                "classes; expected one for every second of every class, zeros included"
            )
    return _wanted(labels, recordings, path)


def write_hard(path: Path, events: dict[str, list[Event]]) -> None:
    """Write the events of each recording as a hard table."""
    rows = [
        f"{recording}\t{onset:.10g}\t{offset:.10g}\t{label}\n"
        for recording, listed in events.items()
        for onset, offset, label in listed
    ]
    rows += [f"{recording}\t\t\t\n" for recording, listed in events.items() if not listed]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\t".join(HARD) + "\n" + "".join(rows), encoding="utf-8")


def read_hard(path: Path, classes: list[str], recordings: list[str] | None = None) -> dict[str, list[Event]]:
    """Read a hard table: the events of each recording, an empty list for one without.

    Raises
    ------
    InputError
        When a row is not 0 <= onset < offset seconds, names an unknown class, is empty where the recording has events,
        or a wanted recording has no row.
    """
    events: dict[str, list[Event]] = {}
    empty: dict[str, int] = {}
    for line, row in read_lines(path, HARD):
        listed = events.setdefault(row["recording"], [])
        if not (row["onset"] or row["offset"] or row["label"]):
            empty[row["recording"]] = line
        else:
            listed.append(parse_event(f"{path}, line {line}", [row[name] for name in HARD[1:]], classes))
    for recording, line in empty.items():
        if events[recording]:
            raise InputError(f"{path}, line {line}: {recording!r} has events and a row without any; leave one out")
    return _wanted(events, recordings, path)


def parse_event(where: str, fields: list[str], classes: list[str]) -> Event:
    """Read onset, offset and label; `where` begins the message of an error."""
    onset, offset, label = fields
    if label not in classes:
        raise InputError(f"{where}: unknown class {label!r}; known are {classes}")
    event = Event(read_number(onset), read_number(offset), label)
    if not 0 <= event.onset < event.offset < float("inf"):
        raise InputError(f"{where}: expected 0 <= onset < offset in seconds, got {fields}")
    return event


def _numbers(texts: list[str]) -> np.ndarray:
    """Read numbers; nan for what is none."""
    try:
        if "_" not in "".join(texts):
            return np.array(texts, dtype=float)
    except ValueError:
        pass  # one by one, to know which
    return np.array([read_number(text) for text in texts])


def _wanted(found: dict, recordings: list[str] | None, path: Path) -> dict:
    """Choose recordings; an InputError where one is missing, or the table has none."""
    if not found:
        raise InputError(f"{path}: no label below the header")
    if recordings is None:
        return found
    if missing := [name for name in recordings if name not in found]:
        raise InputError(f"{path}: no labels of {missing}; the table has {len(found)} recordings")
    return {name: found[name] for name in recordings}
