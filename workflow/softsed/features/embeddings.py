"""Embeddings of recordings: one file per recording with the outputs of a pretrained model, [frames, dimensions].

Conventions
-----------
- Frame i describes the time from i * hop_s to (i + 1) * hop_s. A file may be longer or shorter than its recording by
  `tolerance`, because models treat the end of a recording differently. Missing frames repeat the last one.
- Networks need a whole number of frames per second. `to_grid` averages all frames that overlap with a cell of such a
  grid, as adaptive average pooling does. Where a frame is longer than a cell, the frame is repeated.
- Nothing in a file is executed.
"""

import hashlib
import json
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from softsed.core.errors import InputError, Problems, count, is_out_of_memory
from softsed.core.text.recording_files import find_recording_files

ARRAY = "embeddings"  # name of the array in a file with several arrays
ROUNDING = 1.1e-4  # largest relative rounding error of a hop that `exact_hop` corrects
EXPECTED = "one array of numbers [frames, dimensions]"
COMPUTE_AGAIN = "Compute the file again, for example with `softsed embed`"


def _read_npy(path: Path) -> np.ndarray:
    return np.load(path, mmap_mode="r", allow_pickle=False)  # mapped, because a recording may be a day long


def _read_npz(path: Path) -> np.ndarray:
    # Opened here, because np.load leaves a damaged file open.
    with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
        return file[_choose_array(file.files)]


def _read_h5(path: Path) -> np.ndarray:
    try:
        import h5py  # noqa: PLC0415  # optional package
    except ImportError as error:
        remedy = "Run `pip install h5py`, or save the arrays as .npy"
        raise InputError("reading .h5 files needs the package h5py", file=path, remedy=remedy) from error
    with h5py.File(path, "r") as file:
        return file[_choose_array([name for name, item in file.items() if isinstance(item, h5py.Dataset)])][()]


READERS: dict[str, Callable[[Path], np.ndarray]] = {".npy": _read_npy, ".npz": _read_npz, ".h5": _read_h5}


def _choose_array(names: Iterable[str]) -> str:
    """Return the only array of a file, or the array named `ARRAY` of several."""
    found = list(names)
    if ARRAY in found:
        return ARRAY
    if len(found) != 1:
        raise ValueError(f"it contains {len(found)} arrays, none of which is named {ARRAY!r}")
    return found[0]


def find_files(folder: Path, recordings: Iterable[str], problems: Problems) -> dict[str, Path]:
    """Find the file of embeddings of each recording in a folder.

    The file is ``RECORDING.npy``, ``RECORDING.npz`` or ``RECORDING.h5``. Parameters and result are those of
    `softsed.core.text.recording_files.find_recording_files`.
    """
    remedy = "Make the files with `softsed embed`, or add them to the folder"
    return find_recording_files(
        folder, recordings, problems, content="embeddings", endings=list(READERS), remedy=remedy
    )


def read_embeddings(path: Path) -> np.ndarray:
    """Read the embeddings of one recording: numbers [frames, dimensions], mapped into memory from a .npy file.

    Raises
    ------
    InputError
        If the file is missing, damaged or in another format, or does not contain one array of numbers with two axes.
    """
    if (read := READERS.get(path.suffix.lower())) is None:
        raise InputError("not a file of embeddings", file=path, expected=f"a file {', '.join(READERS)}")
    try:
        array = read(path)
    except InputError:
        raise
    except Exception as error:  # numpy and h5py raise many kinds of exceptions for files that are damaged
        if is_out_of_memory(error):
            raise
        problem = f"cannot be read as embeddings: {str(error).rstrip('.')}"
        raise InputError(problem, file=path, expected=EXPECTED, remedy=COMPUTE_AGAIN) from error
    shape = list(np.shape(array))
    if getattr(array, "dtype", np.dtype(object)).kind not in "fiu" or len(shape) != 2 or 0 in shape:
        problem = f"the array has the shape {shape} and the type {getattr(array, 'dtype', type(array).__name__)}"
        raise InputError(problem, file=path, expected=EXPECTED)
    return array


def tolerance(hop_s: float) -> float:
    """Return the difference between the lengths of embeddings and recording that is accepted, in seconds."""
    return max(1.0, hop_s)


