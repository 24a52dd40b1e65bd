"""Models applied to user-provided recordings: scores of the whole, for any length, rate and format."""

import sys

import numpy as np
import pytest
import soundfile
import torch
from support.errors import refused
from support.headers import set_sizes
from support.tiny_model import BANK, FEATURES, save_model
from support.tsv import as_options

from softsed.core.audio import measure
from softsed.core.errors import InputError
from softsed.core.event_text import read_events
from softsed.features.extract import mel_energies, read_audio
from softsed.predict import apply
from softsed.predict.system import pool_seconds

CPU = torch.device("cpu")


def noise(seconds, rate=8000):
    """Return noise whose level changes, so that no two seconds are alike."""
    time = np.arange(int(seconds * rate)) / rate
    return (0.1 * np.random.default_rng(0).standard_normal(len(time)) * (1 + np.sin(time / 3))).astype(np.float32)


@pytest.fixture
def models(tmp_path):
    return apply.load_models([save_model(tmp_path / f"fold{seed}.pt", seed=seed) for seed in (1, 2)], CPU)


def as_a_whole(models, path):
    """Score the whole recording at once, without `predict.long_audio` and `predict.system.score`."""
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


def test_scores_of_stretches_are_close_to_the_whole(models, tmp_path):
    soundfile.write(tmp_path / "r.wav", noise(200), 8000)
    expected = as_a_whole(models, tmp_path / "r.wav")
    found = apply.score_recording(models, tmp_path / "r.wav", BANK, length=40, context=10)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, atol=2e-3)
    assert expected.std(axis=0).min() > 0.01  # lost or swapped seconds would show
    abrupt = apply.score_recording(models, tmp_path / "r.wav", BANK, length=40, context=1)
    assert np.abs(abrupt - expected).max() > np.abs(found - expected).max()


def test_scores_do_not_depend_on_format_and_rate(models, tmp_path):
    """The same 40 s of stereo at 44.1 kHz in several formats: the scores are those of the resampled whole."""
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


def test_command_writes_scores_events_and_a_picture(tmp_path, monkeypatch):
    soundfile.write(tmp_path / "r.wav", noise(5), 8000)
    files = {name: tmp_path / f"out.{ending}" for name, ending in (("scores", "tsv"), ("events", "txt"))}
    files["timeline"] = tmp_path / "out.png"
    model = save_model(tmp_path / "one.pt", seed=2)
    arguments = as_options(files)
    common = ["--models", str(model), "--filterbank", str(tmp_path / "bank.npz")]
    apply.main(common)
    monkeypatch.setitem(sys.modules, "librosa", None)  # only the call without --audio may import it
    apply.main([*common, "--audio", str(tmp_path / "r.wav"), "--threshold", "0.1", *arguments])
    lines = files["scores"].read_text().splitlines()
    assert lines[0] == "onset\toffset\ta b\tc"
    assert [line.split("\t")[:2] for line in lines[1:]] == [[str(t), str(t + 1)] for t in range(5)]
    assert read_events(files["events"], ["a b", "c"]) == [(0, 5, "a b"), (0, 5, "c")]
    assert files["timeline"].read_bytes().startswith(b"\x89PNG")
    with pytest.raises(SystemExit):
        apply.main([*common, "--audio", str(tmp_path / "r.wav"), *arguments[2:]])


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"thresholds": None}, "['thresholds']"),
        ({"carried": {"pooling": "max", "context": "recording", "threshold": 0.5, "trim": 10}}, ("one.pt", "carried")),
        ({"classes": ["c", "a b"]}, ("one.pt", "classes")),
        ({"classes": ["a b"]}, "2 outputs for the classes ['a b']"),
        ({"classes": ["a\tb", "c"]}, ("names of the classes", "tab")),
        ({"mean": None}, "'mean'"),
        ({"mean": torch.zeros(3)}, ("mean", "16 mel bands")),
        ({"std": torch.full((16,), torch.nan)}, ("std", "16 mel bands")),
        ({"std": torch.zeros(16)}, "std is not positive"),
        ({"features": FEATURES | {"window": None}}, "['window']"),
        ({"thresholds": torch.zeros(3)}, "thresholds of shape [3]"),
        ({"carried": {"threshold": 0.5}}, "{'context': 'recording', 'threshold': 0.5}"),
        ({"carried": {"pooling": "mean", "context": "x", "threshold": 0.5}}, "'context': 'x'"),
        ({"sequence_frames": 2.5}, "sequence_frames is 2.5"),
        ({"sequence_frames": 0}, "sequence_frames is 0"),
        ({"carried": {"pooling": "mean", "context": "recording", "threshold": "0.5"}}, "'0.5'"),
    ],
)
def test_models_that_do_not_fit_are_refused(tmp_path, changes, problem):
    one, two = save_model(tmp_path / "one.pt", seed=1), save_model(tmp_path / "two.pt", seed=2, **changes)
    with refused(file="two.pt", problem=problem):
        apply.load_models([one, two], CPU)


