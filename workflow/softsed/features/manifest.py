"""Index of the features: which recordings there are, and the content of each file, in one table.

Trainings and predictions read many feature files. Planned with one file each, a thousand trainings on ten thousand
recordings are ten million dependencies; planned with this index they are a thousand. It holds hashes, so it changes
exactly when a feature file does. All features meet here for the first time, before any training: a recording that is
shorter than its labels is named here.
"""

import argparse
import hashlib
import zipfile
from pathlib import Path

import numpy as np

from softsed.core.errors import InputError
from softsed.core.metadata import Recording, read_recordings


def seconds_of(path: Path) -> int:
    """Tell how many whole seconds of features there are, without reading them."""
    with np.load(path, allow_pickle=False) as file, file.zip.open("mel.npy") as mel:
        np.lib.format.read_magic(mel)
        (frames, _), *_ = np.lib.format.read_array_header_1_0(mel)
        return (frames - 1) // round(1 / file["hop_s"].item())


def index(folder: Path, recordings: dict[str, Recording]) -> list[tuple[str, str]]:
    """List recording and SHA-256 of each file.

    Raises
    ------
    InputError
        When a file cannot be read, or has fewer whole seconds than the recording has by the table, hence labels.
    """
    rows, short = [], []
    for name, recording in recordings.items():
        path = folder / f"{name}.npz"
        try:
            with path.open("rb") as file:
                rows.append((name, hashlib.file_digest(file, "sha256").hexdigest()))
            seconds = seconds_of(path)
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise InputError(f"{path}: cannot be read: {error}; delete it, `snakemake features` makes it") from error
        if seconds < int(recording.duration_s):
            short.append(f"{name} {seconds} of {int(recording.duration_s)} s")
    if short:
        raise InputError(
            f"{folder}: the audio is shorter than the table of recordings says, whole seconds: {', '.join(short)}; "
            "replace the recordings, or correct duration_s in the table and shorten their labels"
        )
    return rows


def main(argv: list[str] | None = None) -> None:
    """Write the index of a folder of features."""
    parser = argparse.ArgumentParser(prog="softsed features.manifest", description=main.__doc__)
    parser.add_argument("--features", type=Path, required=True, help="folder of RECORDING.npz")
    parser.add_argument("--recordings", type=Path, required=True, help="table of recordings")
    parser.add_argument("--output", type=Path, required=True, help="table of recording and sha256, written")
    options = parser.parse_args(argv)
    rows = index(options.features, read_recordings(options.recordings))
    table = "".join(f"{recording}\t{digest}\n" for recording, digest in rows)
    options.output.write_text("recording\tsha256\n" + table, encoding="utf-8")
