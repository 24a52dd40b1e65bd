"""Training one system on one fold (Sec. 3.1): H_BCE_sig, S_BCE_sig, S_MSE_lin or any other combination.

A system is what it is trained on (hard or soft labels), its loss and its output layer. Everything random - initial
weights, order of the sequences, dropout - follows from one seed: same seed, same machine and same number of threads
give the same weights on a CPU, also after kills: a training continues from its checkpoint. The model that is kept is
the one with the lowest validation loss.
"""

import argparse
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
from softsed.core.thresholds import trimmed_midrange
from softsed.train.checkpoint import Checkpoint, hash_of
from softsed.train.network import CRNN, choose_device, choose_precision
from softsed.train.sequences import Scaler, Sequences, cut, frames_per_second, read_part

PROGRESS_S = 30  # a line a minute and run would leave a person wondering; one an epoch would flood the terminal

logger = logging.getLogger(__name__)


def masked_loss(raw: Tensor, targets: Tensor, mask: Tensor, kind: str) -> Tensor:
    """Sum a loss over the frames of recordings, filling left out.

    Parameters
    ----------
    raw : Tensor [batch, frames, classes]
        Output of `CRNN.forward`: logits for "bce", scores for "mse" of a linear output.
    targets : Tensor [batch, frames, classes]
    mask : Tensor [batch, frames, classes]
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
    """Pass over the data once, learning if there is an optimiser, and return the mean loss a frame and class."""
    model.train(optimiser is not None)
    total = frames = 0.0
    for batch in batches:
        targets, mask = data.targets[batch], data.mask[batch]
        with torch.set_grad_enabled(optimiser is not None):
            raw = model(data.features[batch])
            summed = masked_loss(model.activate(raw) if loss == "mse" else raw, targets, mask, loss)
        elements = mask.sum().item()
        if not elements:
            continue  # nothing to learn from: the mean would be 0 / 0, and so would be the weights
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
        Trained in place, on the device it is on.
    training, validation : Sequences
    loss : {"bce", "mse"}
    config : dict
        The section ``train``: batch_size, learning_rate, epochs, plateau_epochs and plateau_factor (the learning
        rate is multiplied by the factor after so many epochs without improvement), patience (epochs without
        improvement after which training ends).
    seed : int
        Of the order of the sequences.
    checkpoint : Checkpoint, optional
        Continued if there is one, and written from time to time; a training that was killed gives the same results.

    Returns
    -------
    state : dict of Tensor
        The weights after the epoch with the lowest validation loss.
    history : list of dict
        One row an epoch: epoch, train_loss, validation_loss, learning_rate.

    Raises
    ------
    FloatingPointError
        When a loss is no longer a number, naming the epoch. The last checkpoint stays, if a minute had passed: to
        train again fails again after what was done since, and with another learning rate begins anew.
    """
    optimiser = torch.optim.Adam(model.parameters(), lr=config["learning_rate"], fused=True)
    order = torch.Generator().manual_seed(seed)
    fixed = list(torch.arange(len(validation)).split(config["batch_size"]))
    best, state, stale, history, said = float("inf"), {}, 0, [], time.monotonic()
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
            raise FloatingPointError(f"epoch {epoch}: the loss is not finite ({row}); try a lower learning_rate")
        history.append(row)
        if row["validation_loss"] < best:
            best, stale = row["validation_loss"], 0
            state = {name: value.detach().cpu().clone() for name, value in model.state_dict().items()}
        else:
            stale += 1
            if stale % config["plateau_epochs"] == 0:
                optimiser.param_groups[0]["lr"] = rate * config["plateau_factor"]
        news = time.monotonic() - said >= PROGRESS_S
        said = time.monotonic() if news else said
        logger.info(
            "epoch %d of at most %d: train %.5f, validation %.5f, best %.5f at epoch %d",
            *(epoch, config["epochs"], row["train_loss"], row["validation_loss"], best, epoch - stale),
            extra=PROGRESS if news else {},
        )
        if stale >= config["patience"]:
            break
        if checkpoint:
            checkpoint.save((best, state, stale, history), model, optimiser, order)
    return state, history


def main(argv: list[str] | None = None) -> None:
    """Train one system on one fold."""
    parser = argparse.ArgumentParser(prog="softsed train.system", description=main.__doc__)
    parser.add_argument("--fold", type=Path, required=True, help="lists of the fold")
    parser.add_argument("--features", type=Path, required=True, help="folder of RECORDING.npz")
    parser.add_argument("--soft", type=Path, required=True, help="soft labels")
    parser.add_argument("--hard", type=Path, nargs="?", help="hard labels, for a system that is trained on them")
    parser.add_argument("--classes", type=Path, required=True, help="table of classes")
    parser.add_argument("--system", type=json.loads, required=True, help="labels, loss and output as JSON")
    parser.add_argument("--config", type=json.loads, required=True, help="section `train` as JSON")
    parser.add_argument("--feature-config", type=json.loads, required=True, help="section `features` as JSON")
    parser.add_argument(
        "--carried", type=json.loads, required=True, help="pooling, threshold and trim as JSON: for `softsed apply`"
    )
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--checkpoint", type=Path, help="continued if there is one, written; delete it afterwards")
    parser.add_argument("--checkpoint-every", type=float, default=60, help="seconds between checkpoints, at least")
    parser.add_argument("--model", type=Path, required=True, help="the trained model, written")
    parser.add_argument("--history", type=Path, required=True, help="losses, one row an epoch, written")
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
    del train_features, validation_features  # as large as what was cut of them, for as long as the training lasts

    parameters = {
        "mel_bands": options.feature_config["mel_bands"],
        "classes": len(classes),
        "output": system["output"],
        **config["model"],
    }
    precision = choose_precision(config["precision"], device)
    model = CRNN(**parameters, precision=precision).to(device)
    size = sum(weight.numel() for weight in model.parameters())
    sizes = (size, precision, len(training), len(validation))
    logger.info("%d weights, trained in %s; %d training and %d validation sequences", *sizes)
    checkpoint = None
    if options.checkpoint:
        tensors = [tensor for data in (training, validation) for tensor in (data.features, data.targets, data.mask)]
        identity = {
            "code": code("train.system"),
            "torch": str(torch.__version__),
            "system": system,
            "config": config,
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
            "precision": model.precision,
            "seed": options.seed,
            "thresholds": torch.from_numpy(midrange),  # [classes], nan without a positive training label
            "carried": options.carried,
            "made": made("train.system", "torch", "numpy") | {"device": str(device), "threads": options.threads},
        },
        options.model,
    )
    with options.history.open("w", encoding="utf-8") as file:
        file.write("\t".join(history[0]) + "\n")
        file.writelines("\t".join(f"{value:.8g}" for value in row.values()) + "\n" for row in history)
