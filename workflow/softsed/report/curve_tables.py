"""Tables of curves: class-wise F1 (Fig. 2), the losses of all trainings, and whether the trainings converged."""

import logging
import re
from pathlib import Path

import pandas as pd

from softsed.core.errors import InputError
from softsed.core.options import add_command, add_options, build_parser
from softsed.core.thresholds import ALL_CLASSES, MIDRANGE
from softsed.report.summary import mean, read_metrics
from softsed.report.tables import TOTAL, read_frame, write_frame

LOSSES = ("epoch", "train_loss", "validation_loss", "constant_loss")
CYCLE = "cycle"  # schedule whose learning rate falls to 0 in the last epoch
LATE = 0.9  # a best epoch after this share of the epochs: the training may have stopped too early
logger = logging.getLogger(__name__)

HISTORY = re.compile(r"(?P<system>[^/]+)/run(?P<run>\d+)/fold(?P<fold>\d+)\.history\.tsv$")


def read_instances(table1: Path) -> dict[str, int]:
    """Read the total number of event instances of each class from Table 1."""
    rows = read_frame(table1, text=("scene",)).set_index("scene")
    return {name: int(text) for name, text in rows.loc[TOTAL].items() if text.isdigit()}


def class_wise(systems: dict[str, list[dict]], curves: list[str], instances: dict[str, int]) -> pd.DataFrame:
    """Collect the curves of Fig. 2: class-wise F1 in percent, mean over the runs.

    Parameters
    ----------
    systems : dict
        Metrics of the runs of each system.
    curves : list of str
        SYSTEM, SYSTEM:h (fixed threshold and hard reference, as without a suffix) or SYSTEM:s (class-dependent).
    instances : dict of int
        Event instances of each class.

    Returns
    -------
    DataFrame
        One row per evaluated class, and one per other class with a class-dependent curve; the most frequent first,
        classes with equal numbers of instances in the order of the metrics.
        Columns: class, instances, and SYSTEM, SYSTEM_h or SYSTEM_s per curve. F1 is 0 for a class that is never
        detected and nan without a reference. At the fixed threshold, classes that are not evaluated have nan.

    Raises
    ------
    InputError
        If a curve is not of this form, or if its system has no metrics.
    """
    first, *_ = systems.values()
    curve_values = {}
    for curve in curves:
        system, _, suffix = curve.partition(":")
        if system not in systems or suffix not in ("", "h", "s"):
            raise InputError(
                f"there is no curve {curve!r}",
                key="report.curves",
                expected=f"SYSTEM, SYSTEM:h or SYSTEM:s, with SYSTEM one of {list(systems)}",
            )
        found = [values_of_curve(run["pooled"]["operating_points"], suffix == "s") for run in systems[system]]
        f1 = pd.DataFrame([{name: row["f1"] for name, row in values.items()} for values in found], dtype=float) * 100
        curve_values[curve.replace(":", "_")] = pd.Series({name: mean(f1[name]) for name in f1})
    table = pd.DataFrame(curve_values)  # sorted by name if the curves have different classes
    order = [name for name in values_of_curve(first[0]["pooled"]["operating_points"], True) if name in table.index]
    classes = [name for name in order if name in first[0]["classes"] or table.loc[name].notna().any()]
    table = table.loc[classes].rename_axis("class").reset_index()
    table.insert(1, "instances", [instances.get(name, 0) for name in classes])
    return table.sort_values("instances", ascending=False, kind="stable")


def values_of_curve(points: dict[str, dict], class_dependent: bool) -> dict[str, dict]:
    """Return the class-wise metrics at the fixed threshold, or at class-dependent thresholds with the most classes."""
    if not class_dependent:
        return next(values["class_wise"] for point, values in points.items() if point not in (MIDRANGE, ALL_CLASSES))
    return points.get(ALL_CLASSES, points[MIDRANGE])["class_wise"]


def join_histories(paths: list[Path]) -> pd.DataFrame:
    """Join training histories, SYSTEM/runN/foldN.history.tsv, into one long table; cells stay as they are.

    Raises
    ------
    InputError
        If the name of a file does not contain system, run and fold.
    """
    frames = []
    for path in paths:
        if not (match := HISTORY.search(path.as_posix())):
            raise InputError(
                "the name of the history does not contain system, run and fold",
                file=path,
                expected="SYSTEM/runN/foldN.history.tsv",
            )
        history = read_frame(path, text=LOSSES)[list(LOSSES)]
        frames.append(pd.DataFrame(match.groupdict(), index=history.index).join(history))
    return pd.concat(frames)


