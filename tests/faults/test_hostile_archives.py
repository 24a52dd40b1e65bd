"""Archives that are hostile or damaged. tests/unit/data/test_archives.py has paths, links and sizes."""

import random
import stat
import zipfile

import pytest
from support.archives import zipped
from support.errors import refused

from softsed.core.errors import InputError
from softsed.data import maestro_real
from softsed.data.archives import unpack

AUDIO = "development_audio/cafe_restaurant/cafe_restaurant_00.wav"
LABELS = "development_annotation/soft_labels_cafe_restaurant/cafe_restaurant_00.txt"


def everything(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def unpack_as_a_step(folder, content, *, suffix=".wav"):
    """Unpack the recording or its labels as the workflow does, with the size limits of the package."""
    (folder / "archive.zip").write_bytes(content)
    (folder / "archive.md5").write_text(f"{'0' * 32}  {folder / 'archive.zip'}\n")
    command = ["unpack", "--receipt", str(folder / "archive.md5"), "--recording", "cafe_restaurant_00"]
    maestro_real.main([*command, "--scene", "cafe_restaurant", "--output", str(folder / f"out/one{suffix}")])


NOTHING = ["archive.md5", "archive.zip"]


def test_zip_bomb_instead_of_labels_is_refused(tmp_path):
    content = zipped([(LABELS, bytes(20_000_000))])
    assert len(content) < 20_500
    with refused(file="archive.zip", problem=[LABELS, "20000000 bytes"], expected="at most 10000000 bytes"):
        unpack_as_a_step(tmp_path, content, suffix=".txt")
    assert everything(tmp_path) == NOTHING


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_zip_bomb_with_other_compression_is_refused(tmp_path, method):
    """Python would unpack the whole member in memory before it compares the declared size."""
    content = zipped([(LABELS, bytes(20_000_000))], lambda info: setattr(info, "file_size", 1000), method)
    assert len(content) < 5000
    with refused(file="archive.zip", problem=f"method {method}", expected="0 (stored) or 8 (Deflate)"):
        unpack_as_a_step(tmp_path, content, suffix=".txt")
    assert everything(tmp_path) == NOTHING


def test_too_large_evaluation_set_is_refused(tmp_path):
    names = [(f"Evaluation_audio/city_center/city_center_{number}.wav", b"RIFF") for number in range(30)]
    content = zipped(names, lambda info: setattr(info, "file_size", 499_000_000))
    (tmp_path / "archive.zip").write_bytes(content)
    problem, expected = ["30 recordings", "14970000000 bytes"], "at most 10000000000 bytes"
    with refused(file="archive.zip", problem=problem, expected=expected):
        maestro_real.unpack_evaluation(tmp_path / "archive.zip", tmp_path / "audio")
    assert everything(tmp_path) == ["archive.zip"]


def test_top_folders_are_equal_in_any_case(tmp_path):
    content = zipped([(AUDIO, b"sound"), (AUDIO.replace("dev", "Dev"), b"other")])
    with refused(file="archive.zip", problem=["'Development_audio/", "twice"]):
        unpack_as_a_step(tmp_path, content)
    assert everything(tmp_path) == NOTHING


def test_member_names_are_case_sensitive(tmp_path):
    other = AUDIO.replace("/cafe_restaurant_00", "/Cafe_Restaurant_00")
    for members in ([(AUDIO, b"sound"), (other, b"other")], [(other, b"other"), (AUDIO, b"sound")]):
        unpack_as_a_step(tmp_path, zipped(members))
        assert (tmp_path / "out/one.wav").read_bytes() == b"sound"
    with refused(file="archive.zip", problem=["1 of 1 expected members", AUDIO]):
        unpack_as_a_step(tmp_path, zipped([(other, b"other")]))
    assert everything(tmp_path) == [*NOTHING, "out", "out/one.wav"]


def test_links_among_other_members_are_ignored(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()

    def link(info):
        if info.filename == "development_audio/cafe_restaurant":
            info.external_attr = (stat.S_IFLNK | 0o777) << 16

    members = [("development_audio/cafe_restaurant", str(outside)), (AUDIO, b"sound")]
    unpack_as_a_step(tmp_path, zipped(members, link))
    assert (tmp_path / "out/one.wav").read_bytes() == b"sound"
    assert everything(tmp_path) == [*NOTHING, "out", "out/one.wav", "outside"]


def test_encrypted_member_is_refused(tmp_path):
    with refused(file="archive.zip", problem="is encrypted", expected="an archive without a password"):
        unpack_as_a_step(tmp_path, zipped([(AUDIO, b"sound")], lambda info: setattr(info, "flag_bits", 1)))
    assert everything(tmp_path) == NOTHING


def test_damaged_archive_is_unpacked_whole_or_refused(tmp_path):
    """Archives with random changes, most of them in headers, are unpacked completely or refused."""
    rng, sound = random.Random(7), random.Random(8).randbytes(300) + bytes(2000)
    good = zipped([("development_audio/", b""), (AUDIO, sound), ("development_audio/readme é", b"text")])
    headers = [i for i in range(len(good)) if good[i : i + 2] == b"PK"]
    refused = 0
    for _ in range(600):
        content = bytearray(good)
        for _ in range(rng.choice([1, 1, 2, 4])):
            place = rng.choice(headers) + rng.randrange(60) if rng.random() < 0.8 else rng.randrange(len(good))
            content[min(place, len(good) - 1)] = rng.choice([0, 127, 128, 255, rng.randrange(256)])
        if rng.random() < 0.1:
            del content[rng.randrange(len(content)) :]
        (tmp_path / "archive.zip").write_bytes(content)
        target = tmp_path / "out" / "one.wav"
        try:
            unpack(tmp_path / "archive.zip", {AUDIO: target}, largest_bytes=10**6)
        except InputError:
            refused += 1
        else:
            assert target.read_bytes() == sound
            target.unlink()
        assert not (tmp_path / "out").exists() or everything(tmp_path / "out") == []
    assert 100 < refused < 500
