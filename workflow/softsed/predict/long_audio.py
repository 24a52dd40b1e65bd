"""Recordings of any length in bounded memory: audio read piece by piece, features an hour at a time.

Up to an hour, scores are those of the recording as a whole. Longer ones are cut every hour for the bidirectional GRUs,
which hear all that came before and all that comes after: each hour is scored together with `CONTEXT_S` seconds on
either side, whose scores are thrown away, so that the GRUs do not start from nothing where the recording does not. They
remember for long: on the demo's recordings, joined to 25 minutes and cut as often as every 280 s, scores differ from
those of the whole by .0005 (S_MSE_lin) to .004 (S_BCE_sig) on average, by .14 at most.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from softsed.core.audio import read_audio
from softsed.features.extract import mel_blocks

STRETCH_S = 3600  # at 20 ms: 46 MB of features, 0.3 GB for 128 filters after the convolutions
CONTEXT_S = 120


def overlapping(pieces: Iterable[np.ndarray], length: int, overlap: int) -> Iterator[tuple[np.ndarray, int]]:
    """Cut a sequence that comes in pieces anew, into stretches with something of their neighbours on either side.

    Parameters
    ----------
    pieces : iterable of ndarray [size] or [size, columns]
        At least one.
    length, overlap : int
        Of a stretch and of what is added on either side, 1 or more.

    Yields
    ------
    stretch : ndarray
        With its neighbours; the last one may be shorter.
    lead : int
        Where the stretch itself begins: `overlap`, or less at the start of the sequence.
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


def mel_of(path: Path, filterbank: np.ndarray, config: dict) -> Iterator[np.ndarray]:
    """Compute the features of a recording piece by piece, `config` the section ``features``.

    Yields
    ------
    ndarray of float32 [frames, mel_bands]
        One after the other they are `features.mel_energies` of the whole recording.
    """
    return mel_blocks(read_audio(path, config["sample_rate"]), filterbank, config)
