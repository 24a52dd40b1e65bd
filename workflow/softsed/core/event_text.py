"""Label text without a header: the formats of MAESTRO Real, and files of true events where they are known.

Conventions
-----------
- Published soft text: ``onset<TAB>offset<TAB>label<TAB>value`` without header, one file per recording. Rows of value 0
  are omitted there, so that "not annotated in this scene" and 0 look alike.
- Hard text: ``onset<TAB>offset<TAB>label`` without header, one file per recording, one row per event.
- True events: hard text (``.txt``), or a table with the columns onset, offset and label (``.tsv``).
"""

from pathlib import Path

import numpy as np

from softsed.core.errors import InputError
from softsed.core.labels import Event, parse_event
from softsed.core.tsv import read_lines, read_number, read_text

# The published values hold 1.000000031 (rounding of a sum of weights); anything further out is a mistake.
ROUNDING = 1e-6


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


def truth_file(folder: Path, name: str) -> Path:
    """Find the file of a recording in a folder; an InputError where there is none, or one of either kind."""
    files = [folder / f"{name}{suffix}" for suffix in (".tsv", ".txt")]
    found = [path for path in files if path.exists()]
    expected = " or ".join(map(str, files))
    if not found:
        raise InputError(f"recording {name!r} has no file with its true events; expected {expected}")
    if len(found) > 1:
        raise InputError(f"recording {name!r} has two files with true events, expected one: {expected}")
    return found[0]


def read_true_events(path: Path, classes: list[str]) -> list[Event]:
    """Read true events: a table with the columns onset, offset and label (``.tsv``), or hard label text.

    Raises
    ------
    InputError
        Times that are not 0 <= onset < offset seconds, or a class that is not in `classes`.
    """
    if path.suffix != ".tsv":
        return read_events(path, classes)
    return [
        parse_event(f"{path}, line {line}", [row["onset"], row["offset"], row["label"]], classes)
        for line, row in read_lines(path, ("onset", "offset", "label"))
    ]
