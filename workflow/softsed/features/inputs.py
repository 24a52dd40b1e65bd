"""Inputs of a network: mel energies of a recording, embeddings by a pretrained model, or both.

Conventions
-----------
- Mel energies have the frames of the section ``features``, and so do the outputs of a network that reads them.
- Embeddings alone have the frames per second of `softsed.features.embeddings.frame_rate`. Beside mel energies, which
  have more frames, the network repeats the embeddings for each frame of the mel energies.
- With embeddings, the input ends with a whole second, and so do the sequences of a training.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from softsed.core.errors import InputError
from softsed.features.embeddings import Embeddings, frame_rate
from softsed.features.files import features_file, frames_per_second, read_features, whole_seconds

MEL, EMBEDDINGS, BOTH = FRONT_ENDS = ("mel", "embeddings", "both")  # values of the key `front_end` of a system


@dataclass(frozen=True)
class Both:
    """Mel energies and embeddings of the same seconds, as arrays or tensors.

    Attributes
    ----------
    mel : [..., frames, mel_bands]
    embeddings : [..., fewer frames, dimensions]
    """

    mel: Any
    embeddings: Any

    def __len__(self) -> int:
        return len(self.mel)

    def __getitem__(self, sequences) -> "Both":
        """Select sequences of a batch."""
        return Both(self.mel[sequences], self.embeddings[sequences])

    def to(self, device: torch.device) -> "Both":
        """Move to a device."""
        return Both(self.mel.to(device), self.embeddings.to(device))


def parts(x) -> list:
    """Return the arrays or tensors of an input: one, or both."""
    return [x.mel, x.embeddings] if isinstance(x, Both) else [x]


def normalise(x, mean, std):
    """Subtract mean and divide by std, [columns]: those of the mel bands, then those of the dimensions."""
    if isinstance(x, Both):
        bands = x.mel.shape[-1]
        mel = normalise(x.mel, mean[:bands], std[:bands])
        return Both(mel, normalise(x.embeddings, mean[bands:], std[bands:]))
    return (x - mean) / std


def no_embeddings() -> InputError:
    """Return the error of a step that has no embeddings for a system that reads embeddings."""
    remedy = "Pass their manifest, written by `softsed features.embedding_manifest`"
    return InputError("the option is missing, but the system reads embeddings", key="--embeddings", remedy=remedy)


@dataclass(frozen=True)
class FrontEnd:
    """The input of a system, and its frames per second.

    Attributes
    ----------
    kind : {"mel", "embeddings", "both"}
    mel_rate : int
        Frames per second of the section ``features``.
    embedding_rate : int
        Frames per second of the embeddings; 0 without embeddings.
    """

    kind: str
    mel_rate: int
    embedding_rate: int

    @classmethod
    def choose(cls, kind: str, features: dict, embeddings: dict | None) -> "FrontEnd":
        """Create the front end of a system from the section ``features`` and the settings of its embeddings.

        Raises
        ------
        InputError
            If the system reads embeddings, and there are none.
        """
        if kind != MEL and embeddings is None:
            raise no_embeddings()
        rate = frames_per_second(features)
        return cls(kind, rate, 0 if kind == MEL or embeddings is None else frame_rate(embeddings["hop_s"], rate))

    @property
    def rate(self) -> int:
        """Frames per second of the outputs."""
        return self.embedding_rate if self.kind == EMBEDDINGS else self.mel_rate

    def sizes(self, features: dict, embeddings: dict | None) -> dict[str, int]:
        """Return the parameters of the network that describe its input."""
        mel = {"mel_bands": 0 if self.kind == EMBEDDINGS else features["mel_bands"]}
        return mel | ({"dimensions": embeddings["dimensions"]} if embeddings and self.kind != MEL else {})

    def sequence_length(self, frames: int) -> int:
        """Return the length of a training sequence in frames of the outputs, from its length in mel frames."""
        return frames if self.kind == MEL else max(1, round(frames / self.mel_rate)) * self.rate

    def seconds(self, x) -> int:
        """Return the whole seconds of an input."""
        return whole_seconds(len(x), self.rate) if self.kind == MEL else len(x) // self.rate

    def read(self, recording: str, features: Path, embeddings: Embeddings | None):
        """Read the input of a recording: ndarray [frames, columns], or `Both`.

        Parameters
        ----------
        recording : str
        features : Path
            Folder of the features.
        embeddings : Embeddings, optional
        """
        if self.kind == MEL:
            return read_features(features_file(features, recording))
        if embeddings is None:
            raise no_embeddings()
        if self.kind == EMBEDDINGS:
            return embeddings.grid(recording, self.embedding_rate)
        mel = read_features(features_file(features, recording))
        seconds = whole_seconds(len(mel), self.mel_rate)
        return self.join(mel, embeddings.grid(recording, self.embedding_rate, seconds))

    def join(self, mel: np.ndarray, embeddings: np.ndarray) -> Both:
        """Join mel energies and embeddings of the same whole seconds; further frames are left out."""
        seconds = min(whole_seconds(len(mel), self.mel_rate), len(embeddings) // self.embedding_rate)
        return Both(mel[: seconds * self.mel_rate], embeddings[: seconds * self.embedding_rate])

    def shorten(self, x, seconds: int):
        """Return the first seconds of an input."""
        if isinstance(x, Both):
            return Both(x.mel[: seconds * self.mel_rate], x.embeddings[: seconds * self.embedding_rate])
        return x[: seconds * self.rate]
