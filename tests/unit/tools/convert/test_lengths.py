"""Lengths of recordings from tables and from audio."""

import numpy as np
import pytest
import soundfile
from support.errors import refused

from softsed.tools.convert.lengths import measure_folder, read_lengths


def write(tmp_path, text):
    (tmp_path / "r.tsv").write_text(text, encoding="utf-8")
    return tmp_path / "r.tsv"


@pytest.mark.parametrize("header", ["recording\tduration_s", "filename\tduration", "File\tDuration (s)"])
def test_table_of_recordings(tmp_path, header):
    found = read_lengths(write(tmp_path, f"{header}\na.wav\t9.97\nb\t10\n"))
    assert (found.seconds, found.scenes) == ({"a": 9.97, "b": 10}, {})


def test_scenes_of_the_table(tmp_path):
    assert read_lengths(write(tmp_path, "recording\tscene\tduration_s\na\tyard\t9\n")).scenes == {"a": "yard"}


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("recording\tscene\na\tyard\n", 1, "no column duration_s"),
        ("recording\tduration_s\na\tlong\n", 2, "'long'"),
        ("recording\tduration_s\na\t0.5\n", 2, "'0.5'"),
        ("recording\tduration_s\na\t9\na.wav\t9\n", 3, "'a' is listed twice"),
        ("recording\tduration_s\n\t9\n", 2, "no recording"),
        ("recording\tscene\tduration_s\na\t\t9\n", 2, "no scene"),
        ("recording\tscene\tduration_s\na\tpark\t9\nb\tPark\t9\n", 3, ["'Park'", "'park'"]),
    ],
)
def test_tables_that_are_refused(tmp_path, text, line, problem):
    with refused(file="r.tsv", line=line, problem=problem):
        read_lengths(write(tmp_path, text))


def test_audio_is_measured(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros(2500), 1000)
    soundfile.write(tmp_path / "b.flac", np.zeros(9000), 8000)
    assert measure_folder(tmp_path).seconds == {"a": 2.5, "b": 1.125}
