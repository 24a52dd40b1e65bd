"""Length of the training sequences: validation loss, and metrics with the context of sequences or of recordings.

Labels by eq. 1 depend on events up to 9 s away, so sequences must be long enough to contain them. The labels must come
from events: on audio rendered from labels, context does not help. The experiment therefore has the demo's scenes and
crowd at the size of MAESTRO Real. Its features, folds and labels come from Snakemake, see sequence_length.yaml.

All lengths have the same number of frames per batch and per epoch, and therefore the same number of steps. All
trainings of a system and fold start from the same seed. Models, scores and metrics stay in EXPERIMENT/lengths: run the
command again to resume an interrupted benchmark. Two trainings run at once, with one thread each.

    python benchmarks/sequence_length.py results/sequence_length results/benchmarks/sequence_length.tsv
    python benchmarks/sequence_length.py results/sequence_length_200ms results/benchmarks/sequence_length_200ms.tsv
"""

import csv
import json
import statistics
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
import yaml
from measure import ROOT, build_parser, softsed, write

SECONDS = [5, 10, 20, 40, 240]  # the longest is a whole recording
BATCH_S = 240  # seconds per batch, a multiple of every length
SYSTEMS = {
    "H_BCE_sig": {"labels": "hard", "loss": "bce", "output": "sigmoid"},
    "S_BCE_sig": {"labels": "soft", "loss": "bce", "output": "sigmoid"},
    "S_MSE_lin": {"labels": "soft", "loss": "mse", "output": "linear"},
}
FOLDS = [1, 2]
EPOCHS = {5: 30, 50: 12}  # by frames per second; with 30 epochs at 20 ms, the table takes two hours of two cores
FILTERS = 16  # of the demo; with the paper's 128 this table takes days
CONTEXTS = ["recording", "sequence"]
METRICS = ["error_rate", "f1_micro", "f1_macro", "f1_macro_class_dependent", "kld_time"]
COLUMNS = ["system", "sequence_s", "context", "validation_loss", "constant_loss", "best_epoch", *METRICS, "folds"]


class Job(NamedTuple):
    """One training: the system, the length of its sequences in seconds, and the fold."""

    system: str
    seconds: int
    fold: int


def train(experiment: Path, rate: int, job: Job, *, sizes: dict, epochs: int) -> None:
    """Train and score one system on one fold, unless the outputs of an earlier call are there."""
    system, seconds, fold = job
    config = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    settings = config["train"] | {"epochs": epochs, "plateau_epochs": epochs, "patience": epochs}
    settings |= {"model": settings["model"] | sizes, "sequence_frames": seconds * rate}
    settings |= {"batch_size": BATCH_S // seconds}
    folder = experiment / "lengths" / system / f"{seconds}s"
    folder.mkdir(parents=True, exist_ok=True)
    labels, classes = experiment / "labels/eq1", ROOT / "workflow/resources/classes.tsv"
    fold_table, model = experiment / f"folds/fold{fold}.tsv", folder / f"fold{fold}.pt"
    history = folder / f"fold{fold}.history.tsv"
    if not history.exists():
        softsed(
            "train.system",
            **{"fold": fold_table, "features": experiment / "features", "soft": labels / "soft.tsv"},
            **{"hard": labels / "hard.tsv", "classes": classes, "system": SYSTEMS[system], "config": settings},
            **{"feature_config": config["features"] | {"hop_s": 1 / rate}, "seed": fold, "device": "cpu"},
            **{"carried": {"trim": 10}, "model": model, "history": history},
            checkpoint=folder / f"fold{fold}.checkpoint.pt",
        )
    for context in CONTEXTS:
        scores = folder / context / f"fold{fold}.tsv"
        scores.parent.mkdir(exist_ok=True)
        if not scores.exists():
            softsed(
                "predict.system",
                **{"model": model, "fold": fold_table, "features": experiment / "features", "device": "cpu"},
                **{"config": {"pooling": config["predict"]["pooling"], "context": context}, "output": scores},
            )


def summarise(experiment: Path, folder: Path, system: str, seconds: int, context: str) -> list:
    """Evaluate the scores of all folds together, and return a row of the table."""
    output = folder / context / "metrics.json"
    labels = experiment / "labels/eq1"
    softsed(
        "evaluate.system",
        **{"system": system, "run": 1, "loss": SYSTEMS[system]["loss"]},
        scores=[folder / context / f"fold{fold}.tsv" for fold in FOLDS],
        folds=[experiment / f"folds/fold{fold}.tsv" for fold in FOLDS],
        **{
            "soft": labels / "soft.tsv",
            "hard": labels / "hard.tsv",
            "classes": ROOT / "workflow/resources/classes.tsv",
        },
        config={"classes": "all", "threshold": 0.5, "trim": 10, "epsilon": 0.001},
        output=output,
    )
    pooled = json.loads(output.read_text(encoding="utf-8"))["pooled"]
    fixed, midrange = pooled["operating_points"].values()
    best = []
    for fold in FOLDS:
        with (folder / f"fold{fold}.history.tsv").open(encoding="utf-8", newline="") as file:
            best.append(min(csv.DictReader(file, delimiter="\t"), key=lambda row: float(row["validation_loss"])))
    losses = [statistics.fmean(float(row[name]) for row in best) for name in ("validation_loss", "constant_loss")]
    row = [system, seconds, context, *losses, "/".join(row["epoch"] for row in best)]
    row += [fixed["error_rate"], 100 * fixed["f1_micro"], 100 * fixed["f1_macro"], 100 * midrange["f1_macro"]]
    return [*row, pooled["kld"]["soft"]["kld_time"], len(FOLDS)]


def frames_per_second(experiment: Path) -> int:
    """Return the frame rate of the features."""
    with np.load(min((experiment / "features").glob("*.npz"))) as file:
        return round(1 / file["hop_s"].item())


def main() -> None:
    """Train, score and evaluate all combinations, and write the table."""
    options = build_parser(__doc__, "experiment").parse_args()
    experiment, rate = options.experiment, frames_per_second(options.experiment)
    lengths, systems = (SECONDS[:2], ["S_MSE_lin"]) if options.smoke else (SECONDS, list(SYSTEMS))
    sizes, epochs = ({"filters": 2, "gru_units": 2}, 1) if options.smoke else ({"filters": FILTERS}, EPOCHS[rate])
    jobs = [Job(system, seconds, fold) for fold in FOLDS for seconds in lengths for system in systems]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda job: train(experiment, rate, job, sizes=sizes, epochs=epochs), jobs))
    rows = [
        summarise(experiment, experiment / "lengths" / system / f"{seconds}s", system, seconds, context)
        for system in systems
        for seconds in lengths
        for context in CONTEXTS
    ]
    write(options.output, COLUMNS, rows)


if __name__ == "__main__":
    main()
