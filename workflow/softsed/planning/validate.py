"""Validation of the user's data before anything is planned: all problems at once, including those of later stages.

The data are recordings with labels or opinions, or opinions without recordings, with tables and true events.
"""

import logging
from functools import partial
from pathlib import Path

from softsed.core.audio import find_audio
from softsed.core.errors import InputError, Problems
from softsed.core.event_text import truth_files
from softsed.core.metadata import Recording, choose_columns, read_asked, read_classes
from softsed.core.opinions import read_opinions
from softsed.core.options import ABSENT, ZERO
from softsed.core.text.files import visible_files
from softsed.data.infer_tables import DATASET, describe_sources, infer_dataset
from softsed.labels.plausibility import find_doubts
from softsed.planning.fold_numbers import check_folds
from softsed.planning.folders import describe_left_out
from softsed.planning.ground_truth import check_truth

Dataset = tuple[dict[str, Recording], list[str], dict[str, list[str]]]

logger = logging.getLogger(__name__)


def check(
    audio: Path | None,
    labels: Path,
    kind: str,
    tables: dict[str, Path | None],
    *,
    folds: int,
    validation: float,
    unticked: str = ABSENT,
    truth: Path | None = None,
) -> Dataset:
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
    truth : Path, optional
        Folder of the true events.

    Raises
    ------
    InputError
        With all problems that can be found.
    """
    problems = Problems()
    dataset: Dataset = {}, [], {}
    try:
        dataset = infer_dataset(audio, labels, kind, tables, problems)
        if not problems and kind == "opinions":
            recordings, classes, asked = dataset
            read = partial(read_opinions, labels, classes, asked=asked, recordings=recordings)
            opinions, stated = read(unticked=unticked), read() if unticked == ZERO else None
            added = len(opinions.opinion) - len(stated.opinion) if stated else 0
            for doubt in find_doubts(opinions, recordings, added=added):
                logger.warning("%s: %s", labels, doubt)
    except InputError as error:  # a table that cannot be read: no further check is possible
        problems.add("tables", error)
    _check_rest(dataset, problems, folds=folds if audio else 0, validation=validation, truth=truth)
    _warn_left_out(audio, [labels, *filter(None, tables.values())], truth, dataset[0])
    problems.raise_all("in the dataset")
    return dataset


def check_before(
    table: Path,
    *,
    audio: Path | None,
    labels: Path,
    kind: str,
    tables: dict[str, Path | None],
    folds: int,
    validation: float,
    evaluated: str | list[str],
    unticked: str = ABSENT,
    truth: Path | None = None,
) -> bool:
    """Check a dataset as `check` does before each run of the workflow, unless the dataset was checked before.

    A dataset was checked before if `DATASET` beside the inferred table of recordings lists the same labels, tables and
    value of `unticked`, and the table of recordings lists the same recordings and is newer than all of them. Its folds
    and true events are checked again.

    Parameters
    ----------
    table : Path
        Inferred table of recordings.
    audio, labels, kind, tables, folds, validation, unticked, truth
        As for `check`.
    evaluated : str or list of str
        Evaluated classes, or "all".

    Returns
    -------
    bool
        Whether the dataset was checked completely.
    """
    dataset = _checked_before(table, audio, describe_sources(labels, kind, tables, unticked))
    checked_now = dataset is None
    if dataset:
        problems = Problems()
        _check_rest(dataset, problems, folds=folds if audio else 0, validation=validation, truth=truth)
        _warn_left_out(audio, [labels, *filter(None, tables.values())], truth, dataset[0])
        problems.raise_all("in the dataset")
    else:
        dataset = check(audio, labels, kind, tables, folds=folds, validation=validation, unticked=unticked, truth=truth)
    choose_columns(dataset[1], evaluated, tables["classes"] or labels)
    return checked_now


def _checked_before(table: Path, audio: Path | None, sources: str) -> Dataset | None:
    """Return the inferred tables if they were inferred from the same files, and None otherwise."""
    note = table.with_name(DATASET)
    if not (sources and table.exists() and note.exists() and note.read_text(encoding="utf-8") == sources):
        return None
    classes = read_classes(table.with_name("classes.tsv"))
    recordings, asked = read_asked(table, table.with_name("scenes.tsv"), classes)
    if audio:
        problems, made = Problems(), table.stat().st_mtime
        found = find_audio(audio, problems)
        if problems or found.keys() != recordings.keys() or any(one.stat().st_mtime >= made for one in found.values()):
            return None
    return recordings, classes, asked


def _check_rest(dataset: Dataset, problems: Problems, *, folds: int, validation: float, truth: Path | None) -> None:
    """Check the folds, and the true events of a dataset without problems."""
    recordings, classes, asked = dataset
    if recordings and truth and not problems:
        check_truth(truth, recordings, classes, asked, problems)
    if recordings and folds:
        check_folds(recordings, folds, validation, problems)


def _warn_left_out(audio: Path | None, files: list[Path], truth: Path | None, recordings: dict[str, Recording]) -> None:
    """Warn about files that are not used, one line per folder of the dataset."""
    used = {path.resolve() for path in files}
    for path in files:
        used |= {text.resolve() for text in visible_files(path, ".txt")} if path.is_dir() else set()
    used |= {path.resolve() for path in find_audio(audio, Problems()).values()} if audio else set()
    folders = [audio, *files]
    if truth and recordings:
        missing = Problems()  # reported before
        used |= {path.resolve() for path in truth_files(truth, recordings, missing).values()}
        folders += [] if missing else [truth]
    for folder in dict.fromkeys(path for path in folders if path):
        if line := describe_left_out(folder, used):
            logger.warning("%s", line)
