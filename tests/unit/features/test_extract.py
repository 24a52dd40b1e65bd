"""Features equal librosa's and, for simple signals, their known energies."""

import json
import subprocess
import sys

import librosa
import numpy as np
import pytest
import soundfile
from support.errors import refused

from softsed.core.audio import read_audio
from softsed.features.extract import hop_samples, main, make_filterbank, mel_energies, read_filterbank
from softsed.features.files import read_features

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


def noise(samples=3 * 44100 + 123):
    return np.random.default_rng(0).normal(0, 0.1, samples).astype(np.float32)


def street():
    """Faint noise, a passing tone with harmonics, a click and a second of digital silence: 80 dB between them."""
    t = np.arange(4 * 44100) / 44100
    tone = sum(0.2 / n * np.sin(2 * np.pi * n * (200 * t + 30 * t**2)) for n in range(1, 20))
    signal = 1e-3 * np.random.default_rng(4).normal(size=len(t)) + tone * np.exp(-((t - 1.2) ** 2) / 0.1)
    signal[2 * 44100] += 0.9
    signal[3 * 44100 :] = 0
    return signal.astype(np.float32)


def librosa_mel(signal, power=2.0, window=2048, hop=882):
    return librosa.feature.melspectrogram(
        y=signal, sr=44100, n_fft=window, hop_length=hop, n_mels=64, fmin=50, fmax=14000, power=power
    ).T


@pytest.mark.parametrize("power", [1.0, 2.0, 1.5])
def test_equals_librosa(filterbank, power):
    ours = mel_energies([noise()], filterbank, {**CONFIG, "power": power, "log": False})
    theirs = librosa_mel(noise(), power)
    assert ours.shape == theirs.shape == (1 + len(noise()) // 882, 64)
    # Measured: 5e-7 in log energy; both compute in single precision.
    assert np.abs(np.log(ours) - np.log(theirs)).max() < 1e-4


@pytest.mark.filterwarnings("ignore:n_fft")  # librosa, about a signal shorter than a window
@pytest.mark.parametrize("signal", [noise(), street(), np.zeros(44100, np.float32), np.full(500, 0.1, np.float32)])
@pytest.mark.parametrize(("window", "hop_s"), [(2048, 0.02), (8192, 0.2), (512, 0.02)])  # the last leaves gaps
def test_log_energies_equal_librosas(signal, window, hop_s):
    config = {**CONFIG, "window": window, "hop_s": hop_s}
    ours = mel_energies([signal], make_filterbank(config), config)
    theirs = np.log(np.maximum(librosa_mel(signal, window=window, hop=hop_samples(config)), 1e-10))
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-4)


@pytest.mark.parametrize(("window", "hop_s"), [(2048, 0.02), (8192, 0.2), (512, 0.02)])
@pytest.mark.parametrize("length", [1, 441, 4097, 100_000])
def test_size_of_pieces_does_not_change_features(window, hop_s, length):
    config = {**CONFIG, "window": window, "hop_s": hop_s}
    bank, signal = make_filterbank(config), street()[: 1500 * length]
    pieces = [signal[start : start + length] for start in range(0, len(signal), length)]
    assert (mel_energies(pieces, bank, config) == mel_energies([signal], bank, config)).all()


PEAK = (
    "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True); "
    "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)"
)


@pytest.mark.slow  # seconds, but a gigabyte of disk
@pytest.mark.parametrize("rate", [44100, 48000])
def test_an_hour_takes_less_than_500_megabytes(tmp_path, rate):
    minute = np.random.default_rng(6).uniform(-0.1, 0.1, (60 * rate, 2))
    path, config = tmp_path / "hour.wav", ["--config", json.dumps(CONFIG), "--filterbank", str(tmp_path / "bank.npz")]
    main(config)
    with soundfile.SoundFile(path, "w", rate, channels=2, subtype="PCM_24") as file:
        for _ in range(60):
            file.write(minute)
    command = [
        sys.executable,
        "-m",
        "softsed",
        "features.extract",
        *config,
        "--audio",
        path,
        "--output",
        tmp_path / "hour.npz",
    ]
    # In a new, small process, because the peak memory of a child contains that of its parent.
    shown = subprocess.run([sys.executable, "-c", PEAK, *command], check=True, capture_output=True, text=True)
    path.unlink()
    assert read_features(tmp_path / "hour.npz").shape == (180001, 64)
    assert int(shown.stdout) < 500


def test_tone_peaks_in_its_band(filterbank):
    for band in (10, 30, 50):
        frequency = filterbank[band].argmax() / 2048 * 44100
        tone = np.sin(2 * np.pi * frequency * np.arange(44100) / 44100).astype(np.float32)
        mel = mel_energies([tone], filterbank, CONFIG)
        assert (mel[5:-5].argmax(axis=1) == band).all()


def test_mel_energies_grow_with_squared_amplitude(filterbank):
    signal = np.random.default_rng(1).normal(0, 0.01, 44100).astype(np.float32)
    difference = mel_energies([10 * signal], filterbank, CONFIG) - mel_energies([signal], filterbank, CONFIG)
    np.testing.assert_allclose(difference, np.log(100), atol=1e-3)


def test_silence_and_a_single_sample_are_defined(filterbank):
    assert (mel_energies([np.zeros(44100, np.float32)], filterbank, CONFIG) == np.log(np.float32(1e-10))).all()
    assert mel_energies([np.ones(1, np.float32)], filterbank, CONFIG).shape == (1, 64)


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


def test_command_notes_the_format_of_the_recording(tmp_path):
    tone = 0.1 * np.sin(np.arange(16000))
    soundfile.write(tmp_path / "a.wav", np.stack([tone, -tone], axis=1), 16000)
    config = ["--config", json.dumps(CONFIG), "--filterbank", str(tmp_path / "bank.npz")]
    main(config)
    main([*config, "--audio", str(tmp_path / "a.wav"), "--output", str(tmp_path / "a.npz")])
    with np.load(tmp_path / "a.npz") as file:
        assert (file["sample_rate"], file["recorded_rate"], file["channels_cancel"]) == (44100, 16000, True)


def test_read_filterbank_refuses_other_files(tmp_path, filterbank):
    path = tmp_path / "bank.npz"
    np.savez(path, filterbank=filterbank)
    np.testing.assert_array_equal(read_filterbank(path, CONFIG), filterbank)
    with refused(file="bank.npz", problem="(64, 1025)", expected="(40, 1025), bands and frequency bins of the config"):
        read_filterbank(path, {**CONFIG, "mel_bands": 40})
    for content in (b"", b"text", path.read_bytes()[:500]):
        path.write_bytes(content)
        with refused(golden=False, file="bank.npz", problem="not a filter bank"):
            read_filterbank(path, CONFIG)


@pytest.mark.parametrize(("rate", "hop_s"), [(44100, 0.0123456), (44100, 0.3), (8000, 0.03)])
def test_hop_samples_refuses_drifting_hop(rate, hop_s):
    with refused(key="features.hop_s", problem=f"{rate} Hz"):
        hop_samples({**CONFIG, "sample_rate": rate, "hop_s": hop_s})
