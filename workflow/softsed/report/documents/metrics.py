"""Data of the documents about metrics: Table 2, metrics with intervals, and metrics against the ground truth."""

import argparse
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from softsed.core.thresholds import ALL_CLASSES, MIDRANGE
from softsed.report.display import (
    AGAINST_TRUTH,
    BEST,
    MPAUC,
    THRESHOLDED,
    UNTHRESHOLDED,
    WITHIN,
    Metric,
    format_interval,
    select_metrics,
)
from softsed.report.documents.columns import (
    code_column,
    metric_columns,
    number_column,
    share_column,
    text_frame,
    widen,
)
from softsed.report.documents.published import official_table, read_published
from softsed.report.tables import SCENE_KNOWN, read_metrics_table

ORACLE = "recording_prior"


def table2(options: argparse.Namespace, tables: dict[str, Path]) -> dict:
    """Provide the data of Table 2: detectors and baselines, all classes, and the numbers of the paper."""
    rows = read_metrics_table(tables["table2"])
    metrics = options.facts
    detectors = rows[~rows["system"].isin(options.priors)]
    widest = ALL_CLASSES if (rows["threshold"] == ALL_CLASSES).any() else MIDRANGE
    evaluated, fixed = rows[rows["threshold"] != ALL_CLASSES], rows[~rows["threshold"].isin([MIDRANGE, ALL_CLASSES])]
    without = {
        fold: [f"`{name}`" for name, value in thresholds.items() if value is None]
        for fold, thresholds in metrics["thresholds"][widest].items()
    }
    silent = metrics["pooled"]["without_hard_labels"]["classes"]
    beyond = bool(rows["other_classes"].max() > 0)
    in_paper = rows[rows["paper_f1"].notna()]
    published = read_published(tables["published_systems"], options.source)
    points = {point: published[published["threshold"] == point] for point in dict.fromkeys(published["threshold"])}
    return {
        **{"classes": len(metrics["classes"]), "folds": len(metrics["folds"])},
        "all_classes": len(metrics["pooled"]["operating_points"][widest]["class_wise"]),
        **{name: metrics[name] for name in ("recordings", "seconds")},
        "runs": int((detectors if len(detectors) else rows)["runs"].max()),
        "threshold": rows["threshold"].iloc[0],
        "epsilon": f"{metrics['config']['epsilon']:g}",
        "without_threshold": "; ".join(f"{fold}: {', '.join(names)}" for fold, names in without.items() if names),
        "without_hard_labels": ", ".join(code_column(silent)),
        "detectors": thresholded_columns(evaluated[~evaluated["system"].isin(options.priors)]),
        "baselines": thresholded_columns(evaluated[evaluated["system"].isin(options.priors)]),
        "unthresholded": text_frame(
            [
                *(("System", code_column(fixed["system"])), *metric_columns(fixed, [BEST, MPAUC, WITHIN])),
                ("KLD (time)", number_column(fixed, "kld_time_soft", 3)),
                ("KLD (Bernoulli)", number_column(fixed, "kld_bernoulli_soft", 3)),
            ]
        ),
        "beyond": beyond,
        "widest": widest_columns(rows[rows["threshold"] == widest], beyond=beyond, silent=bool(silent)),
        "published": {
            point: official_table(rows[rows["threshold"] == point].assign(recordings=metrics["recordings"]), others)
            for point, others in points.items()
        },
        "paper": paper_columns(in_paper) if len(in_paper) and not points else None,
        "paper_kld": paper_kld_columns(in_paper) if in_paper["paper_kld"].notna().any() else None,
    }


def thresholded_columns(rows: pd.DataFrame) -> pd.DataFrame | None:
    """Arrange the metrics of Table 2 that depend on a threshold; None without rows."""
    if rows.empty:
        return None
    detected = share_column(rows, "classes_detected", "classes_in_reference")
    keys = [("System", code_column(rows["system"])), ("Threshold", rows["threshold"])]
    return text_frame([*keys, *metric_columns(rows, THRESHOLDED), ("Classes detected", detected)])


