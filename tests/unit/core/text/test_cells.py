"""Separators and quotation marks, against the csv module of Python."""

import csv
import io
from pathlib import Path

import pytest
from support.errors import refused

from softsed.core.text.cells import decode, find_separator, to_tabs

FILE = Path("t.tsv")


@pytest.mark.parametrize(
    ("text", "separator"),
    [
        ("a\tb,c;d\n", "\t"),
        ("\n \na,b;c,d\n", ","),
        ("0,5;1,5;dog\n", ";"),
        ("a;b\n1,5;2\n", ";"),
        ("a;onset, s;offset, s\n", ";"),
        ('"a;b",c,d\n', ","),
        ('"a,b,c";d;"e,f"\n', ";"),
        ("class\ndog, cat\n", "\t"),  # one column, whose names may have commas
        ("", "\t"),
    ],
)
def test_separator_is_that_of_the_first_line(text, separator):
    assert find_separator(text) == separator


def test_unreadable_files_have_a_remedy(tmp_path):
    (tmp_path / "t.csv").write_text("Müller", encoding="latin-1")
    with refused(file="t.csv", problem="0xfc") as caught:
        decode(tmp_path / "t.csv")
    assert "UTF-8" in caught.value.remedy
    with refused(file="nowhere.csv", problem="no such file", remedy="Correct the path or the link"):
        decode(tmp_path / "nowhere.csv")
    with refused(problem="Is a directory", remedy=None):
        decode(tmp_path)


@pytest.mark.parametrize("line", ["sep=;", "SEP=,", '"sep=;"', "sep=\t", "sep=;;;;"])
def test_separator_for_excel_is_refused(tmp_path, line):
    (tmp_path / "t.csv").write_text(f"{line}\na;b\n", encoding="utf-8")
    with refused(file="t.csv", line=1, problem=repr(line), remedy="Remove this line"):
        decode(tmp_path / "t.csv")
    (tmp_path / "t.csv").write_text("sep=a;b\n", encoding="utf-8")
    assert decode(tmp_path / "t.csv") == "sep=a;b\n"


@pytest.mark.parametrize("separator", ["\t", ",", ";"])
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
def test_tables_of_the_csv_module_are_read(separator, quoting):
    rows = [["name", "note"], ["people, talking; loud", 'the "big" dog'], ["Anna", ""], ["", "7 inches"]]
    file = io.StringIO()
    csv.writer(file, delimiter=separator, quoting=quoting, lineterminator="\n").writerows(rows)
    assert [line.split("\t") for line in to_tabs(file.getvalue(), FILE).split("\n")[:-1]] == rows


@pytest.mark.parametrize("text", ['a\tb\n" Anna "\tx', 'a\tb\n "Anna"\t x ', 'a, b\n"Anna" , x\n'.replace('" ,', '",')])
def test_spaces_outside_and_inside_quotes_do_not_count(text):
    assert to_tabs(text, FILE).split("\n")[:2] == ["a\tb", "Anna\tx"]


def test_quotation_marks_within_a_field_are_text():
    text = 'a\tb\nthe "big" dog\t7" pipe\n'
    assert to_tabs(text, FILE) == text


def test_blank_lines_keep_their_numbers():
    assert to_tabs('a,b\n\n"x",y\n\n', FILE) == "a\tb\n\nx\ty\n\n"


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ('a\tb\nx\t"y\nz\tw\n', 3 - 1, "not closed"),
        ('a\tb\nx\ty\n"x\t1\n', 3, "not closed"),
        ('a\tb\n\n"x\ny"\t1\n', 3, "next line"),
        ('a\tb\n"x" y\t1\n', 2, "text follows"),
        ('a\tb\n"""x"""\t1\n', 2, "the field '\"x\"' begins with a quotation mark"),
        ('a,b\nx,"1\t2"\n', 2, "contains a tab"),
        ("a,b\nx,1\t2\n", 2, "contains a tab"),
    ],
)
def test_quotes_that_are_refused(text, line, problem):
    with refused(file="t.tsv", line=line, problem=problem):
        to_tabs(text, FILE)
