"""Soft and hard labels: matrices and the two text formats MAESTRO Real is published in.

Conventions
-----------
- A label matrix is a float array [seconds, classes]: row t is the second from t to t + 1, columns follow
  ``classes.tsv``, values are activity levels in 0..1. A column of nan is a class that annotators were not asked
  about in the scene; 0 is a class that was asked and that nobody reported.
- Soft text: ``onset<TAB>offset<TAB>label<TAB>value``, one row a second and class. The published files omit rows
  of value 0, so "not asked" and 0 look alike there; ours list every asked class for every second.
- Hard text: ``onset<TAB>offset<TAB>label``, one row an event, contiguous active seconds merged (Sec. 2.2).
"""

import argparse
from pathlib import Path
from typing import NamedTuple

import numpy as np

from softsed.classes import read_asked, read_classes, read_recordings
from softsed.errors import InputError
from softsed.thresholds import EXPECTED_F1, expected_f1

# The published values hold 1.000000031 (rounding of a sum of weights); anything further out is a mistake.
ROUNDING = 1e-6


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


def choose_thresholds(threshold: str, values: list[np.ndarray], classes: list[str]) -> np.ndarray:
    """Read a threshold for every class, or find one a class by `expected_f1`, to 6 decimals as soft labels have.

    Returns
    -------
    ndarray [classes]
        An InputError for text that is neither a number nor "expected_f1".
    """
    if threshold == EXPECTED_F1:
        return np.round(expected_f1(values), 6)
    try:
        return np.full(len(classes), float(threshold))
    except ValueError as error:
        raise InputError(f"threshold {threshold!r}: expected a number or {EXPECTED_F1!r}") from error


def read_rows(path: Path, classes: list[str], fields: int) -> list[tuple[int, Event, list[str]]]:
    """Read label text without a header: line number, event and the fields after the label."""
    rows = []
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as label text: {error}") from error
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        parts = line.split("\t")
        if len(parts) != fields:
            raise InputError(f"{path}, line {number}: expected {fields} tab-separated fields, got {line!r}")
        if parts[2] not in classes:
            raise InputError(f"{path}, line {number}: unknown class {parts[2]!r}; known are {classes}")
        try:
            onset, offset = float(parts[0]), float(parts[1])
        except ValueError as error:
            raise InputError(f"{path}, line {number}: onset and offset must be seconds, got {line!r}") from error
        if not 0 <= onset < offset < float("inf"):
            raise InputError(f"{path}, line {number}: expected 0 <= onset < offset, got {line!r}")
        rows.append((number, Event(onset, offset, parts[2]), parts[3:]))
    return rows


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
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not -ROUNDING <= value <= 1 + ROUNDING:
            raise InputError(f"{where}: expected a soft label in 0..1, got {text!r}")
        cell = int(event.onset), classes.index(event.label)
        if seen[cell]:
            raise InputError(f"{where}: {event.label!r} at {event.onset:g} s is given twice")
        seen[cell] = True
        matrix[cell] = min(max(value, 0.0), 1.0)
    return matrix


def read_soft(path: Path, classes: list[str]) -> np.ndarray:
    """Read soft labels written by `write_soft`: the rows themselves tell which classes were asked and for how long.

    Returns
    -------
    ndarray [seconds, classes]
        nan in the columns of classes without a row.
    """
    rows = read_rows(path, classes, 4)
    if not rows:
        raise InputError(f"{path}: no soft label; every asked class needs a row for every second, zeros included")
    listed = {event.label for _, event, _ in rows}
    seconds = int(max(event.offset for _, event, _ in rows))
    if len(rows) != seconds * len(listed):
        raise InputError(f"{path}: {len(rows)} rows for {seconds} s and {len(listed)} classes; expected one a cell")
    return read_published(path, classes, asked=[name for name in classes if name in listed], seconds=seconds)


def write_soft(path: Path, values: np.ndarray, classes: list[str]) -> None:
    """Write a label matrix [seconds, classes] in the soft text format; columns of nan (not asked) are left out."""
    rows = [
        f"{second}\t{second + 1}\t{name}\t{row[column]:.6f}\n"
        for second, row in enumerate(values)
        for column, name in enumerate(classes)
        if not np.isnan(row[column])
    ]
    path.write_text("".join(rows), encoding="utf-8")


def read_events(path: Path, classes: list[str]) -> list[Event]:
    """Read hard labels; an empty file is a recording without events."""
    return [event for _, event, _ in read_rows(path, classes, 3)]


def write_events(path: Path, events: list[Event]) -> None:
    """Write events in the hard text format."""
    path.write_text("".join(f"{e.onset:.10g}\t{e.offset:.10g}\t{e.label}\n" for e in events), encoding="utf-8")


def main(argv: list[str] | None = None) -> None:
    """Adopt published soft labels, or turn soft labels into hard ones."""
    parser = argparse.ArgumentParser(prog="softsed labels", description=main.__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    adopt = commands.add_parser("adopt", help="published soft labels -> soft labels with every zero written out")
    adopt.add_argument("--published", type=Path, required=True, help="folder of RECORDING.txt as published")
    adopt.add_argument("--scenes", type=Path, required=True, help="table of the classes asked in each scene")
    harden_ = commands.add_parser("harden", help="soft labels -> hard labels: active above a threshold, merged")
    harden_.add_argument("--threshold", required=True, help=f"activity level, 0.5 in Sec. 2.1, or {EXPECTED_F1}")
    harden_.add_argument("--hard", type=Path, required=True, help="folder of the hard labels, written")
    harden_.add_argument("--thresholds", type=Path, required=True, help="table of class and threshold, written")
    for command in (adopt, harden_):
        command.add_argument("--recordings", type=Path, required=True, help="table of recordings")
        command.add_argument("--soft", type=Path, required=True, help="folder of the soft labels")
        command.add_argument("--classes", type=Path, required=True, help="table of classes")
    options = parser.parse_args(argv)
    classes = list(read_classes(options.classes))
    if options.command == "adopt":
        recordings, scenes = read_asked(options.recordings, options.scenes, classes)
        options.soft.mkdir(parents=True, exist_ok=True)
        for name, recording in recordings.items():
            asked, seconds = scenes[recording.scene], int(recording.duration_s)
            soft = read_published(options.published / f"{name}.txt", classes, asked=asked, seconds=seconds)
            write_soft(options.soft / f"{name}.txt", soft, classes)
    else:
        labels = {}
        for name, recording in read_recordings(options.recordings).items():
            path, seconds = options.soft / f"{name}.txt", int(recording.duration_s)
            labels[name] = read_soft(path, classes)
            if len(labels[name]) != seconds:
                found = len(labels[name])
                raise InputError(f"{path}: {found} s of labels, expected {seconds} s as in {options.recordings}")
        thresholds = choose_thresholds(options.threshold, list(labels.values()), classes)
        options.hard.mkdir(parents=True, exist_ok=True)
        for name, soft in labels.items():
            write_events(options.hard / f"{name}.txt", to_events(harden(soft, thresholds), classes))
        rows = "".join(f"{name}\t{value:.10g}\n" for name, value in zip(classes, thresholds, strict=True))
        options.thresholds.write_text("class\tthreshold\n" + rows, encoding="utf-8")
