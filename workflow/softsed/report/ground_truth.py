"""Metrics of all systems, baselines without audio and labels against the ground truth, in one table.

F1 and areas are in percent; error rate and mean squared error have no unit. An empty cell is a value that is not
defined. Metrics without a threshold are the same in all rows of a system.
"""

from pathlib import Path

import pandas as pd

from softsed.core.options import add_options, build_parser
from softsed.report.summary import AT_THRESHOLD, POOLED, SCALE, read_metrics, summarise
from softsed.report.tables import write_frame

KEYS = ["system", "method", "threshold"]
GAINS = ["f1_micro", "f1_macro"]
COLUMNS = [
    *(*KEYS, *SCALE, "mse", *(f"{name}_std" for name in SCALE), "mse_std"),
    *("classes_detected", "classes_in_reference", "against", "against_threshold"),
    *(f"{name}_gain{suffix}" for name in GAINS for suffix in ("", "_std")),
    "runs",
]

Systems = dict[tuple[str, str], list[dict]]  # metrics of the runs, by (system, method of its labels)


def group(metrics: dict[str, list[dict]]) -> Systems:
    """Group the metrics of each system by the method of its labels."""
    systems: Systems = {}
    for name, found in metrics.items():
        for run in found:
            systems.setdefault((name, run["training"]["method"]), []).append(run)
    return systems


def counterparts(systems: Systems, reference: str) -> dict[tuple[str, str], tuple[str, str]]:
    """Find the system that differs only in the method of its labels, which is that of the reference.

    Parameters
    ----------
    systems : dict
        Metrics by (system, method). Systems that differ only in the method have the same other settings of the training
        (labels, loss, output, mask). The labels themselves are named "labels".
    reference : str
        Method of the labels that other methods are compared with.

    Returns
    -------
    dict
        (system, method) -> (system, method) of the counterpart. Systems without a counterpart are left out.
    """

    def kind(key: tuple[str, str]) -> tuple:
        training = systems[key][0]["training"]
        return (key[0] == "labels", *(training.get(name) for name in ("labels", "loss", "output", "mask")))

    known = {kind(key): key for key in reversed(systems) if key[1] == reference}
    return {key: known[kind(key)] for key in systems if key[1] != reference and kind(key) in known}


def list_values(systems: Systems) -> pd.DataFrame:
    """List the metrics of all systems in one long table.

    Returns
    -------
    DataFrame
        One row per system, method, run, fold (or `POOLED`) and operating point. ``point`` is the number of the
        operating point: labels have one point each, under different names.
    """
    rows = []
    for (system, method), runs in systems.items():
        for run, metrics in enumerate(runs):
            for fold, found in {POOLED: metrics["pooled"], **metrics["folds"]}.items():
                for point, (threshold, values) in enumerate(found["operating_points"].items()):
                    row = {"system": system, "method": method, "threshold": threshold, "point": point}
                    row |= {"run": run, "fold": fold, "mse": found["mse"]} | found["ranking"]
                    row |= {name: values[name] for name in (*AT_THRESHOLD, "classes_detected", "classes_in_reference")}
                    rows.append(row)
    frame = pd.DataFrame(rows)
    return frame.astype(dict.fromkeys((*SCALE, "mse", "classes_detected", "classes_in_reference"), float))


def compute_gains(values: pd.DataFrame, pairs: dict[tuple[str, str], tuple[str, str]]) -> pd.DataFrame:
    """Compute the difference in F1 between each system and its counterpart, in percentage points.

    Parameters
    ----------
    values : DataFrame
        See `list_values`. Runs are paired in order, operating points by their number.
    pairs : dict
        See `counterparts`.

    Returns
    -------
    DataFrame
        Index `KEYS`, columns against, against_threshold, METRIC_gain and METRIC_gain_std. The standard deviation is
        that of the differences within a fold. Within a fold, both systems have the same test recordings, so that the
        difficulty of the fold cancels.
    """
    listed = pd.DataFrame([(*key, *other) for key, other in pairs.items()], columns=[*KEYS[:2], "against", "other"])
    columns = ["point", "run", "fold"]
    others = values.rename(columns={"system": "against", "method": "other", "threshold": "against_threshold"})
    joined = values.merge(listed, on=KEYS[:2]).merge(others, on=["against", "other", *columns], suffixes=("", "_other"))
    gains = {f"{name}_gain": (joined[name] - joined[f"{name}_other"]) * SCALE[name] for name in GAINS}
    joined = joined.assign(**gains)
    is_labels = joined["system"] == "labels"
    joined["against"] = joined["against"].where(~is_labels, joined["against"] + ", " + joined["other"])
    texts = joined.groupby(KEYS, sort=False)[["against", "against_threshold"]].first()
    return texts.join(summarise(joined[[*KEYS, "run", "fold", *gains]], KEYS, list(gains)))


def make_table(systems: Systems, reference: str) -> pd.DataFrame:
    """Make the table, one row per system, method and operating point with the columns `COLUMNS`.

    Metrics are pooled over the folds, then averaged over the runs. Standard deviations are over all folds of all runs.
    Rows with a counterpart by the method `reference` have a gain over it.
    """
    values = list_values(systems)
    scaled = values.assign(**{name: values[name] * scale for name, scale in SCALE.items()}).drop(columns="point")
    table = summarise(scaled, KEYS, [*SCALE, "mse"])
    table["runs"] = values[values["fold"] == POOLED].groupby(KEYS, sort=False).size()
    if pairs := counterparts(systems, reference):
        table = table.join(compute_gains(values, pairs))
    return table.reset_index().reindex(columns=COLUMNS)


EXAMPLE = """\
--metrics results/demo/metrics/labels/eq1.truth.json results/demo/metrics/S_MSE_lin/run1.truth.json
      --reference eq1 --tsv results/demo/report/truth.tsv\
"""


def main(argv: list[str] | None = None) -> None:
    """Make the table of metrics against the ground truth."""
    parser = build_parser("report.ground_truth", main, example=EXAMPLE)
    parser.add_argument(
        "--metrics", type=Path, nargs="+", required=True, help="metrics against the ground truth, in table order"
    )
    parser.add_argument("--reference", required=True, help="method of labels that other methods are compared with")
    add_options(parser, "tsv")
    options = parser.parse_args(argv)
    write_frame(options.tsv, make_table(group(read_metrics(options.metrics)), options.reference))
