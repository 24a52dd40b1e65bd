"""What a table of opinions says about itself: its recordings, its classes and what was asked about which recording.

With nothing but opinions, the tables that every stage reads are read off them: a recording lasts until its last window
ends, the classes are those that somebody was asked about, and recordings that were asked the same classes share a
scene, unless a column ``scene`` of the opinions names it.
"""

import argparse
import re
from pathlib import Path

from softsed.core.errors import InputError
from softsed.core.metadata import LONGEST_S, OPINION_COLUMNS, Recording, doubt, read_asked, read_classes
from softsed.core.tsv import read_columns, read_number, spelled_twice

# Names of recordings become names of files and are matched by the workflow: no separators of paths, nothing that a
# shell or a pattern could take for its own, no hidden files, no options.
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
SCENE = "scene"


def check_name(name: str, where: str) -> None:
    """Raise an InputError that says where, when a recording's name cannot be that of a file."""
    if not NAME.fullmatch(name):
        raise InputError(
            f"{where}: recording {name!r} cannot be the name of a file; expected letters (A-Z, a-z), digits, '_', '-' "
            "and '.', the first a letter, a digit or '_'"
        )


def _table(path: Path) -> dict[str, list[str]]:
    """Read the columns of the opinions and check the names of the recordings."""
    columns = read_columns(path, OPINION_COLUMNS)
    names = columns["recording"]
    if not names:
        raise InputError(f"{path}: no opinions; expected a row for each window, annotator and class asked")
    for name in dict.fromkeys(names):
        if not NAME.fullmatch(name):
            check_name(name, f"{path}, line {names.index(name) + 2}")
    return columns


def _check_spelling(path: Path, labels: list[str], known: list[str]) -> None:
    """Raise an InputError where a class is there in two spellings; a table of classes may list both."""
    for label, other in spelled_twice(dict.fromkeys(labels), known):
        place = f"line {labels.index(other) + 2}" if other in labels else "the table of classes"
        raise InputError(
            f"{path}, line {labels.index(label) + 2}: class {label!r} is {other!r} in {place}; write one of them "
            "everywhere, or list both in a table of classes"
        )


def recording_names(path: Path, classes: Path | None = None) -> list[str]:
    """List the recordings of a table of opinions, sorted; `classes` is a table of these, where there is one.

    Raises
    ------
    InputError
        When the table cannot be read or is empty, a name cannot be the name of a file, or a class has two spellings.
    """
    columns = _table(path)
    _check_spelling(path, columns["class"], list(read_classes(classes)) if classes else [])
    return sorted(set(columns["recording"]))


def check_answered(path: Path, given: dict[str, Path]) -> None:
    """Check that the opinions are about recordings and classes of given tables, as far as it takes to plan.

    Parameters
    ----------
    path : Path
        Table of opinions.
    given : dict of Path
        Tables of recordings, scenes and, where there is one, classes.

    Raises
    ------
    InputError
        With file and line: an unknown recording, a class that was not asked in its scene. Also for tables that do not
        fit each other.
    """
    columns = _table(path)
    known = list(read_classes(given["classes"])) if "classes" in given else []
    _check_spelling(path, columns["class"], known)
    classes = known or sorted(set(columns["class"]))
    recordings, asked = read_asked(given["recordings"], given["scenes"], classes)
    pairs = list(zip(columns["recording"], columns["class"], strict=True))
    for name, label in dict.fromkeys(pairs):
        where = f"{path}, line {pairs.index((name, label)) + 2}"
        if name not in recordings:
            raise InputError(f"{where}: recording {name!r} is not in {given['recordings']}; check its spelling")
        scene = recordings[name].scene
        if label not in asked[scene]:
            raise InputError(
                f"{where}: class {label!r} was not asked in the scene {scene!r}; asked were {asked[scene]}, see "
                f"{given['scenes']}"
            )


def longest_window(path: Path) -> float:
    """Measure the longest window in seconds; what is not a number counts 0 here and is an error where it is used."""
    columns = read_columns(path, OPINION_COLUMNS)
    longest = 0.0
    for onset, offset in set(zip(columns["onset"], columns["offset"], strict=True)):
        longest = max(longest, read_number(offset) - read_number(onset))  # of nan and a number, the first: the number
    return longest


