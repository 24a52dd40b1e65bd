"""The reference that `benchmarks/training.py` measures against, and whose numbers the tests compare.

The network of Sec. 3.1 as a textbook writes it down - layers in the usual order, default memory layout, float32,
PyTorch's own modules - and the loop of the published baseline: a `DataLoader` with one worker, and validation scored
with sed_eval every epoch. It has the weights of `softsed.train.network.CRNN` in the same order and of the same shapes.
"""

import warnings

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from softsed.train.sequences import Sequences
from softsed.train.system import masked_loss

with warnings.catch_warnings():
    warnings.simplefilter("ignore", UserWarning)  # dcase_util, which sed_eval needs, announces the end of pkg_resources
    from sed_eval.sound_event import SegmentBasedMetrics

FRAMES_PER_SECOND = 50


class Textbook(nn.Module):
    """Convolution, batch norm, ReLU, max pooling, dropout, as often as told; GRU; linear layers."""

    def __init__(self, *, mel_bands, classes, filters, pooling, dropout, gru_units, gru_layers, dense, output) -> None:
        super().__init__()
        blocks, channels, bands = [], 1, mel_bands
        for width in pooling:
            blocks += [nn.Conv2d(channels, filters, kernel_size=3, padding=1), nn.BatchNorm2d(filters), nn.ReLU()]
            blocks += [nn.MaxPool2d((1, width)), nn.Dropout(dropout)]
            channels, bands = filters, bands // width
        self.convolutions = nn.Sequential(*blocks)
        self.recurrent = nn.GRU(filters * bands, gru_units, gru_layers, bidirectional=True, batch_first=True)
        sizes = [2 * gru_units, *dense, classes]
        self.dense = nn.Sequential(*(nn.Linear(sizes[i], sizes[i + 1]) for i in range(len(sizes) - 1)))
        self.output = output

    def forward(self, mel: Tensor) -> Tensor:
        """Compute [batch, frames, mel_bands] -> [batch, frames, classes]."""
        x = self.convolutions(mel.unsqueeze(1))
        x, _ = self.recurrent(x.permute(0, 2, 3, 1).flatten(2))
        return self.dense(x)

    def activate(self, raw: Tensor) -> Tensor:
        """Turn outputs into scores."""
        return torch.sigmoid(raw) if self.output == "sigmoid" else raw


def copy_weights(source: nn.Module, target: nn.Module) -> None:
    """Copy weights and running statistics between the two networks, which have them in the same order."""
    ours, theirs = source.state_dict(), target.state_dict()
    target.load_state_dict(dict(zip(theirs, ours.values(), strict=True)))


def to_events(active: Tensor, start: int) -> list[dict]:
    """List the events of active seconds [seconds, classes], as sed_eval wants them."""
    return [
        {"event_label": str(label), "event_onset": float(start + second), "event_offset": float(start + second + 1)}
        for second, label in active.nonzero().tolist()
    ]


def load(data: Sequences, batch_size: int, shuffle: bool) -> DataLoader:
    """Serve sequences with one worker."""
    tensors = TensorDataset(data.features, data.targets, data.mask)
    return DataLoader(tensors, batch_size=batch_size, shuffle=shuffle, num_workers=1)


def train_epoch(model: Textbook, data: Sequences, batch_size: int, loss: str, optimiser) -> float:
    """Pass over the data once, learning, and return the mean loss a frame and class."""
    model.train()
    total = frames = 0.0
    for features, targets, mask in load(data, batch_size, shuffle=True):
        raw = model(features)
        summed = masked_loss(model.activate(raw) if loss == "mse" else raw, targets, mask, loss)
        elements = mask.sum().item()
        optimiser.zero_grad()
        (summed / elements).backward()
        optimiser.step()
        total, frames = total + summed.item(), frames + elements
    return total / frames


@torch.no_grad()
def validate(model: Textbook, data: Sequences, batch_size: int, loss: str) -> tuple[float, float]:
    """Compute the mean loss a frame and class, and the error rate a second by sed_eval."""
    model.eval()
    total = frames = 0.0
    start, reference, estimated = 0, [], []
    for features, targets, mask in load(data, batch_size, shuffle=False):
        raw = model(features)
        summed = masked_loss(model.activate(raw) if loss == "mse" else raw, targets, mask, loss)
        total, frames = total + summed.item(), frames + mask.sum().item()
        for scores, labels in zip(model.activate(raw), targets, strict=True):
            seconds = len(scores) // FRAMES_PER_SECOND
            for values, events in ((scores, estimated), (labels, reference)):
                pooled = values[: seconds * FRAMES_PER_SECOND].unflatten(0, (seconds, -1)).mean(1)
                events.extend(to_events(pooled > 0.5, start))
            start += seconds
    labels = [str(label) for label in range(data.targets.shape[-1])]
    metrics = SegmentBasedMetrics(labels, time_resolution=1.0)
    metrics.evaluate(reference, estimated, evaluated_length_seconds=start)
    return total / frames, metrics.results_overall_metrics()["error_rate"]["error_rate"]
