"""Files of the user: found, hashed, and passed to `softsed check`."""

import argparse
import os
import shlex
from pathlib import Path

import pytest
from support import dataset
from support.config import merged
from support.errors import refused
from support.tsv import SOFT, write_rows

from softsed.core.code_hash import content
from softsed.core.options import add_dataset, read_dataset
from softsed.data import infer_tables
from softsed.planning.user_data import UserData

KEYS = ("audio", "soft", "hard", "opinions", "unticked", "recordings", "classes", "scenes")


@pytest.fixture
def folder(tmp_path):
    dataset.write_audio(tmp_path)
    write_rows(tmp_path / "my soft.tsv", dataset.soft_rows(), SOFT)
    write_rows(tmp_path / "classes.tsv", ["car", "tap"], "class")
    return tmp_path


def user_data(**keys):
    return UserData.from_config(dict.fromkeys(KEYS) | {name: str(path) for name, path in keys.items()})


def test_config_without_files_of_the_user():
    user = user_data(recordings="workflow/resources/demo.tsv")
    assert (user.folder, user.audio, user.kind, user.labels) == ("", {}, "", "")
    assert user.content() == []


def test_recordings_are_sorted_and_readable(folder):
    (folder / "audio" / "e.m4a").touch()
    user = user_data(audio=folder / "audio", soft=folder / "my soft.tsv")
    assert list(user.audio.items()) == [(name, str(folder / "audio" / f"{name}.flac")) for name in dataset.NAMES]
    assert (user.kind, user.labels) == ("soft", str(folder / "my soft.tsv"))


def test_options_are_those_of_check(folder):
    keys = {"audio": folder / "audio", "soft": folder / "my soft.tsv", "classes": folder / "classes.tsv"}
    parser = argparse.ArgumentParser()
    add_dataset(parser)
    parsed = parser.parse_args(shlex.split(user_data(**keys).options()))
    assert parsed.audio == keys["audio"]
    tables = {"recordings": None, "classes": keys["classes"], "scenes": None}
    assert read_dataset(parsed) == (keys["soft"], "soft", tables)


def test_options_of_opinions_contain_unticked():
    user = user_data(opinions="o.tsv", unticked="zero")
    assert user.options() == "--opinions=o.tsv --unticked=zero"
    assert "unticked" not in user_data(audio="a", soft="s.tsv", unticked="zero").options()


@pytest.mark.parametrize("name", ["my soft.tsv", "classes.tsv"])
def test_content_changes_with_labels_and_tables(folder, name):
    user = user_data(audio=folder / "audio", soft=folder / "my soft.tsv", classes=folder / "classes.tsv")
    before = user.content()
    os.utime(folder / name, (0, 0))
    content.cache_clear()
    assert user.content() == before
    with (folder / name).open("a") as file:
        file.write("\n")
    content.cache_clear()
    changed = [Path(old.split("@")[0]).name for old, new in zip(before, user.content(), strict=True) if old != new]
    assert changed == [name]


def test_label_files_of_a_folder_are_its_texts(tmp_path):
    for name in ("b.txt", "a.txt", "notes.md"):
        (tmp_path / name).touch()
    assert user_data(hard=tmp_path).label_files() == [str(tmp_path / "a.txt"), str(tmp_path / "b.txt")]
    assert user_data(hard=tmp_path / "b.txt").label_files() == [str(tmp_path / "b.txt")]


def test_check_passes_folds_and_evaluated_classes(folder):
    user = user_data(audio=folder / "audio", soft=folder / "my soft.tsv")
    inferred = folder / "results"
    user.check(merged("{folds: {number: 2}, evaluate: {classes: all}}"), inferred)
    with refused(golden=False) as caught:
        user.check(merged("{folds: {number: 5}, evaluate: {classes: all}}"), inferred)
    (problem,) = caught.value.problems
    assert all(text in problem.problem for text in ("'all' (4)", "5 folds"))
    with refused(key="evaluate.classes", problem="['dog']", golden=False):
        user.check(merged("{folds: {number: 2}, evaluate: {classes: [dog]}}"), inferred)


def test_check_warns_once_about_formats(folder, caplog):
    """A dataset that was checked before is not examined again; the step `features` repeats the warning."""
    user = user_data(audio=folder / "audio", soft=folder / "my soft.tsv")
    config = merged("{folds: {number: 2}, evaluate: {classes: all}}")
    user.check(config, folder)
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert "4 of 4 recordings have a sampling rate below 28000 Hz" in record.getMessage()
    infer_tables.main([*shlex.split(user.options()), "--tables", str(folder)])
    user.check(config, folder)
    assert len([one for one in caplog.records if one.levelname == "WARNING"]) == 1


def test_paths_with_a_hyphen_first_are_no_options(folder):
    """They are passed to commands as values of options, where a parser would refuse ``-my labels``."""
    user = user_data(audio=folder / "audio", hard="-my labels", recordings="-r.tsv", classes=folder / "classes.tsv")
    assert (user.labels, user.tables["recordings"]) == ("./-my labels", "./-r.tsv")
    assert user.tables["classes"] == str(folder / "classes.tsv")
