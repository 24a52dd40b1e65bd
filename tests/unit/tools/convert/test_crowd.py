"""Annotations of a crowd: silence, lengths, points, spelling, scenes."""

from pathlib import Path

import pytest
from support.errors import refused

from softsed.core.errors import InputError
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
    assert "1 of 2 recordings has fewer than 3 annotators, the largest number, such as 'a' with 1" in caplog.text
    assert "add a row" in caplog.text


def test_silence_elsewhere_does_not_hide_the_warning(caplog):
    """A statement of silence in b, a point event in b and a label that is left out do not explain a."""
    events = [
        ("a", "ann", "dog", 2, 4),
        ("b", "ann", "dog", 1, 3),
        ("b", "cyd", "cat", 2, 2),
        ("b", "dee", "SIL", 0, 1),
    ]
    Crowd(annotations(events, [("b", "bob")]), rename={"SIL": ""})
    assert "1 of 2 recordings has fewer than 4 annotators, the largest number, such as 'a' with 1" in caplog.text


def test_idle_annotator_is_named_or_heard_nothing(caplog):
    found = annotations(EVENTS)
    found.idle = ["dee"]
    assert Crowd(found).annotators["b"] == ["ann", "bob", "cyd"]
    assert "1 annotator has an empty folder and is left out, such as 'dee'" in caplog.text
    caplog.clear()
    assert Crowd(found, everyone=True).annotators == {name: ["ann", "bob", "cyd", "dee"] for name in "ab"}
    assert not caplog.text


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
    assert "1 recording of r.tsv has no annotation and is left out, such as 'c'" in caplog.text


def test_similar_name_of_audio_is_suggested(caplog):
    Crowd(annotations([("street_1", "ann", "dog", 0, 4), ("a", "ann", "dog", 0, 4)]), lengths(a=10, street_01=10))
    assert "left out, such as 'street_1' (similar: 'street_01'). Check the names" in caplog.text


def test_annotations_without_audio_are_left_out(caplog):
    crowd = Crowd(annotations(EVENTS), lengths(a=10))
    assert list(crowd.scenes) == ["a"]
    assert "1 recording is not in r.tsv and is left out, such as 'b'" in caplog.text
    with refused(file="s.tsv", line=2, problem=["r.tsv", "'a'"]):
        Crowd(annotations(EVENTS), lengths(c=10))


def test_folders_per_recording_are_explained(tmp_path):
    """Folders per recording with a file per annotator exchange both names."""
    found = Annotations(tmp_path, "add a file")
    found.marked(Place(tmp_path / "a/ann.txt", 1), "ann", "a", "dog", times=(2, 4))
    with refused(
        golden=False, file="a/ann.txt", problem="'ann'", expected="ANNOTATOR/RECORDING, one folder per annotator"
    ):
        Crowd(found, lengths(a=10))


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
    crowd = Crowd(annotations([("a", "ann", "dog", 1, 9.98), ("a", "ann", "dog", 8.9, 10.97)]), lengths(a=9.97))
    assert crowd.events["a", "ann"]["dog"] == [(1, 9.97), (8.9, 9.97)]
    assert "2 events end after their recordings and are cut, such as 'dog' in 'a' (s.tsv, line 2)" in caplog.text
    assert crowd.seconds("a") == 9


@pytest.mark.parametrize("times", [(1000, 2000), (15, 16), (0, 10.98), (11, 11)])
@pytest.mark.parametrize("stated", [True, False])
def test_events_beyond_the_recording_are_refused(times, stated):
    found = annotations([*EVENTS, ("a", "bob", "dog", *times)], lengths={"a": 9.97} if stated else {})
    with refused(file="s.tsv", line=6, problem=[f"{times[1]:g} s", "9.97 s"]) as caught:
        Crowd(found, None if stated else lengths(a=9.97, b=10), points=5)
    assert "milliseconds" in caught.value.remedy


def test_points_near_the_end_are_not_beyond_it():
    crowd = Crowd(annotations([("a", "ann", "click", 8.5, 8.5)]), lengths(a=9.97), points=5)
    assert crowd.events["a", "ann"]["click"] == [(8.5, 9.97)]


@pytest.mark.parametrize("offset", [9.9, 10.5])
def test_events_in_last_partial_second_are_left_out(caplog, offset):
    """The class stays: ann knew it, and heard it in none of the whole seconds."""
    crowd = Crowd(annotations([("a", "ann", "dog", 9.2, offset)], [("a", "bob")]), lengths(a=9.97))
    assert (crowd.asked, crowd.events) == ({"": ["dog"]}, {})
    assert "1 event is in the last, partial second of a recording and left out, such as 'dog' in 'a'" in caplog.text
    assert "Only 0 to 9 s count of 'a', which lasts 9.97 s" in caplog.text
    assert "cut" not in caplog.text


