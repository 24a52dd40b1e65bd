"""Mel energies of a recording (Sec. 3.1): 64 bands from 50 Hz to 14 kHz, window 2048 samples, hop 20 ms.

Conventions
-----------
- Audio has one channel (the mean of all channels) at the configured sampling rate, so that one filter bank fits all
  recordings (`softsed.core.audio.read_audio`).
- Frame i is centred at sample i * hop: the signal is padded with half a window of zeros at both ends, as librosa does
  by default. A recording of n samples has 1 + n // hop frames.
- A recording is read and transformed piece by piece, so that the memory needed grows only with its features. The size
  of the pieces has no influence on the result, because blocks of windows are counted from the start of the recording.
- The filter bank is librosa's (Slaney's mel scale, triangles of equal area) and is computed once per experiment,
  because importing librosa takes longer than the transform of a recording. Everything else uses numpy. numpy's
  transform in float32 is slower than scipy's, but importing scipy.fft takes longer than it saves in four minutes of
  audio.
"""

import logging
import zipfile
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

import numpy as np

from softsed.core.audio import read_audio
from softsed.core.errors import InputError
from softsed.core.options import add_options, build_parser
from softsed.features.examine import examine

BLOCK_FRAMES = 64  # frames transformed at once: small enough for the processor's cache, chosen by trial
DELETE = "Delete the file; the workflow creates it again"

# The section `features` of config.yaml.
CONFIG = (
    '{"sample_rate": 44100, "window": 2048, "hop_s": 0.02, "mel_bands": 64, "f_min": 50, "f_max": 14000, "power": 2, '
    '"log": true, "log_floor": 1e-10}'
)

logger = logging.getLogger(__name__)


def make_filterbank(config: dict) -> np.ndarray:
    """Compute the triangular mel filters.

    Parameters
    ----------
    config : dict
        Section ``features`` of the config: sample_rate (Hz), window (samples), mel_bands, f_min and f_max (Hz).

    Returns
    -------
    ndarray of float32 [mel_bands, window // 2 + 1]
        Weight of each frequency bin in each band.
    """
    import librosa  # noqa: PLC0415  # takes one second to import, and only this function needs it

    return librosa.filters.mel(
        sr=config["sample_rate"],
        n_fft=config["window"],
        n_mels=config["mel_bands"],
        fmin=config["f_min"],
        fmax=config["f_max"],
    ).astype(np.float32)


def cut_windows(pieces: Iterable[np.ndarray], window: int, hop: int) -> Iterator[np.ndarray]:
    """Cut a signal, padded with half a window of zeros at both ends, into overlapping windows.

    Parameters
    ----------
    pieces : iterable of ndarray of float32 [samples]
        Signal as consecutive pieces of any length.
    window, hop : int
        Length of a window and distance between the starts of two windows, in samples.

    Yields
    ------
    ndarray of float32 [BLOCK_FRAMES, window]
        Windows of one block; the last block may have fewer. Each block is a view into a buffer that the next block
        overwrites.
    """
    half = np.zeros(window // 2, dtype=np.float32)
    block = BLOCK_FRAMES * hop
    held = np.empty(block + max(window - hop, 0), dtype=np.float32)  # samples of one block of windows
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
    """Compute the mel energies of a signal: float32 [1 + samples // hop, mel_bands]. See `mel_blocks`."""
    return np.concatenate(list(mel_blocks(pieces, filterbank, config)))


def mel_blocks(pieces: Iterable[np.ndarray], filterbank: np.ndarray, config: dict) -> Iterator[np.ndarray]:
    """Compute the mel energies of a signal block by block.

    Parameters
    ----------
    pieces : iterable of ndarray of float32 [samples]
        Signal as consecutive pieces of any length.
    filterbank : ndarray of float32 [mel_bands, window // 2 + 1]
    config : dict
        Section ``features`` of the config: sample_rate (Hz), window (samples), hop_s (seconds), power (exponent of the
        magnitude; 2 gives energies), log (whether to take the natural logarithm) and log_floor (lower limit of the
        energies before the logarithm).

    Yields
    ------
    ndarray of float32 [frames, mel_bands]
        Consecutive blocks, together 1 + samples // hop frames.

    Raises
    ------
    InputError
        If the hop is not a whole number of samples that divides one second.
    """
    window, power = config["window"], config["power"]
    taper = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)).astype(np.float32)  # periodic Hann
    used = np.flatnonzero(filterbank.any(axis=0))
    bins = slice(used[0], used[-1] + 1)  # the third of the spectrum above 14 kHz is not computed
    weights = np.ascontiguousarray(filterbank[:, bins].T)  # [bins, mel_bands]
    keep_freed_memory()
    for frames in cut_windows(pieces, window, hop_samples(config)):
        spectrum = np.fft.rfft(frames * taper)[:, bins]  # complex64 [block, bins]
        magnitude = spectrum.real**2 + spectrum.imag**2  # np.abs would compute a square root first
        if power != 2:
            magnitude **= power / 2
        mel = magnitude @ weights
        yield np.log(np.maximum(mel, np.float32(config["log_floor"]))) if config["log"] else mel


