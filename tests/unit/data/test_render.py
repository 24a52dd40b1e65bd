"""The rendered recordings of the demo: levels, format, and the table of their true events."""

import json
import wave
from pathlib import Path

import numpy as np
import pytest
from support.errors import refused
from support.tsv import as_options

from softsed.core.metadata import Recording, read_classes, read_scenes
from softsed.data import demo_events, render
from softsed.data.demo_synthesis import RATE

RESOURCES = Path(__file__).parents[3] / "workflow" / "resources"
CLASSES = read_classes(RESOURCES / "classes.tsv")
ASKED = read_scenes(RESOURCES / "scenes.tsv", CLASSES)
NOISE = {"tilt_db": -3.0, "hump_hz": 500.0, "hump_db": 3.0, "swing_db": 1.0}
SHORT = Recording("r_00", "cafe_restaurant", 8.0)


def noise(seed: int = 1, **options: float) -> np.ndarray:
    return render.background(SHORT, NOISE, **({"level_db": -40, "std_db": 0} | options), seed=seed)


def call(tmp_path: Path, *, seed: int = 1, **changes: str) -> tuple[bytes, str]:
    recordings = tmp_path / "recordings.tsv"
    recordings.write_text("recording\tscene\tduration_s\nm_00\tmetro_station\t6.5\n")
    options = {
        "recording": "m_00",
        "recordings": recordings,
        "classes": RESOURCES / "classes.tsv",
        "scenes": RESOURCES / "scenes.tsv",
        "specification": RESOURCES / "demo_events.tsv",
        "backgrounds": RESOURCES / "demo_backgrounds.tsv",
        "config": json.dumps({"background_dbfs": -42, "background_std_db": 2}),
        "seed": seed,
        "audio": tmp_path / "out.wav",
        "truth": tmp_path / "out.tsv",
    } | changes
    render.main(as_options(options))
    return (tmp_path / "out.wav").read_bytes(), (tmp_path / "out.tsv").read_text()


def test_same_seed_same_bytes_other_seed_other_bytes(tmp_path):
    first = call(tmp_path)
    assert call(tmp_path) == first
    other = call(tmp_path, seed=2)
    assert other[0] != first[0]
    assert other[1] != first[1]


def test_main_writes_stereo_16_bit_audio(tmp_path):
    call(tmp_path)
    with wave.open(str(tmp_path / "out.wav")) as file:
        assert file.getparams()[:4] == (2, 2, 44100, round(6.5 * 44100))


def test_main_writes_events_within_recording(tmp_path):
    header, *lines = call(tmp_path)[1].splitlines()
    assert header == "onset\toffset\tlabel\tsnr_db"
    assert lines
    for line in lines:
        onset, offset, label, _ = line.split("\t")
        assert 0 <= float(onset) < float(offset) <= 6.5
        assert label in ASKED["metro_station"]


@pytest.mark.parametrize("label", CLASSES)
@pytest.mark.parametrize("snr_db", [-6.0, 6.0])
def test_mix_adds_events_at_their_level(label, snr_db):
    background = noise()
    mixture = render.mix(background, [demo_events.Sound(2.5, 5.25, label, snr_db)], recording="r", seed=1)
    added = mixture - background
    inside = slice(int(2.5 * RATE), int(5.25 * RATE))
    measured = 10 * np.log10(np.mean(added[inside] ** 2) / np.mean(background**2))
    assert measured == pytest.approx(snr_db, abs=0.7)  # a moving source: pan and level are not quite independent
    added[inside] = 0
    assert not added.any()
    total = 10 * np.log10(np.mean(mixture[inside] ** 2) / np.mean(background[inside] ** 2))
    assert total == pytest.approx(10 * np.log10(1 + 10 ** (snr_db / 10)), abs=2.5)  # the background swings


def test_background_level_and_variation():
    assert 10 * np.log10(np.mean(noise() ** 2)) == pytest.approx(-40, abs=1e-4)
    levels = [10 * np.log10(np.mean(noise(seed, std_db=3) ** 2)) for seed in range(8)]
    assert 1 < np.std(levels) < 6
    left, right = noise().T
    assert 0.2 < np.corrcoef(left, right)[0, 1] < 0.8  # neither mono nor two unrelated rooms


def test_clipping_is_reported(tmp_path, caplog):
    render.write_wave(tmp_path / "loud.wav", np.array([[2.0, -0.5], [-1.0, 1.0]]))
    assert "1 of 4 samples clipped" in caplog.text
    with wave.open(str(tmp_path / "loud.wav")) as file:
        assert np.frombuffer(file.readframes(2), "<i2").tolist() == [32767, -16384, -32767, 32767]


def test_main_refuses_unknown_recording(tmp_path):
    with refused(file="recordings.tsv", problem="'nowhere'"):
        call(tmp_path, recording="nowhere")


def test_main_refuses_unknown_scene(tmp_path):
    table = tmp_path / "other.tsv"
    table.write_text("recording\tscene\tduration_s\nm_00\tbus\t6.5\n")
    with refused(problem=["'m_00'", "'bus'"]):
        call(tmp_path, recordings=str(table))


def test_main_refuses_scene_without_background(tmp_path):
    table = tmp_path / "backgrounds.tsv"
    table.write_text("\t".join(("scene", *render.BACKGROUND_COLUMNS)) + "\n")
    with refused(file="backgrounds.tsv", problem=["'metro_station'", "'m_00'"]):
        call(tmp_path, backgrounds=str(table))
