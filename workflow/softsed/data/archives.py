"""Zip archives that may be damaged or hostile, and files that are there whole or not at all.

Members are read by the names that are expected of them; no path of an archive is used for writing.
"""

import logging
import os
import re
import shutil
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

from softsed.core.errors import InputError

# Of these alone zipfile unpacks no more at a time than it is asked for: a kilobyte of bzip2 may be gigabytes in memory.
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
AGAIN = "`snakemake data --forcerun fetch_archive` checks its hash, fetches it anew if that is wrong; then run again."
REPACK = "Repack the archive with plain Deflate and put its new md5 into the config."

logger = logging.getLogger(__name__)


@contextmanager
def whole(path: Path) -> Iterator["_Sink"]:
    """Write a file that takes its name when it is complete; folders are made, a file that is there is replaced.

    Raises
    ------
    InputError
        When it cannot be written. Nothing is left then, nor after any other exception; what was there before stays.
        Errors of what is done besides, such as reading what is to be written, are passed on as they are.

    Notes
    -----
    A process that was killed leaves a part, which is removed when the same file is written again.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")  # a second process writes a part of its own
    try:
        with _told(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            _remove_left_parts(path)
            raw = part.open("wb", buffering=0)
        try:
            yield _Sink(path, raw)
        finally:
            with _told(path):
                raw.close()
        with _told(path):
            part.replace(path)
    finally:
        with _told(path):
            part.unlink(missing_ok=True)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error}; mend that and run again") from error


class _Sink:
    """What `whole` gives to write into: an error of writing is told apart from one of whoever writes."""

    def __init__(self, path: Path, raw: FileIO) -> None:
        self.path, self.raw = path, raw

    def write(self, content: bytes) -> None:
        """Write all of it; an unbuffered file may take less at a time."""
        rest = memoryview(content)
        with _told(self.path):
            while rest:
                rest = rest[self.raw.write(rest) :]


def _remove_left_parts(path: Path) -> None:
    """Remove the parts of a file whose processes are gone.

    One on another machine that shares the folder is unseen here: it loses its part, says so and is run again.
    """
    for part in path.parent.iterdir():
        match = re.fullmatch(rf"\.{re.escape(path.name)}\.(\d+)\.part", part.name)
        if match and not _lives(int(match[1])):
            part.unlink(missing_ok=True)


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)  # signal 0 only asks
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # of another user
        pass
    return True


def write_whole(path: Path, content: bytes) -> None:
    """Write a small file, see :func:`whole`."""
    with whole(path) as file:
        file.write(content)


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
    except (OSError, zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise InputError(f"{archive}: cannot be read as a zip archive: {error}. {AGAIN}") from error
    members: dict[str, zipfile.ZipInfo] = {}
    for info in infos:
        steps = info.filename.replace("\\", "/").split("/")
        if steps[0] == "" or steps[0].endswith(":") or ".." in steps:
            raise InputError(f"{archive}: the path of member {info.filename!r} leads out of the archive; not unpacked")
        top, _, rest = info.filename.partition("/")
        if members.setdefault(f"{top.lower()}/{rest}", info) is not info:
            raise InputError(f"{archive}: holds {info.filename!r} twice (case of the top folder aside); not unpacked")
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
        When members are missing, too large, links, compressed in another way than Deflate, damaged or encrypted. The
        first four are found before anything is written.
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
        if members[name].compress_type not in METHODS:
            raise InputError(
                f"{archive}: {name}: compressed by method {members[name].compress_type}, expected 0 (stored) or 8 "
                f"(Deflate). {REPACK}"
            )
    logger.info("%s: unpacking %d files", archive, len(targets))
    with zipfile.ZipFile(archive) as file:
        for name, target in targets.items():
            try:
                _unpack_member(file, members[name], target)
            except (zipfile.BadZipFile, zlib.error, EOFError, OSError, UnicodeDecodeError) as error:
                raise InputError(f"{archive}: {name}: damaged: {error}. {AGAIN}") from error
            except RuntimeError as error:  # encrypted, or compressed by another method than the archive's list says
                raise InputError(f"{archive}: {name}: cannot be unpacked: {error}. {REPACK}") from error


def _unpack_member(file: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path) -> None:
    with file.open(member) as source, whole(target) as sink:
        shutil.copyfileobj(source, sink, 2**20)
