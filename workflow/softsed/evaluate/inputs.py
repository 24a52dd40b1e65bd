"""What is tested: the scores of all folds, checked against the lists of the folds and against the labels."""

import logging
from pathlib import Path
from typing import NamedTuple

import numpy as np

from softsed.core.errors import InputError
from softsed.core.labels import read_active, read_soft
from softsed.core.metadata import choose_classes, read_fold
from softsed.core.scores import read_scores

logger = logging.getLogger(__name__)


def read_tested(
    scores: list[Path], folds: list[Path], classes: list[str]
) -> dict[str, tuple[dict[str, np.ndarray], list[str]]]:
    """Read the scores of the test recordings of every fold.

    Parameters
    ----------
    scores, folds : list of Path
        Scores and lists of the same folds in the same order, files of the same stems.
    classes : list of str
        All classes, the columns of the scores.

    Returns
    -------
    dict
        For each fold the scores of its test recordings, ndarray [seconds, classes], in the order of the list, and the
        names of its training recordings.

    Raises
    ------
    InputError
        When the two lists of files do not match, or a file has scores of other recordings than the fold tests.
    """
    if [path.stem for path in scores] != [path.stem for path in folds]:
        raise InputError(f"scores {scores} do not match folds {folds}; name both alike, in order")
    result = {}
    for path, fold_path in zip(scores, folds, strict=True):
        parts, found = read_fold(fold_path), read_scores(path, classes)
        if set(found) != set(parts["test"]):
            raise InputError(f"{path}: scores of {sorted(found)}; {fold_path} tests {sorted(parts['test'])}")
        result[fold_path.stem] = {name: found[name] for name in parts["test"]}, parts["train"]
    return result


def recordings_of(tested: dict[str, tuple[dict[str, np.ndarray], list[str]]]) -> list[str]:
    """Name every recording that `read_tested` found, tested or trained on, once."""
    return list(dict.fromkeys(name for scores, training in tested.values() for name in (*scores, *training)))


def cut_to(labelled: int, scores: np.ndarray, name: str) -> np.ndarray:
    """Keep the scores [seconds, classes] of the seconds that have labels; an InputError where scores are missing."""
    if len(scores) < labelled:
        raise InputError(f"{name} has {len(scores)} s of scores, {labelled} s of labels; predict it anew")
    if len(scores) > labelled:
        logger.warning("%s: %d s of scores, only the %d s with labels count", name, len(scores), labelled)
    return scores[:labelled]


def scores_of_run(predictions: Path, system: str, run: int, folds: list[Path]) -> list[Path]:
    """Name the scores of one run of a system, a file a fold, in a folder of SYSTEM/runN/FOLD.tsv."""
    return [predictions / system / f"run{run}" / path.name for path in folds]


class Scored(NamedTuple):
    """Scores and labels of the classes that count, the columns of all matrices [seconds, classes]."""

    classes: list[str]
    folds: dict[str, tuple[dict[str, np.ndarray], list[str]]]  # as `read_tested`, cut to the labels
    soft: dict[str, np.ndarray]  # nan where not asked
    hard: dict[str, np.ndarray]  # bool


def read_scored(
    scores: list[Path], folds: list[Path], *, soft: Path, hard: Path, classes: Path, wanted: object
) -> Scored:
    """Read the scores of a system on all folds, with the labels of all recordings.

    Parameters
    ----------
    scores, folds : list of Path
        See `read_tested`.
    soft, hard, classes : Path
        Tables.
    wanted : str or list of str
        The classes that count, `classes` of the section ``evaluate``.
    """
    names, chosen = choose_classes(classes, wanted)
    tested = read_tested(scores, folds, names)
    levels = read_soft(soft, names, recordings_of(tested))
    active = read_active(hard, levels, names)
    return Scored(
        [names[i] for i in chosen],
        {
            fold: ({n: cut_to(len(levels[n]), values, n)[:, chosen] for n, values in found.items()}, training)
            for fold, (found, training) in tested.items()
        },
        *({name: values[:, chosen] for name, values in labels.items()} for labels in (levels, active)),
    )
