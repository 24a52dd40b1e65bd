"""True events of a user before anything is planned: other classes, spellings, missing files."""

import logging

import pytest

from softsed.core.errors import Problems
from softsed.core.metadata import Recording
from softsed.planning.ground_truth import check_truth

RECORDINGS = {name: Recording(name, scene, 20) for name, scene in (("r1", "yard"), ("r2", "yard"), ("r3", "road"))}
ASKED = {"yard": ["car", "dog"], "road": ["car"]}


@pytest.fixture
def folder(tmp_path):
    for name in RECORDINGS:
        (tmp_path / f"{name}.txt").write_text("1.2\t3.4\tcar\n")
    return tmp_path


def check(folder):
    problems = Problems()
    check_truth(folder, RECORDINGS, ["car", "dog"], ASKED, problems)
    return list(problems)


def test_true_events_of_annotated_classes_are_accepted(folder, caplog):
    (folder / "r2.txt").write_text("")  # no events
    assert check(folder) == []
    assert caplog.text == ""


def test_events_that_do_not_count_are_one_warning(folder, caplog):
    """Sirens are annotated in no scene, and dogs in the yard only."""
    for name in ("r1", "r3"):
        (folder / f"{name}.txt").write_text("5\t9\tcar\n1\t2\tdog\n12.5\t13\tsiren\n14\t15\tsiren\n")
    with caplog.at_level(logging.WARNING):
        assert check(folder) == []
    (record,) = caplog.records
    text = record.getMessage()
    assert "5 of 9 true events do not count" in text
    assert "'siren' (4), 'dog' (1)" in text
    assert "in r1.txt, line 3" in text


def test_misspelled_class_is_a_problem(folder, caplog):
    (folder / "r2.txt").write_text("1\t2\tDog\n3\t4\tsiren\n")
    (error,) = check(folder)
    assert (error.file, error.line) == (folder / "r2.txt", 1)
    assert "'Dog' is spelled 'dog'" in error.problem
    assert caplog.text == ""


def test_true_events_without_any_annotated_class(folder):
    for name in RECORDINGS:
        (folder / f"{name}.txt").write_text("1\t2\tsiren\n")
    (error,) = check(folder)
    assert "no true event has a class" in error.problem
    assert "'siren' (3)" in error.problem


def test_missing_files_are_one_problem(folder):
    (folder / "r1.txt").rename(folder / "one.txt")
    (folder / "r3.txt").unlink()
    (error,) = check(folder)
    assert all(text in error.problem for text in ("2 of 3", "'r1' and 'r3'", "'one.txt'"))


def test_truth_that_is_no_folder_is_a_problem(folder):
    (folder / "file").touch()
    (error,) = check(folder / "file")
    assert error.file == folder / "file"


def test_two_files_of_a_recording_are_a_problem(folder, caplog):
    for name in ("r1.wav.txt", "r2.tsv"):
        (folder / name).touch()
    (error,) = check(folder)
    assert "several files of true events for 2 of 3" in error.problem
    assert caplog.text == ""


def test_events_in_milliseconds_are_one_problem(folder):
    for name in RECORDINGS:
        (folder / f"{name}.txt").write_text("1200\t3400\tcar\n5000\t9000\tcar\n")
    (error,) = check(folder)
    assert (error.file, error.line) == (folder / "r1.txt", 2)
    assert all(text in error.problem for text in ("9000 s", "20 s", "2 more files have"))


def test_events_after_the_labels_are_one_warning(folder, caplog):
    (folder / "r2.txt").write_text("1\t2\tcar\n25\t30\tcar\n19\t20.9\tcar\n20\t21\tsiren\n")
    with caplog.at_level(logging.WARNING):
        assert check(folder) == []
    late, other = caplog.messages
    assert "2 of 6 true events begin after the labelled seconds of their recordings and do not count" in late
    assert "r2.txt, line 2" in late
    assert "1 of 6 true events does not count" in other


def test_rows_of_all_files_are_checked(folder):
    (folder / "r1.txt").write_text("2\t1\tcar\n")
    (folder / "r3.txt").write_text("x\t1\tcar\n")
    assert [(error.file.name, error.line) for error in check(folder)] == [("r1.txt", 1), ("r3.txt", 1)]
