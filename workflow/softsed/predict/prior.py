"""Two systems that never hear the audio, scored like all others: a detector is worth what it gains over them.

``scene_prior``
    Every second of a test recording gets the mean soft label of its scene: an answer that needs no more than the name
    of the scene. On MAESTRO Real it reaches the micro-averaged scores of the published systems.
``recording_prior``
    An oracle that is constant in time: every second gets the mean soft label of the test recording itself. It shows
    how far knowing the recording (its scene, its loudness, its habits) gets without any knowledge of time. No constant
    has a lower Bernoulli divergence from the soft labels; for F1 at a given threshold it is no strict bound.

Scores are soft labels in 0..1; a class that was not asked scores 0.
"""

import argparse
import logging
from pathlib import Path

import numpy as np

from softsed.core.errors import InputError
from softsed.core.labels import read_soft
from softsed.core.metadata import read_classes
from softsed.core.scores import write_scores
from softsed.core.tsv import read_table

logger = logging.getLogger(__name__)


def mean_label(values: list[np.ndarray]) -> np.ndarray:
    """Average soft labels over all seconds of some recordings.

    Parameters
    ----------
    values : list of ndarray [seconds, classes]
        One matrix a recording, at least one; nan where a class was not asked.

    Returns
    -------
    ndarray [classes]
        In 0..1: sum of the labels over the number of seconds in which the class was asked; 0 if it never was.
    """
    pooled = np.concatenate(values)
    asked = (~np.isnan(pooled)).sum(axis=0)
    return np.nansum(pooled, axis=0) / np.maximum(asked, 1)


def scene_prior(scenes: dict[str, str], parts: dict[str, str], labels: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Score the test recordings of a fold with the mean soft label of their scene.

    Parameters
    ----------
    scenes : dict of str
        Scene of each recording.
    parts : dict of str
        train, validation or test of each recording; the first two are averaged together.
    labels : dict of ndarray [seconds, classes]
        Soft labels of each recording. Of test recordings only the number of seconds is used.

    Returns
    -------
    dict of ndarray [seconds, classes]
        One matrix a test recording, all rows equal.

    Raises
    ------
    InputError
        When a scene is tested that has no training or validation recording.
    """
    seen: dict[str, list[np.ndarray]] = {}
    for recording, part in parts.items():
        if part != "test":
            seen.setdefault(scenes[recording], []).append(labels[recording])
    tested = [recording for recording, part in parts.items() if part == "test"]
    unseen = sorted({scenes[recording] for recording in tested} - seen.keys())
    if unseen:
        raise InputError(f"scenes {unseen} are tested, but have no training or validation recording in this fold")
    means = {scene: mean_label(values) for scene, values in seen.items()}
    return {recording: np.tile(means[scenes[recording]], (len(labels[recording]), 1)) for recording in tested}


def recording_prior(parts: dict[str, str], labels: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Score the test recordings of a fold with their own mean soft label: an oracle; arguments as in `scene_prior`."""
    return {
        recording: np.tile(mean_label([labels[recording]]), (len(labels[recording]), 1))
        for recording, part in parts.items()
        if part == "test"
    }


def main(argv: list[str] | None = None) -> None:
    """Score the test recordings of one fold without hearing them."""
    parser = argparse.ArgumentParser(prog="softsed predict.prior", description=main.__doc__)
    parser.add_argument("--kind", choices=("scene_prior", "recording_prior"), required=True)
    parser.add_argument("--fold", type=Path, required=True, help="lists of the fold: recording, scene, part")
    parser.add_argument("--soft", type=Path, required=True, help="soft labels")
    parser.add_argument("--classes", type=Path, required=True, help="table of classes")
    parser.add_argument("--output", type=Path, required=True, help="scores, written")
    options = parser.parse_args(argv)
    classes = read_classes(options.classes)
    rows = read_table(options.fold, ("recording", "scene", "part"))
    parts = {row["recording"]: row["part"] for row in rows}
    labels = read_soft(options.soft, classes, list(parts))
    if options.kind == "scene_prior":
        scores = scene_prior({row["recording"]: row["scene"] for row in rows}, parts, labels)
    else:
        scores = recording_prior(parts, labels)
    write_scores(options.output, scores, classes)
    logger.info("%s: %d test recordings of %s scored", options.kind, len(scores), options.fold)
