"""Names of recordings with folders and endings, and one name in two spellings."""

from pathlib import Path

import pytest
from support.errors import refused

from softsed.core.errors import Problems
from softsed.core.text.names import check_spelling, name_recordings, spelled_twice, spelling


def test_recordings_of_a_column():
    texts = ["a.wav", "b.wav", "a.wav"]
    assert name_recordings(Path("t.tsv"), texts, range(2, 5), Problems(strict=True)) == ["a", "b", "a"]


@pytest.mark.parametrize("other", ["a", "a.flac", "x/a.wav"])
def test_one_recording_with_two_names_is_refused(other):
    with refused(file="t.tsv", line=4, problem=[repr(other), "'a.wav'", "line 2"]):
        name_recordings(Path("t.tsv"), ["a.wav", "b", other], range(2, 5), Problems(strict=True))


@pytest.mark.parametrize(
    "names",
    [
        ("Anna", "anna", " ANNA ", '"Anna"', "'anna'", "\u201eAnna\u201c"),
        ("dog barking", "dog_barking", "dog-barking", "Dog  Barking"),
        ("1", "01", "1.0", "1,0", "+1", "001.000"),
        ("1.5", "01.50"),
        ("T\u00fcr", "Tu\u0308r"),
    ],
)
def test_spellings_of_one_name(names):
    assert len(set(map(spelling, names))) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1", "10"),
        ("-1", "1"),
        ("1", "1.5"),
        ("A1", "A01"),
        ("12345678901234567890", "12345678901234567891"),
        ("ann", "anne"),
    ],
)
def test_names_that_differ(one, other):
    assert spelling(one) != spelling(other)


def test_spelled_twice_pairs_names():
    names = ["dog", "Dog ", "dog_barking", "car", "dog-barking", "Tür", "Tu\u0308r"]
    expected = [("Dog ", "dog"), ("dog-barking", "dog_barking"), ("Tu\u0308r", "Tür")]
    assert list(spelled_twice(names)) == expected
    assert list(spelled_twice(names, names)) == []
    assert list(spelled_twice(["Dog"], ["dog"])) == [("Dog", "dog")]


def test_many_spellings_of_known_names_are_one_problem():
    """A spreadsheet leaves out zeros at the beginning. Spellings inside the table are reported one by one."""
    known = [f"{number:03}" for number in range(1, 31)]
    names = [*map(str, range(1, 31)), "x", "X"]
    problems = Problems()
    first = {name: {"file": "o.tsv", "line": line} for line, name in enumerate(names, start=2)}
    assert check_spelling(first, problems, column="recording", known=known, source="AA") == {*names} - {"x"}
    together, alone = problems
    assert (together.line, alone.line) == (2, 33)
    assert together.problem == "30 recordings are spelled differently in AA: '1' is '001' there and '2' is '002' there"
    assert "spreadsheet" in together.remedy
    few = Problems()
    check_spelling({name: first[name] for name in "123"}, few, column="recording", known=known, source="AA")
    assert [error.line for error in few] == [2, 3, 4]


def test_check_names_both_places():
    problems = Problems()
    first = {name: {"file": "o.tsv", "line": line} for line, name in enumerate(("Ann", "Bob", "ann", "BOB"), start=2)}
    assert check_spelling(first, problems, column="annotator", known=["bob"], source="the list") == {
        *("ann", "Bob", "BOB")
    }
    found = [(error.line, error.problem) for error in problems]
    assert found == [
        (3, "annotator 'Bob' is spelled 'bob' in the list"),
        (4, "annotator 'ann' is spelled 'Ann' in o.tsv, line 2"),
        (5, "annotator 'BOB' is spelled 'bob' in the list"),
    ]
