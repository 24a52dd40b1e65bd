"""Weights of the seconds and classes in the loss of a system, from its keys `weight` and `class_weights`.

A loss is divided by the sum of the weights, so that weights change how much elements count relative to one another.

- ``weight: opinions``: the number of opinions about the second and class, divided by its mean over the training
  recordings. With the cross-entropy, this is the divergence of Bernoulli distributions of labels and scores, weighted
  by the number of opinions, except for a constant. Classes without any opinion in a recording keep the weight 1.
- ``class_weights: balanced``: one weight per class, 1 / (1 + active seconds of the class in the training recordings).
  Activity levels of soft labels add up to active seconds. One second is added, so that a class that is never active has
  a finite weight. The score with the lowest expected loss remains the probability of the label, which it would not with
  other weights for active than for inactive seconds.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from softsed.core.errors import InputError
from softsed.core.tsv import read_columns

COUNT_COLUMNS = ("recording", "onset", "label", "opinions")


def read_counts(path: Path, classes: list[str]) -> dict[str, np.ndarray]:
    """Read the numbers of opinions that `softsed labels.counts` wrote.

    Returns
    -------
    dict of ndarray [seconds, classes]
        nan for classes without any opinion in the recording.

    Raises
    ------
    InputError
        If the table is not such a table.
    """
    rows = read_columns(path, COUNT_COLUMNS)
    try:
        second, number = (np.array(rows[column], dtype=int) for column in ("onset", "opinions"))
        label = np.array([classes.index(name) for name in rows["label"]], dtype=int)
    except ValueError as error:
        expected = "a table written by `softsed labels.counts`"
        raise InputError(f"not a table of numbers of opinions: {error}", file=path, expected=expected) from error
    names, recording = np.unique(rows["recording"], return_inverse=True)
    order = np.argsort(recording, kind="stable")
    found = {}
    for name, mine in zip(names.tolist(), np.split(order, np.bincount(recording).cumsum()[:-1]), strict=True):
        found[name] = np.full((second[mine].max() + 1, len(classes)), np.nan)
        found[name][second[mine], label[mine]] = number[mine]
    return found


def balance(targets: list[np.ndarray], rate: int) -> np.ndarray:
    """Compute the weights [classes] of `class_weights` from targets [frames, classes] of the training recordings.

    Parameters
    ----------
    targets : list of ndarray
        Labels from 0 to 1; nan for elements that do not count.
    rate : int
        Frames per second.
    """
    seconds = np.sum([np.nansum(y, axis=0, dtype=np.float64) for y in targets], axis=0) / rate
    weights = 1 / (1 + seconds)
    return weights / weights.mean()


@dataclass(frozen=True)
class Weights:
    """Weights of the elements of a system.

    Attributes
    ----------
    of_class : ndarray [classes]
    opinions : dict of ndarray [seconds, classes]
        Relative number of opinions per recording; empty without ``weight: opinions``.
    """

    of_class: np.ndarray
    opinions: dict[str, np.ndarray]

    @classmethod
    def fit(
        cls,
        system: dict,
        *,
        recordings: list[str],
        targets: list[np.ndarray],
        rate: int,
        classes: list[str],
        counts: Path | None,
    ) -> "Weights":
        """Compute the weights from the labels and opinions of the training recordings.

        Parameters
        ----------
        system : dict
            weight and class_weights, if the system has any.
        recordings : list of str
            Names of the training recordings.
        targets : list of ndarray [frames, classes]
            Labels of each; nan for elements that do not count.
        rate : int
            Frames per second.
        classes : list of str
        counts : Path, optional
            Table of `softsed labels.counts`, for a system with ``weight: opinions``.

        Raises
        ------
        InputError
            If the table is required and missing, is not such a table, or lacks all training recordings.
        """
        of_class = balance(targets, rate) if "class_weights" in system else np.ones(len(classes))
        if "weight" not in system:
            return cls(of_class, {})
        if counts is None:
            problem = "the option is missing, but the system is weighted by numbers of opinions"
            raise InputError(problem, key="--counts", remedy="Pass the table written by `softsed labels.counts`")
        numbers = read_counts(counts, classes)
        if not (used := [numbers[name] for name in recordings if name in numbers]):
            remedy = "Leave out weight: opinions, or provide opinions about more recordings"
            raise InputError("no opinion is about a training recording of the fold", file=counts, remedy=remedy)
        mean = np.nanmean(np.concatenate(used))
        return cls(of_class, {name: np.nan_to_num(number / mean, nan=1) for name, number in numbers.items()})

    def of(self, recording: str, targets: np.ndarray, rate: int) -> np.ndarray:
        """Return the weights of the targets [frames, classes] of a recording."""
        weights = np.tile(self.of_class, (len(targets), 1))
        if recording in self.opinions:
            weights *= np.repeat(self.opinions[recording], rate, axis=0)
        return weights
