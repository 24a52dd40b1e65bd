"""What labels do downstream: the table of all systems, priors and labels against the true events, and its page.

F1 is in percent, error rate and mean squared error as they are; an empty cell is a value that is not defined.
"""

import argparse
from pathlib import Path

from softsed.report.markdown import grid, number
from softsed.report.tables import SCORES, average, read_metrics, write_tsv

PERCENT = {"error_rate": 1, "f1_micro": 100, "f1_macro": 100}
GAINS = ("f1_micro", "f1_macro")
COLUMNS = [
    *("system", "method", "threshold", *SCORES, "mse", *(f"{name}_std" for name in SCORES), "mse_std"),
    *("classes_detected", "classes_in_reference", "against", "against_threshold"),
    *(f"{name}_gain{suffix}" for name in GAINS for suffix in ("", "_std")),
    "runs",
]


def counterparts(systems: dict[tuple[str, str], list[dict]], reference: str) -> dict[tuple[str, str], tuple[str, str]]:
    """Find what differs from a system in the method of its labels only, and has the method of the reference.

    Parameters
    ----------
    systems : dict
        Metrics of the runs by (name, method). What is alike but for the method has the same other settings of the
        training (labels, loss, output, mask); the labels themselves are named "labels".
    reference : str
        The method that the others are compared with.

    Returns
    -------
    dict
        From (name, method) to the (name, method) it is compared with; without those that have no counterpart.
    """

    def kind(key: tuple[str, str]) -> tuple:
        training = systems[key][0]["training"]
        return (key[0] == "labels", *(training.get(name) for name in ("labels", "loss", "output", "mask")))

    known = {kind(key): key for key in reversed(systems) if key[1] == reference}
    return {key: known[kind(key)] for key in systems if key[1] != reference and kind(key) in known}


def gain(runs: list[dict], others: list[dict], point: str, other: str, name: str) -> tuple[float | None, float | None]:
    """Compute how much higher a score is than another, in percentage points.

    Returns
    -------
    difference : float or None
        Of the scores pooled over the folds, averaged over the runs.
    deviation : float or None
        Sample standard deviation, over the folds of all runs, of the differences within a fold: both have the same
        test recordings, so that what makes a fold hard for both is left out.
    """
    pairs = [(run["pooled"], against["pooled"]) for run, against in zip(runs, others, strict=True)]
    folds = [
        (run["folds"][fold], against["folds"][fold])
        for run, against in zip(runs, others, strict=True)
        for fold in run["folds"]
    ]
    pooled, by_fold = (
        [
            None if None in values else values[0] - values[1]
            for pair in found
            if (values := [m["operating_points"][p][name] for m, p in zip(pair, (point, other), strict=True)])
        ]
        for found in (pairs, folds)
    )
    return average(pooled, scale=PERCENT[name])[0], average(by_fold, scale=PERCENT[name])[1]


def results(systems: dict[tuple[str, str], list[dict]], reference: str) -> list[dict]:
    """Collect the table: one row a system, method and operating point, with the columns `COLUMNS`.

    Scores are pooled over the folds, then averaged over the runs; standard deviations are over all folds of all runs.
    Gains stand in the rows that have a counterpart by the method `reference`, at the same operating point; labels have
    one operating point each.
    """
    pairs = counterparts(systems, reference)
    rows = []
    for (system, method), runs in systems.items():
        points = list(runs[0]["pooled"]["operating_points"])
        for index, point in enumerate(points):
            pooled = [run["pooled"]["operating_points"][point] for run in runs]
            folds = [fold["operating_points"][point] for run in runs for fold in run["folds"].values()]
            row = dict.fromkeys(COLUMNS) | {"system": system, "method": method, "threshold": point, "runs": len(runs)}
            for name, scale in PERCENT.items():
                row[name], _ = average([values[name] for values in pooled], scale=scale)
                _, row[f"{name}_std"] = average([values[name] for values in folds], scale=scale)
            row["mse"], _ = average([run["pooled"]["mse"] for run in runs])
            _, row["mse_std"] = average([fold["mse"] for run in runs for fold in run["folds"].values()])
            for name in ("classes_detected", "classes_in_reference"):
                row[name], _ = average([values[name] for values in pooled])
            if key := pairs.get((system, method)):
                other = list(systems[key][0]["pooled"]["operating_points"])[index]
                row |= {"against": f"{key[0]}, {key[1]}" if system == "labels" else key[0], "against_threshold": other}
                for name in GAINS:
                    row[f"{name}_gain"], row[f"{name}_gain_std"] = gain(runs, systems[key], point, other, name)
            rows.append(row)
    return rows


