"""The check of a dataset before anything runs: folds, coverage by windows, and datasets that were checked before."""

from support.dataset import opinion_rows, soft_rows
from support.errors import refused
from support.tsv import OPINIONS, SOFT, write_rows

from softsed.core.options import TABLES
from softsed.planning import validate
from softsed.tools import check

NO_TABLES = dict.fromkeys(TABLES)


def test_too_few_recordings_for_the_folds(data):
    labels = write_rows(data / "soft.tsv", soft_rows(), SOFT)
    with refused(problem="1 problem in the dataset") as caught:
        validate.check(data / "audio", labels, "soft", NO_TABLES, folds=5, validation=0.5)
    (error,) = caught.value.problems
    assert "scene 'all' has 4 recordings, too few for 5 folds" in error.problem
    assert "folds.number" in error.remedy


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
