"""Open an audio file with all its samples, even if its header announces fewer samples.

libsndfile reads what the header announces. Three kinds of files contain more samples: WAV files above 4 GB, whose sizes
of 32 bits started again at 0; files whose recorder was switched off before it wrote the sizes; files written into a
pipe. Such a file is read as raw samples up to its end, or up to the chunks behind the samples, if the header leaves no
doubt about their place. Otherwise the file is refused.
"""

import io
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from softsed.core.containers.chunks import GRAMMARS, WRAP, Layout, align, read_chunk, read_layout, skip_chunks
from softsed.core.containers.streams import has_second_stream
from softsed.core.errors import InputError

if TYPE_CHECKING:
    import soundfile

# Placeholders for a length in 32 bits that programs write into a pipe, before they know the length.
STREAMED = range(0x7FFF0000, WRAP)
ENDLESS = 1 << 62  # lengths above this value mean "unknown" in headers with 64 bits and in libsndfile
# Bytes per sample of the encodings that libsndfile also reads without a header.
SAMPLE_BYTES = {"PCM_S8": 1, "PCM_U8": 1, "PCM_16": 2, "PCM_24": 3, "PCM_32": 4, "FLOAT": 4, "DOUBLE": 8}
SAMPLE_BYTES |= {"ULAW": 1, "ALAW": 1}
BIG_ENDIAN = ("AIFF", "AU", "CAF")  # formats whose samples are big-endian unless libsndfile reports otherwise
# Chunks that programs write after the samples, and tags that programs append to the file.
METADATA = re.compile(
    rb"LIST|bext|cue |id3 |ID3 |smpl|iXML|_PMX|axml|acid|inst|PEAK|JUNK|junk|PAD |FLLR|afsp|APPL|ANNO|MARK"
)
TAGS = (b"ID3", b"TAG", b"APETAGEX")
TAIL = 1 << 16  # bytes at the end of a file that are searched for chunks

logger = logging.getLogger(__name__)


class Section(io.RawIOBase):
    """Part of a file, as a file of its own."""

    def __init__(self, file: BinaryIO, start: int, end: int) -> None:
        self.file, self.start, self.size, self.position = file, start, end - start, 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to a position relative to the start, the current position or the end of the section."""
        self.position = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self.position, io.SEEK_END: self.size}[whence]
        return self.position

    def tell(self) -> int:
        """Return the current position."""
        return self.position

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Read into a buffer and return the number of bytes, 0 at the end of the section."""
        self.file.seek(self.start + self.position)
        number = self.file.readinto(memoryview(buffer)[: max(0, self.size - self.position)])  # type: ignore[attr-defined]
        self.position += number
        return number


@contextmanager
def open_sound(path: Path) -> "Iterator[soundfile.SoundFile]":
    """Open a recording for reading, with all its samples.

    Yields
    ------
    soundfile.SoundFile

    Raises
    ------
    InputError
        If the header announces more samples than the file contains (by a second or more), if the file contains more
        samples than announced and their place is in doubt, or if the file contains two recordings.
    """
    import soundfile  # noqa: PLC0415  # listing a folder needs no audio library

    with path.open("rb") as file:
        layout = read_layout(file)
        check_alone(path, file, layout)
        with soundfile.SoundFile(path) as sound:
            if sound.frames > ENDLESS:
                # soundfile 0.14 seeks after each read, which FLAC files of unknown length (from a pipe) refuse.
                sound.seekable = lambda: False
            end = None if layout is None else find_end(path, file, layout, sound)
            if layout is None or end is None:
                yield sound
                return
            raw = {key: getattr(sound, key) for key in ("samplerate", "channels", "subtype")}
            usual = "BIG" if sound.format in BIG_ENDIAN else "LITTLE"
            raw["endian"] = usual if sound.endian == "FILE" else sound.endian
            announced = sound.frames
        with soundfile.SoundFile(Section(file, layout.start, end), format="RAW", **raw) as whole:
            seconds = announced / whole.samplerate, whole.frames / whole.samplerate
            logger.info("%s: the header announces %.1f s; all %.1f s of the file are read", path, *seconds)
            yield whole


def check_alone(path: Path, file: BinaryIO, layout: Layout | None) -> None:
    """Raise an InputError if a second recording follows the first one, which libsndfile ignores or cannot read."""
    second = False
    if layout is None:
        second = has_second_stream(file)
    elif layout.grammar is not None:
        chunk = read_chunk(file, align(layout.start + layout.announced, layout.grammar), layout.grammar)
        second = chunk is not None and chunk[0] in GRAMMARS
    if second:
        raise InputError(
            "the file contains two recordings in sequence, as `cat` joins files",
            file=path,
            expected="one recording",
            remedy="Join the recordings with `sox first.wav second.wav joined.wav` or an audio editor",
        )


