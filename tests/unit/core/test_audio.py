"""Recordings are found, measured and read; files that cannot be used are named."""

import unicodedata

import numpy as np
import pytest
import soundfile
import soxr
from support.errors import refused

from softsed.core import audio
from softsed.core.audio import find_audio, list_audio, measure, read_audio
from softsed.core.errors import Problems
from softsed.core.text.files import recording_name


def whole(path, rate=44100):
    return np.concatenate(list(read_audio(path, rate)))


def test_find_audio_lists_names_and_problems(tmp_path):
    for name in ("b.wav", "a c.FLAC", "notes.txt", ".hidden.wav", "z.ogg", "b.m4a", "film.mp4"):
        (tmp_path / name).touch()
    (tmp_path / "folder.wav").mkdir()
    problems = Problems()
    recordings = find_audio(tmp_path, problems)
    assert recordings == {"a c": tmp_path / "a c.FLAC", "b": tmp_path / "b.wav", "z": tmp_path / "z.ogg"}
    assert list(recordings) == ["a c", "b", "z"]
    assert len(problems) == 0
    for name in ("b.mp3", "m.m4a", "{x}.wav"):
        (tmp_path / name).touch()
    (tmp_path / "l.wav").symlink_to("nowhere")
    assert sorted(find_audio(tmp_path, problems)) == ["a c", "b", "z"]
    found = {error.file.name: (error.problem, error.remedy) for error in problems}
    assert len(found) == len(problems) == 4
    for name, words in {
        "b.wav": (str(tmp_path / "b.mp3"), "rename one"),
        "l.wav": ("link", "Fetch"),
        "m.m4a": ("format", "WAV, FLAC, OGG or MP3"),
        "{x}.wav": ("braces", "Rename"),
    }.items():
        assert all(word in text for word, text in zip(words, found[name], strict=True)), name


ODD = ["Müller (2) [take 1]", "-x", "a b", "q\" '*?", "$(touch x);&|#%", "0512", "会議"]


def test_find_audio_accepts_names_of_any_characters(tmp_path):
    for name in ODD:
        (tmp_path / f"{unicodedata.normalize('NFD', name)} .wav").touch()
    recordings = list_audio(tmp_path)
    assert set(recordings) == set(ODD)
    assert all(path.exists() and recording_name(path.stem) == name for name, path in recordings.items())


@pytest.mark.parametrize("name", ["a{1}", "<a>", "a\tb", "a\nb", "\udcff", " ", '"q"'])
def test_find_audio_refuses_impossible_names(tmp_path, name):
    (tmp_path / f"{name}.wav").touch()
    with refused(golden=False, file=f"{name}.wav", remedy="Rename the file"):
        list_audio(tmp_path)


def test_find_audio_refuses_one_name_in_two_forms(tmp_path):
    for name in ("Tür", "Tu\u0308r"):
        (tmp_path / f"{name}.wav").touch()
    with refused(
        file="Tür.wav", problem=["Tu\u0308r.wav", "Unicode form"], remedy="Remove or rename one of the two files"
    ):
        list_audio(tmp_path)


def test_endings_of_audio_are_not_part_of_a_name(tmp_path):
    """Label tables may name the file, and x.wav.wav would be x.wav there."""
    (tmp_path / "x.wav.wav").touch()
    assert list_audio(tmp_path) == {"x": tmp_path / "x.wav.wav"}
    assert list_audio(tmp_path / "x.wav.wav") == {"x": tmp_path / "x.wav.wav"}
    (tmp_path / "x.wav").touch()
    with refused(file="x.wav.wav", problem="x.wav has the same name"):
        list_audio(tmp_path)


def test_list_audio_accepts_one_file(tmp_path):
    (tmp_path / "take.1.data").touch()
    assert list_audio(tmp_path / "take.1.data") == {"take.1": tmp_path / "take.1.data"}


def test_list_audio_refuses_empty_or_missing_folder(tmp_path):
    with refused(file=tmp_path.name, problem="no recording"):
        list_audio(tmp_path)
    with refused(file="nowhere", problem="no such folder", expected="a folder with recordings"):
        list_audio(tmp_path / "nowhere")
    (tmp_path / "a.m4a").touch()
    with refused(file="a.m4a", problem="format"):  # and not also a folder without recordings
        list_audio(tmp_path)


def test_list_audio_reports_all_problems(tmp_path):
    for name in ("a.wav", "b.m4a", "c.wma"):
        (tmp_path / name).touch()
    with refused(problem="2 problems") as caught:
        list_audio(tmp_path)
    assert [error.file.name for error in caught.value.problems] == ["b.m4a", "c.wma"]


def test_formats_of_soundfile_are_listed(tmp_path):
    for name in soundfile.available_formats():
        if name not in ("RAW", "MAT4", "MAT5", "MPC2K", "WAVEX", "FLAC"):  # no header, no sound, another ending
            (tmp_path / f"{name}.{name}").touch()
    assert len(list_audio(tmp_path)) == len(list(tmp_path.iterdir()))


def test_measure_returns_seconds(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros(12_000), 8000)
    assert measure(tmp_path / "a.wav") == 1.5
    soundfile.write(tmp_path / "a.wav", np.zeros(0), 8000)
    with refused(file="a.wav", problem="empty"):
        measure(tmp_path / "a.wav")


@pytest.mark.parametrize("rate", [44100, 48000, 22050])
def test_read_audio_does_not_depend_on_piece_size(tmp_path, monkeypatch, rate):
    stereo = np.random.default_rng(5).uniform(-0.5, 0.5, (2 * rate + 17, 2))
    soundfile.write(tmp_path / "a.wav", stereo, rate, subtype="PCM_24")
    mono = soundfile.read(tmp_path / "a.wav", dtype="float32")[0].mean(axis=1)
    for piece in (100, 4097, 1 << 20):
        monkeypatch.setattr(audio, "PIECE", piece)
        assert (whole(tmp_path / "a.wav") == (mono if rate == 44100 else soxr.resample(mono, rate, 44100))).all()


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT"])
@pytest.mark.parametrize("channels", [1, 2])
def test_read_audio_averages_channels(tmp_path, subtype, channels):
    mono = np.random.default_rng(2).uniform(-0.4, 0.4, 4410)
    spread = np.stack([mono + 0.1, mono - 0.1], axis=1) if channels == 2 else mono
    soundfile.write(tmp_path / "a.wav", spread, 44100, subtype=subtype)
    read = whole(tmp_path / "a.wav")
    assert read.dtype == np.float32
    np.testing.assert_allclose(read, mono, atol=1e-4)


def test_read_audio_refuses_unusable_files(tmp_path):
    (tmp_path / "text.wav").write_text("not audio")
    soundfile.write(tmp_path / "empty.wav", np.zeros(0), 44100)
    broken = np.zeros((2 * audio.PIECE, 2))
    broken[[1, 2, -1], [0, 1, 0]] = np.nan, np.inf, -np.inf
    soundfile.write(tmp_path / "nan.wav", broken, 44100, subtype="FLOAT")
    for name, message in [
        ("missing.wav", "cannot be read as audio"),
        ("text.wav", "cannot be read as audio"),
        ("empty.wav", "is empty"),
        ("nan.wav", "3 samples are not finite"),  # of all pieces
    ]:
        with refused(golden=False, file=name, problem=message):
            whole(tmp_path / name)
