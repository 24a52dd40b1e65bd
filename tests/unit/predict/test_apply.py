"""Models applied to one's own recordings: as the recording as a whole, whatever its length, rate and format."""

import shutil
import sys

import numpy as np
import pytest
import soundfile
import torch
from support.tiny_model import BANK, FEATURES, save_model

from softsed.core.audio import list_audio, measure
from softsed.core.errors import InputError
from softsed.core.event_text import read_events
from softsed.features.extract import mel_energies, read_audio, read_filterbank
from softsed.predict import apply
from softsed.predict.long_audio import overlapping
from softsed.predict.system import pool_seconds
from softsed.train.network import choose_device

CPU = torch.device("cpu")


def noise(seconds, rate=8000):
    """Noise that grows louder and fainter, so that no two seconds are alike."""
    time = np.arange(int(seconds * rate)) / rate
    return (0.1 * np.random.default_rng(0).standard_normal(len(time)) * (1 + np.sin(time / 3))).astype(np.float32)


@pytest.fixture
def models(tmp_path):
    return apply.load_models([save_model(tmp_path / f"fold{seed}.pt", seed=seed) for seed in (1, 2)], CPU)


def as_a_whole(models, path):
    """Scores of the whole recording at once, without anything of `stream` or `predict.score`."""
    mel = mel_energies(read_audio(path, 8000), BANK, FEATURES)
    found = []
    for model, extras in models:
        with torch.inference_mode():
            raw = model(((torch.from_numpy(mel) - extras["mean"]) / extras["std"])[None])[0]
            found.append(pool_seconds(torch.sigmoid(raw).numpy(), 20, "mean"))
    return np.mean(found, axis=0)


@pytest.mark.parametrize("seconds", [1, 30, 30.2, 89.99])
def test_scores_are_those_of_the_whole_recording(models, tmp_path, seconds):
    soundfile.write(tmp_path / "r.wav", noise(seconds), 8000)
    expected = as_a_whole(models, tmp_path / "r.wav")
    assert len(expected) == int(seconds)
    found = apply.score_recording(models, tmp_path / "r.wav", BANK)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_cut_where_it_is_too_long_scores_come_close(models, tmp_path):
    soundfile.write(tmp_path / "r.wav", noise(200), 8000)
    expected = as_a_whole(models, tmp_path / "r.wav")
    found = apply.score_recording(models, tmp_path / "r.wav", BANK, length=40, context=10)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, atol=2e-3)
    assert expected.std(axis=0).min() > 0.01  # it would be seen if seconds were lost or swapped
    abrupt = apply.score_recording(models, tmp_path / "r.wav", BANK, length=40, context=1)
    assert np.abs(abrupt - expected).max() > np.abs(found - expected).max()


@pytest.mark.parametrize("length", [1, 7, 20, 33])
@pytest.mark.parametrize("overlap", [1, 3, 20])
def test_stretches_join_to_the_sequence(length, overlap):
    whole = np.arange(33)
    for pieces in ([whole], np.split(whole, [1, 2, 13]), np.split(whole, 33)):
        found = list(overlapping(pieces, length, overlap))
        joined = [stretch[lead : lead + length] for stretch, lead in found]
        np.testing.assert_array_equal(np.concatenate(joined), whole)
        assert len(found) == -(-33 // length)
        for index, (stretch, lead) in enumerate(found):
            own = range(index * length - lead, min(33, (index + 1) * length + overlap))
            assert stretch.tolist() == list(own)
            assert lead == min(overlap, index * length)


def test_any_rate_format_and_channels(models, tmp_path):
    """The same 40 s at 44.1 kHz, stereo, in several formats; lossless ones give the scores of the resampled whole."""
    signal = noise(40, 44100)
    stereo = np.stack([signal, 0.5 * signal], axis=1)
    expected = None
    for name, subtype in {"a.wav": "PCM_24", "b.flac": "PCM_24", "c.aiff": "FLOAT", "d.mp3": None}.items():
        soundfile.write(tmp_path / name, stereo, 44100, subtype)
        expected = as_a_whole(models, tmp_path / name) if expected is None else expected
        found = apply.score_recording(models, tmp_path / name, BANK)
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, atol=0.02 if name == "d.mp3" else 1e-3)
        assert measure(tmp_path / name) == pytest.approx(40, abs=0.1)


