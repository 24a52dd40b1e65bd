"""Training of one system on one fold (Sec. 3.1): H_BCE_sig, S_BCE_sig, S_MSE_lin or any other combination.

A system is a kind of training labels (hard or soft), a loss and an output layer. Everything random follows from one
seed: initial weights, order of the sequences, dropout. On a CPU, the same seed, machine and number of threads give the
same weights, even if the training was killed and continued from its checkpoint.
"""

import argparse
import json
import logging
from pathlib import Path

import torch

from softsed.core.code_hash import code, made
from softsed.core.labels import read_soft
from softsed.core.metadata import read_classes, read_fold, read_fold_scenes
from softsed.core.options import add_options, build_parser
from softsed.core.thresholds import trimmed_midrange
from softsed.features.embeddings import Embeddings
from softsed.train.checkpoint import Checkpoint, hash_of
from softsed.train.constant import class_means, constant_loss, output_bias
from softsed.train.device import choose_device, choose_precision
from softsed.train.fast_network import NETWORKS, choose_implementation
from softsed.train.inputs import MEL, FrontEnd
from softsed.train.loop import fit
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
        ' "output_bias": "class_mean", "learning_rate": 0.003, "epochs": 80, "plateau_epochs": 20,'
        ' "plateau_factor": 0.3, "patience": 30}\''
        ' --feature-config \'{"mel_bands": 64, "hop_s": 0.2}\''
        ' --carried \'{"pooling": "mean", "threshold": 0.5, "trim": 10}\''
    )
    parser = build_parser("train.system", main, example=example)
    add_options(parser, "fold", "features")
    help_text = "manifest of embeddings, for a system that reads embeddings"
    parser.add_argument("--embeddings", type=Path, nargs="?", help=help_text)
    add_options(parser, "soft")
    parser.add_argument(
        "--hard", type=Path, nargs="?", help="table of hard labels, for a system trained on hard labels"
    )
    add_options(parser, "classes")
    parser.add_argument(
        "--system",
        type=json.loads,
        required=True,
        help="labels, loss, output and perhaps mask and front_end of the system, as JSON",
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


def main(argv: list[str] | None = None) -> None:
    """Train one system on one fold."""
    options = make_parser().parse_args(argv)
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    device = choose_device(options.device)
    system, config, classes = options.system, options.config, read_classes(options.classes)

    fold = read_fold(options.fold)
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
    scene_of = read_fold_scenes(options.fold)
    constant = constant_loss(
        *(train_targets, [scene_of[name] for name in fold["train"]]),
        *(validation_targets, [scene_of[name] for name in fold["validation"]]),
        system["loss"],
    )
    scaler = Scaler.fit(train_features)
    wanted = front_end.sequence_length(config["sequence_frames"])
    length = min(wanted, max(map(len, train_targets)))  # short recordings need no padding
    training = cut(map(scaler, train_features), train_targets, length).to(device)
    validation = cut(map(scaler, validation_features), validation_targets, length).to(device)
    del train_features, validation_features  # frees as much memory as the sequences take, during the whole training

    sizes = front_end.sizes(options.feature_config, settings)
    parameters = sizes | {"classes": len(classes), "output": system["output"], **config["model"]}
    precision = choose_precision(config["precision"], device)
    implementation = choose_implementation(config["implementation"], device)
    model = NETWORKS[implementation](**parameters, precision=precision).to(device)
    if config["output_bias"] == "class_mean":
        model.start_at(output_bias(class_means(train_targets), system["output"]))
    logger.info(
        "%d weights, %s network, trained in %s; %d training and %d validation sequences",
        *(sum(weight.numel() for weight in model.parameters()), implementation, precision),
        *(len(training), len(validation)),
    )
    checkpoint = None
    if options.checkpoint:
        identity = {
            "code": code("train.system"),
            "torch": str(torch.__version__),
            "system": system,
            # Each implementation draws its own dropout, so neither continues a checkpoint of the other.
            "config": config | {"implementation": implementation},
            "parameters": parameters,
            "seed": options.seed,
            "device": device.type,
            "data": hash_of(*training.tensors(), *validation.tensors()),
        }
        checkpoint = Checkpoint(options.checkpoint, identity, options.checkpoint_every)
    state, history = fit(
        model, training, validation, loss=system["loss"], config=config, seed=options.seed, checkpoint=checkpoint
    )
    best = min(row["validation_loss"] for row in history)
    verdict = "below" if best < constant else "NOT below"
    logger.info("validation loss %.5f, %s that of a constant per scene (%.5f)", best, verdict, constant)

    midrange = trimmed_midrange(list(read_soft(options.soft, classes, fold["train"]).values()), options.carried["trim"])
    torch.save(
        {
            "state": state,
            "parameters": parameters,
            "classes": classes,
            "mean": torch.from_numpy(scaler.mean),
            "std": torch.from_numpy(scaler.std),
            "features": options.feature_config,
            "front_end": front_end.kind,
            "embeddings": settings,
            "system": system,
            "implementation": implementation,
            "precision": model.precision,
            "seed": options.seed,
            "thresholds": torch.from_numpy(midrange),  # [classes], nan for a class without a positive training label
            "sequence_frames": length,
            "carried": options.carried,
            "made": made("train.system", "torch", "numpy") | {"device": str(device), "threads": options.threads},
        },
        options.model,
    )
    with options.history.open("w", encoding="utf-8") as file:
        file.write("\t".join([*history[0], "constant_loss"]) + "\n")
        file.writelines("\t".join(f"{value:.8g}" for value in [*row.values(), constant]) + "\n" for row in history)
