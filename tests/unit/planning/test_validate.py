"""The check of a dataset before anything runs: folds, coverage by windows, and datasets that were checked before."""

import pytest
from support.dataset import NAMES, opinion_rows, soft_rows
from support.errors import refused
from support.tsv import OPINIONS, SOFT, write_rows

from softsed.core.code_hash import content
from softsed.core.options import TABLES
from softsed.data import infer_tables
from softsed.planning import validate
from softsed.tools import check

NO_TABLES = dict.fromkeys(TABLES)


def test_too_few_recordings_for_the_folds(data):
    labels = write_rows(data / "soft.tsv", soft_rows(), SOFT)
    with refused(problem="1 problem in the dataset") as caught:
        validate.check(data / "audio", labels, "soft", NO_TABLES, folds=5, validation=0.5)
    (error,) = caught.value.problems
    assert "5 folds" in error.problem
    assert "'all' (4)" in error.problem
    assert "folds.number to 4" in error.remedy


OPINIONS_ALONE = {"audio": None, "kind": "opinions", "tables": NO_TABLES, "folds": 5, "validation": 0.25}


def test_opinions_without_audio_are_checked_completely(tmp_path):
    rows = [f"{name}\t0\t3\t{who}\tcar\t1" for name in "ab" for who in "xy"]
    labels = write_rows(tmp_path / "o.tsv", rows, OPINIONS)
    recordings, classes, asked = validate.check(labels=labels, **OPINIONS_ALONE)
    assert {name: one.duration_s for name, one in recordings.items()} == {"a": 3, "b": 3}
    assert (classes, asked) == (["car"], {"all": ["car"]})
    bad = ["a\t0\t3\tx\tCar\tyes", "b\t3\t2\tx\tcar\t1", "b\t3\t5\t\tcar\t1"]
    with refused(golden=False) as caught:
        validate.check(labels=write_rows(tmp_path / "o.tsv", [*rows, *bad], OPINIONS), **OPINIONS_ALONE)
    assert {error.line for error in caught.value.problems} == {6, 7, 8}
    assert len(caught.value.problems) == 4


def test_true_events_are_checked_with_the_dataset(tmp_path, caplog):
    """The wrong class is found before anything is planned, also if the dataset was checked before."""
    rows = [f"{name}\t0\t3\t{who}\tcar\t1" for name in "ab" for who in "xy"]
    labels = write_rows(tmp_path / "o.tsv", rows, OPINIONS)
    (tmp_path / "truth").mkdir()
    for name in "ab":
        (tmp_path / f"truth/{name}.txt").write_text("0\t1\tcar\n1\t2\tsiren\n")
    infer_tables.main(["--opinions", str(labels), "--tables", str(tmp_path / "made")])
    again = OPINIONS_ALONE | {"labels": labels, "truth": tmp_path / "truth"}
    for table in (tmp_path / "made/recordings.tsv", tmp_path / "nowhere/recordings.tsv"):
        caplog.clear()
        validate.check_before(table, **again, evaluated="all")
        assert caplog.text.count("2 of 4 true events do not count") == 1
    (tmp_path / "truth/b.txt").write_text("0\t1\tCar\n")
    with refused(problem="1 problem", golden=False):
        validate.check_before(tmp_path / "made/recordings.tsv", **again, evaluated="all")


def test_opinions_that_were_checked_are_not_read_again(tmp_path, monkeypatch):
    rows = [f"{name}\t0\t3\t{who}\tcar\t1" for name in "ab" for who in "xy"]
    labels = write_rows(tmp_path / "o.tsv", rows, OPINIONS)
    infer_tables.main(["--opinions", str(labels), "--tables", str(tmp_path / "made")])
    monkeypatch.setattr(validate, "infer_dataset", None)
    arguments = OPINIONS_ALONE | {"labels": labels, "evaluated": "all"}
    validate.check_before(tmp_path / "made/recordings.tsv", **arguments)
    write_rows(labels, rows[:2], OPINIONS)
    content.cache_clear()
    with pytest.raises(TypeError):  # read again
        validate.check_before(tmp_path / "made/recordings.tsv", **arguments)