def widest_columns(rows: pd.DataFrame, *, beyond: bool, silent: bool) -> pd.DataFrame | None:
    """Arrange the metrics of the class-dependent thresholds with the most classes.

    Parameters
    ----------
    rows : DataFrame
        Rows of Table 2 at one operating point.
    beyond : bool
        Whether there are classes with a reference beyond the evaluated ones. Without any, the metrics are those of the
        first table.
    silent : bool
        Whether there are classes without hard labels.

    Returns
    -------
    DataFrame or None
        None if neither is the case.
    """
    columns: list[tuple[str, Iterable[str]]] = [("System", code_column(rows["system"]))]
    if beyond:
        columns += metric_columns(rows, THRESHOLDED)
        columns.append(("Classes detected", share_column(rows, "classes_detected", "classes_in_reference")))
        columns.append(("Beyond the evaluated classes", share_column(rows, "other_classes_detected", "other_classes")))
    if silent:
        found = share_column(rows, "without_hard_labels_detected", "without_hard_labels")
        columns.append(("Without hard labels", found))
    return text_frame(columns) if beyond or silent else None


def paper_columns(rows: pd.DataFrame) -> pd.DataFrame:
    """Arrange error rate and F1 of other data beside the numbers of the paper, without differences."""
    return text_frame(
        [
            *(("System", code_column(rows["system"])), ("Threshold", rows["threshold"])),
            (THRESHOLDED[0].heading, number_column(rows, "error_rate", 2)),
            ("paper (MAESTRO Real)", number_column(rows, "paper_error_rate", 2)),
            (THRESHOLDED[1].heading, number_column(rows, "f1_micro", 2)),
            ("paper (MAESTRO Real)", number_column(rows, "paper_f1", 2)),
        ]
    )


def paper_kld_columns(rows: pd.DataFrame) -> pd.DataFrame:
    """Arrange divergences from the reference that the caption of the paper names, beside the numbers of the paper."""
    rows = rows[rows["paper_kld"].notna()]
    return text_frame(
        [
            *(("System", code_column(rows["system"])), ("Reference", rows["kld_reference"])),
            *(("KLD (time)", number_column(rows, "kld_time", 3)),),
            *(("KLD (Bernoulli)", number_column(rows, "kld_bernoulli", 3)),),
            ("paper", number_column(rows, "paper_kld", 3)),
        ]
    )


def intervals(options: argparse.Namespace, tables: dict[str, Path]) -> dict:
    """Provide the data of the metrics with intervals, and of the differences from baselines and between systems."""
    metrics, gaps = read_metrics_table(tables["intervals"]), read_metrics_table(tables["differences"])
    truth = {"metrics": metrics[metrics["reference"] == "truth"], "gaps": gaps[gaps["reference"] == "truth"]}
    metrics, gaps = metrics[metrics["reference"] != "truth"], gaps[gaps["reference"] != "truth"]
    *points, anything = dict.fromkeys(metrics["threshold"])
    points.sort(key=lambda point: point.endswith(SCENE_KNOWN))  # stable
    rank = {point: place for place, point in enumerate([*points, anything])}
    metrics = metrics.assign(is_prior=metrics["system"].isin(options.priors)).sort_values("is_prior", kind="stable")
    scene_known = metrics["threshold"].str.endswith(SCENE_KNOWN)
    gaps = gaps.assign(pair=gaps.groupby(["system", "against"], sort=False).ngroup(), rank=gaps["threshold"].map(rank))
    gaps = gaps.sort_values(["pair", "rank"], kind="stable")
    both, pair = ["system", "threshold"], ["system", "against"]
    sections = [(f"Differences from `{prior}`", gaps[gaps["against"] == prior]) for prior in options.priors]
    sections.append(("Systems against each other", gaps[~gaps["against"].isin(options.priors)]))
    return {
        **{"runs": int(metrics["runs"].max()), "recordings": int(metrics["recordings"].iloc[0])},
        "threshold": points[0],
        "thresholded": interval_table(metrics[~scene_known], both, THRESHOLDED, "value"),
        "unthresholded": interval_table(metrics, ["system"], UNTHRESHOLDED, "value"),
        "restricted": interval_table(metrics[scene_known], both, THRESHOLDED, "value"),
        "sections": [
            {
                **{"heading": heading, **legend_facts(rows)},
                "thresholded": interval_table(rows, [*pair, "threshold"], THRESHOLDED, "difference"),
                "unthresholded": interval_table(rows, pair, UNTHRESHOLDED, "difference"),
            }
            for heading, rows in sections
            if len(rows)
        ],
        "truth": interval_table(truth["metrics"], ["system"], AGAINST_TRUTH, "value"),
        "truth_differences": interval_table(truth["gaps"], pair, AGAINST_TRUTH, "difference"),
        "truth_legend": legend_facts(truth["gaps"]),
    }


