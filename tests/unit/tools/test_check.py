"""The command `softsed check`: the tables of a correct dataset, or exit code 1 with all problems."""

import pytest
from support.dataset import NAMES, hard_rows, opinion_rows, soft_rows
from support.tsv import HARD, OPINIONS, SOFT, write_rows

from softsed import cli
from softsed.core.metadata import read_asked, read_classes
from softsed.data import infer_tables


@pytest.mark.parametrize(
    ("kind", "header", "rows"),
    [("soft", SOFT, soft_rows()), ("hard", HARD, hard_rows()), ("opinions", OPINIONS, opinion_rows())],
)
def test_correct_dataset_becomes_tables(data, kind, header, rows):
    """The command and the step of the workflow write the same files."""
    labels = write_rows(data / "labels.tsv", rows, header)
    dataset = ["--audio", str(data / "audio"), f"--{kind}", str(labels)]
    assert cli.main(["check", *dataset, "--folds", "2", "--validation", "0.5", "--tables", str(data / "one")]) == 0
    classes = read_classes(data / "one/classes.tsv")
    assert classes == ["car", "tap"]
    recordings, asked = read_asked(data / "one/recordings.tsv", data / "one/scenes.tsv", classes)
    assert tuple(recordings) == NAMES
    assert {one.duration_s for one in recordings.values()} == {3.5 if kind == "hard" else 3}
    assert asked == {"asked_1" if kind == "opinions" else "all": classes}
    infer_tables.main([*dataset, "--tables", str(data / "two")])
    for path in (data / "one").iterdir():
        assert path.read_bytes() == (data / "two" / path.name).read_bytes()


def test_problems_are_reported_with_exit_code_1(data, capsys):
    labels = write_rows(data / "soft.tsv", soft_rows(), SOFT)
    command = ["check", "--audio", str(data / "audio"), "--soft", str(labels), "--tables", str(data / "out")]
    assert cli.main(command) == 1
    shown = capsys.readouterr().err
    assert "1 problem in the dataset:\n  5 folds need more recordings" in shown
    assert not (data / "out").exists()


def test_opinions_without_audio_and_true_events(tmp_path, capsys):
    labels = write_rows(tmp_path / "o.tsv", opinion_rows(), OPINIONS)
    (tmp_path / "truth").mkdir()
    for name in NAMES:
        (tmp_path / f"truth/{name}.txt").write_text("0\t1\tcar\n1\t2\tsiren\n")
    assert cli.main(["check", "--opinions", str(labels), "--truth", str(tmp_path / "truth")]) == 0
    shown = capsys.readouterr().err
    assert "4 of 8 true events do not count" in shown
    assert "no problems: 4 recordings" in shown


def test_labels_without_audio_are_refused(data, capsys):
    labels = write_rows(data / "soft.tsv", soft_rows(), SOFT)
    assert cli.main(["check", "--soft", str(labels)]) == 1
    assert "--audio: no audio" in capsys.readouterr().err
