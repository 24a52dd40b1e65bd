"""Rows of label files, soft or hard, tables or text without a header. All readers of these formats use `read_rows`.

The reader reports each row that cannot be used to `Problems` and leaves it out. Callers that need a correct file pass
strict problems, which raise the first problem.
"""

from dataclasses import dataclass, field, replace
from itertools import compress, repeat
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from softsed.core.errors import InputError, Problems, count
from softsed.core.text.last_second import split_ends
from softsed.core.tsv import read_fields, read_number

HARD_COLUMNS = ("recording", "onset", "offset", "label")
SOFT_COLUMNS = (*HARD_COLUMNS, "value")
COLUMNS = ("line", "onset", "offset", "value", "label")  # arrays of `LabelRows`, apart from `recording`
LABEL_KINDS = ("soft", "hard")
# The published soft labels contain 1.000000031, the rounding error of a sum of weights. Larger errors are mistakes.
ROUNDING = 1e-6
UNKNOWN = ("", "nan", "NaN", "NA")  # an unknown soft label: no annotator was asked about this second and class


class Event(NamedTuple):
    """A labelled interval, in seconds."""

    onset: float
    offset: float
    label: str


@dataclass(frozen=True)
class LabelRows:
    """Rows of label files as columns, in the order of the files.

    Attributes
    ----------
    kind : {"soft", "hard"}
    path : Path
        Table, or folder of RECORDING.txt.
    names : list of str
        Recordings in the order of their first rows, including those without events.
    bare : dict of int
        Recording to the line of its row without an event.
    files : dict of Path
        Recording to its file in a folder; empty for a table.
    refused : frozenset of str
        Recordings of a table with a row that was left out, because it cannot be used.
    recording, line : ndarray of int [rows]
        Index into `names`; line in the file, counted from 1.
    onset, offset, value : ndarray [rows]
        Seconds, 0 <= onset < offset; level in 0..1, which is 1 in hard labels; nan for an unknown level.
    label : ndarray of object [rows]
        Name of the class.
    """

    kind: str
    path: Path
    names: list[str] = field(default_factory=list)
    bare: dict[str, int] = field(default_factory=dict)
    files: dict[str, Path] = field(default_factory=dict)
    refused: frozenset[str] = frozenset()
    recording: np.ndarray = field(default_factory=lambda: np.empty(0, int))
    line: np.ndarray = field(default_factory=lambda: np.empty(0, int))
    onset: np.ndarray = field(default_factory=lambda: np.empty(0))
    offset: np.ndarray = field(default_factory=lambda: np.empty(0))
    value: np.ndarray = field(default_factory=lambda: np.empty(0))
    label: np.ndarray = field(default_factory=lambda: np.empty(0, object))

    @property
    def zeros_listed(self) -> bool:
        """Whether a second without a row is missing (soft table) or inactive (all other formats)."""
        return self.kind == "soft" and not self.path.is_dir()

    def file(self, name: str) -> Path:
        """Return the file that contains the rows of a recording."""
        return self.files.get(name, self.path)

    def place(self, row: int) -> dict[str, Any]:
        """Return the file and line of a row, as arguments of an `InputError`."""
        return {"file": self.file(self.names[self.recording[row]]), "line": int(self.line[row])}

    def first_rows(self) -> dict[str, int]:
        """Return each class and its first row, in the order of these rows."""
        labels = self.label.tolist()
        first = dict(zip(reversed(labels), range(len(labels) - 1, -1, -1), strict=True))
        return {name: first[name] for name in dict.fromkeys(labels)}

    def columns(self, classes: list[str], problems: Problems) -> np.ndarray:
        """Return the index into `classes` of each row; -1 for an unknown class, which is a problem."""
        number = {name: column for column, name in enumerate(classes)}
        found = np.fromiter((number.get(name, -1) for name in self.label), dtype=int, count=len(self.label))
        problems.add_rows(
            "classes",
            np.flatnonzero(found < 0),
            lambda row: InputError(
                f"unknown class {self.label[row]!r}", **self.place(row), expected=f"one of {classes}"
            ),
        )
        return found

    def by_recording(self) -> dict[str, np.ndarray]:
        """Return the rows of each recording, in the order of the file."""
        order = np.argsort(self.recording, kind="stable")
        ends = np.cumsum(np.bincount(self.recording, minlength=len(self.names)))[:-1]
        return dict(zip(self.names, np.split(order, ends), strict=True)) if self.names else {}

    def events(self, rows: np.ndarray) -> list[Event]:
        """Return rows as events."""
        columns = (self.onset[rows].tolist(), self.offset[rows].tolist(), self.label[rows].tolist())
        return list(map(Event, *columns))


