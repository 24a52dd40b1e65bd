"""Training of one system on one fold (Sec. 3.1): H_BCE_sig, S_BCE_sig, S_MSE_lin or any other combination.

A system is a kind of training labels (hard or soft), a loss and an output layer. Everything random follows from one
seed: initial weights, order of the sequences, dropout. On a CPU, the same seed, machine and number of threads give the
same weights, even if the training was killed and continued from its checkpoint. The weights with the lowest validation
loss are kept.
"""

import json
import logging
import time
from pathlib import Path

import torch
from torch import Tensor, nn

from softsed.core.code_hash import code, made
from softsed.core.labels import read_soft
from softsed.core.log import PROGRESS
from softsed.core.metadata import read_classes, read_fold
from softsed.core.options import add_options, build_parser
from softsed.core.thresholds import trimmed_midrange
from softsed.features.files import frames_per_second
from softsed.train.checkpoint import Checkpoint, hash_of
from softsed.train.device import choose_device, choose_precision
from softsed.train.fast_network import NETWORKS, choose_implementation
from softsed.train.network import CRNN
from softsed.train.sequences import Scaler, Sequences, cut, read_part

PROGRESS_S = 30  # seconds between lines on the terminal: often enough to see progress, seldom enough to read

logger = logging.getLogger(__name__)


def masked_loss(raw: Tensor, targets: Tensor, mask: Tensor, kind: str) -> Tensor:
    """Sum a loss over the elements that the mask selects.

    Parameters
    ----------
    raw : Tensor [batch, frames, classes]
        Logits for "bce", scores for "mse".
    targets : Tensor [batch, frames, classes]
        Labels from 0 to 1.
    mask : Tensor [batch, frames, classes]
        1 for elements that count, else 0.
    kind : {"bce", "mse"}
        Binary cross-entropy of a sigmoid output, or squared error (Sec. 3.1).

    Returns
    -------
    Tensor
        Scalar; divide by the sum of the mask for the mean.
    """
    if kind == "bce":
        elements = nn.functional.binary_cross_entropy_with_logits(raw, targets, reduction="none")
    else:
        elements = nn.functional.mse_loss(raw, targets, reduction="none")
    return (elements * mask).sum()


def run_epoch(model: CRNN, data: Sequences, batches: list[Tensor], loss: str, optimiser=None) -> float:
    """Pass over the data once and return the mean loss per frame and class.

    The weights are updated after each batch if an optimiser is passed. Batches hold indices of sequences.
    """
    model.train(optimiser is not None)
    total = frames = 0.0
    for batch in batches:
        targets, mask = data.targets[batch], data.mask[batch]
        with torch.set_grad_enabled(optimiser is not None):
            raw = model(data.features[batch])
            summed = masked_loss(model.activate(raw) if loss == "mse" else raw, targets, mask, loss)
        elements = mask.sum().item()
        if not elements:
            continue  # no element counts: the mean would be 0 / 0, and would turn the weights into nan
        if optimiser is not None:
            optimiser.zero_grad()
            (summed / elements).backward()
            optimiser.step()
        total, frames = total + summed.item(), frames + elements
    return total / frames


def fit(
    model: CRNN,
    training: Sequences,
    validation: Sequences,
    *,
    loss: str,
    config: dict,
    seed: int,
    checkpoint: Checkpoint | None = None,
) -> tuple[dict[str, Tensor], list[dict]]:
    """Train until the validation loss has stopped improving.

    Parameters
    ----------
    model : CRNN
        Network to train, in place and on its device.
    training, validation : Sequences
        Data on the same device.
    loss : {"bce", "mse"}
        As in `masked_loss`.
    config : dict
        The section ``train``: batch_size, learning_rate, epochs, plateau_epochs and plateau_factor (after so many
        epochs without improvement, the learning rate is multiplied by the factor), patience (epochs without
        improvement after which training ends).
    seed : int
        Seed of the order of the sequences.
    checkpoint : Checkpoint, optional
        Checkpoint to continue, if its file exists, and to write from time to time.

    Returns
    -------
    state : dict of Tensor
        The weights after the epoch with the lowest validation loss.
    history : list of dict
        One row per epoch: epoch, train_loss, validation_loss, learning_rate.

    Raises
    ------
    FloatingPointError
        If a loss is not finite; the message names the epoch. The last checkpoint stays. The same training fails again
        at the same epoch, and a training with another learning rate starts from the beginning.
    """
    optimiser = torch.optim.Adam(model.parameters(), lr=config["learning_rate"], fused=True)
    order = torch.Generator().manual_seed(seed)
    fixed = list(torch.arange(len(validation)).split(config["batch_size"]))
    best, state, stale, history, shown = float("inf"), {}, 0, [], time.monotonic()
    if checkpoint and (progress := checkpoint.load(model, optimiser, order)):
        best, state, stale, history = progress
        logger.info("continuing after epoch %d, from %s", len(history), checkpoint.path)
    for epoch in range(len(history) + 1, config["epochs"] + 1):
        rate = optimiser.param_groups[0]["lr"]
        batches = list(torch.randperm(len(training), generator=order).split(config["batch_size"]))
        row = {
            "epoch": epoch,
            "train_loss": run_epoch(model, training, batches, loss, optimiser),
            "validation_loss": run_epoch(model, validation, fixed, loss),
            "learning_rate": rate,
        }
        if not (row["train_loss"] < float("inf") and row["validation_loss"] < float("inf")):
            raise FloatingPointError(f"epoch {epoch}: the loss is not finite ({row}). Lower train.learning_rate.")
        history.append(row)
        if row["validation_loss"] < best:
            best, stale = row["validation_loss"], 0
            state = {name: value.detach().cpu().clone() for name, value in model.state_dict().items()}
        else:
            stale += 1
            if stale % config["plateau_epochs"] == 0:
                optimiser.param_groups[0]["lr"] = rate * config["plateau_factor"]
        due = time.monotonic() - shown >= PROGRESS_S
        shown = time.monotonic() if due else shown
        logger.info(
            "epoch %d of at most %d: train %.5f, validation %.5f, best %.5f at epoch %d",
            *(epoch, config["epochs"], row["train_loss"], row["validation_loss"], best, epoch - stale),
            extra=PROGRESS if due else {},
        )
        if stale >= config["patience"]:
            break
        if checkpoint:
            checkpoint.save((best, state, stale, history), model, optimiser, order)
    return state, history


