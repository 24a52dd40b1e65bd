"""The tables of classes, scenes and recordings, and mistakes in them."""

import re
import unicodedata
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from support.errors import refused

from softsed.core.metadata import (
    Recording,
    check_name,
    choose_classes,
    file_stem,
    read_asked,
    read_classes,
    read_fold_scenes,
    read_recordings,
    read_scenes,
)
from softsed.core.tsv import read_table

RESOURCES = Path(__file__).parents[3] / "workflow" / "resources"


def test_resources_hold_what_the_paper_states():
    classes = read_classes(RESOURCES / "classes.tsv")
    assert len(classes) == 17
    evaluated = yaml.safe_load((RESOURCES.parents[1] / "config.yaml").read_text())["evaluate"]["classes"]
    assert len(evaluated) == 11
    assert set(evaluated) < set(classes)
    scenes = read_scenes(RESOURCES / "scenes.tsv", list(classes))
    assert len(scenes) == 5
    assert all(len(asked) == 6 for asked in scenes.values())
    assert set().union(*scenes.values()) == set(classes)
    recordings = read_recordings(RESOURCES / "maestro_real.tsv").values()
    assert len(recordings) == 49
    assert sum(recording.duration_s for recording in recordings) / 60 == pytest.approx(189.86, abs=0.01)
    assert {recording.scene for recording in recordings} == set(scenes)


def test_asked_classes_keep_the_order_of_the_classes(tmp_path):
    (tmp_path / "s.tsv").write_text("scene\tclass\npark\tc\npark\ta\n")
    assert read_scenes(tmp_path / "s.tsv", ["a", "b", "c"]) == {"park": ["a", "c"]}


def test_every_scene_of_a_recording_must_have_classes(tmp_path):
    (tmp_path / "r.tsv").write_text("recording\tscene\tduration_s\na\tpark\t9\nb\tbus\t9\n")
    (tmp_path / "s.tsv").write_text("scene\tclass\npark\tcar\n")
    with refused(file="r.tsv", problem=["'b'", "'bus'"]) as caught:
        read_asked(tmp_path / "r.tsv", tmp_path / "s.tsv", ["car"])
    assert "s.tsv, which lists ['park']" in caught.value.expected
    (tmp_path / "s.tsv").write_text("scene\tclass\npark\tcar\nbus\tcar\nmetro\tcar\n")
    recordings, asked = read_asked(tmp_path / "r.tsv", tmp_path / "s.tsv", ["car"])
    assert recordings == {"a": Recording("a", "park", 9), "b": Recording("b", "bus", 9)}
    assert asked == {"park": ["car"], "bus": ["car"], "metro": ["car"]}


def test_blank_lines_are_skipped_and_counted(tmp_path):
    (tmp_path / "s.tsv").write_text("scene\tclass\n\np\tx\n\n\np\ty\n")
    assert read_table(tmp_path / "s.tsv", ("class",)) == [{"scene": "p", "class": "x"}, {"scene": "p", "class": "y"}]
    for text, problem in (("p\tz", "'z'"), ("y", "1 tab-separated field")):
        (tmp_path / "s.tsv").write_text(f"scene\tclass\n\np\tx\n\n\n{text}\n")
        with refused(file="s.tsv", line=6, problem=problem):
            read_scenes(tmp_path / "s.tsv", ["x", "y"])


def test_choose_classes_returns_all_or_named(tmp_path):
    (tmp_path / "c.tsv").write_text("class\nc\na\nb\n")
    assert choose_classes(tmp_path / "c.tsv", "all") == (["c", "a", "b"], [0, 1, 2])
    assert choose_classes(tmp_path / "c.tsv", ["b", "c"]) == (["c", "a", "b"], [0, 2])
    with refused(key="evaluate.classes", problem="['d']") as caught:
        choose_classes(tmp_path / "c.tsv", ["a", "d"])
    assert "c.tsv, which lists ['c', 'a', 'b']" in caught.value.expected


def test_windows_line_ends_and_byte_order_mark(tmp_path):
    (tmp_path / "c.tsv").write_bytes(b"\xef\xbb\xbfclass\r\npeople talking\r\n")
    assert read_classes(tmp_path / "c.tsv") == ["people talking"]


