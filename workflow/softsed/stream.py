"""Recordings of any length in bounded memory: audio read piece by piece, features an hour at a time.

Up to an hour, scores are those of the recording as a whole. Longer ones are cut every hour for the bidirectional GRUs,
which hear all that came before and all that comes after: each hour is scored together with `CONTEXT_S` seconds on
either side, whose scores are thrown away, so that the GRUs do not start from nothing where the recording does not. They
remember for long: on the demo's recordings, joined to 25 minutes and cut as often as every 280 s, scores differ from
those of the whole by .0005 (S_MSE_lin) to .004 (S_BCE_sig) on average, by .14 at most.
"""

import logging
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from softsed.errors import InputError
from softsed.features import hop_samples, make_filterbank, mel_energies

STRETCH_S = 3600  # at 20 ms: 46 MB of features, 0.3 GB for 128 filters after the convolutions
CONTEXT_S = 120
BLOCK_S = 30  # transformed at once
PIECE = 1 << 18  # samples read at once

logger = logging.getLogger(__name__)


def read_pieces(path: Path, sample_rate: int) -> Iterator[np.ndarray]:
    """Read a recording piece by piece as one channel at the wanted rate: `features.read_audio`, bounded.

    Yields
    ------
    ndarray of float32 [samples]

    Raises
    ------
    InputError
        When the file cannot be read, is empty or holds samples that are not numbers.
    """
    import soundfile  # noqa: PLC0415  # as in `features`
    import soxr  # noqa: PLC0415

    samples, resample = 0, None
    try:
        with soundfile.SoundFile(path) as file:
            if file.samplerate != sample_rate:
                logger.info("%s: resampling from %d Hz to %d Hz", path, file.samplerate, sample_rate)
                resample = soxr.ResampleStream(file.samplerate, sample_rate, 1).resample_chunk
            while len(audio := file.read(PIECE, dtype="float32", always_2d=True)):  # [samples, channels]
                if not np.isfinite(audio).all():
                    raise InputError(f"{path}: samples after {samples / file.samplerate:.1f} s are not finite numbers")
                samples += len(audio)
                mono = audio.mean(axis=1)
                yield resample(mono) if resample else mono
            if resample:
                yield resample(np.empty(0, np.float32), last=True)
    except (OSError, soundfile.SoundFileError) as error:
        raise InputError(f"{path}: cannot be read as audio: {error}") from error
    if not samples:
        raise InputError(f"{path}: the recording is empty")


def overlapping(pieces: Iterable[np.ndarray], length: int, overlap: int) -> Iterator[tuple[np.ndarray, int, bool]]:
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
        With its neighbours.
    lead : int
        Where the stretch itself begins: `overlap`, or less at the start of the sequence.
    last : bool
        True for the last one, which may be shorter than `length`.
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
        last = end <= start + length
        yield held[: wanted - first], start - first, last
        if last:
            return
        start += length


def mel_blocks(path: Path, config: dict) -> Iterator[np.ndarray]:
    """Compute the features of a recording block by block, `config` the section ``features``.

    Yields
    ------
    ndarray of float32 [frames, mel_bands]
        One after the other they are `features.mel_energies` of the whole recording.
    """
    filterbank, hop = make_filterbank(config), hop_samples(config)
    margin = -(-config["window"] // (2 * hop)) * hop  # half a window, in whole frames
    pieces = read_pieces(path, config["sample_rate"])
    for signal, lead, last in overlapping(pieces, BLOCK_S * config["sample_rate"], margin):
        mel = mel_energies(signal, filterbank, config)[lead // hop :]
        yield mel if last else mel[: BLOCK_S * config["sample_rate"] // hop]
