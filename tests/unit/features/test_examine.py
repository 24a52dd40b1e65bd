"""Formats of real files: sampling rates, and channels that cancel when they are averaged."""

import numpy as np
import pytest
import soundfile
from support.errors import refused

from softsed.features import examine
from softsed.features.examine import cancels, examine_readable, main

RATE = 8000
RNG = np.random.default_rng(0)
SOUND = 0.1 * RNG.standard_normal(3 * RATE)
OTHER = 0.1 * RNG.standard_normal(3 * RATE)
CHANNELS = {
    "mono": ([SOUND], False),
    "same": ([SOUND, SOUND], False),
    "independent": ([SOUND, OTHER], False),
    "one_silent": ([SOUND, 0 * SOUND], False),
    "silence": ([0 * SOUND, 0 * SOUND], False),
    "inverted": ([SOUND, -SOUND], True),
    "inverted_with_noise": ([SOUND, 0.05 * OTHER - SOUND], True),
    "inverted_at_different_levels": ([SOUND, -0.7 * SOUND], True),
    "almost_inverted": ([SOUND, 0.6 * OTHER - 0.8 * SOUND], False),
    "inverted_and_shifted": ([SOUND + 0.3, -SOUND + 0.3], True),
    "two_of_four_inverted": ([SOUND, -SOUND, OTHER, OTHER], False),
    "four_in_pairs": ([SOUND, -SOUND, OTHER, -OTHER], True),
}


@pytest.mark.parametrize("name", CHANNELS)
@pytest.mark.parametrize("ending", ["wav", "flac"])
def test_examine_detects_channels_that_cancel(tmp_path, name, ending):
    """The oracle is the constructed signal: only opposite polarity cancels."""
    channels, expected = CHANNELS[name]
    path = tmp_path / f"{name}.{ending}"
    soundfile.write(path, np.stack(channels, axis=1), RATE)
    found = examine.examine(name, path)
    assert (found.name, found.sample_rate, found.cancels) == (name, RATE, expected)


@pytest.mark.parametrize("ending", ["mp3", "ogg"])
def test_examine_reads_compressed_stereo(tmp_path, ending):
    time = np.arange(3 * 44100) / 44100
    sweep = 0.1 * np.sin(2 * np.pi * (300 * time + 200 * time**2))
    for name, second, expected in (("same", sweep, False), ("half", 0 * sweep, False), ("inverted", -sweep, True)):
        soundfile.write(tmp_path / f"{name}.{ending}", np.stack([sweep, second], axis=1), 44100)
        found = examine.examine(name, tmp_path / f"{name}.{ending}")
        assert (found.sample_rate, found.cancels) == (44100, expected)


def test_examine_reads_more_than_the_start(tmp_path):
    """A minute of silence before the sound."""
    sound = np.concatenate([np.zeros(60 * RATE), np.tile(SOUND, 20)])
    soundfile.write(tmp_path / "a.wav", np.stack([sound, -sound], axis=1), RATE)
    assert examine.examine("a", tmp_path / "a.wav").cancels


def test_cancels_of_nothing_is_false():
    assert not cancels([np.zeros((0, 2))])
    assert not cancels([np.full((9, 2), np.nan)])


def test_examine_refuses_text(tmp_path):
    (tmp_path / "a.wav").write_text("no audio")
    with refused(file="a.wav", problem="cannot be read as audio", golden=False):
        examine.examine("a", tmp_path / "a.wav")


def test_main_warns_once_about_a_folder(tmp_path, caplog):
    """A file that cannot be read is left to the step that reads it."""
    audio = tmp_path / "audio"
    audio.mkdir()
    for name, rate in (("a", 8000), ("b", 8000), ("c", 44100)):
        soundfile.write(audio / f"{name}.wav", SOUND, rate)
    (audio / "d.wav").write_text("no audio")
    np.savez(tmp_path / "bank.npz", filterbank=np.zeros((2, 3)), f_max=14000)
    main(["--audio", str(audio), "--filterbank", str(tmp_path / "bank.npz"), "--output", str(tmp_path / "audio.tsv")])
    low, rates = (record.getMessage() for record in caplog.records if record.levelname == "WARNING")
    assert "2 of 3 recordings" in low
    assert "'a' at 8000 Hz" in low
    assert "44100 Hz (1" in rates
    assert (tmp_path / "audio.tsv").read_text().splitlines()[1:] == ["a\t8000\t0", "b\t8000\t0", "c\t44100\t0"]
    assert [one.name for one in examine_readable({"d": audio / "d.wav", "a": audio / "a.wav"})] == ["a"]
