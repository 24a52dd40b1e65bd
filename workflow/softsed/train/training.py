"""What all trainings have in common: options, network, checkpoint, model file and history (Sec. 3.1).

A step passes `train` a function that reads its data and builds its loss. Everything random follows from one seed:
initial weights, order of the sequences, dropout, augmentation. On a CPU, the same seed, machine and number of threads
give the same weights, even if the training was killed and continued from its checkpoint.
"""

import argparse
import logging
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from softsed.core.code_hash import code, made
from softsed.core.labels import read_soft
from softsed.core.metadata import read_classes, read_fold
from softsed.core.options import add_options, read_json
from softsed.core.thresholds import trimmed_midrange
from softsed.features.inputs import FrontEnd, parts
from softsed.train.checkpoint import Checkpoint, hash_of
from softsed.train.constant import output_bias
from softsed.train.device import choose_device, choose_precision
from softsed.train.fast.network import NETWORKS, choose_implementation
from softsed.train.loop import Data, Loss, fit
from softsed.train.sequences import Scaler

# Arguments of the options below, for the example of a step.
EXAMPLE = (
    "--classes workflow/resources/classes.tsv --seed 1 --model fold1.pt --history fold1.history.tsv"
    ' --config \'{"model": {"filters": 16, "pooling": [5, 2, 2], "dropout": 0.2, "gru_units": 32, "gru_layers": 2,'
    ' "dense": [32]}, "implementation": "auto", "precision": "auto", "sequence_frames": 200, "batch_size": 4,'
    ' "output_bias": "class_mean", "learning_rate": 0.003, "schedule": "plateau", "epochs": 80,'
    ' "plateau_epochs": 20, "plateau_factor": 0.3, "patience": 30}\''
    ' --feature-config \'{"mel_bands": 64, "hop_s": 0.2}\''
    ' --carried \'{"pooling": "mean", "threshold": 0.5, "trim": 10}\''
)

logger = logging.getLogger(__name__)


def add_training_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `train`, without those of the data: fold, features, embeddings and soft labels."""
    add_options(parser, "classes")
    parser.add_argument(
        "--system",
        type=read_json,
        required=True,
        help="labels, loss and output of the system, and its optional keys, as JSON",
    )
    add_options(parser, config="section `train` of the config, as JSON")
    parser.add_argument(
        "--feature-config", type=read_json, required=True, help="section `features` of the config, as JSON"
    )
    parser.add_argument(
        "--carried",
        type=read_json,
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


class Material(NamedTuple):
    """What a training needs, beside a network."""

    training: Data
    validation: Data
    loss: Loss
    scaler: Scaler  # of the inputs
    constant: float  # validation loss of a constant per scene
    means: np.ndarray  # [classes], scores from which the output bias starts
    front_end: FrontEnd
    embeddings: dict | None = None  # settings of the embeddings, if the system reads any


def train(step: str, options: argparse.Namespace, prepare: Callable[[argparse.Namespace, list[str]], Material]) -> None:
    """Train one system on one fold, and write the model file and the history.

    Parameters
    ----------
    step : str
        Step that trains, such as "train.system". Its code is part of the model file and of the checkpoint.
    options : argparse.Namespace
        Values of fold, soft, and the options of `add_training_options`.
    prepare : callable
        Returns the material from the options and the names of the classes.
    """
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    device = choose_device(options.device)
    system, config, classes = options.system, options.config, read_classes(options.classes)

    material = prepare(options, classes)
    training, validation, loss = material.training.to(device), material.validation.to(device), material.loss.to(device)

    inputs = material.front_end.sizes(options.feature_config, material.embeddings)
    parameters = {**inputs, "classes": len(classes), "output": system["output"], **config["model"]}
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
        identity = {
            "code": code(step),
            "torch": str(torch.__version__),
            "system": system,
            # Each implementation draws its own dropout, so neither continues a checkpoint of the other.
            "config": config | {"implementation": implementation},
            "parameters": parameters,
            "seed": options.seed,
            "device": device.type,
            "data": hash_of(*training.tensors(), *validation.tensors(), *loss.state_dict().values()),
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
    torch.save(
        {
            "state": state,
            "parameters": parameters,
            "classes": classes,
            "mean": torch.from_numpy(material.scaler.mean),
            "std": torch.from_numpy(material.scaler.std),
            "features": options.feature_config,
            "front_end": material.front_end.kind,
            "embeddings": material.embeddings,
            "system": system,
            "implementation": implementation,
            "precision": model.precision,
            "seed": options.seed,
            "thresholds": torch.from_numpy(midrange),  # [classes], nan for a class without a positive training label
            "sequence_frames": parts(training.features)[0].shape[1],
            "carried": options.carried,
            "made": {**made(step, "torch", "numpy", "numba"), "device": str(device), "threads": options.threads},
            **loss.describe(),
        },
        options.model,
    )
    with options.history.open("w", encoding="utf-8") as file:
        file.write("\t".join([*history[0], "constant_loss"]) + "\n")
        file.writelines("\t".join(f"{value:.8g}" for value in [*row.values(), constant]) + "\n" for row in history)