def page(rows: list[dict], metrics: dict, *, experiment: str, reference: str) -> str:
    """Write the page.

    Parameters
    ----------
    rows : list of dict
        As `results` returns them.
    metrics : dict
        One metrics file of a system or prior, for the caption; all come from the same folds.
    """
    folds = len(metrics["folds"])

    def cells(row: dict) -> list[str]:
        gains = [
            number(row[f"{name}_gain"], 1, std=row[f"{name}_gain_std"], signed=True)
            for name in ("f1_macro", "f1_micro")
        ]
        return [
            *(f"`{row['system']}`", row["method"], row["threshold"]),
            number(row["error_rate"], 2, std=row["error_rate_std"]),
            number(row["f1_micro"], 1, std=row["f1_micro_std"]),
            number(row["f1_macro"], 1, std=row["f1_macro_std"]),
            f"{row['classes_detected']:.3g} of {row['classes_in_reference']:.3g}",
            number(row["mse"], 3, std=row["mse_std"]),
            *gains,
        ]

    text = (
        f"# Against the true events ({experiment})\n\n"
        f"Error rate (ER) and F1 in segments of 1 s over {len(metrics['classes'])} classes, {metrics['recordings']} "
        f"recordings, {metrics['seconds']} s, pooled over the test recordings of {folds} folds, mean over the runs. "
        "After ±: sample standard deviation over folds and runs. The reference of every row is the same, the seconds "
        "that a true event touches: this is not Table 2, whose reference are labels.\n\n"
        "- `labels`: the labels themselves, as if a system had said them. They show what the systems were trained on "
        "was worth; a detector can be better than its labels.\n"
        "- Method: how opinions became the labels that a row is, or was trained on, or (priors) was averaged from.\n"
        f"- Threshold: {metrics['config']['threshold']:g}, or class-dependent from the soft labels of the training "
        "recordings; of labels the one that made them hard (`expected_f1`: one a class).\n"
        "- MSE: mean squared difference of scores or soft labels, clipped to 0..1, from the true seconds, over the "
        "classes asked in the scene.\n"
        f"- Gain: percentage points of F1 over the row that has labels by `{reference}` and is otherwise the same, at "
        "the same threshold (labels: each at its own). After ±: standard deviation of the differences within a fold; "
        "divided by the root of the number of folds it is about the standard error, too small as far as folds share "
        "training recordings.\n"
        "- `scene_prior` and `recording_prior` never hear the audio; the latter has seen the labels of the recording "
        "it is tested on.\n\n"
    )
    header = ["System", "Method", "Threshold", "ER", "F1 %", "Macro F1 %", "Classes detected", "MSE"]
    return text + grid([*header, "Gain in macro F1", "Gain in F1"], [cells(row) for row in rows]).rstrip("\n") + "\n"


def main(argv: list[str] | None = None) -> None:
    """Write the table of what labels do downstream."""
    parser = argparse.ArgumentParser(prog="softsed report.ground_truth", description=main.__doc__)
    parser.add_argument(
        "--metrics", type=Path, nargs="+", required=True, help="written by `softsed evaluate.ground_truth`, in order"
    )
    parser.add_argument("--reference", required=True, help="method of labels that the others are compared with")
    parser.add_argument("--experiment", required=True, help="name for the caption")
    parser.add_argument("--tsv", type=Path, required=True, help="table, written")
    parser.add_argument("--markdown", type=Path, required=True, help="page, written")
    options = parser.parse_args(argv)
    systems: dict[tuple[str, str], list[dict]] = {}
    for name, found in read_metrics(options.metrics).items():
        for metrics in found:
            systems.setdefault((name, metrics["training"]["method"]), []).append(metrics)
    rows = results(systems, options.reference)
    write_tsv(options.tsv, COLUMNS, rows)
    *_, last = systems.values()
    text = page(rows, last[0], experiment=options.experiment, reference=options.reference)
    options.markdown.write_text(text, encoding="utf-8")
