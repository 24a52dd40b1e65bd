"""The reader of opinions: every field, any order of the rows, and all problems with their lines."""

import numpy as np
import pytest
from support.errors import refused
from support.tsv import OPINIONS, write_opinions

from softsed.core.errors import Problems
from softsed.core.metadata import Recording
from softsed.core.opinions import OpinionTable, check_rows, read_opinions

CLASSES = ["birds", "car", "people"]
ASKED = {"street": ["car", "people"], "park": ["birds"]}
RECORDINGS = {"p1": Recording("p1", "park", 12.5), "s1": Recording("s1", "street", 12.5)}
GOOD = ("p1", 0, 10, "A", "birds", 1)


def read(path):
    return read_opinions(path, CLASSES, asked=ASKED, recordings=RECORDINGS)


def test_fields_are_sorted(tmp_path):
    rows = [
        ("s1", 1, 11, "B", "people", 1),
        ("s1", 1, 11, "B", "car", 0),
        ("p1", 2, 12, "A", "birds", 1),
    ]
    opinions = read(write_opinions(tmp_path / "o.tsv", rows))
    assert opinions.recording.tolist() == ["p1", "s1"]
    assert opinions.onset.tolist() == [2, 1]
    assert opinions.offset.tolist() == [12, 11]
    assert opinions.annotators == ["A", "B"]
    assert opinions.classes == CLASSES
    columns = (opinions.window, opinions.annotator, opinions.label, opinions.opinion)
    assert np.column_stack(columns).tolist() == [[0, 0, 0, 1], [1, 1, 1, 0], [1, 1, 2, 1]]


def test_column_order_line_ends_and_byte_order_mark(tmp_path):
    text = "class\tnote\topinion\tannotator\trecording\toffset\tonset\r\nbirds\tx\t1\tA\tp1\t10.0\t0.0\r\n\r\n"
    (tmp_path / "o.tsv").write_bytes(text.encode("utf-8-sig"))
    opinions = read(tmp_path / "o.tsv")
    assert (opinions.onset.tolist(), opinions.offset.tolist(), opinions.opinion.tolist()) == ([0], [10], [1])


def test_windows_at_the_end_are_cut_to_whole_seconds(tmp_path):
    """Recordings last 12.5 s. Windows without a whole second are left out, and errors keep their lines."""
    rows = [("p1", 12, 13, "A", "birds", 1), ("p1", 3, 13, "A", "birds", 1), ("p1", 2, 12.5, "A", "birds", 0)]
    opinions = read(write_opinions(tmp_path / "o.tsv", rows))
    assert (opinions.onset.tolist(), opinions.offset.tolist()) == ([2, 3], [12, 12])
    assert opinions.opinion.tolist() == [0, 1]
    with refused(file="o.tsv", line=5, problem="line 3"):
        read(write_opinions(tmp_path / "o.tsv", [*rows, ("p1", 3, 12, "A", "birds", 1)]))


def test_opinions_of_a_comma_separated_table(tmp_path):
    text = 'file,start,end,annotator_id,label,answer\n"p1.wav",0,10,"A","birds",1\n'
    (tmp_path / "o.csv").write_text(text, encoding="utf-8")
    opinions = read(tmp_path / "o.csv")
    assert (opinions.recording.tolist(), opinions.annotators, opinions.opinion.tolist()) == (["p1"], ["A"], [1])


VALUES = "0 or 1; no row if the annotator was not asked"
WINDOW = "whole seconds, 0 <= onset < offset; only the end of the recording may be between two seconds"


