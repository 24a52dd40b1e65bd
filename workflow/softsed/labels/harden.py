"""Hard labels from soft labels: active above a threshold, contiguous seconds merged (Sec. 2.1 and 2.2)."""

from pathlib import Path

import numpy as np

from softsed.core.errors import InputError
from softsed.core.labels import harden, read_soft, to_events, write_hard
from softsed.core.metadata import read_classes, read_recordings
from softsed.core.options import add_options, build_parser

EXPECTED_F1 = "expected_f1"  # value of the config key `labels.joint.threshold` that selects the function `expected_f1`


def choose_thresholds(threshold: str, values: list[np.ndarray], classes: list[str]) -> np.ndarray:
    """Return the threshold of each class: the given one, or that of `expected_f1`.

    Parameters
    ----------
    threshold : str
        A number, or "expected_f1".
    values : list of ndarray [seconds, classes]
        Soft labels, one matrix per recording.
    classes : list of str

    Returns
    -------
    ndarray [classes]
        Thresholds of `expected_f1` have 6 decimals, as soft labels have.

    Raises
    ------
    InputError
        If the text is neither a number nor "expected_f1".
    """
    if threshold == EXPECTED_F1:
        return np.round(expected_f1(values), 6)
    try:
        return np.full(len(classes), float(threshold))
    except ValueError as error:
        expected = f"a number or {EXPECTED_F1!r}"
        raise InputError(f"threshold is {threshold!r}", key="--threshold", expected=expected) from error


def expected_f1(values: list[np.ndarray]) -> np.ndarray:
    """Compute the thresholds at which hard labels have the highest expected F1, if soft labels are probabilities.

    With p the probability that a second is truly active, the hard labels above t have, as a ratio of expectations,

        F(t) = 2 sum_{p > t} p / (sum_{p > t} 1 + sum p).

    The best t is half the maximum of F (Lipton, Elkan and Narayanaswamy, ECML PKDD 2014): a second adds 2 p to the
    numerator and 1 to the denominator, which raises F if 2 p > F. If less than one active second is expected in total,
    the ratio is meaningless: the most likely second of a class that never occurs would become an event.

    Parameters
    ----------
    values : list of ndarray [seconds, classes]
        Probabilities, one matrix per recording, at least one; nan if a class is not annotated.

    Returns
    -------
    ndarray [classes]
        In 0..0.5, pooled over the recordings; 1 (nothing is active) if less than one active second is expected.
    """
    thresholds = []
    for column in np.concatenate(values).T:
        descending = np.sort(column[column > 0])[::-1]
        mass = np.cumsum(descending)
        best = np.max(2 * mass / (np.arange(1, len(mass) + 1) + mass[-1:]), initial=0)
        thresholds.append(best / 2 if mass[-1:].sum() >= 1 else 1)
    return np.array(thresholds, dtype=float)


def main(argv: list[str] | None = None) -> None:
    """Threshold soft labels and merge contiguous active seconds into events."""
    parser = build_parser(
        "labels.harden",
        main,
        example="--soft results/demo/labels/eq1/soft.tsv --recordings workflow/resources/demo.tsv --classes "
        "workflow/resources/classes.tsv --threshold 0.5 --hard results/demo/labels/eq1/hard.tsv --thresholds "
        "results/demo/labels/eq1/thresholds.tsv",
    )
    add_options(parser, "soft", "recordings", "classes", hard="table of hard labels to write")
    parser.add_argument(
        "--threshold",
        required=True,
        help=f"activity level above which a class is active, 0 to 1 (Sec. 2.1: 0.5), or {EXPECTED_F1} for the "
        "thresholds of the highest expected F1 of each class",
    )
    parser.add_argument(
        "--thresholds", type=Path, required=True, help="table of thresholds to write (class, threshold)"
    )
    options = parser.parse_args(argv)
    classes, recordings = read_classes(options.classes), read_recordings(options.recordings)
    soft = read_soft(options.soft, classes, list(recordings))
    for name, values in soft.items():
        if len(values) != (seconds := int(recordings[name].duration_s)):
            problem = f"recording {name!r} has {len(values)} s of labels"
            raise InputError(problem, file=options.soft, expected=f"{seconds} s as in {options.recordings}")
    thresholds = choose_thresholds(options.threshold, list(soft.values()), classes)
    events = {name: to_events(harden(values, thresholds), classes) for name, values in soft.items()}
    write_hard(options.hard, events)
    rows = "".join(f"{name}\t{value:.10g}\n" for name, value in zip(classes, thresholds, strict=True))
    options.thresholds.write_text("class\tthreshold\n" + rows, encoding="utf-8")
