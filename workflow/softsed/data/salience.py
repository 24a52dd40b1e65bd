"""Salience: how much of each class there is to hear, given the true events.

1. Loudness of a class at a moment: r / (1 + r), r the amplitude ratio of its events and all that masks them, which is
   the background and the events of other classes at the same time. Energies add, those of one class too. 1/2 where the
   two are equally strong, saturating at 1.
2. Salience of a class, in seconds: its loudness, integrated over time.
"""

import numpy as np


def salience(
    events: np.ndarray, labels: np.ndarray, starts: np.ndarray, stops: np.ndarray, *, classes: int
) -> np.ndarray:
    """Compute how much of each class there is to hear from `starts` to `stops`.

    Parameters
    ----------
    events : ndarray [events, 3]
        Onset and offset in seconds, from 0 on, and level over the background in dB; events may overlap.
    labels : ndarray of int [events]
        The class of each, an index below `classes`.
    starts, stops : ndarray [...]
        Seconds, of the same shape; nothing is heard where a stop is not after its start.

    Returns
    -------
    ndarray [..., classes]
        Seconds times loudness, 0 where nothing is heard.
    """
    onset, offset, level = events.T
    times = np.unique(np.concatenate([[0.0], onset, offset]))  # between two of these nothing changes
    sounding = (onset <= times[:-1, None]) & (offset > times[:-1, None])  # [stretches, events]
    energy = (sounding * 10 ** (level / 10)) @ np.eye(classes)[labels]  # [stretches, classes]; the background's is 1
    amplitude, masker = np.sqrt(energy), np.sqrt(1 + energy @ (1 - np.eye(classes)))
    salient = np.diff(times)[:, None] * amplitude / (amplitude + masker)
    until = np.concatenate([np.zeros((1, classes)), np.cumsum(salient, axis=0)])  # [times, classes]
    between = [np.interp(stops, times, column) - np.interp(starts, times, column) for column in until.T]
    return np.maximum(np.stack(between, axis=-1), 0)
