"""What a config asks for, from configs that hold only the keys in question."""

from pathlib import Path

import pytest
from support.errors import refused
from support.tsv import write_opinions, write_rows

from softsed.planning import choices

NOTHING = {"audio": None, "opinions": None, "data": {}}


@pytest.mark.parametrize(
    ("keys", "source", "made"),
    [
        ({}, "maestro_real", False),
        ({"data": {"demo": {"events": "x"}}}, "demo", True),
        ({"opinions": "o.tsv"}, "opinions", True),
        ({"audio": "folder"}, "own", False),
        ({"audio": "folder", "opinions": "o.tsv"}, "own", True),
    ],
)
def test_source_follows_from_the_keys(keys, source, made):
    assert choices.source_of(NOTHING | keys) == source
    assert choices.makes_labels(NOTHING | keys) == made


def test_asked_methods_are_of_labels_and_systems():
    systems = {"a": {"method": "joint"}, "b": None, "c": {"labels": "soft"}}
    assert choices.asked_methods({"labels": {"compare": ["majority"]}, "systems": systems}) == ["majority", "joint"]


def test_opinion_recordings_are_of_table_if_named(tmp_path):
    config = {
        "opinions": write_opinions(tmp_path / "o.tsv", [(name, 0, 10, "ann", "car", 1) for name in "ba"]),
        "scenes": write_rows(tmp_path / "scenes.tsv", [("all", "car")], ("scene", "class")),
    }
    config |= {"recordings": None, "classes": None}
    assert choices.opinion_recordings(config) == ["a", "b"]
    columns = ("recording", "scene", "duration_s")
    config["recordings"] = write_rows(tmp_path / "r.tsv", [(name, "all", 10) for name in "ba"], columns)
    assert choices.opinion_recordings(config) == ["b", "a"]


@pytest.mark.parametrize(
    ("window_s", "compare", "methods", "dropped"),
    [
        (12, ["joint"], ["eq1"], False),
        (13, ["joint"], ["eq1"], True),
        (13, ["majority"], ["eq1"], False),  # nobody asks for joint
        (13, ["joint"], ["joint"], False),  # the reference: the step reports the long windows
        (13, ["joint"], ["eq1", "joint"], False),  # a system needs it
    ],
)
def test_joint_is_dropped_for_long_windows_only(tmp_path, window_s, compare, methods, dropped):
    table = write_opinions(tmp_path / "o.tsv", [("a", 0, window_s, "ann", "car", 1)])
    config = {"opinions": table, "labels": {"compare": compare, "joint": {"target": "event"}}}
    systems = {"plain": {}, "other": {"method": methods[-1]}}
    assert choices.LONGEST_JOINT_S == 12
    assert choices.drops_joint(config, methods[0], systems) == dropped
    assert not choices.drops_joint(config | {"opinions": None}, methods[0], systems)
    config["labels"]["joint"]["target"] = "people"
    assert not choices.drops_joint(config, methods[0], systems)


def test_threshold_of_joint_depends_on_its_target():
    labels = {"threshold": 0.4, "joint": {"threshold": "auto", "target": "event"}}
    people = labels | {"joint": {"threshold": "auto", "target": "people"}}
    given = labels | {"joint": {"threshold": 0.2, "target": "people"}}
    assert [choices.label_threshold(one, "joint") for one in (labels, people, given)] == ["expected_f1", 0.5, 0.2]
    assert choices.label_threshold(people, "eq1") == 0.4


def test_truth_is_of_the_user_or_of_the_demo(tmp_path):
    config = {"truth": str(tmp_path), "experiment": "mine"}
    assert choices.find_truth(config, "demo", ["b", "a"]) == [f"{tmp_path}/b.txt", f"{tmp_path}/a.txt"]
    for name in ("b.wav.txt", "._b.txt", "a.csv"):
        Path(tmp_path, name).touch()
    assert choices.find_truth(config, "own", ["b", "a"]) == [f"{tmp_path}/b.wav.txt", f"{tmp_path}/a.csv"]
    made = ["results/mine/data/truth/b.tsv"]
    assert choices.find_truth(config | {"truth": None}, "demo", ["b"]) == made
    assert choices.find_truth(config | {"truth": None}, "own", ["b"]) == []


def config_of_curves(curves, **systems):
    return {"report": {"curves": curves}, "systems": systems}


def test_curves_of_null_systems_are_noted():
    notes = []
    config = config_of_curves(["A:s", "B:h", "scene_prior:s", "B:s"], A={}, B=None)
    assert choices.choose_curves(config, ["A"], notes) == ["A:s", "scene_prior:s"]
    assert len(notes) == 1
    assert "B:h, B:s left out of report.curves" in notes[0]


def test_curves_without_null_systems_need_no_note():
    notes = []
    assert choices.choose_curves(config_of_curves(["recording_prior", "A"], A={}), ["A"], notes)[0] == "recording_prior"
    assert notes == []


@pytest.mark.parametrize(("curves", "problem"), [(["A", "C:s"], "'C:s'"), (["B:s"], "'B:s'")])
def test_curves_of_other_systems_are_refused(curves, problem):
    """B is trained on other labels than those of the reference, C does not exist, N is null."""
    with refused(key="report.curves", problem=problem, expected="curves of ['A', 'scene_prior', 'recording_prior']"):
        choices.choose_curves(config_of_curves(curves, A={}, B={}, N=None), ["A"], [])
