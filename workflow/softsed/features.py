"""Mel energies of a recording (Sec. 3.1): 64 bands from 50 Hz to 14 kHz, window 2048 samples, hop 20 ms.

Conventions
-----------
- Channels are averaged; other sampling rates are resampled to the configured one, so that one filter bank serves.
- Frame i is centred at i * hop: the signal is padded with half a window of zeros on either side, as librosa does
  by default, and a recording of n samples has 1 + n // hop frames.
- The filter bank is librosa's (Slaney's scale, triangles of equal area) and is made once: importing librosa's filters
  takes longer than the transform of a whole recording. The rest needs numpy only.
"""

import argparse
import json
import logging
from pathlib import Path

import numpy as np

from softsed.errors import InputError

BLOCK_FRAMES = 1024  # bounds the memory of the windowed copy: 1024 frames x 2048 samples of float32 are 8 MB

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


def read_audio(path: Path, sample_rate: int) -> np.ndarray:
    """Read a recording as one channel at the wanted rate.

    Parameters
    ----------
    path : Path
        Anything libsndfile reads (16 or 24 bit or float WAV, FLAC, ...), any number of channels.
    sample_rate : int
        In Hz; audio at another rate is resampled (soxr, high quality).

    Returns
    -------
    ndarray of float32 [samples]

    Raises
    ------
    InputError
        When the file cannot be read, is empty or holds samples that are not numbers.
    """
    import soundfile  # noqa: PLC0415  # so that reading features needs no audio library

    try:
        audio, rate = soundfile.read(path, dtype="float32", always_2d=True)  # [samples, channels]
    except (OSError, soundfile.SoundFileError) as error:
        raise InputError(f"{path}: cannot be read as audio: {error}") from error
    if not len(audio):
        raise InputError(f"{path}: the recording is empty")
    if not np.isfinite(audio).all():
        raise InputError(f"{path}: {np.count_nonzero(~np.isfinite(audio))} samples are not finite numbers")
    mono = audio.mean(axis=1)
    if rate != sample_rate:
        import soxr  # noqa: PLC0415  # only recordings at another rate pay for the import

        logger.info("%s: resampling from %d Hz to %d Hz", path, rate, sample_rate)
        mono = soxr.resample(mono, rate, sample_rate)
    return mono


def mel_energies(signal: np.ndarray, filterbank: np.ndarray, config: dict) -> np.ndarray:
    """Compute the mel energies of a signal.

    Parameters
    ----------
    signal : ndarray of float32 [samples]
    filterbank : ndarray of float32 [mel_bands, window // 2 + 1]
    config : dict
        The section ``features``: sample_rate (Hz), window (samples), hop_s (seconds), power (2 is energy),
        log (natural logarithm or not) and log_floor (smallest energy the logarithm sees).

    Returns
    -------
    ndarray of float32 [frames, mel_bands]
        frames = 1 + samples // hop.
    """
    window, hop = config["window"], hop_samples(config)
    taper = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)).astype(np.float32)  # periodic Hann
    padded = np.pad(signal, window // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, window)[::hop]  # [frames, window], a view
    mel = np.empty((len(frames), len(filterbank)), dtype=np.float32)
    for start in range(0, len(frames), BLOCK_FRAMES):
        block = slice(start, start + BLOCK_FRAMES)
        spectrum = np.abs(np.fft.rfft(frames[block] * taper)) ** config["power"]  # [block, window // 2 + 1]
        mel[block] = spectrum @ filterbank.T
    return np.log(np.maximum(mel, np.float32(config["log_floor"]))) if config["log"] else mel


def hop_samples(config: dict) -> int:
    """Return the hop in samples; it must be whole and divide the second, or labels and frames drift apart."""
    hop = config["sample_rate"] * config["hop_s"]
    if abs(hop - round(hop)) > 1e-6 or config["sample_rate"] % round(hop):
        raise InputError(
            f"features: a hop of {config['hop_s']} s is {hop:g} samples at {config['sample_rate']} Hz; "
            "it must be a whole number of samples that divides the second (20 ms at 44.1 kHz is 882)"
        )
    return round(hop)


def main(argv: list[str] | None = None) -> None:
    """Make the filter bank, or extract the features of one recording."""
    parser = argparse.ArgumentParser(prog="softsed features", description=main.__doc__)
    parser.add_argument("--config", type=json.loads, required=True, help="section `features` as JSON")
    parser.add_argument("--filterbank", type=Path, required=True, help="written without --audio, read with it")
    parser.add_argument("--audio", type=Path, help="recording")
    parser.add_argument("--output", type=Path, help="features of the recording, .npz")
    options = parser.parse_args(argv)
    if options.audio is None:
        np.savez(options.filterbank, filterbank=make_filterbank(options.config))
        return
    with np.load(options.filterbank, allow_pickle=False) as file:
        filterbank = file["filterbank"]
    signal = read_audio(options.audio, options.config["sample_rate"])
    mel = mel_energies(signal, filterbank, options.config)
    np.savez(options.output, mel=mel, sample_rate=options.config["sample_rate"], hop_s=options.config["hop_s"])
    logger.info(
        "%s: %.1f s, %d frames of %d bands", options.audio, len(signal) / options.config["sample_rate"], *mel.shape
    )
