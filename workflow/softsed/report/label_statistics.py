"""Statistics of soft labels beside those of the published ones.

Conventions
-----------
- A cell is one second of one class that was asked, among the evaluated classes. Shares are of all cells, quantiles of
  the cells that are not zero (the published files list no others).
- A series is the cells of one recording and class in time. Autocorrelation is the mean over the series of Pearson's
  correlation of a series with itself some seconds later; series that are constant in either part are left out. In short
  series it is biased downwards. It is therefore given on whole recordings and on pieces of `PIECE_S` seconds: only the
  latter can be compared where recordings differ in length.
- The first and the last second of a recording are covered by one window only. Their smallest values are the weights of
  the annotators who are trusted least, as shares of the weights of all who were asked about the window.
"""

import argparse
import json
import logging
from pathlib import Path

import numpy as np

from softsed.core.errors import InputError
from softsed.core.labels import read_soft
from softsed.core.metadata import choose_classes, read_recordings
from softsed.core.tsv import read_table
from softsed.report.markdown import grid
from softsed.report.tables import write_tsv

PIECE_S = 60
WHOLE, PIECES = "recordings", f"pieces of {PIECE_S} s"
QUANTILES = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
LAGS_S = (1, 2, 5, 10, 20)
COLUMNS = ["statistic", "on", "value", "published", "difference"]

logger = logging.getLogger(__name__)


def to_series(matrices: list[np.ndarray]) -> list[np.ndarray]:
    """Take label matrices [seconds, classes] apart into series [seconds], columns of nan (not asked) left out."""
    return [column for matrix in matrices for column in matrix.T if not np.isnan(column).any()]


def to_pieces(series: list[np.ndarray], seconds: int) -> list[np.ndarray]:
    """Cut each series into pieces of equal length; what is left over at its end is left out."""
    return [one[start : start + seconds] for one in series for start in range(0, len(one) - seconds + 1, seconds)]


def autocorrelation(series: list[np.ndarray], lag: int) -> float:
    """Compute the mean correlation of series with themselves `lag` seconds later, -1..1.

    Returns
    -------
    float
        nan when no series is longer than `lag` + 1 seconds and changes in its first and its last part.
    """
    pairs = [(one[:-lag], one[lag:]) for one in series if len(one) > lag + 1]
    found = [np.corrcoef(*pair)[0, 1] for pair in pairs if min(map(np.ptp, pair)) > 0]
    return float(np.mean(found)) if found else np.nan


def describe(series: list[np.ndarray]) -> dict[tuple[str, str], float]:
    """Compute all statistics of soft labels.

    Parameters
    ----------
    series : list of ndarray [seconds]
        Values in 0..1, one array a recording and class; see `to_series`.

    Returns
    -------
    dict
        (statistic, what it was computed on) -> value; nan where it is not defined.

        - ``nonzero``, ``below_0.05`` (zeros among them), ``from_0.2_to_0.8`` (both left out), ``above_0.5``,
          ``above_0.95``: shares of the cells, 0..1.
        - ``quantile_Q``: of the cells that are not zero.
        - ``edge_quantile_0.05``: the same, of the first and the last second of each recording.
        - ``autocorrelation_Ls``: at a lag of L seconds, on recordings and on pieces of them.

    Raises
    ------
    InputError
        Without any cell.
    """
    if not series:
        raise InputError("no soft labels to describe: no evaluated class was asked in any of these recordings")
    cells = np.concatenate(series)
    edges = np.concatenate([one[[0, -1]] for one in series])
    values = {
        "nonzero": (cells > 0).mean(),
        "below_0.05": (cells < 0.05).mean(),
        "from_0.2_to_0.8": ((cells > 0.2) & (cells < 0.8)).mean(),
        "above_0.5": (cells > 0.5).mean(),
        "above_0.95": (cells > 0.95).mean(),
        **{f"quantile_{q}": quantile_of_nonzero(cells, q) for q in QUANTILES},
        "edge_quantile_0.05": quantile_of_nonzero(edges, 0.05),
    }
    found = {(name, WHOLE): float(value) for name, value in values.items()}
    for name, parts in ((WHOLE, series), (PIECES, to_pieces(series, PIECE_S))):
        found |= {(f"autocorrelation_{lag}s", name): autocorrelation(parts, lag) for lag in LAGS_S}
    return found


def quantile_of_nonzero(values: np.ndarray, share: float) -> float:
    """Compute a quantile of the values above 0; nan without any."""
    listed = values[values > 0]
    return float(np.quantile(listed, share)) if len(listed) else np.nan


