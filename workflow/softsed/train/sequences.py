"""Sequences for training: features and second-wise labels of recordings, cut without crossing a recording.

Conventions
-----------
- A frame takes the labels of the second it lies in; frames after the last whole second are left out.
- A recording is cut into sequences of equal length; the last one is filled up and its filling masked.
- Classes that were not asked in the scene (nan) count as inactive, as in the published files, or not at all.
"""

import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from softsed.core.errors import InputError
from softsed.core.labels import read_active, read_soft


@dataclass(frozen=True)
class Scaler:
    """Mean and standard deviation of each mel band over the frames of the training recordings (z-score)."""

    mean: np.ndarray  # [mel_bands]
    std: np.ndarray  # [mel_bands]

    @classmethod
    def fit(cls, features: list[np.ndarray]) -> "Scaler":
        """Fit on matrices [frames, mel_bands]; a band that never changes keeps its scale."""
        frames = sum(map(len, features))  # recording by recording: all at once in float64 would be four times the data
        mean = sum(x.sum(axis=0, dtype=np.float64) for x in features) / frames
        std = np.sqrt(sum(np.square(x - mean).sum(axis=0) for x in features) / frames)
        return cls(mean.astype(np.float32), np.where(std > 0, std, 1).astype(np.float32))

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """Normalise features [frames, mel_bands]."""
        return (features - self.mean) / self.std


@dataclass(frozen=True)
class Sequences:
    """Equally long pieces of recordings.

    Attributes
    ----------
    features : Tensor [sequences, frames, mel_bands]
    targets : Tensor [sequences, frames, classes]
        Activity levels in 0..1.
    mask : Tensor [sequences, frames, classes]
        1 for what counts: frames of the recording, and the classes of its scene where only these count. 0 for others.
    """

    features: Tensor
    targets: Tensor
    mask: Tensor

    def __len__(self) -> int:
        return len(self.features)

    def to(self, device: torch.device) -> "Sequences":
        """Move to a device."""
        return Sequences(self.features.to(device), self.targets.to(device), self.mask.to(device))


def read_features(path: Path) -> np.ndarray:
    """Read the features of one recording: float32 [frames, mel_bands]."""
    try:
        with np.load(path, allow_pickle=False) as file:
            return file["mel"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(
            f"{path}: no features of this project (an .npz with the array 'mel'): {error}; delete it, "
            "`snakemake features` makes it"
        ) from error


def frames_per_second(config: dict) -> int:
    """Return the frames a second of the section ``features``; `softsed features.extract` made sure that it is whole."""
    return round(1 / config["hop_s"])


def whole_seconds(frames: int, rate: int) -> int:
    """Return the length of a recording in whole seconds: n samples have 1 + n // hop frames."""
    return (frames - 1) // rate


def read_targets(
    recordings: list[str], *, soft: Path, hard: Path | None, kind: str, classes: list[str], asked_only: bool = False
) -> dict[str, np.ndarray]:
    """Read what a system is trained on.

    Parameters
    ----------
    recordings : list of str
    soft, hard : Path
        Tables of labels.
    kind : {"soft", "hard"}
    asked_only : bool
        Whether a class that was not asked is left out, or counts as inactive.

    Returns
    -------
    dict of ndarray of float32 [seconds, classes]
        In 0..1; where a class was not asked nan or 0.
    """
    values = soft_labels = read_soft(soft, classes, recordings)
    if kind == "hard":
        values = read_active(hard, soft_labels, classes)
    other = np.nan if asked_only else 0
    return {
        name: np.where(np.isnan(soft_labels[name]), other, matrix).astype(np.float32) for name, matrix in values.items()
    }


def frame_targets(name: str, features: np.ndarray, targets: np.ndarray, rate: int) -> np.ndarray:
    """Repeat the labels of each second for its `rate` frames: [seconds, classes] -> [frames, classes]."""
    seconds = whole_seconds(len(features), rate)
    if seconds < len(targets):
        raise InputError(
            f"{name}: the labels cover {len(targets)} s, the audio only {seconds} whole seconds; "
            "shorten the labels or replace the recording"
        )
    return np.repeat(targets, rate, axis=0)


def cut(features: Iterable[np.ndarray], targets: list[np.ndarray], length: int) -> Sequences:
    """Cut recordings into sequences.

    Parameters
    ----------
    features : iterable of ndarray [frames or more, mel_bands]
        Normalised, one matrix a recording; frames beyond those of the targets are left out. Taken one after the other,
        so that they need not be in memory all at once.
    targets : list of ndarray [frames, classes]
        nan where a class does not count.
    length : int
        Frames of a sequence.

    Returns
    -------
    Sequences
        Those of the first recording first; no sequence holds frames of two recordings. Filling is 0, the mean of
        normalised features.
    """
    sequences = [-(-len(y) // length) for y in targets]
    frames, start, matrices = sum(sequences) * length, 0, []
    for x, y, number in zip(features, targets, sequences, strict=True):
        parts = x[: len(y)], np.nan_to_num(y, nan=0), ~np.isnan(y)
        matrices = matrices or [np.zeros((frames, part.shape[1]), np.float32) for part in parts]
        for matrix, part in zip(matrices, parts, strict=True):
            matrix[start : start + len(y)] = part
        start += number * length
    return Sequences(*(torch.from_numpy(matrix).unflatten(0, (-1, length)) for matrix in matrices))


def read_part(
    recordings: list[str],
    *,
    features: Path,
    soft: Path,
    hard: Path | None,
    kind: str,
    classes: list[str],
    rate: int,
    asked_only: bool = False,
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Read features [frames, mel_bands] and targets [frames, classes] of some recordings, `rate` frames a second."""
    xs = [read_features(features / f"{name}.npz") for name in recordings]
    labels = {"soft": soft, "hard": hard, "kind": kind, "classes": classes, "asked_only": asked_only}
    ys = read_targets(recordings, **labels).values()
    return xs, [frame_targets(*row, rate) for row in zip(recordings, xs, ys, strict=True)]
