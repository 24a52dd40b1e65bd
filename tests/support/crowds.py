"""Crowds whose annotators tick a window if it contains one of their own marks."""

import numpy as np

from softsed.core.metadata import Recording
from softsed.core.opinions import Opinions


def ask(marks, *, window=10, hop=1, number=None, rng=None):
    """Return the opinions of a crowd, and its recordings.

    Parameters
    ----------
    marks : dict of ndarray of bool [seconds, annotators, classes]
        Name of the recording -> marks of each annotator.
    window, hop : int
        Length and hop of the windows in seconds.
    number : int, optional
        Number of annotators who are asked about each window, drawn with `rng`. All by default.
    """
    spans, rows = [], []
    for name, mine in marks.items():
        seconds, people, classes = mine.shape
        for onset in range(0, seconds - window + 1, hop):
            who = np.arange(people) if number is None else np.sort(rng.permutation(people)[:number])
            ticks = mine[onset : onset + window, who].any(axis=0)
            place = np.full(ticks.shape, len(spans))
            rows.append([place, np.repeat(who[:, None], classes, axis=1), np.indices(ticks.shape)[1], ticks])
            spans.append((name, onset, onset + window))
    columns = [np.concatenate([row[column].ravel() for row in rows]).astype(int) for column in range(4)]
    names, onsets, offsets = (np.array(column) for column in zip(*spans, strict=True))
    people, classes = next(iter(marks.values())).shape[1:]
    annotators, labels = [f"A{who:02}" for who in range(people)], [f"class{label}" for label in range(classes)]
    recordings = {name: Recording(name, "scene", float(len(mine))) for name, mine in marks.items()}
    return Opinions(names, onsets, offsets, annotators, labels, *columns), recordings


def hear(rng, seconds, people, classes=1):
    """Draw marks: events of 2 to 8 s, each of which every annotator hears with the same probability, its share.

    Returns
    -------
    marks : ndarray of bool [seconds, people, classes]
    share : ndarray [seconds, classes]
        Share of a large crowd that marks the second.
    """
    marks, share = np.zeros((seconds, people, classes), dtype=bool), np.zeros((seconds, classes))
    for label in range(classes):
        onset = rng.integers(1, 20)
        while onset < seconds:
            end, heard = onset + rng.integers(2, 9), rng.uniform()
            marks[onset:end, rng.uniform(size=people) < heard, label] = True
            share[onset:end, label] = heard
            onset = end + rng.integers(3, 40)
    return marks, share