def keep_freed_memory() -> None:
    """Make the C library reuse freed memory instead of returning it to the system.

    numpy's FFT allocates scratch memory for each row. Without this call, glibc requests it from the system and returns
    it for every row, which takes longer than the FFT. Freeing one large block raises glibc's threshold for the rest of
    the process: mallopt(3), "dynamic mmap threshold".
    """
    np.empty(1 << 24, dtype=np.uint8)


def hop_samples(config: dict) -> int:
    """Return the hop in samples.

    Parameters
    ----------
    config : dict
        Section ``features`` of the config: sample_rate (Hz) and hop_s (seconds).

    Raises
    ------
    InputError
        If the hop is not a whole number of samples, or does not divide one second. Frames and labels, which have one
        row per second, would drift apart.
    """
    hop = config["sample_rate"] * config["hop_s"]
    if round(hop) < 1 or abs(hop - round(hop)) > 1e-6 or config["sample_rate"] % round(hop):
        raise InputError(
            f"a hop of {config['hop_s']} s has {hop:g} samples at {config['sample_rate']} Hz, not a whole number that "
            "divides one second",
            key="features.hop_s",
            expected="for example 0.02 s at 44100 Hz, which has 882 samples",
        )
    return round(hop)


def write_filterbank(path: Path, config: dict) -> None:
    """Write the filter bank of a config, with its highest frequency; `config` as for `make_filterbank`."""
    np.savez(path, filterbank=make_filterbank(config), f_max=config["f_max"])


def read_filterbank(path: Path, config: dict) -> np.ndarray:
    """Read a filter bank and check that it fits the config.

    Parameters
    ----------
    path : Path
        File written by `main` without ``--audio``.
    config : dict
        Section ``features`` of the config.

    Returns
    -------
    ndarray of float32 [mel_bands, window // 2 + 1]

    Raises
    ------
    InputError
        If the file is not a filter bank or has another shape.
    """
    try:
        # Opened here, because np.load leaves a damaged file open.
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            filterbank = file["filterbank"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"not a filter bank: {error}", file=path, remedy=DELETE) from error
    if filterbank.shape != (expected := (config["mel_bands"], config["window"] // 2 + 1)):
        raise InputError(
            f"the filter bank has the shape {filterbank.shape}",
            file=path,
            expected=f"{expected}, bands and frequency bins of the config",
            remedy=DELETE,
        )
    return filterbank


def main(argv: list[str] | None = None) -> None:
    """Compute the mel filter bank, or with --audio the mel energies of one recording."""
    example = f"--config '{CONFIG}' --filterbank results/demo/features/filterbank/filterbank.npz "
    example += "--audio results/demo/data/audio/city_center_00.wav --output results/demo/features/city_center_00.npz"
    parser = build_parser("features.extract", main, example=example)
    add_options(parser, config="section `features` of the config, as JSON")
    help_text = "filter bank (.npz): input with --audio, otherwise output"
    parser.add_argument("--filterbank", type=Path, required=True, help=help_text)
    parser.add_argument("--audio", type=Path, help="audio file of the recording")
    parser.add_argument("--output", type=Path, help="features of the recording to write (.npz)")
    options = parser.parse_args(argv)
    if options.audio is None:
        write_filterbank(options.filterbank, options.config)
        return
    filterbank = read_filterbank(options.filterbank, options.config)
    rate, hop_s = options.config["sample_rate"], options.config["hop_s"]
    mel = mel_energies(read_audio(options.audio, rate), filterbank, options.config)
    recorded = examine(options.audio.stem, options.audio)
    arrays = {"mel": mel, "sample_rate": rate, "hop_s": hop_s}
    arrays |= {"recorded_rate": recorded.sample_rate, "channels_cancel": recorded.cancels}
    np.savez(options.output, **arrays)
    logger.info("%s: %.1f s, %d frames of %d bands", options.audio, (len(mel) - 1) * hop_s, *mel.shape)
