"""The constant that a training on opinions is compared with: the share of ticks of a scene and class.

If the validation loss is not below that of the constant, the network has learned no more about the answers than how
often each class of the scene is ticked.
"""

import numpy as np

from softsed.core.opinions import Opinions


def share_of_ticks(
    opinions: Opinions, weights: np.ndarray, scene_of: dict[str, str], training: list[str]
) -> dict[str, np.ndarray]:
    """Compute the share of ticks among the opinions about the training recordings.

    Half a tick and half a missing tick are added, as in `softsed.train.constant.class_means`.

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
        Number of further elements of the validation loss, whose loss is 0, see `softsed.train.crowd.layer`.

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
