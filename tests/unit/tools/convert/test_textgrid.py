"""TextGrids of Praat: both text formats, encodings, kinds of tiers, files that are not TextGrids."""

import pytest
from support.errors import refused

from softsed.tools.convert.textgrid import read_textgrids, read_tiers

LONG = """File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0 
xmax = 12.5 
tiers? <exists> 
size = 2 
item []: 
    item [1]:
        class = "IntervalTier" 
        name = "dog" 
        xmin = 0 
        xmax = 12.5 
        intervals: size = 3 
        intervals [1]:
            xmin = 0 
            xmax = 2 
            text = "" 
        intervals [2]:
            xmin = 2 
            xmax = 4.25 
            text = "big ""bad"" dog 3" 
        intervals [3]:
            xmin = 4.25 
            xmax = 12.5 
            text = "" 
    item [2]:
        class = "TextTier" 
        name = "car" 
        xmin = 0 
        xmax = 12.5 
        points: size = 1 
        points [1]:
            number = 7.5 
            mark = "horn" 
"""  # noqa: W291  # Praat writes a space at the end of lines
SHORT = """File type = "ooTextFile short"
"TextGrid"

0
12.5
<exists>
2
"IntervalTier"
"dog"
0
12.5
3
0
2
""
2
4.25
"big ""bad"" dog 3"
4.25
12.5
""
"TextTier"
"car"
0
12.5
1
7.5
"horn"
"""
DOG = 'big "bad" dog 3'


def write(folder, text, *, name="yard", who="ann", encoding="utf-8"):
    path = folder / who / f"{name}.TextGrid"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(text.encode(encoding))
    return folder


def read(folder, *, tiers=(), meaning="ignored"):
    found = read_textgrids(folder, tiers=tiers, meaning=meaning, annotator=None)
    assert not found.problems
    return [(row.annotator, row.onset, row.offset, row.label) for row in found.rows if row.label]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("text", [LONG, SHORT, SHORT.replace("\n", "\r\n"), LONG.replace("xmin = ", "xmin=\t! from\n")])
def test_both_text_formats_in_any_encoding(tmp_path, text, encoding):
    folder = write(tmp_path, text, encoding=encoding)
    assert read(folder) == [("ann", 2, 4.25, DOG), ("ann", 7.5, 7.5, "horn")]
    assert read_textgrids(folder, tiers=(), meaning="ignored", annotator=None).lengths == {"yard": 12.5}


def test_texts_have_their_line(tmp_path):
    _, tiers = read_tiers(write(tmp_path, LONG) / "ann/yard.TextGrid")
    assert [(name, [text[0] for text in texts]) for name, texts in tiers] == [("dog", [18, 22, 26]), ("car", [35])]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"meaning": "classes"}, [("ann", 2, 4.25, "dog"), ("ann", 7.5, 7.5, "car")]),
        ({"meaning": "annotators"}, [("dog", 2, 4.25, DOG), ("car", 7.5, 7.5, "horn")]),
        ({"tiers": ["car"]}, [("ann", 7.5, 7.5, "horn")]),
    ],
)
def test_meaning_of_tiers(tmp_path, options, expected):
    assert read(write(tmp_path, LONG), **options) == expected


def test_tiers_without_text_state_silence(tmp_path):
    silent = SHORT.replace('"big ""bad"" dog 3"', '" "').replace('"horn"', '""')
    folder = write(tmp_path, silent)
    assert read(folder) == []
    found = read_textgrids(folder, tiers=(), meaning="annotators", annotator=None)
    assert {(row.recording, row.annotator) for row in found.rows} == {("yard", "dog"), ("yard", "car")}


def test_textgrid_without_tiers_states_silence(tmp_path):
    folder = write(tmp_path, SHORT[: SHORT.index("<exists>")] + "<absent>\n")
    found = read_textgrids(folder, tiers=(), meaning="ignored", annotator=None)
    assert {(row.recording, row.annotator, row.label) for row in found.rows} == {("yard", "ann", "")}


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        (SHORT[:-8], None, "ends before a string"),
        (SHORT.replace("4.25", "dog"), 18, "instead of a number"),
        (SHORT.replace('"TextGrid"', '"Collection"'), 2, "Collection"),
        (SHORT.replace('"TextTier"', '"PitchTier"'), 23, "PitchTier"),
        (SHORT.replace("<exists>\n2", "<exists>\n2.5"), 7, "2.5"),
        (SHORT.replace("12.5", "1e9", 1), 5, "1000000000"),
        ('"Praat chronological TextGrid text file"\n0 12.5\n', 1, "chronological"),
        ("onset\toffset\n", None, "ends before a string"),
        ("ooBinaryFile\x08TextGrid", None, "binary"),
    ],
)
def test_files_that_are_not_textgrids(tmp_path, text, line, problem):
    with refused(file="yard.TextGrid", line=line, problem=problem):
        read(write(tmp_path, text))


def test_missing_tier_is_named(tmp_path):
    with refused(file="yard.TextGrid", key="--tier", problem=["'cat'", "'dog'"]):
        read(write(tmp_path, LONG), tiers=["cat"])


def test_event_outside_of_time_is_a_problem(tmp_path):
    found = read_textgrids(
        write(tmp_path, LONG.replace("xmin = 2 ", "xmin = 5 ")), tiers=(), meaning="ignored", annotator=None
    )
    with refused(file="yard.TextGrid", line=22, problem="'5' to '4.25'"):
        found.problems.raise_all("in it", alone=True)
