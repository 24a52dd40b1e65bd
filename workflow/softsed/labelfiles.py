"""Label files: the two tables of this project, and the text formats MAESTRO Real is published in.

Conventions
-----------
- Soft table: ``recording onset offset label value``, one row a second and class asked, zeros included, so that a class
  without rows is one that was not asked.
- Hard table: ``recording onset offset label``, one row an event, contiguous active seconds merged (Sec. 2.2). A
  recording without events has one row whose other fields are empty.
- One table for all recordings of an experiment: the workflow then plans with one file a method, not one a recording.
- Published soft text: ``onset<TAB>offset<TAB>label<TAB>value`` without header, one file a recording. Rows of value 0
  are omitted there, so "not asked" and 0 look alike.
- Hard text: ``onset<TAB>offset<TAB>label`` without header, one file a recording, one row an event.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from softsed.errors import InputError
from softsed.textfiles import read_columns, read_lines, read_number, read_text

# The published values hold 1.000000031 (rounding of a sum of weights); anything further out is a mistake.
ROUNDING = 1e-6

HARD = ("recording", "onset", "offset", "label")
SOFT = (*HARD, "value")


class Event(NamedTuple):
    """A labelled stretch of time, in seconds."""

    onset: float
    offset: float
    label: str


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


def read_published(path: Path, classes: list[str], *, asked: list[str], seconds: int) -> np.ndarray:
    """Read soft labels as published, where rows of value 0 may be missing.

    Parameters
    ----------
    asked : list of str
        Classes asked in the scene of the recording: their missing rows are zeros, all other columns are nan.
    seconds : int
        T, the length of the recording rounded down.

    Returns
    -------
    ndarray [seconds, classes]

    Raises
    ------
    InputError
        Rows that are not one second long, repeat one another, lie beyond the recording, name a class that was not
        asked, or hold a value outside 0..1 (rounding noise of 1e-6 is clipped).
    """
    matrix = np.full((seconds, len(classes)), np.nan)
    matrix[:, [classes.index(name) for name in asked]] = 0
    seen = np.zeros(matrix.shape, dtype=bool)
    for number, event, (text,) in read_rows(path, classes, 4):
        where = f"{path}, line {number}"
        if event.label not in asked:
            raise InputError(f"{where}: class {event.label!r} was not asked in this scene; asked were {asked}")
        if event.onset % 1 or event.offset != event.onset + 1:
            raise InputError(f"{where}: expected a row of one whole second, got {event.onset} to {event.offset}")
        if event.offset > seconds:
            raise InputError(f"{where}: {event.onset} to {event.offset} s lies beyond the {seconds} s of the recording")
        value = read_number(text)
        if not -ROUNDING <= value <= 1 + ROUNDING:
            raise InputError(f"{where}: expected a soft label in 0..1, got {text!r}")
        cell = int(event.onset), classes.index(event.label)
        if seen[cell]:
            raise InputError(f"{where}: {event.label!r} at {event.onset:g} s is given twice")
        seen[cell] = True
        matrix[cell] = min(max(value, 0.0), 1.0)
    return matrix


def read_rows(path: Path, classes: list[str], fields: int) -> list[tuple[int, Event, list[str]]]:
    """Read label text without a header: line number, event and the fields after the label."""
    rows = []
    for number, line in enumerate(read_text(path), start=1):
        if not line.strip("\t"):
            continue
        parts = line.split("\t")
        if len(parts) != fields:
            raise InputError(f"{path}, line {number}: expected {fields} tab-separated fields, got {line!r}")
        rows.append((number, parse_event(f"{path}, line {number}", parts[:3], classes), parts[3:]))
    return rows


def read_events(path: Path, classes: list[str]) -> list[Event]:
    """Read hard labels; an empty file is a recording without events."""
    return [event for _, event, _ in read_rows(path, classes, 3)]


def write_events(path: Path, events: list[Event]) -> None:
    """Write events in the hard text format."""
    path.write_text("".join(f"{e.onset:.10g}\t{e.offset:.10g}\t{e.label}\n" for e in events), encoding="utf-8")


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
