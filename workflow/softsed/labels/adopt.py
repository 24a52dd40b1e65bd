"""Labels of one's own, read whole: every row that can be used, and everything that is wrong with the others.

The readers in `labelfiles` stop at the first mistake; here all are collected, since who has labels of his own would
rather correct them once than ten times.

Formats, those of `labelfiles`, tab-separated:

- ``soft``: a table ``recording onset offset label value`` with a row for every second of every class asked, or a folder
  of RECORDING.txt as published (``onset offset label value`` without header, zeros left out).
- ``hard``: a table ``recording onset offset label``, a recording without events as one row of its name, or a folder of
  RECORDING.txt (``onset offset label`` without header), an empty file for a recording without events.
"""

import argparse
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from softsed.core.errors import InputError
from softsed.core.event_text import ROUNDING, read_published
from softsed.core.labels import HARD, SOFT, Event, rasterise, write_soft
from softsed.core.metadata import Recording, read_asked, read_classes
from softsed.core.tsv import read_number, read_text

KINDS = ("soft", "hard")
SHOWN = 10  # problems of one kind


class Row(NamedTuple):
    """A labelled stretch of time and where it stands; the value is 1 in hard labels."""

    where: str
    onset: float
    offset: float
    label: str
    value: float


class Problems:
    """What is wrong, by kind, in the order in which it was found."""

    def __init__(self) -> None:
        self.found: dict[str, list[str]] = {}

    def add(self, kind: str, text: str) -> None:
        """Note a problem; of a kind with very many only the first are shown."""
        self.found.setdefault(kind, []).append(text)

    def __len__(self) -> int:
        return sum(map(len, self.found.values()))

    def __str__(self) -> str:
        lines = []
        for kind, texts in self.found.items():
            lines += texts[:SHOWN]
            if len(texts) > SHOWN:
                lines.append(f"... and {len(texts) - SHOWN} more of this kind ({kind})")
        return "\n".join(lines)


@dataclass
class Labels:
    """What `read_labels` found.

    Attributes
    ----------
    kind : {"soft", "hard"}
    zeros_listed : bool
        Whether a second without a row is missing (soft table) or inactive (all others).
    rows : dict of list of Row
        By recording; an empty list for one without events.
    """

    kind: str
    zeros_listed: bool
    rows: dict[str, list[Row]] = field(default_factory=dict)

    def names(self) -> dict[str, str]:
        """Return the classes in the order in which they come up, with the place of each."""
        first: dict[str, str] = {}
        for row in (row for rows in self.rows.values() for row in rows):
            first.setdefault(row.label, row.where)
        return first


def read_labels(path: Path, kind: str, problems: Problems) -> Labels:
    """Read a table or a folder of labels.

    Parameters
    ----------
    path : Path
    kind : {"soft", "hard"}
    problems : Problems
        What cannot be read is added here, and left out.
    """
    fields = SOFT if kind == "soft" else HARD
    labels = Labels(kind, zeros_listed=kind == "soft" and not path.is_dir())
    if path.is_dir():
        for file in sorted(path.glob("*.txt")):
            labels.rows[file.stem] = []
            for where, parts in _lines(file, problems):
                if row := _parse(where, parts, fields[1:], problems):
                    labels.rows[file.stem].append(row)
        if not labels.rows:
            problems.add("labels", f"{path}: no file RECORDING.txt in this folder")
        return labels
    lines = _lines(path, problems)
    where, header = next(lines, (f"{path}", []))
    if header[: len(fields)] != list(fields):
        expected = " ".join(fields)
        problems.add("header", f"{where}: the columns are {header}; expected the header {expected}, tab-separated")
        return labels
    for where, (recording, *parts) in lines:
        rows = labels.rows.setdefault(recording, [])
        if kind == "hard" and not any(parts):
            continue  # a recording without events
        if row := _parse(where, parts[: len(fields) - 1], fields[1:], problems):
            rows.append(row)
    return labels


def _lines(path: Path, problems: Problems) -> Iterator[tuple[str, list[str]]]:
    try:
        lines = read_text(path)
    except InputError as error:
        problems.add("labels", str(error))
        return
    for number, line in enumerate(lines, start=1):
        if line.strip("\t"):
            yield f"{path}, line {number}", line.split("\t")


