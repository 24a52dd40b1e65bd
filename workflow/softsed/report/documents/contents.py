"""Data of the Markdown documents: tables of the report, rounded and arranged, and facts for the text."""

import argparse
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from softsed.core.thresholds import MIDRANGE
from softsed.report.display import THRESHOLDED, UNTHRESHOLDED, format_interval, format_number
from softsed.report.tables import SCENE_TOLD, format_counts, read_frame, read_metrics_table

PAPER_EXPERIMENT = "maestro_real"  # the experiment whose numbers are compared with the paper


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


def table1(options: argparse.Namespace, tables: dict[str, Path]) -> dict:
    """Provide the data of Table 1: the counts of the experiment and of the paper."""
    counts = read_frame(tables["table1"], text=("scene", "files", "minutes"))
    classes = [name for name in counts.columns if name not in ("scene", "files", "minutes")]
    listed = read_frame(tables["paper_table1"], text=("scene", "class"), numbers=("instances",))
    totals = read_frame(tables["paper_recordings"], text=("scene",), numbers=("files", "minutes")).set_index("scene")
    events = listed.pivot_table(index="scene", columns="class", values="instances").reindex(
        totals.index, columns=classes
    )
    paper = format_counts(events.join(totals))
    return {
        "is_paper_data": options.experiment == PAPER_EXPERIMENT,
        **{"counts": counts, "recordings": counts["files"].iloc[-1]},
        **{"paper": paper, "paper_recordings": paper["files"].iloc[-1]},
    }


def table2(options: argparse.Namespace, tables: dict[str, Path]) -> dict:
    """Provide the data of Table 2: detectors beside the paper, baselines without audio, and all divergences."""
    rows = read_metrics_table(tables["table2"])
    metrics = options.facts
    is_paper_data = options.experiment == PAPER_EXPERIMENT
    is_prior = rows["system"].isin(options.priors)
    detectors, baselines = rows[~is_prior], rows[is_prior]
    without = {
        fold: [f"`{name}`" for name, value in thresholds.items() if value is None]
        for fold, thresholds in metrics["thresholds"][MIDRANGE].items()
    }
    fixed = rows[rows["threshold"] != MIDRANGE]
    paper = read_frame(tables["paper_recordings"], text=("scene",), numbers=("files",))
    return {
        "is_paper_data": is_paper_data,
        **{"classes": len(metrics["classes"]), "folds": len(metrics["folds"])},
        **{name: metrics[name] for name in ("recordings", "seconds")},
        "runs": int((detectors if len(detectors) else rows)["runs"].max()),
        "threshold": rows["threshold"].iloc[0],
        "epsilon": f"{metrics['config']['epsilon']:g}",
        "without_threshold": "; ".join(f"{fold}: {', '.join(names)}" for fold, names in without.items() if names),
        "paper_recordings": f"{paper['files'].sum():.0f}",
        "detectors": result_columns(detectors, paper=True, compare=is_paper_data) if len(detectors) else None,
        "baselines": result_columns(baselines, paper=False, compare=False) if len(baselines) else None,
        "divergences": text_frame(
            [
                ("System", code_column(fixed["system"])),
                ("KLD (time)", number_column(fixed, "kld_time_soft", 3)),
                ("KLD (Bernoulli)", number_column(fixed, "kld_bernoulli_soft", 3)),
            ]
        ),
    }


def result_columns(rows: pd.DataFrame, *, paper: bool, compare: bool) -> pd.DataFrame:
    """Round rows of Table 2; beside the numbers of the paper if `paper`, with differences from them if `compare`."""

    def beside(name: str, published: str, digits: int) -> list[tuple[str, list[str]]]:
        if not paper:
            return []
        columns = [("paper" if compare else "paper (MAESTRO Real)", number_column(rows, published, digits))]
        gaps = rows.assign(gap=rows[name] - rows[published])
        return columns + [("difference", number_column(gaps, "gap", digits, signed=True))] * compare

    detected = [f"{n:.3g} of {m:.0f}" for n, m in zip(rows["classes_detected"], rows["classes_evaluated"], strict=True)]
    return text_frame(
        [
            *(("System", code_column(rows["system"])), ("Threshold", rows["threshold"])),
            ("ER", number_column(rows, "error_rate", 2, std="error_rate_std")),
            *beside("error_rate", "paper_error_rate", 2),
            ("F1 %", number_column(rows, "f1_micro", 2, std="f1_micro_std")),
            *beside("f1_micro", "paper_f1", 2),
            ("Macro F1 %", number_column(rows, "f1_macro", 2, std="f1_macro_std")),
            *(("Classes detected", detected), ("KLD (time)", number_column(rows, "kld_time", 3))),
            *beside("kld_time", "paper_kld", 3),
            ("KLD (Bernoulli)", number_column(rows, "kld_bernoulli", 3)),
            ("KLD reference", rows["kld_reference"].where(rows["kld_time"].notna(), "")),
        ]
    )


