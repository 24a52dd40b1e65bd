"""Sequences for training on opinions: features of recordings, and the answers about windows inside each sequence.

Conventions
-----------
- A sequence begins and ends with whole seconds. Sequences of a recording overlap by the length of the longest window
  minus one second, so that every window lies within a sequence. It belongs to the last such sequence.
- The last sequence ends with the recording. A recording that is shorter than a sequence is padded with 0, the mean of
  normalised features.
- A class that is not annotated in the scene is inactive, as for labels.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace

import numpy as np
import torch
from torch import Tensor

from softsed.core.errors import InputError
from softsed.core.opinions import Opinions


@dataclass(frozen=True)
class OpinionSequences:
    """Equally long pieces of recordings, and the opinions about them.

    Attributes
    ----------
    features : Tensor [sequences, frames, mel_bands]
    inactive : Tensor [sequences, seconds, classes]
        1 for seconds of classes that are not annotated in the scene, else 0. Each second of a recording counts once.
    first : Tensor of int [sequences + 1]
        First opinion of each sequence.
    onset, offset : Tensor of int [opinions]
        Window in seconds from the start of the sequence.
    label, annotator, answer : Tensor of int [opinions]
        Class, annotator and answer 0 or 1.
    weight : Tensor [opinions]
        Number of independent opinions for which the opinion counts (`softsed.labels.joint.dependence`).
    """

    features: Tensor
    inactive: Tensor
    first: Tensor
    onset: Tensor
    offset: Tensor
    label: Tensor
    annotator: Tensor
    answer: Tensor
    weight: Tensor

    def __len__(self) -> int:
        return len(self.features)

    def tensors(self) -> list[Tensor]:
        """List all tensors."""
        return list(vars(self).values())

    def to(self, device: torch.device) -> "OpinionSequences":
        """Move to a device."""
        return OpinionSequences(*(getattr(self, field.name).to(device) for field in fields(self)))

    def opinions_of(self, batch: Tensor) -> tuple[Tensor, Tensor]:
        """List the opinions of some sequences.

        Returns
        -------
        place, opinion : Tensor of int [opinions]
            Index into `batch`, and index of the opinion.
        """
        start, number = self.first[batch], self.first[batch + 1] - self.first[batch]
        device = number.device  # that of the data; the batch may be on the CPU
        place = torch.repeat_interleave(torch.arange(len(batch), device=device), number)
        skipped = start - (number.cumsum(0) - number)
        return place, torch.arange(len(place), device=device) + skipped[place]


def select(opinions: Opinions, recordings: list[str]) -> Opinions:
    """Return the opinions about some recordings."""
    kept = np.isin(opinions.recording, recordings)[opinions.window]
    columns = {name: getattr(opinions, name)[kept] for name in ("window", "annotator", "label", "opinion")}
    return replace(opinions, **columns)


def choose_starts(seconds: int, length: int, longest: int) -> np.ndarray:
    """Return the starts of the sequences of a recording in seconds.

    Parameters
    ----------
    seconds, length, longest : int
        Length of the recording, of a sequence, and of the longest window.
    """
    last = max(0, seconds - length)
    return np.append(np.arange(0, last, length - longest + 1), last)


def cut_opinions(
    features: Iterable[np.ndarray],
    recordings: list[str],
    opinions: Opinions,
    *,
    weights: np.ndarray,
    annotators: list[str],
    inactive: dict[str, np.ndarray],
    rate: int,
    length: int,
) -> OpinionSequences:
    """Cut recordings into sequences with their opinions.

    Parameters
    ----------
    features : iterable of ndarray [frames or more, mel_bands]
        Normalised features of each recording.
    recordings : list of str
        Names of the recordings, in the order of `features`. Opinions on other recordings are left out.
    opinions : Opinions
    weights : ndarray [opinions]
        Number of independent opinions.
    annotators : list of str
        Annotators of the training in their order. All others have the number after the last one.
    inactive : dict of ndarray [seconds, classes]
        1 for the seconds of each recording in which a class is known to be inactive, else 0.
    rate : int
        Frames per second.
    length : int
        Seconds per sequence.

    Raises
    ------
    InputError
        If a window is longer than a sequence, or if a recording is shorter than its opinions.
    """
    number = {name: place for place, name in enumerate(annotators)}
    who = np.array([number.get(name, len(annotators)) for name in opinions.annotators])
    mine = np.isin(opinions.recording, recordings)
    longest = int((opinions.offset - opinions.onset)[mine].max(initial=1))
    if longest > length:
        raise InputError(
            f"a window lasts {longest} s, and a sequence {length} s",
            key="train.sequence_frames",
            expected=f"{longest * rate} frames or more for a system with labels: opinions",
        )
    pieces: list[np.ndarray] = []
    masks: list[np.ndarray] = []
    sequence, shift = np.full(len(mine), -1), np.zeros(len(mine), dtype=np.int64)
    for name, x in zip(recordings, features, strict=True):
        seconds, windows = len(inactive[name]), opinions.recording == name
        if len(x) < seconds * rate:
            raise InputError(
                f"recording {name} lasts {seconds} s, but its features cover only {len(x) // rate} s",
                remedy="Correct the length in the table of recordings, or replace the recording",
            )
        starts = choose_starts(seconds, length, longest)
        place = np.searchsorted(starts, opinions.onset[windows], side="right") - 1
        sequence[windows], shift[windows] = len(pieces) + place, starts[place]
        covered = 0
        for start in starts:
            stop = min(start + length, seconds)
            piece, mask = np.zeros((length * rate, x.shape[1]), np.float32), np.zeros((length, len(opinions.classes)))
            piece[: (stop - start) * rate] = x[start * rate : stop * rate]
            mask[covered - start if covered > start else 0 : stop - start] = inactive[name][max(start, covered) : stop]
            pieces.append(piece)
            masks.append(mask)
            covered = stop
    order = np.argsort(sequence[opinions.window], kind="stable")
    order = order[np.searchsorted(sequence[opinions.window][order], 0) :]
    window = opinions.window[order]
    first = np.searchsorted(sequence[window], np.arange(len(pieces) + 1))
    return OpinionSequences(
        features=torch.from_numpy(np.stack(pieces)),
        inactive=torch.from_numpy(np.stack(masks)).float(),
        first=torch.from_numpy(first),
        onset=torch.from_numpy(opinions.onset[window] - shift[window]),
        offset=torch.from_numpy(opinions.offset[window] - shift[window]),
        label=torch.from_numpy(opinions.label[order]),
        annotator=torch.from_numpy(who[opinions.annotator[order]]),
        answer=torch.from_numpy(opinions.opinion[order]),
        weight=torch.from_numpy(weights[order]).float(),
    )
