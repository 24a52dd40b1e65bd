"""Validation loss by network: five seeds of the readable network, the fast one, and the fast one in bfloat16.

Trains S_BCE_sig on the first fold of a finished experiment with the settings of the demo, but with the dropout of
config.yaml. The same seed gives the same first weights and the same order of sequences; each implementation draws its
own dropout. The loss is that of the kept weights, computed in the precision of the training.

    python benchmarks/seeds.py results/demo results/benchmarks/seeds.tsv
"""

import csv
import statistics
import tempfile
from pathlib import Path

import yaml
from measure import ROOT, build_parser, softsed, write

SYSTEM = {"labels": "soft", "loss": "bce", "output": "sigmoid"}
SEEDS = range(5)
NETWORKS = {  # name: implementation and precision
    "readable, float32": ("reference", "float32"),
    "fast, float32": ("fast", "float32"),
    "fast, bfloat16": ("fast", "bfloat16"),
}


def read_settings(smoke: bool) -> tuple[dict, dict]:
    """Return the sections `train` and `features`, and replace the demo's dropout of 0 by that of config.yaml."""
    base, demo = (
        yaml.safe_load((ROOT / name).read_text(encoding="utf-8")) for name in ("config.yaml", "workflow/demo.yaml")
    )
    model = base["train"]["model"] | demo["train"]["model"] | {"dropout": base["train"]["model"]["dropout"]}
    epochs = {"epochs": 1} if smoke else {}
    return base["train"] | demo["train"] | {"model": model} | epochs, base["features"] | demo["features"]


def train(experiment: Path, config: dict, features: dict, seed: int) -> float:
    """Train once, and return the lowest validation loss."""
    labels = experiment / "labels/eq1"
    with tempfile.TemporaryDirectory() as scratch:
        history = Path(scratch) / "history.tsv"
        softsed(
            "train.system",
            **{"fold": experiment / "folds/fold1.tsv", "features": experiment / "features"},
            **{"soft": labels / "soft.tsv", "hard": labels / "hard.tsv"},
            **{"classes": ROOT / "workflow/resources/classes.tsv", "system": SYSTEM, "config": config},
            **{"feature_config": features, "carried": {"trim": 10}, "seed": seed, "device": "cpu"},
            **{"model": Path(scratch) / "model.pt", "history": history},
        )
        with history.open(encoding="utf-8", newline="") as file:
            return min(float(row["validation_loss"]) for row in csv.DictReader(file, delimiter="\t"))


def main() -> None:
    """Train all networks with each seed in turn, and write the table."""
    options = build_parser(__doc__, "experiment").parse_args()
    config, features = read_settings(options.smoke)
    seeds = SEEDS[:2] if options.smoke else SEEDS
    losses: dict[str, list[float]] = {name: [] for name in NETWORKS}
    for seed in seeds:
        for name, (implementation, precision) in NETWORKS.items():
            settings = config | {"implementation": implementation, "precision": precision}
            losses[name].append(train(options.experiment, settings, features, seed))
    rows = [[name, *found, statistics.mean(found), statistics.stdev(found)] for name, found in losses.items()]
    write(options.output, ["network", *(f"seed_{seed}" for seed in seeds), "mean", "std"], rows)


if __name__ == "__main__":
    main()
