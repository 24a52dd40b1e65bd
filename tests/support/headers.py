"""Audio files whose headers announce other sizes than those of the content."""

import struct
from pathlib import Path

import numpy as np
import soundfile

RATE = 8000
SECONDS = 3
SOUND = (0.1 * np.random.default_rng(0).standard_normal(SECONDS * RATE)).astype(np.float32)
# Format of sizes and places of the sizes of the whole file and of the samples in files that libsndfile writes. The size
# of the samples counts `COUNTED` bytes of its own header.
SIZES = {"wav": ("<I", 4, b"data", 4), "aiff": (">I", 4, b"SSND", 4), "rf64": ("<Q", 20, b"ds64", 16)}
SIZES |= {"w64": ("<Q", 16, b"data", 16), "au": (">I", None, b".snd", 8), "caf": (">Q", None, b"data", 4)}
COUNTED = {"aiff": 8, "w64": 24, "caf": 4}
LIST = b"LIST" + struct.pack("<I", 26) + b"INFOISFT" + struct.pack("<I", 14) + b"Lavf58.29.100\0"
FIXED = {"wav": 36, "aiff": 46, "rf64": 96, "w64": 104}  # bytes that the size of the whole file counts beside samples


def write(path: Path, sound: np.ndarray = SOUND, subtype: str = "PCM_16", **options: str) -> Path:
    """Write a correct file with the format of its ending."""
    soundfile.write(path, sound, RATE, subtype, format=path.suffix[1:].upper(), **options)
    return path


def set_sizes(path: Path, *, samples: int | None = None, whole: int | None = None, behind: bytes = b"") -> Path:
    """Overwrite the announced sizes in bytes, as the format counts them, and append bytes.

    Parameters
    ----------
    path : Path
        File that `write` has written.
    samples : int, optional
        Bytes of samples to announce.
    whole : int, optional
        Size of the whole file to announce, without the bytes beside the samples.
    behind : bytes
        Content to append.
    """
    kind = path.suffix[1:]
    form, place, name, offset = SIZES[kind]
    content = bytearray(path.read_bytes()) + behind
    if whole is not None and place is not None:
        struct.pack_into(form, content, place, whole + FIXED.get(kind, 0))
    if samples is not None:
        struct.pack_into(form, content, content.index(name) + offset, samples + COUNTED.get(kind, 0))
    path.write_bytes(content)
    return path
