"""Columns of the tables of the Markdown documents, as text."""

from collections.abc import Iterable

import pandas as pd

from softsed.report.display import Metric, format_number, format_share


def number_column(frame: pd.DataFrame, name: str, digits: int, *, std: str | None = None, signed: bool = False) -> list:
    """Format a column, with the column `std` as its standard deviation."""
    deviations = frame[std] if std else [None] * len(frame)
    return [format_number(v, digits, std=d, signed=signed) for v, d in zip(frame[name], deviations, strict=True)]


def code_column(names: Iterable[str]) -> list[str]:
    """Format names as Markdown code."""
    return [f"`{name}`" for name in names]


def text_frame(columns: list[tuple[str, Iterable[str]]]) -> pd.DataFrame:
    """Build a data frame of text from pairs of heading and cells; headings may repeat."""
    frame = pd.DataFrame({place: list(cells) for place, (_, cells) in enumerate(columns)})
    return frame.set_axis([heading for heading, _ in columns], axis="columns")


def widen(
    rows: pd.DataFrame, keys: list[str], column: str, values: str | list[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Turn the values of a column into columns: one row per key, in the order of `rows`; "" where a cell is missing.

    Returns
    -------
    names, wide : DataFrame
        Keys and cells of each row.
    """
    place = rows.groupby(keys, sort=False).ngroup()
    wide = rows.assign(place=place).pivot_table(index="place", columns=column, values=values, aggfunc="first")
    return rows[keys].drop_duplicates(), wide.fillna("")


def metric_columns(rows: pd.DataFrame, metrics: list[Metric], *, std: bool = True) -> list[tuple[str, list[str]]]:
    """Format metrics of Table 2 or of the table against the ground truth, with their standard deviations if `std`."""
    return [(m.heading, number_column(rows, m.name, m.digits, std=f"{m.name}_std" if std else None)) for m in metrics]


def share_column(rows: pd.DataFrame, part: str, whole: str) -> list[str]:
    """Format the number of detected classes out of all."""
    return [format_share(*pair) for pair in zip(rows[part], rows[whole], strict=True)]
