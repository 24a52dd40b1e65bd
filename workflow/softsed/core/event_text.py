"""Label text without a header: the formats of MAESTRO Real, folders of such files, and files with ground truth.

Conventions
-----------
- Published soft text: ``onset<TAB>offset<TAB>label<TAB>value`` without header, one file per recording. Rows of value 0
  are omitted there, so that a class that is not annotated in the scene and a class with value 0 look alike.
- Hard text: ``onset<TAB>offset<TAB>label`` without header, one file per recording, one row per event.
- Ground truth: hard text (``.txt``), or a table with the columns onset, offset and label (``.tsv``).
"""

from pathlib import Path

import numpy as np

from softsed.core.errors import InputError, Problems
from softsed.core.label_rows import Event, LabelRows, join_rows, read_rows
from softsed.core.metadata import file_stem
from softsed.core.tsv import normalise


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
    files = sorted(path.glob("*.txt"))
    if not files:
        problems.add(
            "files",
            InputError("the folder contains no .txt file", file=path, expected="one RECORDING.txt per recording"),
        )
        return LabelRows(kind, path)
    first: dict[str, Path] = {}
    for file in files:
        if (other := first.setdefault(normalise(file.stem), file)) != file:
            problem, remedy = (
                f"{other.name} has the same name except for its Unicode form or spaces",
                "Join the two files",
            )
            problems.add("files", InputError(problem, file=file, remedy=remedy))
    tables = [read_rows(file, kind, problems, recording=name, header=False) for name, file in first.items()]
    return join_rows(path, tables)


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

    def refuse(bad: np.ndarray, problem: str, expected: str) -> None:
        def describe(row: int) -> InputError:
            return InputError(problem.format(rows.label[row], second[row]), **rows.place(row), expected=expected)

        problems.add_rows("rows", np.flatnonzero(bad), describe)

    unasked = ~np.isin(column, [classes.index(name) for name in asked])
    refuse(unasked, "class {0!r} is not annotated in this scene", f"one of {asked}")
    refuse(rows.offset > seconds, "{0!r} at {1} s is beyond the end of the recording", f"times up to {seconds} s")
    order = np.lexsort((column, second))
    again = np.zeros(len(order), dtype=bool)
    again[order[1:]] = (np.diff(second[order]) == 0) & (np.diff(column[order]) == 0)
    refuse(again, "{0!r} at {1} s is listed twice", "one row per second and class")
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


def truth_file(folder: Path, name: str) -> Path:
    """Find the ground truth of a recording in a folder; an InputError if there is no such file, or one of each kind.

    Users name the file as the recording, the demo as `file_stem` does.
    """
    files = [folder / f"{name}{suffix}" for suffix in (".tsv", ".txt")]
    made = [folder / f"{file_stem(name)}{path.suffix}" for path in files]
    found = [path for path in dict.fromkeys(files + made) if path.exists()]
    if not found:  # the name has another Unicode form or spaces around it
        found = [path for path in folder.glob("*.t[sx][vt]") if normalise(path.stem) == name]
    if len(found) != 1:
        number = "two files" if found else "no file"
        expected = f"one file, {' or '.join(map(str, files))}"
        raise InputError(f"recording {name!r} has {number} with ground truth", file=folder, expected=expected)
    return found[0]


def read_true_events(path: Path, classes: list[str]) -> list[Event]:
    """Read ground truth: a table with the columns onset, offset and label (``.tsv``), or hard label text.

    Raises
    ------
    InputError
        If times are not 0 <= onset < offset seconds, or a class is not in `classes`.
    """
    return read_events(path, classes, header=path.suffix == ".tsv")
