"""Tables read off the opinions: by hand, and for the same opinions in any order."""

import numpy as np
import pytest
from support.errors import refused
from support.tsv import OPINIONS, write_opinions

from softsed.core.code_hash import closure
from softsed.core.metadata import read_asked, read_classes
from softsed.core.opinions import read_opinions
from softsed.data import infer_tables

ROWS = [
    ("b-1.x", 0, 10, "ann", "dog", 1),
    ("b-1.x", 0, 10, "ann", "car", 0),
    ("a_2", 0, 10, "bob", "car", 1),
    ("a_2", 3, 13, "bob", "car", 1),
    ("c", 0, "10.0", "bob", "dog", 0),
    ("c", 0, "10.0", "bob", "car", 0),
]


def test_durations_classes_and_scenes_by_hand(tmp_path):
    durations, classes, scenes, asked = infer_tables.survey(write_opinions(tmp_path / "o.tsv", ROWS))
    assert list(durations.items()) == [("a_2", 13), ("b-1.x", 10), ("c", 10)]
    assert classes == ["car", "dog"]
    assert scenes == dict.fromkeys(["a_2", "b-1.x", "c"], "all")  # also where people were asked different classes
    assert asked == {"all": ["car", "dog"]}
    assert infer_tables.recording_names(tmp_path / "o.tsv") == list(durations)


def test_longest_window_leaves_what_is_no_number_to_others(tmp_path):
    path = write_opinions(tmp_path / "o.tsv", [*ROWS, ("c", 5, "end", "bob", "dog", 0), ("c", 1, 14, "bob", "dog", 0)])
    assert infer_tables.longest_window(path) == 13


def test_order_of_the_rows_changes_nothing(tmp_path):
    rng = np.random.default_rng(0)
    expected = infer_tables.survey(write_opinions(tmp_path / "o.tsv", ROWS))
    for _ in range(5):
        shuffled = [ROWS[index] for index in rng.permutation(len(ROWS))]
        assert infer_tables.survey(write_opinions(tmp_path / "o.tsv", shuffled)) == expected


def test_scenes_of_the_opinions(tmp_path):
    rows = [(*row, "yard" if row[0] == "c" else "street, wide") for row in ROWS]
    _, _, scenes, asked = infer_tables.survey(write_opinions(tmp_path / "o.tsv", rows, OPINIONS + "\tscene"))
    assert scenes == {"a_2": "street, wide", "b-1.x": "street, wide", "c": "yard"}
    assert asked == {"street, wide": ["car", "dog"], "yard": ["car", "dog"]}


def test_command_writes_tables_that_fit_the_opinions(tmp_path):
    path = write_opinions(tmp_path / "o.tsv", ROWS)
    infer_tables.main(["--opinions", str(path), "--tables", str(tmp_path)])
    classes = read_classes(tmp_path / "classes.tsv")
    recordings, asked = read_asked(tmp_path / "recordings.tsv", tmp_path / "scenes.tsv", classes)
    opinions = read_opinions(path, classes, asked=asked, recordings=recordings)
    assert len(opinions.opinion) == len(ROWS)
    assert {name: recording.duration_s for name, recording in recordings.items()} == {"a_2": 13, "b-1.x": 10, "c": 10}


def test_quotation_marks_are_part_of_a_name(tmp_path):
    path = write_opinions(tmp_path / "o.tsv", [("r", 0, 10, '"ann"', '"car', 1)])
    infer_tables.main(["--opinions", str(path), "--tables", str(tmp_path)])
    classes = read_classes(tmp_path / "classes.tsv")
    recordings, asked = read_asked(tmp_path / "recordings.tsv", tmp_path / "scenes.tsv", classes)
    opinions = read_opinions(path, classes, asked=asked, recordings=recordings)
    assert (classes, opinions.annotators) == (['"car'], ['"ann"'])


GOOD = ROWS[0]


@pytest.mark.parametrize("read", [infer_tables.survey, infer_tables.recording_names])
def test_names_that_cannot_be_file_names(tmp_path, read):
    with refused(file="o.tsv", line=3, problem="'../b'"):
        read(write_opinions(tmp_path / "o.tsv", [GOOD, ("../b", *GOOD[1:])]))


@pytest.mark.parametrize(
    ("row", "problem", "remedy"),
    [
        (("c", 0, "end", "a", "dog", 1), "offset is 'end'", None),
        (("c", 0, 10.5, "a", "dog", 1), "offset is '10.5'", None),
        (("c", 0, 0, "a", "dog", 1), "offset is '0'", None),
        (("c", 0, "inf", "a", "dog", 1), "offset is 'inf'", "Check whether the times are in milliseconds"),
        (("c", 0, 3600000, "a", "dog", 1), "offset is '3600000'", "Check whether the times are in milliseconds"),
        (("c", 0, 10, "a", "", 1), "no class", None),
        (("c", 0, 10, "a", "dog"), "5 tab-separated fields", None),
    ],
)
def test_errors_name_file_and_line(tmp_path, row, problem, remedy):
    with refused(file="o.tsv", line=3, problem=problem, remedy=remedy):
        infer_tables.survey(write_opinions(tmp_path / "o.tsv", [GOOD, row]))