def read_rows(
    path: Path, kind: str, problems: Problems, *, recording: str | None = None, header: bool = True
) -> LabelRows:
    """Read a label file row by row. Rows that cannot be used are reported and left out.

    Parameters
    ----------
    path : Path
        Table with a header, or text of one recording.
    kind : {"soft", "hard"}
        Soft rows have a value and last one whole second.
    problems : Problems
        Receives each row with a wrong number of fields, text instead of a number, no name, times that are not
        0 <= onset < offset, soft rows that are not one whole second, and levels outside 0..1.
    recording : str, optional
        Recording of a file without a column ``recording``.
    header : bool
        Whether the first line names the columns.
    """
    columns = (SOFT_COLUMNS if kind == "soft" else HARD_COLUMNS)[recording is not None :]
    texts, lines = read_fields(path, columns, problems, header=header, bare=kind == "hard" and recording is None)
    names = [recording] * len(lines) if recording is not None else texts.pop(0)
    known = {name: index for index, name in enumerate(dict.fromkeys(filter(None, names)))}
    table = LabelRows(kind, path, [recording] if recording is not None else list(known))
    bare = (
        [not (onset or offset or label) for onset, offset, label in zip(*texts, strict=True)] if kind == "hard" else []
    )
    if any(bare):
        table.bare.update((name, line) for name, line, empty in zip(names, lines, bare, strict=True) if empty)
        kept = [not empty for empty in bare]
        names, lines = list(compress(names, kept)), list(compress(lines, kept))
        texts = [list(compress(column, kept)) for column in texts]
    number = np.fromiter(map(known.get, names, repeat(-1)), dtype=int, count=len(names))
    onset, offset = _numbers(texts[0]), _numbers(texts[1])
    value = _numbers(texts[3]) if kind == "soft" else np.ones(len(names))
    label = np.empty(len(names), object)
    label[:] = texts[2]
    good = np.ones(len(names), dtype=bool)

    text = dict(zip(columns[-len(texts) :], texts, strict=True)) | {"recording": names}

    def refuse(kind_: str, expected: str, **bad: np.ndarray) -> None:
        """Report the rows in which one of the named fields is bad, and name these fields only."""

        def describe(row: int) -> InputError:
            given = ", ".join(f"{name} is {text[name][row]!r}" for name, rows in bad.items() if rows[row])
            return InputError(given, file=path, line=int(lines[row]), expected=expected)

        wrong = np.logical_or.reduce(list(bad.values()))
        problems.add_rows(kind_, np.flatnonzero(wrong & good), describe)
        good[wrong] = False

    refuse("names", "the name of a recording in every row", recording=number < 0)
    unknown = np.array([kind == "soft" and text in UNKNOWN for text in texts[-1]], dtype=bool)
    numbers = {"onset": onset, "offset": offset} | ({"value": np.where(unknown, 0, value)} if kind == "soft" else {})
    refuse("numbers", "a number", **{name: np.isnan(column) for name, column in numbers.items()})
    refuse("labels", "the name of a class as label", label=label == "")
    reversed_ = ~((onset >= 0) & (onset < offset) & (offset < np.inf))
    refuse("times", "0 <= onset < offset in seconds", onset=reversed_, offset=reversed_)
    if kind == "soft":
        with np.errstate(invalid="ignore"):
            longer = (onset % 1 != 0) | (offset != onset + 1)
        refuse("times", "one whole second per row, such as 4 to 5", onset=longer, offset=longer)
        within = (value >= -ROUNDING) & (value <= 1 + ROUNDING)
        refuse("values", "a soft label from 0 to 1", value=~(within | unknown))
    arrays: tuple[np.ndarray, ...] = (number, np.array(lines, dtype=int), onset, offset, np.clip(value, 0, 1), label)
    refused = frozenset(compress(names, ~good))
    if refused:
        arrays = tuple(array[good] for array in arrays)
    return LabelRows(kind, path, table.names, table.bare, table.files, refused, *arrays)


