"""Chunks of audio files: the place of the samples according to the header, and the chunks after the samples.

WAV (RIFF, RIFX, RF64, BW64), Wave64, AIFF and CAF files are sequences of chunks: an identifier, a size, the content.
AU files have one header and then samples. Other formats are not read here.

Sources: EBU Tech 3306 (RF64), Apple's AIFF-C draft of 1991 and Core Audio Format Specification, Sony's Wave64 of 2003,
Sun's audio(4) for AU.
"""

import struct
from dataclasses import dataclass
from typing import BinaryIO

WAVE64 = bytes.fromhex("726966662e91cf11a5d628db04c10000")  # "riff" and the rest of its GUID
UNKNOWN = 0xFFFFFFFF  # size of RF64 chunks whose size is in the chunk ds64, and of AU files of unknown length
FARTHEST = 1 << 40  # largest position that is read: damaged sizes of 64 bits lead beyond what file systems accept
WRAP = 1 << 32  # sizes of 32 bits start again at 0


@dataclass(frozen=True)
class Grammar:
    """Layout of the chunks of a format.

    Attributes
    ----------
    size : str
        Format of a size for `struct`.
    identifier : int
        Bytes of an identifier. Its first four bytes are text.
    alignment : int
        Chunks start at multiples of this number of bytes.
    own_header : bool
        Whether a size includes the bytes of the identifier and of the size itself.
    """

    size: str
    identifier: int = 4
    alignment: int = 2
    own_header: bool = False

    @property
    def header(self) -> int:
        """Bytes before the content of a chunk."""
        return self.identifier + struct.calcsize(self.size)


GRAMMARS = {b"RIFF": Grammar("<I"), b"RIFX": Grammar(">I"), b"RF64": Grammar("<I"), b"BW64": Grammar("<I")}
GRAMMARS |= {b"FORM": Grammar(">I"), b"riff": Grammar("<Q", identifier=16, alignment=8, own_header=True)}
GRAMMARS |= {b"caff": Grammar(">Q", alignment=1)}
FORMS = {(magic, b"WAVE") for magic in (b"RIFF", b"RIFX", b"RF64", b"BW64")} | {(b"FORM", b"AIFF"), (b"FORM", b"AIFC")}


@dataclass(frozen=True)
class Layout:
    """Place of the samples of a file according to its header, in bytes.

    Attributes
    ----------
    start : int
        First byte of the samples.
    announced : int
        Bytes of samples.
    whole : int
        End of the whole file; its size on the disk for formats that do not announce the end.
    size : int
        Size of the file on the disk.
    grammar : Grammar or None
        How chunks are written; None without chunks.
    """

    start: int
    announced: int
    whole: int
    size: int
    grammar: Grammar | None


def read_layout(file: BinaryIO) -> Layout | None:
    """Read the place of the samples; None for other formats, and for a file without a chunk of samples."""
    size = file.seek(0, 2)
    file.seek(0)
    head = file.read(40).ljust(40, b"\0")
    magic = head[:4]
    if magic in (b".snd", b"dns."):
        start, announced = struct.unpack(">II" if magic == b".snd" else "<II", head[4:12])
        return Layout(start, announced, size, size, None)
    if magic == b"caff":
        position, whole = 8, size
    elif head.startswith(WAVE64):
        position, whole = 40, int.from_bytes(head[16:24], "little")
    elif (magic, head[8:12]) in FORMS:
        position, whole = 12, struct.unpack(GRAMMARS[magic].size, head[4:8])[0] + 8
    else:
        return None
    grammar, long_size = GRAMMARS[magic], 0
    while chunk := read_chunk(file, position, grammar):
        name, length = chunk
        position += grammar.header
        if name == b"ds64":
            whole, long_size = struct.unpack("<QQ", file.read(16).ljust(16, b"\0"))
            whole += 8
        elif name in (b"SSND", b"data"):
            skipped = 0
            if name == b"SSND":  # offset of the samples and size of blocks, then the samples
                skipped = 8 + int.from_bytes(file.read(4), "big")
            elif magic == b"caff":  # number of edits
                skipped = 4
            elif magic in (b"RF64", b"BW64") and length == UNKNOWN:
                length = long_size
            return Layout(position + skipped, max(0, length - skipped), whole, size, grammar)
        position = align(position + length, grammar)
    return None


def read_chunk(file: BinaryIO, position: int, grammar: Grammar) -> tuple[bytes, int] | None:
    """Read identifier (its first four bytes) and size of the content of a chunk; None at the end of the file."""
    file.seek(min(position, FARTHEST))
    header = file.read(grammar.header)
    if len(header) < grammar.header:
        return None
    (length,) = struct.unpack(grammar.size, header[grammar.identifier :])
    return header[:4], max(0, length - grammar.header) if grammar.own_header else length


def align(position: int, grammar: Grammar) -> int:
    """Return the next position at which a chunk may start."""
    return -(-position // grammar.alignment) * grammar.alignment


def skip_chunks(file: BinaryIO, position: int, layout: Layout) -> int:
    """Return the end of the chunks that start at a position; the position itself if there is no valid chunk.

    A valid chunk has an identifier of printable characters and ends inside the file. A chunk of odd size may lack its
    byte of padding.
    """
    grammar = layout.grammar
    if grammar is None:
        return position
    for begin in (align(position, grammar), position):
        end = begin
        while chunk := read_chunk(file, end, grammar):
            name, length = chunk
            after = end + grammar.header + length
            if not all(0x20 <= byte < 0x7F for byte in name) or after > layout.size:
                break
            end = min(align(after, grammar), layout.size)
        if end > begin:
            return end
    return position
