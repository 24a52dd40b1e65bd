"""Scores and labels as the evaluation reads them: checked against the folds and limited to the labelled cells.

A cell is a second and class. A cell counts if it has a soft label, or if its class is not annotated in the scene of the
recording. In the second case the class counts as inactive, as in the published evaluation. Other cells do not count,
and their scores are nan: the class is annotated in the scene, but no annotator gave an opinion about the cell.
"""

import logging
from pathlib import Path
from typing import NamedTuple

import numpy as np

from softsed.core.errors import InputError
from softsed.core.labels import read_active, read_soft
from softsed.core.metadata import choose_classes, read_fold, read_fold_scenes
from softsed.core.scores import read_scores

PREDICT_AGAIN = "Repeat your `snakemake` command with `--forcerun predict_system` (for a baseline: predict_prior)"

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
                remedy=PREDICT_AGAIN,
            )
        result[fold_path.stem] = {name: found[name] for name in parts["test"]}, parts["train"]
    return result


def recordings_of(folds: FoldScores) -> list[str]:
    """List every test and training recording once."""
    return list(dict.fromkeys(name for scores, training in folds.values() for name in (*scores, *training)))


def annotated_in_scenes(soft: dict[str, np.ndarray], folds: list[Path]) -> dict[str, np.ndarray]:
    """Find the classes annotated in the scene of each recording: those with a soft label in the scene.

    Parameters
    ----------
    soft : dict of ndarray [seconds, classes]
        Soft labels of each recording.
    folds : list of Path
        Tables of folds, which contain the scene of every recording.

    Returns
    -------
    dict of ndarray of bool [classes]
    """
    scenes = {name: scene for path in folds for name, scene in read_fold_scenes(path).items()}
    found: dict[str, np.ndarray] = {}
    for name, levels in soft.items():
        labelled = ~np.isnan(levels).all(axis=0)
        found[scenes[name]] = found.get(scenes[name], False) | labelled
    return {name: found[scenes[name]] for name in soft}


def limit_to_labels(scores: np.ndarray, soft: np.ndarray, annotated: np.ndarray, name: str) -> np.ndarray:
    """Limit the scores of recording `name` to the cells that count.

    Parameters
    ----------
    scores : ndarray [seconds or more, classes]
    soft : ndarray [seconds, classes]
        Soft labels.
    annotated : ndarray of bool [classes]
        Whether the class is annotated in the scene of the recording.

    Returns
    -------
    ndarray [seconds, classes]
        The scores of the labelled seconds; nan in cells that do not count.

    Raises
    ------
    InputError
        If there are fewer scores than labelled seconds.
    """
    labelled = len(soft)
    if len(scores) < labelled:
        raise InputError(
            f"recording {name!r} has {len(scores)} s of scores, but {labelled} s of labels",
            remedy=PREDICT_AGAIN,
        )
    if len(scores) > labelled:
        logger.warning("%s: of %d s of scores, only the %d s with labels count", name, len(scores), labelled)
    return np.where(np.isnan(soft) & annotated, np.nan, scores[:labelled])


def scores_of_run(predictions: Path, system: str, run: int, folds: list[Path]) -> list[Path]:
    """List the score files of one run, one per fold, in a folder of SYSTEM/runN/foldN.tsv."""
    return [predictions / system / f"run{run}" / path.name for path in folds]


class EvaluationInputs(NamedTuple):
    """Scores and labels of the evaluated classes, which are the columns of all matrices [seconds, classes]."""

    classes: list[str]
    folds: FoldScores  # limited to the labelled cells
    soft: dict[str, np.ndarray]  # nan without a label
    hard: dict[str, np.ndarray]  # bool; False without a label


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
    annotated = annotated_in_scenes(levels, folds)

    def limit(tested: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        limited = {n: limit_to_labels(scores, levels[n], annotated[n], n) for n, scores in tested.items()}
        return {n: scores[:, chosen] for n, scores in limited.items()}

    return EvaluationInputs(
        [names[i] for i in chosen],
        {fold: (limit(tested), training) for fold, (tested, training) in found.items()},
        *({name: values[:, chosen] for name, values in labels.items()} for labels in (levels, active)),
    )
