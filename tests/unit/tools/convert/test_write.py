"""Opinions on windows and hard labels: by hand and against a plain loop."""

import math
from pathlib import Path

import numpy as np
import pytest
from support.tsv import read_answers, read_rows

from softsed.core.errors import Problems
from softsed.core.event_text import read_label_rows
from softsed.tools.convert.annotations import Annotations, Place
from softsed.tools.convert.crowd import Crowd
from softsed.tools.convert.lengths import Lengths
from softsed.tools.convert.write import majority, opinions, write_labels

EVENTS = [("r", "A", 3.0, 4.5, "car"), ("r", "B", 0.0, 13.9, "dog"), ("q", "A", 0.0, 2.0, "car")]


def crowd(events, lengths=None, *, scene="street", silent=(), clips=False):
    found = Annotations(Path("s.tsv"), "say so", clips=clips)
    for name, who, onset, offset, label in events:
        found.marked(Place(found.source), name, who, label, (onset, offset), scene=scene)
    for name, who in silent:
        found.listened(Place(found.source), name, who, scene=scene)
    return Crowd(found, lengths and Lengths(Path("r.tsv"), lengths))


def answers(*arguments, window=10, hop=1, **options):
    return read_answers(opinions(crowd(*arguments, **options), window=window, hop=hop))


def test_windows_ticks_and_explicit_zeros_by_hand():
    found = answers(EVENTS)
    # r lasts 13 s: windows from 0, 1, 2 and 3; q lasts 2 s: one window of 2 s; B did not listen to q.
    assert len(found) == 4 * 2 * 2 + 2
    assert {key[1:3] for key in found if key[0] == "r"} == {(0, 10), (1, 11), (2, 12), (3, 13)}
    assert {key[1:4] for key in found if key[0] == "q"} == {(0, 2, "A")}
    assert [found["r", t, t + 10, "A", "car"] for t in range(4)] == [1, 1, 1, 1]
    assert [found["r", t, t + 10, "B", "car"] for t in range(4)] == [0, 0, 0, 0]
    assert found["q", 0, 2, "A", "dog"] == 0  # asked, because B used the label in the scene


def test_silence_is_a_zero_of_each_class():
    found = answers(EVENTS, {"r": 14, "q": 10}, silent=[("q", "B"), ("q", "C")])
    assert {key[3]: found[key] for key in found if key[0] == "q" and key[4] == "car"} == {"A": 1, "B": 0, "C": 0}
    assert {key[1:3] for key in found if key[0] == "q"} == {(0, 10)}


@pytest.mark.parametrize(
    ("onset", "offset", "expected"),
    [
        (2, 4, [0, 1, 0, 0]),
        (2, 2.1, [0, 1, 0, 0]),
        (1.9, 2, [1, 0, 0, 0]),
        (1.9, 4.1, [1, 1, 1, 0]),
        (2, 2, None),  # no class
    ],
)
def test_touching_is_not_overlapping(onset, offset, expected):
    found = answers([("r", "A", onset, offset, "car"), ("r", "A", 0, 8, "dog")], window=2, hop=2)
    assert [found.get(("r", t, t + 2, "A", "car")) for t in (0, 2, 4, 6)] == (expected or [None] * 4)


def test_last_window_ends_with_the_recording():
    found = answers([("r", "A", 0, 14.2, "car")], window=5, hop=4)
    assert [key[1:3] for key in found] == [(0, 5), (4, 9), (8, 13), (9, 14)]


def test_tags_are_opinions_on_whole_recordings():
    events = [("r", "A", 0, math.inf, "car"), ("q", "B", 0, math.inf, "dog")]
    found = answers(events, {"r": 31.5, "q": 9.97}, clips=True)
    assert {key[:3] for key in found} == {("r", 0, 31), ("q", 0, 9)}
    assert found["r", 0, 31, "A", "car"] == 1
    assert found["r", 0, 31, "A", "dog"] == 0


@pytest.mark.parametrize(("scene", "column"), [("street", ["street"]), ("", [])])
def test_scene_is_written_if_it_is_known(scene, column):
    rows = list(opinions(crowd(EVENTS, scene=scene), window=10, hop=1))
    assert rows[0].rstrip().split("\t")[6:] == (["scene"] if column else [])
    assert rows[1].rstrip().split("\t")[6:] == column


@pytest.mark.parametrize("seed", range(3))
def test_equals_a_plain_loop(seed):
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(60):
        onset = rng.uniform(0, 40)
        names = f"r{rng.integers(2)}", f"A{rng.integers(5)}"
        rows.append((*names, onset, onset + rng.exponential(3), f"c{rng.integers(3)}"))
    labels = crowd(rows)
    found = read_answers(opinions(labels, window=10, hop=1))
    for (name, start, end, who, label), answer in found.items():
        mine = [row for row in rows if (row[0], row[1], row[4]) == (name, who, label)]
        assert answer == any(min(end, row[3]) - max(start, row[2]) > 0 for row in mine)
    for name in labels.scenes:
        seconds = labels.seconds(name)
        assert seconds == math.floor(max(row[3] for row in rows if row[0] == name))
        people = {row[1] for row in rows if row[0] == name}
        active = majority(labels, name)
        for second in range(seconds):
            for column, label in enumerate(labels.asked["street"]):
                mine = [row for row in rows if (row[0], row[4]) == (name, label)]
                votes = {row[1] for row in mine if row[2] < second + 1 and row[3] > second}
                assert active[second, column] == (len(votes) > len(people) / 2)


def test_hard_labels_of_a_majority_and_of_one_person(tmp_path):
    """Seconds 3 and 4 of r: A from 3 to 4.5 and C from 2.5 to 6.2 are two of three. Only A listened to q and s."""
    events = [*EVENTS, ("r", "C", 2.5, 6.2, "car"), ("q", "A", 0.25, 1.5, "dog")]
    found = crowd(events, silent=[("s", "A")])
    expected = {"r": [("3", "5", "car")], "q": [("0", "2", "car"), ("0.25", "1.5", "dog")], "s": []}
    write_labels(tmp_path / "hard", found)
    for name, rows in expected.items():
        texts = read_rows(tmp_path / f"hard/{name}.txt", ["onset", "offset", "label"])
        assert [tuple(row.values()) for row in texts] == rows
    write_labels(tmp_path / "hard.tsv", found)
    problems = Problems(strict=True)
    table, folder = (read_label_rows(tmp_path / name, "hard", problems) for name in ("hard.tsv", "hard"))
    for name in expected:
        assert [one.events(one.by_recording()[name]) for one in (table,)] == [
            folder.events(folder.by_recording()[name])
        ]
