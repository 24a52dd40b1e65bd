"""Format of numbers in the documents and pages of the report: columns, digits, standard deviations and intervals."""

import math
from typing import NamedTuple

import pandas as pd

MOST_CLASSES = 40  # classes in a figure: more names overlap
NAME_LENGTH = 30  # characters of a name in a figure


class Metric(NamedTuple):
    """A metric as a column of a table. The heading contains the name of DCASE 2023 Task 4B, if there is one."""

    heading: str
    name: str  # in the tables of the report
    digits: int
    less: bool  # whether a lower value is better
    reference: str | None = None  # hard, soft or truth; None: the reference follows from the threshold


THRESHOLDED = [
    Metric("ER (ER_m)", "error_rate", 2, True),
    Metric("Micro F1 (F1_m) %", "f1_micro", 1, False),
    Metric("Macro F1 (F1_M) %", "f1_macro", 1, False),
]
BEST = Metric("Best macro F1 (F1_MO) %", "f1_best_macro", 1, False, "hard")
MPAUC = Metric("mpAUC %", "mpauc", 1, False, "hard")
WITHIN = Metric("AUROC within recordings %", "auroc_within", 1, False, "soft")
BRIER = Metric("Brier", "brier", 3, True, "hard")
UNTHRESHOLDED = [BEST, MPAUC, WITHIN, BRIER, Metric("MSE", "mse", 3, True, "soft")]
AGAINST_TRUTH = [metric._replace(reference="truth") for metric in (BEST, MPAUC, WITHIN, BRIER)]


def is_shown(row: dict, metrics: list[Metric]) -> bool:
    """Report whether a row of the metrics or the differences of `report.intervals` has one of the metrics."""
    return any(row["metric"] == m.name and m.reference in (None, row["reference"]) for m in metrics)


def select_metrics(rows: pd.DataFrame, metrics: list[Metric]) -> pd.DataFrame:
    """Select the rows of the metrics or the differences of `report.intervals` that have one of the metrics."""
    mask = [is_shown(row, metrics) for row in rows.to_dict("records")]
    return rows[pd.Series(mask, index=rows.index, dtype=bool)]


def format_share(part: float, whole: float) -> str:
    """Format a number of classes, which may be a mean over runs, out of all: "8.33 of 11"; "" if not defined."""
    return "" if is_missing(part) or is_missing(whole) else f"{part:.3g} of {whole:.3g}"


def shorten(name: str) -> str:
    """Replace the middle of a name by "…" if it is longer than `NAME_LENGTH`: similar names often differ at the end."""
    half = NAME_LENGTH // 2
    return name if len(name) <= NAME_LENGTH else f"{name[:half].rstrip()}…{name[1 - half :].lstrip()}"


def is_missing(value: float | None) -> bool:
    """Report whether a value is None or nan."""
    return value is None or math.isnan(value)


def format_number(value: float | None, digits: int, *, std: float | None = None, signed: bool = False) -> str:
    """Format a value, with its sign if `signed`, and its standard deviation, if defined; "" for None and nan."""
    if is_missing(value):
        return ""
    text = f"{value:{'+' if signed else ''}.{digits}f}"
    return text if is_missing(std) else f"{text} ± {std:.{digits}f}"


def format_interval(row: dict, value: str, digits: int) -> str:
    """Format a metric with its standard deviation over runs, if defined, and its interval; "" if not defined.

    Parameters
    ----------
    row : dict
        Row of the metrics or the differences of `report.intervals`, with numbers.
    value : str
        Column of the metric: "value", or "difference", which is shown with its sign.
    digits : int
        Number of decimals.
    """
    if is_missing(row[value]):
        return ""
    text = format_number(row[value], digits, std=row.get("run_std"), signed=value == "difference")
    return f"{text} [{format_number(row['low'], digits)}, {format_number(row['high'], digits)}]"
