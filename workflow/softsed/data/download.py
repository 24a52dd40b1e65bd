"""Verified downloads: a file is either whole and has the expected hash, or it is not there.

Conventions
-----------
- A digest is text, ``md5:HEX`` or ``sha256:HEX``.
- ``FILE.part`` holds what has arrived so far. It outlives the process, so that the next run asks for the rest only,
  and it becomes ``FILE`` by a rename once its hash is right.
- ``.FILE.lock`` makes two processes take turns: the second waits, then finds the file complete. One part for each
  process would be simpler but could not be resumed. The empty lock file stays, as removing it would let a third
  process lock a new one while the second holds the old one.
- A folder (plain path or ``file://``) is read in place: nothing is copied, the hash is checked all the same.
- A server may send us on to another one, as archives and mirrors do: it is followed, over HTTP only, and named. What
  counts is the hash, not who delivers; nothing but the name of a public file is told to either.
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

WAITS_S = (2.0, 10.0, 30.0, 60.0)  # before the second, third, ... attempt; progress starts the list anew
CONNECT_S, READ_S = 10.0, 60.0  # seconds of silence after which a connection counts as broken
CHUNK_BYTES = 2**16  # less than this in READ_S, or in an attempt, is no progress: a trickle would never end
SHOWN_BYTES = 10_000_000  # smaller files arrive before a progress display is of use
BUSY = (408, 425, 429, 500, 502, 503, 504)  # HTTP statuses that may pass

logger = logging.getLogger(__name__)


def is_remote(address: str) -> bool:
    """Tell whether an address is downloaded from (http, https) rather than read in place (file, plain path)."""
    return urlsplit(address).scheme in ("http", "https")


def file_digest(path: Path, algorithm: str) -> str:
    """Hash a file and return it as ``algorithm:HEX``."""
    with path.open("rb") as file:
        return f"{algorithm}:{hashlib.file_digest(file, algorithm).hexdigest()}"


def download(url: str, path: Path, *, digest: str, waits_s: Sequence[float] = WAITS_S) -> Path:
    """Bring a file in and check its hash.

    Parameters
    ----------
    url : str
        ``http(s)://``, ``file://`` or a plain path.
    path : Path
        Where a downloaded file is kept. When it is there already with the right hash, nothing is transferred; with
        another hash it is replaced, after the new one has proved right.
    digest : str
        Expected hash, ``md5:HEX`` or ``sha256:HEX``.
    waits_s : sequence of float
        Seconds to wait before each further attempt; after the last one the download is given up.

    Returns
    -------
    Path
        The verified file: `path`, or the file itself when `url` is a local one.

    Raises
    ------
    InputError
        When the file cannot be had, cannot be written, or has another hash. An interrupted ``.part`` is kept, one
        with the wrong hash is removed.
    """
    digest = digest.lower()
    algorithm = digest.partition(":")[0]
    part = path.with_name(f"{path.name}.part")
    if "://" in url and urlsplit(url).scheme not in ("http", "https", "file"):
        raise InputError(f"{url}: the address must begin with https://, http:// or file://, or be a folder")
    try:
        if not is_remote(url):
            local = Path(url2pathname(urlsplit(url).path) if url.startswith("file:") else url)
            _check(local, digest, origin="the local copy", advice="Copy it again")
            return local
        if path.exists() and file_digest(path, algorithm) == digest:
            logger.info("%s: already there, %s", path, digest)
            return path
        path.parent.mkdir(parents=True, exist_ok=True)
        with _locked(path):
            if path.exists():  # also brought by the process we waited for
                if file_digest(path, algorithm) == digest:
                    return path
                logger.warning("%s: not the expected file (%s), downloading it anew", path, digest)
            _transfer(url, part, waits_s=waits_s)
            try:
                _check(part, digest, origin=url, advice="The partial file is removed, run again")
            except InputError:
                part.unlink(missing_ok=True)
                raise
            part.replace(path)
    except OSError as error:
        kept = f"; it continues after the {_size(part)} bytes in {part}" if _size(part) else ""
        raise InputError(
            f"{url}: cannot be read, or not be kept as {path}: {error}. Mend that and run again{kept}."
        ) from error
    logger.info("%s: downloaded from %s, %s", path, url, digest)
    return path


def _check(path: Path, digest: str, *, origin: str, advice: str) -> None:
    if not path.is_file():
        raise InputError(f"{path}: no such file; check the address in the config")
    found = file_digest(path, digest.partition(":")[0])
    if found != digest:
        raise InputError(
            f"{path}: {path.stat().st_size} bytes from {origin} have {found}, expected {digest}. "
            f"{advice}; if it happens again the file at the source is not the one in the config."
        )


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the lock of a file; the system frees it when the process ends, however it ends."""
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
    """Repeat attempts until `part` is complete. Those that brought the file a chunk further do not count."""
    attempt, furthest = 0, _size(part)
    while (trouble := _attempt(url, part)) is not None:
        if _size(part) >= furthest + CHUNK_BYTES:
            attempt, furthest = 0, _size(part)
        if attempt == len(waits_s):
            raise InputError(
                f"{url}: given up after {attempt + 1} attempts without progress: {trouble}. Run again later, the "
                f"{_size(part)} bytes in {part} are kept; or download the file by hand to {part.with_suffix('')}."
            )
        logger.warning("%s: %s; next attempt in %g s", url, trouble, waits_s[attempt])
        time.sleep(waits_s[attempt])
        attempt += 1


