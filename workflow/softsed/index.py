"""Index of the features: which recordings there are, and the content of each file, in one table.

Trainings and predictions read many feature files. Planned with one file each, a thousand trainings on ten thousand
recordings are ten million dependencies; planned with this index they are a thousand. It holds hashes, so it changes
exactly when a feature file does.
"""

import argparse
import hashlib
from pathlib import Path

from softsed.classes import read_recordings
from softsed.errors import InputError


def index(features: list[Path]) -> list[tuple[str, str]]:
    """List recording and SHA-256 of each file.

    Raises
    ------
    InputError
        When a file cannot be read.
    """
    rows = []
    for path in features:
        try:
            with path.open("rb") as file:
                rows.append((path.stem, hashlib.file_digest(file, "sha256").hexdigest()))
        except OSError as error:
            raise InputError(f"{path}: cannot be read: {error}; `snakemake features` makes it") from error
    return rows


def main(argv: list[str] | None = None) -> None:
    """Write the index of a folder of features."""
    parser = argparse.ArgumentParser(prog="softsed index", description=main.__doc__)
    parser.add_argument("--features", type=Path, required=True, help="folder of RECORDING.npz")
    parser.add_argument("--recordings", type=Path, required=True, help="table of recordings")
    parser.add_argument("--output", type=Path, required=True, help="table of recording and sha256, written")
    options = parser.parse_args(argv)
    rows = index([options.features / f"{name}.npz" for name in read_recordings(options.recordings)])
    table = "".join(f"{recording}\t{digest}\n" for recording, digest in rows)
    options.output.write_text("recording\tsha256\n" + table, encoding="utf-8")
