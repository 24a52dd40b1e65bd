"""Scores as text: what a system says about each whole second of the test recordings of one fold.

A table with the columns ``recording onset offset CLASS CLASS ...``: one row a second, all classes in the order of
``classes.tsv``. Scores are activity levels on the scale of the labels (0..1; a linear output may leave it). Without its
first column, the block of a recording is the layout that sed_scores_eval reads.
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
        One matrix a recording.
    classes : list of str
        Names of the columns.

    Raises
    ------
    InputError
        When a matrix has another number of columns.
    """
    lines = ["\t".join(TIMES + classes)]
    for recording, values in scores.items():
        if values.ndim != 2 or values.shape[1] != len(classes):
            raise InputError(f"{recording}: scores of shape {values.shape}; expected (seconds, {len(classes)})")
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
        When the columns are not `classes` in this order, or a row is not the second that follows the one before it
        (a recording begins at 0 s and stands in one block), or a score is not a finite number.
    """
    lines = read_text(path)
    header = lines[0].split("\t") if lines else []
    if header != TIMES + classes:
        raise InputError(f"{path}, line 1: columns are {header}; expected {TIMES + classes}, tab-separated")
    rows: dict[str, list[list[float]]] = {}
    previous = None
    for number, line in enumerate(lines[1:], start=2):
        where = f"{path}, line {number}"
        recording, *fields = line.split("\t")
        if len(fields) != len(header) - 1:
            raise InputError(f"{where}: {len(fields) + 1} tab-separated fields; expected {len(header)}")
        try:
            # A call a field takes twice as long; names of recordings often have underscores.
            read = read_number if "_" in line[len(recording) :] else float
            onset, offset, *values = map(read, fields)
        except ValueError:
            onset, offset, *values = map(read_number, fields)
        if recording != previous and recording in rows:
            raise InputError(f"{where}: {recording!r} appears in two places; expected one block a recording")
        block = rows.setdefault(recording, [])
        if (onset, offset) != (len(block), len(block) + 1):
            raise InputError(f"{where}: {fields[0]} to {fields[1]} s; expected {len(block)} to {len(block) + 1} s")
        if not np.isfinite(values).all():
            raise InputError(f"{where}: expected finite numbers as scores, got {fields[2:]}")
        block.append(values)
        previous = recording
    if not rows:
        raise InputError(f"{path}: no scores below the header; expected one row a second")
    return {recording: np.array(block) for recording, block in rows.items()}
