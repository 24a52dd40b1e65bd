"""Metrics files of the evaluated systems, and their mean and standard deviation over runs and folds."""

import json
import math
import statistics
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from softsed.core.errors import InputError

AT_THRESHOLD = ["error_rate", "f1_micro", "f1_macro"]  # metrics at an operating point
RANKING = ["f1_best_macro", "mpauc", "auroc_within"]  # metrics without a threshold
# Factors of the metrics in the tables of the report: F1 and areas are in percent there.
SCALE = {"error_rate": 1, **dict.fromkeys(("f1_micro", "f1_macro", *RANKING), 100)}
POOLED = "pooled"  # in place of a fold: the metrics of all folds together


def read_metrics(paths: list[Path]) -> dict[str, list[dict]]:
    """Read metrics files.

    Returns
    -------
    dict of list of dict
        The runs of each system, systems in the order of the files.

    Raises
    ------
    InputError
        If a file is not a metrics file of the stage evaluate.
    """
    systems: dict[str, list[dict]] = {}
    for path in paths:
        try:
            metrics = json.loads(path.read_text(encoding="utf-8"))
            systems.setdefault(metrics["system"], []).append(metrics)
        except (OSError, ValueError, KeyError, TypeError) as error:
            expected = "metrics written by `softsed evaluate.system` or `softsed evaluate.ground_truth`"
            raise InputError("not a file of metrics", file=path, expected=expected) from error
    return systems


def summarise(values: pd.DataFrame, keys: list[str], spread: list[str]) -> pd.DataFrame:
    """Average metrics over the runs, with their standard deviations over all folds of all runs.

    Parameters
    ----------
    values : DataFrame
        Columns: `keys`, run, fold (or `POOLED`), and metrics.
    keys : list of str
        Columns that identify a row of the result.
    spread : list of str
        Metrics with a standard deviation, which becomes the column METRIC_std.

    Returns
    -------
    DataFrame
        One row per key, as index, in the order of `values`. Means are over the rows of `POOLED`.
    """
    is_pooled = values["fold"] == POOLED
    means = values[is_pooled].drop(columns=["run", "fold"]).groupby(keys, sort=False).agg(mean)
    return means.join(values[~is_pooled].groupby(keys, sort=False)[spread].agg(deviation).add_suffix("_std"))


def mean(values: Iterable[float | None]) -> float:
    """Compute the mean of the defined values; nan without any."""
    known = defined(values)
    return statistics.fmean(known) if known else math.nan


def deviation(values: Iterable[float | None]) -> float:
    """Compute the sample standard deviation of the defined values; nan for fewer than two."""
    known = defined(values)
    return statistics.stdev(known) if len(known) > 1 else math.nan


def defined(values: Iterable[float | None]) -> list[float]:
    """Leave out None and nan."""
    return [float(value) for value in values if value is not None and not math.isnan(value)]
