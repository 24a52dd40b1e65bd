"""Files of the workflow, of the user and of results, from the folder of the Snakefile and from another folder."""

from pathlib import Path

import pytest
from support.config import DEMO, merged
from support.errors import refused
from support.project import ROOT

from softsed.planning import places

CLASSES = "workflow/resources/classes.tsv"


def test_paths_are_relative_beside_the_snakefile_only(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    assert places.workflow_file(CLASSES) == CLASSES
    monkeypatch.chdir(tmp_path)
    assert places.workflow_file(CLASSES) == str(ROOT.resolve() / CLASSES)


def test_workflow_folder_with_pattern_is_refused(tmp_path, monkeypatch):
    (tmp_path / "a{b}").mkdir()
    monkeypatch.setattr(places, "ROOT", tmp_path / "a{b}")
    monkeypatch.chdir(tmp_path / "a{b}")
    assert places.workflow_file(CLASSES) == CLASSES
    monkeypatch.chdir(tmp_path)
    with refused(key="snakefile", problem="a{b}", golden=False):
        places.workflow_file(CLASSES)


def test_locate_files_finds_workflow_tables(tmp_path, monkeypatch):
    """Paths of the user stay relative to the working directory, also those that look like a table of the workflow."""
    monkeypatch.chdir(tmp_path)
    config = merged(DEMO, "{truth: ./my truth/, scenes: workflow/resources/mine.tsv}")
    found = places.locate_files(config)
    assert found["classes"] == str(ROOT.resolve() / CLASSES)
    assert found["data"]["demo"]["events"] == str(ROOT.resolve() / "workflow/resources/demo_events.tsv")
    assert (found["truth"], found["scenes"], found["audio"]) == ("my truth", "workflow/resources/mine.tsv", None)
    assert found["data"]["demo"]["crowd"] == config["data"]["demo"]["crowd"]
    assert config["classes"] == CLASSES  # the config itself is unchanged


def test_all_missing_paths_are_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "audio").mkdir()
    config = dict.fromkeys(places.DATA_KEYS) | {"audio": "audio", "opinions": "o.tsv", "truth": "t"}
    with refused(problem="2 problems", golden=False) as caught:
        places.check_paths(config)
    assert [error.key for error in caught.value.problems] == ["opinions", "truth"]
    assert str(tmp_path) in str(caught.value)
    assert "recording, onset, offset, annotator, class, opinion" in str(caught.value)


@pytest.mark.parametrize("text", ["null", "~", "None"])
def test_text_that_means_no_value_has_a_remedy(tmp_path, monkeypatch, text):
    monkeypatch.chdir(tmp_path)
    with refused(key="audio", problem=repr(text), golden=False) as caught:
        places.check_paths(dict.fromkeys(places.DATA_KEYS) | {"audio": text})
    assert caught.value.remedy == "To leave the key without a value, write audio="


def test_config_of_the_working_directory_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert places.unread_config([ROOT / "config.yaml"]) is None
    (tmp_path / "config.yaml").touch()
    assert "--configfile config.yaml" in places.unread_config([ROOT / "config.yaml"])
    assert places.unread_config([ROOT / "config.yaml", Path("config.yaml")]) is None


@pytest.mark.parametrize("link", ["results", "results/demo"])
def test_linked_results_are_refused_for_dvc_only(tmp_path, monkeypatch, link):
    monkeypatch.chdir(tmp_path)
    Path("disk/demo/features").mkdir(parents=True)
    if link == "results":
        Path("results").symlink_to("disk")
    else:
        Path("results").mkdir()
        Path(link).symlink_to(tmp_path / "disk/demo")
    places.check_links("demo", {})
    with refused(file=link, problem="disk", golden=False) as caught:
        places.check_links("demo", {"DVC_STAGE": "data@demo"})
    assert "results/demo/features" in caught.value.expected
    Path(link).unlink()
    Path("results/demo").mkdir(parents=True)
    Path("results/demo/features").symlink_to(tmp_path / "disk/demo/features")
    places.check_links("demo", {"DVC_STAGE": "data@demo"})
