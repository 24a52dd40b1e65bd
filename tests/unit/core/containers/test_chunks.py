"""Headers of real files: start and announced number of the samples, and the chunks after the samples."""

import struct

import pytest
import soundfile
from support.headers import COUNTED, LIST, RATE, SIZES, SOUND, set_sizes, write

from softsed.core.containers.chunks import read_layout, skip_chunks


def layout_of(path):
    with path.open("rb") as file:
        return read_layout(file)


@pytest.mark.parametrize("kind", SIZES)
@pytest.mark.parametrize(("subtype", "width"), [("PCM_16", 2), ("PCM_24", 3), ("FLOAT", 4)])
def test_layout_of_correct_files(tmp_path, kind, subtype, width):
    """The oracle is libsndfile: the found start is that of the samples that libsndfile wrote."""
    layout = layout_of(write(tmp_path / f"a.{kind}", subtype=subtype))
    assert layout.announced == len(SOUND) * width
    assert layout.whole == layout.size
    assert layout.start + layout.announced == layout.size
    with (tmp_path / f"a.{kind}").open("rb") as file:
        file.seek(layout.start)
        raw = tmp_path / "raw"
        raw.write_bytes(file.read())
    order = "LITTLE" if kind in ("wav", "rf64", "w64") else "BIG"
    found, _ = soundfile.read(raw, samplerate=RATE, channels=1, subtype=subtype, endian=order, format="RAW")
    assert (found == soundfile.read(tmp_path / f"a.{kind}")[0]).all()


@pytest.mark.parametrize("kind", SIZES)
def test_layout_of_announced_sizes(tmp_path, kind):
    write(tmp_path / f"a.{kind}")
    layout = layout_of(set_sizes(tmp_path / f"a.{kind}", samples=1000, whole=2000))
    assert layout.announced == 1000
    assert layout.size - layout.start == 2 * len(SOUND)
    if SIZES[kind][1] is not None:
        assert layout.whole - layout.start == 2000
    assert layout_of(set_sizes(tmp_path / f"a.{kind}", samples=-COUNTED.get(kind, 0))).announced == 0


@pytest.mark.parametrize("content", [b"", b"RIFF", b"text " * 20, b"RIFF\0\0\0\0WAVE", b"RIFF\0\0\0\0AVI data"])
def test_layout_of_other_files_is_unknown(tmp_path, content):
    (tmp_path / "a").write_bytes(content)
    assert layout_of(tmp_path / "a") is None


@pytest.mark.parametrize("kind", ["flac", "ogg", "mp3"])
def test_layout_of_other_formats_is_unknown(tmp_path, kind):
    soundfile.write(tmp_path / f"a.{kind}", SOUND, RATE)
    assert layout_of(tmp_path / f"a.{kind}") is None


def test_layout_of_damaged_sizes_ends(tmp_path):
    """A chunk of 16 exabytes before the samples."""
    path = write(tmp_path / "a.w64")
    content = path.read_bytes().replace(b"fmt ", b"junk", 1)
    place = content.index(b"junk") + 16
    path.write_bytes(content[:place] + b"\xff" * 8 + content[place + 8 :])
    assert layout_of(path) is None


@pytest.mark.parametrize(
    ("behind", "skipped"),
    [
        (b"", 0),
        (LIST, len(LIST)),
        (LIST + LIST, 2 * len(LIST)),
        (b"note" + struct.pack("<I", 3) + b"abc", 11),  # without its byte of padding
        (b"note" + struct.pack("<I", 3) + b"abc\0" + LIST, 12 + len(LIST)),
        (b"note" + struct.pack("<I", 99) + b"abc", 0),  # ends beyond the file
        (b"\1\2\3\4" + struct.pack("<I", 3) + b"abc", 0),
        (LIST + b"\0" * 30, len(LIST)),
    ],
)
def test_skip_chunks_stops_at_other_content(tmp_path, behind, skipped):
    path = set_sizes(write(tmp_path / "a.wav"), behind=behind)
    with path.open("rb") as file:
        layout = read_layout(file)
        end = layout.start + layout.announced
        assert skip_chunks(file, end, layout) == end + skipped
