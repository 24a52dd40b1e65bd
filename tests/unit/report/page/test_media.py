"""Sound and picture for the results page."""

import numpy as np
import pytest
import soundfile
from PIL import Image
from support.errors import refused

from softsed.report.page.media import SAMPLE_RATE, WIDEST, main, spectrogram, write_sound


def test_write_sound_keeps_time_and_pitch(tmp_path):
    seconds, tone = 20, 1000
    signal = np.sin(2 * np.pi * tone * np.arange(seconds * SAMPLE_RATE) / SAMPLE_RATE)
    signal[: 10 * SAMPLE_RATE] = 0  # silence until the tenth second
    write_sound(tmp_path / "a.mp3", np.array_split(signal, 7))
    assert (tmp_path / "a.mp3").stat().st_size == pytest.approx(5000 * seconds, rel=0.02)  # 40 kbit/s
    heard, rate = soundfile.read(tmp_path / "a.mp3")
    assert rate == SAMPLE_RATE
    assert np.argmax(np.abs(heard) > 0.5) / rate == pytest.approx(10, abs=0.06)
    spectrum = np.abs(np.fft.rfft(heard[-5 * rate :]))
    assert np.argmax(spectrum) / 5 == pytest.approx(tone, abs=1)


def test_write_sound_repeatable(tmp_path):
    signal = np.random.default_rng(0).uniform(-2, 2, 5 * SAMPLE_RATE)
    for name in ("a.mp3", "b.mp3"):
        write_sound(tmp_path / name, [signal])
    assert (tmp_path / "a.mp3").read_bytes() == (tmp_path / "b.mp3").read_bytes()


@pytest.mark.parametrize(("hop_s", "columns"), [(0.02, 10), (0.1, 10), (0.2, 5), (1.0, 1), (1 / 35, 7), (1 / 441, 9)])
def test_spectrogram_columns_per_second(hop_s, columns):
    picture = spectrogram(np.random.default_rng(0).random((3 * round(1 / hop_s) + 1, 8)), hop_s)
    assert picture.shape == (8, 3 * columns)


def test_spectrogram_shows_time_and_band():
    mel = np.zeros((50 * 6 + 20, 16))
    mel[50 * 3 : 50 * 4, 2] = 5  # the fourth second, a low band
    picture = spectrogram(mel, 0.02)
    assert picture.dtype == np.uint8
    rows, columns = np.nonzero(picture)
    assert set(rows) == {13}
    assert (columns.min(), columns.max()) == (30, 39)
    assert picture.max() == 255


def test_spectrogram_of_long_recording_fits_webp(tmp_path):
    seconds = 2 * WIDEST // 10
    mel = np.zeros((seconds * 50 + 1, 2))
    mel[-20] = 1  # in the last second
    picture = spectrogram(mel, 0.02)
    assert WIDEST / 2 < picture.shape[1] <= WIDEST
    assert np.flatnonzero(picture[0]).tolist() == [picture.shape[1] - 2]
    Image.fromarray(picture).save(tmp_path / "picture.webp", "WEBP")


def test_spectrogram_of_silence_is_black():
    assert not spectrogram(np.full((11, 4), -23.0), 0.1).any()


def test_spectrogram_below_one_second():
    with refused(problem="10 frames of 0.1 s"):
        spectrogram(np.zeros((10, 4)), 0.1)


def test_main_writes_sound_and_picture(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros((44100 * 3, 2)), 44100)
    np.savez(tmp_path / "a.npz", mel=np.random.default_rng(0).random((16, 64)), hop_s=0.2)
    paths = {"audio": "a.wav", "features": "a.npz", "sound": "a.mp3", "picture": "a.webp"}
    main([text for option, name in paths.items() for text in (f"--{option}", str(tmp_path / name))])
    with Image.open(tmp_path / "a.webp") as picture:
        assert picture.size == (15, 64)
    assert soundfile.info(tmp_path / "a.mp3").duration == pytest.approx(3, abs=0.1)
