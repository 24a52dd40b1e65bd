"""Validation of a user-provided dataset before anything runs: all problems at once, including those of later stages."""

import logging
from collections import Counter
from pathlib import Path

from softsed.core.audio import find_audio
from softsed.core.errors import InputError, Problems
from softsed.core.metadata import Recording, choose_classes, choose_columns, read_recordings
from softsed.core.opinions import ABSENT, read_opinions
from softsed.data.infer_tables import DATASET, describe_sources, infer_dataset
from softsed.folds import generate_folds
from softsed.labels.plausibility import find_doubts

logger = logging.getLogger(__name__)


def check(
    audio: Path,
    labels: Path,
    kind: str,
    tables: dict[str, Path | None],
    *,
    folds: int,
    validation: float,
    unticked: str = ABSENT,
) -> tuple[dict[str, Recording], list[str], dict[str, list[str]]]:
    """Check a dataset and return its tables as `infer_dataset` does.

    Parameters
    ----------
    audio, labels, kind, tables
        As for `infer_dataset`.
    folds : int
        Number of folds, 0 without folds.
    validation : float
        Share of the recordings of a fold that validate.
    unticked : {"absent", "zero"}
        What a missing row of opinions means; see `softsed.core.opinions.arrange`.

    Raises
    ------
    InputError
        With all problems that can be found.
    """
    problems = Problems()
    try:
        recordings, classes, asked = infer_dataset(audio, labels, kind, tables, problems)
        if not problems and kind == "opinions":
            opinions = read_opinions(labels, classes, asked=asked, recordings=recordings, unticked=unticked)
            for doubt in find_doubts(opinions, recordings):
                logger.warning("%s: %s", labels, doubt)
        if recordings and folds:
            check_folds(recordings, folds, validation, problems)
    except InputError as error:  # a table that cannot be read: no further check is possible
        problems.add("tables", error)
    problems.raise_all("in the dataset")
    return recordings, classes, asked


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
    unticked: str = ABSENT,
) -> bool:
    """Check a dataset as `check` does before each run of the workflow, but only its folds if it was checked before.

    A dataset was checked before if `DATASET` beside the inferred table of recordings lists the same labels and tables,
    and that table lists the same recordings and is newer than all of them.

    Parameters
    ----------
    table : Path
        Inferred table of recordings.
    audio, labels, kind, tables, folds, validation, unticked
        As for `check`.
    evaluated : str or list of str
        Evaluated classes, or "all".

    Returns
    -------
    bool
        Whether the dataset was checked completely.
    """
    problems = Problems()
    found = find_audio(audio, problems)
    note = table.with_name(DATASET)
    sources = describe_sources(labels, kind, tables)
    if found and not problems and note.exists() and note.read_text(encoding="utf-8") == sources:
        made = table.stat().st_mtime if table.exists() else 0
        recordings = read_recordings(table)
        if recordings.keys() == found.keys() and all(path.stat().st_mtime < made for path in found.values()):
            check_folds(recordings, folds, validation, problems)
            problems.raise_all("in the dataset")
            choose_classes(table.with_name("classes.tsv"), evaluated)
            return False
    _, classes, _ = check(audio, labels, kind, tables, folds=folds, validation=validation, unticked=unticked)
    choose_columns(classes, evaluated, tables["classes"] or labels)
    return True


def check_folds(recordings: dict[str, Recording], number: int, validation: float, problems: Problems) -> None:
    """Report scenes with too few recordings for every part of every fold."""
    small = {scene: n for scene, n in Counter(r.scene for r in recordings.values()).items() if n < number}
    for scene, count in small.items():
        error = InputError(
            f"scene {scene!r} has {count} recordings, too few for {number} folds",
            expected=f"{number} recordings or more, because each fold tests at least one",
            remedy="Add recordings, lower the config key folds.number, or merge scenes (leave out the table "
            "`recordings` for a single scene)",
        )
        problems.add("folds", error)
    if not small:
        try:
            generate_folds(recordings, number=number, validation=validation, seed=0)
        except InputError as error:
            problems.add("folds", error)
