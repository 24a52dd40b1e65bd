"""Posterior of the marks of each annotator, given their answers and the share of people who mark each second.

An annotator who hears an event hears it in all windows that contain it. Therefore the answers of one annotator depend
on each other. The model: each annotator has marks of their own, a Markov chain with the states unmarked and marked in
each second. A window contains at least one marked second or none, and the answer depends only on this.

The state of the forward-backward algorithm is the number of seconds since the last marked second, from 0 (marked) to w,
the length of the longest window (no mark in any window that ends now).

With share a_t of second t, the chain of an annotator moves as if the annotator marked each second whose share exceeds a
level of their own: a mark begins only where the share rises, and ends only where it falls. With the probability
`redraw` per second, a new level is drawn. Then the share of marked annotators is a_t in each second:

    P(marked | marked)   = (1 - redraw) min(1, a_t / a_{t-1})                         + redraw a_t
    P(marked | unmarked) = (1 - redraw) max(0, (a_t - a_{t-1}) / (1 - a_{t-1}))       + redraw a_t
"""

from dataclasses import dataclass

import numpy as np

LEAST = 1e-30  # smallest forward probability of a state, so that its inverse, the backward one, fits 32 bits


@dataclass(frozen=True)
class Marks:
    """Posterior of the marks of many annotators.

    Attributes
    ----------
    marked : ndarray [seconds, chains]
        Probability that the annotator marks the second.
    empty : dict of ndarray [seconds, chains]
        Length of a window -> probability that no second of the window that ends with this second is marked.
    """

    marked: np.ndarray
    empty: dict[int, np.ndarray]


def transitions(share: np.ndarray, redraw: float) -> tuple[np.ndarray, np.ndarray]:
    """Compute P(marked | marked) and P(marked | unmarked) for each second but the first: [seconds - 1, chains]."""
    before, after = share[:-1], share[1:]
    stay = (1 - redraw) * np.minimum(1, after / before) + redraw * after
    begin = (1 - redraw) * np.maximum(0, (after - before) / (1 - before)) + redraw * after
    return stay, begin


def infer_marks(share: np.ndarray, evidence: dict[int, np.ndarray], redraw: float) -> Marks:
    """Run the forward-backward algorithm for many chains at once.

    Parameters
    ----------
    share : ndarray [seconds, chains]
        Share of people who mark the second, above 0 and below 1.
    evidence : dict of ndarray [seconds, chains]
        Length of a window in seconds -> P(answer | no mark) / P(answer | mark) of the window that ends with the second;
        1 without an answer.
    redraw : float
        As in the module docstring.

    Returns
    -------
    Marks
    """
    seconds, chains = share.shape
    longest = max(evidence)
    stay, begin = transitions(share, redraw)
    alpha = np.zeros((seconds, longest + 1, chains), dtype=share.dtype)  # forward, normalised in each second
    scale = np.empty_like(share)
    for second in range(seconds):
        now = alpha[second]
        if second:
            old, on = alpha[second - 1], begin[second - 1]
            keep = 1 - on
            now[0] = old[0] * stay[second - 1] + (1 - old[0]) * on
            now[1] = old[0] * (1 - stay[second - 1])
            np.multiply(old[1:-1], keep, out=now[2:])
            now[-1] += old[-1] * keep
        else:
            now[0], now[-1] = share[0], 1 - share[0]
        for length, values in evidence.items():
            now[length:] *= values[second]
        scale[second] = now.sum(axis=0)
        now /= scale[second]
        np.maximum(now, LEAST, out=now)
    marked, empty = np.empty_like(share), {length: np.empty_like(share) for length in evidence}
    beta = np.ones((longest + 1, chains), dtype=share.dtype)  # backward, so that alpha times beta is the posterior
    for second in reversed(range(seconds)):
        now = alpha[second]
        marked[second] = now[0] * beta[0]
        for length in evidence:
            empty[length][second] = (now[length:] * beta[length:]).sum(axis=0)
        if second:
            for length, values in evidence.items():
                beta[length:] *= values[second]
            beta /= scale[second]
            on, remain = begin[second - 1], stay[second - 1]
            following = np.empty_like(beta)
            following[0] = remain * beta[0] + (1 - remain) * beta[1]
            np.multiply(beta[2:], 1 - on, out=following[1:-1])
            following[-1] = (1 - on) * beta[-1]
            following[1:] += on * beta[0]
            beta = following
    return Marks(marked, empty)
