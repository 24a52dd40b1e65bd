"""Tables inferred from opinions: by hand, and for the same opinions in any order."""

import numpy as np
import pytest
from support.errors import refused
from support.tsv import OPINIONS, write_opinions

from softsed.core.code_hash import closure
from softsed.core.errors import Problems
from softsed.core.metadata import read_asked, read_classes
from softsed.core.opinions import read_opinions
from softsed.core.options import TABLES
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
    assert scenes == dict.fromkeys(["a_2", "b-1.x", "c"], "all")  # also if people were asked about different classes
    assert asked == {"all": ["car", "dog"]}
    assert infer_tables.recording_names(tmp_path / "o.tsv") == list(durations)


def test_longest_window_ignores_invalid_times(tmp_path):
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


def test_quoted_names_are_the_names(tmp_path):
    path = write_opinions(tmp_path / "o.tsv", [("r", 0, 10, '"ann"', '"the ""big"" car"', 1)])
    infer_tables.main(["--opinions", str(path), "--tables", str(tmp_path)])
    classes = read_classes(tmp_path / "classes.tsv")
    recordings, asked = read_asked(tmp_path / "recordings.tsv", tmp_path / "scenes.tsv", classes)
    opinions = read_opinions(path, classes, asked=asked, recordings=recordings)
    assert (classes, opinions.annotators) == (['the "big" car'], ["ann"])


@pytest.mark.parametrize("end", [9.97, 10, 9.2])
def test_a_recording_lasts_the_seconds_of_its_windows(tmp_path, end):
    """The steps read the same table with the inferred length."""
    path = write_opinions(tmp_path / "o.tsv", [("r.wav", 0, end, "ann", "car", 1), ("r.wav", 0, 5, "ann", "car", 0)])
    infer_tables.main(["--opinions", str(path), "--tables", str(tmp_path)])
    recordings, asked = read_asked(tmp_path / "recordings.tsv", tmp_path / "scenes.tsv", ["car"])
    assert {name: one.duration_s for name, one in recordings.items()} == {"r": int(end)}
    assert read_opinions(path, ["car"], asked=asked, recordings=recordings).offset.tolist() == [5, int(end)]


GOOD = ROWS[0]


@pytest.mark.parametrize("read", [infer_tables.survey, infer_tables.recording_names])
def test_names_that_cannot_be_file_names(tmp_path, read):
    with refused(file="o.tsv", line=3, problem="'b\\x7f'"):
        read(write_opinions(tmp_path / "o.tsv", [GOOD, ("b\x7f", *GOOD[1:])]))


@pytest.mark.parametrize(
    ("row", "problem", "remedy"),
    [
        (("c", 0, "end", "a", "dog", 1), "offset is 'end'", None),
        (("b-1.x", 0, 8.5, "a", "dog", 1), "offset is '8.5'", None),
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
    with refused(file="o.tsv", line=3, problem=["'Yard'", "'yard'", "line 2"]):
        infer_tables.survey(
            write_opinions(tmp_path / "o.tsv", [(*GOOD, "yard"), (*ROWS[2], "Yard")], OPINIONS + "\tscene")
        )
    with refused(file="o.tsv", line=2, problem="no scene"):
        infer_tables.survey(write_opinions(tmp_path / "o.tsv", [(*GOOD, "")], OPINIONS + "\tscene"))


def test_a_table_without_opinions_or_columns(tmp_path):
    with refused(file="o.tsv", problem="no opinion"):
        infer_tables.recording_names(write_opinions(tmp_path / "o.tsv", []))
    with refused(file="o.tsv", line=1, problem="['annotator']"):
        infer_tables.recording_names(write_opinions(tmp_path / "o.tsv", [GOOD], OPINIONS.replace("annotator", "who")))


def infer(opinions, **tables):
    """Infer the tables of opinions without audio; raise the first problem."""
    given = dict.fromkeys(TABLES) | tables
    return infer_tables.infer_dataset(None, opinions, "opinions", given, Problems(strict=True))


@pytest.mark.parametrize(("one", "other"), [("dog barking", "dog_barking"), ("Dog", "dog"), ("1", "01")])
def test_one_class_in_two_spellings_is_not_two(tmp_path, one, other):
    path = write_opinions(tmp_path / "o.tsv", [("a", 0, 10, "ann", one, 1), ("b", 0, 10, "ann", other, 1)])
    with refused(file="o.tsv", line=3, problem=[f"'{other}'", f"'{one}'", "line 2"]):
        infer(path)
    (tmp_path / "classes.tsv").write_text(f"class\n{one}\n{other}\n", encoding="utf-8")
    recordings, classes, _ = infer(path, classes=tmp_path / "classes.tsv")
    assert list(recordings) == ["a", "b"]
    assert classes == [one, other]


def test_two_unicode_forms_are_one_name(tmp_path):
    """macOS writes names in another form than keyboards do."""
    rows = [("Zu\u0308g", 0, 10, "ann", "Tu\u0308r", 1), ("Züg", 0, 10, "bob", "Tür", 1)]
    durations, classes, _, asked = infer_tables.survey(write_opinions(tmp_path / "o.tsv", rows))
    assert (durations, classes, asked) == ({"Züg": 10}, ["Tür"], {"all": ["Tür"]})


@pytest.mark.parametrize("other", ["R.wav", "r ", "'r'"])
def test_one_recording_in_two_spellings_is_refused(tmp_path, other):
    rows = [("r.wav", 0, 10, "ann", "dog", 1), (other, 0, 10, "ann", "car", 1)]
    with refused(file="o.tsv", line=3, golden=False):
        infer(write_opinions(tmp_path / "o.tsv", rows))


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
    recordings, _, asked = infer(write_opinions(tmp_path / "o.tsv", ROWS), **given)
    assert [(one.name, one.scene, one.duration_s) for one in recordings.values()] == [
        ("a_2", "yard", 13),
        ("b-1.x", "street", 10),
        ("c", "street", 10),
    ]
    assert asked == {"street": ["car", "dog"], "yard": ["car"]}
    with refused(file="o.tsv", line=8, problem=["'d'", "recordings.tsv"]):
        infer(write_opinions(tmp_path / "o.tsv", [*ROWS, ("d", *GOOD[1:])]), **given)
    with refused(file="scenes.tsv", problem=["'dog'", "'yard'"]):
        infer(write_opinions(tmp_path / "o.tsv", [*ROWS, ("a_2", *GOOD[1:])]), **given)


def test_labels_need_audio(tmp_path):
    with refused(key="--audio"):
        infer_tables.main(["--soft", str(tmp_path / "soft.tsv"), "--tables", str(tmp_path)])


def test_closure_has_no_estimator_download_or_folds():
    """An edit of an estimator must not infer the tables again, because everything after them would rerun."""
    modules = closure("data.infer_tables")
    assert modules == [
        "core.audio",
        "core.containers.chunks",
        "core.containers.sound",
        "core.containers.streams",
        "core.event_text",
        "core.label_rows",
        "core.metadata",
        "core.opinions",
        "core.text.cells",
        "core.text.columns",
        "core.text.files",
        "core.text.last_second",
        "core.text.names",
        "core.text.recording_files",
        "core.text.windows",
        "core.tsv",
        "data.dataset_checks",
        "data.infer_tables",
    ]