def describe_competence(path: Path) -> dict[tuple[str, str], float]:
    """Read competences as written by `softsed labels.aggregate`: the least, the median and the greatest."""
    values = np.array([float(row["competence"]) for row in read_table(path, ("annotator", "competence"))])
    quantiles = zip(("least", "median", "greatest"), np.quantile(values, (0, 0.5, 1)), strict=True)
    return {(f"competence_{name}", "annotators"): float(value) for name, value in quantiles}


def read_reference(path: Path) -> dict[tuple[str, str], float]:
    """Read the published statistics: statistic, on, value."""
    try:
        rows = read_table(path, ("statistic", "on", "value"))
        return {(row["statistic"], row["on"]): float(row["value"]) for row in rows}
    except ValueError as error:
        raise InputError(f"{path}: expected numbers in the column value: {error}") from error


def compare(found: dict[tuple[str, str], float], published: dict[tuple[str, str], float]) -> list[dict]:
    """Set statistics beside the published ones: rows of the columns `COLUMNS`, None where there is no value."""
    rows = []
    for key, number in found.items():
        value, other = None if np.isnan(number) else number, published.get(key)
        difference = None if value is None or other is None else value - other
        rows.append(dict(zip(COLUMNS, (*key, value, other, difference), strict=True)))
    return rows


def statistics_page(rows: list[dict], *, experiment: str, method: str, recordings: int, series: int) -> str:
    """Write the page of the table `compare` returns."""

    def cell(value: float | None, style: str) -> str:
        return "" if value is None else format(value, style)

    text = (
        f"# Soft labels in numbers ({experiment}, {method})\n\n"
        f"{recordings} recordings, {series} series of one recording and evaluated class. Published: 25 of the 49 "
        "development recordings of MAESTRO Real, 11 evaluated classes.\n\n"
        "- Shares are of all cells (seconds of classes that were asked), quantiles of those that are not zero.\n"
        "- Autocorrelation: the correlation of each series with itself some seconds later, mean over the series. It "
        f"grows with the length of the recordings: compare it on pieces of {PIECE_S} s.\n"
        "- Edge: the first and the last second of the recordings. One window covers them, so that the smallest values "
        "show how little the least trusted annotators weigh.\n\n"
    )
    cells = [
        [row["statistic"], row["on"], *(cell(row[n], ".3f") for n in COLUMNS[2:4]), cell(row["difference"], "+.3f")]
        for row in rows
    ]
    return text + grid(["Statistic", "On", "This experiment", "Published", "Difference"], cells).rstrip("\n") + "\n"


def main(argv: list[str] | None = None) -> None:
    """Set statistics of soft labels beside those of the published ones."""
    parser = argparse.ArgumentParser(prog="softsed report.label_statistics", description=main.__doc__)
    parser.add_argument("--soft", type=Path, required=True, help="soft labels")
    parser.add_argument("--competence", type=Path, nargs="*", default=[], help="table of competences, if any")
    parser.add_argument("--recordings", type=Path, required=True, help="table of recordings")
    parser.add_argument("--classes", type=Path, required=True, help="table of classes")
    parser.add_argument("--evaluated", type=json.loads, required=True, help='those that count: JSON list, or "all"')
    parser.add_argument("--published", type=Path, required=True, help="published statistics: statistic, on, value")
    parser.add_argument("--experiment", required=True, help="name for the caption")
    parser.add_argument("--method", required=True, help="method that made the labels, for the caption")
    parser.add_argument("--tsv", type=Path, required=True, help="table, written")
    parser.add_argument("--markdown", type=Path, required=True, help="page, written")
    options = parser.parse_args(argv)
    classes, evaluated = choose_classes(options.classes, options.evaluated)
    recordings = read_recordings(options.recordings)
    soft = read_soft(options.soft, classes, list(recordings))
    series = to_series([values[:, evaluated] for values in soft.values()])
    found = describe(series)
    for path in options.competence:
        found |= describe_competence(path)
    rows = compare(found, read_reference(options.published))
    write_tsv(options.tsv, COLUMNS, rows)
    page = statistics_page(
        rows, experiment=options.experiment, method=options.method, recordings=len(recordings), series=len(series)
    )
    options.markdown.write_text(page, encoding="utf-8")
    logger.info("%d statistics of %d series in %d recordings", len(rows), len(series), len(recordings))
