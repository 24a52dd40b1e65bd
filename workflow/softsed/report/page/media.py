"""Sound and picture of a recording for the page of results: small files that every browser plays and shows.

- Sound: MP3, one channel, 22.05 kHz, constant 40 kbit/s (libsndfile with LAME): 0.3 MB a minute. MP3 because every
  browser plays it, also older iPhones, which Ogg Vorbis and Opus cannot be sure of; a constant rate because then a jump
  lands where it should without an index. It is 0.05 s late, the delay of the encoder: half a column of the picture.
  Enough to hear what was annotated, not to train on.
- Picture: the mel energies the systems are trained on, WebP in shades of grey: 0 is the recording's 5th percentile or
  less, 255 its 99.9th or more. One row a mel band, low ones below; at most ten columns a second, of finer frames the
  loudest, and of recordings beyond 27 minutes fewer: WebP has at most 16,383. It covers whole seconds, as labels do.
"""

import argparse
import logging
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import soundfile
from PIL import Image

from softsed.core.errors import InputError
from softsed.features.extract import read_audio

SAMPLE_RATE = 22050
COMPRESSION = 0.8  # libsndfile's scale from 0 to 1 for 160 to 8 kbit/s, the rates of MP3 at 22.05 kHz: 40 kbit/s
COLUMNS = 10  # a second
PERCENT = (5, 99.9)
WIDEST = 16383  # columns of a picture in WebP
QUALITY = 70  # of WebP, 0..100: no difference to be seen on a screen

logger = logging.getLogger(__name__)


def write_sound(path: Path, pieces: Iterable[np.ndarray]) -> None:
    """Write a signal at `SAMPLE_RATE`, piece by piece, as MP3; what exceeds -1..1 is clipped."""
    options = {"format": "MP3", "subtype": "MPEG_LAYER_III", "bitrate_mode": "CONSTANT"}
    with soundfile.SoundFile(path, "w", SAMPLE_RATE, 1, compression_level=COMPRESSION, **options) as file:
        for piece in pieces:
            file.write(np.clip(piece, -1, 1))


def spectrogram(mel: np.ndarray, hop_s: float) -> np.ndarray:
    """Turn mel energies into shades of grey.

    Parameters
    ----------
    mel : ndarray [frames, mel_bands]
        On any scale that grows with level; logarithms look best.
    hop_s : float
        Seconds from frame to frame; a whole number of them is a second.

    Returns
    -------
    ndarray of uint8 [mel_bands, columns]
        The lowest band is the last row.

    Raises
    ------
    InputError
        When there is not a whole second of frames.
    """
    rate = round(1 / hop_s)
    together = next(n for n in range(-(-rate // COLUMNS), rate + 1) if rate % n == 0)
    seconds = (len(mel) - 1) // rate  # n samples have 1 + n // hop frames
    if seconds < 1:
        raise InputError(f"{len(mel)} frames of {hop_s} s: expected a second or more")
    frames = mel[: seconds * rate]
    together = max(together, -(-len(frames) // WIDEST))
    columns = np.maximum.reduceat(frames, np.arange(0, len(frames), together), axis=0)
    low, high = np.percentile(columns, PERCENT)
    shades = np.clip((columns - low) / max(high - low, 1e-9), 0, 1) * 255
    return np.round(shades).astype(np.uint8).T[::-1]


def main(argv: list[str] | None = None) -> None:
    """Make sound and picture of one recording."""
    parser = argparse.ArgumentParser(prog="softsed report.page.media", description=main.__doc__)
    parser.add_argument("--audio", type=Path, required=True, help="recording")
    parser.add_argument("--features", type=Path, required=True, help="its features, .npz")
    parser.add_argument("--sound", type=Path, required=True, help="MP3, written")
    parser.add_argument("--picture", type=Path, required=True, help="WebP, written")
    options = parser.parse_args(argv)
    write_sound(options.sound, read_audio(options.audio, SAMPLE_RATE))
    with np.load(options.features, allow_pickle=False) as file:
        picture = spectrogram(file["mel"], float(file["hop_s"]))
    Image.fromarray(picture).save(options.picture, "WEBP", quality=QUALITY, method=6)
    sizes = (path.stat().st_size / 1000 for path in (options.sound, options.picture))
    logger.info("%s: sound of %.0f kB, picture of %.0f kB", options.audio, *sizes)