def find_end(path: Path, file: BinaryIO, layout: Layout, sound: "soundfile.SoundFile") -> int | None:
    """Return the end of the samples in bytes, or None if it is where the header places it.

    Parameters
    ----------
    path : Path
        File, for messages.
    file : binary file
        The same file.
    layout : Layout
        From `read_layout`.
    sound : soundfile.SoundFile
        The file as libsndfile reads it.

    Raises
    ------
    InputError
        As for `open_sound`.
    """
    present, seconds = layout.size - layout.start, sound.frames / sound.samplerate
    if width := SAMPLE_BYTES.get(sound.subtype):
        second = width * sound.channels * sound.samplerate
    else:  # bytes per second of a compressed encoding
        second = int(min(layout.announced, present) / seconds) if seconds else 1
    unknown = layout.announced in STREAMED or layout.announced > ENDLESS
    if layout.announced >= present:
        if layout.announced - present >= second and not unknown:
            raise cut_off(path, layout.announced, present)
        return None
    accepted = second if layout.announced else 1  # bytes of unknown content after the samples
    end = layout.start + layout.announced
    behind = skip_chunks(file, end, layout)
    if layout.size - behind < accepted:
        return None
    for wrapped in range(end + WRAP, layout.size + 1, WRAP):
        if layout.size - skip_chunks(file, wrapped, layout) < second:
            return checked(path, wrapped, layout, sound, second)
    file.seek(behind)
    begin = file.read(12)
    if layout.announced and (begin.startswith(TAGS) or METADATA.match(begin)):
        return None
    # The header was never completed, or its length of the whole file is right and its length of the samples is wrong.
    if layout.announced == 0 or unknown or abs(layout.whole - layout.size) < second:
        return checked(path, trim_chunks(file, layout), layout, sound, second)
    if is_zero(file, behind, layout.size):
        return None
    raise in_doubt(path, layout, sound, second)


def checked(path: Path, end: int, layout: Layout, sound: "soundfile.SoundFile", second: int) -> int:
    """Return `end`; raise an InputError if the encoding cannot be read without its header."""
    if sound.subtype not in SAMPLE_BYTES:
        raise in_doubt(path, layout, sound, second)
    return end


def trim_chunks(file: BinaryIO, layout: Layout) -> int:
    """Return the end of samples that reach the end of the file or the chunks of metadata there."""
    if layout.grammar is None:
        return layout.size
    first = max(layout.start, layout.size - TAIL)
    file.seek(first)
    for found in METADATA.finditer(file.read(TAIL)):
        if layout.size - skip_chunks(file, first + found.start(), layout) < layout.grammar.header:
            return first + found.start()
    return layout.size


def is_zero(file: BinaryIO, position: int, size: int) -> bool:
    """Report whether only zeros follow a position in a file of `size` bytes, such as space that a recorder reserved."""
    for start in (max(position, size - TAIL), position):  # the end first, because it decides most cases
        file.seek(start)
        if any(piece.strip(b"\0") for piece in iter(lambda: file.read(1 << 20), b"")):
            return False
    return True


def cut_off(path: Path, announced: int, present: int) -> InputError:
    """Return the error for a file that is shorter than its header announces."""
    return InputError(
        f"the recording is cut off: its header announces {announced} bytes of audio, there are only {present}",
        file=path,
        remedy="Copy the file again. If it plays to its end, save it again as WAV or FLAC",
    )


def in_doubt(path: Path, layout: Layout, sound: "soundfile.SoundFile", second: int) -> InputError:
    """Return the error for a file with more samples than its header announces, and commands that correct it."""
    announced, present = (
        f"{number} bytes of audio" + f" ({number / second:.1f} s)" * (sound.subtype in SAMPLE_BYTES)
        for number in (layout.announced, layout.size - layout.start)
    )
    repaired = f"{path.stem}_repaired.wav"
    read_all = "import the file as raw audio into an audio editor and export it as WAV"
    if sound.format in ("WAV", "WAVEX", "RF64"):
        read_all = f"run `ffmpeg -ignore_length 1 -i {path.name} -c copy -rf64 auto {repaired}`"
    return InputError(
        f"the header announces {announced}, but the file has {present}",
        file=path,
        expected="a header that fits the file",
        remedy=f"If the whole file is the recording, {read_all}. If only its start is, run "
        f"`ffmpeg -i {path.name} {repaired}`",
    )
