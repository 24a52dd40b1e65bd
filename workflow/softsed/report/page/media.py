"""Make sound and picture of a recording for the results page: small files that every browser plays and shows.

- Sound: MP3, one channel, 22.05 kHz, constant 40 kbit/s (libsndfile with LAME), 0.3 MB per minute. Every browser plays
  MP3, also on older iPhones, which may lack Ogg Vorbis and Opus. The constant rate lets a player seek exactly without
  an index. The encoder delays the sound by 0.05 s, half a column of the picture. The quality is for listening, not for
  training.
- Picture: the mel energies that the systems are trained on, WebP in shades of grey. Black is the 5th percentile of the
  recording or less, white its 99.9th percentile or more. Each row is one mel band, the lowest band at the bottom. A
  column is the maximum of its frames, with at most ten columns per second, and fewer for recordings above 27 minutes,
  because WebP has at most 16,383 columns. The picture covers whole seconds, as labels do.
"""

import logging
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import soundfile
from PIL import Image

from softsed.core.audio import read_audio
from softsed.core.errors import InputError
from softsed.core.options import add_options, build_parser

EXAMPLE = """\
--audio results/demo/data/audio/city_center_00.wav --features results/demo/features/city_center_00.npz
      --sound results/demo/page/media/city_center_00.mp3 --picture results/demo/page/media/city_center_00.webp"""
SAMPLE_RATE = 22050
COMPRESSION = 0.8  # 40 kbit/s, on the scale of libsndfile: 0 to 1 for 160 to 8 kbit/s, the rates of MP3 at 22.05 kHz
COLUMNS = 10  # greatest number per second
PERCENT = (5, 99.9)  # percentiles that are black and white
WIDEST = 16383  # greatest number of columns of a WebP picture
QUALITY = 70  # of WebP, 0..100; shows no visible difference on a screen

logger = logging.getLogger(__name__)


def write_sound(path: Path, pieces: Iterable[np.ndarray]) -> None:
    """Write a signal at `SAMPLE_RATE`, piece by piece, as MP3; values are clipped to -1..1."""
    options = {"format": "MP3", "subtype": "MPEG_LAYER_III", "bitrate_mode": "CONSTANT"}
    with soundfile.SoundFile(path, "w", SAMPLE_RATE, 1, compression_level=COMPRESSION, **options) as file:
        for piece in pieces:
            file.write(np.clip(piece, -1, 1))


def spectrogram(mel: np.ndarray, hop_s: float) -> np.ndarray:
    """Convert mel energies to shades of grey.

    Parameters
    ----------
    mel : ndarray [frames, mel_bands]
        Energies on any scale that grows with level; logarithms look best.
    hop_s : float
        Seconds from frame to frame; a second has a whole number of frames.

    Returns
    -------
    ndarray of uint8 [mel_bands, columns]
        The lowest band is the last row.

    Raises
    ------
    InputError
        If the frames last less than a second.
    """
    rate = round(1 / hop_s)
    together = next(n for n in range(-(-rate // COLUMNS), rate + 1) if rate % n == 0)
    seconds = (len(mel) - 1) // rate  # n samples have 1 + n // hop frames
    if seconds < 1:
        raise InputError(f"the recording has only {len(mel)} frames of {hop_s} s", expected="at least one second")
    frames = mel[: seconds * rate]
    together = max(together, -(-len(frames) // WIDEST))
    columns = np.maximum.reduceat(frames, np.arange(0, len(frames), together), axis=0)
    low, high = np.percentile(columns, PERCENT)
    shades = np.clip((columns - low) / max(high - low, 1e-9), 0, 1) * 255
    return np.round(shades).astype(np.uint8).T[::-1]


def main(argv: list[str] | None = None) -> None:
    """Make sound and picture of one recording for the results page."""
    parser = build_parser("report.page.media", main, example=EXAMPLE)
    parser.add_argument("--audio", type=Path, required=True, help="recording")
    add_options(parser, features="features of the recording (.npz)")
    parser.add_argument("--sound", type=Path, required=True, help="sound to write (MP3)")
    parser.add_argument("--picture", type=Path, required=True, help="picture to write (WebP)")
    options = parser.parse_args(argv)
    write_sound(options.sound, read_audio(options.audio, SAMPLE_RATE))
    with options.features.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
        picture = spectrogram(file["mel"], float(file["hop_s"]))
    Image.fromarray(picture).save(options.picture, "WEBP", quality=QUALITY, method=6)
    sizes = (path.stat().st_size / 1000 for path in (options.sound, options.picture))
    logger.info("%s: sound of %.0f kB, picture of %.0f kB", options.audio, *sizes)
