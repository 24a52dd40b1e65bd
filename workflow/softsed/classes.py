"""Classes, scenes, recordings and folds: the tables that every stage reads.

This is the one place that defines the order of the classes and who was asked what.

``classes.tsv`` gives the order of every matrix of this package, and
``scenes.tsv`` (scene, class) the classes that annotators were asked about in each scene. A class that was not
asked is not the same as a class that was never heard: label matrices hold nan for the former and 0 for the latter.
"""

import csv
from dataclasses import dataclass
from pathlib import Path

from softsed.errors import InputError

PARTS = ("train", "validation", "test")
OPINION_COLUMNS = ("recording", "onset", "offset", "annotator", "class", "opinion")


@dataclass(frozen=True)
class Recording:
    """One row of the table of recordings."""

    name: str
    scene: str
    duration_s: float


def read_lines(path: Path, columns: tuple[str, ...]) -> list[tuple[int, dict[str, str]]]:
    """Read a TSV file with a header, with line numbers for messages; blank lines are skipped.

    Parameters
    ----------
    path : Path
        Tab-separated text, UTF-8 (a byte-order mark and Windows line ends are accepted). Quotation marks are part of
        the text.
    columns : tuple of str
        The columns that must be there; others are kept.

    Returns
    -------
    list of (int, dict)
        The line in the file, counted from 1, and one dictionary a row, values as text.

    Raises
    ------
    InputError
        When the file is missing, a column is missing or a row has another number of fields.
    """
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
            missing = [column for column in columns if column not in (reader.fieldnames or [])]
            if missing:
                raise InputError(f"{path}: no column {missing}; found {reader.fieldnames}, tab-separated")
            rows = [(reader.line_num, row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read as a tab-separated table: {error}") from error
    for line, row in rows:
        if None in row or None in row.values():
            raise InputError(f"{path}, line {line}: expected {len(reader.fieldnames)} tab-separated fields, got {row}")
    return rows


def read_table(path: Path, columns: tuple[str, ...]) -> list[dict[str, str]]:
    """Read a TSV file with a header as `read_lines` does, without line numbers."""
    return [row for _, row in read_lines(path, columns)]


def read_columns(path: Path, columns: tuple[str, ...]) -> dict[str, list[str]]:
    """Read a large TSV file with a header as columns of text, the row at index i from line i + 2.

    One flat list of fields: half a million small lists or dictionaries would cost seconds.

    Parameters
    ----------
    columns : tuple of str
        The columns that must be there; others are kept.

    Returns
    -------
    dict of list of str
        One list a column, empty without rows.

    Raises
    ------
    InputError
        When the file is missing, a column is missing or a row has another number of fields.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig").rstrip("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as a tab-separated table: {error}") from error
    first, *lines = text.split("\n")
    header = first.split("\t")
    if missing := [name for name in columns if name not in header]:
        raise InputError(f"{path}, line 1: no column {missing}; found {header}, tab-separated")
    for number, line in enumerate(lines, start=2):
        if line.count("\t") != len(header) - 1:
            raise InputError(f"{path}, line {number}: expected {len(header)} tab-separated fields, got {line!r}")
    fields = "\t".join(lines).split("\t") if lines else []
    return {name: fields[column :: len(header)] for column, name in enumerate(header)}


def read_classes(path: Path) -> list[str]:
    """Read ``classes.tsv``: class names in the order of every matrix."""
    classes: list[str] = []
    for line, row in read_lines(path, ("class",)):
        if row["class"] in classes:
            raise InputError(f"{path}, line {line}: class {row['class']!r} is listed twice")
        classes.append(row["class"])
    if not classes:
        raise InputError(f"{path}: no class listed")
    return classes


def choose_classes(path: Path, which: str | list[str]) -> tuple[list[str], list[int]]:
    """Read the table of classes: all names, and the columns of those that count (a list of names, or "all")."""
    known = read_classes(path)
    if which == "all":
        return known, list(range(len(known)))
    if unknown := [name for name in which if name not in known]:
        raise InputError(f"evaluate.classes: no class {unknown} in {path}, which has {known}")
    return known, [column for column, name in enumerate(known) if name in which]


def read_scenes(path: Path, classes: list[str]) -> dict[str, list[str]]:
    """Read ``scenes.tsv``: the classes asked in each scene, in the order of `classes`."""
    asked: dict[str, set[str]] = {}
    for line, row in read_lines(path, ("scene", "class")):
        if row["class"] not in classes:
            raise InputError(f"{path}, line {line}: unknown class {row['class']!r}; known are {classes}")
        asked.setdefault(row["scene"], set()).add(row["class"])
    return {scene: [name for name in classes if name in names] for scene, names in asked.items()}


def read_recordings(path: Path) -> dict[str, Recording]:
    """Read the table of recordings (recording, scene, duration_s), keyed by recording, in the order of the table."""
    recordings: dict[str, Recording] = {}
    for line, row in read_lines(path, ("recording", "scene", "duration_s")):
        name = row["recording"]
        if name in recordings:
            raise InputError(f"{path}, line {line}: recording {name!r} is listed twice")
        try:
            duration = float(row["duration_s"])
        except ValueError:
            duration = float("nan")
        if not 1 <= duration < float("inf"):
            raise InputError(f"{path}, line {line}: duration_s is {row['duration_s']!r}, expected 1 second or more")
        recordings[name] = Recording(name, row["scene"], duration)
    if not recordings:
        raise InputError(f"{path}: no recording listed")
    return recordings


def read_asked(
    recordings_path: Path, scenes_path: Path, classes: list[str]
) -> tuple[dict[str, Recording], dict[str, list[str]]]:
    """Read the recordings and what was asked about them.

    Returns
    -------
    recordings : dict of Recording
        As from `read_recordings`.
    asked : dict of list of str
        Classes asked in each scene, as from `read_scenes`; every scene of a recording is among them.

    Raises
    ------
    InputError
        When the scene of a recording is not in the table of scenes.
    """
    recordings, asked = read_recordings(recordings_path), read_scenes(scenes_path, classes)
    for name, recording in recordings.items():
        if recording.scene not in asked:
            raise InputError(
                f"{recordings_path}: {name}: scene {recording.scene!r} is not in {scenes_path}, which has "
                f"{list(asked)}; correct it or add there the classes asked in it"
            )
    return recordings, asked


def read_fold(path: Path) -> dict[str, list[str]]:
    """Read one fold.

    Returns
    -------
    dict
        train, validation, test -> recordings in the order of the file; none is empty.

    Raises
    ------
    InputError
        When a part is unknown or empty, or a recording is listed twice.
    """
    parts: dict[str, list[str]] = {part: [] for part in PARTS}
    listed: set[str] = set()
    for line, row in read_lines(path, ("recording", "scene", "part")):
        if row["part"] not in parts:
            raise InputError(f"{path}, line {line}: part is {row['part']!r}, expected one of {', '.join(PARTS)}")
        if row["recording"] in listed:
            raise InputError(f"{path}, line {line}: recording {row['recording']!r} is listed twice")
        listed.add(row["recording"])
        parts[row["part"]].append(row["recording"])
    if empty := [part for part, names in parts.items() if not names]:
        raise InputError(f"{path}: no recording in {', '.join(empty)}; every part needs one")
    return parts
