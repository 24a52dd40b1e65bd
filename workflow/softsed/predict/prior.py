"""Two baselines without audio, evaluated like all systems.

``scene_prior``
    The score of every second of a test recording is the mean soft label of its scene over the training and validation
    recordings. This baseline needs only the name of the scene. A detector is trained on the labels of the training
    recordings only. A metric worse than that of ``scene_prior`` does not show that a system has no temporal skill. On
    MAESTRO Real, ``scene_prior`` reaches the micro-averaged metrics of the paper and of the DCASE 2023 baseline, but
    not those of the best published system (PANNs with multi-task training: error rate 0.406, F1 76.6 %).
``recording_prior``
    An oracle: the score of every second is the mean soft label of the test recording itself. Its metrics are those that
    the average of a recording alone reaches. On MAESTRO Real, this oracle is better than every published system that we
    found in error rate, micro F1 and F1_MO. No other constant has a lower Bernoulli divergence from the soft labels.
    For F1 at a given threshold the oracle is not a strict bound.

Both are constant in time. Their temporal skill, the AUROC within recordings, is exactly 50 %.

Scores are soft labels from 0 to 1. A class that is not annotated in the scene has the score 0.
"""

import logging

import numpy as np

from softsed.core.errors import InputError
from softsed.core.labels import read_soft
from softsed.core.metadata import read_classes, read_fold, read_fold_scenes
from softsed.core.options import add_options, build_parser
from softsed.core.scores import write_scores

logger = logging.getLogger(__name__)


def mean_label(values: list[np.ndarray]) -> np.ndarray:
    """Average soft labels over all seconds of some recordings.

    Parameters
    ----------
    values : list of ndarray [seconds, classes]
        One matrix per recording, at least one; nan for classes that are not annotated in the scene.

    Returns
    -------
    ndarray [classes]
        Sum of the labels divided by the number of seconds in which the class is annotated, from 0 to 1. The value is 0
        for a class that is annotated in no second.
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
        Part of each recording: train, validation or test. Training and validation recordings are averaged together.
    labels : dict of ndarray [seconds, classes]
        Soft labels of each recording. Only the number of seconds of test recordings is used, not their values.

    Returns
    -------
    dict of ndarray [seconds, classes]
        One matrix per test recording, with equal rows.

    Raises
    ------
    InputError
        If a scene of the test recordings has no training or validation recording.
    """
    seen: dict[str, list[np.ndarray]] = {}
    for recording, part in parts.items():
        if part != "test":
            seen.setdefault(scenes[recording], []).append(labels[recording])
    tested = [recording for recording, part in parts.items() if part == "test"]
    unseen = sorted({scenes[recording] for recording in tested} - seen.keys())
    if unseen:
        raise InputError(
            f"scenes {unseen} of test recordings have no training or validation recording in this fold",
            key="folds",
            expected="a training or validation recording of each scene",
            remedy="Use more folds or more recordings per scene",
        )
    means = {scene: mean_label(values) for scene, values in seen.items()}
    return {recording: np.tile(means[scenes[recording]], (len(labels[recording]), 1)) for recording in tested}


def recording_prior(parts: dict[str, str], labels: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Score each test recording of a fold with its mean soft label (an oracle); parameters as in `scene_prior`."""
    return {
        recording: np.tile(mean_label([labels[recording]]), (len(labels[recording]), 1))
        for recording, part in parts.items()
        if part == "test"
    }


def main(argv: list[str] | None = None) -> None:
    """Score the test recordings of one fold by a baseline without audio."""
    example = (
        "--kind scene_prior --fold results/demo/folds/fold1.tsv --soft results/demo/labels/eq1/soft.tsv"
        " --classes workflow/resources/classes.tsv --output scores.tsv"
    )
    parser = build_parser("predict.prior", main, example=example)
    parser.add_argument(
        "--kind",
        choices=("scene_prior", "recording_prior"),
        required=True,
        help="mean soft label of the scene, or of the recording itself (an oracle)",
    )
    add_options(parser, "fold", "soft", "classes", output="table of scores to write")
    options = parser.parse_args(argv)
    classes = read_classes(options.classes)
    parts = {name: part for part, names in read_fold(options.fold).items() for name in names}
    labels = read_soft(options.soft, classes, list(parts))
    if options.kind == "scene_prior":
        scores = scene_prior(read_fold_scenes(options.fold), parts, labels)
    else:
        scores = recording_prior(parts, labels)
    write_scores(options.output, scores, classes)
    logger.info("%s: %d test recordings of %s scored", options.kind, len(scores), options.fold)
