"""Features against librosa and against signals whose energies are known."""

import json

import librosa
import numpy as np
import pytest
import soundfile

from softsed.dataset import read_features
from softsed.errors import InputError
from softsed.features import hop_samples, main, make_filterbank, mel_energies, read_audio

CONFIG = {
    "sample_rate": 44100,
    "window": 2048,
    "hop_s": 0.02,
    "mel_bands": 64,
    "f_min": 50,
    "f_max": 14000,
    "power": 2.0,
    "log": True,
    "log_floor": 1e-10,
}


@pytest.fixture(scope="module")
def filterbank():
    return make_filterbank(CONFIG)


@pytest.mark.parametrize("power", [1.0, 2.0])
def test_equals_librosa(filterbank, power):
    signal = np.random.default_rng(0).normal(0, 0.1, 3 * 44100 + 123).astype(np.float32)
    ours = mel_energies(signal, filterbank, {**CONFIG, "power": power, "log": False})
    theirs = librosa.feature.melspectrogram(
        y=signal, sr=44100, n_fft=2048, hop_length=882, n_mels=64, fmin=50, fmax=14000, power=power
    ).T
    assert ours.shape == theirs.shape == (1 + len(signal) // 882, 64)
    # Measured: 5e-7 in log energy; both compute in single precision.
    assert np.abs(np.log(ours) - np.log(theirs)).max() < 1e-4


def test_tone_peaks_in_its_band(filterbank):
    for band in (10, 30, 50):
        frequency = filterbank[band].argmax() / 2048 * 44100
        tone = np.sin(2 * np.pi * frequency * np.arange(44100) / 44100).astype(np.float32)
        mel = mel_energies(tone, filterbank, CONFIG)
        assert (mel[5:-5].argmax(axis=1) == band).all()


def test_ten_times_the_amplitude_is_hundred_times_the_energy(filterbank):
    signal = np.random.default_rng(1).normal(0, 0.01, 44100).astype(np.float32)
    difference = mel_energies(10 * signal, filterbank, CONFIG) - mel_energies(signal, filterbank, CONFIG)
    np.testing.assert_allclose(difference, np.log(100), atol=1e-3)


def test_silence_and_a_single_sample_are_defined(filterbank):
    assert (mel_energies(np.zeros(44100, np.float32), filterbank, CONFIG) == np.log(np.float32(1e-10))).all()
    assert mel_energies(np.ones(1, np.float32), filterbank, CONFIG).shape == (1, 64)


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT"])
@pytest.mark.parametrize("channels", [1, 2])
def test_reads_formats_and_mixes_channels(tmp_path, subtype, channels):
    mono = np.random.default_rng(2).uniform(-0.4, 0.4, 4410)
    spread = np.stack([mono + 0.1, mono - 0.1], axis=1) if channels == 2 else mono
    soundfile.write(tmp_path / "a.wav", spread, 44100, subtype=subtype)
    read = read_audio(tmp_path / "a.wav", 44100)
    assert read.dtype == np.float32
    np.testing.assert_allclose(read, mono, atol=1e-4)


def test_other_rates_keep_the_pitch(tmp_path, filterbank):
    for rate in (22050, 48000, 44100):
        soundfile.write(tmp_path / f"{rate}.wav", 0.5 * np.sin(2 * np.pi * 3000 * np.arange(rate) / rate), rate)
    peaks = set()
    for rate in (22050, 48000, 44100):
        mel = mel_energies(read_audio(tmp_path / f"{rate}.wav", 44100), filterbank, CONFIG)
        assert len(mel) == 51
        peaks.add(int(mel[25].argmax()))
    assert len(peaks) == 1


def test_command_writes_features(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.random.default_rng(3).uniform(-0.1, 0.1, (44100, 2)), 44100)
    config = ["--config", json.dumps(CONFIG), "--filterbank", str(tmp_path / "bank.npz")]
    main(config)
    main([*config, "--audio", str(tmp_path / "a.wav"), "--output", str(tmp_path / "a.npz")])
    assert read_features(tmp_path / "a.npz").shape == (51, 64)


def test_unusable_audio_is_named(tmp_path):
    (tmp_path / "text.wav").write_text("not audio")
    soundfile.write(tmp_path / "empty.wav", np.zeros(0), 44100)
    soundfile.write(tmp_path / "nan.wav", np.array([0.0, np.nan, 0.0]), 44100, subtype="FLOAT")
    for name, message in [
        ("missing.wav", "cannot be read as audio"),
        ("text.wav", "cannot be read as audio"),
        ("empty.wav", "is empty"),
        ("nan.wav", "1 samples are not finite"),
    ]:
        with pytest.raises(InputError, match=rf"{name}.*{message}"):
            read_audio(tmp_path / name, 44100)


@pytest.mark.parametrize(("rate", "hop_s"), [(44100, 0.0123456), (44100, 0.3), (8000, 0.03)])
def test_a_hop_that_drifts_against_the_seconds_is_refused(rate, hop_s):
    with pytest.raises(InputError, match="divides the second"):
        hop_samples({**CONFIG, "sample_rate": rate, "hop_s": hop_s})
