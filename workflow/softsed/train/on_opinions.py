"""Training of one system on the opinions of one fold: a crowd layer takes the place of soft labels.

Soft labels only give the class-dependent thresholds in the model file. docs/training-on-opinions.md has the model.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from softsed.core.errors import InputError
from softsed.core.metadata import Recording, read_asked, read_fold, read_fold_scenes
from softsed.core.opinions import read_opinions
from softsed.core.options import SHARED, add_options, build_parser
from softsed.features.inputs import MEL, FrontEnd
from softsed.labels.joint.dependence import count_independent
from softsed.train.augment import Augment
from softsed.train.crowd.constant import constant_opinion_loss
from softsed.train.crowd.layer import CrowdLayer
from softsed.train.crowd.sequences import cut_opinions, select
from softsed.train.sequences import Scaler
from softsed.train.training import EXAMPLE, Material, add_training_options, train

RAREST = 1e-3  # least share of active seconds from which the output bias starts


def make_parser() -> argparse.ArgumentParser:
    """Create the parser of the options."""
    example = (
        "--fold results/demo/folds/fold1.tsv --features results/demo/features --soft results/demo/labels/eq1/soft.tsv"
        " --opinions results/demo/data/opinions.tsv --recordings workflow/resources/demo.tsv"
        " --scenes workflow/resources/scenes.tsv --annotators annotators.json"
        ' --system \'{"labels": "opinions", "loss": "crowd", "output": "sigmoid"}\' ' + EXAMPLE
    )
    parser = build_parser("train.on_opinions", main, example=example)
    soft = f"{SHARED['soft']['help']}, for the class-dependent thresholds in the model file"
    add_options(parser, "fold", "features", soft=soft)
    add_options(parser, "opinions", "unticked", "recordings", "scenes")
    parser.add_argument(
        "--annotators", type=Path, required=True, help="estimates of `softsed labels.annotators` for this fold (JSON)"
    )
    add_training_options(parser)
    return parser


def find_inactive(recordings: list[Recording], asked: dict, classes: list[str]) -> dict[str, np.ndarray]:
    """Mark the classes that are not annotated in the scene: bool [seconds, classes] per recording."""
    return {
        one.name: np.tile([name not in asked[one.scene] for name in classes], (int(one.duration_s), 1))
        for one in recordings
    }


def prepare(options: argparse.Namespace, classes: list[str]) -> Material:
    """Read the features of the training and validation recordings, and the opinions about them."""
    estimates = json.loads(options.annotators.read_text(encoding="utf-8"))
    fold, front_end = read_fold(options.fold), FrontEnd.choose(MEL, options.feature_config, None)
    used = fold["train"] + fold["validation"]
    recordings, asked = read_asked(options.recordings, options.scenes, classes)
    opinions = read_opinions(options.opinions, classes, asked=asked, recordings=recordings, unticked=options.unticked)
    opinions = select(opinions, used)
    weights = count_independent(opinions)[1]
    outside = find_inactive([recordings[name] for name in used], asked, classes)
    masked = options.system.get("mask") == "asked"
    inactive = {name: np.zeros_like(cells) if masked else cells for name, cells in outside.items()}
    features = {
        part: [front_end.read(name, options.features, None) for name in fold[part]] for part in ("train", "validation")
    }
    seconds = [len(inactive[name]) for name in fold["train"]]
    longest = max(map(len, inactive.values()))  # short recordings need no padding
    scaler = Scaler.fit([front_end.shorten(x, length) for x, length in zip(features["train"], seconds, strict=True)])
    training, validation = (
        cut_opinions(
            map(scaler, features[part]),
            fold[part],
            opinions,
            weights=weights,
            annotators=estimates["annotators"],
            inactive=inactive,
            rate=front_end.rate,
            length=min(options.config["sequence_frames"] // front_end.rate, longest),
        )
        for part in ("train", "validation")
    )
    if not len(validation.weight):
        problem = "no opinion is about a validation recording of the fold"
        raise InputError(problem, file=options.fold, remedy="Provide opinions about more recordings")
    constant = constant_opinion_loss(
        *(opinions, weights, read_fold_scenes(options.fold)),
        training=fold["train"],
        validation=fold["validation"],
        inactive=float(validation.inactive.sum()),
    )
    augment = Augment.create(options.system.get("augment"), front_end, options.feature_config, scaler)
    loss = CrowdLayer(estimates, total=float(training.weight.sum() + training.inactive.sum()), augment=augment)
    counted = sum(len(outside[name]) - outside[name].sum(axis=0) * masked for name in fold["train"])  # seconds
    means = np.clip(np.array(estimates["active_s"]) / np.maximum(counted, 1), RAREST, 1 - RAREST)
    return Material(training, validation, loss, scaler, constant, means, front_end)


def main(argv: list[str] | None = None) -> None:
    """Train one system on the opinions of one fold instead of labels."""
    train("train.on_opinions", make_parser().parse_args(argv), prepare)
