"""Mel energies of a recording (Sec. 3.1): 64 bands from 50 Hz to 14 kHz, window 2048 samples, hop 20 ms.

Conventions
-----------
- Channels are averaged; other sampling rates are resampled to the configured one, so that one filter bank serves.
- Frame i is centred at i * hop: the signal is padded with half a window of zeros on either side, as librosa does
  by default, and a recording of n samples has 1 + n // hop frames.
- A recording is read and transformed piece by piece, so that memory grows with its features only. Where a piece ends
  makes no difference: windows are taken over in blocks that are counted from the start of the recording.
- The filter bank is librosa's (Slaney's scale, triangles of equal area) and is made once: importing librosa's filters
  takes longer than the transform of a whole recording. The rest needs numpy only: its float32 transform is slower than
  scipy's, but importing scipy.fft takes longer than the four minutes of audio that it would save time on.
"""

import argparse
import json
import logging
import zipfile
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path

import numpy as np

from softsed.core.audio import check_whole
from softsed.core.errors import InputError

# Small enough for the processor's cache; by trial.
PIECE = 1 << 16  # samples read at once
BLOCK_FRAMES = 64  # frames transformed at once

logger = logging.getLogger(__name__)


def make_filterbank(config: dict) -> np.ndarray:
    """Compute the triangular mel filters.

    Parameters
    ----------
    config : dict
        The section ``features``: sample_rate (Hz), window (samples), mel_bands, f_min and f_max (Hz).

    Returns
    -------
    ndarray of float32 [mel_bands, window // 2 + 1]
    """
    import librosa  # a second of import that only this function pays  # noqa: PLC0415

    return librosa.filters.mel(
        sr=config["sample_rate"],
        n_fft=config["window"],
        n_mels=config["mel_bands"],
        fmin=config["f_min"],
        fmax=config["f_max"],
    ).astype(np.float32)


def read_audio(path: Path, sample_rate: int) -> Iterator[np.ndarray]:
    """Read a recording piece by piece, as one channel at the wanted rate.

    Parameters
    ----------
    path : Path
        Anything libsndfile reads (16 or 24 bit or float WAV, FLAC, ...), any number of channels.
    sample_rate : int
        In Hz; audio at another rate is resampled (soxr, high quality).

    Yields
    ------
    ndarray of float32 [samples]
        Of any length; one after the other they are the recording.

    Raises
    ------
    InputError
        When the file cannot be read, is empty, cut off or holds samples that are not numbers.
    """
    import soundfile  # noqa: PLC0415  # so that reading features needs no audio library

    samples = broken = 0
    try:
        with soundfile.SoundFile(path) as file:
            announced, rate = len(file), file.samplerate
            check_whole(path, file.extra_info, announced / rate)
            convert = resampler(path, file.samplerate, sample_rate)
            buffer = np.empty((PIECE, file.channels), dtype=np.float32)
            while len(audio := file.read(out=buffer)):  # [samples, channels]
                samples += len(audio)
                broken += audio.size - np.count_nonzero(np.isfinite(audio))
                if not broken:  # or else only the rest is counted
                    # Channel by channel: a mean along the short axis takes longer than reading the file.
                    yield convert(sum(audio.T) / np.float32(file.channels), last=False)
            yield convert(np.empty(0, dtype=np.float32), last=True)
    except (OSError, soundfile.SoundFileError) as error:
        raise InputError(f"{path}: cannot be read as audio: {error}") from error
    if not samples:
        raise InputError(f"{path}: the recording is empty")
    if samples + rate < announced:  # a second, since some MP3 only estimate their length
        raise InputError(
            f"{path}: the recording is cut off: it ends after {samples / rate:.1f} of {announced / rate:.1f} s; copy "
            "it again or, where it can be heard to its end, convert it to FLAC"
        )
    if broken:
        raise InputError(f"{path}: {broken} samples are not finite numbers; export the recording again or leave it out")


def resampler(path: Path, rate: int, wanted: int) -> Callable[..., np.ndarray]:
    """Return what brings a signal from one rate to another piece by piece: `convert(piece, last=False)`."""
    if rate == wanted:
        return lambda piece, last: piece
    import soxr  # noqa: PLC0415  # only recordings at another rate pay for the import

    logger.info("%s: resampling from %d Hz to %d Hz", path, rate, wanted)
    return soxr.ResampleStream(rate, wanted, num_channels=1).resample_chunk


