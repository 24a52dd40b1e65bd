"""Agreement of annotators: Krippendorff's alpha per class, and the agreement of each annotator with the others.

alpha = 1 - D_o / D_e, where D_o is the observed and D_e the expected disagreement of pairs of answers (Krippendorff,
"Content Analysis", 2004). 1 is perfect agreement. 0 is the agreement by chance, if all annotators tick at the rate of
the crowd. Negative values are systematic disagreement. A unit is a window of a recording, or a window and class for all
classes together. A unit may have any number of opinions; units with a single opinion do not count.
"""

from pathlib import Path

import krippendorff
import numpy as np

from softsed.core.opinions import Opinions, read_tables
from softsed.core.options import add_options, build_parser

ALL = "all classes"  # row of the table for all classes together


def alpha(opinions: Opinions, rows: np.ndarray) -> float:
    """Compute Krippendorff's alpha (nominal) of selected opinions.

    Parameters
    ----------
    opinions : Opinions
        Opinions of all annotators.
    rows : ndarray of bool or int [...]
        Index of the selected opinions.

    Returns
    -------
    float
        At most 1. NaN if no unit has two opinions, or all answers in these units are equal.
    """
    unit = opinions.window[rows] * len(opinions.classes) + opinions.label[rows]
    _, unit = np.unique(unit, return_inverse=True)
    counts = np.bincount(unit * 2 + opinions.opinion[rows], minlength=2 * (unit.max(initial=-1) + 1)).reshape(-1, 2)
    counts = counts[counts.sum(axis=1) > 1]
    if not counts.sum(axis=0).all():
        return float("nan")
    return float(krippendorff.alpha(value_counts=counts, level_of_measurement="nominal"))


def agreement_with_others(opinions: Opinions) -> np.ndarray:
    """Compute the agreement of each annotator with the other annotators, corrected for chance.

    1 - D_o / D_e, as in Cohen's kappa. D_o is the observed share of the other annotators' answers that differ from this
    annotator's answer for the same window and class. D_e is the share expected if the annotator had ticked at the same
    rate per class at random.

    Parameters
    ----------
    opinions : Opinions
        Opinions of all annotators.

    Returns
    -------
    ndarray [annotators]
        At most 1. NaN if the annotator shares no window with others, or if D_e is 0 (nobody ticked, or everybody always
        did).
    """
    people, classes = len(opinions.annotators), len(opinions.classes)
    _, unit = np.unique(opinions.window * classes + opinions.label, return_inverse=True)
    number = np.bincount(unit)[unit] - 1  # per opinion: other annotators who answered about the same window and class
    shared = number > 0
    ticks = np.bincount(unit, weights=opinions.opinion)[unit] - opinions.opinion
    others = np.divide(ticks, number, out=np.zeros(len(unit)), where=shared)  # per opinion: share of their ticks
    key = (opinions.annotator * classes + opinions.label)[shared]

    def total(values: np.ndarray) -> np.ndarray:
        """Sum one value per shared opinion: [annotators, classes]."""
        summed = np.bincount(key, weights=values[shared], minlength=people * classes)
        return summed.reshape(people, classes)

    count, mine, theirs = total(np.ones(len(unit))), total(opinions.opinion), total(others)
    expected = mine * (count - theirs) + (count - mine) * theirs  # expected disagreements, times count
    expected = np.divide(expected, count, out=np.zeros(count.shape), where=count > 0)
    observed = total(np.abs(opinions.opinion - others)).sum(axis=1)
    expected = expected.sum(axis=1)
    ratio = np.divide(observed, expected, out=np.full(people, np.nan), where=expected > 0)
    return 1 - ratio


def cell(value: float) -> str:
    """Format a number for a table; NaN becomes an empty field."""
    return "" if np.isnan(value) else f"{value:.4f}"


def class_table(opinions: Opinions) -> str:
    """Format the table of agreement per class: one row per class with opinions, and one for all classes together."""
    lines = ["class\talpha\tticks\topinions\twindows\tannotators"]
    parts = [(name, opinions.label == column) for column, name in enumerate(opinions.classes)]
    for name, rows in [*parts, (ALL, np.ones(len(opinions.label), dtype=bool))]:
        if rows.any():
            windows, people = (len(np.unique(array[rows])) for array in (opinions.window, opinions.annotator))
            share = opinions.opinion[rows].mean()
            lines.append(f"{name}\t{cell(alpha(opinions, rows))}\t{share:.4f}\t{rows.sum()}\t{windows}\t{people}")
    return "\n".join(lines) + "\n"


def annotator_table(opinions: Opinions) -> str:
    """Format the table of annotators: number of opinions, share of ticks, agreement with the other annotators."""
    lines = ["annotator\topinions\tticks\tagreement"]
    number = np.bincount(opinions.annotator)
    share = np.bincount(opinions.annotator, weights=opinions.opinion) / number
    for name, count, ticks, value in zip(
        opinions.annotators, number, share, agreement_with_others(opinions), strict=True
    ):
        lines.append(f"{name}\t{count}\t{ticks:.4f}\t{cell(value)}")
    return "\n".join(lines) + "\n"


def main(argv: list[str] | None = None) -> None:
    """Measure the agreement of annotators, per class and per annotator."""
    example = "--opinions results/demo/data/opinions.tsv --recordings workflow/resources/demo.tsv "
    example += "--classes workflow/resources/classes.tsv --scenes workflow/resources/scenes.tsv "
    example += "--agreement results/demo/labels/agreement.tsv --annotators results/demo/labels/annotators.tsv"
    parser = build_parser("labels.agreement", main, example=example)
    add_options(parser, "opinions", "unticked", "recordings", "classes", "scenes")
    parser.add_argument("--agreement", type=Path, required=True, help="table of the agreement per class to write")
    parser.add_argument("--annotators", type=Path, required=True, help="table of the annotators to write")
    options = parser.parse_args(argv)
    opinions, _ = read_tables(options)
    options.agreement.write_text(class_table(opinions), encoding="utf-8")
    options.annotators.write_text(annotator_table(opinions), encoding="utf-8")
