"""Hard labels from soft ones: active above a threshold, contiguous seconds merged into events (Sec. 2.1 and 2.2)."""

import argparse
from pathlib import Path

import numpy as np

from softsed.core.errors import InputError
from softsed.core.labels import harden, read_soft, to_events, write_hard
from softsed.core.metadata import read_classes, read_recordings

EXPECTED_F1 = "expected_f1"  # `threshold:` in the config that asks for `expected_f1`


def choose_thresholds(threshold: str, values: list[np.ndarray], classes: list[str]) -> np.ndarray:
    """Read a threshold for every class, or find one a class by `expected_f1`, to 6 decimals as soft labels have.

    Returns
    -------
    ndarray [classes]
        An InputError for text that is neither a number nor "expected_f1".
    """
    if threshold == EXPECTED_F1:
        return np.round(expected_f1(values), 6)
    try:
        return np.full(len(classes), float(threshold))
    except ValueError as error:
        raise InputError(f"threshold {threshold!r}: expected a number or {EXPECTED_F1!r}") from error


def expected_f1(values: list[np.ndarray]) -> np.ndarray:
    """Compute the thresholds at which hard labels have the highest expected F1, if soft labels are probabilities.

    With p the probability that a second is truly active, the hard labels above t have, as a ratio of expectations,

        F(t) = 2 sum_{p > t} p / (sum_{p > t} 1 + sum p).

    The best t is half the F it reaches (Lipton, Elkan and Narayanaswamy, ECML PKDD 2014): a second adds 2 p to the
    numerator and 1 to the denominator, which raises F where 2 p > F. Where less than one active second is expected at
    all, the ratio says nothing: it would make an event of the likeliest second of a class that was never there.

    Parameters
    ----------
    values : list of ndarray [seconds, classes]
        Probabilities, one matrix a recording, at least one; nan where a class was not asked.

    Returns
    -------
    ndarray [classes]
        In 0..0.5, pooled over the recordings; 1 (nothing is active) where less than one active second is expected.
    """
    thresholds = []
    for column in np.concatenate(values).T:
        descending = np.sort(column[column > 0])[::-1]
        mass = np.cumsum(descending)
        best = np.max(2 * mass / (np.arange(1, len(mass) + 1) + mass[-1:]), initial=0)
        thresholds.append(best / 2 if mass[-1:].sum() >= 1 else 1)
    return np.array(thresholds, dtype=float)


def main(argv: list[str] | None = None) -> None:
    """Make hard labels from soft ones."""
    parser = argparse.ArgumentParser(prog="softsed labels.harden", description=main.__doc__)
    parser.add_argument("--soft", type=Path, required=True, help="soft labels")
    parser.add_argument("--recordings", type=Path, required=True, help="table of recordings")
    parser.add_argument("--classes", type=Path, required=True, help="table of classes")
    parser.add_argument("--threshold", required=True, help=f"activity level, 0.5 in Sec. 2.1, or {EXPECTED_F1}")
    parser.add_argument("--hard", type=Path, required=True, help="hard labels, written")
    parser.add_argument("--thresholds", type=Path, required=True, help="table of class and threshold, written")
    options = parser.parse_args(argv)
    classes, recordings = read_classes(options.classes), read_recordings(options.recordings)
    soft = read_soft(options.soft, classes, list(recordings))
    for name, values in soft.items():
        if len(values) != (seconds := int(recordings[name].duration_s)):
            raise InputError(
                f"{options.soft}: {name!r} has {len(values)} s of labels, expected {seconds} s as in "
                f"{options.recordings}"
            )
    thresholds = choose_thresholds(options.threshold, list(soft.values()), classes)
    events = {name: to_events(harden(values, thresholds), classes) for name, values in soft.items()}
    write_hard(options.hard, events)
    rows = "".join(f"{name}\t{value:.10g}\n" for name, value in zip(classes, thresholds, strict=True))
    options.thresholds.write_text("class\tthreshold\n" + rows, encoding="utf-8")
