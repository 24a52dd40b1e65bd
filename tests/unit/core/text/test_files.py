"""Listed files of a folder, and the names of recordings."""

import pytest

from softsed.core.text.files import recording_name, visible_files


def test_hidden_files_and_folders_do_not_count(tmp_path):
    for name in ("b.txt", "a.TXT", "._b.txt", ".DS_Store", "Thumbs.db", "desktop.ini", "c.tsv"):
        (tmp_path / name).touch()
    (tmp_path / "d.txt").mkdir()
    (tmp_path / "e.txt").symlink_to("nowhere")
    assert [path.name for path in visible_files(tmp_path, ".txt")] == ["a.TXT", "b.txt", "e.txt"]
    assert len(visible_files(tmp_path)) == 6


@pytest.mark.parametrize(
    "text",
    [
        "a.b",
        "a.b.wav",
        "a.b.WAV",
        "audio/a.b.wav",
        "D:\\audio\\a.b.flac",
        "a.b.m4a",
        "a.b.wav.wav",
        "x.wav/a.b",
        " a.b.wav",
    ],
)
def test_folders_and_endings_of_audio_do_not_count(text):
    assert recording_name(text) == "a.b"
    assert recording_name(recording_name(text)) == "a.b"


@pytest.mark.parametrize("text", ["a.txt", ".wav", "YOTsn73eqbfc_10.000_20.000", "wav", ""])
def test_other_endings_are_part_of_the_name(text):
    assert recording_name(text) == text
