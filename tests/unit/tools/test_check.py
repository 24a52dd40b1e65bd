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
    assert "1 problem in the dataset:\n  scene 'all' has 4 recordings, too few for 5 folds" in shown
    assert not (data / "out").exists()


def test_formats_are_warned_about(data, capsys):
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
    assert shown.startswith("no problems: 4 recordings")
