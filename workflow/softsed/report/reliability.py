"""Reliability diagrams of the systems: what a score is worth as a probability, and as a soft label.

Scores are clipped to 0..1 and put into ten bins; in each, the mean score beside the share of active seconds (hard
labels) and beside the mean soft label, over the test recordings of all folds and runs and the classes that were asked.
On the diagonal a score says how often the class is active, or how much of the crowd hears it. The expected calibration
error is the mean distance from the diagonal over all cells, a second and class each (Naeini et al., 2015).
"""

import argparse
import json
from pathlib import Path

import numpy as np

from softsed.core.binary_scores import BINS, calibration_error, reliability
from softsed.evaluate.inputs import Scored, read_scored, scores_of_run
from softsed.report.tables import write_tsv

COLUMNS = ["system", "reference", "calibration_error", "bin_from", "bin_to", "cells", "score", "label"]


def sum_up(scored: Scored) -> dict[str, np.ndarray]:
    """Sum up the diagrams of one run against hard and soft labels, as `quality.reliability`: [3, BINS] each."""
    scores = {name: values for tested, _ in scored.folds.values() for name, values in tested.items()}
    asked = {name: ~np.isnan(scored.soft[name]) for name in scores}
    flat = np.concatenate([np.clip(values[asked[name]], 0, 1) for name, values in scores.items()])
    return {
        kind: reliability(flat, np.concatenate([labels[name][asked[name]].astype(float) for name in scores]))
        for kind, labels in (("hard", scored.hard), ("soft", scored.soft))
    }


def diagram_rows(system: str, reference: str, sums: np.ndarray) -> list[dict]:
    """One row a bin, columns `COLUMNS`; score and label are means, None in an empty bin.

    Parameters
    ----------
    sums : ndarray [3, BINS]
        Of `quality.reliability`, added up over runs.
    """
    rows = []
    for place, (cells, *totals) in enumerate(sums.T.tolist()):
        score, label = (total / cells if cells else None for total in totals)
        row = {"system": system, "reference": reference, "calibration_error": calibration_error(sums)}
        row |= {"bin_from": place / BINS, "bin_to": (place + 1) / BINS, "cells": round(cells)}
        rows.append(row | {"score": score, "label": label})
    return rows


def main(argv: list[str] | None = None) -> None:
    """Make the table of the reliability diagrams of all systems."""
    parser = argparse.ArgumentParser(prog="softsed report.reliability", description=main.__doc__)
    parser.add_argument("--predictions", type=Path, required=True, help="folder of SYSTEM/runN/FOLD.tsv, scores")
    parser.add_argument("--systems", type=json.loads, required=True, help="JSON: the runs of each system")
    parser.add_argument("--folds", type=Path, nargs="+", required=True, help="lists of the folds")
    parser.add_argument("--soft", type=Path, required=True, help="soft labels")
    parser.add_argument("--hard", type=Path, required=True, help="hard labels")
    parser.add_argument("--classes", type=Path, required=True, help="table of classes")
    parser.add_argument("--evaluated", type=json.loads, required=True, help="JSON: the classes that count, or all")
    parser.add_argument("--tsv", type=Path, required=True, help="table, written")
    options = parser.parse_args(argv)
    tables = {"soft": options.soft, "hard": options.hard, "classes": options.classes}
    rows = []
    for system, runs in options.systems.items():
        found = []
        for run in runs:
            files = scores_of_run(options.predictions, system, run, options.folds)
            found.append(sum_up(read_scored(files, options.folds, **tables, wanted=options.evaluated)))
        for reference in found[0]:
            rows += diagram_rows(system, reference, sum(sums[reference] for sums in found))
    write_tsv(options.tsv, COLUMNS, rows)
