"""MAESTRO Real: download and unpack the published recordings and soft labels.

Archives are kept in a folder and verified by their md5. An archive that is already there is not downloaded again, also
if it was downloaded by hand. A receipt (one line in the format of md5sum) records that an archive is complete and where
it is. Recordings are unpacked one by one, and hashing gigabytes for each of them would take hours. Layout of the
archives (the top folder in upper or lower case):

- ``development_audio/SCENE/SCENE_NN.wav``, 49 recordings
- ``development_annotation/soft_labels_SCENE/SCENE_NN.txt``, their soft labels
- ``Evaluation_audio/SCENE/SCENE_NN.wav``, 26 recordings without public labels

Only members with expected names are read.
"""

import logging
import os
import re
from pathlib import Path

from softsed.core import log
from softsed.core.errors import InputError
from softsed.core.metadata import Recording
from softsed.core.options import add_command, add_options, build_parser, read_json
from softsed.data.archives import list_members, open_atomic, unpack
from softsed.data.download import download, is_remote

LICENCE = "(c) Tampere University, for research and other non-commercial use only; the licence is at"
ZENODO = "https://zenodo.org/records/"  # shown with the licence, also if the archives come from another address

# Limits for unpacked files. Five minutes of 44.1 kHz stereo with 32 bits are 106 MB, their soft labels 0.1 MB.
LARGEST_AUDIO_BYTES = 500 * 10**6
LARGEST_TEXT_BYTES = 10 * 10**6
LARGEST_SET_BYTES = 10 * 10**9  # the 26 evaluation recordings are at most a quarter of this

# Suffix of the file to write -> member of a development archive (top folder in lower case) and its limit.
MEMBERS = {
    ".wav": ("development_audio/{scene}/{recording}.wav", LARGEST_AUDIO_BYTES),
    ".txt": ("development_annotation/soft_labels_{scene}/{recording}.txt", LARGEST_TEXT_BYTES),
}

# The backreference makes sure that a recording lies in the folder of its scene.
EVALUATION_MEMBER = re.compile(r"evaluation_audio/(?P<scene>[a-z_]+)/(?P<recording>(?P=scene)_[0-9]+)\.wav")

logger = logging.getLogger(__name__)


def fetch_archive(archive: dict, address: str, archives: Path) -> Path:
    """Download one archive, verify its hash and show the licence.

    Parameters
    ----------
    archive : dict
        ``record`` (number of the Zenodo record), ``file`` (name) and ``md5`` of the archive.
    address : str
        URL or folder; the archive is at ``ADDRESS/RECORD/files/FILE``.
    archives : Path
        Folder that keeps the archives in one subfolder per record, because files of two records may have the same name.

    Returns
    -------
    Path
        Verified archive, ``ARCHIVES/RECORD/FILE``. If the address is a folder, this is a link to the file there.

    Raises
    ------
    InputError
        If the archive cannot be downloaded, linked or verified, see `softsed.data.download.download`.
    """
    url = f"{address.rstrip('/')}/{archive['record']}/files/{archive['file']}"
    logger.info("%s: %s %s%s", archive["file"], LICENCE, ZENODO, archive["record"], extra=log.PROGRESS)
    query = "?download=1" if is_remote(url) else ""
    kept = archives / str(archive["record"]) / archive["file"]
    found = download(url + query, kept, digest=f"md5:{archive['md5']}").resolve()
    if found != kept.resolve():  # equal if the folder contains a link to the kept archive
        link = kept.with_name(f".{kept.name}.{os.getpid()}.link")
        try:
            kept.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(found)
            link.replace(kept)
        except OSError as error:
            raise InputError(f"cannot be created as a link to {found}: {error}", file=kept) from error
    return kept


def read_receipt(path: Path) -> Path:
    """Return the archive that a receipt (``MD5  FILE``) names.

    Raises
    ------
    InputError
        If the file is not a receipt, or the archive is missing.
    """
    try:
        archive = Path(path.read_text(encoding="utf-8").rstrip("\n").split("  ", 1)[1])
    except (OSError, UnicodeDecodeError, IndexError) as error:
        expected, remedy = "one line: MD5, two spaces, path", "Delete the file, and run `snakemake data`"
        raise InputError("not a receipt of an archive", file=path, expected=expected, remedy=remedy) from error
    if not archive.exists():
        raise InputError(
            f"the archive is missing, although {path} records its download",
            file=archive,
            remedy="Run `snakemake data --forcerun fetch_archive`, then repeat your command",
        )
    return archive


