"""Tables of the report: data statistics (Table 1), results (Table 2), class-wise F1 (Fig. 2) and training curves.

Each table is a TSV for machines; the first two are also Markdown pages for people (`pages`). F1 is in percent, error
rate and divergence (nats) as they are. An empty cell: not defined or not published; "-": a class that was not asked.
"""

import argparse
import json
import re
import statistics
from collections import Counter
from pathlib import Path

from softsed.core.errors import InputError
from softsed.core.labels import Event, read_hard
from softsed.core.metadata import Recording, read_asked, read_classes
from softsed.core.thresholds import MIDRANGE
from softsed.core.tsv import read_table
from softsed.report.markdown import table1_page, table2_page

SCORES = ("error_rate", "f1_micro", "f1_macro")
KLD = ("kld_time", "kld_bernoulli")
KLD_BY_REFERENCE = {f"{name}_{reference}": (reference, name) for reference in ("soft", "hard") for name in KLD}
PAPER2 = {"paper_error_rate": "error_rate", "paper_f1": "f1_micro", "paper_kld": "kld"}
TABLE2 = [
    *("system", "threshold", *SCORES, *KLD, *PAPER2, *(f"{name}_std" for name in SCORES)),
    *("classes_detected", "classes_evaluated", "kld_reference", *KLD_BY_REFERENCE, "runs"),
]
TRAINING = ["system", "run", "fold", "epoch", "train_loss", "validation_loss"]
HISTORY = re.compile(r"(?P<system>[^/]+)/run(?P<run>\d+)/fold(?P<fold>\d+)\.history\.tsv$")


def write_tsv(path: Path, columns: list[str], rows: list[dict]) -> None:
    """Write rows as a table: None is an empty cell, floats have 6 significant digits."""

    def cell(value: object) -> str:
        return "" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)

    lines = [columns, *([cell(row[column]) for column in columns] for row in rows)]
    path.write_text("".join("\t".join(line) + "\n" for line in lines), encoding="utf-8")


def count_events(
    recordings: dict[str, Recording], scenes: dict[str, list[str]], classes: list[str], hard: dict[str, list[Event]]
) -> list[dict]:
    """Count event instances, files and minutes of each scene from the hard labels (Table 1).

    Returns
    -------
    list of dict
        One row a scene that has recordings, in the order of `scenes`: scene, one column a class (instances, or "-"
        where it was not asked), files, minutes.

    Raises
    ------
    InputError
        When a recording has an event of a class that its scene was not asked.
    """
    rows = []
    for scene, asked in scenes.items():
        members = [recording for recording in recordings.values() if recording.scene == scene]
        found = Counter()
        for recording in members:
            labels = [event.label for event in hard[recording.name]]
            if beyond := sorted(set(labels) - set(asked)):
                raise InputError(f"{recording.name}: events of {beyond}, which were not asked in {scene}")
            found.update(labels)
        minutes = sum(recording.duration_s for recording in members) / 60
        counts = {name: found[name] if name in asked else "-" for name in classes}
        if members:
            rows.append({"scene": scene, **counts, "files": len(members), "minutes": minutes})
    return rows


def published_events(events: Path, recordings: Path, classes: list[str]) -> list[dict]:
    """Read Table 1 of the paper (scene, class, instances; scene, files, minutes) as `count_events` returns it."""
    listed = read_table(events, ("scene", "class", "instances"))
    counts = {(row["scene"], row["class"]): int(row["instances"]) for row in listed}
    return [
        {"scene": row["scene"]}
        | {name: counts.get((row["scene"], name), "-") for name in classes}
        | {"files": int(row["files"]), "minutes": float(row["minutes"])}
        for row in read_table(recordings, ("scene", "files", "minutes"))
    ]


def with_total(rows: list[dict]) -> list[dict]:
    """Append the row Total, "-" where no scene was asked; minutes become text with 2 decimals."""
    total = {"scene": "Total"}
    for column in list(rows[0])[1:]:
        numbers = [row[column] for row in rows if row[column] != "-"]
        total[column] = sum(numbers) if numbers else "-"
    return [row | {"minutes": f"{row['minutes']:.2f}"} for row in [*rows, total]]


