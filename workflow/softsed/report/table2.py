"""Table 2: metrics of all systems at all operating points, beside those of the paper.

F1 and areas are in percent, divergences are in nats. An empty cell is a value that is not defined or not published.
"""

import json
from pathlib import Path

import pandas as pd

from softsed.core.options import add_options, build_parser
from softsed.core.thresholds import ALL_CLASSES, MIDRANGE
from softsed.report.summary import AT_THRESHOLD, POOLED, RANKING, SCALE, read_metrics, summarise
from softsed.report.tables import read_frame, write_frame

KLD = ["kld_time", "kld_bernoulli"]
KLD_BY_REFERENCE = [f"{name}_{reference}" for reference in ("soft", "hard") for name in KLD]
WITHOUT_HARD = ["without_hard_labels", "without_hard_labels_detected"]
OTHERS = ["other_classes", "other_classes_detected"]
CLASSES = ["classes_detected", "classes_in_reference", "classes_evaluated", *OTHERS, *WITHOUT_HARD]
PAPER = {"error_rate": "paper_error_rate", "f1_micro": "paper_f1", "kld": "paper_kld"}
# Temporal skill against the hard labels; the column auroc_within refers to the soft labels.
AUROC_HARD = "auroc_within_hard"
FACTORS = SCALE | {AUROC_HARD: 100}
COLUMNS = [
    *(
        "system",
        "threshold",
        *AT_THRESHOLD,
        *KLD,
        *PAPER.values(),
        *RANKING,
        AUROC_HARD,
        *(f"{name}_std" for name in FACTORS),
    ),
    *(*CLASSES, "kld_reference", *KLD_BY_REFERENCE, "runs"),
]


def list_values(systems: dict[str, list[dict]]) -> pd.DataFrame:
    """List the metrics of all systems in one long table.

    Returns
    -------
    DataFrame
        One row per system, run, fold (or `POOLED`) and operating point. Divergences and metrics without a threshold
        stand in the rows of the fixed threshold. The rows of the class-dependent thresholds with the most classes have
        the numbers of classes beyond the evaluated ones (other_classes) and of classes without hard labels.
    """
    rows = []
    for system, runs in systems.items():
        for run, metrics in enumerate(runs):
            for fold, found in {POOLED: metrics["pooled"], **metrics["folds"]}.items():
                beside = {f"{name}_{kind}": values[name] for kind, values in found["kld"].items() for name in KLD}
                beside |= {name: beside[f"{name}_{metrics['kld_reference']}"] for name in KLD}
                ranking, without = found["ranking"], found["without_hard_labels"]
                beside |= ranking["hard"] | ranking["soft"] | {AUROC_HARD: ranking["hard"]["auroc_within"]}
                points = found["operating_points"]
                widest = dict(zip(WITHOUT_HARD, (len(names) for names in without.values()), strict=True))
                if ALL_CLASSES in points:
                    others = [
                        row["f1"]
                        for name, row in points[ALL_CLASSES]["class_wise"].items()
                        if name not in metrics["classes"] and row["f1"] is not None
                    ]
                    widest |= dict(zip(OTHERS, (len(others), sum(f1 > 0 for f1 in others)), strict=True))
                for point, values in points.items():
                    row = {"system": system, "threshold": point, "run": run, "fold": fold}
                    row |= {name: values[name] for name in (*AT_THRESHOLD, "classes_detected", "classes_in_reference")}
                    row |= {"classes_evaluated": len(values["class_wise"])}
                    row |= beside if point not in (MIDRANGE, ALL_CLASSES) else {}
                    rows.append(row | (widest if point == list(points)[-1] else {}))
    numbers = [*FACTORS, *CLASSES, *KLD, *KLD_BY_REFERENCE]
    frame = pd.DataFrame(rows, columns=["system", "threshold", "run", "fold", *numbers])
    return frame.assign(**frame[numbers].astype(float).mul(pd.Series(FACTORS).reindex(numbers, fill_value=1)))


def make_table2(systems: dict[str, list[dict]], paper: pd.DataFrame) -> pd.DataFrame:
    """Make Table 2.

    Parameters
    ----------
    systems : dict
        Metrics of the runs of each system.
    paper : DataFrame
        Published metrics: system, threshold, error_rate, f1_micro, kld.

    Returns
    -------
    DataFrame
        `COLUMNS`, one row per system and operating point. Values are pooled over the folds, then averaged over the
        runs. Standard deviations are over all folds of all runs.
    """
    keys = ["system", "threshold"]
    metrics = summarise(list_values(systems), keys, list(FACTORS))
    facts = pd.DataFrame(
        [(name, runs[0]["kld_reference"], len(runs)) for name, runs in systems.items()],
        columns=["system", "kld_reference", "runs"],
    )
    table = metrics.reset_index().merge(facts, on="system", how="left")
    return table.merge(paper.rename(columns=PAPER), on=keys, how="left")[COLUMNS]


def by_system(table: pd.DataFrame) -> dict[str, dict[str, dict[str, float]]]:
    """Arrange the defined metrics of Table 2 by system and threshold, in its units, for `dvc metrics diff`.

    Values have 6 significant digits, as in the table, so that smaller differences are not reported.
    """
    systems: dict[str, dict[str, dict[str, float]]] = {}
    for row in table.to_dict("records"):
        values = {name: row[name] for name in (*AT_THRESHOLD, *RANKING, *KLD, "classes_detected")}
        known = {name: float(f"{value:.6g}") for name, value in values.items() if not pd.isna(value)}
        systems.setdefault(row["system"], {})[row["threshold"]] = known
    return systems


EXAMPLE = """\
--metrics results/demo/metrics/S_MSE_lin/run1.json results/demo/metrics/scene_prior/run1.json
      --paper workflow/resources/paper_table2.tsv --tsv results/demo/report/table2.tsv
      --json results/demo/report/metrics.json\
"""


def main(argv: list[str] | None = None) -> None:
    """Make Table 2: metrics of all systems beside those of the paper."""
    parser = build_parser("report.table2", main, example=EXAMPLE)
    parser.add_argument(
        "--metrics", type=Path, nargs="+", required=True, help="metrics, one file per system and run, in table order"
    )
    parser.add_argument("--paper", type=Path, required=True, help="Table 2 of the paper")
    add_options(parser, "tsv")
    parser.add_argument("--json", type=Path, required=True, help="metrics by system and threshold to write")
    options = parser.parse_args(argv)
    paper = read_frame(options.paper, text=("system", "threshold"), numbers=tuple(PAPER))
    table = make_table2(read_metrics(options.metrics), paper)
    write_frame(options.tsv, table)
    options.json.write_text(json.dumps(by_system(table), indent=2) + "\n", encoding="utf-8")
