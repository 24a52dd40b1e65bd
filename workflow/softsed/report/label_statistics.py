"""Statistics of soft labels beside those of the published soft labels.

Conventions
-----------
- A cell is one second of one evaluated class that is annotated in the scene. Shares are of all cells, quantiles are of
  the cells that are not zero, since the published files list no zeros.
- A series is the sequence of the cells of one recording and class. Autocorrelation is the mean over the series of
  Pearson's correlation between a series and itself some seconds later. Series that are constant in either part are left
  out. The autocorrelation of short series is biased downwards. It is therefore computed on whole recordings and on
  pieces of `PIECE_S` seconds; compare recordings of different lengths on pieces only.
- The variance between recordings is a share: the sum of squares between the means of the recordings of one scene and
  class, divided by the sum of squares of their cells about the mean of that scene and class (eta squared of a one-way
  analysis of variance). The statistic is the mean of these shares over scenes and classes.
- The first and the last second of a recording are covered by one window only. The smallest soft labels of these seconds
  are the weights of the annotators with the lowest competence, as shares of the weights of all annotators of the
  window.
"""

import json
import logging
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from softsed.core.errors import InputError
from softsed.core.labels import read_soft
from softsed.core.metadata import choose_classes, read_recordings
from softsed.core.options import add_options, build_parser
from softsed.core.tsv import read_table
from softsed.report.tables import write_frame

PIECE_S = 60
WHOLE, PIECES = "recordings", f"pieces of {PIECE_S} s"
QUANTILES = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
LAGS_S = (1, 2, 5, 10, 20)

Series = dict[tuple[str, int], list[np.ndarray]]  # (scene, column of the class) -> one series per recording

logger = logging.getLogger(__name__)


def to_series(matrices: Iterable[np.ndarray], scenes: Iterable[str]) -> Series:
    """Split label matrices into series.

    Parameters
    ----------
    matrices : iterable of ndarray [seconds, classes]
        Soft labels in 0..1, one matrix per recording. Seconds without a label (nan) are left out, and so are columns
        without any label.
    scenes : iterable of str
        Scene of each recording.

    Returns
    -------
    dict of list of ndarray [seconds]
        (scene, column) -> one array per recording of the scene.
    """
    series: Series = {}
    for matrix, scene in zip(matrices, scenes, strict=True):
        for place, column in enumerate(matrix.T):
            if len(known := column[~np.isnan(column)]):
                series.setdefault((scene, place), []).append(known)
    return series


def to_pieces(series: list[np.ndarray], seconds: int) -> list[np.ndarray]:
    """Cut each series into pieces of equal length; the rest at its end is left out."""
    return [one[start : start + seconds] for one in series for start in range(0, len(one) - seconds + 1, seconds)]


def autocorrelation(series: list[np.ndarray], lag: int) -> float:
    """Compute the mean correlation of series with themselves `lag` seconds later, -1..1.

    Returns
    -------
    float
        nan if every series has at most `lag` + 1 seconds or is constant in one of the two parts.
    """
    pairs = [(one[:-lag], one[lag:]) for one in series if len(one) > lag + 1]
    found = [np.corrcoef(*pair)[0, 1] for pair in pairs if min(map(np.ptp, pair)) > 0]
    return float(np.mean(found)) if found else np.nan


def variance_between_recordings(series: Series) -> float:
    """Compute the mean share of the variance within a scene and class that lies between recordings, 0..1.

    Returns
    -------
    float
        Scenes and classes with one recording, or with the same label everywhere, are left out. nan if all are left out.
    """
    shares = []
    for parts in series.values():
        cells = np.concatenate(parts)
        if len(parts) > 1 and np.ptp(cells) > 0:
            between = sum(len(part) * (part.mean() - cells.mean()) ** 2 for part in parts)
            shares.append(between / ((cells - cells.mean()) ** 2).sum())
    return float(np.mean(shares)) if shares else np.nan