def _attempt(url: str, part: Path) -> str | None:
    """Append the rest of the file to `part`: None when complete, or what went wrong if another attempt may help."""
    import requests  # noqa: PLC0415 - 0.1 s that steps without a download need not spend
    from urllib3.exceptions import HTTPError  # noqa: PLC0415

    have = _size(part)
    # Compression on the way would change the meaning of byte positions.
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    try:
        with requests.get(url, headers=headers, stream=True, timeout=(CONNECT_S, READ_S)) as response:
            status = response.status_code
            if response.history:
                logger.info("%s: sent on to %s", url, response.url, extra=log.PROGRESS)
            if status == 416 and have:  # nothing beyond what we have: complete, or foreign; the hash tells
                return None
            if status in BUSY:
                return f"the server answers {status} {response.reason}"
            if status not in (200, 206):
                raise InputError(f"{url}: the server answers {status} {response.reason}; check address and file name")
            if status == 206:
                if not (found := response.headers.get("Content-Range", "")).startswith(f"bytes {have}-"):
                    part.unlink(missing_ok=True)
                    return f"asked for bytes from {have}, the server sent {found!r}; starting anew"
            else:
                have = 0  # the server does not know ranges and sends everything
            rest = response.raw.length_remaining or 0  # 0 as well where the server does not say
            _check_room(part, have, rest, url)
            with part.open("ab" if have else "wb") as file:
                for chunk in _shown(_arriving(response.raw), part.stem, have, have + rest):
                    file.write(chunk)
    except requests.exceptions.SSLError as error:
        if "CERTIFICATE_VERIFY_FAILED" not in str(error):
            return f"connection trouble ({error})"
        raise InputError(
            f"{url}: the server's certificate is not to be trusted: {error}. Check the address and this machine's "
            "clock; a certificate of one's own is named in the environment variable REQUESTS_CA_BUNDLE."
        ) from error
    except (requests.ConnectionError, requests.Timeout, HTTPError, TimeoutError) as error:
        return f"connection trouble ({error})"
    except requests.RequestException as error:
        raise InputError(f"{url}: cannot be downloaded: {error}; check the address in the config") from error
    return None


def _check_room(part: Path, have: int, rest: int, url: str) -> None:
    """Stop before the disk is full: others write to it, too. What lies in `part` beyond `have` is to be replaced."""
    disk = shutil.disk_usage(part.parent)
    free = disk.free + _size(part) - have
    if disk.total and rest > free:  # some file systems do not say how large they are
        raise InputError(
            f"{url}: {rest / 1e6:.1f} MB are to come and {part.parent} has room for {free / 1e6:.1f} MB. Make room, or "
            "let that folder be a link to another disk, and run again: it continues where it was."
        )


def _arriving(body: "BaseHTTPResponse") -> Iterator[bytes]:
    """Pass on what arrives when it arrives; a trickle is a TimeoutError."""
    since, arrived = time.monotonic(), 0
    while piece := body.read1(CHUNK_BYTES, decode_content=True):
        yield piece
        arrived += len(piece)
        if arrived >= CHUNK_BYTES:
            since, arrived = time.monotonic(), 0
        elif time.monotonic() - since > READ_S:
            raise TimeoutError(f"only {arrived} bytes in {READ_S:g} s")


def _shown(chunks: Iterable[bytes], name: str, done: int, total: int) -> Iterator[bytes]:
    """Pass chunks on and show how far they are: a bar on a terminal, else a log line every tenth of the way."""
    if total < SHOWN_BYTES:
        yield from chunks
    elif sys.stderr.isatty():
        from tqdm import tqdm  # noqa: PLC0415 - only where there is somebody to look

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