@pytest.mark.parametrize(
    ("row", "problem", "expected"),
    [
        (("p2", 0, 10, "A", "birds", 1), "'p2'", None),
        (("", 0, 10, "A", "birds", 1), "no recording", "the name of a recording in every row"),
        (("p1", 0, 10, "B", "car", 1), "'car'", "one of ['birds']"),
        (("p1", 0, 10, "B", "Birds", 1), "'Birds'", "one of ['birds']"),
        (("p1", 0, 10, "B", "birds", 2), "opinion is '2'", VALUES),
        (("p1", 0, 10, "B", "birds", ""), "opinion is ''", VALUES),
        (("p1", 0, 10, "", "birds", 1), "no annotator", "the name or number of an annotator"),
        (("p1", 0, 10, "B", "", 1), "no class", "the name of a class"),
        (("p1", 0, 10, "A", "birds", 0), "line 2, with another opinion", "one row per window, annotator and class"),
        (("p1", "0.0", "10.0", "A", "birds", 1), "line 2", "one row per window, annotator and class"),
        (
            ("p1", 4, 14, "A", "birds", 1),
            ["14 s", "'p1'", "12.50 s"],
            "an end at most 1 s after the last whole second",
        ),
        (("p1", 1, 11, "a", "birds", 1), ["'a'", "'A'", "line 2"], None),
        (("p1", 0.5, 10.5, "A", "birds", 1), "'0.5' to '10.5'", WINDOW),
        (("p1", -1, 9, "A", "birds", 1), "'-1' to '9'", WINDOW),
        (("p1", 5, 5, "A", "birds", 1), "'5' to '5'", WINDOW),
        (("p1", "nan", 5, "A", "birds", 1), "'nan' to '5'", WINDOW),
        (("p1", "start", 5, "A", "birds", 1), "'start' to '5'", WINDOW),
        (("p1", 0, "inf", "A", "birds", 1), "'0' to 'inf'", WINDOW),
        (("p1", 0, 10, "A", "birds"), "5 tab-separated fields", "6 fields"),
    ],
)
def test_errors_name_file_and_line(tmp_path, row, problem, expected):
    with refused(file="o.tsv", line=3, problem=problem, expected=expected):
        read(write_opinions(tmp_path / "o.tsv", [GOOD, row]))


def test_missing_row_is_no_opinion(tmp_path):
    """Four annotators of one window were asked about one class each: four opinions, in any scene."""
    rows = [("s1", 0, 10, who, label, 1) for who, label in zip("ABCD", ["car", "car", "people", "people"], strict=True)]
    opinions = read(write_opinions(tmp_path / "o.tsv", rows))
    assert opinions.label.tolist() == [1, 1, 2, 2]
    assert opinions.opinion.tolist() == [1, 1, 1, 1]


def test_unticked_zero_completes_answer_sheets(tmp_path):
    """A judged both windows, B only the first: three sheets of two classes; the park has another class."""
    rows = [
        ("s1", 0, 10, "A", "people", 1),
        ("s1", 0, 10, "B", "car", 0),
        ("s1", 5, 12, "A", "car", 1),
        ("p1", 0, 10, "B", "birds", 1),
    ]
    path = write_opinions(tmp_path / "o.tsv", rows)
    found = read_opinions(path, CLASSES, asked=ASKED, recordings=RECORDINGS, unticked="zero")
    columns = (found.window, found.annotator, found.label, found.opinion)
    assert np.column_stack(columns).tolist() == [
        *([0, 1, 0, 1], [1, 0, 1, 0], [1, 0, 2, 1], [1, 1, 1, 0], [1, 1, 2, 0], [2, 0, 1, 1], [2, 0, 2, 0]),
    ]


def test_rows_report_all_problems(tmp_path):
    rows = [GOOD, ("p1", 0, "x", "A", "car", "2"), ("p1", 0, 14, "", "car", 1), ("p2", 0, 99, "A", "", 1)]
    rows += [("", 0, 10, "A", "car", 1), ("p\x7f", 0, 10, "A", "car", 1)]
    problems = Problems()
    check_rows(OpinionTable.read(write_opinions(tmp_path / "o.tsv", rows)), {"p1": 12.5}, problems)
    assert {kind: [error.line for error in errors] for kind, errors in problems.found.items()} == {
        "times": [3],
        "beyond the recording": [4],
        "names": [6, 7, 4, 5],
        "values": [3],
    }


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        (OPINIONS, None, "no opinion"),
        ("", 1, "'recording'"),
        (OPINIONS.replace("annotator", "who") + "\nx", 1, "['annotator']"),
    ],
)
def test_errors_of_the_whole_table(tmp_path, text, line, problem):
    (tmp_path / "o.tsv").write_text(text, encoding="utf-8")
    with refused(file="o.tsv", line=line, problem=problem):
        read(tmp_path / "o.tsv")


def test_missing_or_binary_file(tmp_path):
    (tmp_path / "binary.tsv").write_bytes(b"\xff\xfe\x00")
    for name, problem in (("none.tsv", "there is no such file"), ("binary.tsv", "cannot be read")):
        with refused(file=name, problem=problem):
            read(tmp_path / name)
