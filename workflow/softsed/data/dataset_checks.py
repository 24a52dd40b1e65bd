"""Checks of a user-provided dataset: audio, labels and tables against each other.

Each function adds to `Problems` the place of a problem (file and line), the wrong value, and what to do.
"""

import logging
from collections.abc import Set
from pathlib import Path

import numpy as np

from softsed.core.audio import REPLACE, find_audio, measure
from softsed.core.errors import InputError, Problems, count
from softsed.core.label_rows import LabelRows, cut_rows, length_of_rows
from softsed.core.metadata import Recording, is_valid_name, read_scenes
from softsed.core.opinions import OpinionTable, check_rows
from softsed.core.text.last_second import split_ends
from softsed.core.text.names import Places, check_spelling, spelling
from softsed.core.text.windows import cut_windows
from softsed.core.tsv import read_lines

logger = logging.getLogger(__name__)

ONLY_SCENE = "all"  # scene of all recordings without a table of recordings


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
                problem = f"the recording lasts {lengths[name]:.2f} s"
                problems.add(
                    "audio", InputError(problem, file=path, expected="1 s or more", remedy="Leave the recording out")
                )
        except InputError as error:
            lengths[name] = 0.0
            error.remedy = error.remedy or REPLACE
            problems.add("audio", error)
    return lengths


def check_classes(first: Places, known: list[str] | None, problems: Problems) -> set[str]:
    """Report classes with two spellings as `check_spelling` does, and classes that are not in the table of classes.

    Returns
    -------
    set of str
        The reported names.
    """
    reported = check_spelling(first, problems, known=known or [], source="the table of classes")
    for name, place in first.items():
        if known is not None and name not in known and name not in reported:
            problem, remedy = f"unknown class {name!r}", "Correct the name, or add it to the table of classes"
            problems.add("classes", InputError(problem, **place, expected=f"one of {known}", remedy=remedy))
            reported.add(name)
    return reported


def check_recordings(
    first: Places, lengths: dict[str, float], labels: Path, problems: Problems, *, source: Path
) -> None:
    """Report labels without a recording and recordings without labels: one problem per side, with two examples.

    If no name matches, or the recordings or labels could not be read at all, only this cause is reported. Names that
    are other spellings of a recording are reported one by one.

    Parameters
    ----------
    first : dict
        Recording of the labels to its first place.
    lengths : dict of float
        Recordings in `source`.
    labels, source : Path
        Labels; folder of audio or table of recordings.
    problems : Problems
    """
    if not lengths or (not first and problems):
        return
    known = () if source == labels else lengths
    reported = check_spelling(first, problems, column="recording", known=known, source=str(source))
    unknown = [name for name in first if name not in lengths and name not in reported]
    unknown = [
        name for name in unknown if first[name]["file"].exists()
    ]  # the reader has reported a link without its file
    spellings = {spelling(name) for name in reported}
    unlabelled = [name for name in lengths if name not in first and spelling(name) not in spellings]
    remedy = "Correct the names, add the recordings or leave the labels out"
    if first and len(unknown) == len(first):
        problem = (
            f"no name matches a recording of {source}, which contains {_examples(unlabelled)}; the labels are for "
        )
        problem += _examples(unknown)
        problems.add("names", InputError(problem, **first[unknown[0]], remedy=remedy))
        return
    if unknown:
        problem = f"no {'audio' if source.is_dir() else 'recording'} named {_examples(unknown)} in {source}"
        problems.add("no audio", InputError(problem, **first[unknown[0]], remedy=remedy))
    if unlabelled:
        noun = "recording" if len(unlabelled) == 1 else "recordings"
        problem = f"no labels for the {noun} {_examples(unlabelled)} of {source}"
        problems.add("no labels", InputError(problem, file=labels, remedy="Add labels or leave the recordings out"))


def _examples(names: list[str]) -> str:
    """Return the first two names, and the number of the others."""
    others = f" and {len(names) - 2} more" if len(names) > 2 else ""
    return ", ".join(map(repr, names[:2])) + others if names else "no other name"