def cut_windows(pieces: Iterable[np.ndarray], window: int, hop: int) -> Iterator[np.ndarray]:
    """Cut a signal into windows, with half a window of zeros on either side of it.

    Parameters
    ----------
    pieces : iterable of ndarray of float32 [samples]
        The signal, one piece after the other.
    window, hop : int
        In samples.

    Yields
    ------
    ndarray of float32 [BLOCK_FRAMES, window]
        A view of what is overwritten before the next one; the last one may hold fewer frames.
    """
    half = np.zeros(window // 2, dtype=np.float32)
    block = BLOCK_FRAMES * hop
    held = np.empty(block + max(window - hop, 0), dtype=np.float32)  # all windows of a block and what they share
    filled = 0
    for piece in chain([half], pieces, [half]):
        rest = piece
        while len(rest):
            taken = rest[: len(held) - filled]
            rest = rest[len(taken) :]
            held[filled : filled + len(taken)] = taken
            filled += len(taken)
            if filled == len(held):
                yield np.lib.stride_tricks.sliding_window_view(held, window)[::hop]
                held[:-block] = held[block:]
                filled -= block
    if filled >= window:
        yield np.lib.stride_tricks.sliding_window_view(held[:filled], window)[::hop]


def mel_energies(pieces: Iterable[np.ndarray], filterbank: np.ndarray, config: dict) -> np.ndarray:
    """Compute the mel energies of a signal: float32 [1 + samples // hop, mel_bands], arguments as in `mel_blocks`."""
    return np.concatenate(list(mel_blocks(pieces, filterbank, config)))


def mel_blocks(pieces: Iterable[np.ndarray], filterbank: np.ndarray, config: dict) -> Iterator[np.ndarray]:
    """Compute the mel energies of a signal block by block.

    Parameters
    ----------
    pieces : iterable of ndarray of float32 [samples]
        The signal, one piece after the other; where it is cut makes no difference.
    filterbank : ndarray of float32 [mel_bands, window // 2 + 1]
    config : dict
        The section ``features``: sample_rate (Hz), window (samples), hop_s (seconds), power (2 is energy),
        log (natural logarithm or not) and log_floor (smallest energy the logarithm sees).

    Yields
    ------
    ndarray of float32 [frames, mel_bands]
        One after the other they have 1 + samples // hop frames.
    """
    window, power = config["window"], config["power"]
    taper = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)).astype(np.float32)  # periodic Hann
    heard = np.flatnonzero(filterbank.any(axis=0))
    bins = slice(heard[0], heard[-1] + 1)  # a third of the spectrum lies above 14 kHz
    weights = np.ascontiguousarray(filterbank[:, bins].T)  # [bins, mel_bands]
    keep_freed_memory()
    for frames in cut_windows(pieces, window, hop_samples(config)):
        spectrum = np.fft.rfft(frames * taper)[:, bins]  # complex64 [block, bins]
        magnitude = spectrum.real**2 + spectrum.imag**2  # np.abs would take a root, to be squared again
        if power != 2:
            magnitude **= power / 2
        mel = magnitude @ weights
        yield np.log(np.maximum(mel, np.float32(config["log_floor"]))) if config["log"] else mel


def keep_freed_memory() -> None:
    """Have the C library keep small arrays that are freed for the next ones, instead of returning them to the system.

    The scratch of each row of the FFT would be fetched and returned row by row, which took longer than the FFT. glibc
    changes its mind for good when one large block has been freed: mallopt(3), "dynamic mmap threshold".
    """
    np.empty(1 << 24, dtype=np.uint8)


def hop_samples(config: dict) -> int:
    """Return the hop in samples; it must be whole and divide the second, or labels and frames drift apart."""
    hop = config["sample_rate"] * config["hop_s"]
    if round(hop) < 1 or abs(hop - round(hop)) > 1e-6 or config["sample_rate"] % round(hop):
        raise InputError(
            f"features: a hop of {config['hop_s']} s is {hop:g} samples at {config['sample_rate']} Hz; "
            "it must be a whole number of samples that divides the second (20 ms at 44.1 kHz is 882)"
        )
    return round(hop)


def read_filterbank(path: Path, config: dict) -> np.ndarray:
    """Read the filter bank of a section ``features``: float32 [mel_bands, window // 2 + 1]; InputError for another."""
    try:
        with np.load(path, allow_pickle=False) as file:
            filterbank = file["filterbank"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"{path}: no filter bank: {error}; delete it, the workflow makes it") from error
    if filterbank.shape != (config["mel_bands"], config["window"] // 2 + 1):
        raise InputError(f"{path}: the filter bank of other features than {config}; delete it, the workflow makes it")
    return filterbank


def main(argv: list[str] | None = None) -> None:
    """Make the filter bank, or extract the features of one recording."""
    parser = argparse.ArgumentParser(prog="softsed features.extract", description=main.__doc__)
    parser.add_argument("--config", type=json.loads, required=True, help="section `features` as JSON")
    parser.add_argument("--filterbank", type=Path, required=True, help="written without --audio, read with it")
    parser.add_argument("--audio", type=Path, help="recording")
    parser.add_argument("--output", type=Path, help="features of the recording, .npz")
    options = parser.parse_args(argv)
    if options.audio is None:
        np.savez(options.filterbank, filterbank=make_filterbank(options.config))
        return
    filterbank = read_filterbank(options.filterbank, options.config)
    rate, hop_s = options.config["sample_rate"], options.config["hop_s"]
    mel = mel_energies(read_audio(options.audio, rate), filterbank, options.config)
    np.savez(options.output, mel=mel, sample_rate=rate, hop_s=hop_s)
    logger.info("%s: %.1f s, %d frames of %d bands", options.audio, (len(mel) - 1) * hop_s, *mel.shape)
