"""The single things that may be wrong with a dataset of one's own; `check` asks for all of them.

Each function adds to `Problems` a line that says where (file and line), what was found, and what to do.
"""

import itertools
from collections import Counter
from pathlib import Path

import numpy as np

from softsed.core.audio import find_audio, measure
from softsed.core.errors import InputError
from softsed.core.metadata import OPINION_COLUMNS, Recording, read_scenes
from softsed.core.opinions import read_opinions
from softsed.core.tsv import read_columns, read_lines, read_number, spelled_twice
from softsed.data import infer_tables
from softsed.folds import generate_folds
from softsed.labels.adopt import Labels, Problems, Row
from softsed.labels.aggregate import soft_labels

SCENE = "all"  # without a table of recordings


def check_audio(folder: Path, problems: Problems) -> dict[str, float]:
    """Measure the recordings: name to seconds, 0 for those that cannot be used."""
    found, wrong = find_audio(folder)
    for text in wrong:
        problems.add("audio", text)
    lengths = {}
    for name, path in found.items():
        if not infer_tables.NAME.fullmatch(name):
            problems.add(
                "names",
                f"{path}: rename it with letters (A-Z, a-z), digits, '_', '-' and '.'; it names files and labels",
            )
        try:
            lengths[name] = measure(path)
            if lengths[name] < 1:
                problems.add("audio", f"{path}: lasts {lengths[name]:.2f} s, expected 1 s or more; leave it out")
        except InputError as error:
            lengths[name] = 0.0
            problems.add("audio", f"{error}; replace it or leave it out")
    return lengths


def check_names(names: dict[str, str], known: list[str] | None, problems: Problems) -> None:
    """Find names of classes that are not known, or that differ from another one only by case, space or underscore.

    Parameters
    ----------
    names : dict of str
        Class to the place where it comes up first.
    known : list of str, optional
        The table of classes, if there is one.
    """
    others = dict(spelled_twice(names, known or []))
    for name, where in names.items():
        if other := others.get(name):
            place = names.get(other, "the table of classes")
            problems.add("classes", f"{where}: class {name!r} is {other!r} in {place}; write one of them everywhere")
        elif known is not None and name not in known:
            problems.add("classes", f"{where}: unknown class {name!r}; known are {known}; correct or add it")


def check_recordings(labelled: dict[str, str], lengths: dict[str, float], what: str, problems: Problems) -> None:
    """Find labels without audio, of which `labelled` gives a place, and audio without labels."""
    for name, where in labelled.items():
        if name not in lengths:
            problems.add(
                "no audio", f"{where}: no audio named {name!r}; add it, correct the name or leave the labels out"
            )
    for name in lengths:
        if name not in labelled:
            problems.add("no labels", f"{what}: no labels of the recording {name!r}; add them or leave the audio out")


def check_rows(labels: Labels, lengths: dict[str, float], problems: Problems) -> None:
    """Find labels beyond the audio, repeated ones, and seconds that a soft table leaves out."""
    for name, rows in labels.rows.items():
        length = lengths.get(name, 0.0)
        # Events may end with the audio, rounded as somebody liked, but those that start after the last whole second
        # would be lost; seconds are the whole ones.
        limit = int(length) if labels.kind == "soft" else length + 1
        seen: dict[tuple[float, str], str] = {}
        for row in rows:
            if length and (row.offset > limit or row.onset >= int(length)):
                text = f"{row.where}: from {row.onset:g} to {row.offset:g} s"
                text += f", but the recording {name!r} lasts {length:.2f} s"
                problems.add("beyond the audio", f"{text} ({int(length)} whole seconds); correct or leave out")
            if labels.kind == "soft" and (first := seen.setdefault((row.onset, row.label), row.where)) != row.where:
                problems.add("repeated", f"{row.where}: {row.label!r} at {row.onset:g} s again, as in {first}")
        if labels.zeros_listed and rows:
            check_complete(name, rows, problems)


def check_complete(name: str, rows: list[Row], problems: Problems) -> None:
    """Find seconds without a row in a soft table."""
    seconds = {label: set() for label in dict.fromkeys(row.label for row in rows)}
    for row in rows:
        seconds[row.label].add(int(row.onset))
    length = int(max(row.offset for row in rows))
    for label, listed in seconds.items():
        if len(listed) < length:  # not as sets: a row of the year 3000 would fill the memory
            first = next(second for second in itertools.count() if second not in listed)
            text = f"{length - len(listed)} of {length} s of {label!r} in {name!r} have no row, first {first} s"
            problems.add("incomplete", f"{rows[0].where} on: {text}; write zeros out, too")


