"""Data of the documents about data, labels and trainings: tables, rounded and arranged, and facts for the text."""

import argparse
from pathlib import Path

from softsed.report.documents.columns import code_column, number_column, text_frame, widen
from softsed.report.documents.published import PAPER_SOURCE
from softsed.report.tables import arrange_by_class, format_counts, read_frame


def table1(options: argparse.Namespace, tables: dict[str, Path]) -> dict:
    """Provide the data of Table 1: the counts of the experiment and of the paper, which has its own classes."""
    counts = read_frame(tables["table1"], text=("scene", "files", "minutes"))
    listed = read_frame(tables["paper_table1"], text=("scene", "class"), numbers=("instances",))
    totals = read_frame(tables["paper_recordings"], text=("scene",), numbers=("files", "minutes")).set_index("scene")
    known = set(listed["class"])
    classes = [name for name in counts.columns if name in known] if known <= set(counts.columns) else sorted(known)
    events = listed.pivot_table(index="scene", columns="class", values="instances").reindex(
        totals.index, columns=classes
    )
    paper = format_counts(events.join(totals))
    return {
        "is_paper_data": options.source == PAPER_SOURCE,
        **{"counts": arrange_by_class(counts), "recordings": counts["files"].iloc[-1]},
        **{"paper": paper, "paper_recordings": paper["files"].iloc[-1]},
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
