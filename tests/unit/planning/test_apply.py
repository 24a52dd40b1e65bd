"""Plan of the workflow that applies models: meaning of the keys, and refused keys."""

import sys
from pathlib import Path

import pytest
from support.errors import refused
from support.project import ROOT
from support.run import run

from softsed.planning.apply import ApplyPlan


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Create a folder with audio and the models of a run, and make it the working directory."""
    monkeypatch.chdir(tmp_path)
    Path("my sounds").mkdir()
    for name in ("b.wav", "a.flac"):
        Path("my sounds", name).touch()
    Path("run1").mkdir()
    for fold in (10, 2, 1):
        Path(f"run1/fold{fold}.pt").touch()
    return tmp_path


def plan(**changes):
    return ApplyPlan.from_config({"audio": "my sounds", "model": "run1"} | changes)


def test_folders_are_listed_and_defaults_chosen(folder):
    found = plan()
    assert found.recordings == {"a": Path("my sounds/a.flac"), "b": Path("my sounds/b.wav")}
    assert found.models == [Path(f"run1/fold{fold}.pt") for fold in (1, 2, 10)]
    assert (found.output, found.threshold) == ("results/apply/my_sounds", "class-dependent")


def test_one_recording_one_model_and_a_chosen_folder(folder):
    found = plan(audio="my sounds/b.wav", model="run1/fold2.pt", output="out put", threshold=0.5)
    assert (list(found.recordings), found.models) == (["b"], [Path("run1/fold2.pt")])
    assert (found.output, found.threshold, found.note) == ("out put", "0.5", None)
    assert plan(audio="my sounds/b.wav").output == "results/apply/b"


def test_audio_of_the_same_name_shares_no_folder(folder):
    plan().write_note()
    assert plan().source == "my sounds"
    Path("other/my sounds").mkdir(parents=True)
    Path("other/my sounds/b.wav").touch()
    with refused(key="output", problem=("results/apply/my_sounds", "my sounds", "other/my sounds")):
        plan(audio="other/my sounds")
    plan(audio="other/my sounds", output="elsewhere")


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({"treshold": 1}, {"problem": "treshold"}),
        ({"model": None}, {"problem": "['model']"}),
        ({"audio": "nowhere"}, {"file": "nowhere", "problem": "no such folder"}),
        ({"model": "my sounds"}, {"key": "model", "problem": "my sounds"}),
        ({"model": "nowhere.pt"}, {"key": "model", "problem": "nowhere.pt"}),
        ({"threshold": 50}, {"key": "threshold", "problem": "'50'"}),
        ({"output": "a{b}"}, {"key": "output", "problem": "a{b}"}),
        ({"output": "a<b>"}, {"key": "output", "problem": "a<b>"}),
    ],
)
def test_keys_that_cannot_be_used_are_refused(folder, changes, parts):
    with refused(**parts):
        plan(**changes)


@pytest.mark.parametrize("name", ["{run1}", "<run1>"])
def test_model_path_with_pattern_is_refused(folder, name):
    Path("run1").rename(name)
    with refused(key="model", problem=name):
        plan(model=name)


@pytest.mark.parametrize(("old", "new"), [("my sounds", "{s}"), ("my sounds", "<s>")])
def test_audio_path_with_pattern_is_refused(folder, old, new):
    path = Path(old).rename(Path(old).with_name(new))
    with refused(key="audio", problem=new):
        plan(audio=str(path))


def test_audio_file_with_pattern_is_refused(folder):
    Path("my sounds/b.wav").rename("my sounds/<b>.wav")
    with refused(file="<b>.wav", problem="angle brackets", remedy="Rename the file"):
        plan(audio="my sounds")


def test_planning_imports_neither_torch_nor_soundfile():
    script = "import sys, softsed.planning.apply; print(*{'torch', 'soundfile', 'matplotlib'} & set(sys.modules))"
    assert run(ROOT, sys.executable, "-c", script).strip() == ""


def test_embeddings_or_their_model_are_passed_on(folder):
    Path("emb").mkdir()
    Path("emb/a.npy").touch()
    Path("net.pt").touch()
    assert (plan().embeddings, plan().embedding_files("a")) == ((), [])
    found = plan(embeddings="emb")
    assert found.embeddings == ("--embeddings", "emb")
    assert (found.embedding_files("a"), found.embedding_files("b")) == (["emb/a.npy"], [])
    Path("emb/b.npy").touch()
    assert found.embedding_files("b") == []  # the folder is listed once for all recordings
    found = plan(embedding_model="net.pt")
    assert found.embeddings == ("--embedding-model", "net.pt")
    assert found.embedding_files("b") == ["net.pt"]


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({"embeddings": "emb", "embedding_model": "net.pt"}, {"key": "embeddings", "problem": "both set"}),
        ({"embeddings": "nowhere"}, {"key": "embeddings", "problem": "'nowhere'"}),
        ({"embedding_model": "nowhere.pt"}, {"key": "embedding_model", "problem": "'nowhere.pt'"}),
        ({"embeddings": 3}, {"key": "embeddings", "problem": "3, not text"}),
    ],
)
def test_embeddings_that_cannot_be_used_are_refused(folder, changes, parts):
    with refused(**parts):
        plan(**changes)


def test_path_of_embeddings_with_pattern_is_refused(folder):
    Path("<emb>").mkdir()
    with refused(key="embeddings", problem="<emb>"):
        plan(embeddings="<emb>")
