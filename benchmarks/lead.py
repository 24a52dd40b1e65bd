"""Labels from real disagreement: LEAD's twenty people, every window judged by a few of them drawn at random.

The reference is the seconds that more than half of the twenty marked. The table has one row a number of people a window
and method, means over the drawings. LEAD (MIT licence) is not part of this repository.

    python benchmarks/lead.py street_12_recordings.tsv results/benchmarks/lead.tsv
"""

import argparse
import logging
import statistics
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from softsed.core.event_text import read_events
from softsed.core.labels import rasterise
from softsed.core.metadata import read_asked, read_classes
from softsed.core.opinions import Opinions, read_opinions
from softsed.data import infer_tables
from softsed.labels.aggregate import ESTIMATORS
from softsed.labels.harden import expected_f1
from softsed.labels.trials import SCORES, judge
from softsed.tools import convert

SIZES, DRAWINGS = (3, 5, 10), 3
CONFIG = {"competence": {"method": "vb", "restarts": 10, "iterations": 50}}


def draw(opinions: Opinions, number: int, rng: np.random.Generator) -> Opinions:
    """Keep the opinions of `number` of the annotators in each window, drawn anew for every window."""
    lot = rng.random((len(opinions.onset), len(opinions.annotators)))
    kept = (lot.argsort(axis=1).argsort(axis=1) < number)[opinions.window, opinions.annotator]
    return replace(opinions, **{n: getattr(opinions, n)[kept] for n in ("window", "annotator", "label", "opinion")})


def main() -> None:
    """Make labels from the drawings by every method and judge them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("annotations", type=Path)
    parser.add_argument("output", type=Path)
    options = parser.parse_args()
    logging.disable(logging.INFO)
    with tempfile.TemporaryDirectory() as scratch:
        names = ("opinions", "recordings", "classes", "scenes", "majority")
        tables = {name: Path(scratch) / f"{name}.tsv" for name in names}
        strong = ["strong", "--annotations", options.annotations, "--opinions", tables["opinions"]]
        convert.main([*map(str, strong), "--majority", str(tables["majority"])])
        infer_tables.main([f"--opinions={tables['opinions']}", f"--tables={scratch}"])
        classes = read_classes(tables["classes"])
        recordings, asked = read_asked(tables["recordings"], tables["scenes"], classes)
        everybody = read_opinions(tables["opinions"], classes, asked=asked, recordings=recordings)
        marked = {name: read_events(tables["majority"] / f"{name}.txt", classes) for name in recordings}
    truth = [rasterise(marked[name], classes, int(r.duration_s)) for name, r in recordings.items()]
    rows = [["people_a_window", "method", *SCORES, "drawings"]]
    for number in SIZES:
        found: dict[str, list[dict[str, float]]] = {method: [] for method in ESTIMATORS}
        for drawing in range(DRAWINGS):
            opinions = draw(everybody, number, np.random.default_rng([number, drawing]))
            for method, estimate in ESTIMATORS.items():
                soft = list(estimate(opinions, CONFIG, recordings=recordings, asked=asked, seed=0)[1].values())
                own = expected_f1(soft) if method == "joint" else np.full(len(classes), 0.5)
                found[method].append(judge(np.concatenate(soft), np.concatenate(truth), own)[0])
        for method, scores in found.items():
            means = [statistics.fmean(score[name] for score in scores) for name in SCORES]
            rows.append([str(number), method, *(f"{value:.4f}" for value in means), str(DRAWINGS)])
    text = "".join("\t".join(row) + "\n" for row in rows)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(text, encoding="utf-8")
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
