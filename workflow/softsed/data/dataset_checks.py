"""Checks of a user-provided dataset: audio, labels and tables against each other.

Each function reports to `Problems` where a problem is (file and line), what was found, and what to do.
"""

from pathlib import Path
from typing import Any

import numpy as np

from softsed.core.audio import find_audio, measure
from softsed.core.errors import InputError, Problems
from softsed.core.label_rows import LabelRows
from softsed.core.metadata import Recording, read_scenes, spelled_twice
from softsed.core.opinions import OpinionTable, check_rows
from softsed.core.tsv import read_lines

ONLY_SCENE = "all"  # scene of all recordings without a table of recordings
Places = dict[str, dict[str, Any]]  # name -> its first place, as arguments of an InputError


def check_audio(folder: Path, problems: Problems) -> dict[str, float]:
    """Measure the recordings in a folder.

    Returns
    -------
    dict of float
        Recording to its length in seconds, 0 for a recording that cannot be used.
    """
    lengths = {}
    for name, path in find_audio(folder, problems).items():
        try:
            lengths[name] = measure(path)
            if lengths[name] < 1:
                problem = f"lasts {lengths[name]:.2f} s"
                problems.add("audio", InputError(problem, file=path, expected="1 s or more", remedy="Leave it out"))
        except InputError as error:
            lengths[name] = 0.0
            error.remedy = error.remedy or "Replace it or leave it out"
            problems.add("audio", error)
    return lengths


def places(table: OpinionTable, column: str) -> Places:
    """Return the first place of each value of a column."""
    return {name: {"file": table.path, "line": row + 2} for (name,), row in table.first_rows(column).items()}


def check_spelling(first: Places, known: list[str], problems: Problems) -> set[str]:
    """Report classes that spell another class differently (case, space, underscore), and return their names.

    Parameters
    ----------
    first : dict
        Class to its first place.
    known : list of str
        Names in the table of classes, which may list two spellings; empty without such a table.
    problems : Problems
    """
    others = dict(spelled_twice(first, known))
    for name, other in others.items():
        where = "{file}, line {line}".format(**first[other]) if other in first else "the table of classes"
        remedy = "Use one spelling everywhere, or list both in a table of classes"
        problem = f"class {name!r} is spelled {other!r} in {where}"
        problems.add("classes", InputError(problem, **first[name], remedy=remedy))
    return set(others)


def check_classes(first: Places, known: list[str] | None, problems: Problems) -> None:
    """Report classes with two spellings as `check_spelling` does, and classes that are not in the table of classes."""
    reported = check_spelling(first, known or [], problems)
    for name, place in first.items():
        if known is not None and name not in known and name not in reported:
            problem, remedy = f"unknown class {name!r}", "Correct it, or add it to the table of classes"
            problems.add("classes", InputError(problem, **place, expected=f"one of {known}", remedy=remedy))


def check_recordings(first: Places, lengths: dict[str, float], labels: Path, problems: Problems) -> None:
    """Report labels without audio, at their first places, and audio without labels."""
    for name, place in first.items():
        if name not in lengths:
            remedy = "Add the audio, correct the name or leave the labels out"
            problems.add("no audio", InputError(f"no audio named {name!r}", **place, remedy=remedy))
    for name in lengths:
        if name not in first:
            remedy = "Add labels or leave the audio out"
            problems.add("no labels", InputError(f"no labels of the recording {name!r}", file=labels, remedy=remedy))


def check_labels(rows: LabelRows, lengths: dict[str, float], problems: Problems) -> None:
    """Report labels beyond the audio, repeated seconds, and seconds that a soft table leaves out."""
    length = np.array([lengths.get(name, 0.0) for name in rows.names] or [0.0])[rows.recording]
    whole = np.floor(length)
    # Events may end with the audio, rounded up. Events that start after the last whole second would be lost.
    limit = whole if rows.kind == "soft" else length + 1

    def beyond(row: int) -> InputError:
        name = rows.names[rows.recording[row]]
        problem = f"the row lasts from {rows.onset[row]:g} to {rows.offset[row]:g} s, but the recording {name!r} lasts"
        problem += f" {length[row]:.2f} s ({int(length[row])} whole seconds)"
        return InputError(problem, **rows.place(row), remedy="Correct the times or leave the row out")

    outside = (length > 0) & ((rows.offset > limit) | (rows.onset >= whole))
    problems.add_rows("beyond the audio", np.flatnonzero(outside), beyond)
    if rows.kind == "soft":
        _check_repeated(rows, problems)
    if rows.zeros_listed:
        for name, own in rows.by_recording().items():
            _check_complete(name, rows, own, problems)