def check_opinions(path: Path, lengths: dict[str, float], known: list[str] | None, problems: Problems) -> None:
    """Find what is wrong with the rows of a table of opinions; what only becomes visible in the whole comes later."""
    try:
        table = read_columns(path, OPINION_COLUMNS)
    except InputError as error:
        problems.add("header", str(error))
        return
    first: dict[str, dict[str, str]] = {"recording": {}, "class": {}}
    rows = zip(*(table[name] for name in OPINION_COLUMNS), strict=True)
    for line, (name, onset, offset, annotator, label, opinion) in enumerate(rows, start=2):
        where = f"{path}, line {line}"
        first["recording"].setdefault(name, where)
        first["class"].setdefault(label, where)
        start, end = read_number(onset), read_number(offset)
        if not (start.is_integer() and end.is_integer() and 0 <= start < end):
            problems.add(
                "times", f"{where}: window from {onset!r} to {offset!r}; expected whole seconds, 0 <= onset < offset"
            )
        elif lengths.get(name) and end > lengths[name]:
            text = f"{where}: window up to {offset} s, but the recording {name!r} lasts {lengths[name]:.2f} s"
            problems.add("beyond the audio", f"{text}; correct or leave out")
        if not annotator or not label:
            problems.add("names", f"{where}: annotator and class need a name")
        if opinion not in ("0", "1"):
            problems.add("values", f"{where}: the opinion is {opinion!r}; expected 0 or 1")
    check_recordings(first["recording"], lengths, str(path), problems)
    check_names(first["class"], known, problems)


def check_scenes(path: Path | None, lengths: dict[str, float], problems: Problems) -> dict[str, str]:
    """Read the scene of each recording off the table of recordings; one scene without a table."""
    if path is None:
        return dict.fromkeys(lengths, SCENE)
    scenes: dict[str, str] = {}
    for line, row in read_lines(path, ("recording", "scene")):
        if row["recording"] not in lengths:
            problems.add("no audio", f"{path}, line {line}: no audio named {row['recording']!r}")
        if scenes.setdefault(row["recording"], row["scene"]) != row["scene"] or not row["scene"]:
            problems.add("scenes", f"{path}, line {line}: expected one scene for {row['recording']!r}")
    for name in lengths:
        if name not in scenes:
            problems.add("scenes", f"{path}: no scene of the recording {name!r}; add a row")
    return {name: scenes.get(name, SCENE) for name in lengths}


def check_folds(recordings: dict[str, Recording], number: int, validation: float, problems: Problems) -> None:
    """Find scenes with too few recordings to be in every part of every fold."""
    small = {scene: n for scene, n in Counter(r.scene for r in recordings.values()).items() if n < number}
    for scene, count in small.items():
        problems.add(
            "folds",
            f"scene {scene!r} has {count} recordings, too few for {number} folds, each of which tests one or more: add "
            "recordings, lower `folds: number:` in the config, or merge scenes (one scene: leave `recordings` out)",
        )
    if not small:
        try:
            generate_folds(recordings, number=number, validation=validation, seed=0)
        except InputError as error:
            problems.add("folds", str(error))


def check_asked(
    path: Path | None, found: dict[str, list[str]], classes: list[str], problems: Problems
) -> dict[str, list[str]]:
    """Return the table of scenes, if it is given and holds what was found; else what was found."""
    if path is None:
        return found
    asked = read_scenes(path, classes)
    for scene, labels in found.items():
        if beyond := [label for label in labels if label not in asked.get(scene, [])]:
            problems.add(
                "scenes", f"{path}: {beyond} have labels in the scene {scene!r}; add them there or correct these"
            )
    return asked


def check_crowd(path: Path, recordings: dict[str, Recording], classes: list[str], asked: dict[str, list[str]]) -> None:
    """Raise an InputError for what is wrong with opinions as a whole: missing answers, seconds without a window."""
    opinions = read_opinions(path, classes, asked=asked, recordings=recordings)
    soft_labels(opinions, np.ones(len(opinions.annotators)), recordings=recordings, asked=asked)