def test_thresholds_of_several_models(models):
    assert apply.choose_threshold(models, "fixed").tolist() == [0.5, 0.5]
    assert apply.choose_threshold(models, "0.25").tolist() == [0.25, 0.25]
    np.testing.assert_allclose(apply.choose_threshold(models, "class-dependent"), [0.3, 0.6])
    assert np.isnan(apply.choose_threshold(models[:1], "class-dependent")[1])
    for wrong in ("best", "nan", "inf", "50", "-0.1"):
        with pytest.raises(InputError, match=f"'{wrong}': expected class-dependent, fixed or a number from 0 to 1"):
            apply.choose_threshold(models, wrong)


def test_command_writes_scores_events_and_a_picture(tmp_path, monkeypatch):
    soundfile.write(tmp_path / "r.wav", noise(5), 8000)
    files = {name: tmp_path / f"out.{ending}" for name, ending in (("scores", "tsv"), ("events", "txt"))}
    files["timeline"] = tmp_path / "out.png"
    model = save_model(tmp_path / "one.pt", seed=2)
    arguments = [text for name, path in files.items() for text in (f"--{name}", str(path))]
    common = ["--models", str(model), "--filterbank", str(tmp_path / "bank.npz")]
    apply.main(common)
    monkeypatch.setitem(sys.modules, "librosa", None)  # the second that its import takes is spent once
    apply.main([*common, "--audio", str(tmp_path / "r.wav"), "--threshold", "0.1", *arguments])
    lines = files["scores"].read_text().splitlines()
    assert lines[0] == "onset\toffset\ta b\tc"
    assert [line.split("\t")[:2] for line in lines[1:]] == [[str(t), str(t + 1)] for t in range(5)]
    assert read_events(files["events"], ["a b", "c"]) == [(0, 5, "a b"), (0, 5, "c")]
    assert files["timeline"].read_bytes().startswith(b"\x89PNG")
    with pytest.raises(SystemExit):
        apply.main([*common, "--audio", str(tmp_path / "r.wav"), *arguments[2:]])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"thresholds": None}, r"two.pt: no \['thresholds'\] in this model, of an older version"),
        ({"carried": {"pooling": "max", "threshold": 0.5, "trim": 10}}, "two.pt and .*one.pt differ in carried"),
        ({"classes": ["c", "a b"]}, "differ in classes"),
        ({"classes": ["a b"]}, r"not a model .*2 outputs for the classes \['a b'\]"),
        ({"classes": ["a\tb", "c"]}, "not a model .*a tab or line end in the names"),
        ({"mean": None}, "not a model .*'mean'"),
        ({"mean": torch.zeros(3)}, "not a model .*mean is not a number for each of"),
        ({"std": torch.full((16,), torch.nan)}, "not a model .*std is not a number for each of"),
        ({"std": torch.zeros(16)}, "not a model .*std is not positive"),
        ({"features": FEATURES | {"window": None}}, r"no numbers for \['window'\] of the features"),
        ({"thresholds": torch.zeros(3)}, "no thresholds for each of its 2 classes"),
        ({"carried": {"threshold": 0.5}}, r"expected one of \['mean', 'max'\] and a number"),
        ({"carried": {"pooling": "mean", "threshold": "0.5"}}, "and a number"),
    ],
)
def test_models_that_cannot_be_averaged(tmp_path, changes, message):
    one, two = save_model(tmp_path / "one.pt", seed=1), save_model(tmp_path / "two.pt", seed=2, **changes)
    with pytest.raises(InputError, match=message):
        apply.load_models([one, two], CPU)