def _parse(where: str, parts: list[str], fields: tuple[str, ...], problems: Problems) -> Row | None:
    if len(parts) != len(fields):
        problems.add(
            "fields", f"{where}: {len(parts)} fields after the recording, expected {' '.join(fields)} with tabs"
        )
        return None
    onset, offset, *value = (read_number(text) for text in (*parts[:2], *parts[3:]))
    if any(map(math.isnan, (onset, offset, *value))):
        problems.add("numbers", f"{where}: expected numbers, got {parts}")
    elif not parts[2]:
        problems.add("labels", f"{where}: no label; write the name of the class")
    elif not 0 <= onset < offset < math.inf:
        problems.add("times", f"{where}: from {onset:g} to {offset:g} s; expected 0 <= onset < offset in seconds")
    elif value and (onset % 1 or offset != onset + 1):
        problems.add("times", f"{where}: from {onset:g} to {offset:g} s; expected one whole second a row, as 4 to 5")
    elif value and not -ROUNDING <= value[0] <= 1 + ROUNDING:
        problems.add("values", f"{where}: the soft label is {parts[3]}; expected a value from 0 to 1")
    else:
        return Row(where, onset, offset, parts[2], min(max(value[0], 0.0), 1.0) if value else 1.0)
    return None


def to_matrix(labels: Labels, name: str, classes: list[str], *, asked: list[str], seconds: int) -> np.ndarray:
    """Arrange the labels of one recording, which have been checked.

    Parameters
    ----------
    name : str
        The recording.
    asked : list of str
        Classes asked about it: 0 where they have no row; a soft table tells itself which.
    seconds : int
        Length; hard labels that reach into the second that is not whole at the end are cut.

    Returns
    -------
    ndarray [seconds, classes]
        Soft labels, 0 and 1 from hard ones (onset rounded down, offset up, as sed_eval does); nan where not asked.

    Raises
    ------
    InputError
        When a row is of a class that is not in `classes`, or soft and after the end: labels of another dataset.
    """
    rows = labels.rows[name]
    for row in rows:
        if row.label not in classes or (labels.kind == "soft" and row.onset >= seconds):
            raise InputError(
                f"{row.where}: {row.label!r} at {row.onset:g} s of {name!r}; expected {seconds} s of {classes}, "
                "as `softsed check` has found: check these labels again"
            )
    matrix = np.full((seconds, len(classes)), np.nan)
    if labels.zeros_listed:
        asked = [label for label in classes if label in {row.label for row in rows}]
    columns = [classes.index(label) for label in asked]
    matrix[:, columns] = 0
    if labels.kind == "hard":
        active = rasterise([Event(row.onset, row.offset, row.label) for row in rows], classes, seconds)
        matrix[:, columns] = active[:, columns]
        return matrix
    for row in rows:
        matrix[int(row.onset), classes.index(row.label)] = row.value
    return matrix


def adopt(labels: Labels, recordings: dict[str, Recording], asked: dict[str, list[str]], classes: list[str]) -> dict:
    """Arrange the labels of all recordings; an InputError where one has none."""
    if missing := [name for name in recordings if name not in labels.rows]:
        raise InputError(f"no labels of {missing}, which the table of recordings lists; check these labels again")
    return {
        name: to_matrix(labels, name, classes, asked=asked[one.scene], seconds=int(one.duration_s))
        for name, one in recordings.items()
    }


def main(argv: list[str] | None = None) -> None:
    """Adopt published labels, or user-provided labels that `softsed check` accepts; hard labels as 0 and 1."""
    parser = argparse.ArgumentParser(prog="softsed labels.adopt", description=main.__doc__)
    parser.add_argument("--kind", choices=(*KINDS, "published"), required=True)
    parser.add_argument("--labels", type=Path, required=True, help="table, or folder of RECORDING.txt")
    parser.add_argument("--recordings", type=Path, required=True, help="table of recordings")
    parser.add_argument("--classes", type=Path, required=True, help="table of classes")
    parser.add_argument("--scenes", type=Path, required=True, help="table of the classes asked in each scene")
    parser.add_argument("--soft", type=Path, required=True, help="soft labels, written")
    options = parser.parse_args(argv)
    classes = read_classes(options.classes)
    recordings, asked = read_asked(options.recordings, options.scenes, classes)
    if options.kind == "published":
        soft = {
            name: read_published(
                options.labels / f"{name}.txt", classes, asked=asked[one.scene], seconds=int(one.duration_s)
            )
            for name, one in recordings.items()
        }
    else:
        problems = Problems()
        labels = read_labels(options.labels, options.kind, problems)
        if problems:
            raise InputError(str(problems))
        soft = adopt(labels, recordings, asked, classes)
    write_soft(options.soft, soft, classes)
