"""Rows that readers collect: names and times that cannot be used, and names of audio files."""

from pathlib import Path

import pytest
from support.errors import refused

from softsed.tools.convert.annotations import Annotations, Place, recording_name

PLACE = Place(Path("a.tsv"), 7)


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("yard.wav", "yard"),
        ("yard.FLAC", "yard"),
        ("yard.m4a", "yard"),
        ("Y0_30.000_40.000.wav", "Y0_30.000_40.000"),
        ("Y0_30.000_40.000", "Y0_30.000_40.000"),
        ("kitchen.a", "kitchen.a"),
        (".wav", ".wav"),
    ],
)
def test_recording_name_has_no_audio_ending(file, name):
    assert recording_name(file) == name


@pytest.mark.parametrize(
    ("marked", "problem"),
    [
        (("", "ann", "dog", (0, 1)), "no recording"),
        (("r", "", "dog", (0, 1)), "no annotator"),
        (("r", "ann", "", (0, 1)), "no label"),
        (("r", "ann", "dog\tcat", (0, 1)), "dog\\tcat"),
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