def test_recordings_that_cannot_be_scored(models, tmp_path):
    (tmp_path / "text.wav").write_text("no audio")
    soundfile.write(tmp_path / "short.wav", noise(0.9), 8000)
    soundfile.write(tmp_path / "empty.wav", np.zeros(0), 8000)
    soundfile.write(tmp_path / "nan.wav", np.array([0.1, np.nan] * 8000, np.float32), 8000, "FLOAT")
    for name, message in {
        "text.wav": "cannot be read as audio",
        "short.wav": "shorter than a second",
        "empty.wav": "the recording is empty",
        "nan.wav": "not finite numbers",
    }.items():
        with pytest.raises(InputError, match=f"{name}: .*{message}"):
            apply.score_recording(models, tmp_path / name, BANK)


def test_a_folder_of_recordings(tmp_path):
    for name in ("b.wav", "a c.FLAC", "notes.txt", ".hidden.wav", "z.ogg"):
        (tmp_path / name).touch()
    (tmp_path / "more.wav").mkdir()
    assert list(list_audio(tmp_path).items()) == [
        ("a c", tmp_path / "a c.FLAC"),
        ("b", tmp_path / "b.wav"),
        ("z", tmp_path / "z.ogg"),
    ]
    assert list_audio(tmp_path / "notes.txt") == {"notes": tmp_path / "notes.txt"}
    (tmp_path / "b.mp3").touch()
    with pytest.raises(InputError, match=r"b\.wav: .*b\.mp3 has the same name but for its ending"):
        list_audio(tmp_path)
    with pytest.raises(InputError, match="there is no such folder"):
        list_audio(tmp_path / "nowhere")
    with pytest.raises(InputError, match="no recording; expected files such as"):
        list_audio(tmp_path / "more.wav")
    for name, message in {
        "m.m4a": r"m\.m4a: this format cannot be read; convert it to",
        "l.wav": "is not here",
    }.items():
        (tmp_path / "other").mkdir()
        (tmp_path / "other" / "a.wav").touch()
        (tmp_path / "other" / "a.mp4").touch()  # the film
        assert list(list_audio(tmp_path / "other")) == ["a"]
        (tmp_path / "other" / name).symlink_to("nowhere")
        with pytest.raises(InputError, match=message):
            list_audio(tmp_path / "other")
        shutil.rmtree(tmp_path / "other")
    (tmp_path / "more.wav" / "{x}.wav").touch()
    with pytest.raises(InputError, match="rename it, without braces"):
        list_audio(tmp_path / "more.wav")


def test_every_format_that_soundfile_writes_is_found(tmp_path):
    for name in soundfile.available_formats():
        if name not in ("RAW", "MAT4", "MAT5", "MPC2K", "WAVEX", "FLAC"):  # no header, no sound, another ending
            (tmp_path / f"{name}.{name}").touch()
    assert len(list_audio(tmp_path)) == len(list(tmp_path.iterdir()))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no filter bank: .*No such file"),
        (b"garbage", "no filter bank"),
        ({"other": np.zeros(3)}, "no filter bank: .*'filterbank"),
        ({"filterbank": np.zeros((3, 3))}, "the filter bank of other features"),
    ],
)
def test_a_filter_bank_that_does_not_fit(tmp_path, content, message):
    path = tmp_path / "bank.npz"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content:
        np.savez(path, **content)
    with pytest.raises(InputError, match=rf"bank\.npz: {message}"):
        read_filterbank(path, FEATURES)


@pytest.mark.parametrize("name", ["gpu", "cuda:99", "cpu7x"])
def test_a_device_that_there_is_not(name):
    with pytest.raises(InputError, match=f"device '{name}': .*expected auto, cpu, cuda or cuda:N"):
        choose_device(name)