def unpack_evaluation(archive: Path, audio: Path) -> list[Recording]:
    """Unpack all evaluation recordings to ``AUDIO/RECORDING.wav``; the archive determines their names.

    Parameters
    ----------
    archive : Path
        Zip archive of the evaluation recordings.
    audio : Path
        Folder to write to.

    Returns
    -------
    list of Recording
        Recordings sorted by name, with durations read from the files.

    Raises
    ------
    InputError
        If the archive has no recordings, the recordings are larger than `LARGEST_SET_BYTES` together, or a recording
        cannot be unpacked (see `softsed.data.archives.unpack`) or read.
    """
    import soundfile  # noqa: PLC0415  # the development set needs no audio library

    members = list_members(archive)
    matches = {name: match for name in members if (match := EVALUATION_MEMBER.fullmatch(name))}
    if not matches:
        expected = "members such as Evaluation_audio/SCENE/SCENE_NN.wav"
        raise InputError("the archive contains no evaluation recordings", file=archive, expected=expected)
    if (size := sum(members[name].file_size for name in matches)) > LARGEST_SET_BYTES:
        problem = f"{len(matches)} recordings have {size} bytes unpacked"
        raise InputError(problem, file=archive, expected=f"at most {LARGEST_SET_BYTES} bytes")
    targets = {name: audio / f"{match['recording']}.wav" for name, match in matches.items()}
    unpack(archive, targets, largest_bytes=LARGEST_AUDIO_BYTES)
    found = []
    for name, match in matches.items():
        try:
            duration = soundfile.info(targets[name]).duration
        except soundfile.LibsndfileError as error:
            raise InputError(f"cannot be read as audio: {error}".rstrip("."), file=targets[name]) from error
        found.append(Recording(match["recording"], match["scene"], duration))
    return sorted(found, key=lambda recording: recording.name)


def write_text(path: Path, text: str) -> None:
    """Write a small text file, which gets its name only when it is complete."""
    with open_atomic(path) as file:
        file.write(text.encode())


EXAMPLE_FETCH = """\
--archive '{"record": 7244360, "file": "development_annotation.zip", "md5": "e6a3f84f8020725d559b38ccb494ef3d"}'
      --address https://zenodo.org/records --archives results/archives
      --receipt results/maestro_real/data/archives/development_annotation-e6a3f84f.md5\
"""
EXAMPLE_EVALUATION = """\
--receipt results/maestro_real/data/archives/evaluation_audio-f18a036f.md5
      --audio results/maestro_real/data/evaluation --found results/maestro_real/data/evaluation.tsv\
"""


def main(argv: list[str] | None = None) -> None:
    """Download an archive of MAESTRO Real, or unpack a recording, published labels or the evaluation recordings."""
    example = "--receipt results/maestro_real/data/archives/development_audio-3de7cb4f.md5 "
    example += "--recording cafe_restaurant_00 --scene cafe_restaurant "
    example += "--output results/maestro_real/data/audio/cafe_restaurant_00.wav"
    parser = build_parser("data.maestro_real", main, example=f"unpack {example}")
    commands = parser.add_subparsers(dest="command", required=True)
    fetch = add_command(commands, "fetch", "Download an archive and verify its MD5", example=EXAMPLE_FETCH)
    fetch.add_argument(
        "--archive", type=read_json, required=True, help="record, file and MD5 (md5) of the archive, as JSON"
    )
    fetch.add_argument("--address", required=True, help="URL or folder that contains RECORD/files/FILE")
    fetch.add_argument("--archives", type=Path, required=True, help="folder to write the archive into")
    fetch.add_argument("--receipt", type=Path, required=True, help="receipt to write: MD5 and path of the archive")
    one = add_command(commands, "unpack", "Unpack one recording or its published labels", example=example)
    one.add_argument("--recording", required=True, help="name of the recording")
    one.add_argument("--scene", required=True, help="scene of the recording")
    add_options(one, output=f"file to write, {' (audio) or '.join(MEMBERS)} (labels)")
    summary = "Unpack all recordings of the evaluation set"
    evaluation = add_command(commands, "evaluation", summary, example=EXAMPLE_EVALUATION)
    evaluation.add_argument("--audio", type=Path, required=True, help="folder to write RECORDING.wav into")
    evaluation.add_argument("--found", type=Path, required=True, help="table to write (recording, scene, duration_s)")
    for command in (one, evaluation):
        command.add_argument("--receipt", type=Path, required=True, help="receipt of the archive, written by `fetch`")
    options = parser.parse_args(argv)
    if options.command == "fetch":
        archive = fetch_archive(options.archive, options.address, options.archives)
        write_text(options.receipt, f"{options.archive['md5']}  {archive}\n")
    elif options.command == "unpack":
        member, largest_bytes = MEMBERS[options.output.suffix]
        name = member.format(scene=options.scene, recording=options.recording)
        unpack(read_receipt(options.receipt), {name: options.output}, largest_bytes=largest_bytes)
    else:
        found = unpack_evaluation(read_receipt(options.receipt), options.audio)
        rows = "".join(f"{recording.name}\t{recording.scene}\t{recording.duration_s:.4f}\n" for recording in found)
        write_text(options.found, f"recording\tscene\tduration_s\n{rows}")
        logger.info("%s: %d evaluation recordings", options.found, len(found))
