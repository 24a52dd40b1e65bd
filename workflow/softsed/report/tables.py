"""Tables of the report: reading and writing TSV with pandas, and the row of totals."""

import csv
from pathlib import Path

import pandas as pd

from softsed.core.errors import InputError
from softsed.core.tsv import read_table

TOTAL = "Total"
WIDEST = 20  # classes that are columns of Table 1; the paper has 17
# Suffix of an operating point that is restricted to the annotated classes: other classes count as not detected.
SCENE_KNOWN = ", scene known"
# Columns of text in the tables of metrics; all other columns contain numbers.
TEXT_COLUMNS = {
    "table2": ("system", "threshold", "kld_reference"),
    "intervals": ("system", "threshold", "reference", "metric"),
    "differences": ("system", "against", "threshold", "reference", "metric"),
    "truth": ("system", "method", "threshold", "against", "against_threshold"),
}


def read_frame(path: Path, *, text: tuple[str, ...], numbers: tuple[str, ...] | None = ()) -> pd.DataFrame:
    """Read a table.

    Parameters
    ----------
    path : Path
        TSV file with a header.
    text : tuple of str
        Required columns that contain text.
    numbers : tuple of str, optional
        Required columns that contain numbers or empty cells, which become nan. Other columns stay text. None: all
        columns that are not in `text`.

    Raises
    ------
    InputError
        If the file is not a table with these columns, or if a cell of `numbers` is not a number.
    """
    required = (*text, *(numbers or ()))
    rows = read_table(path, required)
    frame = pd.DataFrame(rows, columns=list(rows[0]) if rows else list(required))
    for column in frame.columns.drop(list(text)) if numbers is None else numbers:
        try:
            frame[column] = frame[column].replace("", "nan").astype(float)
        except ValueError as error:
            raise InputError(
                f"column {column!r} contains a value that is not a number: {error}",
                file=path,
                expected="numbers or empty cells",
            ) from error
    return frame


def read_metrics_table(path: Path) -> pd.DataFrame:
    """Read a table of `TEXT_COLUMNS`, selected by the name of its file; see `read_frame` for the errors."""
    return read_frame(path, text=TEXT_COLUMNS[path.stem], numbers=None)


def write_frame(path: Path, frame: pd.DataFrame) -> None:
    """Write a table as TSV: nan and None as empty cells, floats with 6 significant digits, text unquoted."""
    frame.to_csv(
        path, sep="\t", index=False, float_format="%.6g", quoting=csv.QUOTE_NONE, lineterminator="\n", encoding="utf-8"
    )


def format_counts(counts: pd.DataFrame) -> pd.DataFrame:
    """Append the row of totals to a table of counts and format it, as in Table 1.

    Parameters
    ----------
    counts : DataFrame
        Rows are scenes, by their index. Columns are classes (event instances, nan for a class that is not annotated in
        the scene), files and minutes.

    Returns
    -------
    DataFrame of str
        The index as first column, "-" for nan, minutes with 2 decimals.
    """
    counts = pd.concat([counts, counts.sum(min_count=1).to_frame(TOTAL).T])
    minutes = counts.pop("minutes").map("{:.2f}".format)
    texts = counts.astype(object).map(lambda value: "-" if pd.isna(value) else f"{value:.0f}")
    return texts.assign(minutes=minutes).rename_axis("scene").reset_index()


def arrange_by_class(counts: pd.DataFrame) -> pd.DataFrame:
    """Make the classes of Table 1 rows, if they are too many for columns.

    Parameters
    ----------
    counts : DataFrame of str
        From `format_counts`: one row per scene, then the row of totals.

    Returns
    -------
    DataFrame of str
        The same table up to `WIDEST` classes. Otherwise one row per class, the most frequent first and classes with
        equal numbers in their order, then the rows files and minutes; one column per scene.
    """
    if len(counts.columns) - 3 <= WIDEST:
        return counts
    turned = counts.set_index("scene").T.rename_axis(index="class", columns=None)
    classes = turned.iloc[:-2]
    order = pd.to_numeric(classes[TOTAL], errors="coerce").sort_values(ascending=False, kind="stable").index
    return pd.concat([classes.loc[order], turned.iloc[-2:]]).reset_index()