def legend_facts(gaps: pd.DataFrame) -> dict[str, bool]:
    """Report whether the differences are of several runs, and whether any is a difference from the oracle."""
    return {"several_runs": bool(gaps["runs"].max() > 1), "from_oracle": bool((gaps["against"] == ORACLE).any())}


def interval_table(rows: pd.DataFrame, keys: list[str], metrics: list[Metric], value: str) -> pd.DataFrame | None:
    """Arrange metrics in columns, one row per key, with intervals; None without rows.

    Differences are bold if they are better, of several runs, and have an interval that does not contain 0. Differences
    from the oracle in mpAUC are not bold, because few of their intervals contain the true value; see
    `softsed.report.intervals`.
    """
    shown = {metric.name: metric for metric in metrics}
    rows = select_metrics(rows, metrics)
    if rows.empty:
        return None
    texts = []
    for row in rows.to_dict("records"):
        metric = shown[row["metric"]]
        text = format_interval(row, value, metric.digits)
        better = row["high"] < 0 if metric.less else row["low"] > 0
        marked = value == "difference" and better and row["runs"] > 1
        marked = marked and (metric.name, row["against"]) != (MPAUC.name, ORACLE)
        texts.append(f"**{text}**" if marked else text)
    names, wide = widen(rows.assign(text=texts), keys, "metric", "text")
    return text_frame(
        [(key.capitalize(), names[key] if key == "threshold" else code_column(names[key])) for key in keys]
        + [(metric.heading, wide[name]) for name, metric in shown.items()]
    )


def truth(options: argparse.Namespace, tables: dict[str, Path]) -> dict:
    """Provide the data of the metrics against the ground truth."""
    rows = read_metrics_table(tables["truth"])
    metrics = options.facts
    keys = [("System", code_column(rows["system"])), ("Method", rows["method"]), ("Threshold", rows["threshold"])]
    once = rows.drop_duplicates(["system", "method"])
    gained = rows[rows["f1_macro_gain"].notna() | rows["f1_micro_gain"].notna()]
    return {
        **{"classes": len(metrics["classes"]), "folds": len(metrics["folds"])},
        **{name: metrics[name] for name in ("recordings", "seconds", "left_out")},
        **{"threshold": f"{metrics['config']['threshold']:g}", "method": options.method},
        "rows": text_frame(
            [
                *(*keys, *metric_columns(rows, THRESHOLDED)),
                ("Classes detected", share_column(rows, "classes_detected", "classes_in_reference")),
            ]
        ),
        "unthresholded": text_frame(
            [
                *(("System", code_column(once["system"])), ("Method", once["method"])),
                *metric_columns(once, [BEST, MPAUC, WITHIN]),
                ("MSE", number_column(once, "mse", 3, std="mse_std")),
            ]
        ),
        "gains": text_frame(
            [
                *(("System", code_column(gained["system"])), ("Method", gained["method"])),
                ("Threshold", gained["threshold"]),
                *(("Against", code_column(gained["against"])), ("at", gained["against_threshold"])),
                ("Gain in F1_m", number_column(gained, "f1_micro_gain", 1, std="f1_micro_gain_std", signed=True)),
                ("Gain in F1_M", number_column(gained, "f1_macro_gain", 1, std="f1_macro_gain_std", signed=True)),
            ]
        )
        if len(gained)
        else None,
    }
