"""Unpack zip archives that may be damaged or hostile, into files that are either complete or absent.

Only members with expected names are read. No path of an archive is ever used as the path of a file.
"""

import logging
import os
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from softsed.core.errors import InputError, count

# zipfile limits the output of each read only for these methods: a kilobyte of bzip2 may become gigabytes in memory.
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
ENCRYPTED = 1  # bit of the flags of a member
PIECE_BYTES = 2**20  # read and written at once
FETCH = "Run `snakemake data --forcerun fetch_archive`, which checks the archive and downloads it again if necessary"
CHECK = "Check `file` and `md5` of the archive in the config, or download the original archive"
REPACK = "Compress the archive again with plain Deflate, and put its new md5 into the config"

logger = logging.getLogger(__name__)


@contextmanager
def open_atomic(path: Path) -> Iterator[BinaryIO]:
    """Open a file for writing that gets its name only when the block has ended without an error.

    The folder is created. A file with the same name stays as it is until then. After an error nothing remains. A
    process that is killed leaves ``.NAME.PID.part``, which nothing reads and which can be deleted by hand.

    Parameters
    ----------
    path : Path
        File to write or to replace.

    Yields
    ------
    BinaryIO
        File open for writing. Each OSError in the block counts as an error of writing: convert errors of reading.

    Raises
    ------
    InputError
        If the file cannot be written, for example because the disk is full.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")  # one per process, so that two cannot mix their bytes
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            yield file
        part.replace(path)
    except OSError as error:
        raise InputError(
            f"cannot be written: {error}",
            file=path,
            remedy="Free disk space or correct the permissions, then run again",
        ) from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def list_members(archive: Path) -> dict[str, zipfile.ZipInfo]:
    """List the members of a zip archive.

    Returns
    -------
    dict of ZipInfo
        Path of the member, with its top folder in lower case -> member.

    Raises
    ------
    InputError
        If the file is not a zip archive, the path of a member leads out of the archive, or a path occurs twice. Such an
        archive is not the published one, even if its other members are correct.
    """
    try:
        with zipfile.ZipFile(archive) as file:
            infos = file.infolist()
    except (OSError, zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise InputError(f"cannot be read as a zip archive: {error}", file=archive, remedy=FETCH) from error
    members: dict[str, zipfile.ZipInfo] = {}
    for info in infos:
        steps = info.filename.replace("\\", "/").split("/")
        if steps[0] == "" or steps[0].endswith(":") or ".." in steps:
            raise InputError(
                f"the path of member {info.filename!r} leads out of the archive", file=archive, remedy=CHECK
            )
        top, _, rest = info.filename.partition("/")
        if members.setdefault(f"{top.lower()}/{rest}", info) is not info:
            problem = f"member {info.filename!r} occurs twice (ignoring case in the top folder)"
            raise InputError(problem, file=archive, remedy=CHECK)
    return members


def unpack(archive: Path, targets: dict[str, Path], *, largest_bytes: int) -> None:
    """Unpack chosen members of an archive, each into a given file.

    Parameters
    ----------
    archive : Path
        Zip archive.
    targets : dict of Path
        Path of the member, with its top folder in lower case -> file to write. Files are created or replaced one after
        the other, see `open_atomic`.
    largest_bytes : int
        Upper limit for the size of a member. The size declared in the archive limits the bytes that are written:
        zipfile reads no further, and then reports a wrong checksum.

    Raises
    ------
    InputError
        If members are missing, too large, links, encrypted, compressed by a method other than Deflate, or damaged. All
        but damage is found before a file is written. Also if a file cannot be written.
    """
    members = list_members(archive)
    if missing := sorted(set(targets) - set(members)):
        problem = f"{len(missing)} of {len(targets)} expected members are missing: {missing}"
        raise InputError(problem, file=archive, remedy=CHECK)
    for name in targets:
        size, method = members[name].file_size, members[name].compress_type
        if size > largest_bytes:
            expected = f"at most {largest_bytes} bytes"
            problem = f"member {name} has {size} bytes unpacked"
            raise InputError(problem, file=archive, expected=expected, remedy=CHECK)
        if stat.S_ISLNK(members[name].external_attr >> 16):
            raise InputError(f"member {name} is a link", file=archive, expected="a file", remedy=CHECK)
        if members[name].flag_bits & ENCRYPTED:
            raise InputError(
                f"member {name} is encrypted",
                file=archive,
                expected="an archive without a password",
                remedy="Create the archive again without encryption, and put its new md5 into the config",
            )
        if method not in METHODS:
            raise InputError(
                f"member {name} is compressed by method {method}",
                file=archive,
                expected="0 (stored) or 8 (Deflate)",
                remedy=REPACK,
            )
    logger.info("%s: unpacking %s", archive, count(len(targets), "file", "files"))
    for name, target in targets.items():
        pieces = _read_member(archive, members[name], name)
        first = next(pieces, b"")  # read before the folder of the file is created
        with open_atomic(target) as file:
            for piece in chain([first], pieces):
                file.write(piece)


def _read_member(archive: Path, member: zipfile.ZipInfo, name: str) -> Iterator[bytes]:
    """Yield the content of a member; raise an InputError if it is damaged or encrypted."""
    try:
        with zipfile.ZipFile(archive) as file, file.open(member) as source:
            while piece := source.read(PIECE_BYTES):
                yield piece
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, UnicodeDecodeError) as error:
        raise InputError(f"member {name} is damaged: {error}", file=archive, remedy=FETCH) from error
    except RuntimeError as error:  # encrypted, or compressed by a method that the list of members does not name
        raise InputError(f"member {name} cannot be unpacked: {error}", file=archive, remedy=REPACK) from error
