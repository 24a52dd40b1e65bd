"""What is wrong with a dataset of one's own, all of it at once, and the tables that the workflow makes of it.

A dataset is a folder of recordings with soft labels, hard labels or opinions. What the tables of recordings, classes
and scenes would say is read off these, as far as they are not given:

- A recording lasts as long as its audio; with a soft table or opinions, as long as these say something about it.
- The classes are those that come up in the labels.
- Without a table of recordings (recording, scene) all are of one scene, ``all``; with opinions see `survey`.
- The classes asked in a scene: those with a row in it (soft table, opinions), all of them for all other labels,
  those of a table of classes that never come up included. A table of scenes says it otherwise.
"""

import argparse
import json
import logging
from pathlib import Path

from softsed.core.audio import find_audio
from softsed.core.code_hash import content
from softsed.core.errors import InputError
from softsed.core.log import PROGRESS
from softsed.core.metadata import Recording, choose_classes, choose_columns, read_classes, read_recordings
from softsed.data import infer_tables
from softsed.labels.adopt import KINDS, Problems, read_labels
from softsed.planning import checks

TABLES = ("recordings", "classes", "scenes")
DATASET = "dataset.json"  # beside these tables: what they were made of

logger = logging.getLogger(__name__)


def examine(
    audio: Path, labels: Path, kind: str, tables: dict[str, Path | None], problems: Problems
) -> tuple[dict[str, Recording], list[str], dict[str, list[str]]]:
    """Check a dataset and read its tables off it; with problems these are not complete.

    Parameters
    ----------
    audio : Path
        Folder of recordings.
    labels : Path
        Soft labels, hard labels or opinions, as `kind` says.
    tables : dict of Path or None
        The tables of recordings, classes and scenes, as far as they are given.
    problems : Problems
        Added to.

    Returns
    -------
    recordings : dict of Recording
    classes : list of str
    asked : dict of list of str
        Scene to the classes asked there.
    """
    lengths = checks.check_audio(audio, problems)
    known = read_classes(tables["classes"]) if tables["classes"] else None
    if kind == "opinions":
        checks.check_opinions(labels, lengths, known, problems)
        if problems:
            return {}, known or [], {}
        lengths, classes, scenes, asked_of = infer_tables.survey(labels)
        used = {name: asked_of[scene] for name, scene in scenes.items()}
    else:
        found = read_labels(labels, kind, problems)
        places = {name: rows[0].where if rows else f"{labels}" for name, rows in found.rows.items()}
        checks.check_recordings(places, lengths, str(labels), problems)
        checks.check_names(found.names(), known, problems)
        checks.check_rows(found, lengths, problems)
        classes, used = known or sorted(found.names()), {}
        for name, rows in found.rows.items():
            # Where nothing tells what was asked, it was everything: what was never heard is 0, too.
            told = found.zeros_listed or tables["scenes"]
            used[name] = {row.label for row in rows} if told else classes
            if found.zeros_listed and rows:
                lengths[name] = max(row.offset for row in rows)
    classes = known or classes
    if kind != "opinions" or tables["recordings"]:
        scenes = checks.check_scenes(tables["recordings"], lengths, problems)
    recordings = {name: Recording(name, scenes[name], lengths[name]) for name in sorted(scenes)}
    asked: dict[str, list[str]] = {}
    for name, one in recordings.items():
        heard = {*asked.get(one.scene, []), *used.get(name, [])}
        asked[one.scene] = [label for label in classes if label in heard]
    return recordings, classes, checks.check_asked(tables["scenes"], asked, classes, problems)


def check(
    audio: Path, labels: Path, kind: str, tables: dict[str, Path | None], *, folds: int, validation: float
) -> tuple[dict[str, Recording], list[str], dict[str, list[str]]]:
    """Read the tables of a dataset off it as `examine` does; an InputError with all problems, if there are any.

    `folds` is the number of folds that is wanted, 0 for none, and `validation` the share of validation recordings.
    """
    problems = Problems()
    try:
        recordings, classes, asked = examine(audio, labels, kind, tables, problems)
        if not problems and kind == "opinions":
            checks.check_crowd(labels, recordings, classes, asked)
        if recordings and folds:
            checks.check_folds(recordings, folds, validation, problems)
    except InputError as error:  # of a table, or of the opinions as a whole: nothing can be said beyond it
        problems.add("tables", str(error))
    if problems:
        raise InputError(f"{len(problems)} problem(s) in the dataset:\n{problems}")
    return recordings, classes, asked


