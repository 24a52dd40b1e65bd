"""Probabilities per annotator, and per annotator and class, from expected counts."""

import numpy as np


def shrink(
    yes: np.ndarray, trials: np.ndarray, *, prior: tuple[float, float], weight: float
) -> tuple[np.ndarray, np.ndarray]:
    """Estimate a probability per annotator, and one per class that is shrunk towards it.

    Parameters
    ----------
    yes, trials : ndarray [annotators, classes]
        Expected number of successes, and of trials.
    prior : tuple of float
        Successes and failures that are added to those of each annotator.
    weight : float
        Number of trials for which the probability in all classes counts in that of one class. 0: separate classes;
        infinite: one probability for all classes.

    Returns
    -------
    common : ndarray [annotators]
        Probability in all classes.
    own : ndarray [annotators, classes]
        Probability in each class.
    """
    common = (yes.sum(axis=1) + prior[0]) / (trials.sum(axis=1) + sum(prior))
    shared = np.repeat(common[:, None], yes.shape[1], axis=1)
    if np.isinf(weight):
        return common, shared
    if weight > 0:
        return common, (yes + weight * shared) / (trials + weight)
    return common, (yes + prior[0]) / (trials + sum(prior))
