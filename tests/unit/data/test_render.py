"""The rendered demo recordings against their own truth and specification."""

import json
import wave
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from support.errors import refused
from support.tsv import as_options

from softsed.core.metadata import Recording, read_classes, read_recordings, read_scenes
from softsed.data import render
from softsed.data.demo_synthesis import RATE

RESOURCES = Path(__file__).parents[3] / "workflow" / "resources"
CLASSES = read_classes(RESOURCES / "classes.tsv")
ASKED = read_scenes(RESOURCES / "scenes.tsv", CLASSES)
RECORDINGS = list(read_recordings(RESOURCES / "demo.tsv").values())
SPECIFICATION = render.read_specification(RESOURCES / "demo_events.tsv", ("scene", "class"), render.EVENT_COLUMNS)
NOISE = {"tilt_db": -3.0, "hump_hz": 500.0, "hump_db": 3.0, "swing_db": 1.0}
SHORT = Recording("r_00", "cafe_restaurant", 8.0)


def row(**changes: float) -> dict[str, float]:
    usual = {"events_per_minute": 3, "rate_cv": 0, "duration_s": 3, "duration_sigma": 0.5, "snr_db": 0, "snr_std_db": 4}
    return usual | changes


def events_of(recording: Recording, recordings: list[Recording], seed: int) -> list[render.Sound]:
    rows = render.select(SPECIFICATION, recording.scene, ASKED[recording.scene], RESOURCES / "demo_events.tsv")
    return render.schedule(recording, recordings, rows, seed=seed)


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


@pytest.mark.parametrize("seed", [1, 2])
def test_schedule_has_no_overlap_within_class(seed):
    for recording in RECORDINGS:
        events = events_of(recording, RECORDINGS, seed)
        assert events == sorted(events)
        for label in ASKED[recording.scene]:
            mine = [event for event in events if event.label == label]
            assert all(one.offset <= other.onset for one, other in pairwise(mine))
            assert all(0 <= event.onset < event.offset <= recording.duration_s for event in mine)


def test_no_class_leaves_a_hole():
    """Whichever recording of a scene is left out for test and whichever for validation, training hears each class."""
    for scene, asked in ASKED.items():
        heard = [{event.label for event in events_of(r, RECORDINGS, 1)} for r in RECORDINGS if r.scene == scene]
        for label in asked:
            assert sum(label in names for names in heard) >= 3, (scene, label)


def test_counts_keep_to_the_rate():
    recordings = [Recording(f"r_{i:02d}", "a", 45.0) for i in range(40)]
    counts = [render.count_events(r, recordings, "car", row(events_per_minute=1.2), seed=5) for r in recordings]
    assert abs(sum(counts) - 40 * 0.75 * 1.2) < 1
    assert set(counts) <= {0, 1}  # 0.9 expected in each
    assert render.schedule(recordings[0], recordings, {"car": row(events_per_minute=0)}, seed=1) == []


def test_rates_vary_between_recordings():
    recordings = [Recording(f"r_{i:03d}", "a", 600.0) for i in range(400)]
    rates = row(events_per_minute=6, rate_cv=0.75)
    counts = [render.count_events(r, recordings, "car", rates, seed=5) for r in recordings[::40]]
    assert counts == [render.count_events(r, recordings[:361], "car", rates, seed=5) for r in recordings[::40]]
    assert max(counts) > 2 * min(counts)


@pytest.mark.parametrize("cv", [0.3, 0.75, 1.2])
def test_gamma_quantiles_have_mean_and_variation(cv):
    factors = render.gamma_quantiles((np.arange(100_000) + 0.5) / 100_000, cv)
    assert factors.mean() == pytest.approx(1, rel=1e-3)
    assert factors.std() == pytest.approx(cv, rel=1e-2)
    np.testing.assert_array_equal(render.gamma_quantiles(np.array([0.1, 0.9]), 0), 1)


def test_appending_a_recording_changes_no_other():
    more = [*RECORDINGS, Recording("city_center_05", "city_center", 90.0)]
    for recording in RECORDINGS[5:10]:
        assert events_of(recording, RECORDINGS, 1) == events_of(recording, more, 1)


def test_durations_and_levels_follow_the_specification():
    long = Recording("long", "a", 36_000.0)
    events = render.schedule(long, [long], {"car": row(events_per_minute=2, snr_db=-3)}, seed=1)
    durations, levels = (np.array(v) for v in zip(*[(e.offset - e.onset, e.snr_db) for e in events], strict=True))
    assert len(events) == pytest.approx(1200, abs=1)
    assert np.median(durations) == pytest.approx(3, rel=0.05)
    assert np.std(np.log(durations)) == pytest.approx(0.5, rel=0.07)
    assert np.mean(levels) == pytest.approx(-3, abs=0.4)
    assert np.std(levels) == pytest.approx(4, rel=0.07)


def test_too_many_events_are_shortened_to_fit():
    events = render.schedule(SHORT, [SHORT], {"car": row(events_per_minute=30, duration_s=60)}, seed=1)
    assert sum(e.offset - e.onset for e in events) == pytest.approx(0.9 * SHORT.duration_s, abs=0.01)


def test_schedule_refuses_too_many_events():
    with refused(key="events_per_minute", problem="600 events of 'car'"):
        render.schedule(SHORT, [SHORT], {"car": row(events_per_minute=4500)}, seed=1)


@pytest.mark.parametrize("label", CLASSES)
@pytest.mark.parametrize("snr_db", [-6.0, 6.0])
def test_mix_adds_events_at_their_level(label, snr_db):
    background = noise()
    mixture = render.mix(background, [render.Sound(2.5, 5.25, label, snr_db)], recording="r", seed=1)
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


@pytest.mark.parametrize(
    ("rows", "line", "problem"),
    [
        ("bus\tcar\t1\t0\t2\t3\t4\tloud", 2, "'loud'"),
        ("bus\tcar\t1\t0\t2\t3\t4\tinf", 2, "inf"),
        ("bus\tcar\t1\t0\t2\t3\t4\t5\nbus\tcar\t1\t0\t2\t3\t4\t5", 3, "('bus', 'car') is listed twice"),
    ],
)
def test_read_specification_refuses_bad_rows(tmp_path, rows, line, problem):
    path = tmp_path / "specification.tsv"
    path.write_text("\t".join(("scene", "class", *render.EVENT_COLUMNS)) + f"\n{rows}\n")
    with refused(file="specification.tsv", line=line, problem=problem):
        render.read_specification(path, ("scene", "class"), render.EVENT_COLUMNS)


@pytest.mark.parametrize(
    ("rows", "asked", "message"),
    [
        ({("bus", "car"): row()}, ["car", "footsteps"], "rows for ['car']"),
        ({("bus", "car"): row(duration_s=0)}, ["car"], "'duration_s': 0"),
        ({("bus", "car"): row(duration_sigma=-1)}, ["car"], "'duration_sigma': -1"),
        ({("bus", "dog"): row()}, ["dog"], "'dog'"),
    ],
)
def test_select_checks_the_rows_of_the_scene(rows, asked, message):
    with refused(file="specification.tsv", problem=["'bus'", message]):
        render.select(rows, "bus", asked, Path("specification.tsv"))
