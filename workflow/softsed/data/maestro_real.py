"""MAESTRO Real: bring the published recordings and soft labels in, under names of our own.

The archives are kept in a folder and checked by md5; what is there already is not downloaded again, so archives
downloaded by hand into that folder serve as well. A receipt, a line as md5sum writes it, says that an archive is
complete and where it is: recordings are unpacked one by one, and hashing gigabytes for each would take hours. Layout
inside the archives (the top folder in any case):

- ``development_audio/SCENE/SCENE_NN.wav``, 49 recordings
- ``development_annotation/soft_labels_SCENE/SCENE_NN.txt``, their soft labels
- ``Evaluation_audio/SCENE/SCENE_NN.wav``, 26 recordings whose labels are not public

Only members expected by name are read.
"""

import argparse
import json
import logging
import os
import re
from pathlib import Path

from softsed.core import log
from softsed.core.errors import InputError
from softsed.core.metadata import Recording
from softsed.data.archives import list_members, unpack, write_whole
from softsed.data.download import download, is_remote

LICENCE = "(c) Tampere University, for research and other non-commercial use only; the licence is at"
ZENODO = "https://zenodo.org/records/"  # shown with the licence, wherever the archives come from

# Five minutes of 44.1 kHz stereo with 32 bits are 106 MB, their soft labels 0.1 MB: more than these is no recording.
LARGEST_AUDIO_BYTES = 500 * 10**6
LARGEST_TEXT_BYTES = 10 * 10**6
LARGEST_SET_BYTES = 10 * 10**9  # 26 evaluation recordings are a quarter of it at most

# Suffix of the file to write -> the member of the development archives, its top folder in lower case, and its bound.
MEMBERS = {
    ".wav": ("development_audio/{scene}/{recording}.wav", LARGEST_AUDIO_BYTES),
    ".txt": ("development_annotation/soft_labels_{scene}/{recording}.txt", LARGEST_TEXT_BYTES),
}

# The backreference keeps a recording in the folder of its scene.
EVALUATION_MEMBER = re.compile(r"evaluation_audio/(?P<scene>[a-z_]+)/(?P<recording>(?P=scene)_[0-9]+)\.wav")

logger = logging.getLogger(__name__)


def fetch_archive(archive: dict, address: str, archives: Path) -> Path:
    """Bring one archive in and show the licence.

    Parameters
    ----------
    archive : dict
        Its ``record``, ``file`` and ``md5``.
    address : str
        The file is at ``ADDRESS/RECORD/files/FILE``, a URL or a folder.
    archives : Path
        Folder that keeps the archives, below their records: files of two records may have the same name.

    Returns
    -------
    Path
        The verified archive, ``ARCHIVES/RECORD/FILE``; a link to the file when the address is a folder.

    Raises
    ------
    InputError
        See :func:`softsed.data.download.download`.
    """
    url = f"{address.rstrip('/')}/{archive['record']}/files/{archive['file']}"
    logger.info("%s: %s %s%s", archive["file"], LICENCE, ZENODO, archive["record"], extra=log.PROGRESS)
    query = "?download=1" if is_remote(url) else ""
    kept = archives / str(archive["record"]) / archive["file"]
    found = download(url + query, kept, digest=f"md5:{archive['md5']}").resolve()
    if found != kept.resolve():  # the same where the folder holds a link to what is kept here
        link = kept.with_name(f".{kept.name}.{os.getpid()}.link")
        try:
            kept.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(found)
            link.replace(kept)
        except OSError as error:
            raise InputError(f"{kept}: cannot be made a link to {found}: {error}") from error
    return kept


def read_receipt(path: Path) -> Path:
    """Return the archive of a receipt, ``MD5  FILE``; an InputError where it is gone."""
    try:
        archive = Path(path.read_text(encoding="utf-8").rstrip("\n").split("  ", 1)[1])
    except (OSError, UnicodeDecodeError, IndexError) as error:
        raise InputError(f"{path}: no receipt of an archive (MD5, two spaces, file): {error}") from error
    if not archive.exists():
        raise InputError(
            f"{archive} is gone, of which {path} is the receipt; `snakemake data --forcerun fetch_archive` "
            "brings it back, then run again"
        )
    return archive