def test_errors_of_scenes(tmp_path):
    rows = [(*GOOD, "yard"), (*ROWS[1], "street")]
    with refused(file="o.tsv", line=3, problem=["'b-1.x'", "'street'", "'yard'"]):
        infer_tables.survey(write_opinions(tmp_path / "o.tsv", rows, OPINIONS + "\tscene"))
    with refused(file="o.tsv", line=2, problem="no scene"):
        infer_tables.survey(write_opinions(tmp_path / "o.tsv", [(*GOOD, "")], OPINIONS + "\tscene"))


def test_a_table_without_opinions_or_columns(tmp_path):
    with refused(file="o.tsv", problem="no opinions"):
        infer_tables.recording_names(write_opinions(tmp_path / "o.tsv", []))
    with refused(file="o.tsv", line=1, problem="['annotator']"):
        infer_tables.recording_names(write_opinions(tmp_path / "o.tsv", [GOOD], OPINIONS.replace("annotator", "who")))


@pytest.mark.parametrize(("one", "other"), [("dog barking", "dog_barking"), ("Dog", "dog")])
def test_one_class_in_two_spellings_is_not_two(tmp_path, one, other):
    path = write_opinions(tmp_path / "o.tsv", [("a", 0, 10, "ann", one, 1), ("b", 0, 10, "ann", other, 1)])
    with refused(file="o.tsv", line=3, problem=[f"'{other}'", f"'{one}'", "line 2"]):
        infer_tables.recording_names(path)
    (tmp_path / "classes.tsv").write_text(f"class\n{one}\n{other}\n", encoding="utf-8")
    assert infer_tables.recording_names(path, tmp_path / "classes.tsv") == ["a", "b"]


def test_two_unicode_forms_are_one_name(tmp_path):
    """macOS writes names in another form than keyboards do."""
    rows = [("Zu\u0308g", 0, 10, "ann", "Tu\u0308r", 1), ("Züg", 0, 10, "bob", "Tür", 1)]
    durations, classes, _, asked = infer_tables.survey(write_opinions(tmp_path / "o.tsv", rows))
    assert (durations, classes, asked) == ({"Züg": 10}, ["Tür"], {"asked_1": ["Tür"]})


def tables(tmp_path):
    """Write tables of recordings, scenes and classes that fit ROWS."""
    texts = {
        "recordings": "recording\tscene\tduration_s\nb-1.x\tstreet\t10\na_2\tyard\t13\nc\tstreet\t10\n",
        "scenes": "scene\tclass\nstreet\tcar\nstreet\tdog\nyard\tcar\n",
        "classes": "class\ncar\ndog\n",
    }
    for name, text in texts.items():
        (tmp_path / f"{name}.tsv").write_text(text, encoding="utf-8")
    return {name: tmp_path / f"{name}.tsv" for name in texts}


@pytest.mark.parametrize("classes_given", [True, False])
def test_opinions_that_answer_given_tables(tmp_path, classes_given):
    given = tables(tmp_path)
    if not classes_given:
        del given["classes"]
    infer_tables.check_answered(write_opinions(tmp_path / "o.tsv", ROWS), given)
    with refused(file="o.tsv", line=8, problem=["'d'", "recordings.tsv"]):
        infer_tables.check_answered(write_opinions(tmp_path / "o.tsv", [*ROWS, ("d", *GOOD[1:])]), given)
    with refused(file="o.tsv", line=8, problem=["'dog'", "'yard'"]) as caught:
        infer_tables.check_answered(write_opinions(tmp_path / "o.tsv", [*ROWS, ("a_2", *GOOD[1:])]), given)
    assert "['car']" in caught.value.expected


def test_labels_need_audio(tmp_path):
    with refused(key="--audio"):
        infer_tables.main(["--soft", str(tmp_path / "soft.tsv"), "--tables", str(tmp_path)])


def test_closure_has_no_estimator_download_or_folds():
    """An edit of an estimator must not infer the tables again, because everything after them would rerun."""
    modules = closure("data.infer_tables")
    assert modules == [
        "core.audio",
        "core.event_text",
        "core.label_rows",
        "core.metadata",
        "core.opinions",
        "core.tsv",
        "data.dataset_checks",
        "data.infer_tables",
    ]
