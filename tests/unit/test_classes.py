"""The tables that define classes, scenes and recordings, and the mistakes people make in them."""

from pathlib import Path

import pytest

from softsed.classes import Recording, read_asked, read_classes, read_recordings, read_scenes, read_table
from softsed.errors import InputError

RESOURCES = Path(__file__).parents[2] / "workflow" / "resources"


def test_resources_hold_what_the_paper_states():
    classes = read_classes(RESOURCES / "classes.tsv")
    assert len(classes) == 17
    assert sum(classes.values()) == 11
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
    with pytest.raises(
        InputError, match=r"r\.tsv: b: scene 'bus' is not in .*s\.tsv, which has \['park'\]; correct it"
    ):
        read_asked(tmp_path / "r.tsv", tmp_path / "s.tsv", ["car"])
    (tmp_path / "s.tsv").write_text("scene\tclass\npark\tcar\nbus\tcar\nmetro\tcar\n")
    recordings, asked = read_asked(tmp_path / "r.tsv", tmp_path / "s.tsv", ["car"])
    assert recordings == {"a": Recording("a", "park", 9), "b": Recording("b", "bus", 9)}
    assert asked == {"park": ["car"], "bus": ["car"], "metro": ["car"]}


def test_blank_lines_are_skipped_and_counted(tmp_path):
    (tmp_path / "c.tsv").write_text("class\tevaluated\n\nx\tyes\n\n\ny\tno\n")
    assert read_table(tmp_path / "c.tsv", ("class",)) == [
        {"class": "x", "evaluated": "yes"},
        {"class": "y", "evaluated": "no"},
    ]
    for text, message in (("y\tmaybe", "line 6: evaluated is 'maybe'"), ("y", "line 6: expected 2 tab-separated")):
        (tmp_path / "c.tsv").write_text(f"class\tevaluated\n\nx\tyes\n\n\n{text}\n")
        with pytest.raises(InputError, match=message):
            read_classes(tmp_path / "c.tsv")


def test_windows_line_ends_and_byte_order_mark(tmp_path):
    (tmp_path / "c.tsv").write_bytes(b"\xef\xbb\xbfclass\tevaluated\r\npeople talking\tyes\r\n")
    assert read_classes(tmp_path / "c.tsv") == {"people talking": True}


@pytest.mark.parametrize(
    ("read", "text", "message"),
    [
        (read_classes, "class\nx\n", r"no column \['evaluated'\]"),
        (read_classes, "class\tevaluated\nx\tyes\nx\tno\n", "line 3: class 'x' is listed twice"),
        (read_classes, "class\tevaluated\nx\tmaybe\n", "line 2: evaluated is 'maybe'"),
        (read_classes, "class\tevaluated\nx\n", "line 2: expected 2 tab-separated fields"),
        (read_classes, "class\tevaluated\n", "no class listed"),
        (read_recordings, "recording\tscene\tduration_s\na\tp\tlong\n", "line 2: duration_s is 'long'"),
        (read_recordings, "recording\tscene\tduration_s\na\tp\tnan\n", "line 2: duration_s is 'nan'"),
        (read_recordings, "recording\tscene\tduration_s\na\tp\t9\na\tp\t9\n", "line 3: recording 'a' is listed twice"),
        (lambda path: read_scenes(path, ["a"]), "scene\tclass\np\tb\n", "line 2: unknown class 'b'"),
    ],
)
def test_mistakes_are_named_with_their_line(tmp_path, read, text, message):
    (tmp_path / "table.tsv").write_text(text)
    with pytest.raises(InputError, match=message):
        read(tmp_path / "table.tsv")
    with pytest.raises(InputError, match="cannot be read"):
        read(tmp_path / "missing.tsv")
