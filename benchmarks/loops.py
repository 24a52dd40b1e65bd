"""Training loops to compare softsed with: a textbook's loop, and that of the published baseline of DCASE 2023 Task 4B.

Both train the readable network (`softsed.train.network`) in float32 with Adam, serve batches by a `DataLoader` with one
worker, and compute metrics of the validation recordings with sed_eval in every epoch. They differ in these metrics:

- The textbook's loop averages outputs over seconds and passes one event per active second to sed_eval.
- The published baseline passes the events of a batch to sed_eval, batch by batch, for 11 of 17 classes. dcase_util
  merges and filters these events. Facts about this loop are from https://github.com/marmoi/dcase2023_task4b_baseline
  at commit 1f9e1a0; the code is our own. Its learning rate schedule and early stopping take no time and are left out.

An untrained network detects nothing, although the time of sed_eval grows with the number of events. The metrics of the
published loop therefore compare the targets with the targets of other sequences, which have as many events. A trained
network has more events, because its outputs cross the threshold more often than the labels.
"""

import math
import warnings
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from softsed.train.loop import masked_loss
from softsed.train.network import CRNN
from softsed.train.sequences import Sequences

with warnings.catch_warnings():
    warnings.simplefilter("ignore", UserWarning)  # dcase_util announces the end of pkg_resources
    from dcase_util.containers import MetaDataContainer
    from sed_eval.sound_event import SegmentBasedMetrics

SCORED = 11  # classes that the published baseline evaluates: those with hard labels
THRESHOLD = 0.5


def serve(*tensors: Tensor, batch: int, shuffle: bool) -> DataLoader:
    """Serve batches of sequences with one worker."""
    return DataLoader(TensorDataset(*tensors), batch_size=batch, shuffle=shuffle, num_workers=1)


def train_textbook(model: CRNN, data: Sequences, optimiser: torch.optim.Optimizer, *, batch: int) -> None:
    """Pass over the data once, with updates of the weights, on the device of the model."""
    device = next(model.parameters()).device
    model.train()
    for served in serve(data.features, data.targets, data.mask, batch=batch, shuffle=True):
        features, targets, mask = (tensor.to(device) for tensor in served)
        loss = masked_loss(model.activate(model(features)), targets, mask, "mse") / mask.sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()


@torch.no_grad()
def validate_textbook(model: CRNN, data: Sequences, *, batch: int, rate: int) -> float:
    """Compute the loss, and return the error rate of sed_eval; `rate` is the number of frames per second."""
    device = next(model.parameters()).device
    model.eval()
    start, total = 0, 0.0
    events: tuple[list, list] = [], []  # of the reference and of the system
    for served in serve(data.features, data.targets, data.mask, batch=batch, shuffle=False):
        features, targets, mask = (tensor.to(device) for tensor in served)
        scores = model.activate(model(features))
        total += masked_loss(scores, targets, mask, "mse").item()
        for pair in zip(targets.cpu(), scores.cpu(), strict=True):
            seconds = len(pair[0]) // rate
            for values, found in zip(pair, events, strict=True):
                pooled = values[: seconds * rate].unflatten(0, (seconds, -1)).mean(1)
                found.extend(to_seconds(pooled > THRESHOLD, start))
            start += seconds
    metrics = SegmentBasedMetrics([str(label) for label in range(data.targets.shape[-1])], time_resolution=1.0)
    metrics.evaluate(*events, evaluated_length_seconds=start)
    return metrics.results_overall_metrics()["error_rate"]["error_rate"]


def to_seconds(active: Tensor, start: int) -> list[dict]:
    """List the active seconds of activity [seconds, classes] as events in the format of sed_eval."""
    return [
        {"event_label": str(label), "event_onset": float(start + second), "event_offset": float(start + second + 1)}
        for second, label in active.nonzero().tolist()
    ]


def fit_published(
    model: CRNN, training: Sequences, validation: Sequences, *, batch: int, rate: int, weights: Path
) -> float:
    """Train for one epoch as the published baseline does, and return the mean validation loss.

    Parameters
    ----------
    model : CRNN
        Network to train, in place.
    training, validation : Sequences
        Data. The published loop has no mask: all elements count.
    batch, rate : int
        Sequences per batch, frames per second.
    weights : Path
        File of the best weights. The first epoch is always the best and writes the file.
    """
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
    model.train()
    losses = []
    for features, targets in serve(training.features, training.targets, batch=batch, shuffle=True):
        optimiser.zero_grad()
        loss = functional.mse_loss(model(features), targets)
        losses.append(loss.item())
        loss.backward()
        optimiser.step()
    model.eval()
    metrics = SegmentBasedMetrics([str(label) for label in range(SCORED)], time_resolution=1.0)
    losses.clear()
    with torch.no_grad():
        for features, targets in serve(validation.features, validation.targets, batch=batch, shuffle=True):
            losses.append(functional.mse_loss(model(features), targets).item())
            reference, others = (to_events(values.flatten(0, 1), rate) for values in (targets, targets.flip(0)))
            metrics.evaluate(reference, others)
    metrics.overall_error_rate()
    metrics.overall_f_measure()
    metrics.result_report_class_wise()
    torch.save(model.state_dict(), weights)
    return sum(losses) / len(losses)


def to_events(values: Tensor, rate: int) -> MetaDataContainer:
    """List the events of levels [frames, classes] in whole seconds, as the published baseline does.

    Both the onset and the offset are rounded down. Events of a class with gaps of at most 0.1 s are merged, and events
    of at most 0.1 s are removed.
    """
    events = []
    for label, active in enumerate((values[:, :SCORED] > THRESHOLD).int().T):
        zero = active.new_zeros(1)
        edges = torch.diff(active, prepend=zero, append=zero).nonzero().flatten().tolist()
        for onset, offset in zip(edges[::2], edges[1::2], strict=True):
            times = {"event_onset": math.floor(onset / rate), "event_offset": math.floor(offset / rate)}
            events.append({"event_label": str(label)} | times)
    merged = MetaDataContainer(events).process_events(minimum_event_gap=0.1)
    return merged.process_events(minimum_event_length=0.1)
