"""Scores as text: the output of a system per second and class, for the test recordings of one fold.

A table of scores has the columns ``recording onset offset CLASS CLASS ...``, one row per whole second, and all classes
in the order of ``classes.tsv``. Scores are on the scale of the labels, 0..1, except that linear outputs may exceed this
range. Without its first column, the block of a recording has the layout that sed_scores_eval reads.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from softsed.core.errors import InputError
from softsed.core.tsv import read_number, read_text

TIMES = ["recording", "onset", "offset"]


def write_scores(path: Path, scores: dict[str, np.ndarray], classes: list[str]) -> None:
    """Write scores with 6 decimals.

    Parameters
    ----------
    path : Path
    scores : dict of ndarray [seconds, classes]
        One matrix per recording.
    classes : list of str
        Names of the columns.

    Raises
    ------
    InputError
        If the number of columns of a matrix is not the number of classes.
    """
    lines = ["\t".join(TIMES + classes)]
    for recording, values in scores.items():
        if values.ndim != 2 or values.shape[1] != len(classes):
            raise InputError(
                f"the scores of {recording!r} have the shape {values.shape}",
                file=path,
                expected=f"(seconds, {len(classes)}), one column per class",
            )
        lines += [f"{recording}\t{row}" for row in _rows(values)]
    Path(path).write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_plain(path: Path, values: np.ndarray, classes: list[str]) -> None:
    """Write the scores [seconds, classes] of one recording without its name: the layout of sed_scores_eval."""
    lines = ["\t".join(TIMES[1:] + classes), *_rows(values)]
    Path(path).write_text("\n".join(lines) + "\n", encoding="utf-8")


def _rows(values: np.ndarray) -> Iterator[str]:
    for second, row in enumerate(values):
        yield "\t".join([str(second), str(second + 1), *(f"{value:.6f}" for value in row)])


def read_scores(path: Path, classes: list[str]) -> dict[str, np.ndarray]:
    """Read scores.

    Parameters
    ----------
    path : Path
    classes : list of str
        The expected columns, in this order.

    Returns
    -------
    dict of ndarray [seconds, classes]
        Keyed by recording, in the order of the file.

    Raises
    ------
    InputError
        If the columns are not `classes` in this order, if the rows of a recording are not one block of consecutive
        seconds from 0 s, or if a score is not a finite number.
    """
    lines = read_text(path)
    header = lines[0].split("\t") if lines else []
    if header != TIMES + classes:
        raise InputError(
            f"the columns are {header}", file=path, line=1, expected=f"{TIMES + classes}, separated by tabs"
        )
    rows: dict[str, list[list[float]]] = {}
    previous = None
    for line, text in enumerate(lines[1:], start=2):
        recording, *fields = text.split("\t")
        if len(fields) != len(header) - 1:
            raise InputError(
                f"the line has {len(fields) + 1} fields", file=path, line=line, expected=f"{len(header)} fields"
            )
        try:
            # One call per field doubles the time. Names of recordings often contain underscores.
            read = read_number if "_" in text[len(recording) :] else float
            onset, offset, *values = map(read, fields)
        except ValueError:
            onset, offset, *values = map(read_number, fields)
        if recording != previous and recording in rows:
            raise InputError(
                f"recording {recording!r} has rows in two places",
                file=path,
                line=line,
                expected="one block of rows per recording",
            )
        block = rows.setdefault(recording, [])
        if (onset, offset) != (len(block), len(block) + 1):
            raise InputError(
                f"the row of {recording!r} is from {fields[0]} to {fields[1]} s",
                file=path,
                line=line,
                expected=f"{len(block)} to {len(block) + 1} s",
            )
        if not np.isfinite(values).all():
            raise InputError(f"the scores are {fields[2:]}", file=path, line=line, expected="finite numbers")
        block.append(values)
        previous = recording
    if not rows:
        raise InputError("the table contains no score", file=path, expected="one row per second")
    return {recording: np.array(block) for recording, block in rows.items()}