def test_last_partial_second_of_a_guessed_length(caplog):
    """Hard labels are written as they are; opinions are about whole seconds."""
    crowd = Crowd(annotations([("a", "ann", "dog", 9.2, 9.9)]))
    assert [(event.onset, event.offset) for event in crowd.marked("a", "ann")] == [(9.2, 9.9)]
    assert not caplog.text
    crowd.check_lengths()
    assert "Only 0 to 9 s count of 'a', which lasts 9.9 s" in caplog.text


def test_lengths_of_the_format_have_priority(caplog):
    crowd = Crowd(annotations([("a", "ann", "dog", 1, 4), ("b", "ann", "dog", 1, 4)], lengths={"a": 12.5}))
    assert crowd.lengths == {"a": 12.5, "b": 4}
    crowd.check_lengths()
    assert "1 recording ends with the last event, such as 'b' (4 s)" in caplog.text
    assert "--audio" in caplog.text


@pytest.mark.parametrize(
    ("found", "problem"),
    [
        (annotations([("a", "ann", "dog", 0, 0.5)]), ["'a'", "0.5 s"]),
        (annotations(EVENTS, [("c", "ann")]), "length of recording 'c' is unknown"),
        (annotations([("a", "ann", "dog")], clips=True), "length of recording 'a' is unknown"),
        (annotations([("a", "ann", "dog", 0, 0.3)], lengths={"a": 0.4}), "0.4 s"),
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


def test_two_spellings_of_a_recording_and_scene():
    found = annotations([("Yard_1", "ann", "dog", 1, 3)], scenes={"Yard_1": "park"})
    found.marked(Place(found.source, 3), "yard_1", "bob", "dog", (1, 3), scene="Park")
    with pytest.raises(InputError) as caught:
        Crowd(found)
    assert ["recording" in str(error) for error in caught.value.problems] == [True, False]
    problems = [(error.line, error.problem) for error in caught.value.problems]
    assert problems == [
        (3, "recording 'yard_1' is also spelled 'Yard_1' (s.tsv, line 2)"),
        (3, "scene 'Park' is also spelled 'park' (s.tsv, line 2)"),
    ]


def test_recording_is_spelled_as_in_the_table():
    events = [("A", "ann", "dog", 1, 3), ("a", "ann", "dog", 1, 3)]
    with refused(file="s.tsv", line=2, problem=["'A'", "'a' (r.tsv)"]):
        Crowd(annotations(events[:1]), lengths(a=10))
    assert list(Crowd(annotations(events), lengths(a=10, A=10)).scenes) == ["A", "a"]


def test_renamed_labels_are_one_class(tmp_path):
    (tmp_path / "new.tsv").write_text("Dog\tdog\n/m/0bt9lr\tdog\n\n", encoding="utf-8")
    found = annotations([*EVENTS, ("a", "ann", "Dog", 0, 1), ("a", "ann", "/m/0bt9lr", 5, 6)])
    crowd = Crowd(found, rename=read_renames(tmp_path / "new.tsv"))
    assert crowd.asked == {"": ["dog"]}
    assert crowd.events["a", "ann"]["dog"] == [(2, 4), (0, 1), (5, 6)]


def test_old_names_that_do_not_occur_are_named(caplog):
    Crowd(annotations(EVENTS), rename={"dog": "Dog", "Dgo": "Dog", "ct": "cat"})
    assert "2 old names of --rename are not among the labels, such as 'Dgo'" in caplog.text


@pytest.mark.parametrize("text", ["Dog,dog\nSIL,\n", "old\tnew\nDog\tdog\nSIL\t\n", '"Dog";"dog"\n\nSIL;\n'])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_renames_are_read_like_other_tables(tmp_path, text, encoding):
    (tmp_path / "new.csv").write_text(text, encoding=encoding)
    assert read_renames(tmp_path / "new.csv") == {"Dog": "dog", "SIL": ""}


def test_label_with_an_empty_name_is_left_out(tmp_path):
    (tmp_path / "new.tsv").write_text("SIL\t\n", encoding="utf-8")
    found = annotations([*EVENTS, ("a", "bob", "SIL", 0, 9)])
    crowd = Crowd(found, rename=read_renames(tmp_path / "new.tsv"))
    assert crowd.asked == {"": ["dog"]}
    assert crowd.annotators["a"] == ["ann", "bob"]
    assert crowd.lengths["a"] == 4


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("dog", "'dog'"),
        ("\tdog", "'' is renamed 'dog'"),
        ("a\tb\tc", "'a\\tb\\tc'"),
        ("Dog\tcat", ["'dog'", "'cat'"]),
    ],
)
def test_renames_that_are_refused(tmp_path, line, problem):
    (tmp_path / "new.tsv").write_text(f"Dog\tdog\n{line}\n", encoding="utf-8")
    with refused(file="new.tsv", line=2, problem=problem):
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
