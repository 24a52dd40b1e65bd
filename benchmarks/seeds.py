"""Does faster training learn the same? Validation losses of the textbook's network and of ours, five seeds each.

Trains S_BCE_sig or another system on one fold of a finished experiment, with the settings of the demo, three ways: the
textbook's network in float32, ours in float32, ours in bfloat16. A seed means the same first weights and the same order
of sequences in all three; dropout differs. Losses are those of the weights that were kept, computed in float32.

    python benchmarks/seeds.py results/demo results/benchmarks/seeds.tsv
"""

import argparse
import statistics
from pathlib import Path

import torch
import yaml
from textbook import Textbook, copy_weights
from training import write

from softsed.core.metadata import read_classes, read_fold
from softsed.train.network import CRNN
from softsed.train.sequences import Scaler, cut, read_part
from softsed.train.system import fit, run_epoch

ROOT = Path(__file__).resolve().parent.parent
KINDS = ["textbook", "float32", "bfloat16"]
SEEDS = range(5)


def main() -> None:
    """Train and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("experiment", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--system", default="S_BCE_sig")
    parser.add_argument("--fold", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(1)
    base, demo = (
        yaml.safe_load((ROOT / name).read_text(encoding="utf-8")) for name in ("config.yaml", "workflow/demo.yaml")
    )
    system = base["systems"][options.system]
    config = base["train"] | demo["train"]
    config["model"] = base["train"]["model"] | demo["train"]["model"]
    classes = read_classes(ROOT / base["classes"])
    labels = options.experiment / "labels" / "eq1"
    read = {"features": options.experiment / "features", "soft": labels / "soft.tsv", "hard": labels / "hard.tsv"}
    read |= {"kind": system["labels"], "classes": classes, "rate": round(1 / demo["features"]["hop_s"])}
    fold = read_fold(options.experiment / "folds" / f"fold{options.fold}.tsv")
    parts = {part: read_part(fold[part], **read) for part in ("train", "validation")}
    scaler = Scaler.fit([x[: len(y)] for x, y in zip(*parts["train"], strict=True)])
    training, validation = (
        cut([scaler(x) for x in features], targets, config["sequence_frames"]) for features, targets in parts.values()
    )
    sizes = {"mel_bands": base["features"]["mel_bands"], "classes": len(classes), "output": system["output"]}
    sizes |= config["model"]
    batches = list(torch.arange(len(validation)).split(config["batch_size"]))

    def train(kind: str, seed: int) -> float:
        torch.manual_seed(seed)
        model = Textbook(**sizes) if kind == "textbook" else CRNN(**sizes, precision=kind)
        state, _ = fit(model, training, validation, loss=system["loss"], config=config, seed=seed)
        model.load_state_dict(state)
        judge = CRNN(**sizes)
        copy_weights(model, judge)
        return run_epoch(judge, validation, batches, system["loss"])

    rows = []
    losses = {kind: [train(kind, seed) for seed in SEEDS] for kind in KINDS}
    for kind, found in losses.items():
        rows.append([kind, *found, statistics.mean(found), statistics.stdev(found)])
    write(options.output, ["network", *(f"seed{seed}" for seed in SEEDS), "mean", "std"], rows)


if __name__ == "__main__":
    main()
