"""MAESTRO Real: bring the published recordings and soft labels in, under names of our own.

The archives are kept in a folder and checked by md5; what is there already is not downloaded again, so archives
downloaded by hand into that folder serve as well. A receipt, a line as md5sum writes it, says that an archive is
complete and where it is: recordings are unpacked one by one, and hashing gigabytes for each would take hours. Layout
inside the archives (the top folder in any case):

- ``development_audio/SCENE/SCENE_NN.wav``, 49 recordings
- ``development_annotation/soft_labels_SCENE/SCENE_NN.txt``, their soft labels
- ``Evaluation_audio/SCENE/SCENE_NN.wav``, 26 recordings whose labels are not public

Only members expected by name are read, and no path of an archive is used for writing.
"""

import argparse
import json
import logging
import os
import re
import shutil
import stat
import zipfile
import zlib
from pathlib import Path

from softsed import log
from softsed.classes import Recording
from softsed.download import download, is_remote
from softsed.errors import InputError

LICENCE = "(c) Tampere University, for research and other non-commercial use only; the licence is at"
ZENODO = "https://zenodo.org/records/"  # shown with the licence, wherever the archives come from

# Five minutes of 44.1 kHz stereo with 32 bits are 106 MB, their soft labels 0.1 MB: more than these is no recording.
LARGEST_AUDIO_BYTES = 500 * 10**6
LARGEST_TEXT_BYTES = 10 * 10**6

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
        See :func:`softsed.download.download`.
    """
    url = f"{address.rstrip('/')}/{archive['record']}/files/{archive['file']}"
    logger.info("%s: %s %s%s", archive["file"], LICENCE, ZENODO, archive["record"], extra=log.PROGRESS)
    query = "?download=1" if is_remote(url) else ""
    kept = archives / str(archive["record"]) / archive["file"]
    found = download(url + query, kept, digest=f"md5:{archive['md5']}")
    if found != kept:
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.unlink(missing_ok=True)
        kept.symlink_to(found.resolve())
    return kept


def read_receipt(path: Path) -> Path:
    """Return the archive of a receipt, ``MD5  FILE``; an InputError where it is gone."""
    try:
        archive = Path(path.read_text(encoding="utf-8").rstrip("\n").split("  ", 1)[1])
    except (OSError, UnicodeDecodeError, IndexError) as error:
        raise InputError(f"{path}: no receipt of an archive (MD5, two spaces, file): {error}") from error
    if not archive.exists():
        raise InputError(
            f"{archive} is gone, of which {path} is the receipt; `--forcerun fetch_archive` brings it back"
        )
    return archive


def list_members(archive: Path) -> dict[str, zipfile.ZipInfo]:
    """List the members of a zip archive by path, the top folder in lower case.

    Raises
    ------
    InputError
        When it is not a zip archive, a member's path leads out of the archive, or a path occurs twice: such an
        archive is not the published one, whatever its other members are.
    """
    try:
        with zipfile.ZipFile(archive) as file:
            infos = file.infolist()
    except (OSError, zipfile.BadZipFile) as error:
        raise InputError(f"{archive}: cannot be read as a zip archive: {error}") from error
    members: dict[str, zipfile.ZipInfo] = {}
    for info in infos:
        steps = info.filename.replace("\\", "/").split("/")
        if steps[0] == "" or steps[0].endswith(":") or ".." in steps:
            raise InputError(f"{archive}: the path of member {info.filename!r} leads out of the archive; not unpacked")
        top, _, rest = info.filename.partition("/")
        if members.setdefault(f"{top.lower()}/{rest}", info) is not info:
            raise InputError(f"{archive}: holds {info.filename!r} twice; not unpacked")
    return members


def unpack(archive: Path, targets: dict[str, Path], *, largest_bytes: int) -> None:
    """Unpack the members that are wanted, each to the file we name for it.

    Parameters
    ----------
    archive : Path
        A zip archive.
    targets : dict
        Member, its top folder in lower case -> file to write. Folders are made, files replaced one by one, each
        only when complete.
    largest_bytes : int
        A larger member is refused. The size declared in the archive is a bound on what is written: zipfile
        reads no further and finds the checksum wrong.

    Raises
    ------
    InputError
        When members are missing, too large, links, damaged, or compressed or encrypted in a way Python cannot read.
        The first three are found before anything is written.
    """
    members = list_members(archive)
    if missing := sorted(set(targets) - set(members)):
        raise InputError(f"{archive}: {len(missing)} of {len(targets)} expected members are missing: {missing}")
    for name in targets:
        if members[name].file_size > largest_bytes:
            size = members[name].file_size
            raise InputError(f"{archive}: {name}: {size} bytes unpacked, at most {largest_bytes} expected")
        if stat.S_ISLNK(members[name].external_attr >> 16):
            raise InputError(f"{archive}: {name}: is a link, expected a file")
    logger.info("%s: unpacking %d files", archive, len(targets))
    with zipfile.ZipFile(archive) as file:
        for name, target in targets.items():
            try:
                _unpack_member(file, members[name], target)
            except (zipfile.BadZipFile, zlib.error, EOFError) as error:
                raise InputError(f"{archive}: {name}: damaged: {error}") from error
            except RuntimeError as error:  # encrypted, or an unknown method (NotImplementedError), such as Deflate64
                advice = "Repack the archive with plain Deflate and put its new md5 into the config"
                raise InputError(f"{archive}: {name}: cannot be unpacked: {error}. {advice}.") from error
            except OSError as error:
                raise InputError(f"{target}: cannot be written: {error}") from error


def _unpack_member(file: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.{os.getpid()}.part")  # a second process writes a part of its own
    try:
        with file.open(member) as source, part.open("wb") as sink:
            shutil.copyfileobj(source, sink, 2**20)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def unpack_evaluation(archive: Path, audio: Path) -> list[Recording]:
    """Unpack the evaluation recordings, whose names are not known beforehand, to ``AUDIO/{recording}.wav``.

    Returns
    -------
    list of Recording
        Sorted by name, durations read from the files.

    Raises
    ------
    InputError
        When there is none, or one cannot be read as audio; see also :func:`unpack`.
    """
    import soundfile  # noqa: PLC0415 - the development set is brought in without it

    matches = {name: match for name in list_members(archive) if (match := EVALUATION_MEMBER.fullmatch(name))}
    if not matches:
        raise InputError(f"{archive}: no member Evaluation_audio/SCENE/SCENE_NN.wav found")
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
    parser = argparse.ArgumentParser(prog="softsed maestro", description=main.__doc__)
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
        options.receipt.write_text(f"{options.archive['md5']}  {archive}\n", encoding="utf-8")
    elif options.command == "unpack":
        member, largest_bytes = MEMBERS[options.output.suffix]
        name = member.format(scene=options.scene, recording=options.recording)
        unpack(read_receipt(options.receipt), {name: options.output}, largest_bytes=largest_bytes)
    else:
        found = unpack_evaluation(read_receipt(options.receipt), options.audio)
        rows = "".join(f"{recording.name}\t{recording.scene}\t{recording.duration_s:.4f}\n" for recording in found)
        options.found.parent.mkdir(parents=True, exist_ok=True)
        options.found.write_text(f"recording\tscene\tduration_s\n{rows}", encoding="utf-8")
        logger.info("%s: %d evaluation recordings", options.found, len(found))
