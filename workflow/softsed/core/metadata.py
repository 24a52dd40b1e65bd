"""Classes, scenes, recordings and folds: the tables that every stage reads, and the rules for names in them.

``classes.tsv`` gives the order of the columns of every matrix in this package. ``scenes.tsv`` (scene, class) lists the
classes that are annotated in each scene. A class that is not annotated in a scene differs from a class that no
annotator reported: label matrices contain nan for the first and 0 for the second.
"""

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from softsed.core.errors import InputError, Problems
from softsed.core.text.names import Places, check_spelling
from softsed.core.tsv import read_lines, read_number

PARTS = ("train", "validation", "test")
LONGEST_S = 30 * 24 * 3600  # longest recording, a month; an hour in milliseconds is a larger number
# Names that no file or no row of a table can have: path separators, control characters, bytes that are not UTF-8.
IMPOSSIBLE = re.compile(r"[/\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
# Names that are stems of files in results as they are: no character that a shell, a pattern or a path interprets, no
# hidden file, no option, and room for an ending in the 255 bytes of most file systems.
STEM = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{,249}")
READABLE = 80  # greatest number of characters of a changed name before its hash


def seconds_or_milliseconds(seconds: float) -> str | None:
    """Return the remedy for a time that is too long for a recording; None for other times."""
    return "Check whether the times are in milliseconds" if seconds > LONGEST_S else None


@dataclass(frozen=True)
class Recording:
    """One row of the table of recordings."""

    name: str
    scene: str
    duration_s: float


def is_valid_name(name: str) -> bool:
    """Report whether a recording can have this name."""
    return bool(name) and not IMPOSSIBLE.search(name) and not name.startswith('"')


def check_name(name: str, file: Path | str, line: int | None = None) -> None:
    """Raise an InputError if the name of a recording cannot be a file name; `file` and `line` are its place."""
    if not name:
        raise InputError("no recording", file=file, line=line, expected="the name of a recording in every row")
    if not is_valid_name(name):
        problem = f"recording {name!r} cannot be the name of a file"
        expected = "a name without '/', without control characters and without a quotation mark at its beginning"
        remedy = "Leave the folder out of the name" if "/" in name else None
        raise InputError(problem, file=file, line=line, expected=expected, remedy=remedy)


def file_stem(name: str) -> str:
    """Return the name of a recording's files in results, without their ending.

    A name of up to 250 letters (A-Z, a-z), digits, ``_``, ``-`` and ``.`` that does not begin with ``-`` or ``.`` stays
    as it is. All other names keep their readable part and get a hash: ``Müller (2)`` becomes
    ``Muller_2+8cfcd8b76d9af4ed``. No unchanged name contains ``+``, and the hash has 64 bits, so two recordings never
    share files. The manifest of the features lists each recording with its file.
    """
    if STEM.fullmatch(name):
        return name
    letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    readable = re.sub(r"[^A-Za-z0-9.-]+", "_", letters).strip("_.-")[:READABLE] or "recording"
    return f"{readable}+{hashlib.sha256(unicodedata.normalize('NFC', name).encode()).hexdigest()[:16]}"


def _check_filled(path: Path, line: int, row: dict[str, str], *columns: str) -> None:
    if empty := [column for column in columns if not row[column]]:
        problem = f"no {' and no '.join(empty)}"
        raise InputError(problem, file=path, line=line, expected="a name in every row")


def _check_scenes(path: Path, rows: list[tuple[int, dict[str, str]]]) -> None:
    """Raise an InputError if a scene has two spellings."""
    first: Places = {}
    for line, row in rows:
        first.setdefault(row["scene"], {"file": path, "line": line})
    check_spelling(first, Problems(strict=True), column="scene")


def _listed_twice(path: Path, line: int, what: str, name: str) -> InputError:
    return InputError(f"{what} {name!r} is listed twice", file=path, line=line, remedy="Remove one of the rows")


def _unknown_class(path: Path, line: int, name: str, classes: list[str]) -> InputError:
    return InputError(f"unknown class {name!r}", file=path, line=line, expected=f"one of {classes}")


def read_classes(path: Path) -> list[str]:
    """Read ``classes.tsv``: class names in the order of the columns of every matrix."""
    classes: list[str] = []
    for line, row in read_lines(path, ("class",)):
        _check_filled(path, line, row, "class")
        if row["class"] in classes:
            raise _listed_twice(path, line, "class", row["class"])
        classes.append(row["class"])
    if not classes:
        raise InputError("the table lists no class", file=path, expected="one row per class")
    return classes


def choose_classes(path: Path, which: str | list[str]) -> tuple[list[str], list[int]]:
    """Read the table of classes: all names, and the columns of the chosen ones (a list of names, or "all")."""
    known = read_classes(path)
    return known, choose_columns(known, which, path)


def choose_columns(known: list[str], which: str | list[str], path: Path) -> list[int]:
    """Return the columns of the chosen classes; raise an InputError for names that the table `path` does not list."""
    if which == "all":
        return list(range(len(known)))
    if unknown := [name for name in which if name not in known]:
        expected = f"classes of {path}, which lists {known}"
        raise InputError(f"unknown classes {unknown}", key="evaluate.classes", expected=expected)
    return [column for column, name in enumerate(known) if name in which]


def read_scenes(path: Path, classes: list[str]) -> dict[str, list[str]]:
    """Read ``scenes.tsv``: the classes annotated in each scene, in the order of `classes`."""
    asked: dict[str, set[str]] = {}
    rows = read_lines(path, ("scene", "class"))
    _check_scenes(path, rows)
    for line, row in rows:
        _check_filled(path, line, row, "scene", "class")
        if row["class"] not in classes:
            raise _unknown_class(path, line, row["class"], classes)
        asked.setdefault(row["scene"], set()).add(row["class"])
    return {scene: [name for name in classes if name in names] for scene, names in asked.items()}


def read_recordings(path: Path) -> dict[str, Recording]:
    """Read the table of recordings (recording, scene, duration_s), keyed by recording, in the order of the table."""
    recordings: dict[str, Recording] = {}
    rows = read_lines(path, ("recording", "scene", "duration_s"))
    _check_scenes(path, rows)
    for line, row in rows:
        _check_filled(path, line, row, "recording", "scene")
        name, duration = row["recording"], read_number(row["duration_s"])
        check_name(name, path, line)
        if name in recordings:
            raise _listed_twice(path, line, "recording", name)
        if not 1 <= duration <= LONGEST_S:
            raise InputError(
                f"duration_s is {row['duration_s']!r}",
                file=path,
                line=line,
                expected=f"1 to {LONGEST_S} seconds",
                remedy=seconds_or_milliseconds(duration),
            )
        recordings[name] = Recording(name, row["scene"], duration)
    if not recordings:
        raise InputError("the table lists no recording", file=path, expected="one row per recording")
    return recordings


def read_asked(
    recordings_path: Path, scenes_path: Path, classes: list[str]
) -> tuple[dict[str, Recording], dict[str, list[str]]]:
    """Read the tables of recordings and scenes.

    Returns
    -------
    recordings : dict of Recording
        As from `read_recordings`.
    asked : dict of list of str
        Classes annotated in each scene, as from `read_scenes`. Every scene of a recording is listed.

    Raises
    ------
    InputError
        If the scene of a recording is not in the table of scenes.
    """
    recordings, asked = read_recordings(recordings_path), read_scenes(scenes_path, classes)
    for name, recording in recordings.items():
        if recording.scene not in asked:
            raise InputError(
                f"recording {name!r} has the scene {recording.scene!r}",
                file=recordings_path,
                expected=f"a scene of {scenes_path}, which lists {list(asked)}",
                remedy="Correct the scene, or add its classes to that table",
            )
    return recordings, asked


def read_fold(path: Path) -> dict[str, list[str]]:
    """Read one fold.

    Returns
    -------
    dict of list of str
        Part (train, validation, test) to its recordings in the order of the file. No part is empty.

    Raises
    ------
    InputError
        If a part is unknown or empty, or a recording is listed twice.
    """
    parts: dict[str, list[str]] = {part: [] for part in PARTS}
    listed: set[str] = set()
    for line, row in read_lines(path, ("recording", "scene", "part")):
        if row["part"] not in parts:
            raise InputError(f"part is {row['part']!r}", file=path, line=line, expected=f"one of {', '.join(PARTS)}")
        if row["recording"] in listed:
            raise _listed_twice(path, line, "recording", row["recording"])
        listed.add(row["recording"])
        parts[row["part"]].append(row["recording"])
    if empty := [part for part, names in parts.items() if not names]:
        raise InputError(f"no recording in {', '.join(empty)}", file=path, expected="one or more in every part")
    return parts


def read_fold_scenes(path: Path) -> dict[str, str]:
    """Read the scene of each recording of a fold; InputError if a column is missing."""
    return {row["recording"]: row["scene"] for _, row in read_lines(path, ("recording", "scene"))}