def _check_repeated(rows: LabelRows, problems: Problems) -> None:
    first: dict[tuple, int] = {}
    keys = zip(rows.recording.tolist(), rows.onset.tolist(), rows.label.tolist(), strict=True)
    same = np.array([first.setdefault(key, row) for row, key in enumerate(keys)], dtype=int)

    def describe(row: int) -> InputError:
        problem = f"{rows.label[row]!r} at {rows.onset[row]:g} s is listed again, first in line {rows.line[same[row]]}"
        return InputError(problem, **rows.place(row), remedy="Remove one of the rows")

    problems.add_rows("repeated", np.flatnonzero(same != np.arange(len(same))), describe)


def _check_complete(name: str, rows: LabelRows, own: np.ndarray, problems: Problems) -> None:
    """Report seconds of one recording, with the rows `own`, that have no row in a soft table."""
    if not len(own):
        return
    length = int(rows.offset[own].max())
    labels = rows.label[own]
    for label in dict.fromkeys(labels.tolist()):
        seconds = np.unique(rows.onset[own][labels == label])
        # The seconds are counted, not listed: a row of the year 3000 would fill the memory.
        if len(seconds) < length:
            gaps = np.flatnonzero(seconds != np.arange(len(seconds)))
            missing = int(gaps[0]) if len(gaps) else len(seconds)
            problem = (
                f"{length - len(seconds)} of {length} s of {label!r} in {name!r} have no row. The first one starts "
            )
            problem += f"at {missing} s"
            error = InputError(problem, **rows.place(own[0]), remedy="Write rows with value 0 for them")
            problems.add("incomplete", error)


def check_opinions(table: OpinionTable, lengths: dict[str, float], known: list[str] | None, problems: Problems) -> None:
    """Report problems of the rows of a table of opinions, and opinions and audio that do not belong together."""
    check_rows(table, lengths, problems)
    check_recordings(places(table, "recording"), lengths, table.path, problems)
    check_classes(places(table, "class"), known, problems)


def check_scenes(path: Path | None, lengths: dict[str, float], problems: Problems) -> dict[str, str]:
    """Return the scene of each recording from the table of recordings; one scene without such a table."""
    if path is None:
        return dict.fromkeys(lengths, ONLY_SCENE)
    scenes: dict[str, str] = {}
    for line, row in read_lines(path, ("recording", "scene")):
        name, scene = row["recording"], row["scene"]
        if name not in lengths:
            problems.add("no audio", InputError(f"no audio named {name!r}", file=path, line=line))
        if scenes.setdefault(name, scene) != scene or not scene:
            problem = f"scene of {name!r} is {scene!r}" + f", but {scenes[name]!r} before" * (scene != scenes[name])
            problems.add("scenes", InputError(problem, file=path, line=line, expected="one scene per recording"))
    for name in lengths:
        if name not in scenes:
            problems.add("scenes", InputError(f"no scene of the recording {name!r}", file=path, remedy="Add a row"))
    return {name: scenes.get(name, ONLY_SCENE) for name in lengths}


def check_asked(
    path: Path | None, found: dict[str, list[str]], classes: list[str], problems: Problems
) -> dict[str, list[str]]:
    """Return the classes annotated in each scene: those of the table of scenes, or those found in the labels.

    Labels of classes that the table of scenes does not list are reported.
    """
    if path is None:
        return found
    asked = read_scenes(path, classes)
    for scene, labels in found.items():
        if beyond := [label for label in labels if label not in asked.get(scene, [])]:
            problem = (
                f"the labels of the scene {scene!r} contain {beyond}, which this table does not list for the scene"
            )
            remedy = "Add rows for these classes, or correct the labels"
            problems.add("scenes", InputError(problem, file=path, remedy=remedy))
    return asked


def summarise(kind: str, recordings: dict[str, Recording], classes: list[str], asked: dict[str, list[str]]) -> str:
    """Describe a dataset without problems in one line."""
    seconds = sum(one.duration_s for one in recordings.values())
    text = f"no problems: {len(recordings)} recordings of {seconds / 60:.1f} min in {len(asked)} scene(s)"
    text += f", {len(classes)} classes: {', '.join(classes)}"
    if kind == "hard":
        text += ". Only hard labels are provided, so they become soft labels with the values 0 and 1"
    return text