def scores(options: argparse.Namespace, tables: dict[str, Path]) -> dict:
    """Provide the data of the metrics with intervals, and of the differences from baselines and between systems."""
    metrics, gaps = read_metrics_table(tables["scores"]), read_metrics_table(tables["differences"])
    *points, anything = dict.fromkeys(metrics["threshold"])
    points.sort(key=lambda point: point.endswith(SCENE_TOLD))  # stable
    rank = {point: place for place, point in enumerate([*points, anything])}
    metrics = metrics.assign(is_prior=metrics["system"].isin(options.priors)).sort_values("is_prior", kind="stable")
    told = metrics["threshold"].str.endswith(SCENE_TOLD)
    gaps = gaps.assign(pair=gaps.groupby(["system", "against"], sort=False).ngroup(), rank=gaps["threshold"].map(rank))
    gaps = gaps.sort_values(["pair", "rank"], kind="stable")
    both, pair = ["system", "threshold"], ["system", "against"]
    sections = [(f"Skill over `{prior}`", gaps[gaps["against"] == prior]) for prior in options.priors]
    sections.append(("Systems against each other", gaps[~gaps["against"].isin(options.priors)]))
    return {
        **{"runs": int(metrics["runs"].max()), "recordings": int(metrics["recordings"].iloc[0])},
        "threshold": points[0],
        "thresholded": interval_table(metrics[~told], both, THRESHOLDED, "value"),
        "unthresholded": interval_table(metrics, ["system"], UNTHRESHOLDED, "value"),
        "restricted": interval_table(metrics[told], both, THRESHOLDED, "value"),
        "sections": [
            {
                **{"heading": heading, "several_runs": rows["runs"].max() > 1},
                "thresholded": interval_table(rows, [*pair, "threshold"], THRESHOLDED, "difference"),
                "unthresholded": interval_table(rows, pair, UNTHRESHOLDED, "difference"),
            }
            for heading, rows in sections
            if len(rows)
        ],
    }


def interval_table(rows: pd.DataFrame, keys: list[str], columns: list[tuple], value: str) -> pd.DataFrame:
    """Arrange metrics in columns, one row per key, with intervals.

    Differences are bold if they are better, of several runs, and have an interval that does not contain 0.
    """
    shown = {metric: (heading, digits, less) for heading, metric, digits, less in columns}
    rows = rows[rows["score"].isin(shown)]
    texts = []
    for row in rows.to_dict("records"):
        _, digits, less = shown[row["score"]]
        text = format_interval(row, value, digits)
        better = row["high"] < 0 if less else row["low"] > 0
        texts.append(f"**{text}**" if value == "difference" and better and row["runs"] > 1 else text)
    names, wide = widen(rows.assign(text=texts), keys, "score", "text")
    return text_frame(
        [(key.capitalize(), names[key] if key == "threshold" else code_column(names[key])) for key in keys]
        + [(heading, wide[metric]) for metric, (heading, *_) in shown.items()]
    )


def truth(options: argparse.Namespace, tables: dict[str, Path]) -> dict:
    """Provide the data of the metrics against the ground truth."""
    rows = read_metrics_table(tables["truth"])
    metrics = options.facts
    detected = [
        f"{n:.3g} of {m:.3g}" for n, m in zip(rows["classes_detected"], rows["classes_in_reference"], strict=True)
    ]
    return {
        **{"classes": len(metrics["classes"]), "folds": len(metrics["folds"])},
        **{name: metrics[name] for name in ("recordings", "seconds")},
        **{"threshold": f"{metrics['config']['threshold']:g}", "method": options.method},
        "rows": text_frame(
            [
                *(
                    ("System", code_column(rows["system"])),
                    ("Method", rows["method"]),
                    ("Threshold", rows["threshold"]),
                ),
                ("ER", number_column(rows, "error_rate", 2, std="error_rate_std")),
                ("F1 %", number_column(rows, "f1_micro", 1, std="f1_micro_std")),
                ("Macro F1 %", number_column(rows, "f1_macro", 1, std="f1_macro_std")),
                *(("Classes detected", detected), ("MSE", number_column(rows, "mse", 3, std="mse_std"))),
                ("Gain in macro F1", number_column(rows, "f1_macro_gain", 1, std="f1_macro_gain_std", signed=True)),
                ("Gain in F1", number_column(rows, "f1_micro_gain", 1, std="f1_micro_gain_std", signed=True)),
            ]
        ),
    }


