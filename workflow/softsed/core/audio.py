"""Recordings: find the audio files of a folder, measure their length, read and resample their sound."""

import logging
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from softsed.core.errors import InputError, Problems
from softsed.core.text.files import AUDIO, OTHER_AUDIO, recording_name, visible_files

READABLE = "WAV, FLAC, OGG or MP3"
# How libsndfile notes a chunk that is shorter than its header announces.
SHORTER = re.compile(r"(?:data|SSND|Data Size|riff|Riff size)\s*: (\d+) \(should be (\d+)\)")
# Placeholders for a length in 32 bits that programs write into a pipe, before they know the length.
STREAMED = range(0x7FFF0000, 0x100000000)
# Characters of names that are patterns or quotes of the workflow, or separators of tables.
UNUSABLE = re.compile(r"[{}*?\"\\\x00-\x1f]")
PIECE = 1 << 16  # samples read at once: small enough for the processor's cache, chosen by trial

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
        Receives a missing folder, a folder without audio, names that the workflow cannot use, files with the same name,
        links without their file, formats that cannot be read.

    Returns
    -------
    dict of Path
        Recording (name of the file without endings of audio files) -> file, sorted by name.
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
        report(folder, "no recording", expected="files such as x.wav, x.flac, x.ogg or x.mp3 (not in subfolders)")
    recordings: dict[str, Path] = {}
    for path in found:
        if UNUSABLE.search(path.name):
            problem = "the name contains braces, quotation marks, *, ?, backslashes or control characters"
            report(path, problem, remedy="Rename the file")
        elif (name := recording_name(path.stem)) in recordings:
            problem = f"{recordings[name]} has the same name except for its ending"
            report(path, problem, remedy="Rename one of the two files")
        else:
            recordings[name] = path
    return recordings


def list_audio(folder: Path) -> dict[str, Path]:
    """List the recordings as `find_audio` does; raise an InputError with all problems if there are any."""
    problems = Problems()
    recordings = find_audio(folder, problems)
    problems.raise_all(f"in {folder}", alone=True)
    return recordings


def check_whole(path: Path, header: str, seconds: float) -> None:
    """Raise an error if a file is shorter than its header announces by one second or more.

    libsndfile reads such a file up to its end without an error. Smaller differences are accepted: some programs count a
    byte of padding or their last block wrongly, and the file still plays to its end.

    Parameters
    ----------
    path : Path
        File, for the message.
    header : str
        Notes of libsndfile about the file (`soundfile.SoundFile.extra_info`). They contain both lengths for WAV, RF64,
        AIFF, AU and W64. A cut FLAC or MP3 file is detected only by reading it; a cut OGG, Opus, VOC, NIST or AVR file
        is not detected.
    seconds : float
        Length of the audio that is present.

    Raises
    ------
    InputError
        If the file is cut off.
    """
    for found in SHORTER.finditer(header):
        announced, present = map(int, found.groups())
        lacks_a_second = (announced - present) * seconds >= present  # a second has present / seconds bytes
        if present < announced and announced not in STREAMED and lacks_a_second:
            raise InputError(
                f"the recording is cut off: its header announces {announced} bytes of audio, there are only {present}",
                file=path,
                remedy="Copy the file again. If it plays to its end, save it again as WAV or FLAC",
            )


def measure(path: Path) -> float:
    """Return the length of a recording in seconds, and check that its last second can be read.

    Raises
    ------
    InputError
        If the file is not audio, empty or cut off.
    """
    import soundfile  # noqa: PLC0415  # listing a folder needs no audio library

    try:
        with soundfile.SoundFile(path) as file:
            frames, rate = len(file), file.samplerate
            check_whole(path, file.extra_info, frames / rate)
            file.seek(max(0, frames - rate))
            last = len(file.read(rate))
    except (OSError, soundfile.SoundFileError) as error:
        raise unreadable(path, error) from error
    if not frames:
        raise InputError("the recording is empty", file=path)
    if last < min(frames, rate):
        raise InputError(f"the recording is cut off before its {frames / rate:.1f} s", file=path)
    return frames / rate


def unreadable(path: Path, error: Exception) -> InputError:
    """Return the error for a file that libsndfile cannot read."""
    return InputError(f"cannot be read as audio: {error}".rstrip("."), file=path)


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
        If the file cannot be read, is empty or cut off, or contains samples that are not finite numbers.
    """
    import soundfile  # noqa: PLC0415  # listing a folder needs no audio library

    samples = broken = 0
    try:
        with soundfile.SoundFile(path) as file:
            announced, rate = len(file), file.samplerate
            check_whole(path, file.extra_info, announced / rate)
            convert = resampler(path, rate, sample_rate)
            buffer = np.empty((PIECE, file.channels), dtype=np.float32)
            while len(audio := file.read(out=buffer)):  # [samples, channels]
                samples += len(audio)
                broken += audio.size - np.count_nonzero(np.isfinite(audio))
                if not broken:  # after the first broken sample, broken samples are only counted
                    # Channel by channel: a mean along the short axis takes longer than reading the file.
                    yield convert(sum(audio.T) / np.float32(file.channels), last=False)
            yield convert(np.empty(0, dtype=np.float32), last=True)
    except (OSError, soundfile.SoundFileError) as error:
        raise unreadable(path, error) from error
    if not samples:
        raise InputError("the recording is empty", file=path)
    if samples + rate < announced:  # one second of tolerance, because some MP3 files only estimate their length
        raise InputError(
            f"the recording is cut off: it ends after {samples / rate:.1f} of {announced / rate:.1f} s",
            file=path,
            remedy="Copy the file again. If it plays to its end, convert it to FLAC",
        )
    if broken:
        raise InputError(
            f"{broken} samples are not finite numbers",
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
