"""Sequences for training: inputs and second-wise labels of recordings, cut without crossing a recording.

Conventions
-----------
- A frame has the labels of the second in which it lies. Frames after the last whole second are left out.
- A recording is cut into sequences of equal length. The last sequence is padded, and the padding is masked.
- Seconds and classes without a label (nan) count as inactive, as in the published files, or are masked. These are
  classes that are not annotated in the scene, and cells about which nobody gave an opinion.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from softsed.core.errors import InputError
from softsed.core.labels import read_active, read_soft
from softsed.features.embeddings import Embeddings
from softsed.features.inputs import Both, FrontEnd, normalise, parts


@dataclass(frozen=True)
class Scaler:
    """Mean and standard deviation of each column over the frames of the training recordings (z-score).

    The columns are the mel bands, then the dimensions of the embeddings.
    """

    mean: np.ndarray  # [columns]
    std: np.ndarray  # [columns]

    @classmethod
    def fit(cls, features: list) -> "Scaler":
        """Fit on matrices [frames, columns], or on `Both`; a constant column keeps its scale."""
        if isinstance(features[0], Both):
            both = cls.fit([x.mel for x in features]), cls.fit([x.embeddings for x in features])
            return cls(*(np.concatenate([getattr(one, name) for one in both]) for name in ("mean", "std")))
        frames = sum(
            map(len, features)
        )  # per recording, because all recordings at once in float64 would take four times the memory
        mean = sum(x.sum(axis=0, dtype=np.float64) for x in features) / frames
        std = np.sqrt(sum(np.square(x - mean).sum(axis=0) for x in features) / frames)
        return cls(mean.astype(np.float32), np.where(std > 0, std, 1).astype(np.float32))

    def __call__(self, x):
        """Normalise a matrix [frames, columns], or `Both`."""
        return normalise(x, self.mean, self.std)


@dataclass(frozen=True)
class Sequences:
    """Equally long pieces of recordings.

    Attributes
    ----------
    features : Tensor [sequences, frames, columns] or Both
    targets : Tensor [sequences, frames, classes]
        Activity levels in 0..1.
    mask : Tensor [sequences, frames, classes]
        Weight of each element in the loss: 1, or that of `softsed.train.weights`. 0 for elements that do not count:
        padding, and elements without a label of a system with ``mask: asked``.
    """

    features: Tensor | Both
    targets: Tensor
    mask: Tensor

    def __len__(self) -> int:
        return len(self.features)

    def tensors(self) -> list[Tensor]:
        """List all tensors."""
        return [*parts(self.features), self.targets, self.mask]

    def to(self, device: torch.device) -> "Sequences":
        """Move to a device."""
        return Sequences(self.features.to(device), self.targets.to(device), self.mask.to(device))


def read_targets(
    recordings: list[str], *, soft: Path, hard: Path | None, kind: str, classes: list[str], asked_only: bool = False
) -> dict[str, np.ndarray]:
    """Read the training labels of a system.

    Parameters
    ----------
    recordings : list of str
        Names of the recordings to read.
    soft, hard : Path
        Tables of labels. `hard` may be None for soft labels.
    kind : {"soft", "hard"}
        Labels to return.
    classes : list of str
        Classes, in the order of the columns.
    asked_only : bool
        Whether seconds and classes without a label are left out (nan) or count as inactive (0).

    Returns
    -------
    dict of ndarray of float32 [seconds, classes]
        Labels from 0 to 1 of each recording, in the order of `recordings`.
    """
    values = soft_labels = read_soft(soft, classes, recordings)
    if kind == "hard":
        if hard is None:
            raise InputError("the system is trained on hard labels", key="--hard", expected="a table of hard labels")
        values = read_active(hard, soft_labels, classes)
    other = np.nan if asked_only else 0
    return {
        name: np.where(np.isnan(soft_labels[name]), other, matrix).astype(np.float32) for name, matrix in values.items()
    }


def frame_targets(name: str, seconds: int, targets: np.ndarray, rate: int) -> np.ndarray:
    """Repeat the labels of each second for its `rate` frames: [seconds, classes] -> [frames, classes].

    Raises
    ------
    InputError
        If the labels are longer than the `seconds` of the recording.
    """
    if seconds < len(targets):
        raise InputError(
            f"recording {name}: the labels cover {len(targets)} s, but the audio lasts only {seconds} s",
            remedy="Shorten the labels, or replace the recording",
        )
    return np.repeat(targets, rate, axis=0)


def join(inputs: list[Tensor]) -> Tensor | Both:
    """Return the only input of a list, or both inputs; the inverse of `softsed.features.inputs.parts`."""
    return Both(*inputs) if len(inputs) > 1 else inputs[0]


def find_spans(targets: list[np.ndarray], length: int) -> Tensor:
    """Return the numbers of the first and of the last sequence of the recording of each sequence: int [sequences, 2].

    Parameters as in `cut`.
    """
    sequences = torch.tensor([-(-len(y) // length) for y in targets])
    last = sequences.cumsum(0) - 1
    return torch.stack([last - sequences + 1, last], dim=1).repeat_interleave(sequences, dim=0)


def cut(
    features: Iterable, targets: list[np.ndarray], length: int, weights: list[np.ndarray] | None = None
) -> Sequences:
    """Cut recordings into sequences.

    Parameters
    ----------
    features : iterable of ndarray [frames, columns] or Both
        Normalised inputs, one per recording, as long as its targets. They are read one after the other, so that an
        iterator need not hold all of them in memory.
    targets : list of ndarray [frames, classes]
        Labels from 0 to 1, nan for classes that do not count.
    length : int
        Frames per sequence; for `Both`, whole seconds.
    weights : list of ndarray [frames, classes], optional
        Weights of the elements that count; 1 by default.

    Returns
    -------
    Sequences
        In the order of the recordings. No sequence contains frames of two recordings. Padding is 0, the mean of
        normalised features.
    """
    sequences = [-(-len(y) // length) for y in targets]
    total, start = sum(sequences), 0
    tables: list[np.ndarray] = []
    weights = weights or [np.ones_like(y) for y in targets]
    for x, y, weight, number in zip(features, targets, weights, sequences, strict=True):
        matrices = [*parts(x), np.nan_to_num(y, nan=0), ~np.isnan(y) * weight]
        rows = [length * len(matrix) // len(y) for matrix in matrices]  # per sequence; fewer of the embeddings of Both
        tables = tables or [
            np.zeros((total * row, matrix.shape[1]), np.float32) for row, matrix in zip(rows, matrices, strict=True)
        ]
        for table, row, matrix in zip(tables, rows, matrices, strict=True):
            table[start * row : start * row + len(matrix)] = matrix
        start += number
    *inputs, labels, mask = (torch.from_numpy(table).unflatten(0, (total, -1)) for table in tables)
    return Sequences(join(inputs), labels, mask)


def read_part(
    recordings: list[str],
    *,
    front_end: FrontEnd,
    features: Path,
    embeddings: Embeddings | None,
    soft: Path,
    hard: Path | None,
    kind: str,
    classes: list[str],
    asked_only: bool = False,
) -> tuple[list, list[np.ndarray]]:
    """Read inputs [frames, columns], or `Both`, and targets [frames, classes] of the same seconds of recordings.

    Parameters as in `read_targets` and `FrontEnd.read`.
    """
    targets = read_targets(recordings, soft=soft, hard=hard, kind=kind, classes=classes, asked_only=asked_only)
    inputs, framed = [], []
    for name, labels in targets.items():
        x = front_end.read(name, features, embeddings)
        framed.append(frame_targets(name, front_end.seconds(x), labels, front_end.rate))
        inputs.append(front_end.shorten(x, len(labels)))
    return inputs, framed
