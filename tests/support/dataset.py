"""A small dataset with audio: four recordings of 3.5 s, and rows of labels and opinions that fit them."""

from pathlib import Path

import numpy as np
import soundfile

NAMES = ("a", "b", "c", "d")


def write_audio(folder: Path) -> Path:
    """Write the recordings into ``audio`` in a folder, and return the folder."""
    (folder / "audio").mkdir()
    for name in NAMES:
        soundfile.write(folder / "audio" / f"{name}.flac", np.full(3500, 0.1), 1000)
    return folder


def soft_rows() -> list[str]:
    """Return rows of a soft table, 3 s long."""
    return [f"{n}\t{t}\t{t + 1}\t{label}\t0.{t + 1}" for n in NAMES for t in range(3) for label in ("car", "tap")]


def hard_rows() -> list[str]:
    """Return rows of a hard table; recording b has no events."""
    return ["a\t0\t1.5\tcar", "a\t2\t3.5\ttap", "b\t\t\t", "c\t1\t2\tcar", "d\t0.2\t3\ttap"]


def opinion_rows() -> list[str]:
    """Return rows of opinions of two annotators."""
    return [f"{n}\t0\t3\t{who}\t{label}\t1" for n in NAMES for who in "xy" for label in ("car", "tap")]
