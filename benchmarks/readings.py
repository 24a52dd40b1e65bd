"""Effect of alternative readings of the paper on labels and metrics, on a finished experiment with known true events.

- competence: one per annotator, shared by all classes (as in the published labels), or one per annotator and class
  (the wording of Sec. 2.1). Hard labels that change, and micro F1 of the hard labels against the true seconds.
- pooling: a score per second is the mean of the outputs, or their maximum (the wording of Sec. 3.2: threshold each
  output, a second is active if any output is).
- midrange: over the values that the published files list (annotated in the scene, not zero), or with the zeros of the
  scenes in which a class is not annotated.

    python benchmarks/readings.py results/demo results/benchmarks/readings.tsv
"""

import json
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import yaml
from measure import ROOT, build_parser, softsed, write

from softsed.core.labels import harden, read_soft
from softsed.core.metadata import choose_classes, read_asked, read_classes, read_fold
from softsed.core.opinions import Opinions, read_opinions
from softsed.core.scores import read_scores
from softsed.core.thresholds import trimmed_midrange
from softsed.evaluate.segments import count, metrics_of
from softsed.evaluate.true_seconds import read_true_seconds
from softsed.labels.aggregate import competence, soft_labels

CLASSES = ROOT / "workflow/resources/classes.tsv"
CONFIG = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
MACE = CONFIG["labels"]["competence"] | {"seed": 0}
EVALUATE = CONFIG["evaluate"]
METRICS = {"ER_m": ("error_rate", 1), "F1_m": ("f1_micro", 100), "F1_M": ("f1_macro", 100)}
COLUMNS = ["reading", "of", "metric", "softsed", "other"]


def select(opinions: Opinions, column: int) -> Opinions:
    """Keep the opinions about one class."""
    mine = opinions.label == column
    parts = {name: getattr(opinions, name)[mine] for name in ("window", "annotator", "label", "opinion")}
    return replace(opinions, **parts)


def compare_competence(experiment: Path, recordings: Path) -> list[list]:
    """Compare labels by one competence per annotator with labels by one competence per annotator and class."""
    classes = read_classes(CLASSES)
    listed, asked = read_asked(recordings, ROOT / "workflow/resources/scenes.tsv", classes)
    opinions = read_opinions(experiment / "data/opinions.tsv", classes, asked=asked, recordings=listed)
    pooled = soft_labels(opinions, competence(opinions, **MACE), recordings=listed)
    by_class = {name: matrix.copy() for name, matrix in pooled.items()}
    for column in np.unique(opinions.label).tolist():
        weights = competence(select(opinions, column), **MACE)
        for name, matrix in soft_labels(opinions, weights, recordings=listed).items():
            by_class[name][:, column] = matrix[:, column]
    truth = {name: read_true_seconds(experiment / f"data/truth/{name}.tsv", pooled[name], classes) for name in listed}
    active = [{name: harden(soft[name], 0.5) for name in listed} for soft in (pooled, by_class)]
    changed = sum((active[0][name] != active[1][name]).sum() for name in listed)
    f1 = [
        100 * metrics_of(count(list(truth.values()), list(hard.values()), classes), classes)["f1_micro"]
        for hard in active
    ]
    cells = sum(hard.sum() for hard in active[0].values())
    return [
        ["competence per class", "hard labels", "changed cells, % of active cells", 0.0, 100 * changed / cells],
        ["competence per class", "hard labels", "F1_m against the true seconds", *f1],
    ]


def compare_pooling(experiment: Path, system: str, folder: Path) -> list[list]:
    """Compare the metrics of a system with both kinds of pooling."""
    folds = sorted((experiment / "folds").glob("fold*.tsv"))
    found = {}
    for pooling in ("mean", "max"):
        scores, output = [folder / pooling / fold.name for fold in folds], folder / f"{pooling}.json"
        (folder / pooling).mkdir()
        for fold, path in zip(folds, scores, strict=True):
            softsed(
                "predict.system",
                **{"model": experiment / f"models/{system}/run1/{fold.stem}.pt", "fold": fold},
                **{"features": experiment / "features", "config": CONFIG["predict"] | {"pooling": pooling}},
                output=path,
            )
        softsed(
            "evaluate.system",
            **{"system": system, "run": 1, "loss": "none", "scores": scores, "folds": folds},
            **{kind: experiment / f"labels/eq1/{kind}.tsv" for kind in ("soft", "hard")},
            **{"classes": CLASSES, "config": EVALUATE, "output": output},
        )
        found[pooling] = json.loads(output.read_text(encoding="utf-8"))["pooled"]["operating_points"]
    return [
        ["pooling: max", f"{system}, {point}", metric, *(scale * found[one][point][key] for one in ("mean", "max"))]
        for point in found["mean"]
        for metric, (key, scale) in METRICS.items()
    ]


def compare_midrange(experiment: Path, system: str) -> list[list]:
    """Compare the class-dependent metrics of a system with both readings of the trimmed midrange."""
    names, chosen = choose_classes(CLASSES, EVALUATE["classes"])
    classes = [names[i] for i in chosen]
    soft = read_soft(experiment / "labels/eq1/soft.tsv", names)
    pairs: tuple[list, list] = ([], [])
    for path in sorted((experiment / "folds").glob("fold*.tsv")):
        parts = read_fold(path)
        scores = read_scores(experiment / f"predictions/{system}/run1/{path.name}", names)
        training = [soft[name][:, chosen] for name in parts["train"]]
        thresholds = trimmed_midrange(training, EVALUATE["trim"]), midrange_with_zeros(training, EVALUATE["trim"])
        for name in parts["test"]:
            for listed, midrange in zip(pairs, thresholds, strict=True):
                reference = harden(soft[name][:, chosen], midrange)
                listed.append((reference, harden(scores[name][: len(reference), chosen], midrange)))
    found = [metrics_of(count(*zip(*listed, strict=True), classes), classes) for listed in pairs]
    return [
        ["midrange with unannotated zeros", system, metric, *(scale * values[key] for values in found)]
        for metric, (key, scale) in METRICS.items()
    ]


def midrange_with_zeros(training: list[np.ndarray], percent: float) -> np.ndarray:
    """Compute the trimmed midrange [classes] over the listed values and a zero per second of the other scenes."""
    columns = np.concatenate(training).T
    values = (np.append(column[column > 0], np.zeros(np.isnan(column).sum())) for column in columns)
    return np.array([np.percentile(listed, (percent, 100 - percent)).mean() for listed in values])


def main() -> None:
    """Compare all readings and write the table."""
    parser = build_parser(__doc__, "experiment")
    parser.add_argument("--system", default="S_MSE_lin", help="system whose models and scores are used")
    recordings = ROOT / "workflow/resources/demo.tsv"
    parser.add_argument("--recordings", type=Path, default=recordings, help="table of the recordings")
    options = parser.parse_args()
    rows = compare_competence(options.experiment, options.recordings)
    with tempfile.TemporaryDirectory() as scratch:
        rows += compare_pooling(options.experiment, options.system, Path(scratch))
    rows += compare_midrange(options.experiment, options.system)
    write(options.output, COLUMNS, rows)


if __name__ == "__main__":
    main()
