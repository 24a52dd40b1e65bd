"""The training loop: losses over the elements that count, learning rate, early stopping and the best epoch (Sec. 3.1).

The weights with the lowest validation loss are kept.
"""

import logging
import time
from typing import Any, Protocol, Self

import torch
from torch import Tensor, nn

from softsed.core.log import PROGRESS
from softsed.features.inputs import Both
from softsed.train.augment import Augment
from softsed.train.checkpoint import Checkpoint
from softsed.train.network import CRNN
from softsed.train.sequences import Sequences

WARM_UP = 0.1  # share of a cycle in which the learning rate rises
PROGRESS_S = 30  # seconds between lines on the terminal: often enough to see progress, seldom enough to read

logger = logging.getLogger(__name__)


def masked_loss(raw: Tensor, targets: Tensor, mask: Tensor, kind: str) -> Tensor:
    """Sum a loss over the elements that count.

    Parameters
    ----------
    raw : Tensor [batch, frames, classes]
        Logits for "bce" and "focal", scores for "mse".
    targets : Tensor [batch, frames, classes]
        Labels from 0 to 1.
    mask : Tensor [batch, frames, classes]
        Weight of each element; 0 for elements that do not count.
    kind : {"bce", "focal", "mse"}
        Binary cross-entropy of a sigmoid output or squared error (Sec. 3.1), or the quality focal loss (Li et al.,
        NeurIPS 2020), |target - score|^2 times the cross-entropy.

    Returns
    -------
    Tensor
        Scalar; divide by the sum of the mask for the mean.
    """
    if kind == "mse":
        elements = nn.functional.mse_loss(raw, targets, reduction="none")
    else:
        elements = nn.functional.binary_cross_entropy_with_logits(raw, targets, reduction="none")
        if kind == "focal":
            elements = elements * (targets - torch.sigmoid(raw)).square()
    return (elements * mask).sum()


class Data(Protocol):
    """Equally long pieces of recordings, and what a loss compares with the outputs of a network."""

    @property
    def features(self) -> Tensor | Both:
        """Return the inputs [sequences, frames, columns]."""

    def tensors(self) -> list[Tensor]:
        """List all tensors. A checkpoint is continued only if their content is the same."""

    def __len__(self) -> int:
        """Return the number of sequences."""

    def to(self, device: torch.device) -> Self:
        """Move to a device."""


class Loss(nn.Module):
    """Loss of one kind of data. Its parameters, if it has any, are learned together with those of the network."""

    def forward(self, model: CRNN, data: Any, batch: Tensor) -> tuple[Tensor, float]:
        """Compute the sum of the loss over the elements of some sequences that count, and their number.

        Parameters
        ----------
        model : CRNN
            Network with one output per frame and class.
        data : Data
            All sequences, of the kind of this loss.
        batch : Tensor of int [batch]
            Indices of the sequences.
        """
        raise NotImplementedError

    def describe(self) -> dict:
        """Return the entries of the model file about the loss, by default none."""
        return {}


class FrameLoss(Loss):
    """Loss of labels: `masked_loss` of the outputs of a network, per frame and class.

    Parameters
    ----------
    kind : {"bce", "focal", "mse"}
        As in `masked_loss`.
    augment : Augment, optional
        Random changes of the sequences in training.
    """

    def __init__(self, kind: str, augment: Augment | None = None) -> None:
        super().__init__()
        self.kind, self.augment = kind, augment

    def forward(self, model: CRNN, data: Sequences, batch: Tensor) -> tuple[Tensor, float]:
        """Compute the loss, as in `Loss.forward`."""
        if self.augment is not None and self.training:
            features, targets, mask = self.augment.take(data, batch)
        else:
            features, targets, mask = data.features[batch], data.targets[batch], data.mask[batch]
        raw = model(features)
        summed = masked_loss(model.activate(raw) if self.kind == "mse" else raw, targets, mask, self.kind)
        return summed, mask.sum().item()


