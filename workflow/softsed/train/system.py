"""Training of one system on one fold (Sec. 3.1): H_BCE_sig, S_BCE_sig, S_MSE_lin or any other combination.

A system is a kind of labels (hard or soft), a loss and an output layer. `softsed.train.on_opinions` trains systems on
opinions.
"""

import argparse
import logging
from pathlib import Path

import numpy as np

from softsed.core.errors import InputError
from softsed.core.metadata import read_fold, read_fold_scenes
from softsed.core.options import add_options, build_parser
from softsed.features.embeddings import Embeddings
from softsed.features.inputs import MEL, FrontEnd
from softsed.train.augment import Augment
from softsed.train.constant import class_means, constant_loss
from softsed.train.loop import FrameLoss
from softsed.train.sequences import Scaler, cut, find_spans, read_part
from softsed.train.training import EXAMPLE, Material, add_training_options, train
from softsed.train.weights import Weights

logger = logging.getLogger(__name__)


def make_parser() -> argparse.ArgumentParser:
    """Create the parser of the options."""
    example = (
        "--fold results/demo/folds/fold1.tsv --features results/demo/features --soft results/demo/labels/eq1/soft.tsv"
        ' --system \'{"labels": "soft", "loss": "mse", "output": "linear"}\' ' + EXAMPLE
    )
    parser = build_parser("train.system", main, example=example)
    add_options(parser, "fold", "features")
    help_text = "manifest of embeddings, for a system that reads embeddings"
    parser.add_argument("--embeddings", type=Path, nargs="?", help=help_text)
    help_text = (
        "table of soft labels, for a system trained on them and for the class-dependent thresholds in the model file"
    )
    add_options(parser, soft=help_text)
    parser.add_argument(
        "--hard", type=Path, nargs="?", help="table of hard labels, for a system trained on hard labels"
    )
    help_text = "table of `softsed labels.counts`, for a system with weight: opinions"
    parser.add_argument("--counts", type=Path, nargs="?", help=help_text)
    add_training_options(parser)
    return parser


def prepare(options: argparse.Namespace, classes: list[str]) -> Material:
    """Read the inputs and the hard or soft labels of the training and validation recordings."""
    system, fold, scene_of = options.system, read_fold(options.fold), read_fold_scenes(options.fold)
    embeddings = Embeddings.read(options.embeddings) if options.embeddings else None
    settings = embeddings.settings if embeddings else None
    front_end = FrontEnd.choose(system.get("front_end", MEL), options.feature_config, settings)
    read = {
        "front_end": front_end,
        "features": options.features,
        "embeddings": embeddings,
        "soft": options.soft,
        "hard": options.hard,
        "kind": system["labels"],
        "classes": classes,
        "asked_only": system.get("mask") == "asked",
    }
    train_features, train_targets = read_part(fold["train"], **read)
    validation_features, validation_targets = read_part(fold["validation"], **read)
    for part, targets in (("training", train_targets), ("validation", validation_targets)):
        if all(np.isnan(y).all() for y in targets):  # possible only with mask: asked
            remedy = "Leave out mask: asked, or provide labels of more recordings"
            raise InputError(f"no {part} recording of the fold has a label", file=options.fold, remedy=remedy)
    weights = Weights.fit(
        system,
        recordings=fold["train"],
        targets=train_targets,
        rate=front_end.rate,
        classes=classes,
        counts=options.counts,
    )
    train_weights, validation_weights = (
        [weights.of(name, y, front_end.rate) for name, y in zip(fold[part], targets, strict=True)]
        for part, targets in (("train", train_targets), ("validation", validation_targets))
    )
    constant = constant_loss(
        *(train_targets, [scene_of[name] for name in fold["train"]]),
        *(validation_targets, [scene_of[name] for name in fold["validation"]]),
        system["loss"],
        weights=validation_weights,
    )
    scaler = Scaler.fit(train_features)
    # Short recordings need no padding.
    length = min(front_end.sequence_length(options.config["sequence_frames"]), max(map(len, train_targets)))
    training = cut(map(scaler, train_features), train_targets, length, train_weights)
    validation = cut(map(scaler, validation_features), validation_targets, length, validation_weights)
    spans = find_spans(train_targets, length)
    augment = Augment.create(system.get("augment"), front_end, options.feature_config, scaler, spans)
    if augment and augment.settings.get("shift_s") and (spans[:, 0] == spans[:, 1]).all():
        logger.warning("augment.shift_s changes nothing: no training recording is longer than a sequence")
    loss, means = FrameLoss(system["loss"], augment), class_means(train_targets)
    return Material(training, validation, loss, scaler, constant, means, front_end, settings)


def main(argv: list[str] | None = None) -> None:
    """Train one system on the hard or soft labels of one fold."""
    train("train.system", make_parser().parse_args(argv), prepare)
