"""Files whose headers announce too few or too many samples: read to their end, or refused with a remedy."""

import struct

import numpy as np
import pytest
import soundfile
from support.errors import refused
from support.headers import COUNTED, LIST, RATE, SECONDS, SIZES, SOUND, set_sizes, write

from softsed.core.audio import measure, read_audio
from softsed.core.containers import sound
from softsed.core.containers.sound import open_sound

GIGABYTES_4 = 1 << 32


def samples(path):
    return np.concatenate(list(read_audio(path, RATE)))


def expect_all(path, expected):
    """Expect every reader to find the same samples."""
    assert measure(path) == len(expected) / RATE
    np.testing.assert_array_equal(samples(path), expected)


@pytest.fixture
def correct(tmp_path):
    """Return a function that writes a correct file and returns it with its samples."""

    def make(kind, subtype="PCM_16", **options):
        path = write(tmp_path / f"a.{kind}", subtype=subtype, **options)
        return path, soundfile.read(path, dtype="float32")[0]

    return make


@pytest.mark.parametrize("kind", SIZES)
@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT", "ULAW"])
@pytest.mark.parametrize("announced", [{"samples": 0, "whole": 0}, {"samples": 0}, {"samples": 1000}])
def test_open_sound_reads_to_the_end(correct, kind, subtype, announced):
    """A size of 0, and a size that is too small in a file that is as long as announced."""
    path, expected = correct(kind, subtype)
    expect_all(set_sizes(path, **announced), expected)


@pytest.mark.parametrize("kind", ["wav", "aiff", "au", "caf"])
@pytest.mark.parametrize("endian", ["LITTLE", "BIG"])
@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_32"])
def test_open_sound_keeps_the_order_of_bytes(correct, kind, endian, subtype):
    path, expected = correct(kind, subtype, endian=endian)
    place, form = (4, ">Q") if kind == "caf" else (4, "<I" if path.read_bytes()[:4] == b"RIFF" else ">I")
    content = bytearray(path.read_bytes())
    if kind == "au":
        place, form = 8, "<I" if content[:4] == b"dns." else ">I"
    else:
        place += content.index(b"SSND" if kind == "aiff" else b"data")
    struct.pack_into(form, content, place, COUNTED.get(kind, 0))
    path.write_bytes(content)
    expect_all(path, expected)


@pytest.mark.parametrize("channels", [1, 2, 6])
def test_open_sound_reads_all_channels(tmp_path, channels):
    path = write(tmp_path / "a.wav", np.stack([SOUND * n for n in range(1, channels + 1)], axis=1), "PCM_24")
    expected = samples(path)
    expect_all(set_sizes(path, samples=0), expected)


@pytest.mark.parametrize("size", [0xFFFFFFFF, 0x7FFFFFFF, 0x7FFFF000, 0x80000000, 0xFFFFFFFE])
def test_open_sound_accepts_sizes_of_pipes(correct, size):
    path, expected = correct("wav")
    content = bytearray(path.read_bytes())
    content[4:8] = content[40:44] = struct.pack("<I", size)
    path.write_bytes(content)
    expect_all(path, expected)


@pytest.mark.parametrize("size", ["none", "true"])
@pytest.mark.parametrize(
    "behind",
    [
        LIST,
        b"bext" + struct.pack("<I", 602) + bytes(602) + LIST,
        b"cue " + struct.pack("<I", 4) + bytes(4),
        b"id3 " + struct.pack("<I", 40000) + bytes(range(250)) * 160,
        b"LIST" + struct.pack("<I", 5) + b"INFOx",  # without its byte of padding
    ],
)
def test_open_sound_does_not_read_chunks(correct, behind, size):
    """Chunks after the samples are not sound, even if the header does not announce the samples."""
    path, expected = correct("wav")
    whole = 2 * len(SOUND) + len(behind)
    expect_all(set_sizes(path, samples=0 if size == "none" else None, whole=whole, behind=behind), expected)


@pytest.mark.parametrize(
    "behind",
    [
        b"\0" * 100_000,  # reserved by the recorder
        LIST + b"\0" * 100_000,
        b"TAG" + bytes(range(125)),
        b"ID3\4\0\0\0\0\0\0" + bytes(range(250)) * 400,
        b"APETAGEX" + bytes(range(250)) * 400,
        b"\1\2\3\4" * 3000,  # less than a second
        b"LIST\xff\xff\0\0" + b"\1\2\3\4" * 9000,  # a chunk that is cut off
    ],
)
def test_open_sound_ignores_padding_and_tags(correct, behind):
    path, expected = correct("wav")
    expect_all(set_sizes(path, behind=behind), expected)


@pytest.mark.parametrize("kind", [kind for kind, (_, place, *_) in SIZES.items() if place])
def test_open_sound_refuses_what_is_in_doubt(correct, kind):
    """Both sizes agree, but further content follows: the rest of the recording, or other data."""
    path, _ = correct(kind)
    set_sizes(path, samples=RATE, whole=RATE)
    for read in (measure, samples):
        with refused(
            file=path.name, problem=[f"{RATE} bytes of audio (0.5 s)", f"{2 * len(SOUND)} bytes of audio (3.0"]
        ):
            read(path)


def test_open_sound_names_commands(correct):
    path, _ = correct("wav")
    with refused(file="a.wav", expected="a header that fits the file") as caught:
        measure(set_sizes(path, samples=RATE, whole=RATE))
    assert "`ffmpeg -ignore_length 1 -i a.wav -c copy -rf64 auto a_repaired.wav`" in caught.value.remedy


