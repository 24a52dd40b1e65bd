"""Opinions of a crowd: who ticked which class in which window of which recording.

An opinion is one annotator's answer, 1 (ticked) or 0, about one class in one window of a recording. Windows start and
end on whole seconds.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path

import numpy as np

from softsed.core.errors import InputError
from softsed.core.metadata import OPINION_COLUMNS as COLUMNS
from softsed.core.metadata import Recording, read_asked, read_classes
from softsed.core.tsv import read_columns, read_number


@dataclass(frozen=True)
class Opinions:
    """Opinions as arrays of indices, sorted by window, annotator and class, whatever the order in the file.

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


def read_opinions(
    path: Path, classes: list[str], *, asked: dict[str, list[str]], recordings: dict[str, Recording]
) -> Opinions:
    """Read the table of opinions: ``recording onset offset annotator class opinion``, tab-separated with a header.

    Parameters
    ----------
    asked : dict
        Scene to the classes asked there. Who was asked about a window answers all of them: a class that was not
        ticked is a row with 0, because a missing row would count as never asked and raise the soft label.

    Raises
    ------
    InputError
        With file and line: an unknown recording, a window off the whole seconds or beyond the recording, a class not
        asked in the scene, an opinion other than 0 or 1, a repeated or missing row. Also for a table without opinions.
    """
    table = read_columns(path, COLUMNS)
    size = len(table["opinion"])
    if not size:
        raise InputError(f"{path}: no opinions; expected a row for each window, annotator and class asked")

    def check(good: np.ndarray, problem: Callable[[int], str]) -> None:
        if not good.all():
            row = int(np.argmin(good))
            raise InputError(f"{path}, line {row + 2}: {problem(row)}")

    def indices(column: str, names: list[str]) -> np.ndarray:
        lookup = {name: index for index, name in enumerate(names)}
        return np.fromiter(map(lookup.get, table[column], repeat(-1)), dtype=np.int64, count=size)

    spans = list(map("\t".join, zip(table["recording"], table["onset"], table["offset"], strict=True)))
    parsed = {}
    for span in dict.fromkeys(spans):
        try:
            parsed[span] = _parse_window(*span.split("\t"), recordings)
        except InputError as error:
            raise InputError(f"{path}, line {spans.index(span) + 2}: {error}") from error
    windows = sorted(set(parsed.values()))
    lookup = {window: index for index, window in enumerate(windows)}
    window = np.fromiter((lookup[parsed[span]] for span in spans), dtype=np.int64, count=size)

    expected = [asked.get(recordings[name].scene, []) for name, _, _ in windows]
    allowed = np.array([[name in names for name in classes] + [False] for names in expected])  # last: unknown class
    annotators = sorted(set(table["annotator"]) - {""})
    annotator, label = indices("annotator", annotators), indices("class", classes)
    opinion = indices("opinion", ["0", "1"])
    check(
        allowed[window, label],
        lambda row: f"class {table['class'][row]!r} was not asked in this scene; asked were {expected[window[row]]}",
    )
    check(annotator >= 0, lambda _: "no annotator; every row needs a name or number of who was asked")
    check(opinion >= 0, lambda row: f"opinion is {table['opinion'][row]!r}, expected 0 or 1")

    sheet = window * len(annotators) + annotator  # one annotator's answers about one window
    key = sheet * len(classes) + label
    order = np.argsort(key, kind="stable")
    fresh = np.ones(size, dtype=bool)
    fresh[order[1:]] = np.diff(key[order]) > 0
    check(fresh, lambda row: f"repeats line {np.argmax(key == key[row]) + 2} (window, annotator and class)")
    _, inverse, number = np.unique(sheet, return_inverse=True, return_counts=True)
    answers = number[inverse]
    check(
        answers == allowed.sum(axis=1)[window],
        lambda row: (
            f"annotator {table['annotator'][row]!r} gives {answers[row]} opinions about this window, expected "
            f"one on each of {expected[window[row]]}: write a 0 for a class that was not ticked"
        ),
    )
    span_columns = (np.array(column) for column in zip(*windows, strict=True))
    rows = (array[order] for array in (window, annotator, label, opinion))
    return Opinions(*span_columns, annotators, list(classes), *rows)


def _parse_window(name: str, start: str, end: str, recordings: dict[str, Recording]) -> tuple[str, int, int]:
    if name not in recordings:
        raise InputError(f"recording {name!r} is not in the table of recordings; check its spelling")
    onset, offset = read_number(start), read_number(end)
    if not (onset.is_integer() and offset.is_integer() and 0 <= onset < offset):
        raise InputError(f"window from {start!r} to {end!r}, expected whole seconds, 0 <= onset < offset")
    duration = recordings[name].duration_s
    if offset > duration:
        raise InputError(f"window from {start} to {end} s ends after the recording, which lasts {duration} s")
    return name, int(onset), int(offset)


def add_tables(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that `read_tables` reads."""
    parser.add_argument("--opinions", type=Path, required=True, help="table of opinions")
    parser.add_argument("--recordings", type=Path, required=True, help="table of recordings")
    parser.add_argument("--classes", type=Path, required=True, help="table of classes")
    parser.add_argument("--scenes", type=Path, required=True, help="table of the classes asked in each scene")


def read_tables(options: argparse.Namespace) -> tuple[Opinions, dict[str, Recording], dict[str, list[str]]]:
    """Read opinions, recordings, and scene to the classes asked there, from the files that the arguments name."""
    classes = read_classes(options.classes)
    recordings, asked = read_asked(options.recordings, options.scenes, classes)
    return read_opinions(options.opinions, classes, asked=asked, recordings=recordings), recordings, asked
