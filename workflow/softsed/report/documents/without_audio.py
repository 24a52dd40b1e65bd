"""Data of the document on the baselines without audio, beside published systems and their thresholds."""

import argparse
from pathlib import Path

import pandas as pd

from softsed.core.thresholds import MIDRANGE
from softsed.report.display import THRESHOLDED, UNTHRESHOLDED
from softsed.report.documents.columns import number_column, text_frame
from softsed.report.documents.metrics import ORACLE, interval_table
from softsed.report.documents.published import METRICS, OFFICIAL, PAPER_SOURCE, official_table, read_published
from softsed.report.tables import SCENE_KNOWN, TEXT_COLUMNS, TOTAL, read_frame


def widen_metrics(rows: pd.DataFrame, point: str) -> pd.DataFrame:
    """Arrange the metrics of `OFFICIAL` in columns, one row per system, at one operating point.

    F1_MO does not depend on the operating point. It is in the rows of the fixed threshold, as in the published tables.
    """
    chosen = rows[(rows["threshold"] == point) | ((rows["metric"] == "f1_best_macro") & (point != MIDRANGE))]
    wide = chosen.pivot_table(index="system", columns="metric", values="value")  # leaves out undefined metrics
    wide = wide.reindex(index=rows["system"].unique(), columns=METRICS).rename_axis("system")
    return wide.assign(recordings=rows["recordings"].iloc[0]).reset_index()


def find_ahead(system: pd.Series, published: pd.DataFrame) -> list[str]:
    """List the official names of the metrics in which a system is better than all published systems that have them."""
    names = []
    for official, metric in OFFICIAL.items():
        others = [float(value) for value in published[metric.name] if value]
        value = system[metric.name]
        if others and (value < min(others) if metric.less else value > max(others)):
            names.append(official)
    return names


def threshold_table(thresholds: dict[str, dict[str, float | None]], counts: pd.DataFrame) -> pd.DataFrame:
    """Build the table of class-dependent thresholds: instances of each class, mean and range over the folds.

    Parameters
    ----------
    thresholds : dict of dict
        Threshold of each class in each fold; None for a class without a positive training label.
    counts : DataFrame of str
        Table 1 with its row of totals.
    """
    total = counts.set_index("scene").loc[TOTAL]
    by_fold = pd.DataFrame(thresholds).astype(float)
    summary = pd.DataFrame({"mean": by_fold.mean(axis=1), "low": by_fold.min(axis=1), "high": by_fold.max(axis=1)})
    return text_frame(
        [
            ("Class", summary.index),
            ("Instances", [total[name] for name in summary.index]),
            ("Mean", number_column(summary, "mean", 3)),
            ("Lowest", number_column(summary, "low", 3)),
            ("Highest", number_column(summary, "high", 3)),
        ]
    )


def without_audio(options: argparse.Namespace, tables: dict[str, Path]) -> dict:
    """Provide the data of the baselines without audio."""
    rows = read_frame(tables["baselines"], text=TEXT_COLUMNS["intervals"], numbers=None)
    gaps = read_frame(tables["baseline_differences"], text=TEXT_COLUMNS["differences"], numbers=None)
    counts = read_frame(tables["table1"], text=("scene", "files", "minutes"))
    published = read_published(tables["published_systems"], options.source)
    metrics = options.facts
    fixed = f"{metrics['config']['threshold']:g}"
    points = {point: widen_metrics(rows, point) for point in (fixed, MIDRANGE)}
    oracle = points[fixed].set_index("system").reindex([ORACLE]).iloc[0]
    compared = rows[~rows["threshold"].str.endswith(SCENE_KNOWN)]
    gaps = gaps[~gaps["threshold"].str.endswith(SCENE_KNOWN)]
    return {
        **{
            "is_paper_data": options.source == PAPER_SOURCE,
            "classes": len(metrics["classes"]),
            "folds": len(metrics["folds"]),
        },
        **{name: metrics[name] for name in ("recordings", "seconds")},
        **{"threshold": fixed, "trim": f"{metrics['config']['trim']:g}"},
        "ahead": find_ahead(oracle, published[published["threshold"] == fixed]),
        **{
            name: official_table(points[point], published[published["threshold"] == point])
            for name, point in (("fixed", fixed), ("class_dependent", MIDRANGE))
        },
        "thresholded": interval_table(compared, ["system", "threshold"], THRESHOLDED, "value"),
        "unthresholded": interval_table(compared, ["system"], UNTHRESHOLDED, "value"),
        "differences": interval_table(gaps, ["system", "against", "threshold"], THRESHOLDED, "difference"),
        "thresholds": threshold_table(metrics["thresholds"][MIDRANGE], counts),
    }