def summarise_convergence(training: pd.DataFrame) -> pd.DataFrame:
    """Count the trainings of each system that may not have converged.

    Parameters
    ----------
    training : DataFrame
        From `join_histories`, losses as numbers.

    Returns
    -------
    DataFrame
        One row per system: trainings; above_constant, the trainings whose lowest validation loss is not below that of a
        constant per scene (see `softsed.train.constant`); late, those whose best epoch is among the last tenth of the
        epochs; best_epoch and epochs, medians; validation_loss and constant_loss, means over the trainings at the best
        epoch.
    """
    keys = ["system", "run", "fold"]
    best = training.loc[training.groupby(keys, sort=False)["validation_loss"].idxmin()]
    last = training.groupby(keys, sort=False)["epoch"].max().rename("epochs")
    rows = best.rename(columns={"epoch": "best_epoch"}).join(last, on=keys)
    rows = rows.assign(
        above_constant=rows["validation_loss"] >= rows["constant_loss"],
        late=rows["best_epoch"] > LATE * rows["epochs"],
    )
    return (
        rows.groupby("system", sort=False)
        .agg(
            trainings=("fold", "size"),
            above_constant=("above_constant", "sum"),
            late=("late", "sum"),
            best_epoch=("best_epoch", "median"),
            epochs=("epochs", "median"),
            validation_loss=("validation_loss", "mean"),
            constant_loss=("constant_loss", "mean"),
        )
        .reset_index()
    )


EXAMPLES = {
    "figure2": "--metrics results/demo/metrics/S_MSE_lin/run1.json --table1 results/demo/report/table1.tsv "
    "--curves S_MSE_lin:h --tsv results/demo/report/figure2.tsv",
    "training": "--history results/demo/models/S_MSE_lin/run1/fold1.history.tsv --tsv results/demo/report/training.tsv",
    "convergence": "--training results/demo/report/training.tsv --schedule plateau "
    "--tsv results/demo/report/convergence.tsv",
}


def main(argv: list[str] | None = None) -> None:
    """Make the table of class-wise F1, of the losses of all trainings, or of their convergence."""
    parser = build_parser("report.curve_tables", main, example=f"training {EXAMPLES['training']}")
    tables = parser.add_subparsers(dest="table", required=True)
    figure2, training, convergence = (
        add_command(tables, name, summary, example=EXAMPLES[name])
        for name, summary in (
            ("figure2", "Make the table of class-wise F1 (Fig. 2)"),
            ("training", "Join the losses per epoch of all trainings"),
            ("convergence", "Count the trainings of each system that may not have converged"),
        )
    )
    figure2.add_argument("--metrics", type=Path, nargs="+", required=True, help="metrics, one file per system and run")
    figure2.add_argument("--table1", type=Path, required=True, help="Table 1, for the order of the classes")
    figure2.add_argument(
        "--curves", nargs="+", required=True, help="SYSTEM, SYSTEM:h (fixed threshold) or SYSTEM:s (class-dependent)"
    )
    training.add_argument(
        "--history", type=Path, nargs="+", required=True, help="training histories, SYSTEM/runN/foldN.history.tsv"
    )
    convergence.add_argument("--training", type=Path, required=True, help="table written by `training`")
    convergence.add_argument(
        "--schedule",
        required=True,
        help="train.schedule of the config; with cycle, a best epoch in the last tenth of the epochs causes no warning",
    )
    for table in (figure2, training, convergence):
        add_options(table, "tsv")
    options = parser.parse_args(argv)
    if options.table == "figure2":
        instances = read_instances(options.table1)
        write_frame(options.tsv, class_wise(read_metrics(options.metrics), options.curves, instances))
    elif options.table == "training":
        write_frame(options.tsv, join_histories(options.history))
    else:
        training = read_frame(options.training, text=("system", "run", "fold"), numbers=LOSSES)
        found = summarise_convergence(training)
        write_frame(options.tsv, found)
        above, late = int(found["above_constant"].sum()), int(found["late"].sum())
        unexpected = above or (late and options.schedule != CYCLE)
        logger.log(
            logging.WARNING if unexpected else logging.INFO,
            "of %d trainings, %d did not get below the validation loss of a constant per scene, and %d had their best "
            "epoch in the last tenth of the epochs. See convergence.md in the report",
            *(found["trainings"].sum(), above, late),
        )