def check_array(array: np.ndarray, path: Path, *, duration_s: float, hop_s: float) -> InputError | None:
    """Return the error of embeddings that do not fit their recording or are not finite; None for valid embeddings.

    Parameters
    ----------
    array : ndarray [frames, dimensions]
    path : Path
        File of the embeddings.
    duration_s, hop_s : float
        Length of the recording, and distance between two frames, in seconds.
    """
    length = len(array) * exact_hop(hop_s)
    if abs(length - duration_s) > tolerance(hop_s):
        return InputError(
            f"{len(array)} frames of {hop_s:g} s last {length:.1f} s, but the recording lasts {duration_s:.1f} s",
            file=path,
            expected=f"the length of the recording within {tolerance(hop_s):g} s",
            remedy=f"{COMPUTE_AGAIN}, or correct hop_s ({duration_s / len(array):.6g} s would fit)",
        )
    with np.errstate(over="ignore"):
        broken = array.size - int(np.isfinite(array.astype(np.float32, copy=False)).sum())
    if broken:
        total = f"of {array.size} values"
        problem = count(broken, f"{total} is not a finite number", f"{total} are not finite numbers")
        return InputError(problem, file=path, remedy=COMPUTE_AGAIN)
    return None


def frame_rate(hop_s: float, limit: int) -> int:
    """Return the smallest whole number of frames per second that keeps each frame, at most `limit`."""
    return min(limit, math.ceil(round(1 / exact_hop(hop_s), 6)))


def exact_hop(hop_s: float) -> float:
    """Return the hop of n frames per second for a hop that is 1 / n s except for rounding, and other hops unchanged.

    Rounding is a relative difference of at most `ROUNDING`: 0.3333 s is 1/3 s, but 0.333 s is not. Without this
    correction, 0.3333 s would be slightly more than 3 frames per second: `frame_rate` would return 4, and the times of
    frames would drift by 0.36 s per hour.
    """
    rate = max(1, round(1 / hop_s))
    return 1 / rate if abs(rate * hop_s - 1) < ROUNDING else hop_s


def to_grid(embeddings: np.ndarray, hop_s: float, rate: int, seconds: int, *, start: int = 0) -> np.ndarray:
    """Average embeddings over the cells of a grid with a whole number of frames per second.

    Parameters
    ----------
    embeddings : ndarray [frames, dimensions]
    hop_s : float
        Seconds between two frames.
    rate : int
        Cells per second.
    seconds, start : int
        Length of the result, and its start in the recording, in seconds.

    Returns
    -------
    ndarray of float32 [seconds * rate, dimensions]
        Mean of the frames that overlap with each cell. Cells after the last frame repeat it.
    """
    edges = np.arange(start * rate, (start + seconds) * rate + 1) / (rate * exact_hop(hop_s))  # in frames
    last = len(embeddings) - 1
    first = np.minimum(np.floor(edges[:-1] + 1e-6).astype(int), last)
    end = np.clip(np.ceil(edges[1:] - 1e-6).astype(int), first + 1, last + 1)
    total = np.zeros((seconds * rate, embeddings.shape[1]), np.float32)
    for step in range(int((end - first).max(initial=0))):
        inside = first + step < end
        total[inside] += embeddings[first[inside] + step]
    return total / (end - first)[:, None].astype(np.float32)


@dataclass(frozen=True)
class Embeddings:
    """Embeddings of the recordings of an experiment.

    Attributes
    ----------
    files : dict of Path
        Recording -> file.
    seconds : dict of int
        Recording -> whole seconds of its labels.
    settings : dict
        ``hop_s`` (seconds), ``dimensions``, and ``model``: name, sha256, sample_rate (Hz), window_s (seconds) and
        batch of the model that made the files, or None.
    """

    files: dict[str, Path]
    seconds: dict[str, int]
    settings: dict

    @classmethod
    def read(cls, manifest: Path) -> "Embeddings":
        """Read the manifest, which `softsed features.embedding_manifest` writes.

        Raises
        ------
        InputError
            If the file is not a manifest.
        """
        try:
            content = json.loads(manifest.read_text(encoding="utf-8"))
            recordings = content.pop("recordings")
            files = {name: Path(row["file"]) for name, row in recordings.items()}
            return cls(files, {name: int(row["seconds"]) for name, row in recordings.items()}, content)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            expected = "a manifest written by `softsed features.embedding_manifest`"
            remedy = "Delete the file; the workflow creates it again"
            raise InputError("not a manifest of embeddings", file=manifest, expected=expected, remedy=remedy) from error

    def grid(self, recording: str, rate: int, seconds: int | None = None) -> np.ndarray:
        """Return the embeddings of a recording on a grid, float32 [seconds * rate, dimensions]; see `to_grid`."""
        length = self.seconds[recording] if seconds is None else seconds
        return to_grid(read_embeddings(self.files[recording]), self.settings["hop_s"], rate, length)


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
