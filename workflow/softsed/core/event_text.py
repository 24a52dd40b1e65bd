"""Label text without a header: the formats of MAESTRO Real, folders of such files, and files with ground truth.

Conventions
-----------
- Published soft text: ``onset<TAB>offset<TAB>label<TAB>value`` without header, one file per recording. Rows of value 0
  are omitted there, so that a class that is not annotated in the scene and a class with value 0 look alike.
- Hard text: ``onset<TAB>offset<TAB>label`` without header, one file per recording, one row per event.
- Ground truth: hard text (``.txt``), or a table with the columns onset, offset and label (``.tsv``, ``.csv``).
- A first line that names the columns is a header in each of these formats.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from softsed.core.errors import InputError, Problems
from softsed.core.label_rows import Event, LabelRows, join_rows, read_rows
from softsed.core.text.files import recording_name, visible_files
from softsed.core.text.recording_files import find_recording_files

TRUTH_ENDINGS = (".tsv", ".csv", ".txt")


def read_label_rows(path: Path, kind: str, problems: Problems) -> LabelRows:
    """Read user-provided labels: a table, or a folder of RECORDING.txt.

    Parameters
    ----------
    path : Path
        Table or folder.
    kind : {"soft", "hard"}
    problems : Problems
        Receives all rows that cannot be used, as from `label_rows.read_rows`, and a folder without labels.
    """
    if not path.is_dir():
        return read_rows(path, kind, problems)
    files = visible_files(path, ".txt")
    if not files:
        problems.add(
            "files",
            InputError(
                "the folder contains no .txt file",
                file=path,
                expected="one RECORDING.txt per recording",
                remedy="Convert a folder with one folder per annotator by `softsed convert audacity`",
            ),
        )
        return LabelRows(kind, path)
    named = name_files(files, problems)
    tables = [read_rows(file, kind, problems, recording=name, header=False) for name, file in named.items()]
    return join_rows(path, tables)


def name_files(files: list[Path], problems: Problems) -> dict[str, Path]:
    """Return the files of a folder by recording; ``x.txt`` and ``x.wav.txt`` together are a problem."""
    named: dict[str, Path] = {}
    for file in files:
        first = named.setdefault(recording_name(file.stem), file)
        if first != file:
            problem = f"{first.name} belongs to the same recording"
            remedy = "Remove or rename one of the two files"
            problems.add("files", InputError(problem, file=file, expected="one file per recording", remedy=remedy))
    return named


def read_published(path: Path, classes: list[str], *, asked: list[str], seconds: int) -> np.ndarray:
    """Read soft labels as published, where rows of value 0 may be missing.

    Parameters
    ----------
    path : Path
        Soft text of one recording.
    classes : list of str
        Names of the columns of a matrix, in order.
    asked : list of str
        Classes annotated in the scene of the recording: their missing rows are zeros, all other columns are nan.
    seconds : int
        T, the length of the recording rounded down.

    Returns
    -------
    ndarray [seconds, classes]

    Raises
    ------
    InputError
        If a row is not one second long, repeats another row, lies beyond the recording, names a class that is not
        annotated in the scene, or has a value outside 0..1 (rounding errors up to 1e-6 are clipped).
    """
    problems = Problems(strict=True)
    rows = read_rows(path, "soft", problems, recording=path.stem, header=False)
    column, second = rows.columns(classes, problems), rows.onset.astype(int)

    def refuse(bad: np.ndarray, problem: str, expected: str, remedy: str | None = None) -> None:
        def describe(row: int) -> InputError:
            text = problem.format(rows.label[row], second[row])
            return InputError(text, **rows.place(row), expected=expected, remedy=remedy)

        problems.add_rows("rows", np.flatnonzero(bad), describe)

    unasked = ~np.isin(column, [classes.index(name) for name in asked])
    refuse(unasked, "class {0!r} is not annotated in this scene", f"one of {asked}")
    refuse(rows.offset > seconds, "{0!r} at {1} s is beyond the end of the recording", f"times up to {seconds} s")
    order = np.lexsort((column, second))
    again = np.zeros(len(order), dtype=bool)
    again[order[1:]] = (np.diff(second[order]) == 0) & (np.diff(column[order]) == 0)
    refuse(again, "{0!r} at {1} s is listed twice", "one row per second and class", "Remove one of the rows")
    matrix = np.full((seconds, len(classes)), np.nan)
    matrix[:, [classes.index(name) for name in asked]] = 0
    matrix[second, column] = rows.value
    return matrix


def read_events(path: Path, classes: list[str], *, header: bool = False) -> list[Event]:
    """Read hard labels of one recording as text, or as a table with a header; an empty text has no events."""
    problems = Problems(strict=True)
    rows = read_rows(path, "hard", problems, recording=path.stem, header=header)
    rows.columns(classes, problems)
    return rows.events(np.arange(len(rows.line)))


def write_events(path: Path, events: list[Event]) -> None:
    """Write events in the hard text format."""
    path.write_text("".join(f"{e.onset:.10g}\t{e.offset:.10g}\t{e.label}\n" for e in events), encoding="utf-8")


def truth_files(folder: Path, recordings: Iterable[str], problems: Problems) -> dict[str, Path]:
    """Find the file with the ground truth of each recording in a folder.

    The file is ``RECORDING.tsv``, ``RECORDING.csv`` or ``RECORDING.txt``. Parameters and result are those of
    `softsed.core.text.recording_files.find_recording_files`.
    """
    remedy = "Add the files, with empty files for recordings without events"
    return find_recording_files(
        folder, recordings, problems, content="true events", endings=TRUTH_ENDINGS, remedy=remedy
    )


def read_true_events(path: Path, classes: list[str]) -> list[Event]:
    """Read ground truth: a table with the columns onset, offset and label (``.tsv``, ``.csv``), or hard label text.

    Events of classes outside `classes` are left out, because no annotator was asked about these classes. The check of
    the true events reports their number.

    Raises
    ------
    InputError
        If times are not 0 <= onset < offset seconds.
    """
    return [event for event in _read_events(path) if event.label in classes]


def count_other_events(path: Path, classes: list[str]) -> int:
    """Count the events of the ground truth that have other classes than `classes`."""
    return sum(event.label not in classes for event in _read_events(path))


def read_truth(path: Path, problems: Problems) -> LabelRows:
    """Read the rows of a file with ground truth; `problems` receives those that cannot be used."""
    return read_rows(path, "hard", problems, recording=path.stem, header=path.suffix.lower() != ".txt")


def _read_events(path: Path) -> list[Event]:
    rows = read_truth(path, Problems(strict=True))
    return rows.events(np.arange(len(rows.line)))
