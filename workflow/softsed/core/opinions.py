"""Opinions of a crowd: who ticked which class in which window of which recording.

An opinion is one annotator's answer, 1 (ticked) or 0, about one class in one window of a recording. Windows start and
end on whole seconds. A window that ends with its recording may end at any time, and is cut to whole seconds. A missing
row is no opinion: nothing is assumed about who was asked about which class. For tables that list only ticks, `unticked`
``zero`` adds an opinion 0 for each class that an annotator did not tick in a window.

All readers of the format use `OpinionTable.read`. Each further step checks more: `check_rows` each row on its own,
`arrange` the rows together with the tables of recordings, classes and scenes.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np

from softsed.core.errors import InputError, Problems
from softsed.core.metadata import Recording, check_name, read_asked, read_classes
from softsed.core.options import ABSENT, ZERO
from softsed.core.text.names import Places, check_spelling
from softsed.core.text.windows import cut_windows
from softsed.core.tsv import read_columns, read_number

OPINION_COLUMNS = ("recording", "onset", "offset", "annotator", "class", "opinion")


@dataclass(frozen=True)
class Opinions:
    """Opinions as arrays of indices, sorted by window, annotator and class, independent of the order in the file.

    Attributes
    ----------
    recording, onset, offset : ndarray [windows]
        Name of the recording; start and end of each window in whole seconds.
    annotators, classes : list of str
        Names, the annotators sorted.
    window, annotator, label, opinion : ndarray of int [opinions]
        Indices into the windows, `annotators` and `classes`; the answer, 0 or 1.
    """

    recording: np.ndarray
    onset: np.ndarray
    offset: np.ndarray
    annotators: list[str]
    classes: list[str]
    window: np.ndarray
    annotator: np.ndarray
    label: np.ndarray
    opinion: np.ndarray

    def rows(self) -> Iterator[tuple[str, int, int, str, str, int]]:
        """Yield the opinions as rows with the columns `OPINION_COLUMNS`."""
        windows = list(zip(self.recording.tolist(), self.onset.tolist(), self.offset.tolist(), strict=True))
        columns = (self.window, self.annotator, self.label, self.opinion)
        for window, who, label, opinion in zip(*(column.tolist() for column in columns), strict=True):
            yield *windows[window], self.annotators[who], self.classes[label], opinion


@dataclass(frozen=True)
class OpinionTable:
    """Rows of a table of opinions as text.

    Attributes
    ----------
    path : Path
    columns : dict of list of str
        `OPINION_COLUMNS` and all other columns of the file; one or more rows.
    lines : sequence of int
        Line of each row.
    """

    path: Path
    columns: dict[str, list[str]]
    lines: Sequence[int]

    @classmethod
    def read(cls, path: Path) -> "OpinionTable":
        """Read the columns of a file; raise an InputError for a file without opinions."""
        columns = read_columns(path, OPINION_COLUMNS)
        if not columns["opinion"]:
            expected = "one row per window, annotator and class"
            raise InputError("the table contains no opinion", file=path, expected=expected)
        return cls(path, columns, range(2, 2 + len(columns["opinion"])))

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.columns["opinion"])

    def error(self, row: int, problem: str, **parts: Any) -> InputError:
        """Return an error about a row."""
        return InputError(problem, file=self.path, line=self.lines[row], **parts)

    def indices(self, column: str, names: list[str]) -> np.ndarray:
        """Return the index into `names` of each row; -1 for other text."""
        lookup = {name: index for index, name in enumerate(names)}
        return np.fromiter(map(lookup.get, self.columns[column], repeat(-1)), dtype=np.int64, count=len(self))

    def first_rows(self, *columns: str) -> dict[tuple[str, ...], int]:
        """Return each combination of values of some columns, in the order of the file, and its first row."""
        values = list(zip(*(self.columns[column] for column in columns), strict=True))
        first = dict(zip(reversed(values), range(len(values) - 1, -1, -1), strict=True))
        return {key: first[key] for key in dict.fromkeys(values)}

    def places(self, column: str) -> Places:
        """Return the first place of each value of a column."""
        values = self.columns[column]
        first = dict(zip(reversed(values), range(len(values) - 1, -1, -1), strict=True))
        return {name: {"file": self.path, "line": self.lines[first[name]]} for name in dict.fromkeys(values)}

    @cached_property
    def spans(self) -> tuple[list[tuple[str, str, str]], np.ndarray]:
        """Return the different windows as text (recording, onset, offset), and the index of each row's window."""
        keys = list(map("\t".join, zip(*(self.columns[name] for name in OPINION_COLUMNS[:3]), strict=True)))
        known = {key: index for index, key in enumerate(dict.fromkeys(keys))}
        span = np.fromiter(map(known.__getitem__, keys), dtype=np.int64, count=len(keys))
        return [(name, start, end) for name, start, end in (key.split("\t") for key in known)], span

    @cached_property
    def times(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the onset and the offset of each span in seconds; nan for text that is not a number."""
        windows = self.spans[0]
        return np.array([read_number(start) for _, start, _ in windows]), np.array(
            [read_number(end) for *_, end in windows]
        )

    @cached_property
    def answers(self) -> np.ndarray:
        """Return the opinion of each row as a number; -1 for text other than 0, 1, 0.0 and 1.0."""
        place = self.indices("opinion", ["0", "1", "0.0", "1.0"])
        return np.where(place < 0, -1, place % 2)


def check_rows(table: OpinionTable, lengths: dict[str, float], problems: Problems) -> None:
    """Check each opinion on its own: its window, names and answer.

    Parameters
    ----------
    table : OpinionTable
    lengths : dict of float
        Recording to its length in seconds, 0 if unknown. Windows of other recordings may have any end.
    problems : Problems
        Receives windows that are not 0 <= onset < offset in whole seconds or end after the recording, names of
        recordings that cannot be file names, rows without an annotator or class, annotators in two spellings, and
        opinions other than 0 and 1.
    """
    spans, span = table.spans
    names, onset, offset = [name for name, _, _ in spans], *table.times
    with np.errstate(invalid="ignore"):
        whole = (onset % 1 == 0) & (offset % 1 == 0) & (onset >= 0) & (onset < offset)
    length = np.array([lengths.get(name) or np.inf for name in names])

    def refuse(kind: str, bad: np.ndarray, problem: str, expected: str) -> None:
        def describe(row: int) -> InputError:
            texts = {name: values[row] for name, values in table.columns.items()}
            return table.error(row, problem.format(**texts, length=length[span[row]]), expected=expected)

        problems.add_rows(kind, np.flatnonzero(bad), describe)

    expected = "whole seconds, 0 <= onset < offset; only the end of the recording may be between two seconds"
    refuse("times", ~whole[span], "the window is from {onset!r} to {offset!r}", expected)
    refuse(
        "beyond the recording",
        (whole & (offset > length))[span],
        "the window ends at {offset} s, but the recording {recording!r} lasts {length:.2f} s",
        "an end at most 1 s after the last whole second",
    )
    for name, place in table.places("recording").items():
        try:
            check_name(name, **place)
        except InputError as error:
            problems.add("names", error)
    for column, expected in (("annotator", "the name or number of an annotator"), ("class", "the name of a class")):
        if "" in table.columns[column]:
            refuse("names", table.indices(column, [""]) == 0, f"no {column}", expected)
    check_spelling(table.places("annotator"), problems, column="annotator")
    refuse("values", table.answers < 0, "opinion is {opinion!r}", "0 or 1; no row if the annotator was not asked")


def arrange(
    table: OpinionTable,
    classes: list[str],
    *,
    asked: dict[str, list[str]],
    recordings: dict[str, Recording],
    unticked: str = ABSENT,
) -> Opinions:
    """Check opinions as a whole and convert them to arrays.

    Parameters
    ----------
    table : OpinionTable
    classes : list of str
        Names of all classes, in order.
    asked : dict of list of str
        Scene to the classes annotated in it.
    recordings : dict of Recording
    unticked : {"absent", "zero"}
        What a class without a row means in a window that the annotator has judged: no opinion, or an opinion 0 about
        each other class annotated in the scene. An annotator has judged a window if they have a row in it.

    Raises
    ------
    InputError
        With file and line: all problems that `check_rows` reports, an unknown recording, a class that is not annotated
        in the scene, a repeated row.
    """
    problems = Problems(strict=True)
    table, _ = cut_windows(table, {name: one.duration_s for name, one in recordings.items()})
    spans, span = table.spans
    check_rows(table, {name: one.duration_s for name, one in recordings.items()}, problems)
    unknown = next((name for name, _, _ in spans if name not in recordings), None)
    if unknown is not None:
        row = table.columns["recording"].index(unknown)
        raise table.error(row, f"recording {unknown!r} is not in the table of recordings", remedy="Check its spelling")
    parsed = [(name, int(on), int(off)) for (name, _, _), on, off in zip(spans, *table.times, strict=True)]
    windows = sorted(set(parsed))
    lookup = {window: index for index, window in enumerate(windows)}
    window = np.array([lookup[one] for one in parsed])[span]
    expected = [asked.get(recordings[name].scene, []) for name, _, _ in windows]
    allowed = np.array([[name in names for name in classes] + [False] for names in expected])  # last: unknown class
    annotators = sorted(set(table.columns["annotator"]))
    annotator, label = table.indices("annotator", annotators), table.indices("class", classes)
    problems.add_rows(
        "classes",
        np.flatnonzero(~allowed[window, label]),
        lambda row: table.error(
            row,
            f"class {table.columns['class'][row]!r} is not annotated in this scene",
            expected=f"one of {expected[window[row]]}",
        ),
    )
    sheet = window * len(annotators) + annotator  # one annotator's answers about one window
    key = sheet * len(classes) + label
    order = np.argsort(key, kind="stable")
    repeated = np.zeros(len(table), dtype=bool)
    repeated[order[1:]] = np.diff(key[order]) == 0

    def describe(row: int) -> InputError:
        first = int(np.argmax(key == key[row]))
        problem = f"the row is about the same window, annotator and class as line {table.lines[first]}"
        problem += ", with another opinion" * bool(table.answers[row] != table.answers[first])
        expected = "one row per window, annotator and class"
        return table.error(row, problem, expected=expected, remedy="Remove one of the rows")

    problems.add_rows("repeated", np.flatnonzero(repeated), describe)
    key, answers = key[order], table.answers[order]
    if unticked == ZERO:
        sheets = np.unique(sheet)
        judged, column = np.nonzero(allowed[sheets // len(annotators), :-1])
        every = sheets[judged] * len(classes) + column  # sorted
        ticked = np.searchsorted(every, key)
        answers = np.bincount(ticked, weights=answers, minlength=len(every)).astype(np.int64)
        key = every
    sheet, label = np.divmod(key, len(classes))
    window, annotator = np.divmod(sheet, len(annotators))
    name, onset, offset = (np.array(column) for column in zip(*windows, strict=True))
    return Opinions(name, onset, offset, annotators, list(classes), window, annotator, label, answers)


def read_opinions(
    path: Path,
    classes: list[str],
    *,
    asked: dict[str, list[str]],
    recordings: dict[str, Recording],
    unticked: str = ABSENT,
) -> Opinions:
    """Read the table of opinions: ``recording onset offset annotator class opinion``, tab-separated with a header.

    Parameters
    ----------
    path : Path
    classes : list of str
        Names of all classes, in order.
    asked : dict of list of str
        Scene to the classes annotated in it.
    recordings : dict of Recording
    unticked : {"absent", "zero"}
        See `arrange`.

    Raises
    ------
    InputError
        With file and line, for the first problem that `arrange` finds. Also for a table without opinions.
    """
    return arrange(OpinionTable.read(path), classes, asked=asked, recordings=recordings, unticked=unticked)


def read_tables(options: argparse.Namespace) -> tuple[Opinions, dict[str, Recording]]:
    """Read opinions and recordings from the files in the options of a step."""
    classes = read_classes(options.classes)
    recordings, asked = read_asked(options.recordings, options.scenes, classes)
    table = OpinionTable.read(options.opinions)
    return arrange(table, classes, asked=asked, recordings=recordings, unticked=options.unticked), recordings