def join_rows(path: Path, tables: list[LabelRows]) -> LabelRows:
    """Join the rows of a folder of files, one file per recording."""
    recording = np.repeat(np.arange(len(tables)), [len(table.line) for table in tables])
    arrays = (np.concatenate([getattr(table, column) for table in tables]) for column in COLUMNS)
    names = [name for table in tables for name in table.names]
    files = {name: table.path for table in tables for name in table.names}
    return LabelRows(tables[0].kind, path, names, {}, files, frozenset(), recording, *arrays)


def length_of_rows(rows: LabelRows, lengths: dict[str, float]) -> np.ndarray:
    """Return the length of the recording of each row in seconds; nan where it is missing or 0."""
    return np.array([lengths.get(name) or np.nan for name in rows.names] or [np.nan])[rows.recording]


def cut_rows(rows: LabelRows, lengths: dict[str, float]) -> tuple[LabelRows, str]:
    """Leave out labels without a whole second of their recordings.

    Parameters
    ----------
    rows : LabelRows
    lengths : dict of float
        Recording to its length in seconds. Labels of recordings that are missing or have the length 0 are kept.

    Returns
    -------
    rows : LabelRows
        Without labels in the last, partial second. Labels far beyond the recording are kept, for the check. Ends after
        the recording stay, because `labels.rasterise` cuts them.
    note : str
        Number and places of labels that are left out or end after the recording; empty without such labels.
    """
    length = length_of_rows(rows, lengths)
    _, outside, over = split_ends(rows.onset, rows.offset, length)
    largest = float((rows.offset - length)[over].max(initial=0))
    parts = []
    total = f"of {len(over)} labels"
    for found, one, several in (
        (
            over,
            f"{total} ends {largest:.2f} s after its recording and is cut",
            f"{total} end up to {largest:.2f} s after their recordings and are cut",
        ),
        (
            outside,
            f"{total} starts after the last whole second of its recording and is left out",
            f"{total} start after the last whole second of their recordings and are left out",
        ),
    ):
        if found.any():
            row = int(found.argmax())
            name, file = rows.names[rows.recording[row]], rows.file(rows.names[rows.recording[row]]).name
            seconds = f"only 0 to {int(length[row])} s count of {name!r}, which lasts {length[row]:.2f} s"
            place = f"line {rows.line[row]}" if file == rows.path.name else f"line {rows.line[row]} of {file}"
            parts.append(f"{count(int(found.sum()), one, several)}. The first one is in {place}: {seconds}")
    note = ". ".join(parts)
    if outside.any():
        kept = {name: getattr(rows, name)[~outside] for name in ("recording", *COLUMNS)}
        rows = replace(rows, **kept)
    return rows, note


def _numbers(texts: list[str]) -> np.ndarray:
    """Read numbers; nan for text that is not a number."""
    try:
        if "_" not in "".join(texts):
            return np.array(texts, dtype=float)
    except ValueError:
        pass  # read each text, because one of them is not a number
    return np.array([read_number(text) for text in texts], dtype=float)