def read_metrics(paths: list[Path]) -> dict[str, list[dict]]:
    """Read metrics files into the runs of each system, systems in the order of the files."""
    systems: dict[str, list[dict]] = {}
    for path in paths:
        try:
            metrics = json.loads(path.read_text(encoding="utf-8"))
            systems.setdefault(metrics["system"], []).append(metrics)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path}: not metrics written by `softsed evaluate.system`: {error!r}") from error
    return systems


def average(values: list[float | None], *, scale: float = 1) -> tuple[float | None, float | None]:
    """Compute mean and sample standard deviation, times `scale`, of the values that are defined; None for too few."""
    known = [value * scale for value in values if value is not None]
    return statistics.fmean(known) if known else None, statistics.stdev(known) if len(known) > 1 else None


def results(systems: dict[str, list[dict]], paper: list[dict[str, str]]) -> list[dict]:
    """Collect Table 2: one row a system and operating point.

    Parameters
    ----------
    systems : dict
        Metrics of the runs of each system.
    paper : list of dict
        Published rows: system, threshold, error_rate, f1_micro, kld; empty text where nothing was published.

    Returns
    -------
    list of dict
        Columns `TABLE2`. Values are pooled over the folds, then averaged over the runs; standard deviations are over
        all folds of all runs. Divergences do not depend on a threshold and stand in the first row of a system.
    """
    published = {(row["system"], row["threshold"]): row for row in paper}
    rows = []
    for system, runs in systems.items():
        reference = runs[0]["kld_reference"]
        for point in runs[0]["pooled"]["operating_points"]:
            pooled = [run["pooled"]["operating_points"][point] for run in runs]
            folds = [fold["operating_points"][point] for run in runs for fold in run["folds"].values()]
            row = {"system": system, "threshold": point, "runs": len(runs), "kld_reference": reference}
            for name, scale in zip(SCORES, (1, 100, 100), strict=True):
                row[name], _ = average([values[name] for values in pooled], scale=scale)
                _, row[f"{name}_std"] = average([values[name] for values in folds], scale=scale)
            for column, (kind, name) in (KLD_BY_REFERENCE | {name: (reference, name) for name in KLD}).items():
                values = [run["pooled"]["kld"][kind][name] for run in runs]
                row[column] = None if point == MIDRANGE else average(values)[0]
            for name, column in PAPER2.items():
                text = published.get((system, point), {}).get(column, "")
                row[name] = float(text) if text else None
            row["classes_detected"], _ = average([values["classes_detected"] for values in pooled])
            rows.append(row | {"classes_evaluated": len(runs[0]["classes"])})
    return rows


def by_system(rows: list[dict]) -> dict[str, dict[str, dict[str, float]]]:
    """Arrange the defined scores of Table 2 by system and threshold, in its units, for `dvc metrics diff`.

    Six significant digits as in the table: what differs only beyond is no difference.
    """
    systems = {}
    for row in rows:
        scores = {name: row[name] for name in (*SCORES, *KLD, "classes_detected")}
        known = {name: float(f"{value:.6g}") for name, value in scores.items() if value is not None}
        systems.setdefault(row["system"], {})[row["threshold"]] = known
    return systems


def class_wise(
    systems: dict[str, list[dict]], curves: list[str], instances: dict[str, int]
) -> tuple[list[str], list[dict]]:
    """Collect the curves of Fig. 2: class-wise F1 in percent, mean over the runs.

    Parameters
    ----------
    systems : dict
        Metrics of the runs of each system.
    curves : list of str
        SYSTEM, SYSTEM:h (fixed threshold, hard reference; the same as without suffix) or SYSTEM:s (class-dependent).
    instances : dict of int
        Event instances of each class, by which the classes are ordered, most frequent first.

    Returns
    -------
    columns : list of str
        class, instances and the curves, SYSTEM, SYSTEM_h or SYSTEM_s.
    rows : list of dict
        One a class evaluated. F1 is 0 for a class that is never detected, None without a reference.
    """
    first, *_ = systems.values()
    rows = [{"class": name, "instances": instances.get(name, 0)} for name in first[0]["classes"]]
    for curve in curves:
        system, _, suffix = curve.partition(":")
        if system not in systems or suffix not in ("", "h", "s"):
            raise InputError(f"curve {curve!r}: expected SYSTEM, SYSTEM:h or SYSTEM:s, SYSTEM one of {list(systems)}")
        points = [
            values
            for run in systems[system]
            for point, values in run["pooled"]["operating_points"].items()
            if (point == MIDRANGE) == (suffix == "s")
        ]
        for row in rows:
            f1 = [values["class_wise"][row["class"]]["f1"] for values in points]
            row[curve.replace(":", "_")], _ = average(f1, scale=100)
    return list(rows[0]), sorted(rows, key=lambda row: -row["instances"])


