"""Reliability diagrams of the systems: scores as estimates of a probability, and of a soft label.

Scores are clipped to 0..1 and sorted into ten bins. Each bin compares the mean score with the share of active seconds
(hard labels) and with the mean soft label, over the test recordings of all folds and runs and the classes annotated in
the scene. On the diagonal, a score equals the share of active seconds, or the soft label. The expected calibration
error is the mean distance from the diagonal over all cells, pairs of a second and a class (Naeini et al., 2015).
"""

import numpy as np
import pandas as pd

from softsed.core.binary_metrics import BINS, calibration_error, reliability
from softsed.core.options import add_options, build_parser, read_json
from softsed.evaluate.inputs import EvaluationInputs, read_inputs, scores_of_run
from softsed.report.tables import write_frame

COLUMNS = ["system", "reference", "calibration_error", "bin_from", "bin_to", "cells", "score", "label"]


def sum_up(inputs: EvaluationInputs) -> dict[str, np.ndarray]:
    """Sum up the diagrams of one run against hard and soft labels, [3, BINS] each; see `binary_metrics.reliability`."""
    scores = {name: values for tested, _ in inputs.folds.values() for name, values in tested.items()}
    annotated = {name: ~np.isnan(inputs.soft[name]) for name in scores}
    flat = np.concatenate([np.clip(values[annotated[name]], 0, 1) for name, values in scores.items()])
    return {
        kind: reliability(flat, np.concatenate([labels[name][annotated[name]].astype(float) for name in scores]))
        for kind, labels in (("hard", inputs.hard), ("soft", inputs.soft))
    }


def diagram_rows(system: str, reference: str, sums: np.ndarray) -> list[dict]:
    """List the bins of a diagram, one row per bin with the columns `COLUMNS`.

    Parameters
    ----------
    system, reference : str
        Name of the system, and "hard" or "soft".
    sums : ndarray [3, BINS]
        Sums of `binary_metrics.reliability`, added over the runs.

    Returns
    -------
    list of dict
        score and label are means, None in an empty bin.
    """
    rows = []
    for place, (cells, *totals) in enumerate(sums.T.tolist()):
        score, label = (total / cells if cells else None for total in totals)
        row = {"system": system, "reference": reference, "calibration_error": calibration_error(sums)}
        row |= {"bin_from": place / BINS, "bin_to": (place + 1) / BINS, "cells": round(cells)}
        rows.append(row | {"score": score, "label": label})
    return rows


EXAMPLE = """\
--predictions results/demo/predictions --systems '{"S_MSE_lin": [1], "scene_prior": [1]}'
      --folds results/demo/folds/fold1.tsv --soft results/demo/labels/eq1/soft.tsv
      --hard results/demo/labels/eq1/hard.tsv --classes workflow/resources/classes.tsv --evaluated '"all"'
      --tsv results/demo/report/reliability.tsv\
"""


def main(argv: list[str] | None = None) -> None:
    """Make the table of the reliability diagrams of all systems."""
    parser = build_parser("report.reliability", main, example=EXAMPLE)
    add_options(parser, "predictions")
    parser.add_argument("--systems", type=read_json, required=True, help="numbers of the runs by system, as JSON")
    add_options(parser, "folds", "soft", "hard", "classes", "evaluated", "tsv")
    options = parser.parse_args(argv)
    tables = {"soft": options.soft, "hard": options.hard, "classes": options.classes}
    rows = []
    for system, runs in options.systems.items():
        found = []
        for run in runs:
            files = scores_of_run(options.predictions, system, run, options.folds)
            found.append(sum_up(read_inputs(files, options.folds, **tables, wanted=options.evaluated)))
        for reference in found[0]:
            rows += diagram_rows(system, reference, np.sum([sums[reference] for sums in found], axis=0))
    write_frame(options.tsv, pd.DataFrame(rows, columns=COLUMNS))
