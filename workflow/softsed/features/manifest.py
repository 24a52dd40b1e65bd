"""Manifest of the features: one table with the recordings, their feature files and the hash of each file.

Trainings and predictions read many feature files. With each file as a separate input, a thousand trainings on ten
thousand recordings would have ten million dependencies; with this manifest as the input they have a thousand. The
manifest changes exactly when a feature file changes.

This step is the first that reads the features of all recordings, and it runs before any training. Therefore it also
checks that the audio of each recording is as long as its labels.
"""

import hashlib
import zipfile
from pathlib import Path

import numpy as np

from softsed.core.errors import InputError
from softsed.core.metadata import Recording, read_recordings
from softsed.core.options import add_options, build_parser
from softsed.features.files import features_file


def count_seconds(path: Path) -> int:
    """Return the whole seconds of features in a file, read from its header."""
    # Opened here, because np.load leaves a damaged file open.
    with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file, file.zip.open("mel.npy") as mel:
        np.lib.format.read_magic(mel)
        (frames, _), *_ = np.lib.format.read_array_header_1_0(mel)
        return (frames - 1) // round(1 / file["hop_s"].item())


def hash_features(folder: Path, recordings: dict[str, Recording]) -> list[tuple[str, str, str]]:
    """Hash the feature file of each recording.

    Parameters
    ----------
    folder : Path
        Folder of the features, as `softsed.features.files.features_file` names them.
    recordings : dict of Recording
        Recordings whose features are expected.

    Returns
    -------
    list of (str, str, str)
        Recording, name of its file, and SHA-256 in hexadecimal digits.

    Raises
    ------
    InputError
        If a file cannot be read, or has fewer whole seconds than the duration in the table of recordings, which is the
        length of the labels.
    """
    rows, short = [], []
    for name, recording in recordings.items():
        path = features_file(folder, name)
        try:
            with path.open("rb") as file:
                rows.append((name, path.name, hashlib.file_digest(file, "sha256").hexdigest()))
            seconds = count_seconds(path)
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            remedy = "Delete the file; `snakemake features` creates it again"
            raise InputError(f"cannot be read: {error}", file=path, remedy=remedy) from error
        if seconds < int(recording.duration_s):
            short.append(f"{name!r} has {seconds} of {int(recording.duration_s)} whole seconds")
    if short:
        raise InputError(
            f"the audio is shorter than duration_s in the table of recordings: {', '.join(short)}",
            file=folder,
            remedy="Replace the recordings, or correct duration_s in the table and shorten their labels",
        )
    return rows


def main(argv: list[str] | None = None) -> None:
    """Write the manifest of a folder of features: the hash of each file."""
    example = "--features results/demo/features --recordings workflow/resources/demo.tsv "
    example += "--output results/demo/features/index.tsv"
    parser = build_parser("features.manifest", main, example=example)
    add_options(parser, "features", "recordings", output="manifest to write (recording, file, sha256)")
    options = parser.parse_args(argv)
    rows = hash_features(options.features, read_recordings(options.recordings))
    table = "".join("\t".join(row) + "\n" for row in rows)
    options.output.write_text("recording\tfile\tsha256\n" + table, encoding="utf-8")
