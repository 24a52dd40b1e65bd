"""PSDS of every system of a finished experiment against its true events, by sed_scores_eval, averaged over the runs.

PSDS is not part of the report. Hard labels have a resolution of one second and come from opinions on longer windows, so
PSDS against them would measure edges that no annotator gave. The two settings are those of DCASE Task 4 since 2021:
PSDS1 requires precise times (detection and ground truth intersect by 0.7), PSDS2 requires the right class (0.1, cross
triggers 0.3). The scores of all folds are pooled, although their models need not have the same scale.

    python benchmarks/psds.py results/demo results/benchmarks/psds.tsv       # needs sed_scores_eval
"""

import re
import statistics
import warnings
from pathlib import Path

import numpy as np
from measure import build_parser, write
from sed_scores_eval.base_modules import statistics as counting
from sed_scores_eval.base_modules.scores import create_score_dataframe
from sed_scores_eval.intersection_based import psds

from softsed.core.labels import Event
from softsed.core.metadata import read_classes, read_recordings
from softsed.core.scores import read_scores
from softsed.core.tsv import read_table

# The compiled part of sed_scores_eval 0.0.4 requires writable arrays, which pandas 3 no longer returns.
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
    parser = build_parser(__doc__, "results")
    parser.add_argument("--classes", type=Path, default=Path("workflow/resources/classes.tsv"), help="its classes")
    parser.add_argument("--recordings", type=Path, default=Path("workflow/resources/demo.tsv"), help="its recordings")
    options = parser.parse_args()
    warnings.simplefilter("ignore")  # pandas warns about calls of sed_scores_eval
    classes = list(read_classes(options.classes))
    seconds = {name: one.duration_s for name, one in read_recordings(options.recordings).items()}
    truth = {name: read_truth(options.results / f"data/truth/{name}.tsv") for name in seconds}
    heard = sorted({event.label for events in truth.values() for event in events})
    columns = [classes.index(name) for name in heard]
    rows = []
    for system in sorted(path.name for path in (options.results / "predictions").iterdir()):
        found: dict[str, list[float]] = {name: [] for name in SETTINGS}
        runs = sorted((options.results / "predictions" / system).iterdir())
        for run in runs[:1] if options.smoke else runs:
            tables = [read_scores(path, classes) for path in run.iterdir() if re.fullmatch(r"fold\d+\.tsv", path.name)]
            scores = {
                name: create_score_dataframe(values[:, columns], np.arange(len(values) + 1.0), heard)
                for table in tables
                for name, values in table.items()
            }
            for name, setting in SETTINGS.items():
                found[name].append(psds(scores, truth, seconds, max_efpr=100, **setting)[0])
        spread = [f(values) for values in found.values() for f in (statistics.mean, deviation)]
        rows.append([system, *map(float, spread), len(found["PSDS1"])])
    write(options.output, ["system", "PSDS1", "PSDS1_std", "PSDS2", "PSDS2_std", "runs"], rows)


if __name__ == "__main__":
    main()
