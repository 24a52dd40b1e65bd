"""Labels from real disagreement: LEAD's twenty annotators, of whom a few are drawn at random for each window.

The reference is the seconds that more than half of the annotators marked. The table has one row per number of
annotators per window and method, with means over the drawings. LEAD (MIT licence) is not part of this repository.

    python benchmarks/lead.py street_12_recordings.tsv results/benchmarks/lead.tsv
"""

import logging
import statistics
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from measure import build_parser, write

from softsed.core.event_text import read_events
from softsed.core.labels import rasterise
from softsed.core.metadata import read_asked, read_classes
from softsed.core.opinions import Opinions, read_opinions
from softsed.data import infer_tables
from softsed.labels.aggregate import ESTIMATORS
from softsed.labels.harden import expected_f1
from softsed.labels.trials import METRICS, judge
from softsed.tools.convert import command

SIZES, DRAWINGS = (3, 5, 10), 3  # annotators per window, drawings of each number
CONFIG = {"competence": {"method": "vb", "restarts": 10, "iterations": 50}}


def draw(opinions: Opinions, number: int, rng: np.random.Generator) -> Opinions:
    """Keep the opinions of `number` annotators in each window, drawn independently for each window."""
    lot = rng.random((len(opinions.onset), len(opinions.annotators)))
    kept = (lot.argsort(axis=1).argsort(axis=1) < number)[opinions.window, opinions.annotator]
    return replace(opinions, **{n: getattr(opinions, n)[kept] for n in ("window", "annotator", "label", "opinion")})


def main() -> None:
    """Make labels from the drawings by every method, and compare them with the reference."""
    parser = build_parser(__doc__, "annotations")
    options = parser.parse_args()
    sizes, drawings = ((2,), 1) if options.smoke else (SIZES, DRAWINGS)
    logging.disable(logging.INFO)
    with tempfile.TemporaryDirectory() as scratch:
        tables = {name: Path(scratch) / f"{name}.tsv" for name in ("opinions", "recordings", "classes", "scenes")}
        majority = Path(scratch) / "majority"
        strong = ["strong", "--annotations", options.annotations, "--opinions", tables["opinions"]]
        command.main([*map(str, strong), "--hard", str(majority)])
        infer_tables.main([f"--opinions={tables['opinions']}", f"--tables={scratch}"])
        classes = read_classes(tables["classes"])
        recordings, asked = read_asked(tables["recordings"], tables["scenes"], classes)
        everybody = read_opinions(tables["opinions"], classes, asked=asked, recordings=recordings)
        marked = {name: read_events(majority / f"{name}.txt", classes) for name in recordings}
    truth = [rasterise(marked[name], classes, int(r.duration_s)) for name, r in recordings.items()]
    rows = []
    for number in sizes:
        found: dict[str, list[dict[str, float]]] = {method: [] for method in ESTIMATORS}
        for drawing in range(drawings):
            opinions = draw(everybody, number, np.random.default_rng([number, drawing]))
            for method, estimate in ESTIMATORS.items():
                soft = list(estimate(opinions, CONFIG, recordings=recordings, seed=0)[1].values())
                own = expected_f1(soft) if method == "joint" else np.full(len(classes), 0.5)
                found[method].append(judge(np.concatenate(soft), np.concatenate(truth), own)[0])
        for method, scores in found.items():
            means = [statistics.fmean(score[name] for score in scores) for name in METRICS]
            rows.append([number, method, *means, drawings])
    write(options.output, ["annotators_per_window", "method", *METRICS, "drawings"], rows)


if __name__ == "__main__":
    main()
