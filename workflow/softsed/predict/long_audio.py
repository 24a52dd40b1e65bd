"""Recordings of any length in bounded memory: audio is read in pieces, and features are kept for one hour.

A recording of up to one hour is scored as a whole. A longer recording is cut into stretches of one hour, because the
bidirectional GRUs depend on all frames of their input. Each stretch is scored together with `CONTEXT_S` seconds on
either side, whose scores are discarded, so that the states of the GRUs are not 0 at the cut. As a test, the recordings
of the demo were joined to 25 minutes and cut every 280 s. The scores differed from those of the uncut recording by
0.0005 (S_MSE_lin) to 0.004 (S_BCE_sig) on average, and by at most 0.14.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from softsed.core.audio import read_audio
from softsed.features.extract import mel_blocks

STRETCH_S = 3600  # at 20 ms: 46 MB of features, and 0.3 GB after the convolutions with 128 filters
CONTEXT_S = 120


def overlapping(pieces: Iterable[np.ndarray], length: int, overlap: int) -> Iterator[tuple[np.ndarray, int]]:
    """Cut a sequence that is read in pieces into stretches with context on either side.

    Parameters
    ----------
    pieces : iterable of ndarray [size] or [size, columns]
        The sequence, at least one piece.
    length, overlap : int
        Length of a stretch, and of its context on either side; 1 or more.

    Yields
    ------
    stretch : ndarray
        The stretch with its context. The last stretch may be shorter.
    lead : int
        Length of the context before the stretch: `overlap`, or less at the start of the sequence.
    """
    pieces = iter(pieces)
    held, first, start = next(pieces), 0, 0  # `held` begins at index `first` of the sequence
    while True:
        wanted = start + length + overlap
        parts, end = [held], first + len(held)
        while end < wanted and (piece := next(pieces, None)) is not None:
            parts.append(piece)
            end += len(piece)
        begin = max(0, start - overlap)
        held, first = np.concatenate(parts)[begin - first :], begin
        yield held[: wanted - first], start - first
        if end <= start + length:
            return
        start += length


def stretches(seconds: int, length: int, context: int) -> Iterator[tuple[int, int, int]]:
    """Cut whole seconds into stretches with context on either side.

    Yields
    ------
    start, end, lead : int
        First second of the stretch with its context, the second after its last second, and the length of the context
        before the stretch.
    """
    for first in range(0, seconds, length):
        start = max(0, first - context)
        yield start, min(seconds, first + length + context), first - start


def mel_of(path: Path, filterbank: np.ndarray, config: dict) -> Iterator[np.ndarray]:
    """Compute the features of a recording block by block; `config` is the section ``features``.

    Yields
    ------
    ndarray of float32 [frames, mel_bands]
        Consecutive blocks of the mel energies of the recording.
    """
    return mel_blocks(read_audio(path, config["sample_rate"]), filterbank, config)
