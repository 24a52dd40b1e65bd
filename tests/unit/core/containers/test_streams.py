"""Second streams after the first stream in MP3 and OGG files, and content that is not a stream."""

import numpy as np
import pytest
import soundfile
from support.headers import RATE, SOUND

from softsed.core.containers.streams import has_second_stream

TAG = b"TAG" + b"x" * 125
ART = b"ID3\4\0\0" + bytes([0, 0, 100, 0]) + b"\xff\xfb" * 6400  # 12,800 bytes of a picture with bytes like frames
STEREO = np.stack([SOUND, SOUND], axis=1)


def detected(path, content):
    path.write_bytes(content)
    with path.open("rb") as file:
        return has_second_stream(file)


def encode(path, sound, rate, **options):
    soundfile.write(path, sound, rate, **options)
    return path.read_bytes()


@pytest.mark.parametrize("rate", [8000, 22050, 44100])
@pytest.mark.parametrize("sound", [SOUND, STEREO])
@pytest.mark.parametrize("mode", ["CONSTANT", "VARIABLE"])
def test_mp3_alone_and_joined(tmp_path, rate, sound, mode):
    whole = encode(tmp_path / "a.mp3", sound, rate, bitrate_mode=mode)
    for content in (whole, ART + whole, whole + TAG, whole + b"APETAGEX" + b"x" * 9000, whole + b"\0" * 9000):
        assert not detected(tmp_path / "b.mp3", content)
    for content in (whole + whole, ART + whole + whole, whole + ART + whole, whole + whole + TAG):
        assert detected(tmp_path / "b.mp3", content)


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
def test_ogg_alone_and_joined(tmp_path, subtype):
    first, second = (encode(tmp_path / "a.ogg", SOUND, RATE, format="OGG", subtype=subtype) for _ in range(2))
    assert not detected(tmp_path / "b.ogg", first)
    assert detected(tmp_path / "b.ogg", first + second)


@pytest.mark.parametrize("content", [b"", b"OggS", b"\xff", b"\xff\xfb", b"ID3", b"text" * 99])
def test_short_and_other_files_have_no_stream(tmp_path, content):
    assert not detected(tmp_path / "a", content)


@pytest.mark.parametrize("kind", ["wav", "flac"])
def test_other_formats_have_no_stream(tmp_path, kind):
    assert not detected(tmp_path / "b", encode(tmp_path / f"a.{kind}", SOUND, RATE))