def survey(path: Path) -> tuple[dict[str, int], list[str], dict[str, str], dict[str, list[str]]]:
    """Read off the opinions what the tables of recordings, classes and scenes would say.

    Parameters
    ----------
    path : Path
        Table of opinions, see `softsed.core.opinions`; the optional column ``scene`` names the scene of the recording.

    Returns
    -------
    durations : dict of int
        Recording to the end of its last window, whole seconds; recordings sorted.
    classes : list of str
        Sorted.
    scenes : dict of str
        Recording to its scene: as given, or ``asked_1``, ``asked_2``, ... for those that were asked the same classes.
    asked : dict of list of str
        Scene to the classes asked there, sorted.

    Raises
    ------
    InputError
        With file and line: an offset that is no whole number of seconds, a class or scene without a name, a recording
        in two scenes. Opinions are otherwise checked where they are used.
    """
    table = _table(path)
    names = table["recording"]
    durations: dict[str, int] = {}
    for name, text in sorted(set(zip(names, table["offset"], strict=True))):
        offset = read_number(text)
        if not (offset.is_integer() and 1 <= offset <= LONGEST_S):
            line = list(zip(names, table["offset"], strict=True)).index((name, text)) + 2
            raise InputError(
                f"{path}, line {line}: offset is {text!r}, expected a whole number of seconds, 1 to {LONGEST_S}"
                + doubt(offset)
            )
        durations[name] = max(durations.get(name, 0), int(offset))
    for column in ("class", SCENE):
        if "" in table.get(column, []):
            raise InputError(f"{path}, line {table[column].index('') + 2}: no {column}; every row needs its name")
    answered: dict[str, set[str]] = {}
    for name, label in set(zip(names, table["class"], strict=True)):
        answered.setdefault(name, set()).add(label)
    scenes = _given_scenes(path, table) if SCENE in table else _scenes_by_classes(answered)
    asked: dict[str, set[str]] = {}
    for name in durations:
        asked.setdefault(scenes[name], set()).update(answered[name])
    return durations, sorted(set(table["class"])), scenes, {scene: sorted(asked[scene]) for scene in asked}


def _given_scenes(path: Path, table: dict[str, list[str]]) -> dict[str, str]:
    scenes: dict[str, str] = {}
    pairs = list(zip(table["recording"], table[SCENE], strict=True))
    for name, scene in dict.fromkeys(pairs):
        if scenes.setdefault(name, scene) != scene:
            line = pairs.index((name, scene)) + 2
            raise InputError(
                f"{path}, line {line}: recording {name!r} is in the scene {scene!r}, but in {scenes[name]!r} before"
            )
    return scenes


def _scenes_by_classes(answered: dict[str, set[str]]) -> dict[str, str]:
    kinds: dict[frozenset[str], str] = {}
    for name in sorted(answered):
        kinds.setdefault(frozenset(answered[name]), f"asked_{len(kinds) + 1}")
    return {name: kinds[frozenset(classes)] for name, classes in answered.items()}


def write_tables(
    recordings: dict[str, Recording], classes: list[str], asked: dict[str, list[str]], paths: dict[str, Path]
) -> None:
    """Write the tables of recordings, classes and scenes to the paths of these names."""
    rows = "".join(f"{one.name}\t{one.scene}\t{one.duration_s:.10g}\n" for one in recordings.values())
    paths["recordings"].write_text("recording\tscene\tduration_s\n" + rows, encoding="utf-8")
    paths["classes"].write_text("class\n" + "".join(f"{name}\n" for name in classes), encoding="utf-8")
    rows = "".join(f"{scene}\t{name}\n" for scene, names in asked.items() for name in names)
    paths["scenes"].write_text("scene\tclass\n" + rows, encoding="utf-8")


def main(argv: list[str] | None = None) -> None:
    """Write the tables of recordings, classes and scenes that a table of opinions implies."""
    parser = argparse.ArgumentParser(prog="softsed data.infer_tables", description=main.__doc__)
    parser.add_argument("--opinions", type=Path, required=True, help="table of opinions")
    parser.add_argument("--recordings", type=Path, required=True, help="table of recordings, written")
    parser.add_argument("--classes", type=Path, required=True, help="table of classes, written")
    parser.add_argument("--scenes", type=Path, required=True, help="table of the classes asked in each scene, written")
    options = parser.parse_args(argv)
    durations, classes, scenes, asked = survey(options.opinions)
    recordings = {name: Recording(name, scenes[name], seconds) for name, seconds in durations.items()}
    write_tables(
        recordings, classes, asked, {name: getattr(options, name) for name in ("recordings", "classes", "scenes")}
    )