@pytest.mark.parametrize(
    ("read", "text", "line", "problem"),
    [
        (read_classes, "name\nx\n", 1, "['class']"),
        (read_classes, "class\nx\nx\n", 3, "class 'x' is listed twice"),
        (read_classes, "class\nx\ty\n", 2, "2 tab-separated fields"),
        (read_classes, "class\n", None, "no class"),
        (read_recordings, "recording\tscene\tduration_s\na\tp\tlong\n", 2, "duration_s is 'long'"),
        (read_recordings, "recording\tscene\tduration_s\na\tp\tnan\n", 2, "duration_s is 'nan'"),
        (read_recordings, "recording\tscene\tduration_s\na\tp\t9\na\tp\t9\n", 3, "recording 'a' is listed twice"),
        (read_recordings, "recording\tscene\tduration_s\na\tp\t9\nb\tP\t9\n", 3, "scene 'P' is spelled 'p'"),
        (lambda path: read_scenes(path, ["a"]), "scene\tclass\np\ta\nP\ta\n", 3, "scene 'P' is spelled 'p'"),
        (lambda path: read_scenes(path, ["a"]), "scene\tclass\np\tb\n", 2, "unknown class 'b'"),
    ],
)
def test_errors_name_file_and_line(tmp_path, read, text, line, problem):
    (tmp_path / "table.tsv").write_text(text)
    with refused(file="table.tsv", line=line, problem=problem):
        read(tmp_path / "table.tsv")
    with refused(file="missing.tsv", problem="there is no such file"):
        read(tmp_path / "missing.tsv")


def test_recordings_of_a_csv_file_with_paths(tmp_path):
    (tmp_path / "meta.csv").write_text("filename,scene_label,duration\naudio/a.wav,park,9.97\n")
    assert read_recordings(tmp_path / "meta.csv") == {"a": Recording("a", "park", 9.97)}


def test_a_recording_may_last_for_days(tmp_path):
    (tmp_path / "r.tsv").write_text("recording\tscene\tduration_s\na\tyard\t172800\n")
    assert read_recordings(tmp_path / "r.tsv")["a"].duration_s == 48 * 3600


@pytest.mark.parametrize("name", ["a/b", "/", "../x", "a\tb", "a\nb", "\x7f", "a\x85", "a\u2028b", "\udcff"])
def test_names_that_cannot_be_file_names(name):
    with refused(file="t.tsv", line=3, problem=repr(name)):
        check_name(name, "t.tsv", 3)


def test_an_empty_name_is_no_recording():
    with refused(file="t.tsv", line=3, problem="no recording"):
        check_name("", "t.tsv", 3)


UNCHANGED = ["street_a001", "7", "00_000066", "a.b-c_D", "x" * 250]
CHANGED = [
    "..",
    ".hidden",
    "-x",
    "two words",
    "a\\b",
    "{wild}",
    "*",
    "é",
    "a$b",
    "会議 1",
    "a+b",
    "x" * 251,
    "a" * 90 + " b",
]


@pytest.mark.parametrize("name", UNCHANGED + CHANGED)
def test_names_that_can_be_file_names(name):
    check_name(name, "t.tsv")


@pytest.mark.parametrize("name", UNCHANGED)
def test_file_stem_keeps_plain_names(name):
    assert file_stem(name) == name


@pytest.mark.parametrize("name", CHANGED)
def test_file_stem_of_special_characters_is_plain(name):
    """Letters, digits and four other characters; the stem of the stem differs, so that no other recording has it."""
    stem = file_stem(name)
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.+-]{,249}", stem)
    assert stem not in (name, file_stem(stem))


def test_file_stem_keeps_the_readable_part():
    assert file_stem("Müller (2) [take 1]").startswith("Muller_2_take_1+")
    assert file_stem("-x").startswith("x+")
    assert file_stem("会議").startswith("recording+")


@given(st.text(min_size=1), st.text(min_size=1))
@example("a b", "a_b")
@example("a b", "a  b")
@example("-x", "x")
@example("Müller", "Muller")
@example("ﬁ", "fi")
@example("x" * 251, "x" * 252)
def test_file_stem_differs_where_names_differ(one, other):
    same = unicodedata.normalize("NFC", one) == unicodedata.normalize("NFC", other)
    assert (file_stem(one) == file_stem(other)) == same


@given(st.text(min_size=1))
@example("Mu\u0308ller")
def test_file_stem_ignores_the_unicode_form(name):
    stems = {file_stem(unicodedata.normalize(form, name)) for form in ("NFC", "NFD")}
    assert len(stems) == 1


def test_scenes_of_a_fold(tmp_path):
    (tmp_path / "fold1.tsv").write_text("recording\tscene\tpart\na\tbus\ttrain\nb\ttram\ttest\n")
    assert read_fold_scenes(tmp_path / "fold1.tsv") == {"a": "bus", "b": "tram"}
