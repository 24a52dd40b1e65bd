"""Archives are unpacked into complete files, or refused without a file."""

import stat
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from support.archives import zipped
from support.errors import refused

from softsed.data.archives import open_atomic, unpack

RECORDINGS = {"cafe_restaurant_00": "cafe_restaurant", "metro_station_02": "metro_station"}


def archive(members: dict[str, bytes | str]) -> bytes:
    return zipped(members.items())


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def test_open_atomic_shows_complete_files_only(tmp_path):
    path = tmp_path / "new" / "r.wav"
    for content in (b"first", b"second"):
        with open_atomic(path) as file:
            file.write(content)
            file.flush()
            assert not path.exists() or path.read_bytes() == b"first"
        assert path.read_bytes() == content
    assert names(tmp_path / "new") == ["r.wav"]


def test_open_atomic_keeps_old_file_after_error(tmp_path):
    path = tmp_path / "r.wav"
    path.write_bytes(b"old")
    with pytest.raises(KeyError), open_atomic(path) as file:  # noqa: PT012
        file.write(b"half")
        raise KeyError
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["r.wav"]


def test_open_atomic_reports_write_errors(tmp_path):
    (tmp_path / "file").touch()
    with refused(file="r.wav", problem="cannot be written"), open_atomic(tmp_path / "file" / "r.wav"):
        pass


def test_open_atomic_after_killed_process(tmp_path):
    """A killed process leaves a hidden part of its own, and no file under the final name."""
    stuck = "import sys, time; from pathlib import Path; from softsed.data.archives import open_atomic\n"
    stuck += "with open_atomic(Path(sys.argv[1])) as file: print(file.write(b'half'), flush=True); time.sleep(600)"
    with subprocess.Popen([sys.executable, "-c", stuck, str(tmp_path / "r.wav")], stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"4\n"
        process.kill()
    assert names(tmp_path) == [f".r.wav.{process.pid}.part"]
    with open_atomic(tmp_path / "r.wav") as file:
        file.write(b"all of it")
    assert (tmp_path / "r.wav").read_bytes() == b"all of it"


def test_unpack_lists_missing_members_first(tmp_path):
    audio = archive({"development_audio/cafe_restaurant/cafe_restaurant_00.wav": b"sound"})
    path = tmp_path / "archive.zip"
    path.write_bytes(audio)
    targets = {f"development_audio/{scene}/{name}.wav": tmp_path / "out" / name for name, scene in RECORDINGS.items()}
    missing = "development_audio/metro_station/metro_station_02.wav"
    with refused(file="archive.zip", problem=["1 of 2 expected members", missing]):
        unpack(path, targets, largest_bytes=10**6)
    assert names(tmp_path / "out") == []


MEMBER = "development_audio/cafe_restaurant/cafe_restaurant_00.wav"
TARGET = "cafe_restaurant_00.wav"


def unpack_one(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "archive.zip"
    path.write_bytes(content)
    unpack(path, {MEMBER: tmp_path / "out" / TARGET}, largest_bytes=10**6)


@pytest.mark.parametrize(
    "path", ["../evil.wav", "development_audio/../../evil", "/evil", "\\evil", "C:\\evil", "a\\..\\b"]
)
def test_unpack_refuses_paths_out_of_archive(tmp_path, path):
    with refused(file="archive.zip", problem=[repr(path), "leads out of the archive"]):
        unpack_one(tmp_path, archive({MEMBER: b"sound", path: b"evil"}))
    assert names(tmp_path) == ["archive.zip"]


def test_unpack_refuses_links(tmp_path):
    link = zipfile.ZipInfo(MEMBER)
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with refused(file="archive.zip", problem=[MEMBER, "is a link"], expected="a file"):
        unpack_one(tmp_path, zipped([(link, "/etc/passwd")]))
    assert names(tmp_path) == ["archive.zip"]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_unpack_refuses_repeated_member(tmp_path):
    with refused(file="archive.zip", problem=[MEMBER, "twice"]):
        unpack_one(tmp_path, zipped([(MEMBER, b"sound"), (MEMBER, b"other sound")]))


def test_unpack_refuses_large_members(tmp_path):
    with refused(file="archive.zip", problem=[MEMBER, "5000000 bytes"], expected="at most 1000000 bytes"):
        unpack_one(tmp_path, archive({MEMBER: bytes(5_000_000)}))
    assert names(tmp_path) == ["archive.zip"]


def test_unpack_refuses_hidden_size(tmp_path):
    content = archive({MEMBER: bytes(5_000_000)})
    hidden = content.replace(struct.pack("<L", 5_000_000), struct.pack("<L", 1000))
    assert hidden != content
    with refused(file="archive.zip", problem=[MEMBER, "damaged: Bad CRC"]):
        unpack_one(tmp_path, hidden)
    assert names(tmp_path / "out") == []


def test_unpack_damaged_member_leaves_no_file(tmp_path):
    content = bytearray(archive({MEMBER: bytes(range(256)) * 20}))
    middle = len(MEMBER) + 30 + 40  # past the local header, in the compressed bytes
    content[middle : middle + 20] = bytes(20)
    with refused(file="archive.zip", problem=[MEMBER, "damaged"]) as caught:
        unpack_one(tmp_path, bytes(content))
    assert "`snakemake data --forcerun fetch_archive`" in caught.value.remedy
    assert names(tmp_path / "out") == []


def test_unpack_refuses_unknown_compression(tmp_path):
    content = bytearray(archive({MEMBER: b"sound"}))
    central = content.rindex(b"PK\x01\x02")
    content[8:10] = content[central + 10 : central + 12] = struct.pack("<H", 9)  # Deflate64
    with refused(file="archive.zip", problem=[MEMBER, "method 9"], expected="0 (stored) or 8 (Deflate)"):
        unpack_one(tmp_path, bytes(content))


def test_unpack_refuses_other_files(tmp_path):
    with refused(file="archive.zip", problem="cannot be read as a zip archive"):
        unpack_one(tmp_path, b"<html>not found</html>")


def test_unpack_refuses_unwritable_target(tmp_path):
    (tmp_path / "out").write_text("a file where the folder should be")
    with refused(file="cafe_restaurant_00.wav", problem="cannot be written"):
        unpack_one(tmp_path, archive({MEMBER: b"sound"}))