def main(argv: list[str] | None = None) -> None:
    """Train one system on one fold."""
    example = (
        "--fold results/demo/folds/fold1.tsv --features results/demo/features --soft results/demo/labels/eq1/soft.tsv"
        " --classes workflow/resources/classes.tsv --seed 1 --model fold1.pt --history fold1.history.tsv"
        ' --system \'{"labels": "soft", "loss": "mse", "output": "linear"}\''
        ' --config \'{"model": {"filters": 16, "pooling": [5, 2, 2], "dropout": 0.2, "gru_units": 32, "gru_layers": 2,'
        ' "dense": [32]}, "implementation": "auto", "precision": "auto", "sequence_frames": 25, "batch_size": 16,'
        ' "learning_rate": 0.003, "epochs": 45, "plateau_epochs": 12, "plateau_factor": 0.3, "patience": 20}\''
        ' --feature-config \'{"mel_bands": 64, "hop_s": 0.2}\''
        ' --carried \'{"pooling": "mean", "threshold": 0.5, "trim": 10}\''
    )
    parser = build_parser("train.system", main, example=example)
    add_options(parser, "fold", "features", "soft")
    parser.add_argument(
        "--hard", type=Path, nargs="?", help="table of hard labels, for a system trained on hard labels"
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
        help="pooling, threshold and trim as JSON, stored in the model file for `softsed apply`",
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
    options = parser.parse_args(argv)
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    device = choose_device(options.device)
    system, config, classes = options.system, options.config, read_classes(options.classes)

    fold = read_fold(options.fold)
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
    scaler = Scaler.fit([x[: len(y)] for x, y in zip(train_features, train_targets, strict=True)])
    length = config["sequence_frames"]
    training = cut(map(scaler, train_features), train_targets, length).to(device)
    validation = cut(map(scaler, validation_features), validation_targets, length).to(device)
    del train_features, validation_features  # frees as much memory as the sequences take, during the whole training

    parameters = {
        "mel_bands": options.feature_config["mel_bands"],
        "classes": len(classes),
        "output": system["output"],
        **config["model"],
    }
    precision = choose_precision(config["precision"], device)
    implementation = choose_implementation(config["implementation"], device)
    model = NETWORKS[implementation](**parameters, precision=precision).to(device)
    size = sum(weight.numel() for weight in model.parameters())
    sizes = (size, implementation, precision, len(training), len(validation))
    logger.info("%d weights, %s network, trained in %s; %d training and %d validation sequences", *sizes)
    checkpoint = None
    if options.checkpoint:
        tensors = [tensor for data in (training, validation) for tensor in (data.features, data.targets, data.mask)]
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
        model, training, validation, loss=system["loss"], config=config, seed=options.seed, checkpoint=checkpoint
    )

    midrange = trimmed_midrange(list(read_soft(options.soft, classes, fold["train"]).values()), options.carried["trim"])
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
            "carried": options.carried,
            "made": made("train.system", "torch", "numpy") | {"device": str(device), "threads": options.threads},
        },
        options.model,
    )
    with options.history.open("w", encoding="utf-8") as file:
        file.write("\t".join(history[0]) + "\n")
        file.writelines("\t".join(f"{value:.8g}" for value in row.values()) + "\n" for row in history)