def describe(series: Series) -> dict[tuple[str, str], float]:
    """Compute all statistics of soft labels.

    Parameters
    ----------
    series : dict of list of ndarray [seconds]
        Values in 0..1, one array per recording and class; see `to_series`.

    Returns
    -------
    dict
        (statistic, basis) -> value; nan if not defined. The basis is recordings or pieces of them.

        - ``nonzero``, ``below_0.05`` (including zeros), ``from_0.2_to_0.8`` (without the limits), ``above_0.5``,
          ``above_0.95``: shares of the cells, 0..1.
        - ``quantile_Q``: quantile of the cells that are not zero.
        - ``edge_quantile_0.05``: the same for the first and the last second of each recording.
        - ``variance_between_recordings``: share of the variance within a scene and class, see `Conventions`.
        - ``autocorrelation_Ls``: at a lag of L seconds, on recordings and on pieces of recordings.

    Raises
    ------
    InputError
        If `series` is empty.
    """
    if not series:
        raise InputError(
            "no evaluated class is annotated in any of the recordings",
            key="evaluate.classes",
            expected="at least one class that is annotated in a scene",
        )
    every = [one for parts in series.values() for one in parts]
    cells = np.concatenate(every)
    edges = np.concatenate([one[[0, -1]] for one in every])
    values = {
        "nonzero": (cells > 0).mean(),
        "below_0.05": (cells < 0.05).mean(),
        "from_0.2_to_0.8": ((cells > 0.2) & (cells < 0.8)).mean(),
        "above_0.5": (cells > 0.5).mean(),
        "above_0.95": (cells > 0.95).mean(),
        **{f"quantile_{q}": quantile_of_nonzero(cells, q) for q in QUANTILES},
        "edge_quantile_0.05": quantile_of_nonzero(edges, 0.05),
        "variance_between_recordings": variance_between_recordings(series),
    }
    found = {(name, WHOLE): float(value) for name, value in values.items()}
    for name, parts in ((WHOLE, every), (PIECES, to_pieces(every, PIECE_S))):
        found |= {(f"autocorrelation_{lag}s", name): autocorrelation(parts, lag) for lag in LAGS_S}
    return found


def quantile_of_nonzero(values: np.ndarray, share: float) -> float:
    """Compute a quantile of the values above 0; nan if there are none."""
    listed = values[values > 0]
    return float(np.quantile(listed, share)) if len(listed) else np.nan


def describe_competence(path: Path) -> dict[tuple[str, str], float]:
    """Compute minimum, median and maximum of the competences that `softsed labels.aggregate` wrote."""
    values = np.array([float(row["competence"]) for row in read_table(path, ("annotator", "competence"))])
    quantiles = zip(("least", "median", "greatest"), np.quantile(values, (0, 0.5, 1)), strict=True)
    return {(f"competence_{name}", "annotators"): float(value) for name, value in quantiles}


def read_reference(path: Path) -> dict[tuple[str, str], float]:
    """Read the published statistics (statistic, on, value)."""
    try:
        rows = read_table(path, ("statistic", "on", "value"))
        return {(row["statistic"], row["on"]): float(row["value"]) for row in rows}
    except ValueError as error:
        raise InputError(
            f"column 'value' contains a value that is not a number: {error}", file=path, expected="numbers"
        ) from error


def compare(found: dict[tuple[str, str], float], published: dict[tuple[str, str], float]) -> pd.DataFrame:
    """Join statistics with the published ones: statistic, on, value, published, difference; nan if not defined."""
    table = pd.DataFrame({"value": found}, dtype=float).rename_axis(["statistic", "on"])
    table["published"] = pd.Series(published, dtype=float).reindex(table.index)
    return table.assign(difference=table["value"] - table["published"]).reset_index()


EXAMPLE = """\
--soft results/demo/labels/eq1/soft.tsv --competence results/demo/labels/eq1/competence.tsv
      --recordings workflow/resources/demo.tsv --classes workflow/resources/classes.tsv --evaluated '"all"'
      --published workflow/resources/published_labels.tsv --tsv results/demo/report/label_statistics.tsv
      --counts results/demo/report/label_statistics.json\
"""


def main(argv: list[str] | None = None) -> None:
    """Compute statistics of soft labels, beside those of the published soft labels."""
    parser = build_parser("report.label_statistics", main, example=EXAMPLE)
    add_options(parser, "soft")
    parser.add_argument(
        "--competence", type=Path, nargs="*", default=[], help="table of competences, if labels come from opinions"
    )
    add_options(parser, "recordings", "classes", "evaluated")
    parser.add_argument("--published", type=Path, required=True, help="published statistics (statistic, on, value)")
    add_options(parser, "tsv")
    parser.add_argument("--counts", type=Path, required=True, help="numbers of recordings and series to write (JSON)")
    options = parser.parse_args(argv)
    classes, evaluated = choose_classes(options.classes, options.evaluated)
    recordings = read_recordings(options.recordings)
    soft = read_soft(options.soft, classes, list(recordings))
    series = to_series((values[:, evaluated] for values in soft.values()), (recordings[name].scene for name in soft))
    found = describe(series)
    for path in options.competence:
        found |= describe_competence(path)
    table = compare(found, read_reference(options.published))
    write_frame(options.tsv, table)
    counts = {"recordings": len(recordings), "series": sum(map(len, series.values()))}
    options.counts.write_text(json.dumps(counts, indent=2) + "\n", encoding="utf-8")
    logger.info("%d statistics of %d series in %d recordings", len(table), counts["series"], len(recordings))
