"""Files of features, and the time grid of their frames, for the stages that read them."""

import zipfile
from pathlib import Path

import numpy as np

from softsed.core.errors import InputError
from softsed.core.metadata import file_stem


def features_file(folder: Path, recording: str) -> Path:
    """Return the file of a recording's features in their folder."""
    return folder / f"{file_stem(recording)}.npz"


def read_features(path: Path) -> np.ndarray:
    """Read the features of one recording: float32 [frames, mel_bands].

    Raises
    ------
    InputError
        If the file is missing or not a valid file of features.
    """
    try:
        # Opened here, because np.load leaves a damaged file open.
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            return file["mel"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(
            f"not a softsed feature file: {error}",
            file=path,
            expected="an .npz file with the array 'mel'",
            remedy="Delete the file; the workflow extracts the features again",
        ) from error


def frames_per_second(config: dict) -> int:
    """Return the frames per second of the section ``features``; `softsed features.extract` ensures a whole number."""
    return round(1 / config["hop_s"])


def whole_seconds(frames: int, rate: int) -> int:
    """Return the length of a recording in whole seconds: n samples have 1 + n // hop frames."""
    return (frames - 1) // rate
