"""Download files and verify their hashes: a file is either complete and verified, or absent.

Conventions
-----------
- A digest is text, ``md5:HEX`` or ``sha256:HEX``.
- ``FILE.part`` contains the bytes received so far. It stays when the process ends, so that the next run requests only
  the remaining bytes. When its hash is right, it is renamed to ``FILE``.
- ``.FILE.lock`` serialises two processes: the second one waits and then finds the complete file. A part per process
  would need no lock, but could not be resumed. The empty lock file stays: after its removal, a third process could lock
  a new file while the second one holds the old one.
- A file in a folder (plain path or ``file://``) is used in place, without a copy. Its hash is verified as well.
- A redirect to another server is followed, over HTTP(S) only, and logged. The hash decides whether the file is right,
  and a request contains nothing but the name of a public file.
"""

import fcntl
import hashlib
import logging
import shutil
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import url2pathname

from softsed.core import log
from softsed.core.errors import InputError

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

WAITS_S = (
    2.0,
    10.0,
    30.0,
    60.0,
)  # waiting times before the second, third, ... attempt; an attempt with progress restarts the list
CONNECT_S, READ_S = 10.0, 60.0  # seconds without data after which a connection counts as broken
CHUNK_BYTES = 2**16  # fewer bytes in READ_S seconds or in an attempt do not count as progress
SHOWN_BYTES = 10_000_000  # smaller files arrive too fast for a progress display
BUSY = (408, 425, 429, 500, 502, 503, 504)  # HTTP statuses that may be temporary

logger = logging.getLogger(__name__)


def is_remote(address: str) -> bool:
    """Report whether an address is remote (http, https) rather than local (file, plain path)."""
    return urlsplit(address).scheme in ("http", "https")


def file_digest(path: Path, algorithm: str) -> str:
    """Hash a file and return it as ``algorithm:HEX``."""
    with path.open("rb") as file:
        return f"{algorithm}:{hashlib.file_digest(file, algorithm).hexdigest()}"


def download(url: str, path: Path, *, digest: str, waits_s: Sequence[float] = WAITS_S) -> Path:
    """Download a file and verify its hash.

    Parameters
    ----------
    url : str
        ``http(s)://``, ``file://`` or a plain path.
    path : Path
        File to write. If it exists and has the right hash, nothing is transferred. If it has another hash, it is
        replaced after the new file has been verified.
    digest : str
        Expected hash, ``md5:HEX`` or ``sha256:HEX``.
    waits_s : sequence of float
        Seconds to wait before the second, third, ... attempt. The error is raised after the last attempt.

    Returns
    -------
    Path
        The verified file: `path`, or the local file that `url` names.

    Raises
    ------
    InputError
        If the file cannot be downloaded or written, or has another hash. An interrupted ``.part`` is kept; a ``.part``
        with the wrong hash is removed.
    """
    digest = digest.lower()
    algorithm = digest.partition(":")[0]
    part = path.with_name(f"{path.name}.part")
    if "://" in url and urlsplit(url).scheme not in ("http", "https", "file"):
        expected = "https://, http://, file:// or the path of a folder"
        raise InputError("the address has an unknown scheme", file=url, expected=expected)
    try:
        if not is_remote(url):
            local = Path(url2pathname(urlsplit(url).path) if url.startswith("file:") else url)
            _verify(local, digest, origin="the local copy", remedy="Copy it again")
            return local
        if path.exists() and file_digest(path, algorithm) == digest:
            logger.info("%s: already downloaded, %s", path, digest)
            return path
        path.parent.mkdir(parents=True, exist_ok=True)
        with _locked(path):
            if path.exists():  # perhaps downloaded by another process that held the lock
                if file_digest(path, algorithm) == digest:
                    return path
                logger.warning("%s: not the expected file (%s), downloading it again", path, digest)
            _transfer(url, part, waits_s=waits_s)
            try:
                _verify(part, digest, origin=url, remedy="The partial file has been removed. Run again")
            except InputError:
                part.unlink(missing_ok=True)
                raise
            part.replace(path)
    except OSError as error:
        resumed = f". The download continues after the {_size(part)} bytes in {part}" if _size(part) else ""
        raise InputError(
            f"cannot be read, or cannot be written to {path}: {error}",
            file=url,
            remedy=f"Free disk space or correct the permissions, then run again{resumed}",
        ) from error
    logger.info("%s: downloaded from %s, %s", path, url, digest)
    return path


