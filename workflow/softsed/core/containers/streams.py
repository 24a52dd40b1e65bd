"""Detect a second stream after the first one in MP3 and OGG files, which `cat a.mp3 b.mp3` writes.

libsndfile 1.2.2 reads the first stream only, without an error. FLAC files of this kind are refused by libsndfile.

Sources: RFC 3533 (OGG), id3.org (ID3v2), and for MP3 the header of Xing and LAME, which announces the bytes of the
stream.
"""

import struct
from typing import BinaryIO

LARGEST_PAGE = 65307  # bytes of an OGG page
FIRST_PAGE = 2  # flag of the first page of a stream
FEW = 2048  # bytes that may follow the announced end of an MP3 stream: one uncounted frame has at most 1441


def has_second_stream(file: BinaryIO) -> bool:
    """Report whether a second stream follows the first one; False for other formats."""
    file.seek(0)
    magic = file.read(4)
    if magic == b"OggS":
        return _ends_with_another_ogg_stream(file)
    return (magic[:3] == b"ID3" or _is_frame(magic)) and _continues_after_mp3_stream(file)


def _ends_with_another_ogg_stream(file: BinaryIO) -> bool:
    """Report whether the last page belongs to a stream that does not start at the beginning of the file."""
    position, first = 0, set()
    while (page := _read_page(file, position)) and page[0] & FIRST_PAGE:
        first.add(page[1])
        position += page[2]
    size = file.seek(0, 2)
    start = max(0, size - 2 * LARGEST_PAGE)
    file.seek(start)
    tail = file.read()
    last = _read_page(file, start + max(0, tail.rfind(b"OggS\0")))
    return last is not None and last[1] not in first


def _read_page(file: BinaryIO, position: int) -> tuple[int, int, int] | None:
    """Read flags, serial number of the stream, and size in bytes of the page at a position; None without a page."""
    file.seek(position)
    header = file.read(27)
    if len(header) < 27 or not header.startswith(b"OggS"):
        return None
    (serial,) = struct.unpack_from("<I", header, 14)
    segments = file.read(header[26])
    return header[5], serial, 27 + len(segments) + sum(segments)


def _continues_after_mp3_stream(file: BinaryIO) -> bool:
    """Report whether frames follow the bytes that the header of Xing or LAME announces; False without this header."""
    start = _skip_id3(file, 0)
    file.seek(start)
    frame = file.read(200)
    place = max(frame.find(b"Xing"), frame.find(b"Info"))
    if place < 0 or len(frame) < place + 16:
        return False
    flags, *fields = struct.unpack_from(">III", frame, place + 4)  # frames if bit 0 is set, then bytes if bit 1 is set
    if not flags & 2:
        return False
    end = _skip_id3(file, start + fields[flags & 1])
    size = file.seek(0, 2)
    file.seek(end)
    return size - end > FEW and _is_frame(file.read(4))


def _skip_id3(file: BinaryIO, position: int) -> int:
    """Return the end of the ID3v2 tag at a position; the position itself without a tag."""
    file.seek(position)
    header = file.read(10)
    if len(header) < 10 or not header.startswith(b"ID3"):
        return position
    size = sum((byte & 0x7F) << shift for byte, shift in zip(header[6:], (21, 14, 7, 0), strict=True))
    return position + 10 + size


def _is_frame(begin: bytes) -> bool:
    """Report whether bytes begin with the synchronisation of an MPEG audio frame."""
    return len(begin) > 1 and begin[0] == 0xFF and begin[1] & 0xE0 == 0xE0
