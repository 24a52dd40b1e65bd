"""Scores and labels as the evaluation reads them: checked against the folds and cut to the labelled seconds."""

import logging
from pathlib import Path
from typing import NamedTuple

import numpy as np

from softsed.core.errors import InputError
from softsed.core.labels import read_active, read_soft
from softsed.core.metadata import choose_classes, read_fold
from softsed.core.scores import read_scores

logger = logging.getLogger(__name__)

# For each fold: the scores of its test recordings [seconds, classes], and the names of its training recordings.
FoldScores = dict[str, tuple[dict[str, np.ndarray], list[str]]]


def read_fold_scores(scores: list[Path], folds: list[Path], classes: list[str]) -> FoldScores:
    """Read the scores of the test recordings of every fold.

    Parameters
    ----------
    scores, folds : list of Path
        Scores and tables of the same folds in the same order, with equal file names.
    classes : list of str
        All classes, the columns of the scores.

    Returns
    -------
    FoldScores
        Test recordings in the order of the table of the fold.

    Raises
    ------
    InputError
        If the two lists of files do not match, or if a file has scores of recordings that the fold does not test.
    """
    if [path.stem for path in scores] != [path.stem for path in folds]:
        raise InputError(
            f"the scores {[path.name for path in scores]} do not match the folds {[path.name for path in folds]}",
            key="--scores",
            expected="one file per fold, named like the fold and in the same order",
        )
    result = {}
    for path, fold_path in zip(scores, folds, strict=True):
        parts, found = read_fold(fold_path), read_scores(path, classes)
        if set(found) != set(parts["test"]):
            raise InputError(
                f"the scores are those of {sorted(found)}",
                file=path,
                expected=f"the test recordings of {fold_path}: {sorted(parts['test'])}",
                remedy="Predict this fold again",
            )
        result[fold_path.stem] = {name: found[name] for name in parts["test"]}, parts["train"]
    return result


def recordings_of(folds: FoldScores) -> list[str]:
    """Name every test and training recording once."""
    return list(dict.fromkeys(name for scores, training in folds.values() for name in (*scores, *training)))


def cut_to(labelled: int, scores: np.ndarray, name: str) -> np.ndarray:
    """Cut the scores [seconds, classes] of recording `name` to its labelled seconds.

    Raises
    ------
    InputError
        If there are fewer scores than labelled seconds.
    """
    if len(scores) < labelled:
        raise InputError(
            f"recording {name!r} has {len(scores)} s of scores, but {labelled} s of labels",
            remedy="Predict its fold again",
        )
    if len(scores) > labelled:
        logger.warning("%s: of %d s of scores, only the %d s with labels count", name, len(scores), labelled)
    return scores[:labelled]


def scores_of_run(predictions: Path, system: str, run: int, folds: list[Path]) -> list[Path]:
    """Name the files of scores of one run, one per fold, in a folder of SYSTEM/runN/foldN.tsv."""
    return [predictions / system / f"run{run}" / path.name for path in folds]


class EvaluationInputs(NamedTuple):
    """Scores and labels of the evaluated classes, which are the columns of all matrices [seconds, classes]."""

    classes: list[str]
    folds: FoldScores  # cut to the labelled seconds
    soft: dict[str, np.ndarray]  # nan for classes not annotated in the scene
    hard: dict[str, np.ndarray]  # bool


def read_inputs(
    scores: list[Path], folds: list[Path], *, soft: Path, hard: Path, classes: Path, wanted: str | list[str]
) -> EvaluationInputs:
    """Read the scores of a system on all folds, with the labels of all recordings.

    Parameters
    ----------
    scores, folds : list of Path
        See `read_fold_scores`.
    soft, hard, classes : Path
        Tables of soft labels, hard labels and classes.
    wanted : str or list of str
        The evaluated classes, key ``evaluate.classes`` of the config: names, or "all".
    """
    names, chosen = choose_classes(classes, wanted)
    found = read_fold_scores(scores, folds, names)
    levels = read_soft(soft, names, recordings_of(found))
    active = read_active(hard, levels, names)
    return EvaluationInputs(
        [names[i] for i in chosen],
        {
            fold: ({n: cut_to(len(levels[n]), values, n)[:, chosen] for n, values in tested.items()}, training)
            for fold, (tested, training) in found.items()
        },
        *({name: values[:, chosen] for name, values in labels.items()} for labels in (levels, active)),
    )
