"""Tables read off the opinions: by hand, and for the same opinions in any order."""

import numpy as np
import pytest

from softsed.core.errors import InputError
from softsed.core.metadata import read_asked, read_classes
from softsed.core.opinions import read_opinions
from softsed.data import infer_tables

HEADER = "recording\tonset\toffset\tannotator\tclass\topinion"
ROWS = [
    ("b-1.x", 0, 10, "ann", "dog", 1),
    ("b-1.x", 0, 10, "ann", "car", 0),
    ("a_2", 0, 10, "bob", "car", 1),
    ("a_2", 3, 13, "bob", "car", 1),
    ("c", 0, "10.0", "bob", "dog", 0),
    ("c", 0, "10.0", "bob", "car", 0),
]


def write(path, rows, header=HEADER):
    lines = [header, *("\t".join(map(str, row)) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_durations_classes_and_scenes_by_hand(tmp_path):
    durations, classes, scenes, asked = infer_tables.survey(write(tmp_path / "o.tsv", ROWS))
    assert list(durations.items()) == [("a_2", 13), ("b-1.x", 10), ("c", 10)]
    assert classes == ["car", "dog"]
    assert scenes == {"a_2": "asked_1", "b-1.x": "asked_2", "c": "asked_2"}  # those asked the same share a scene
    assert asked == {"asked_1": ["car"], "asked_2": ["car", "dog"]}
    assert infer_tables.recording_names(tmp_path / "o.tsv") == list(durations)


def test_longest_window_leaves_what_is_no_number_to_others(tmp_path):
    path = write(tmp_path / "o.tsv", [*ROWS, ("c", 5, "end", "bob", "dog", 0), ("c", 1, 14, "bob", "dog", 0)])
    assert infer_tables.longest_window(path) == 13


def test_order_of_the_rows_changes_nothing(tmp_path):
    rng = np.random.default_rng(0)
    expected = infer_tables.survey(write(tmp_path / "o.tsv", ROWS))
    for _ in range(5):
        shuffled = [ROWS[index] for index in rng.permutation(len(ROWS))]
        assert infer_tables.survey(write(tmp_path / "o.tsv", shuffled)) == expected


def test_scenes_of_ones_own(tmp_path):
    rows = [(*row, "yard" if row[0] == "c" else "street, wide") for row in ROWS]
    _, _, scenes, asked = infer_tables.survey(write(tmp_path / "o.tsv", rows, HEADER + "\tscene"))
    assert scenes == {"a_2": "street, wide", "b-1.x": "street, wide", "c": "yard"}
    assert asked == {"street, wide": ["car", "dog"], "yard": ["car", "dog"]}


def test_command_writes_tables_that_fit_the_opinions(tmp_path):
    path = write(tmp_path / "o.tsv", ROWS)
    names = {name: tmp_path / f"{name}.tsv" for name in ("recordings", "classes", "scenes")}
    infer_tables.main(["--opinions", str(path), *(part for name in names for part in (f"--{name}", str(names[name])))])
    classes = read_classes(names["classes"])
    recordings, asked = read_asked(names["recordings"], names["scenes"], classes)
    opinions = read_opinions(path, classes, asked=asked, recordings=recordings)
    assert len(opinions.opinion) == len(ROWS)
    assert {name: recording.duration_s for name, recording in recordings.items()} == {"a_2": 13, "b-1.x": 10, "c": 10}


def test_quotation_marks_are_part_of_a_name(tmp_path):
    path = write(tmp_path / "o.tsv", [("r", 0, 10, '"ann"', '"car', 1)])
    names = {name: tmp_path / f"{name}.tsv" for name in ("recordings", "classes", "scenes")}
    infer_tables.main(["--opinions", str(path), *(part for name in names for part in (f"--{name}", str(names[name])))])
    classes = read_classes(names["classes"])
    recordings, asked = read_asked(names["recordings"], names["scenes"], classes)
    opinions = read_opinions(path, classes, asked=asked, recordings=recordings)
    assert (classes, opinions.annotators) == (['"car'], ['"ann"'])


GOOD = ROWS[0]


@pytest.mark.parametrize("name", ["", "a/b", "..", ".hidden", "-x", "two words", "a\\b", "{wild}", "*", "é", "a$b"])
def test_names_that_are_no_file_names(tmp_path, name):
    path = write(tmp_path / "o.tsv", [GOOD, (name, *GOOD[1:])])
    for read in (infer_tables.survey, infer_tables.recording_names):
        with pytest.raises(InputError, match=r"o\.tsv, line 3: recording .* cannot be the name of a file"):
            read(path)


@pytest.mark.parametrize("name", ["street_a001", "7", "00_000066", "a.b-c_D"])
def test_names_that_are_file_names(tmp_path, name):
    assert infer_tables.recording_names(write(tmp_path / "o.tsv", [(name, *GOOD[1:])])) == [name]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (("c", 0, "end", "a", "dog", 1), "line 3: offset is 'end', expected a whole number of seconds"),
        (("c", 0, 10.5, "a", "dog", 1), "line 3: offset is '10.5'"),
        (("c", 0, 0, "a", "dog", 1), "line 3: offset is '0'"),
        (("c", 0, "inf", "a", "dog", 1), "line 3: offset is 'inf'"),
        (
            ("c", 0, 3600000, "a", "dog", 1),
            "line 3: offset is '3600000', expected a whole number of seconds, 1 to 2592000; are these milliseconds",
        ),
        (("c", 0, 10, "a", "", 1), "line 3: no class"),
        (("c", 0, 10, "a", "dog"), "line 3: expected 6 tab-separated fields"),
    ],
)
def test_errors_name_file_and_line(tmp_path, row, message):
    with pytest.raises(InputError, match=rf"o\.tsv, {message}"):
        infer_tables.survey(write(tmp_path / "o.tsv", [GOOD, row]))


def test_errors_of_scenes(tmp_path):
    rows = [(*GOOD, "yard"), (*ROWS[1], "street")]
    with pytest.raises(InputError, match=r"line 3: recording 'b-1\.x' is in the scene 'street', but in 'yard' before"):
        infer_tables.survey(write(tmp_path / "o.tsv", rows, HEADER + "\tscene"))
    with pytest.raises(InputError, match="line 2: no scene"):
        infer_tables.survey(write(tmp_path / "o.tsv", [(*GOOD, "")], HEADER + "\tscene"))


def test_a_table_without_opinions_or_columns(tmp_path):
    with pytest.raises(InputError, match="no opinions"):
        infer_tables.recording_names(write(tmp_path / "o.tsv", []))
    with pytest.raises(InputError, match=r"line 1: no column \['annotator'\]"):
        infer_tables.recording_names(write(tmp_path / "o.tsv", [GOOD], HEADER.replace("annotator", "who")))


@pytest.mark.parametrize(("one", "other"), [("dog barking", "dog_barking"), ("Dog", "dog"), ("Tür", "Tu\u0308r")])
def test_one_class_in_two_spellings_is_not_two(tmp_path, one, other):
    path = write(tmp_path / "o.tsv", [("a", 0, 10, "ann", one, 1), ("b", 0, 10, "ann", other, 1)])
    with pytest.raises(InputError, match=rf"o\.tsv, line 3: class '{other}' is '{one}' in line 2; write one of"):
        infer_tables.recording_names(path)
    (tmp_path / "classes.tsv").write_text(f"class\n{one}\n{other}\n", encoding="utf-8")
    assert infer_tables.recording_names(path, tmp_path / "classes.tsv") == ["a", "b"]