def label_statistics(options: argparse.Namespace, tables: dict[str, Path]) -> dict:
    """Provide the data of the statistics of soft labels."""
    rows = read_frame(
        tables["label_statistics"], text=("statistic", "on"), numbers=("value", "published", "difference")
    )
    return {
        **options.facts,
        "method": options.method,
        "rows": text_frame(
            [
                *(("Statistic", rows["statistic"]), ("On", rows["on"])),
                ("This experiment", number_column(rows, "value", 3)),
                ("Published", number_column(rows, "published", 3)),
                ("Difference", number_column(rows, "difference", 3, signed=True)),
            ]
        ),
    }


def label_quality(options: argparse.Namespace, tables: dict[str, Path]) -> dict:
    """Provide the data of the quality of labels: one row per setting, methods side by side."""
    settings = {
        **{"event_length_s": "events, s", "detection": "detection"},
        **{"opinions_per_window": "opinions", "spammers": "spammers"},
    }
    names = ("f1", "f1_best", "brier", "calibration_error", "gain", "gain_least")
    rows = read_frame(tables["label_quality"], text=(*settings, "method"), numbers=("trials", *names))
    gains = zip(
        number_column(rows, "gain", 3, signed=True), number_column(rows, "gain_least", 3, signed=True), strict=True
    )
    texts = rows[[*settings, "method"]].assign(
        **{name: number_column(rows, name, 3) for name in names[:4]},
        gain=[f"{gain} ({least})" if gain else "" for gain, least in gains],
    )
    found, wide = widen(texts, list(settings), "method", [*names[:4], "gain"])
    methods = list(dict.fromkeys(rows["method"]))
    return {
        "trials": int(rows["trials"].max()),
        "rows": text_frame(
            [(heading, found[name]) for name, heading in settings.items()]
            + [(f"{m}{end}", wide[name, m]) for m in methods for name, end in (("f1", ""), ("f1_best", " best"))]
            + [
                (f"{heading} {method}", wide[name, method])
                for name, heading in (("gain", "gain"), ("brier", "Brier"), ("calibration_error", "calibration"))
                for method in methods
            ]
        ),
    }


def convergence(options: argparse.Namespace, tables: dict[str, Path]) -> dict:
    """Provide the data of the convergence of the trainings."""
    numbers = ("trainings", "above_constant", "late", "best_epoch", "epochs", "validation_loss", "constant_loss")
    rows = read_frame(tables["convergence"], text=("system",), numbers=numbers)
    return {
        **{"trainings": int(rows["trainings"].sum()), "above": int(rows["above_constant"].sum())},
        "late": int(rows["late"].sum()),
        "rows": text_frame(
            [
                *(("System", code_column(rows["system"])), ("Trainings", number_column(rows, "trainings", 0))),
                ("Not below the constant", number_column(rows, "above_constant", 0)),
                ("Best epoch in the last tenth", number_column(rows, "late", 0)),
                ("Best epoch (median)", number_column(rows, "best_epoch", 0)),
                ("Validation loss", number_column(rows, "validation_loss", 5)),
                ("Loss of the constant", number_column(rows, "constant_loss", 5)),
            ]
        ),
    }


class Document(NamedTuple):
    """Function that provides the data of a document, and its input: names of tables, and options without a default."""

    contents: Callable[[argparse.Namespace, dict[str, Path]], dict]
    tables: tuple[str, ...]
    options: tuple[str, ...] = ()


DOCUMENTS = {
    "table1": Document(table1, ("table1", "paper_table1", "paper_recordings")),
    "table2": Document(table2, ("table2", "paper_recordings"), ("facts",)),
    "scores": Document(scores, ("scores", "differences")),
    "truth": Document(truth, ("truth",), ("facts", "method")),
    "convergence": Document(convergence, ("convergence",)),
    "label_statistics": Document(label_statistics, ("label_statistics",), ("facts", "method")),
    "label_quality": Document(label_quality, ("label_quality",)),
}
