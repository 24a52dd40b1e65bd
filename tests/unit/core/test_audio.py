"""Recordings are found, measured and read; files that cannot be used are named."""

import numpy as np
import pytest
import soundfile
import soxr
from support.errors import refused

from softsed.core import audio
from softsed.core.audio import find_audio, list_audio, measure, read_audio


def whole(path, rate=44100):
    return np.concatenate(list(read_audio(path, rate)))


def test_find_audio_lists_names_and_problems(tmp_path):
    for name in ("b.wav", "a c.FLAC", "notes.txt", ".hidden.wav", "z.ogg", "b.m4a"):
        (tmp_path / name).touch()
    (tmp_path / "folder.wav").mkdir()
    recordings, problems = find_audio(tmp_path)
    assert recordings == {"a c": tmp_path / "a c.FLAC", "b": tmp_path / "b.wav", "z": tmp_path / "z.ogg"}
    assert list(recordings) == ["a c", "b", "z"]
    assert problems == []
    for name in ("b.mp3", "m.m4a", "{x}.wav"):
        (tmp_path / name).touch()
    (tmp_path / "l.wav").symlink_to("nowhere")
    recordings, problems = find_audio(tmp_path)
    assert sorted(recordings) == ["a c", "b", "z"]
    assert sorted(text.partition(": ")[0] for text in problems) == [
        str(tmp_path / name) for name in ("b.wav", "l.wav", "m.m4a", "{x}.wav")
    ]


def test_find_audio_accepts_one_file(tmp_path):
    (tmp_path / "take.1.data").touch()
    assert find_audio(tmp_path / "take.1.data") == ({"take.1": tmp_path / "take.1.data"}, [])


def test_list_audio_refuses_empty_or_missing_folder(tmp_path):
    with refused(problem="no recording"):
        list_audio(tmp_path)
    with refused(problem=["nowhere", "no such folder"]):
        list_audio(tmp_path / "nowhere")


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
