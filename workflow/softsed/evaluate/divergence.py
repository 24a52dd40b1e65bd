"""The Kullback-Leibler divergence of Table 2 in two definitions, because the paper does not define it.

The paper computes the divergence "between the soft system output (before threshold) and the reference labels" (Sec.
3.2), without naming the distributions. The definition of the published numbers is unknown. `kld_time` treats each class
as a distribution along time. `kld_bernoulli` treats each second and class as a probability of activity.

Conventions
-----------
- Natural logarithm, so nats; D(reference || output).
- `reference` is [seconds, classes] in 0..1 without nan. `output` has the same shape and is first clipped to
  epsilon..1 - epsilon (0 < epsilon < 0.5), because linear outputs may exceed 0..1. Cells with nan outputs do not count.
"""

import math

import numpy as np


def relative_entropy(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Compute p log(p / q) elementwise, 0 where p is 0; q is positive."""
    return p * np.log(np.where(p > 0, p, q) / q)


def kld_time(reference: np.ndarray, output: np.ndarray, *, epsilon: float) -> float:
    """Compute the divergence of reference and output as distributions along time.

    For each class, p_t = reference_t / sum(reference) and q_t = output_t / sum(output) over all given seconds. The
    divergence is the sum over t of p_t log(p_t / q_t), averaged over the classes with a positive reference.

    Returns
    -------
    float
        Nats; 0 for outputs proportional to the reference, nan if no class has a positive reference.
    """
    known = np.where(np.isnan(output), 0, reference)
    present = known.sum(axis=0) > 0
    if not present.any():
        return math.nan
    p = known[:, present] / known[:, present].sum(axis=0)
    q = np.clip(output[:, present], epsilon, 1 - epsilon)
    return float(np.nansum(relative_entropy(p, q / np.nansum(q, axis=0)), axis=0).mean())


def kld_bernoulli(reference: np.ndarray, output: np.ndarray, *, epsilon: float) -> float:
    """Compute the divergence of reference and output as probabilities of activity.

    Each second and class is a Bernoulli variable: p log(p / q) + (1 - p) log((1 - p) / (1 - q)), summed over the
    classes, mean over the seconds. If some outputs are nan: the mean over all other cells, times the number of classes.

    Returns
    -------
    float
        Nats per second; 0 for outputs equal to the reference, nan without seconds.
    """
    known = ~np.isnan(output)
    if not known.any():
        return math.nan
    q = np.clip(output, epsilon, 1 - epsilon)
    cells = relative_entropy(reference, q) + relative_entropy(1 - reference, 1 - q)
    return float(cells[known].mean() * output.shape[1])
