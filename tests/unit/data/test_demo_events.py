"""True events of the demo: numbers, lengths and levels against their specification."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from support.errors import refused

from softsed.core.metadata import Recording, read_classes, read_recordings, read_scenes
from softsed.data import demo_events

RESOURCES = Path(__file__).parents[3] / "workflow" / "resources"
CLASSES = read_classes(RESOURCES / "classes.tsv")
ASKED = read_scenes(RESOURCES / "scenes.tsv", CLASSES)
RECORDINGS = list(read_recordings(RESOURCES / "demo.tsv").values())
SPECIFICATION = demo_events.read_specification(
    RESOURCES / "demo_events.tsv", ("scene", "class"), demo_events.EVENT_COLUMNS
)
SHORT = Recording("r_00", "cafe_restaurant", 8.0)


def row(**changes: float) -> dict[str, float]:
    usual = {"events_per_minute": 3, "rate_cv": 0, "duration_s": 3, "duration_sigma": 0.5, "snr_db": 0, "snr_std_db": 4}
    return usual | changes


def events_of(recording: Recording, recordings: list[Recording], seed: int) -> list[demo_events.Sound]:
    rows = demo_events.select(SPECIFICATION, recording.scene, ASKED[recording.scene], RESOURCES / "demo_events.tsv")
    return demo_events.schedule(recording, recordings, rows, seed=seed)


@pytest.mark.parametrize("seed", [1, 2])
def test_schedule_has_no_overlap_within_class(seed):
    for recording in RECORDINGS:
        events = events_of(recording, RECORDINGS, seed)
        assert events == sorted(events)
        for label in ASKED[recording.scene]:
            mine = [event for event in events if event.label == label]
            assert all(one.offset <= other.onset for one, other in pairwise(mine))
            assert all(0 <= event.onset < event.offset <= recording.duration_s for event in mine)


def test_every_class_is_in_each_training_part():
    """For any test and validation recording of a scene, the training recordings contain each class."""
    for scene, asked in ASKED.items():
        heard = [{event.label for event in events_of(r, RECORDINGS, 1)} for r in RECORDINGS if r.scene == scene]
        for label in asked:
            assert sum(label in names for names in heard) >= 3, (scene, label)


def test_counts_follow_the_rate():
    recordings = [Recording(f"r_{i:02d}", "a", 45.0) for i in range(40)]
    counts = [demo_events.count_events(r, recordings, "car", row(events_per_minute=1.2), seed=5) for r in recordings]
    assert abs(sum(counts) - 40 * 0.75 * 1.2) < 1
    assert set(counts) <= {0, 1}  # 0.9 expected in each
    assert demo_events.schedule(recordings[0], recordings, {"car": row(events_per_minute=0)}, seed=1) == []


def test_rates_vary_between_recordings():
    recordings = [Recording(f"r_{i:03d}", "a", 600.0) for i in range(400)]
    rates = row(events_per_minute=6, rate_cv=0.75)
    counts = [demo_events.count_events(r, recordings, "car", rates, seed=5) for r in recordings[::40]]
    assert counts == [demo_events.count_events(r, recordings[:361], "car", rates, seed=5) for r in recordings[::40]]
    assert max(counts) > 2 * min(counts)


@pytest.mark.parametrize("cv", [0.0, 0.3, 0.75])
def test_rate_factors_have_mean_and_variation(cv):
    factors = np.array(demo_events.rate_factors((np.arange(100_000) + 0.5) / 100_000, cv))
    assert factors.mean() == pytest.approx(1, rel=1e-3)
    assert factors.std() == pytest.approx(cv, rel=2e-2)


def test_appending_a_recording_changes_no_other():
    more = [*RECORDINGS, Recording("city_center_05", "city_center", 90.0)]
    for recording in RECORDINGS[5:10]:
        assert events_of(recording, RECORDINGS, 1) == events_of(recording, more, 1)


def test_durations_and_levels_follow_the_specification():
    long = Recording("long", "a", 36_000.0)
    events = demo_events.schedule(long, [long], {"car": row(events_per_minute=2, snr_db=-3)}, seed=1)
    durations, levels = (np.array(v) for v in zip(*[(e.offset - e.onset, e.snr_db) for e in events], strict=True))
    assert len(events) == pytest.approx(1200, abs=1)
    assert np.median(durations) == pytest.approx(3, rel=0.05)
    assert np.std(np.log(durations)) == pytest.approx(0.5, rel=0.07)
    assert np.mean(levels) == pytest.approx(-3, abs=0.4)
    assert np.std(levels) == pytest.approx(4, rel=0.07)


def test_too_many_events_are_shortened_to_fit():
    events = demo_events.schedule(SHORT, [SHORT], {"car": row(events_per_minute=30, duration_s=60)}, seed=1)
    assert sum(e.offset - e.onset for e in events) == pytest.approx(0.9 * SHORT.duration_s, abs=0.01)


def test_schedule_refuses_too_many_events():
    with refused(key="events_per_minute", problem="600 events of 'car'"):
        demo_events.schedule(SHORT, [SHORT], {"car": row(events_per_minute=4500)}, seed=1)


@pytest.mark.parametrize(
    ("rows", "line", "problem"),
    [
        ("bus\tcar\t1\t0\t2\t3\t4\tloud", 2, "'loud'"),
        ("bus\tcar\t1\t0\t2\t3\t4\tinf", 2, "inf"),
        ("bus\tcar\t1\t0\t2\t3\t4\t5\nbus\tcar\t1\t0\t2\t3\t4\t5", 3, "the row of bus, car is listed twice"),
    ],
)
def test_read_specification_refuses_bad_rows(tmp_path, rows, line, problem):
    path = tmp_path / "specification.tsv"
    path.write_text("\t".join(("scene", "class", *demo_events.EVENT_COLUMNS)) + f"\n{rows}\n")
    with refused(file="specification.tsv", line=line, problem=problem):
        demo_events.read_specification(path, ("scene", "class"), demo_events.EVENT_COLUMNS)


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
        demo_events.select(rows, "bus", asked, Path("specification.tsv"))