@pytest.mark.parametrize("subtype", ["IMA_ADPCM", "MS_ADPCM"])
def test_open_sound_refuses_compressed_samples(correct, subtype):
    """Compressed samples cannot be read without a header. A correct file with chunks after the samples is read."""
    path, expected = correct("wav", subtype)
    np.testing.assert_array_equal(samples(path), expected)
    whole = path.read_bytes()
    np.testing.assert_array_equal(samples(set_sizes(path, behind=LIST)), expected)
    path.write_bytes(whole)
    with refused(file="a.wav", problem="the header announces 0 bytes", golden=False):
        measure(set_sizes(path, samples=0))


@pytest.mark.parametrize("kind", [*SIZES, "ogg", "mp3"])
def test_open_sound_refuses_joined_files(correct, tmp_path, kind):
    """As `cat a.wav b.wav` writes them."""
    if kind in SIZES:
        path, _ = correct(kind)
        second = path.read_bytes()
    else:
        parts = [tmp_path / f"{name}.{kind}" for name in "ab"]
        for part in parts:
            soundfile.write(part, SOUND, RATE)
        path, second = parts[0], parts[1].read_bytes()
    if kind == "au":  # nothing may follow the samples of this format, so the second header is read as a click
        assert measure(set_sizes(path, behind=second)) > 2 * SECONDS
        return
    path.write_bytes(path.read_bytes() + second)
    for read in (measure, samples):
        with refused(file=f"a.{kind}", problem="two recordings"):
            read(path)


@pytest.mark.parametrize("behind", [b"", LIST])
@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT"])
def test_open_sound_unwraps_sizes(correct, monkeypatch, subtype, behind):
    """Sizes that start again at 0, here at 2**15 instead of 2**32, with chunks behind the samples or without."""
    monkeypatch.setattr(sound, "WRAP", 1 << 15)
    path, expected = correct("wav", subtype)
    size = path.stat().st_size - 44 - (36 if subtype == "FLOAT" else 0)
    set_sizes(path, samples=size % (1 << 15), whole=size % (1 << 15), behind=behind)
    found = samples(path)
    assert len(found) - len(expected) in range(8)
    np.testing.assert_array_equal(found[: len(expected)], expected)


def sparse(path, size, *, announced, channels=2, behind=b""):
    """Write a 16-bit WAV file with zeros except for its last 1000 samples; zeros take no space on the disk."""
    end = (np.arange(1000 * channels) - 1000).astype("<i2").tobytes()
    form = struct.pack("<IHHIIHH", 16, 1, channels, 44100, 44100 * 2 * channels, 2 * channels, 16)
    whole, samples_ = (value % GIGABYTES_4 for value in announced)
    with path.open("wb") as file:
        file.write(b"RIFF" + struct.pack("<I", whole) + b"WAVEfmt " + form + b"data" + struct.pack("<I", samples_))
        file.seek(44 + size - len(end))
        file.write(end + behind)
    return np.frombuffer(end, "<i2").reshape(-1, channels) / np.float32(1 << 15)


@pytest.mark.parametrize("behind", [b"", LIST])
@pytest.mark.parametrize(
    "case", ["wrapped", "wrapped_twice", "multiple", "placeholder", "zero", "only_the_samples_wrapped"]
)
def test_open_sound_reads_more_than_4_gb(tmp_path, case, behind):
    size = {"wrapped_twice": 9_000_000_000, "multiple": GIGABYTES_4}.get(case, 4_498_200_000)
    announced = {"placeholder": (0xFFFFFFFF, 0xFFFFFFFF), "zero": (0, 0), "only_the_samples_wrapped": (0, size)}
    end = sparse(tmp_path / "a.wav", size, announced=announced.get(case, (size + 36, size)), behind=behind)
    assert measure(tmp_path / "a.wav") == size / 4 / 44100
    with open_sound(tmp_path / "a.wav") as file:
        file.seek(-1000, 2)
        np.testing.assert_array_equal(file.read(dtype="float32"), end)


def test_open_sound_refuses_cut_file_of_4_gb(tmp_path):
    """The header of a file of 9 GB, of which the first 5 GB were copied."""
    sparse(tmp_path / "a.wav", 5_000_000_000, announced=(9_000_000_036, 9_000_000_000))
    with refused(file="a.wav", problem=["410065408 bytes", "5000000000 bytes"]):
        measure(tmp_path / "a.wav")


def test_open_sound_accepts_3_gb(tmp_path):
    """A size of more than 2 GB is not a placeholder if the file has this size."""
    sparse(tmp_path / "a.wav", 3_000_000_000, announced=(3_000_000_036, 3_000_000_000), behind=LIST)
    assert measure(tmp_path / "a.wav") == 3_000_000_000 / 4 / 44100


def test_open_sound_reads_flac_from_a_pipe(tmp_path):
    """Its header has no length: the 36 bits of the number of samples are 0."""
    soundfile.write(tmp_path / "a.flac", SOUND, RATE)
    expected = soundfile.read(tmp_path / "a.flac", dtype="float32")[0]
    content = bytearray((tmp_path / "a.flac").read_bytes())
    number = int.from_bytes(content[18:26], "big")
    assert number & ((1 << 36) - 1) == len(SOUND)
    content[18:26] = (number >> 36 << 36).to_bytes(8, "big")
    (tmp_path / "a.flac").write_bytes(content)
    expect_all(tmp_path / "a.flac", expected)


def test_open_sound_empty_file_stays_empty(tmp_path):
    for behind in (b"", LIST):
        write(tmp_path / "a.wav", SOUND[:0])
        with refused(file="a.wav", problem="empty", golden=False):
            measure(set_sizes(tmp_path / "a.wav", behind=behind))
