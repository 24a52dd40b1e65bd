"""Full disks during the download and unpacking of MAESTRO Real: file systems of 1 MB, mounted for the test."""

import hashlib
import random
import zipfile

import pytest
from support.errors import refused
from support.server import serve
from support.small_disk import fill, small_disk

from softsed import cli
from softsed.data.archives import unpack
from softsed.data.download import download

SIZE = 300_000
CONTENT = random.Random(1).randbytes(SIZE)
DIGEST = f"md5:{hashlib.md5(CONTENT).hexdigest()}"


@pytest.fixture
def disk(tmp_path):
    with small_disk(tmp_path / "disk", "1m") as disk:
        yield disk


@pytest.fixture
def server(tmp_path, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    (tmp_path / "served").mkdir()
    (tmp_path / "served/file.zip").write_bytes(CONTENT)
    with serve(tmp_path / "served") as server:
        yield server


def names(folder):
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".lock")


def test_download_larger_than_the_disk_is_refused(server, disk):
    (disk / "other").write_bytes(bytes(900_000))
    with refused(golden=False, file="file.zip", problem=["0.3 MB", "archives has room for 0.1 MB"]) as caught:
        download(f"{server.address}/file.zip", disk / "archives/file.zip", digest=DIGEST)
    assert "Make room" in caught.value.remedy
    assert names(disk / "archives") == []
    assert [request.status for request in server.requests] == [200]  # no second request, because waiting would not help
    (disk / "other").unlink()
    download(f"{server.address}/file.zip", disk / "archives/file.zip", digest=DIGEST)


def test_rest_of_a_part_needs_only_its_own_space(server, disk):
    (disk / "file.zip.part").write_bytes(CONTENT[:200_000])
    (disk / "other").write_bytes(bytes(700_000))
    download(f"{server.address}/file.zip", disk / "file.zip", digest=DIGEST)
    assert server.requests[0].range == "bytes=200000-"


def test_disk_that_fills_up_keeps_the_part(server, disk):
    server.tells_length = False  # so that the size is not known before the download
    (disk / "other").write_bytes(bytes(900_000))
    part = disk / "file.zip.part"
    with refused(golden=False, file="file.zip", problem="No space left on device") as caught:
        download(f"{server.address}/file.zip", disk / "file.zip", digest=DIGEST)
    have = part.stat().st_size
    assert f"continues after the {have} bytes in {part}" in caught.value.remedy
    assert 0 < have < SIZE
    assert names(disk) == ["file.zip.part", "other"]
    (disk / "other").unlink()
    download(f"{server.address}/file.zip", disk / "file.zip", digest=DIGEST)
    assert [request.range for request in server.requests] == [None, f"bytes={have}-"]
    assert names(disk) == ["file.zip"]


def test_unpacking_to_a_full_disk_leaves_no_part(tmp_path, disk):
    with zipfile.ZipFile(tmp_path / "archive.zip", "w") as file:
        file.writestr("a/new.wav", CONTENT)
    (disk / "new.wav").write_bytes(b"old")
    (disk / "other").write_bytes(bytes(900_000))
    with refused(golden=False, file="new.wav", problem=["cannot be written", "No space left on device"]):
        unpack(tmp_path / "archive.zip", {"a/new.wav": disk / "new.wav"}, largest_bytes=SIZE)
    assert names(disk) == ["new.wav", "other"]
    assert (disk / "new.wav").read_bytes() == b"old"


def test_failed_receipt_does_not_repeat_the_download(server, tmp_path, disk, capsys):
    (tmp_path / "served/1/files").mkdir(parents=True)
    (tmp_path / "served/file.zip").rename(tmp_path / "served/1/files/file.zip")
    archive = f'{{"record": 1, "file": "file.zip", "md5": "{DIGEST[4:]}"}}'
    command = ["data.maestro_real", "fetch", "--archive", archive, "--address", server.address]
    command += ["--archives", str(tmp_path / "kept"), "--receipt", str(disk / "file.md5")]
    filler = fill(disk)
    assert cli.main(command) == 1
    assert "file.md5: cannot be written: [Errno 28] No space left on device" in capsys.readouterr().err
    assert names(disk) == ["filler"]
    filler.unlink()
    assert cli.main(command) == 0
    assert len(server.requests) == 1
