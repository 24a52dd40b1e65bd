"""Quality of labels on simulated crowds: the trials of the label estimators, averaged per setting and method.

The main column is the F1 of the hard labels at the threshold of the method, which does not require the ground truth.
``gain`` is the difference of this F1 from the F1 of eq. 1 at its best threshold, which requires the ground truth.
"""

from pathlib import Path

import pandas as pd

from softsed.core.binary_metrics import BINS
from softsed.core.errors import InputError
from softsed.core.options import add_options, build_parser
from softsed.report.summary import deviation, mean
from softsed.report.tables import read_frame, write_frame

BASELINE = "eq1"
SUMS = ["cells", "soft_sum", "true_cells"]  # of the reliability diagrams


def read_trials(paths: list[Path]) -> tuple[list[str], list[str], pd.DataFrame]:
    """Read the tables of `softsed labels.trials`: trial, settings, method, and numbers.

    Returns
    -------
    settings, numbers : list of str
        Names of the columns between trial and method, and of the columns after method.
    trials : DataFrame
        Rows of all tables. Settings stay text.

    Raises
    ------
    InputError
        If the tables have no row.
    """
    header = list(read_frame(paths[0], text=("trial", "method")))
    start, end = header.index("trial"), header.index("method")
    settings, numbers = header[start + 1 : end], header[end + 1 :]
    text = ("trial", *settings, "method")
    trials = pd.concat([read_frame(path, text=text, numbers=tuple(numbers)) for path in paths], ignore_index=True)
    if trials.empty:
        raise InputError(
            "the tables have no row below the header", file=paths[0], expected="tables of `softsed labels.trials`"
        )
    return settings, numbers, trials


def average_trials(settings: list[str], metrics: list[str], trials: pd.DataFrame) -> pd.DataFrame:
    """Average the trials: one row per setting and method, in the order of the trials.

    Parameters
    ----------
    settings, metrics : list of str
        Columns of settings and of numbers; see `read_trials`.
    trials : DataFrame
        One row per trial, setting and method.

    Returns
    -------
    DataFrame
        Columns: settings, method, trials, metrics, f1_std, brier_std, gain, gain_std, gain_least. Trials in which a
        metric is nan (no true second) do not count for this metric. Standard deviations of one trial are nan, and so
        are gains without a row of eq. 1.
    """
    keys = [*settings, "method"]
    best = trials.loc[trials["method"] == BASELINE, ["trial", *settings, "f1_best"]]
    joined = trials.merge(best.rename(columns={"f1_best": "baseline"}), on=["trial", *settings], how="left")
    joined["gain"] = joined["f1"] - joined["baseline"]
    groups = joined.groupby(keys, sort=False)
    table = groups[[*metrics, "gain"]].agg(mean)
    table = table.join(groups[["f1", "brier", "gain"]].agg(deviation).add_suffix("_std"))
    table = table.assign(trials=groups.size(), gain_least=groups["gain"].min()).reset_index()
    return table[[*keys, "trials", *metrics, "f1_std", "brier_std", "gain", "gain_std", "gain_least"]]


def pool_bins(bins: pd.DataFrame) -> pd.DataFrame:
    """Add up the reliability diagrams of all settings with the same event length.

    Parameters
    ----------
    bins : DataFrame
        event_length_s, method, bin and `SUMS`, one row per trial, setting, method and bin.

    Returns
    -------
    DataFrame
        event_length_s, method, bin_from, bin_to, cells, soft (mean soft label) and true (share of true cells). The last
        two are nan for an empty bin.
    """
    sums = bins.groupby(["event_length_s", "method", "bin"], sort=False)[SUMS].sum().reset_index()
    return pd.DataFrame(
        {
            **{name: sums[name] for name in ("event_length_s", "method")},
            **{"bin_from": sums["bin"] / BINS, "bin_to": (sums["bin"] + 1) / BINS},
            "cells": sums["cells"].round().astype(int),
            **{"soft": sums["soft_sum"] / sums["cells"], "true": sums["true_cells"] / sums["cells"]},
        }
    )


EXAMPLE = """\
--quality results/demo/labels/trials/1.tsv --reliability results/demo/labels/trials/1.reliability.tsv
      --tsv results/demo/report/label_quality.tsv --diagram results/demo/report/label_reliability.tsv\
"""


def main(argv: list[str] | None = None) -> None:
    """Make the tables of label quality from the trials."""
    parser = build_parser("report.label_quality", main, example=EXAMPLE)
    parser.add_argument("--quality", type=Path, nargs="+", required=True, help="metrics, one table per trial")
    parser.add_argument(
        "--reliability", type=Path, nargs="+", required=True, help="reliability diagrams, one table per trial"
    )
    add_options(parser, tsv="table of label quality to write")
    parser.add_argument("--diagram", type=Path, required=True, help="table of reliability diagrams to write")
    options = parser.parse_args(argv)
    table = average_trials(*read_trials(options.quality))
    _, _, bins = read_trials(options.reliability)
    write_frame(options.tsv, table)
    write_frame(options.diagram, pool_bins(bins))
