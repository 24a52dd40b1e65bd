"""Training of one system on one fold (Sec. 3.1): H_BCE_sig, S_BCE_sig, S_MSE_lin or any other combination.

A system is a kind of training data (hard labels, soft labels or opinions), a loss and an output layer. Everything
random follows from one seed: initial weights, order of the sequences, dropout. On a CPU, the same seed, machine and
number of threads give the same weights, even if the training was killed and continued from its checkpoint.
"""

import argparse
import json
import logging
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from softsed.core.code_hash import code, made
from softsed.core.errors import InputError
from softsed.core.labels import read_soft
from softsed.core.metadata import read_asked, read_classes, read_fold, read_fold_scenes
from softsed.core.opinions import read_opinions
from softsed.core.options import add_options, build_parser
from softsed.core.thresholds import trimmed_midrange
from softsed.features.files import features_file, frames_per_second, read_features
from softsed.labels.joint.dependence import count_independent
from softsed.train.checkpoint import Checkpoint, hash_of
from softsed.train.constant import class_means, constant_loss, constant_opinion_loss, output_bias
from softsed.train.crowd_layer import CrowdLayer
from softsed.train.device import choose_device, choose_precision
from softsed.train.fast_network import NETWORKS, choose_implementation
from softsed.train.loop import Data, FrameLoss, Loss, fit
from softsed.train.opinion_sequences import cut_opinions, select
from softsed.train.sequences import Scaler, cut, read_part

logger = logging.getLogger(__name__)


def make_parser() -> argparse.ArgumentParser:
    """Create the parser of the options."""
    example = (
        "--fold results/demo/folds/fold1.tsv --features results/demo/features --soft results/demo/labels/eq1/soft.tsv"
        " --classes workflow/resources/classes.tsv --seed 1 --model fold1.pt --history fold1.history.tsv"
        ' --system \'{"labels": "soft", "loss": "mse", "output": "linear"}\''
        ' --config \'{"model": {"filters": 16, "pooling": [5, 2, 2], "dropout": 0.2, "gru_units": 32, "gru_layers": 2,'
        ' "dense": [32]}, "implementation": "auto", "precision": "auto", "sequence_frames": 200, "batch_size": 4,'
        ' "output_bias": "class_mean", "learning_rate": 0.003, "schedule": "plateau", "epochs": 80,'
        ' "plateau_epochs": 20, "plateau_factor": 0.3, "patience": 30}\''
        ' --feature-config \'{"mel_bands": 64, "hop_s": 0.2}\''
        ' --carried \'{"pooling": "mean", "threshold": 0.5, "trim": 10}\''
    )
    parser = build_parser("train.system", main, example=example)
    add_options(parser, "fold", "features", "soft")
    parser.add_argument(
        "--hard", type=Path, nargs="?", help="table of hard labels, for a system trained on hard labels"
    )
    parser.add_argument(
        "--opinions",
        type=Path,
        nargs="*",
        metavar="FILE",
        help="for a system trained on opinions: tables of opinions, recordings and scenes, and the estimates of "
        "`softsed labels.annotators` for this fold",
    )
    add_options(parser, "classes")
    parser.add_argument(
        "--system", type=json.loads, required=True, help="labels, loss, output and perhaps mask of the system, as JSON"
    )
    add_options(parser, config="section `train` of the config, as JSON")
    parser.add_argument(
        "--feature-config", type=json.loads, required=True, help="section `features` of the config, as JSON"
    )
    parser.add_argument(
        "--carried",
        type=json.loads,
        required=True,
        help="pooling, context, threshold and trim as JSON, stored in the model file for `softsed apply`",
    )
    add_options(parser, "seed", "device", "threads")
    parser.add_argument(
        "--checkpoint", type=Path, help="checkpoint to continue, if it exists, and to write; never deleted by this step"
    )
    parser.add_argument(
        "--checkpoint-every",
        type=float,
        default=60,
        metavar="SECONDS",
        help="least time between two checkpoints (default: 60)",
    )
    parser.add_argument("--model", type=Path, required=True, help="model file to write (.pt)")
    parser.add_argument("--history", type=Path, required=True, help="table of losses to write, one row per epoch")
    return parser


class Material(NamedTuple):
    """What a training needs, beside a network."""

    training: Data
    validation: Data
    loss: Loss
    scaler: Scaler  # of the features
    constant: float  # validation loss of a constant per scene
    means: np.ndarray  # [classes], scores from which the output bias starts


def prepare_labels(options: argparse.Namespace, classes: list[str]) -> Material:
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


