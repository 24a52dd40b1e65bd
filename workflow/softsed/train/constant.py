"""Constants that a training starts from and is compared with: class means of the training targets.

A network whose output bias starts at the class means needs no epoch to learn how often a class is active. If the
validation loss of a training is not below that of a constant per scene, its scores are no closer to the targets than
the class means of the scene, however much the loss fell.

Targets are ndarray [frames, classes], one matrix per recording; nan marks elements that do not count in the loss.
"""

import numpy as np
import torch
from torch import Tensor

from softsed.core.opinions import Opinions


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
) -> float:
    """Compute the validation loss of a constant: the class means over the training recordings of the scene.

    Parameters
    ----------
    training, validation : list of ndarray [frames, classes]
        Targets.
    training_scenes, validation_scenes : list of str
        Scene of each recording. A scene without a training recording gets the means over all training recordings.
    loss : {"bce", "mse"}
        Loss of the system, see `softsed.train.loop.masked_loss`.

    Returns
    -------
    float
        Mean over the elements that count, comparable with the validation loss of a training.
    """
    by_scene: dict[str, list[np.ndarray]] = {}
    for scene, values in zip(training_scenes, training, strict=True):
        by_scene.setdefault(scene, []).append(values)
    means = {scene: class_means(values) for scene, values in by_scene.items()}
    overall = class_means(training)
    total = count = 0.0
    for scene, values in zip(validation_scenes, validation, strict=True):
        p = means.get(scene, overall)
        elements = -(values * np.log(p) + (1 - values) * np.log(1 - p)) if loss == "bce" else (values - p) ** 2
        total += float(np.nansum(elements))
        count += np.count_nonzero(~np.isnan(values))
    return total / count


def share_of_ticks(
    opinions: Opinions, weights: np.ndarray, scene_of: dict[str, str], training: list[str]
) -> dict[str, np.ndarray]:
    """Compute the share of ticks among the opinions about the training recordings.

    Half a tick and half a missing tick are added, as in `class_means`.

    Parameters
    ----------
    opinions : Opinions
    weights : ndarray [opinions]
        Number of opinions for which each one counts.
    scene_of : dict of str
        Scene of each recording.
    training : list of str
        Recordings.

    Returns
    -------
    dict of ndarray [classes]
        By scene, and for all scenes together under the name "".
    """
    size, shares = len(opinions.classes), {}
    scenes = np.array([scene_of[name] if name in training else "" for name in opinions.recording])[opinions.window]
    for scene in ["", *dict.fromkeys(scene_of[name] for name in training)]:
        mine = (scenes == scene) if scene else (scenes != "")
        ticks, asked = (
            np.bincount(opinions.label[mine], weights=values[mine], minlength=size)
            for values in (weights * opinions.opinion, weights)
        )
        shares[scene] = (ticks + 0.5) / (asked + 1)
    return shares


def constant_opinion_loss(
    opinions: Opinions,
    weights: np.ndarray,
    scene_of: dict[str, str],
    *,
    training: list[str],
    validation: list[str],
    inactive: float,
) -> float:
    """Compute the validation loss of opinions by a constant: the share of ticks of the scene and class.

    Parameters
    ----------
    opinions, weights, scene_of, training
        As in `share_of_ticks`.
    validation : list of str
        Recordings.
    inactive : float
        Number of further elements of the validation loss, whose loss is 0, see `softsed.train.crowd_layer`.

    Returns
    -------
    float
        Mean over the elements, comparable with the validation loss of a training.
    """
    shares = share_of_ticks(opinions, weights, scene_of, training)
    chosen = np.isin(opinions.recording, validation)[opinions.window]
    scenes = np.array([shares.get(scene_of.get(name, ""), shares[""]) for name in opinions.recording])
    p = scenes[opinions.window, opinions.label][chosen]
    answered = np.where(opinions.opinion[chosen] == 1, p, 1 - p)
    return float(-(weights[chosen] * np.log(answered)).sum() / (weights[chosen].sum() + inactive))
