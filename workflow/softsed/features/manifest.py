"""Manifest of the features: one table with the recordings, their feature files and the hash of each file.

Trainings and predictions read many feature files. With each file as a separate input, a thousand trainings on ten
thousand recordings would have ten million dependencies; with this manifest as the input they have a thousand. The
manifest changes exactly when a feature file changes.

This step is the first that reads the features of all recordings, and it runs before any training. Therefore it also
checks that the audio of each recording is as long as its labels, and warns about formats that do not fit the features.
"""

import hashlib
import logging
import zipfile
from pathlib import Path

import numpy as np

from softsed.core.errors import InputError
from softsed.core.metadata import Recording, read_recordings
from softsed.core.options import add_options, build_parser
from softsed.features.files import features_file
from softsed.features.recorded import Recorded, describe, to_table

logger = logging.getLogger(__name__)


def read_header(path: Path, name: str) -> tuple[int, Recorded]:
    """Return the whole seconds of features in the file of a recording, and the format of the recording."""
    # Opened here, because np.load leaves a damaged file open.
    with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file, file.zip.open("mel.npy") as mel:
        np.lib.format.read_magic(mel)
        (frames, _), *_ = np.lib.format.read_array_header_1_0(mel)
        recorded = Recorded(name, file["recorded_rate"].item(), file["channels_cancel"].item())
        return (frames - 1) // round(1 / file["hop_s"].item()), recorded


def read_all(folder: Path, recordings: dict[str, Recording]) -> tuple[list[tuple[str, str, str]], list[Recorded]]:
    """Hash the feature file of each recording, and read the format of the recording.

    Parameters
    ----------
    folder : Path
        Folder of the features, as `softsed.features.files.features_file` names them.
    recordings : dict of Recording
        Recordings whose features are expected.

    Returns
    -------
    hashes : list of (str, str, str)
        Recording, name of its file, and SHA-256 in hexadecimal digits.
    formats : list of Recorded

    Raises
    ------
    InputError
        If a file cannot be read, or has fewer whole seconds than the duration in the table of recordings, which is the
        length of the labels.
    """
    rows, formats, short = [], [], []
    for name, recording in recordings.items():
        path = features_file(folder, name)
        try:
            with path.open("rb") as file:
                rows.append((name, path.name, hashlib.file_digest(file, "sha256").hexdigest()))
            seconds, recorded = read_header(path, name)
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            remedy = "Delete the file; the workflow creates it again"
            raise InputError(f"cannot be read: {error}", file=path, remedy=remedy) from error
        formats.append(recorded)
        if seconds < int(recording.duration_s):
            short.append(f"{name!r} has {seconds} of {int(recording.duration_s)} whole seconds")
    if short:
        raise InputError(
            f"the audio is shorter than duration_s in the table of recordings: {', '.join(short)}",
            file=folder,
            remedy="Replace the recordings, or correct duration_s in the table and shorten their labels",
        )
    return rows, formats


def main(argv: list[str] | None = None) -> None:
    """Write the manifest of a folder of features, with the hash of each file; warn about formats that do not fit."""
    example = "--features results/demo/features --recordings workflow/resources/demo.tsv --f-max 14000 "
    example += "--output results/demo/features/index.tsv --audio results/demo/features/audio.tsv"
    parser = build_parser("features.manifest", main, example=example)
    add_options(parser, "features", "recordings", output="manifest to write (recording, file, sha256)")
    parser.add_argument("--f-max", type=float, required=True, help="highest frequency of the features, in Hz")
    help_text = "table of formats to write (recording, sample_rate, channels_cancel)"
    parser.add_argument("--audio", type=Path, required=True, help=help_text)
    options = parser.parse_args(argv)
    rows, formats = read_all(options.features, read_recordings(options.recordings))
    for line in describe(formats, options.f_max):
        logger.warning("%s", line)
    options.audio.write_text(to_table(formats), encoding="utf-8")
    table = "".join("\t".join(row) + "\n" for row in rows)
    options.output.write_text("recording\tfile\tsha256\n" + table, encoding="utf-8")
