"""Files of annotators: folders of annotators, one folder, one file, and files that are ignored."""

import pytest
from support.errors import refused

from softsed.tools.convert.folders import find_files, find_idle


def make(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def found(*arguments):
    return [(who, file.name) for who, file in find_files(*arguments)]


def test_folders_are_annotators(tmp_path):
    make(tmp_path, "bob/b.txt", "ann/b.TXT", "ann/a.txt", "ann/a.wav")
    assert found(tmp_path, ".txt", None) == [("ann", "a.txt"), ("ann", "b.TXT"), ("bob", "b.txt")]


@pytest.mark.parametrize(("option", "who"), [(None, "ann"), ("Anna", "Anna")])
def test_one_folder_or_file_is_one_annotator(tmp_path, option, who):
    make(tmp_path, "ann/a.txt", "ann/b.txt")
    assert found(tmp_path / "ann", ".txt", option) == [(who, "a.txt"), (who, "b.txt")]
    assert found(tmp_path / "ann/a.txt", ".txt", option) == [(who, "a.txt")]


def test_ignored_files_are_named(tmp_path, caplog):
    make(tmp_path, "ann/a.txt", "ann/._a.txt", ".DS_Store", "ann/a.wav", "ann/deep/c.txt", "notes.md")
    assert found(tmp_path, ".txt", None) == [("ann", "a.txt")]
    assert "2 files or folders are ignored, such as" in caplog.text
    assert "ann/deep" in caplog.text


def test_empty_folders_are_idle_annotators(tmp_path):
    make(tmp_path, "ann/a.txt", "cyd/.DS_Store", "audio/a.wav", "dee/._a.txt")
    (tmp_path / "bob").mkdir()
    assert find_idle(tmp_path, ".txt") == ["bob", "cyd", "dee"]
    assert find_idle(tmp_path / "ann", ".txt") == []
    assert find_idle(tmp_path / "ann/a.txt", ".txt") == []


def test_ignored_file_is_counted_as_one(tmp_path, caplog):
    make(tmp_path, "ann/a.txt", "notes.md")
    find_files(tmp_path, ".txt", None)
    assert "1 file or folder is ignored, such as" in caplog.text


def test_hidden_files_are_ignored_without_a_word(tmp_path, caplog):
    make(tmp_path, "ann/a.txt", "ann/._a.txt", ".DS_Store", "ann/a.wav")
    assert found(tmp_path, ".txt", None) == [("ann", "a.txt")]
    assert not caplog.text


@pytest.mark.parametrize(
    ("names", "option", "problem"),
    [
        ((), None, ".txt"),
        (("ann/a.tsv",), None, ".txt"),
        (("a.txt", "ann/b.txt"), None, ["a.txt", "ann"]),
        (("ann/b.txt",), "Anna", ["Anna", "ann"]),
    ],
)
def test_folders_that_are_refused(tmp_path, names, option, problem):
    make(tmp_path, *names)
    with refused(problem=problem):
        find_files(tmp_path, ".txt", option)


def test_missing_folder_is_refused(tmp_path):
    with refused(file="nowhere", problem="no such folder"):
        find_files(tmp_path / "nowhere", ".txt", None)