def training_curves(paths: list[Path]) -> list[dict]:
    """Join histories of training, SYSTEM/runN/foldN.history.tsv, into one long table with the columns `TRAINING`."""
    rows = []
    for path in paths:
        if not (match := HISTORY.search(path.as_posix())):
            raise InputError(f"{path}: expected a history named SYSTEM/runN/foldN.history.tsv")
        rows += [match.groupdict() | row for row in read_table(path, tuple(TRAINING[3:]))]
    return rows


def main(argv: list[str] | None = None) -> None:
    """Write one table of the report."""
    parser = argparse.ArgumentParser(prog="softsed report.tables", description=main.__doc__)
    tables = parser.add_subparsers(dest="table", required=True)
    one = tables.add_parser("table1", help="data statistics")
    two = tables.add_parser("table2", help="results beside the paper's")
    figure = tables.add_parser("figure2", help="class-wise F1")
    training = tables.add_parser("training", help="losses of all trainings")

    def add(name: str, text: str, *users: argparse.ArgumentParser, **kind: object) -> None:
        for user in users:
            user.add_argument(name, required=True, help=text, **({"type": Path} | kind))

    add("--recordings", "table of recordings", one)
    add("--scenes", "table of the classes asked in each scene", one)
    add("--classes", "table of classes", one)
    add("--hard", "hard labels", one)
    add("--paper-events", "the paper's Table 1: scene, class, instances", one)
    add("--paper-recordings", "the paper's Table 1: scene, files, minutes", one)
    add("--metrics", "metrics, one file a system and run, in the order of the table", two, figure, nargs="+")
    add("--paper", "the paper's Table 2", two)
    add("--experiment", "name for the caption; only maestro_real compares with the paper", one, two, type=str)
    add("--table1", "the table of data statistics", figure)
    add("--curves", "SYSTEM, SYSTEM:h (threshold 0.5) or SYSTEM:s (class-dependent)", figure, nargs="+", type=str)
    add("--history", "histories, SYSTEM/runN/foldN.history.tsv", training, nargs="+")
    add("--tsv", "table, written", one, two, figure, training)
    add("--markdown", "page, written", one, two)
    add("--json", "scores by system and threshold, written", two)
    options = parser.parse_args(argv)

    if options.table == "table1":
        classes = read_classes(options.classes)
        recordings, scenes = read_asked(options.recordings, options.scenes, classes)
        hard = read_hard(options.hard, classes, list(recordings))
        rows = with_total(count_events(recordings, scenes, classes, hard))
        published = with_total(published_events(options.paper_events, options.paper_recordings, classes))
        write_tsv(options.tsv, list(rows[0]), rows)
        options.markdown.write_text(table1_page(rows, published, experiment=options.experiment), encoding="utf-8")
    elif options.table == "table2":
        systems = read_metrics(options.metrics)
        rows = results(systems, read_table(options.paper, ("system", "threshold", *PAPER2.values())))
        write_tsv(options.tsv, TABLE2, rows)
        options.json.write_text(json.dumps(by_system(rows), indent=2) + "\n", encoding="utf-8")
        page = table2_page(rows, [runs[0] for runs in systems.values()], experiment=options.experiment)
        options.markdown.write_text(page, encoding="utf-8")
    elif options.table == "figure2":
        instances = Counter()
        for row in read_table(options.table1, ("scene",)):
            if row["scene"] != "Total":
                instances.update({name: int(text) for name, text in row.items() if text.isdigit()})
        write_tsv(options.tsv, *class_wise(read_metrics(options.metrics), options.curves, instances))
    else:
        write_tsv(options.tsv, TRAINING, training_curves(options.history))
