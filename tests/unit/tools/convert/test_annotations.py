"""Rows that readers collect: names and times that cannot be used, and names of audio files."""

from pathlib import Path

import pytest
from support.errors import refused

from softsed.tools.convert.annotations import Annotations, Place

PLACE = Place(Path("a.tsv"), 7)


def test_recording_has_one_text():
    found = Annotations(Path("a.tsv"), "say so")
    assert found.name(PLACE, "audio/yard.wav") == "yard"
    assert found.name(PLACE, "audio/yard.wav") == "yard"
    assert not found.problems
    assert found.name(Place(Path("a.tsv"), 9), "other/yard.wav") == "yard"
    with refused(file="a.tsv", line=9, problem=["'other/yard.wav'", "'audio/yard.wav' in line 7"]):
        found.problems.raise_all("in a.tsv", alone=True)


@pytest.mark.parametrize(
    ("marked", "problem"),
    [
        (("", "ann", "dog", (0, 1)), "no recording"),
        (("r", "", "dog", (0, 1)), "no annotator"),
        (("r", "ann", "", (0, 1)), "no label"),
        (("r", "ann", "dog\tcat", (0, 1)), "dog\\tcat"),
        (("r", "ann", '"dog" 1', (0, 1)), '"dog" 1'),
        (("r\n1", "ann", "dog", (0, 1)), "r\\n1"),
        (("r", "ann", "dog", ("x", 1)), "'x' to 1"),
        (("r", "ann", "dog", (2, 1)), "2 to 1"),
        (("r", "ann", "dog", (-1, 1)), "-1 to 1"),
        (("r", "ann", "dog", (None, 1)), "None to 1"),
        (("r", "ann", "dog"), "inf"),
    ],
)
def test_rows_that_cannot_be_used_are_problems(marked, problem):
    found = Annotations(Path("a.tsv"), "say so")
    found.marked(PLACE, *marked)
    with refused(file="a.tsv", line=7, problem=problem):
        found.problems.raise_all("in a.tsv", alone=True)


def test_marks_and_silence_are_rows():
    found = Annotations(Path("a.tsv"), "say so", clips=True)
    found.listened(PLACE, "r", "bob", scene="yard")
    found.marked(PLACE, "r", "ann", "dog")
    assert not found.problems
    assert [(row.annotator, row.label, row.onset, row.offset) for row in found.rows] == [
        ("bob", "", 0, 0),
        ("ann", "dog", 0, float("inf")),
    ]
