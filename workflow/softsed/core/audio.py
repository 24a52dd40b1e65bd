"""Recordings: find the audio files of a folder, measure their length, read and resample their sound."""

import logging
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from softsed.core.containers.sound import ENDLESS, open_sound
from softsed.core.errors import InputError, Problems, count
from softsed.core.text.files import AUDIO, OTHER_AUDIO, recording_name, visible_files

if TYPE_CHECKING:
    import soundfile

READABLE = "WAV, FLAC, OGG or MP3"
# Characters of file names that Snakemake 9.27.1 reads as patterns, or that no row of a table can contain.
UNUSABLE = re.compile(r"[{}<>\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
PIECE = 1 << 16  # samples read at once: small enough for the processor's cache, chosen by trial
REPLACE = "Replace the recording, or leave it out"
COPY_AGAIN = "Copy the file again. If it plays to its end, convert it to FLAC"

logger = logging.getLogger(__name__)


def find_audio(folder: Path, problems: Problems) -> dict[str, Path]:
    """List the recordings in a folder and report the problems with its other audio files.

    Parameters
    ----------
    folder : Path
        Folder whose audio files are listed, chosen by their endings. Hidden files and subfolders are ignored, and so is
        a file in an unreadable format beside a readable file of the same name. A single file is accepted as well,
        with any ending.
    problems : Problems
        Receives a missing folder, a folder without audio, file names that the workflow cannot use, files with the same
        name, links to missing files, and formats that cannot be read.

    Returns
    -------
    dict of Path
        Recording (see `softsed.core.text.files.recording_name`) -> file, sorted by the name of the file.
    """

    def report(path: Path, problem: str, *, expected: str | None = None, remedy: str | None = None) -> None:
        problems.add("audio", InputError(problem, file=path, expected=expected, remedy=remedy))

    if folder.is_file():
        found, listed = [folder], []
    elif folder.is_dir():
        listed = visible_files(folder)
        found = [path for path in listed if AUDIO.fullmatch(path.name) and path.is_file()]
    else:
        report(folder, "there is no such folder or file", expected="a folder with recordings")
        return {}
    names, before = {recording_name(path.name) for path in found}, len(problems)
    for path in listed:
        if AUDIO.fullmatch(path.name) and not path.is_file():
            report(path, "the link leads to a file that does not exist", remedy="Fetch the file, or remove the link")
        elif OTHER_AUDIO.fullmatch(path.name) and recording_name(path.name) not in names:
            remedy = f"Convert the file to {READABLE}, or move it away"
            report(path, "this audio format cannot be read", remedy=remedy)
    if not found and len(problems) == before:
        report(
            folder,
            "the folder contains no recording",
            expected="files such as x.wav, x.flac, x.ogg or x.mp3 (not in subfolders)",
        )
    recordings: dict[str, Path] = {}
    for path in found:
        name = recording_name(path.stem)
        if UNUSABLE.search(path.name) or not name or name.startswith('"'):
            problem = "the name contains braces, angle brackets, control characters or bytes that are not UTF-8"
            if not UNUSABLE.search(path.name):
                problem = "the name begins with a quotation mark" if name else "the name consists of spaces"
            report(path, problem, remedy="Rename the file")
        elif name in recordings:
            problem = f"{recordings[name]} has the same name except for its ending, spaces or its Unicode form"
            report(path, problem, remedy="Remove or rename one of the two files")
        else:
            recordings[name] = path
    return recordings


def list_audio(folder: Path) -> dict[str, Path]:
    """List the recordings as `find_audio` does; raise an InputError with all problems if there are any."""
    problems = Problems()
    recordings = find_audio(folder, problems)
    problems.raise_all(f"in {folder}", alone=True)
    return recordings


def measure(path: Path) -> float:
    """Return the length of a recording in seconds, and check that its last second can be read.

    Raises
    ------
    InputError
        If the file is not audio, empty or cut off, or if its header and its content differ (`open_sound`).
    """
    import soundfile  # noqa: PLC0415  # listing a folder needs no audio library

    try:
        with open_sound(path) as file:
            frames, rate = file.frames, file.samplerate
            if frames > ENDLESS:  # a FLAC file from a pipe does not announce its length
                frames = last = sum(map(len, read_pieces(file)))
            else:
                file.seek(max(0, frames - rate))
                last = len(file.read(rate))
    except (OSError, soundfile.SoundFileError) as error:
        raise unreadable(path, error) from error
    if not frames:
        raise InputError("the recording is empty", file=path, remedy=REPLACE)
    if last < min(frames, rate):
        problem = f"the recording is cut off: its last second, of {frames / rate:.1f} s, cannot be read"
        raise InputError(problem, file=path, remedy=COPY_AGAIN)
    return frames / rate


def read_pieces(file: "soundfile.SoundFile") -> Iterator[np.ndarray]:
    """Yield the samples of an open file, float32 [samples, channels]. Each piece overwrites the previous piece."""
    buffer = np.empty((PIECE, file.channels), dtype=np.float32)
    while len(audio := file.read(out=buffer)):
        yield audio


def unreadable(path: Path, error: Exception) -> InputError:
    """Return the error for a file that libsndfile cannot read."""
    remedy = "Copy the file again, or convert it to WAV or FLAC"
    return InputError(f"cannot be read as audio: {error}".rstrip("."), file=path, remedy=remedy)


def read_audio(path: Path, sample_rate: int) -> Iterator[np.ndarray]:
    """Read a recording piece by piece, as one channel at a given sampling rate.

    Parameters
    ----------
    path : Path
        File in any format that libsndfile reads (16-bit, 24-bit or float WAV, FLAC, ...), with any number of channels,
        which are averaged.
    sample_rate : int
        Rate of the output in Hz. Audio at another rate is resampled (soxr, high quality).

    Yields
    ------
    ndarray of float32 [samples]
        Pieces of any length; concatenated, they are the recording.

    Raises
    ------
    InputError
        If the file cannot be read, is empty or cut off, contains samples that are not finite numbers, or if its header
        and its content differ (`open_sound`).
    """
    import soundfile  # noqa: PLC0415  # listing a folder needs no audio library

    samples = broken = 0
    try:
        with open_sound(path) as file:
            announced, rate = file.frames, file.samplerate
            convert = resampler(path, rate, sample_rate)
            for audio in read_pieces(file):
                samples += len(audio)
                broken += audio.size - int(np.count_nonzero(np.isfinite(audio)))
                if not broken:  # after the first broken sample, broken samples are only counted
                    # Channel by channel: a mean along the short axis takes longer than reading the file.
                    yield convert(sum(audio.T) / np.float32(file.channels), last=False)
            yield convert(np.empty(0, dtype=np.float32), last=True)
    except (OSError, soundfile.SoundFileError) as error:
        raise unreadable(path, error) from error
    if not samples:
        raise InputError("the recording is empty", file=path, remedy=REPLACE)
    # One second of tolerance, because some MP3 files only estimate their length.
    if samples + rate < announced < ENDLESS:
        raise InputError(
            f"the recording is cut off: it ends after {samples / rate:.1f} of {announced / rate:.1f} s",
            file=path,
            remedy=COPY_AGAIN,
        )
    if broken:
        raise InputError(
            count(broken, "sample is not a finite number", "samples are not finite numbers"),
            file=path,
            remedy="Export the recording again, or remove it",
        )


def resampler(path: Path, rate: int, wanted: int) -> Callable[..., np.ndarray]:
    """Return a function ``convert(piece, last=False)`` that resamples a signal piece by piece.

    Parameters
    ----------
    path : Path
        Recording, for the log.
    rate, wanted : int
        Sampling rates of the input and of the output, in Hz.
    """
    if rate == wanted:
        return lambda piece, last: piece
    import soxr  # noqa: PLC0415  # imported only if a recording has another rate

    logger.info("%s: resampling from %d Hz to %d Hz", path, rate, wanted)
    return soxr.ResampleStream(rate, wanted, num_channels=1).resample_chunk
