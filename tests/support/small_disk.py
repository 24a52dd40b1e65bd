"""A small file system for tests of full disks."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

MOUNT = 'mount -t tmpfs -o "size=$1" none "$0" && echo mounted && exec sleep 600'


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """Mount a file system of a size such as ``1m`` until the block ends; skip the test where that is refused.

    It is mounted on a new folder in a namespace of another process, which needs no root in most places, is seen
    through /proc and is gone with that process, whatever happens to the test.
    """
    folder.mkdir()
    command = ["unshare", "--map-root-user", "--mount", "sh", "-c", MOUNT, str(folder), size]
    try:
        holder = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    except FileNotFoundError:
        pytest.skip("no small file system without the program unshare (util-linux)")
    with holder:
        try:
            if holder.stdout.readline() != "mounted\n":
                pytest.skip(f"no small file system can be mounted here: {holder.stderr.read().strip()}")
            yield Path(f"/proc/{holder.pid}/root{folder}")
        finally:
            holder.kill()


def fill(disk: Path) -> Path:
    """Write a file that leaves no room, and return it."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                pass
        except OSError:
            return filler
    raise AssertionError("not reached")
