"""Choices of configs that contain only the tested keys."""

from pathlib import Path

import numpy as np
import pytest
from support.config import DEMO, OPINIONS, SCHEMA, merged
from support.errors import refused
from support.tsv import write_opinions, write_rows

from softsed.core.metadata import file_stem
from softsed.planning import choices
from softsed.planning.config import check_config, find_mistakes

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
        (13, ["majority"], ["eq1"], False),  # joint is not listed
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


NAMES = ["a", "Tür 1"]
FILES = "features: {embeddings: {folder: emb, hop_s: 1.0}}"
MODEL = "features: {embeddings: {model: net.pt, sample_rate: 800, window_s: 2.0, hop_s: 1.0}}"
READ = "systems: {S_MSE_lin: {front_end: both}, S_BCE_sig: {front_end: embeddings}}"


@pytest.fixture
def embeddings(tmp_path, monkeypatch):
    """Write embeddings of two recordings into the folder emb of the working directory."""
    monkeypatch.chdir(tmp_path)
    Path("emb").mkdir()
    for name in NAMES:
        np.save(f"emb/{name}.npy", np.zeros((3, 2)))


def front_ends(*changes, check=True):
    config = merged(DEMO, *changes)
    check_config(config, SCHEMA)
    return choices.FrontEnds.from_config(config, "results/demo", NAMES, check=check)


def test_mel_energies_are_the_default(embeddings):
    found = front_ends()
    assert set(found.kinds.values()) == {"mel"}
    assert (found.files, found.manifest, found.model, found.embeddings_of("S_MSE_lin")) == ({}, [], [], [])
    assert found.features_of("S_MSE_lin") == ["results/demo/features/index.tsv"]
    assert "embeddings" not in found.mel
    assert found.mel["hop_s"] == 0.2


def test_unread_embeddings_make_no_jobs(embeddings):
    assert front_ends("features: {embeddings: {folder: nowhere, hop_s: 1.0}}").files == {}
    config = merged(OPINIONS, "opinions: x.tsv", FILES, READ)
    assert choices.FrontEnds.from_config(config, "results/x", NAMES, check=True).files == {}


def test_files_of_the_user_are_found(embeddings):
    found = front_ends(FILES, READ)
    assert found.files == {"a": "emb/a.npy", file_stem("Tür 1"): "emb/Tür 1.npy"}
    assert (found.folder, found.model, found.settings) == ("emb", [], {"hop_s": 1.0, "batch": 8})
    manifest, index = ["results/demo/embeddings/manifest.json"], ["results/demo/features/index.tsv"]
    assert {name: (found.features_of(name), found.embeddings_of(name)) for name in found.kinds} == {
        "H_BCE_sig": (index, []),
        "S_BCE_sig": ([], manifest),
        "S_MSE_lin": (index, manifest),
    }


def test_model_makes_one_file_per_recording(embeddings):
    Path("net.pt").touch()
    found = front_ends(MODEL, READ)
    assert found.model == ["net.pt"]
    assert found.files[file_stem("Tür 1")] == f"results/demo/embeddings/files/{file_stem('Tür 1')}.npy"
    assert found.settings == {"sample_rate": 800, "window_s": 2.0, "hop_s": 1.0, "batch": 8}


def test_missing_files_are_all_named(embeddings):
    Path("emb/a.npy").unlink()
    Path("emb/Tür 1.npz").touch()
    with refused(problem="2 problems in the embeddings") as caught:
        front_ends(FILES, READ)
    texts = [str(error) for error in caught.value.problems]
    assert ["'a'" in texts[0], "'Tür 1.npy' and 'Tür 1.npz'" in texts[1]] == [True, True]
    assert front_ends(FILES, READ, check=False).files == {}  # of a job: Snakemake reports what is missing
    with refused(key="features.embeddings.model", problem="'net.pt'", golden=False):  # names the working directory
        front_ends(MODEL, READ)


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ("systems: {S_MSE_lin: {front_end: beats}}", "systems.S_MSE_lin.front_end"),
        ("features: {embeddings: {folder: emb}}", "features.embeddings"),
        ("features: {embeddings: {folder: emb, hop_s: 0}}", "features.embeddings.hop_s"),
        ("features: {embeddings: {folder: emb, hop_s: 1.0, hop: 1}}", "features.embeddings.hop"),
        ("features: {embeddings: emb}", "features.embeddings"),
    ],
)
def test_mistake_has_its_key(change, key):
    assert [mistake.key for mistake in find_mistakes(merged(DEMO, change), SCHEMA)] == [key]
