"""Examine the formats of recordings, without reading all of their sound: sampling rates, channels that cancel."""

import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from softsed.core.audio import list_audio, unreadable
from softsed.core.containers.sound import ENDLESS, open_sound
from softsed.core.errors import InputError
from softsed.core.options import add_options, build_parser
from softsed.features.recorded import Recorded, describe, to_table

EXCERPTS = 10  # excerpts of one second, evenly spaced
# Share of the channels' energy below which their mean counts as cancelled (13 dB): a correlation of about -0.9, which
# only opposite polarity reaches. The threshold leaves room for noise and for channels of different level.
CANCELLED = 0.05

logger = logging.getLogger(__name__)


def examine(name: str, path: Path) -> Recorded:
    """Examine one recording.

    Parameters
    ----------
    name : str
        Name of the recording.
    path : Path
        File of the recording.

    Returns
    -------
    Recorded
        The channels cancel if the energy of their mean is below `CANCELLED` of their mean energy. Energies are those
        of `EXCERPTS`, without the constant part of each excerpt.

    Raises
    ------
    InputError
        If the file is not audio, or as for `open_sound`.
    """
    import soundfile  # noqa: PLC0415  # as in core.audio

    try:
        with open_sound(path) as sound:
            rate = sound.samplerate
            return Recorded(name, rate, sound.channels > 1 and cancels(list(read_excerpts(sound, rate))))
    except (OSError, soundfile.SoundFileError) as error:
        raise unreadable(path, error) from error


def read_excerpts(sound, length: int) -> Iterator[np.ndarray]:
    """Yield excerpts of an open recording, ndarray [samples, channels]; the first one only for an unknown length."""
    if sound.frames > ENDLESS:
        yield sound.read(length, dtype="float32", always_2d=True)
        return
    for start in np.linspace(0, max(0, sound.frames - length), EXCERPTS).astype(int):
        sound.seek(start)
        yield sound.read(length, dtype="float32", always_2d=True)


def cancels(excerpts: list[np.ndarray]) -> bool:
    """Report whether the channels of excerpts [samples, channels] cancel when they are averaged."""
    present = [one for one in excerpts if len(one)]
    mean = sum(one.mean(axis=1).var() for one in present)
    return bool(mean < CANCELLED * sum(one.var(axis=0).mean() for one in present))


def examine_readable(files: dict[str, Path]) -> list[Recorded]:
    """Examine recordings; those that cannot be read are left out, because the steps that read them report why."""
    found = []
    for name, path in files.items():
        try:
            found.append(examine(name, path))
        except InputError as error:
            logger.info("%s", error)
    return found


def warn(recordings: list[Recorded], f_max: float) -> None:
    """Log one warning per kind of problem that `describe` finds."""
    for line in describe(recordings, f_max):
        logger.warning("%s", line)


def main(argv: list[str] | None = None) -> None:
    """Examine the formats of recordings and warn about formats that do not fit the features."""
    example = "--audio results/demo/data/audio --filterbank results/demo/features/filterbank/filterbank.npz"
    parser = build_parser("features.examine", main, example=f"{example} --output audio.tsv")
    parser.add_argument("--audio", type=Path, required=True, help="folder of recordings, or one recording")
    parser.add_argument("--filterbank", type=Path, required=True, help="filter bank of the features (.npz)")
    add_options(parser, output="table to write (recording, sample_rate, channels_cancel)")
    options = parser.parse_args(argv)
    with options.filterbank.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
        f_max = file["f_max"].item()
    recordings = examine_readable(list_audio(options.audio))
    warn(recordings, f_max)
    options.output.write_text(to_table(recordings), encoding="utf-8")
