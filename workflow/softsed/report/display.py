"""How the documents and pages of the report show numbers: columns, digits, standard deviations and intervals."""

import math

# Columns of metrics: heading, name in the table, digits, and whether a lower value is better.
THRESHOLDED = [("ER", "error_rate", 2, True), ("F1 %", "f1_micro", 1, False), ("Macro F1 %", "f1_macro", 1, False)]
UNTHRESHOLDED = [
    ("Best macro F1 %", "f1_best_macro", 1, False),
    ("mpAUC %", "mpauc", 1, False),
    ("Brier", "brier", 3, True),
    ("MSE", "mse", 3, True),
]


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
