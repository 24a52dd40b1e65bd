"""Constants that a training starts from and is compared with: class means of the training targets.

A network whose output bias starts at the class means needs no epoch to learn how often a class is active. If the
validation loss of a training is not below that of a constant per scene, its scores are no closer to the targets than
the class means of the scene, however much the loss fell.

Targets are ndarray [frames, classes], one matrix per recording; nan marks elements that do not count in the loss.
"""

import numpy as np
import torch
from torch import Tensor


def class_means(targets: list[np.ndarray]) -> np.ndarray:
    """Average targets over all frames that count.

    Half an active frame and half an inactive frame are added, so that the log-odds of a class that is never or always
    active are finite. For a class without any frame that counts the mean is 0.5, and the loss ignores its output.

    Returns
    -------
    ndarray [classes]
        Means in 0..1, the limits excluded.
    """
    pooled = np.concatenate(targets)
    return (np.nansum(pooled, axis=0) + 0.5) / ((~np.isnan(pooled)).sum(axis=0) + 1)


def output_bias(means: np.ndarray, output: str) -> Tensor:
    """Return the bias [classes] with which an output layer of zero weights scores the class means.

    Parameters
    ----------
    means : ndarray [classes]
        From `class_means`.
    output : {"sigmoid", "linear"}
        Activation of the output layer: the bias is the log-odds of the means, or the means.
    """
    bias = np.log(means / (1 - means)) if output == "sigmoid" else means
    return torch.from_numpy(bias.astype(np.float32))


def constant_loss(
    training: list[np.ndarray],
    training_scenes: list[str],
    validation: list[np.ndarray],
    validation_scenes: list[str],
    loss: str,
    *,
    weights: list[np.ndarray] | None = None,
) -> float:
    """Compute the validation loss of a constant: the class means over the training recordings of the scene.

    Parameters
    ----------
    training, validation : list of ndarray [frames, classes]
        Targets.
    training_scenes, validation_scenes : list of str
        Scene of each recording. A scene without a training recording gets the means over all training recordings.
    loss : {"bce", "focal", "mse"}
        Loss of the system, see `softsed.train.loop.masked_loss`.
    weights : list of ndarray [frames, classes], optional
        Weights of the elements of the validation loss; 1 by default.

    Returns
    -------
    float
        Weighted mean over the elements that count, comparable with the validation loss of a training.
    """
    by_scene: dict[str, list[np.ndarray]] = {}
    for scene, values in zip(training_scenes, training, strict=True):
        by_scene.setdefault(scene, []).append(values)
    means = {scene: class_means(values) for scene, values in by_scene.items()}
    overall = class_means(training)
    total = count = 0.0
    weights = weights or [np.ones_like(values) for values in validation]
    for scene, values, weight in zip(validation_scenes, validation, weights, strict=True):
        p = means.get(scene, overall)
        elements = np.ones_like(values) if loss == "bce" else (values - p) ** 2
        if loss != "mse":
            elements = elements * -(values * np.log(p) + (1 - values) * np.log(1 - p))
        total += float(np.nansum(elements * weight))
        count += float(np.sum(~np.isnan(values) * weight))
    return total / count
