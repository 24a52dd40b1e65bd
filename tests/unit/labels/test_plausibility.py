"""Doubts about tables of opinions: forgotten zeros, and seconds and classes without opinions."""

import pytest
from support.tsv import write_opinions

from softsed.core.metadata import Recording
from softsed.core.opinions import read_opinions
from softsed.labels.plausibility import find_doubts

CLASSES = ["car", "dog"]
FULL = [("r1", 0, 10, who, label, int(who == "B")) for who in "ABC" for label in CLASSES]
FULL += [("r1", 10, 20, who, label, int(label == "car")) for who in "ABC" for label in CLASSES]


def doubts(folder, rows, **scenes):
    names = sorted({row[0] for row in rows})
    recordings = {name: Recording(name, scenes.get(name, "all"), 20.0) for name in names}
    path = write_opinions(folder / "o.tsv", rows)
    asked = dict.fromkeys(["all", *scenes.values()], CLASSES)
    return find_doubts(read_opinions(path, CLASSES, asked=asked, recordings=recordings), recordings)


def test_no_doubt_about_a_complete_table(tmp_path):
    assert doubts(tmp_path, FULL) == []


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([(*row[:5], 1) for row in FULL], ["no opinion is 0", "`unticked=zero`"]),
        ([row for row in FULL if row[3] != "B" or row[5]], ["1 of 3 annotators", "'B' (3 opinions)"]),
        ([(*row[:5], 1 if row[4] == "car" else row[5]) for row in FULL], ["1 of 2 classes", "'car' (6 opinions)"]),
    ],
)
def test_missing_zeros_are_pointed_out(tmp_path, rows, words):
    first = doubts(tmp_path, rows)[0]
    assert all(word in first for word in words)


def test_option_is_named_only_where_it_helps(tmp_path):
    """With one class, missing zeros are annotators without a row, which no option can add."""
    rows = [(*row[:5], 1) for row in FULL if row[4] == "dog"]
    assert "unticked" not in doubts(tmp_path, rows)[0]
    some = [row for row in FULL if row[3] != "B" or row[5]]
    assert "unticked" not in doubts(tmp_path, some)[0]


def test_added_zeros_beside_stated_zeros(tmp_path):
    opinions = read_opinions(
        write_opinions(tmp_path / "o.tsv", FULL[:-1]),
        CLASSES,
        asked={"all": CLASSES},
        recordings={"r1": Recording("r1", "all", 20.0)},
        unticked="zero",
    )
    (found,) = find_doubts(opinions, {"r1": Recording("r1", "all", 20.0)}, added=1)
    assert "adds 1 opinion 0 to a table that already contains 6 opinions 0" in found


def test_cells_without_opinions_are_counted(tmp_path):
    """There is no opinion about the dog in the second window of r1 and about the car in r2; r3 has another scene."""
    rows = [row for row in FULL if row[1] == 0 or row[4] == "car"]
    rows += [("r2", 0, 20, who, "dog", int(who == "A")) for who in "AB"]
    rows += [("r3", 0, 20, who, "car", int(who == "A")) for who in "AB"]
    (found,) = doubts(tmp_path, rows, r3="other")
    assert "30 of 100 pairs" in found
    assert "'dog' in 'r1', 10 to 11 s" in found
