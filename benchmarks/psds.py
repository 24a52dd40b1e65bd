"""PSDS of every system of a finished experiment against its true events, by sed_scores_eval, means over the runs.

Not part of the report: against hard labels of one second, made from opinions on windows of many, it would measure edges
that nobody gave. Two settings, those of DCASE Task 4 since 2021: PSDS1 wants events found where they are (detection and
ground truth intersect by 0.7), PSDS2 that they are found at all and not taken for others (0.1, cross triggers 0.3). The
scores of all folds are taken together, whose models need not have one scale.

    python benchmarks/psds.py results/demo results/benchmarks/psds.tsv       # needs sed_scores_eval
"""

import argparse
import re
import statistics
import warnings
from pathlib import Path

import numpy as np
from measure import write
from sed_scores_eval.base_modules import statistics as counting
from sed_scores_eval.base_modules.scores import create_score_dataframe
from sed_scores_eval.intersection_based import psds

from softsed.core.labels import Event
from softsed.core.metadata import read_classes, read_recordings
from softsed.core.scores import read_scores
from softsed.core.tsv import read_table

# Its compiled part wants arrays that it may write to, which pandas 3 no longer gives (sed_scores_eval 0.0.4).
CURVES = counting.onset_offset_curves
counting.onset_offset_curves = lambda *arguments: CURVES(
    *(one.copy() if isinstance(one, np.ndarray) else one for one in arguments)
)

SETTINGS = {
    "PSDS1": {"dtc_threshold": 0.7, "gtc_threshold": 0.7, "cttc_threshold": None, "alpha_ct": 0, "alpha_st": 1},
    "PSDS2": {"dtc_threshold": 0.1, "gtc_threshold": 0.1, "cttc_threshold": 0.3, "alpha_ct": 0.5, "alpha_st": 1},
}


def deviation(values: list[float]) -> float:
    """Return the sample standard deviation, 0 of a single run."""
    return statistics.stdev(values) if len(values) > 1 else 0


def merge(events: list[Event]) -> list[Event]:
    """Merge events of one class that overlap or touch."""
    merged: list[Event] = []
    for event in sorted(events, key=lambda event: (event.label, event.onset)):
        if merged and merged[-1].label == event.label and event.onset <= merged[-1].offset:
            merged[-1] = merged[-1]._replace(offset=max(merged[-1].offset, event.offset))
        else:
            merged.append(event)
    return merged


def read_truth(path: Path) -> list[Event]:
    """Read the true events of a recording of the demo."""
    rows = read_table(path, ("onset", "offset", "label"))
    return merge([Event(float(row["onset"]), float(row["offset"]), row["label"]) for row in rows])


def main() -> None:
    """Score every run of every system."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path, help="folder of an experiment with data/truth and predictions")
    parser.add_argument("output", type=Path, help="table, written")
    parser.add_argument("--classes", type=Path, default=Path("workflow/resources/classes.tsv"))
    parser.add_argument("--recordings", type=Path, default=Path("workflow/resources/demo.tsv"))
    options = parser.parse_args()
    warnings.simplefilter("ignore")  # of pandas, about how sed_scores_eval uses it
    classes = list(read_classes(options.classes))
    seconds = {name: one.duration_s for name, one in read_recordings(options.recordings).items()}
    truth = {name: read_truth(options.results / f"data/truth/{name}.tsv") for name in seconds}
    heard = sorted({event.label for events in truth.values() for event in events})
    columns = [classes.index(name) for name in heard]
    rows = []
    for system in sorted(path.name for path in (options.results / "predictions").iterdir()):
        found: dict[str, list[float]] = {name: [] for name in SETTINGS}
        for run in sorted((options.results / "predictions" / system).iterdir()):
            tables = [read_scores(path, classes) for path in run.iterdir() if re.fullmatch(r"fold\d+\.tsv", path.name)]
            scores = {
                name: create_score_dataframe(values[:, columns], np.arange(len(values) + 1.0), heard)
                for table in tables
                for name, values in table.items()
            }
            for name, setting in SETTINGS.items():
                found[name].append(psds(scores, truth, seconds, max_efpr=100, **setting)[0])
        spread = [f"{f(values):.4f}" for values in found.values() for f in (statistics.mean, deviation)]
        rows.append([system, *spread, str(len(found["PSDS1"]))])
    write(options.output, ["system", "PSDS1", "PSDS1_std", "PSDS2", "PSDS2_std", "runs"], rows)


if __name__ == "__main__":
    main()
