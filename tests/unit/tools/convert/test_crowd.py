"""Annotations of a crowd: silence, lengths, points, spelling, scenes."""

from pathlib import Path

import pytest
from support.errors import refused

from softsed.tools.convert.annotations import Annotations, Place
from softsed.tools.convert.crowd import Crowd, read_renames
from softsed.tools.convert.lengths import Lengths

EVENTS = [("a", "ann", "dog", 2, 4), *(("b", who, "dog", 1, 9.6) for who in ("ann", "bob", "cyd"))]


def annotations(events=(), silent=(), *, scenes=None, clips=False, lengths=None):
    found = Annotations(Path("s.tsv"), "add a row", clips=clips, lengths=lengths or {})
    for line, (name, who, label, *times) in enumerate(events, start=2):
        span = {"times": tuple(times)} if times else {}
        found.marked(Place(found.source, line), name, who, label, scene=(scenes or {}).get(name, ""), **span)
    for name, who in silent:
        found.listened(Place(found.source, 99), name, who, scene=(scenes or {}).get(name, ""))
    return found


def lengths(**seconds):
    return Lengths(Path("r.tsv"), seconds)


def test_annotator_who_heard_nothing_is_one(caplog):
    crowd = Crowd(annotations(EVENTS, [("a", "bob"), ("a", "cyd")]))
    assert crowd.annotators == {"a": ["ann", "bob", "cyd"], "b": ["ann", "bob", "cyd"]}
    assert not caplog.text


def test_fewer_annotators_get_a_warning(caplog):
    crowd = Crowd(annotations(EVENTS))
    assert crowd.annotators["a"] == ["ann"]
    assert "1 of 2 recordings have fewer annotators than the most (3), such as 'a' with 1" in caplog.text
    assert "add a row" in caplog.text


def test_same_number_of_annotators_gets_no_warning(caplog):
    Crowd(annotations([("a", "ann", "dog", 0, 4), ("b", "bob", "dog", 0, 4)]))
    assert not caplog.text


def test_everyone_listened_to_every_recording(caplog):
    crowd = Crowd(annotations(EVENTS), lengths(a=10, b=10, c=10), everyone=True)
    assert crowd.annotators == {name: ["ann", "bob", "cyd"] for name in "abc"}
    assert crowd.lengths == dict.fromkeys("abc", 10)
    assert not caplog.text


def test_recordings_without_annotation_are_left_out(caplog):
    crowd = Crowd(annotations(EVENTS, [("a", "bob")]), lengths(a=10, b=10, c=10))
    assert list(crowd.scenes) == ["a", "b"]
    assert "1 recordings of r.tsv have no annotation and are left out, such as 'c'" in caplog.text


def test_annotations_without_audio_are_left_out(caplog):
    crowd = Crowd(annotations(EVENTS), lengths(a=10))
    assert list(crowd.scenes) == ["a"]
    assert "1 recordings are not in r.tsv and are left out, such as 'b'" in caplog.text
    with refused(file="s.tsv", line=2, problem=["r.tsv", "'a'"]):
        Crowd(annotations(EVENTS), lengths(c=10))


def test_events_without_duration_make_no_class(caplog):
    crowd = Crowd(annotations([*EVENTS, ("a", "bob", "nothing", 0, 0), ("a", "cyd", "nothing", 3, 3)]))
    assert crowd.asked == {"": ["dog"]}
    assert crowd.annotators["a"] == ["ann", "bob", "cyd"]
    assert "2 events without duration" in caplog.text
    assert "'nothing' in 'a' (s.tsv, line 6)" in caplog.text
    assert "fewer" not in caplog.text


def test_points_can_last(caplog):
    crowd = Crowd(annotations([("a", "ann", "click", 1, 1), ("a", "ann", "dog", 0, 4)]), points=0.25)
    assert crowd.events["a", "ann"]["click"] == [(1, 1.25)]
    assert not caplog.text


def test_provided_lengths_cut_events(caplog):
    crowd = Crowd(annotations([("a", "ann", "dog", 1, 9.98), ("a", "ann", "dog", 12, 13)]), lengths(a=9.97))
    assert crowd.events["a", "ann"]["dog"] == [(1, 9.97)]
    assert "2 events end after their recording and are cut, such as 'dog' in 'a' (s.tsv, line 2)" in caplog.text
    assert crowd.seconds("a") == 9


def test_lengths_of_the_format_come_before_the_last_event(caplog):
    crowd = Crowd(annotations([("a", "ann", "dog", 1, 4), ("b", "ann", "dog", 1, 4)], lengths={"a": 12.5}))
    assert crowd.lengths == {"a": 12.5, "b": 4}
    crowd.check_lengths()
    assert "1 recordings count as long as their last event, such as 'b' (4 s)" in caplog.text
    assert "--audio" in caplog.text