def _verify(path: Path, digest: str, *, origin: str, remedy: str) -> None:
    """Raise an error if a file is missing or has another hash."""
    if not path.is_file():
        raise InputError("there is no such file", file=path, remedy="Check the address in the config")
    found = file_digest(path, digest.partition(":")[0])
    if found != digest:
        raise InputError(
            f"{path.stat().st_size} bytes from {origin} have {found}",
            file=path,
            expected=digest,
            remedy=f"{remedy}. If this happens again, the source has another file than the config expects",
        )


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the lock of a file. The system releases it when the process ends, even if the process is killed."""
    with path.with_name(f".{path.name}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            logger.info("%s: another process is downloading it, waiting", path, extra=log.PROGRESS)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _transfer(url: str, part: Path, *, waits_s: Sequence[float]) -> None:
    """Repeat attempts until `part` is complete. An attempt that received at least one chunk does not count."""
    attempt, furthest = 0, _size(part)
    while (trouble := _attempt(url, part)) is not None:
        if _size(part) >= furthest + CHUNK_BYTES:
            attempt, furthest = 0, _size(part)
        if attempt == len(waits_s):
            kept = f": the {_size(part)} bytes in {part} are kept" if _size(part) else ""
            raise InputError(
                f"the download failed in {attempt + 1} attempts without progress: {trouble}",
                file=url,
                remedy=f"Check the connection to the internet and run again{kept}. Or download the file by hand to "
                f"{part.with_suffix('')}",
            )
        logger.warning("%s: %s; next attempt in %g s", url, trouble, waits_s[attempt])
        time.sleep(waits_s[attempt])
        attempt += 1


def _attempt(url: str, part: Path) -> str | None:
    """Append the remaining bytes of the file to `part`.

    Returns
    -------
    str or None
        None if `part` is complete, otherwise a problem that another attempt may solve.
    """
    import requests  # noqa: PLC0415  # takes 0.1 s to import, which steps without a download need not spend
    from urllib3.exceptions import HTTPError  # noqa: PLC0415

    have = _size(part)
    # With compression in transit, byte positions would have another meaning.
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    try:
        with requests.get(url, headers=headers, stream=True, timeout=(CONNECT_S, READ_S)) as response:
            status = response.status_code
            if response.history:
                logger.info("%s: redirected to %s", url, response.url, extra=log.PROGRESS)
            if status == 416 and have:  # no further bytes: complete, or another file, which the hash shows
                return None
            if status in BUSY:
                return f"the server answers {status} {response.reason}"
            if status not in (200, 206):
                remedy = "Check the address and the name of the file in the config"
                raise InputError(f"the server answers {status} {response.reason}", file=url, remedy=remedy)
            if status == 206:
                if not (found := response.headers.get("Content-Range", "")).startswith(f"bytes {have}-"):
                    part.unlink(missing_ok=True)
                    return f"requested bytes from {have}, the server sent {found!r}; starting from 0"
            else:
                have = 0  # the server does not support ranges and sends the whole file
            rest = response.raw.length_remaining or 0  # also 0 if the server does not send a length
            _check_room(part, have, rest, url)
            with part.open("ab" if have else "wb") as file:
                for chunk in _shown(_arriving(response.raw), part.stem, have, have + rest):
                    file.write(chunk)
    except requests.exceptions.SSLError as error:
        if "CERTIFICATE_VERIFY_FAILED" not in str(error):
            return _problem(error)
        raise InputError(
            f"the certificate of the server is not valid: {error}",
            file=url,
            remedy="Check the address and the clock of this machine. To trust another certificate, set the environment "
            "variable REQUESTS_CA_BUNDLE to its file",
        ) from error
    except (requests.ConnectionError, requests.Timeout, HTTPError, TimeoutError) as error:
        return _problem(error)
    except requests.RequestException as error:
        remedy = "Check the address in the config"
        raise InputError(f"cannot be downloaded: {error}", file=url, remedy=remedy) from error
    return None


def _problem(error: Exception) -> str:
    """Describe a connection problem by its cause. requests repeats host and address around the cause."""
    cause = getattr(error.args[0], "reason", None) if error.args else None
    return f"connection problem ({error if cause is None else cause})"


def _check_room(part: Path, have: int, rest: int, url: str) -> None:
    """Raise an error before a download that would fill the disk, which other programs use as well.

    Parameters
    ----------
    part : Path
        File that grows; its bytes after `have` will be overwritten.
    have, rest : int
        Bytes that are kept and bytes to come.
    url : str
        Address, for the message.
    """
    disk = shutil.disk_usage(part.parent)
    free = disk.free + _size(part) - have
    if disk.total and rest > free:  # some file systems report a size of 0
        raise InputError(
            f"{rest / 1e6:.1f} MB remain to be downloaded, but {part.parent} has room for {free / 1e6:.1f} MB",
            file=url,
            remedy="Make room, or replace the folder by a link to another disk, then run again: the download resumes",
        )


def _arriving(body: "BaseHTTPResponse") -> Iterator[bytes]:
    """Yield bytes as they arrive; raise a TimeoutError if fewer than `CHUNK_BYTES` arrive in `READ_S` seconds."""
    since, arrived = time.monotonic(), 0
    while piece := body.read1(CHUNK_BYTES, decode_content=True):
        yield piece
        arrived += len(piece)
        if arrived >= CHUNK_BYTES:
            since, arrived = time.monotonic(), 0
        elif time.monotonic() - since > READ_S:
            raise TimeoutError(f"only {arrived} bytes in {READ_S:g} s")


def _shown(chunks: Iterable[bytes], name: str, done: int, total: int) -> Iterator[bytes]:
    """Yield chunks and show the progress: a bar on a terminal, otherwise a log message for each tenth of the file."""
    if total < SHOWN_BYTES:
        yield from chunks
    elif sys.stderr.isatty():
        from tqdm import tqdm  # noqa: PLC0415  # imported only if there is a terminal

        with tqdm(total=total, initial=done, desc=name, unit="B", unit_scale=True) as bar:
            for chunk in chunks:
                yield chunk
                bar.update(len(chunk))
    else:
        for chunk in chunks:
            yield chunk
            tenth, done = done * 10 // total, done + len(chunk)
            if done * 10 // total > tenth:
                text = (name, done * 100 // total, total / 1e6)
                logger.info("%s: %d %% of %.0f MB", *text, extra=log.PROGRESS)
