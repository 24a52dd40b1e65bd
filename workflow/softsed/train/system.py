"""Training of one system on one fold (Sec. 3.1): H_BCE_sig, S_BCE_sig, S_MSE_lin or any other combination.

A system is a kind of labels (hard or soft), a loss and an output layer. `softsed.train.on_opinions` trains systems on
opinions.
"""

import argparse
from pathlib import Path

from softsed.core.metadata import read_fold, read_fold_scenes
from softsed.core.options import add_options, build_parser
from softsed.features.files import frames_per_second
from softsed.train.constant import class_means, constant_loss
from softsed.train.loop import FrameLoss
from softsed.train.sequences import Scaler, cut, read_part
from softsed.train.training import EXAMPLE, Material, add_training_options, train


def make_parser() -> argparse.ArgumentParser:
    """Create the parser of the options."""
    example = (
        "--fold results/demo/folds/fold1.tsv --features results/demo/features --soft results/demo/labels/eq1/soft.tsv"
        ' --system \'{"labels": "soft", "loss": "mse", "output": "linear"}\' ' + EXAMPLE
    )
    parser = build_parser("train.system", main, example=example)
    add_options(parser, "fold", "features", "soft")
    parser.add_argument(
        "--hard", type=Path, nargs="?", help="table of hard labels, for a system trained on hard labels"
    )
    add_training_options(parser)
    return parser


def prepare(options: argparse.Namespace, classes: list[str]) -> Material:
    """Read the features and the hard or soft labels of the training and validation recordings."""
    system, fold, scene_of = options.system, read_fold(options.fold), read_fold_scenes(options.fold)
    read = {
        "features": options.features,
        "soft": options.soft,
        "hard": options.hard,
        "kind": system["labels"],
        "classes": classes,
        "rate": frames_per_second(options.feature_config),
        "asked_only": system.get("mask") == "asked",
    }
    train_features, train_targets = read_part(fold["train"], **read)
    validation_features, validation_targets = read_part(fold["validation"], **read)
    constant = constant_loss(
        *(train_targets, [scene_of[name] for name in fold["train"]]),
        *(validation_targets, [scene_of[name] for name in fold["validation"]]),
        system["loss"],
    )
    scaler = Scaler.fit([x[: len(y)] for x, y in zip(train_features, train_targets, strict=True)])
    # Short recordings need no padding.
    length = min(options.config["sequence_frames"], max(map(len, train_targets)))
    training = cut(map(scaler, train_features), train_targets, length)
    validation = cut(map(scaler, validation_features), validation_targets, length)
    return Material(training, validation, FrameLoss(system["loss"]), scaler, constant, class_means(train_targets))


def main(argv: list[str] | None = None) -> None:
    """Train one system on the hard or soft labels of one fold."""
    train("train.system", make_parser().parse_args(argv), prepare)