def prepare_opinions(options: argparse.Namespace, classes: list[str]) -> Material:
    """Read the features of the training and validation recordings, and the opinions about them."""
    if len(options.opinions or []) != 4:
        expected = "tables of opinions, recordings and scenes, and estimates of the annotators"
        raise InputError("the system is trained on opinions", key="--opinions", expected=expected)
    table, recordings_table, scenes, annotators = options.opinions
    estimates = json.loads(annotators.read_text(encoding="utf-8"))
    system, fold, scene_of = options.system, read_fold(options.fold), read_fold_scenes(options.fold)
    recordings, asked = read_asked(recordings_table, scenes, classes)
    opinions = read_opinions(table, classes, asked=asked, recordings=recordings, unticked=system["unticked"])
    opinions = select(opinions, fold["train"] + fold["validation"])
    weights, rate = count_independent(opinions)[1], frames_per_second(options.feature_config)
    inactive = {
        name: np.tile(
            [one not in asked[recordings[name].scene] for one in classes], (int(recordings[name].duration_s), 1)
        )
        & (system.get("mask") != "asked")
        for name in fold["train"] + fold["validation"]
    }
    features = {
        part: [read_features(features_file(options.features, name)) for name in fold[part]]
        for part in ("train", "validation")
    }
    scaler = Scaler.fit(
        [x[: len(inactive[name]) * rate] for x, name in zip(features["train"], fold["train"], strict=True)]
    )
    length = min(options.config["sequence_frames"] // rate, max(len(inactive[name]) for name in fold["train"]))
    training, validation = (
        cut_opinions(
            map(scaler, features[part]),
            fold[part],
            opinions,
            weights=weights,
            annotators=estimates["annotators"],
            inactive=inactive,
            rate=rate,
            length=length,
        )
        for part in ("train", "validation")
    )
    if not len(validation.weight):
        raise InputError("no opinion is about a validation recording of the fold", file=options.fold)
    constant = constant_opinion_loss(
        *(opinions, weights, scene_of),
        training=fold["train"],
        validation=fold["validation"],
        inactive=float(validation.inactive.sum()),
    )
    loss = CrowdLayer(estimates, total=float(training.weight.sum() + training.inactive.sum()))
    seconds = sum(len(inactive[name]) for name in fold["train"])
    means = np.clip(np.array(estimates["active_s"]) / seconds, 1e-3, 1 - 1e-3)
    return Material(training, validation, loss, scaler, constant, means)


def main(argv: list[str] | None = None) -> None:
    """Train one system on one fold."""
    options = make_parser().parse_args(argv)
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    device = choose_device(options.device)
    system, config, classes = options.system, options.config, read_classes(options.classes)

    prepare = prepare_opinions if system["labels"] == "opinions" else prepare_labels
    material = prepare(options, classes)
    training, validation, loss = material.training.to(device), material.validation.to(device), material.loss.to(device)

    bands = options.feature_config["mel_bands"]
    parameters = {"mel_bands": bands, "classes": len(classes), "output": system["output"], **config["model"]}
    precision = choose_precision(config["precision"], device)
    implementation = choose_implementation(config["implementation"], device)
    model = NETWORKS[implementation](**parameters, precision=precision).to(device)
    if config["output_bias"] == "class_mean":
        model.start_at(output_bias(material.means, system["output"]))
    size = sum(weight.numel() for weight in model.parameters())
    sizes = (size, implementation, precision, len(training), len(validation))
    logger.info("%d weights, %s network, trained in %s; %d training and %d validation sequences", *sizes)
    checkpoint = None
    if options.checkpoint:
        tensors = [tensor for data in (training, validation) for tensor in vars(data).values()]
        tensors += loss.state_dict().values()
        identity = {
            "code": code("train.system"),
            "torch": str(torch.__version__),
            "system": system,
            # Each implementation draws its own dropout, so neither continues a checkpoint of the other.
            "config": config | {"implementation": implementation},
            "parameters": parameters,
            "seed": options.seed,
            "device": device.type,
            "data": hash_of(*tensors),
        }
        checkpoint = Checkpoint(options.checkpoint, identity, options.checkpoint_every)
    state, history = fit(
        model, training, validation, loss=loss, config=config, seed=options.seed, checkpoint=checkpoint
    )
    best, constant = min(row["validation_loss"] for row in history), material.constant
    verdict = "below" if best < constant else "NOT below"
    logger.info("validation loss %.5f, %s that of a constant per scene (%.5f)", best, verdict, constant)

    soft = read_soft(options.soft, classes, read_fold(options.fold)["train"])
    midrange = trimmed_midrange(list(soft.values()), options.carried["trim"])
    scaler = material.scaler
    torch.save(
        {
            "state": state,
            "parameters": parameters,
            "classes": classes,
            "mean": torch.from_numpy(scaler.mean),
            "std": torch.from_numpy(scaler.std),
            "features": options.feature_config,
            "system": system,
            "implementation": implementation,
            "precision": model.precision,
            "seed": options.seed,
            "thresholds": torch.from_numpy(midrange),  # [classes], nan for a class without a positive training label
            "sequence_frames": training.features.shape[1],
            "carried": options.carried,
            "crowd": loss.describe() if isinstance(loss, CrowdLayer) else None,
            "made": {
                **made("train.system", "torch", "numpy", "numba"),
                "device": str(device),
                "threads": options.threads,
            },
        },
        options.model,
    )
    with options.history.open("w", encoding="utf-8") as file:
        file.write("\t".join([*history[0], "constant_loss"]) + "\n")
        file.writelines("\t".join(f"{value:.8g}" for value in [*row.values(), constant]) + "\n" for row in history)