@pytest.mark.parametrize(
    ("found", "problem"),
    [
        (annotations([("a", "ann", "dog", 0, 0.5)]), ["'a'", "0.5 s"]),
        (annotations(EVENTS, [("c", "ann")]), "length of recording 'c' is unknown"),
        (annotations([("a", "ann", "dog")], clips=True), "length of recording 'a' is unknown"),
        (annotations([("a", "ann", "dog", 0, 4)], lengths={"a": 0.4}), "0.4 s"),
    ],
)
def test_lengths_without_a_whole_second(found, problem):
    with refused(file="s.tsv", problem=problem):
        Crowd(found).check_lengths()


def test_tags_last_as_long_as_the_recording():
    crowd = Crowd(annotations([("a", "ann", "dog")], clips=True), lengths(a=31.5))
    assert crowd.events["a", "ann"]["dog"] == [(0, 31.5)]


def test_labels_of_few_annotators_are_left_out():
    scenes = {"a": "street", "b": "street", "p": "yard"}
    events = [("a", "ann", "car", 0, 4), ("b", "bob", "car", 0, 4), ("a", "bob", "dog", 0, 4)]
    events += [("p", who, "dog", 0, 5) for who in ("cyd", "dee")]
    assert Crowd(annotations(events, scenes=scenes), minimum=2).asked == {"street": ["car"], "yard": ["dog"]}
    with refused(file="s.tsv", problem=["3 annotators", "'street'"]):
        Crowd(annotations(events, scenes=scenes), minimum=3)


def test_silence_alone_has_no_classes():
    with refused(file="s.tsv", problem="any recording"):
        Crowd(annotations([], [("a", "ann")]))
    with refused(file="s.tsv", problem="no annotations"):
        Crowd(annotations())


@pytest.mark.parametrize(
    ("event", "problem"),
    [(("a", "Ann", "dog", 0, 1), ["'Ann'", "'ann'"]), (("a", "ann", "Dog", 0, 1), ["'Dog'", "'dog'"])],
)
def test_two_spellings_of_a_name_are_refused(event, problem):
    with refused(file="s.tsv", line=6, problem=problem):
        Crowd(annotations([*EVENTS, event]))


def test_renamed_labels_are_one_class(tmp_path):
    (tmp_path / "new.tsv").write_text("Dog\tdog\n/m/0bt9lr\tdog\n\n", encoding="utf-8")
    found = annotations([*EVENTS, ("a", "ann", "Dog", 0, 1), ("a", "ann", "/m/0bt9lr", 5, 6)])
    crowd = Crowd(found, rename=read_renames(tmp_path / "new.tsv"))
    assert crowd.asked == {"": ["dog"]}
    assert crowd.events["a", "ann"]["dog"] == [(2, 4), (0, 1), (5, 6)]


def test_label_with_an_empty_name_is_left_out(tmp_path):
    (tmp_path / "new.tsv").write_text("SIL\t\n", encoding="utf-8")
    found = annotations([*EVENTS, ("a", "bob", "SIL", 0, 9)])
    crowd = Crowd(found, rename=read_renames(tmp_path / "new.tsv"))
    assert crowd.asked == {"": ["dog"]}
    assert crowd.annotators["a"] == ["ann", "bob"]
    assert crowd.lengths["a"] == 4


@pytest.mark.parametrize("line", ["dog", "\tdog", "dog\tcat\tcow"])
def test_renames_that_are_refused(tmp_path, line):
    (tmp_path / "new.tsv").write_text(f"Dog\tdog\n{line}\n", encoding="utf-8")
    with refused(file="new.tsv", line=2, problem=repr(line)):
        read_renames(tmp_path / "new.tsv")


def test_scenes_of_rows_or_of_the_table():
    table = Lengths(Path("r.tsv"), {"a": 10, "b": 10, "c": 10}, {"a": "yard", "b": "park", "c": "park"})
    assert Crowd(annotations(EVENTS), table).scenes == {"a": "yard", "b": "park"}
    assert Crowd(annotations(EVENTS, scenes={"a": "x", "b": "x"}), table).scenes == {"a": "x", "b": "x"}
    assert Crowd(annotations(EVENTS), table, everyone=True).scenes == {"a": "yard", "b": "park", "c": "park"}


def test_recording_in_two_scenes_is_refused():
    found = annotations(EVENTS, scenes={"a": "yard", "b": "yard"})
    found.listened(Place(found.source, 9), "a", "bob", scene="park")
    with refused(file="s.tsv", line=9, problem=["'a'", "'park'", "'yard'"]):
        Crowd(found)


def test_unknown_scene_of_a_silent_recording():
    found = annotations(EVENTS, scenes={"a": "yard", "b": "park"})
    with refused(file="s.tsv", problem="'c'"):
        Crowd(found, lengths(a=10, b=10, c=10), everyone=True)


def test_all_problems_are_reported_together():
    found = annotations([("a", "ann", "", 0, 1), ("a", "ann", "dog", 2, 1)])
    with pytest.raises(ValueError, match=r"2 problems in s.tsv:\n.*line 2: no label.*\n.*line 3: event from 2 to 1"):
        Crowd(found)
