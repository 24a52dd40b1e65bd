"""Classes, scenes, recordings and folds: the tables that every stage reads.

This is the one place that defines the order of the classes and who was asked what.

``classes.tsv`` gives the order of every matrix of this package, and
``scenes.tsv`` (scene, class) the classes that annotators were asked about in each scene. A class that was not
asked is not the same as a class that was never heard: label matrices hold nan for the former and 0 for the latter.
"""

from dataclasses import dataclass
from pathlib import Path

from softsed.core.errors import InputError
from softsed.core.tsv import read_lines, read_number

PARTS = ("train", "validation", "test")
OPINION_COLUMNS = ("recording", "onset", "offset", "annotator", "class", "opinion")
LONGEST_S = 30 * 24 * 3600  # of a recording, a month: beyond it, an hour or more was written in milliseconds


def doubt(seconds: float) -> str:
    """Ask, at the end of a message, about what is too long for a recording."""
    return "; are these milliseconds?" if seconds > LONGEST_S else ""


@dataclass(frozen=True)
class Recording:
    """One row of the table of recordings."""

    name: str
    scene: str
    duration_s: float


def _check_names(path: Path, line: int, row: dict[str, str], *columns: str) -> None:
    if empty := [column for column in columns if not row[column]]:
        raise InputError(f"{path}, line {line}: no {' and no '.join(empty)}; every row needs its names")


def read_classes(path: Path) -> list[str]:
    """Read ``classes.tsv``: class names in the order of every matrix."""
    classes: list[str] = []
    for line, row in read_lines(path, ("class",)):
        _check_names(path, line, row, "class")
        if row["class"] in classes:
            raise InputError(f"{path}, line {line}: class {row['class']!r} is listed twice")
        classes.append(row["class"])
    if not classes:
        raise InputError(f"{path}: no class listed")
    return classes


def choose_classes(path: Path, which: str | list[str]) -> tuple[list[str], list[int]]:
    """Read the table of classes: all names, and the columns of those that count (a list of names, or "all")."""
    known = read_classes(path)
    return known, choose_columns(known, which, path)


def choose_columns(known: list[str], which: str | list[str], path: Path) -> list[int]:
    """Find the columns of the classes that count; an InputError where one is not known from `path`."""
    if which == "all":
        return list(range(len(known)))
    if unknown := [name for name in which if name not in known]:
        raise InputError(f"evaluate.classes: no class {unknown} in {path}, which has {known}")
    return [column for column, name in enumerate(known) if name in which]


def read_scenes(path: Path, classes: list[str]) -> dict[str, list[str]]:
    """Read ``scenes.tsv``: the classes asked in each scene, in the order of `classes`."""
    asked: dict[str, set[str]] = {}
    for line, row in read_lines(path, ("scene", "class")):
        _check_names(path, line, row, "scene", "class")
        if row["class"] not in classes:
            raise InputError(f"{path}, line {line}: unknown class {row['class']!r}; known are {classes}")
        asked.setdefault(row["scene"], set()).add(row["class"])
    return {scene: [name for name in classes if name in names] for scene, names in asked.items()}


def read_recordings(path: Path) -> dict[str, Recording]:
    """Read the table of recordings (recording, scene, duration_s), keyed by recording, in the order of the table."""
    recordings: dict[str, Recording] = {}
    for line, row in read_lines(path, ("recording", "scene", "duration_s")):
        _check_names(path, line, row, "recording", "scene")
        name, duration = row["recording"], read_number(row["duration_s"])
        if name in recordings:
            raise InputError(f"{path}, line {line}: recording {name!r} is listed twice")
        if not 1 <= duration <= LONGEST_S:
            raise InputError(
                f"{path}, line {line}: duration_s is {row['duration_s']!r}, expected 1 to {LONGEST_S} seconds"
                + doubt(duration)
            )
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