def run_epoch(model: CRNN, data: Data, batches: list[Tensor], loss: Loss, optimiser=None) -> float:
    """Pass over the data once and return the mean loss per element.

    The parameters are updated after each batch if an optimiser is passed. Batches hold indices of sequences.
    """
    model.train(optimiser is not None)
    loss.train(optimiser is not None)
    total = counted = 0.0
    for batch in batches:
        with torch.set_grad_enabled(optimiser is not None):
            summed, elements = loss(model, data, batch)
        if not elements:
            continue  # no element counts: the mean would be 0 / 0, and would turn the weights into nan
        if optimiser is not None:
            optimiser.zero_grad()
            (summed / elements).backward()
            optimiser.step()
        total, counted = total + summed.item(), counted + elements
    return total / counted


def snapshot(module: nn.Module) -> dict[str, Tensor]:
    """Copy the parameters and buffers of a module."""
    return {name: value.detach().cpu().clone() for name, value in module.state_dict().items()}


def cycle_rate(epoch: int, epochs: int, peak: float) -> float:
    """Return the learning rate of one epoch of a cycle: linear from 0 to the peak, then linear to 0.

    A training takes the value in the middle of each epoch (1 to `epochs`), so that no epoch has the rate 0.
    """
    part = (epoch - 0.5) / epochs
    return peak * min(part / WARM_UP, (1 - part) / (1 - WARM_UP))


def fit(
    model: CRNN,
    training: Data,
    validation: Data,
    *,
    loss: Loss,
    config: dict,
    seed: int,
    checkpoint: Checkpoint | None = None,
) -> tuple[dict[str, Tensor], list[dict]]:
    """Train until the validation loss has stopped improving, or to the end of the cycle.

    Parameters
    ----------
    model : CRNN
        Network to train, in place and on its device.
    training, validation : Data
        Data on the same device.
    loss : Loss
        Loss of such data. Its parameters are left as after the epoch with the lowest validation loss.
    config : dict
        The section ``train``: batch_size, learning_rate, epochs, schedule. For the schedule "plateau" also
        plateau_epochs and plateau_factor (after so many epochs without improvement, the learning rate is multiplied by
        the factor), and patience (epochs without improvement after which training ends). The schedule "cycle" trains
        for all epochs with the rates of `cycle_rate`, so that its rate follows from the number of the epoch.
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
    cycle = config["schedule"] == "cycle"
    optimiser = torch.optim.Adam([*model.parameters(), *loss.parameters()], lr=config["learning_rate"], fused=True)
    order = torch.Generator().manual_seed(seed)
    fixed = list(torch.arange(len(validation)).split(config["batch_size"]))
    best, state, learned, stale, history, shown = float("inf"), {}, snapshot(loss), 0, [], time.monotonic()
    if checkpoint and (progress := checkpoint.load(model, optimiser, order)):
        best, state, learned, stale, history, now = progress
        loss.load_state_dict(now)
        logger.info("continuing after epoch %d, from %s", len(history), checkpoint.path)
    for epoch in range(len(history) + 1, config["epochs"] + 1):
        if cycle:
            optimiser.param_groups[0]["lr"] = cycle_rate(epoch, config["epochs"], config["learning_rate"])
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
            state, learned = snapshot(model), snapshot(loss)
        else:
            stale += 1
            if not cycle and stale % config["plateau_epochs"] == 0:
                optimiser.param_groups[0]["lr"] = rate * config["plateau_factor"]
        due = time.monotonic() - shown >= PROGRESS_S
        shown = time.monotonic() if due else shown
        logger.info(
            "epoch %d of at most %d: train %.5f, validation %.5f, best %.5f at epoch %d",
            *(epoch, config["epochs"], row["train_loss"], row["validation_loss"], best, epoch - stale),
            extra=PROGRESS if due else {},
        )
        if not cycle and stale >= config["patience"]:
            break
        if checkpoint:
            checkpoint.save((best, state, learned, stale, history, loss.state_dict()), model, optimiser, order)
    loss.load_state_dict(learned)
    return state, history