def dataset(labels: Path, kind: str, tables: dict[str, Path | None]) -> str:
    """Describe the labels and tables of a dataset by name and content, as JSON; empty where one is missing."""
    given = {name: path for name, path in {kind: labels, **tables}.items() if path}
    if not all(path.exists() for path in given.values()):
        return ""
    return json.dumps(dict(zip(given, content(*given.values()), strict=True)), indent=2) + "\n"


def check_before(
    table: Path,
    *,
    audio: Path,
    labels: Path,
    kind: str,
    tables: dict[str, Path | None],
    folds: int,
    validation: float,
    evaluated: str | list[str],
) -> None:
    """Check a dataset as `check` does, before every call of the workflow; only its folds, if it was checked before.

    It was, if `DATASET` beside the table of recordings that was made of it tells of the same labels and tables, and
    that table is newer than all recordings and lists the same.
    `evaluated` are the classes that count, names or "all": those of the labels, or of the table beside that one.
    """
    found, wrong = find_audio(audio)
    note = table.with_name(DATASET)
    if found and not wrong and note.exists() and note.read_text(encoding="utf-8") == dataset(labels, kind, tables):
        made = table.stat().st_mtime if table.exists() else 0
        recordings, problems = read_recordings(table), Problems()
        if recordings.keys() == found.keys() and all(path.stat().st_mtime < made for path in found.values()):
            checks.check_folds(recordings, folds, validation, problems)
            if problems:
                raise InputError(str(problems))
            choose_classes(table.with_name("classes.tsv"), evaluated)
            return
    _, classes, _ = check(audio, labels, kind, tables, folds=folds, validation=validation)
    choose_columns(classes, evaluated, tables["classes"] or labels)


def main(argv: list[str] | None = None) -> None:
    """Say everything that is wrong with a dataset of one's own, or write its tables."""
    parser = argparse.ArgumentParser(prog="softsed check", description=main.__doc__)
    parser.add_argument("--audio", type=Path, required=True, help="folder of recordings, anything libsndfile reads")
    kinds = parser.add_mutually_exclusive_group(required=True)
    for kind in (*KINDS, "opinions"):
        what = "table" if kind == "opinions" else "table or folder of RECORDING.txt"
        kinds.add_argument(f"--{kind}", type=Path, help=f"{kind}: {what}")
    for name in TABLES:
        parser.add_argument(f"--{name}", type=Path, help=f"table of {name}, if there is one")
    parser.add_argument("--folds", type=int, default=5, help="number of folds that are wanted (5); 0: none")
    parser.add_argument("--validation", type=float, default=0.25, help="share of recordings for validation (0.25)")
    parser.add_argument("--tables", type=Path, help="folder for recordings.tsv, classes.tsv and scenes.tsv, written")
    options = parser.parse_args(argv)
    kind = next(kind for kind in (*KINDS, "opinions") if getattr(options, kind))
    given = {name: getattr(options, name) for name in TABLES}
    folds = {"folds": options.folds, "validation": options.validation}
    recordings, classes, asked = check(options.audio, getattr(options, kind), kind, given, **folds)
    seconds = sum(one.duration_s for one in recordings.values())
    text = f"no problems: {len(recordings)} recordings of {seconds / 60:.1f} min in {len(asked)} scene(s)"
    text += f", {len(classes)} classes: {', '.join(classes)}"
    if kind == "hard":
        text += "; hard labels only: soft labels are 0 and 1, and systems trained on soft labels are trained on these"
    logger.info("%s", text, extra=PROGRESS)
    if options.tables:
        options.tables.mkdir(parents=True, exist_ok=True)
        infer_tables.write_tables(recordings, classes, asked, {name: options.tables / f"{name}.tsv" for name in TABLES})
        text = dataset(getattr(options, kind), kind, given)
        (options.tables / DATASET).write_text(text, encoding="utf-8")