def unpack_evaluation(archive: Path, audio: Path) -> list[Recording]:
    """Unpack the evaluation recordings, whose names are not known beforehand, to ``AUDIO/{recording}.wav``.

    Returns
    -------
    list of Recording
        Sorted by name, durations read from the files.

    Raises
    ------
    InputError
        When there is none, they are more than a set of recordings can be, or one cannot be read as audio; see also
        :func:`softsed.data.archives.unpack`.
    """
    import soundfile  # noqa: PLC0415 - the development set is brought in without it

    members = list_members(archive)
    matches = {name: match for name in members if (match := EVALUATION_MEMBER.fullmatch(name))}
    if not matches:
        raise InputError(f"{archive}: no member Evaluation_audio/SCENE/SCENE_NN.wav found")
    if (size := sum(members[name].file_size for name in matches)) > LARGEST_SET_BYTES:
        expected = f"at most {LARGEST_SET_BYTES} expected of this set; not unpacked"
        raise InputError(f"{archive}: {len(matches)} recordings, {size} bytes unpacked, {expected}")
    targets = {name: audio / f"{match['recording']}.wav" for name, match in matches.items()}
    unpack(archive, targets, largest_bytes=LARGEST_AUDIO_BYTES)
    found = []
    for name, match in matches.items():
        try:
            duration = soundfile.info(targets[name]).duration
        except soundfile.LibsndfileError as error:
            raise InputError(f"{targets[name]}: cannot be read as audio: {error}") from error
        found.append(Recording(match["recording"], match["scene"], duration))
    return sorted(found, key=lambda recording: recording.name)


def main(argv: list[str] | None = None) -> None:
    """Bring MAESTRO Real in: an archive, one recording or its labels from it, or all evaluation recordings."""
    parser = argparse.ArgumentParser(prog="softsed data.maestro_real", description=main.__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    fetch = commands.add_parser("fetch", help="download an archive and check it")
    fetch.add_argument("--archive", type=json.loads, required=True, help="record, file and md5 as JSON")
    fetch.add_argument("--address", required=True, help="URL or folder with RECORD/files/FILE below it")
    fetch.add_argument("--archives", type=Path, required=True, help="folder that keeps the archives")
    fetch.add_argument("--receipt", type=Path, required=True, help="md5 and place of the archive, written")
    one = commands.add_parser("unpack", help="a recording or its published labels out of an archive")
    one.add_argument("--recording", required=True, help="name")
    one.add_argument("--scene", required=True, help="its scene")
    one.add_argument("--output", type=Path, required=True, help=f"file of the kind {' or '.join(MEMBERS)}, written")
    evaluation = commands.add_parser("evaluation", help="all recordings of the evaluation set, which has no labels")
    evaluation.add_argument("--audio", type=Path, required=True, help="folder of RECORDING.wav, written")
    evaluation.add_argument("--found", type=Path, required=True, help="table of the recordings found, written")
    for command in (one, evaluation):
        command.add_argument("--receipt", type=Path, required=True, help="of the archive")
    options = parser.parse_args(argv)
    if options.command == "fetch":
        archive = fetch_archive(options.archive, options.address, options.archives)
        write_whole(options.receipt, f"{options.archive['md5']}  {archive}\n".encode())
    elif options.command == "unpack":
        member, largest_bytes = MEMBERS[options.output.suffix]
        name = member.format(scene=options.scene, recording=options.recording)
        unpack(read_receipt(options.receipt), {name: options.output}, largest_bytes=largest_bytes)
    else:
        found = unpack_evaluation(read_receipt(options.receipt), options.audio)
        rows = "".join(f"{recording.name}\t{recording.scene}\t{recording.duration_s:.4f}\n" for recording in found)
        write_whole(options.found, f"recording\tscene\tduration_s\n{rows}".encode())
        logger.info("%s: %d evaluation recordings", options.found, len(found))
