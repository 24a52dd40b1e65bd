"""Matrices, events and the step from soft to hard labels."""

import numpy as np
import pytest

from softsed.core.labels import Event, harden, rasterise, read_active, to_events
from softsed.core.metadata import Recording
from softsed.labels.aggregate import Opinions, soft_labels

CLASSES = ["birds_singing", "door opens/closes", "people talking"]

pytestmark = pytest.mark.filterwarnings("error")


def test_harden_is_strictly_above():
    soft = np.array([[0.5, 0.500001, np.nan], [0, 1, np.nan]])
    np.testing.assert_array_equal(harden(soft, 0.5), [[False, True, False], [False, True, False]])


def test_harden_with_a_nan_threshold_detects_nothing():
    soft = np.array([[0.2, 0.2, 1.0]])
    np.testing.assert_array_equal(harden(soft, np.array([0.1, 0.3, np.nan])), [[True, False, False]])


def test_to_events_merges_up_to_both_ends():
    active = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 0], [1, 0, 0]], dtype=bool)
    expected = [Event(0, 2, "birds_singing"), Event(1, 3, "door opens/closes"), Event(3, 4, "birds_singing")]
    assert to_events(active, CLASSES) == expected


def test_events_sort_by_onset_then_by_class():
    active = np.array([[0, 1, 1], [1, 0, 1]], dtype=bool)
    order = [(event.onset, event.label) for event in to_events(active, CLASSES)]
    assert order == [(0, "door opens/closes"), (0, "people talking"), (1, "birds_singing")]


@pytest.mark.parametrize("seconds", [0, 1, 7])
def test_to_events_of_inactive_seconds_is_empty(seconds):
    assert to_events(np.zeros((seconds, 3), dtype=bool), CLASSES) == []


@pytest.mark.parametrize("seed", range(5))
def test_events_and_matrix_are_inverse(seed):
    active = np.random.default_rng(seed).uniform(size=(60, 3)) < 0.5
    np.testing.assert_array_equal(rasterise(to_events(active, CLASSES), CLASSES, 60), active)


def test_rasterise_rounds_onset_down_and_offset_up():
    """As sed_eval does on its 1-s grid: every second that an event touches is active."""
    active = rasterise([Event(0.9, 1.1, CLASSES[0]), Event(2.0, 3.0, CLASSES[1])], CLASSES, 4)
    np.testing.assert_array_equal(active[:, 0], [True, True, False, False])
    np.testing.assert_array_equal(active[:, 1], [False, False, True, False])


@pytest.mark.parametrize("length", [1, 2, 5, 12])
def test_windows_dilate_events_by_8_seconds(length):
    """10-s windows every second and perfect annotators: an event of 1 s becomes a hard label of 9 s.

    A window is ticked if it overlaps the event. Second s is covered by the windows that start at s - 9..s; more than
    half of them touch the event up to 4 s before its first and after its last second.
    """
    seconds, onset = 60, 25
    starts = np.arange(seconds - 9)
    touches = (starts < onset + length) & (starts + 10 > onset)
    zeros = np.zeros(len(starts), dtype=int)
    opinions = Opinions(
        recording=np.full(len(starts), "p1"),
        onset=starts,
        offset=starts + 10,
        annotators=["A"],
        classes=["birds"],
        window=np.arange(len(starts)),
        annotator=zeros,
        label=zeros,
        opinion=touches.astype(int),
    )
    table = {"p1": Recording("p1", "park", 60.4)}
    soft = soft_labels(opinions, np.ones(1), recordings=table)["p1"]
    assert to_events(harden(soft, 0.5), ["birds"]) == [Event(onset - 4, onset + length + 4, "birds")]


def test_read_active_has_the_length_of_soft_labels(tmp_path):
    (tmp_path / "hard.tsv").write_text(
        "recording\tonset\toffset\tlabel\na\t1\t2\tpeople talking\nb\t\t\t\n", encoding="utf-8"
    )
    found = read_active(tmp_path / "hard.tsv", {"b": np.zeros((1, 3)), "a": np.zeros((3, 3))}, CLASSES)
    assert list(found) == ["b", "a"]
    assert not found["b"].any()
    np.testing.assert_array_equal(np.argwhere(found["a"]), [[1, 2]])
