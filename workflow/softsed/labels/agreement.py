"""How far the annotators agree: Krippendorff's alpha of each class, and each annotator against the others.

Alpha = 1 - D_o / D_e, observed over expected disagreement of pairs of answers: 1 is perfect agreement, 0 what chance
gives when everybody ticks at the rate of the crowd, below 0 systematic disagreement (Krippendorff, "Content Analysis",
2004). Any number of opinions a unit will do; units with a single one say nothing. A unit is a window of a recording,
and over all classes a window and class.
"""

import argparse
from pathlib import Path

import krippendorff
import numpy as np

from softsed.core.opinions import Opinions, add_tables, read_tables

ALL = "all classes"


def alpha(opinions: Opinions, rows: np.ndarray) -> float:
    """Compute Krippendorff's alpha, nominal, of the opinions at the given rows.

    Parameters
    ----------
    rows : ndarray of bool or int [...]
        Which opinions count.

    Returns
    -------
    float
        At most 1; nan where it is not defined: no unit with two opinions, or only one kind of answer in these units.
    """
    unit = opinions.window[rows] * len(opinions.classes) + opinions.label[rows]
    _, unit = np.unique(unit, return_inverse=True)
    counts = np.bincount(unit * 2 + opinions.opinion[rows], minlength=2 * (unit.max(initial=-1) + 1)).reshape(-1, 2)
    counts = counts[counts.sum(axis=1) > 1]
    if not counts.sum(axis=0).all():
        return float("nan")
    return float(krippendorff.alpha(value_counts=counts, level_of_measurement="nominal"))


def with_others(opinions: Opinions) -> np.ndarray:
    """Compute how far each annotator agrees with the others beyond chance: [annotators], at most 1.

    1 - D_o / D_e as in Cohen's kappa. D_o is the share of the others' answers about the same window and class that
    differ from his, D_e what it would be had he ticked as often in each class, but at random. nan for an annotator who
    shares no window with others, or where D_e is 0: he and they never ticked, or always.
    """
    people, classes = len(opinions.annotators), len(opinions.classes)
    _, unit = np.unique(opinions.window * classes + opinions.label, return_inverse=True)
    number = np.bincount(unit)[unit] - 1  # others who answered the same
    shared = number > 0
    ticks = np.bincount(unit, weights=opinions.opinion)[unit] - opinions.opinion
    others = np.divide(ticks, number, out=np.zeros(len(unit)), where=shared)
    key = (opinions.annotator * classes + opinions.label)[shared]

    def total(values: np.ndarray) -> np.ndarray:
        summed = np.bincount(key, weights=values[shared], minlength=people * classes)
        return summed.reshape(people, classes)

    count, mine, theirs = total(np.ones(len(unit))), total(opinions.opinion), total(others)
    expected = mine * (count - theirs) + (count - mine) * theirs
    expected = np.divide(expected, count, out=np.zeros(count.shape), where=count > 0)
    observed = total(np.abs(opinions.opinion - others)).sum(axis=1)
    expected = expected.sum(axis=1)
    ratio = np.divide(observed, expected, out=np.full(people, np.nan), where=expected > 0)
    return 1 - ratio


def cell(value: float) -> str:
    """Format a number for a table; empty where it is not defined."""
    return "" if np.isnan(value) else f"{value:.4f}"


def class_table(opinions: Opinions) -> str:
    """Write one row a class that was asked, and one over all: alpha, share of ticks, how many opinions these are."""
    lines = ["class\talpha\tticks\topinions\twindows\tannotators"]
    parts = [(name, opinions.label == column) for column, name in enumerate(opinions.classes)]
    for name, rows in [*parts, (ALL, np.ones(len(opinions.label), dtype=bool))]:
        if rows.any():
            windows, people = (len(np.unique(array[rows])) for array in (opinions.window, opinions.annotator))
            share = opinions.opinion[rows].mean()
            lines.append(f"{name}\t{cell(alpha(opinions, rows))}\t{share:.4f}\t{rows.sum()}\t{windows}\t{people}")
    return "\n".join(lines) + "\n"


def annotator_table(opinions: Opinions) -> str:
    """Write one row an annotator: opinions, share of ticks, agreement with the others beyond chance."""
    lines = ["annotator\topinions\tticks\tagreement"]
    number = np.bincount(opinions.annotator)
    share = np.bincount(opinions.annotator, weights=opinions.opinion) / number
    for name, count, ticks, value in zip(opinions.annotators, number, share, with_others(opinions), strict=True):
        lines.append(f"{name}\t{count}\t{ticks:.4f}\t{cell(value)}")
    return "\n".join(lines) + "\n"


def main(argv: list[str] | None = None) -> None:
    """Measure how far annotators agree."""
    parser = argparse.ArgumentParser(prog="softsed labels.agreement", description=main.__doc__)
    add_tables(parser)
    parser.add_argument("--agreement", type=Path, required=True, help="table of the classes, written")
    parser.add_argument("--annotators", type=Path, required=True, help="table of the annotators, written")
    options = parser.parse_args(argv)
    opinions, _, _ = read_tables(options)
    options.agreement.write_text(class_table(opinions), encoding="utf-8")
    options.annotators.write_text(annotator_table(opinions), encoding="utf-8")
