"""The command `softsed check`: the tables of a correct dataset, or exit code 1 with all problems."""

import numpy as np
import pytest
import soundfile
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
    assert asked == {"all": classes}
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


def test_unsuitable_formats_are_reported(data, capsys):
    """Recordings at 1 kHz, a fifth one at 44.1 kHz whose channels cancel."""
    tone = 0.1 * np.sin(np.arange(3 * 44100))
    soundfile.write(data / "audio/e.wav", np.stack([tone, -tone], axis=1), 44100)
    rows = soft_rows() + [row.replace("a\t", "e\t", 1) for row in soft_rows() if row.startswith("a\t")]
    labels = write_rows(data / "soft.tsv", rows, SOFT)
    command = ["check", "--audio", str(data / "audio"), "--soft", str(labels), "--folds", "2", "--validation", "0.5"]
    assert cli.main(command) == 0
    shown = capsys.readouterr().err
    assert "4 of 5 recordings have a sampling rate below 28000 Hz" in shown
    assert "'a' at 1000 Hz" in shown
    assert "1000 Hz (4, first: 'a'), 44100 Hz (1, first: 'e')" in shown
    assert "1 of 5 recordings has channels that cancel when they are averaged (first: 'e')" in shown
    (data / "audio/e.wav").unlink()
    write_rows(labels, soft_rows(), SOFT)
    assert cli.main([*command, "--f-max", "500"]) == 0
    shown = capsys.readouterr().err
    assert shown.startswith("no errors: 4 recordings")


def test_equal_annotators_are_reported(data, capsys):
    """One person under two names, or copied answers: half of the 24 answers are ticks."""
    rows = [
        f"{name}\t{start}\t{start + 1}\t{who}\t{label}\t{(index + start) % 2}"
        for index, name in enumerate(NAMES)
        for start in range(3)
        for who in ("anna", "anna2")
        for label in ("car", "tap")
    ]
    labels = write_rows(data / "labels.tsv", rows, OPINIONS)
    assert cli.main(["check", "--audio", str(data / "audio"), "--opinions", str(labels), "--folds", "0"]) == 0
    shown = capsys.readouterr().err
    assert "1 of 1 pairs of annotators never disagree" in shown
    assert "'anna' and 'anna2' (12 times 0 and 12 times 1)" in shown


def test_opinions_without_audio_and_true_events(tmp_path, capsys):
    labels = write_rows(tmp_path / "o.tsv", opinion_rows(), OPINIONS)
    (tmp_path / "truth").mkdir()
    for name in NAMES:
        (tmp_path / f"truth/{name}.txt").write_text("0\t1\tcar\n1\t2\tsiren\n")
    assert cli.main(["check", "--opinions", str(labels), "--truth", str(tmp_path / "truth")]) == 0
    shown = capsys.readouterr().err
    assert "4 of 8 true events do not count" in shown
    assert "no errors: 4 recordings" in shown


def test_labels_without_audio_are_refused(data, capsys):
    labels = write_rows(data / "soft.tsv", soft_rows(), SOFT)
    assert cli.main(["check", "--soft", str(labels)]) == 1
    assert "--audio: the option is missing" in capsys.readouterr().err