def check_labels(
    rows: LabelRows, lengths: dict[str, float], problems: Problems, *, reported: Set[str] = frozenset()
) -> LabelRows:
    """Report labels beyond the audio, repeated seconds, and seconds that a soft table leaves out.

    Seconds are not counted in recordings with a row that is reported for another reason: rows that seem to be missing
    may be such rows.

    Parameters
    ----------
    rows : LabelRows
    lengths : dict of float
        Recording to its length in seconds.
    problems : Problems
    reported : set of str
        Classes that `check_classes` has reported.

    Returns
    -------
    LabelRows
        Without labels in the last, partial second of their recordings. A warning counts them and the ends that are cut.
    """
    length = length_of_rows(rows, lengths)
    far, _, _ = split_ends(rows.onset, rows.offset, length)
    faulty = rows.refused.union(rows.names[place] for place in np.unique(rows.recording[far]))

    def beyond(row: int) -> InputError:
        name = rows.names[rows.recording[row]]
        problem = f"the row lasts from {rows.onset[row]:g} to {rows.offset[row]:g} s, but the recording {name!r} lasts"
        problem += f" {length[row]:.2f} s ({int(length[row])} whole seconds)"
        remedy = "Correct the times and their unit, or leave the row out"
        return InputError(problem, **rows.place(row), expected="an end at most 1 s after the audio", remedy=remedy)

    problems.add_rows("beyond the audio", np.flatnonzero(far), beyond)
    rows, note = cut_rows(rows, lengths)
    if note:
        logger.warning("%s: %s", rows.path, note)
    if rows.kind == "soft":
        _check_repeated(rows, problems)
    # A row with wrong fields or without a name may belong to any recording.
    if rows.zeros_listed and "fields" not in problems.found and "" not in rows.refused:
        for name, own in rows.by_recording().items():
            if len(own) and name not in faulty and reported.isdisjoint(rows.label[own].tolist()):
                _check_complete(name, rows, own, problems)
    return rows


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
    length = int(rows.offset[own].max())
    labels = rows.label[own]
    for label in dict.fromkeys(labels.tolist()):
        seconds = np.unique(rows.onset[own][labels == label])
        # The seconds are counted, not listed: a row with a far too late time would fill the memory.
        if len(seconds) < length:
            gaps = np.flatnonzero(seconds != np.arange(len(seconds)))
            missing = int(gaps[0]) if len(gaps) else len(seconds)
            problem = f"{label!r} in {name!r} has no row for {length - len(seconds)} of {length} seconds, first "
            problem += f"{missing} to {missing + 1} s"
            remedy = "Add the missing rows, with value 0 where the class is inactive"
            error = InputError(problem, **rows.place(own[0]), expected="one row per second", remedy=remedy)
            problems.add("incomplete", error)


def check_opinions(
    table: OpinionTable, lengths: dict[str, float], known: list[str] | None, problems: Problems, *, source: Path
) -> OpinionTable:
    """Report problems of the rows of a table of opinions, opinions without a recording and recordings without opinions.

    `lengths` are those of the recordings in `source`, a folder of audio or a table.

    Returns
    -------
    OpinionTable
        With windows that are cut to the whole seconds of their recordings. A warning counts them.
    """
    named = {name: place for name, place in table.places("recording").items() if is_valid_name(name)}
    check_recordings(named, lengths, table.path, problems, source=source)
    check_classes(table.places("class"), known, problems)
    table, note = cut_windows(table, lengths)
    if note:
        logger.warning("%s: %s", table.path, note)
    check_rows(table, lengths, problems)
    return table


def check_scenes(path: Path | None, lengths: dict[str, float], problems: Problems) -> dict[str, str]:
    """Return the scene of each recording from the table of recordings; one scene without such a table."""
    if path is None:
        return dict.fromkeys(lengths, ONLY_SCENE)
    scenes: dict[str, str] = {}
    rows = read_lines(path, ("recording", "scene"))
    first: dict[str, Places] = {"recording": {}, "scene": {}}
    for line, row in rows:
        for column, found in first.items():
            found.setdefault(row[column], {"file": path, "line": line})
    reported = check_spelling(first["recording"], problems, column="recording", known=lengths, source="the audio")
    check_spelling(first["scene"], problems, column="scene")
    unknown: dict[str, int] = {}
    for line, row in rows:
        name, scene = row["recording"], row["scene"]
        if name not in lengths and name not in reported:
            unknown.setdefault(name, line)
        if scenes.setdefault(name, scene) != scene or not scene:
            problem = f"recording {name!r} has the scene {scene!r}"
            problem += f", but the scene {scenes[name]!r} in an earlier row" * (scene != scenes[name])
            problems.add("scenes", InputError(problem, file=path, line=line, expected="one scene per recording"))
    missing = [name for name in lengths if name not in scenes]
    if unknown:
        problem, line = f"no audio named {_examples(list(unknown))}", next(iter(unknown.values()))
        remedy = "Correct the names, add the audio or leave the rows out"
        problems.add("no audio", InputError(problem, file=path, line=line, remedy=remedy))
    if missing and len(missing) < len(lengths):  # if all are missing, the names differ, which is reported above
        problem = f"no scene for the {'recording' if len(missing) == 1 else 'recordings'} {_examples(missing)}"
        problems.add("scenes", InputError(problem, file=path, remedy="Add rows for these recordings"))
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
    """Describe a dataset without errors in one line. There may be warnings, which are logged before."""
    seconds = sum(one.duration_s for one in recordings.values())
    text = f"no errors: {count(len(recordings), 'recording', 'recordings')} ({seconds / 60:.1f} min) in "
    text += f"{count(len(asked), 'scene', 'scenes')}, {count(len(classes), 'class', 'classes')}: {', '.join(classes)}"
    if (whole := sum(int(one.duration_s) for one in recordings.values())) < seconds:
        text += f". Only whole seconds count: {whole} of {seconds:.1f} s"
    if kind == "hard":
        text += ". Only hard labels are provided, so they become soft labels with the values 0 and 1"
    return text