def test_another_value_of_unticked_is_checked_again(tmp_path, caplog):
    """All opinions are 1, which is a doubt only if missing rows are no opinions."""
    rows = [f"{name}\t0\t3\t{who}\t{label}\t1" for name in "ab" for who, label in (("x", "car"), ("y", "tap"))]
    labels = write_rows(tmp_path / "o.tsv", rows, OPINIONS)
    infer_tables.main(["--opinions", str(labels), "--unticked", "zero", "--tables", str(tmp_path / "made")])
    arguments = OPINIONS_ALONE | {"labels": labels, "evaluated": "all"}
    assert not validate.check_before(tmp_path / "made/recordings.tsv", **arguments, unticked="zero")
    assert "no opinion is 0" not in caplog.text
    assert validate.check_before(tmp_path / "made/recordings.tsv", **arguments, unticked="absent")
    assert "no opinion is 0" in caplog.text


def test_what_folders_leave_out_is_one_line_each(data, caplog):
    (data / "audio/old").mkdir()
    (data / "audio/notes.txt").touch()
    (data / "labels").mkdir()
    for name in NAMES:
        (data / f"labels/{name}.txt").write_text("0\t1\tcar\n")
    (data / "labels/e.csv").touch()
    validate.check(data / "audio", data / "labels", "hard", NO_TABLES, folds=2, validation=0.5)
    assert [record.getMessage() for record in caplog.records] == [
        f"{data}/audio: 1 subfolder (first: old), 1 other file (first: notes.txt) left out",
        f"{data}/labels: 1 other file (first: e.csv) left out",
    ]


def test_audio_beside_its_labels_leaves_nothing_out(data, caplog):
    for name in NAMES:
        (data / f"audio/{name}.txt").write_text("0\t1\tcar\n")
    validate.check(data / "audio", data / "audio", "hard", NO_TABLES, folds=2, validation=0.5)
    assert caplog.text == ""


def test_many_problems_show_the_first(data):
    labels = write_rows(data / "soft.tsv", [row.replace("0.", "7.") for row in soft_rows()], SOFT)
    with refused() as caught:
        validate.check(data / "audio", labels, "soft", NO_TABLES, folds=2, validation=0.5)
    assert caught.value.problems.counts["values"] == 24
    assert [error.line for error in caught.value.problems.found["values"]] == list(range(2, 12))
    assert "14 more" in str(caught.value)


def test_missing_windows_and_answers_are_counted(data, caplog):
    """No window of the first second of four recordings of two classes, and one answer less."""
    rows = [row.replace("\t0\t", "\t1\t") for row in opinion_rows()]
    labels = write_rows(data / "o.tsv", rows[1:], OPINIONS)
    validate.check(data / "audio", labels, "opinions", NO_TABLES, folds=2, validation=0.5)
    (message,) = [text for text in caplog.messages if "have no opinion" in text]
    assert str(labels) in message
    assert "pairs of a second and a class" in message


def test_missing_recording_of_a_checked_dataset(data):
    labels = write_rows(data / "labels.tsv", soft_rows(), SOFT)
    check.main(["--audio", str(data / "audio"), "--soft", str(labels), "--folds", "2", "--tables", str(data)])
    again = {"audio": data / "audio", "labels": labels, "kind": "soft", "tables": NO_TABLES}
    again |= {"folds": 2, "validation": 0.25, "evaluated": "all"}
    validate.check_before(data / "recordings.tsv", **again)
    with refused(key="evaluate.classes", problem="'bus'"):
        validate.check_before(data / "recordings.tsv", **again | {"evaluated": ["bus"]})
    with refused(problem="1 problem in the dataset"):
        validate.check_before(data / "recordings.tsv", **again | {"folds": 5})
    (data / "audio/e.wav").symlink_to("annex/e.wav")
    with refused() as caught:
        validate.check_before(data / "recordings.tsv", **again)
    assert [error.file.name for error in caught.value.problems if "link" in error.problem] == ["e.wav"]