def test_older_model_scores_whole_recordings(tmp_path):
    old = save_model(tmp_path / "old.pt", seed=1, sequence_frames=None, carried={"pooling": "mean", "threshold": 0.5})
    new = save_model(tmp_path / "new.pt", seed=1)
    soundfile.write(tmp_path / "r.wav", noise(3.0), 8000)
    scores = [apply.score_recording(apply.load_models([path], CPU), tmp_path / "r.wav", BANK) for path in (old, new)]
    np.testing.assert_array_equal(*scores)
    sequence = {"pooling": "mean", "context": "sequence", "threshold": 0.5}
    with refused(key="predict.context", problem="older version"):
        apply.score_recording(
            apply.load_models([save_model(tmp_path / "x.pt", seed=1, sequence_frames=None, carried=sequence)], CPU),
            tmp_path / "r.wav",
            BANK,
        )


def test_context_of_sequences_reaches_the_scores(tmp_path):
    """Sequences of 2 s at 20 frames per second: other scores than with the whole recording as context."""
    carried = {"pooling": "mean", "context": "sequence", "threshold": 0.5}
    paths = [save_model(tmp_path / "whole.pt", seed=1), save_model(tmp_path / "parts.pt", seed=1, carried=carried)]
    soundfile.write(tmp_path / "r.wav", noise(9.0), 8000)
    whole, parts = (apply.score_recording(apply.load_models([path], CPU), tmp_path / "r.wav", BANK) for path in paths)
    assert whole.shape == parts.shape == (9, 2)
    assert 1e-6 < abs(whole - parts).max() < 0.2


def test_recordings_that_cannot_be_scored(models, tmp_path):
    (tmp_path / "text.wav").write_text("no audio")
    soundfile.write(tmp_path / "short.wav", noise(0.9), 8000)
    soundfile.write(tmp_path / "empty.wav", np.zeros(0), 8000)
    soundfile.write(tmp_path / "nan.wav", np.array([0.1, np.nan] * 8000, np.float32), 8000, "FLOAT")
    for name, message in {
        "text.wav": "audio",
        "short.wav": "shorter than one second",
        "empty.wav": "empty",
        "nan.wav": "finite",
    }.items():
        with pytest.raises(InputError, match=f"{name}.*{message}"):
            apply.score_recording(models, tmp_path / name, BANK)


def test_scores_of_a_file_whose_header_is_wrong(models, tmp_path):
    """A header that was never completed: the scores are those of the correct file, also in stretches."""
    soundfile.write(tmp_path / "r.wav", noise(90), 8000)
    expected = apply.score_recording(models, tmp_path / "r.wav", BANK, length=40, context=10)
    set_sizes(tmp_path / "r.wav", samples=0, whole=0)
    assert measure(tmp_path / "r.wav") == 90
    found = apply.score_recording(models, tmp_path / "r.wav", BANK, length=40, context=10)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(("rate", "warned"), [(8000, False), (6000, True)])
def test_main_reports_rates_below_the_features(tmp_path, caplog, rate, warned):
    """Features up to 4000 Hz, which recordings at 8000 Hz contain."""
    caplog.set_level("INFO")
    soundfile.write(tmp_path / "r.wav", noise(3, rate), rate)
    common = ["--models", str(save_model(tmp_path / "m.pt", seed=1)), "--filterbank", str(tmp_path / "bank.npz")]
    apply.main(common)
    outputs = {"scores": tmp_path / "r.tsv", "events": tmp_path / "r.txt", "timeline": tmp_path / "r.png"}
    apply.main([*common, "--audio", str(tmp_path / "r.wav"), *as_options(outputs)])
    assert ("'r' at 6000 Hz" in caplog.text) == warned
    assert ("below 8000 Hz, twice the f_max" in caplog.text) == warned
