"""Tags of clips in the layout of SONYC-UST."""

import pytest
from support.errors import refused
from support.tsv import read_answers

from softsed.tools.convert import command
from softsed.tools.convert.sonyc import read_sonyc

# The header of annotations.csv (SONYC-UST 2.3), shortened to three groups; team members leave groups out (-1).
SONYC = """\
split,sensor_id,audio_filename,annotator_id,year,1-1_small-sounding-engine_presence,1-X_engine-of-uncertain-size_presence,\
8-1_dog-barking-whining_presence,1-1_small-sounding-engine_proximity,8-1_dog-barking-whining_proximity,1_engine_presence,\
8_dog_presence
train,1,00_000066.wav,146,2016,1,0,0,near,-1,1,0
train,1,00_000066.wav,220,2016,0,1,0,-1,-1,1,0
train,1,00_000066.wav,-5,2016,1,0,-1,-1,-1,1,-1
train,1,00_000066.wav,0,2016,1,0,0,-1,-1,1,0
validate,2,01_000006.wav,220,2017,0,0,1,-1,far,0,1
"""


def test_sonyc_takes_the_volunteers_answers(tmp_path):
    path = tmp_path / "annotations.csv"
    path.write_text(SONYC, encoding="utf-8")
    assert read_answers(read_sonyc(path, "coarse")) == {
        ("00_000066", 0, 10, "146", "1_engine"): 1,
        ("00_000066", 0, 10, "146", "8_dog"): 0,
        ("00_000066", 0, 10, "220", "1_engine"): 1,
        ("00_000066", 0, 10, "220", "8_dog"): 0,
        ("01_000006", 0, 10, "220", "1_engine"): 0,
        ("01_000006", 0, 10, "220", "8_dog"): 1,
    }
    fine = read_answers(read_sonyc(path, "fine"))
    names = ["1-1_small-sounding-engine", "1-X_engine-of-uncertain-size", "8-1_dog-barking-whining"]
    assert [fine["00_000066", 0, 10, "220", name] for name in names] == [0, 1, 0]
    assert len(fine) == 9


def test_output_is_reported_with_the_next_command(tmp_path, caplog):
    caplog.set_level("INFO")
    path, opinions = tmp_path / "annotations.csv", tmp_path / "opinions.tsv"
    path.write_text(SONYC, encoding="utf-8")
    command.main(["sonyc", "--annotations", str(path), "--level", "coarse", "--opinions", str(opinions)])
    what = "2 recordings, 2 annotators, 2 classes: 1_engine, 8_dog"
    assert caplog.messages == [f"{opinions} written: {what}. Next: `softsed check --opinions {opinions}`"]


@pytest.mark.parametrize(
    ("change", "line", "problem"),
    [
        (("audio_filename", "file"), 1, "['audio_filename']"),
        (("_presence", "_there"), 1, "_presence of the coarse level"),
        ((",146,", ",x,"), 2, "annotator_id is 'x'"),
        (("near,-1,1,0", "near,-1,2,0"), 2, "1_engine_presence is '2'"),
        (("near,-1,1,0", "near,-1,-1,0"), 2, "1_engine_presence is '-1'"),
        (("near,-1,1,0", "near,-1,1"), 2, "8_dog_presence is ''"),
        (("near,-1,1,0", "near,-1,1,0,0"), 2, "13 fields"),
    ],
)
def test_errors_of_sonyc(tmp_path, change, line, problem):
    path = tmp_path / "annotations.csv"
    path.write_text(SONYC.replace(*change), encoding="utf-8")
    output = tmp_path / "o.tsv"
    with refused(file="annotations.csv", line=line, problem=problem):
        command.main(["sonyc", "--annotations", str(path), "--level", "coarse", "--opinions", str(output)])
    assert not output.exists()


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_names_of_sonyc_lose_endings_of_audio_only(tmp_path, separator):
    """The names 00.1 and 00.2 differ in a part that is not an ending of audio."""
    rows = [("audio_filename", "annotator_id", "8_dog_presence"), ("00.1", "7", "1"), ("a/00.2.wav.WAV", "7", "0")]
    path = tmp_path / "annotations.csv"
    path.write_text("".join(f"{separator.join(row)}\n" for row in rows), encoding="utf-8")
    assert read_answers(read_sonyc(path, "coarse")) == {
        ("00.1", 0, 10, "7", "8_dog"): 1,
        ("00.2", 0, 10, "7", "8_dog"): 0,
    }


@pytest.mark.parametrize(("names", "other"), [(("x.wav", "X.wav"), "'x'"), (("x.wav", "x"), "'x.wav'")])
def test_clip_of_sonyc_with_two_names_is_refused(tmp_path, names, other):
    path = tmp_path / "annotations.csv"
    rows = "".join(f"{name},{who},1\n" for who, name in enumerate(names, start=7))
    path.write_text(f"audio_filename,annotator_id,8_dog_presence\n{rows}", encoding="utf-8")
    with refused(file="annotations.csv", line=3, problem=other):
        read_sonyc(path, "coarse")


def test_sonyc_without_volunteers_and_with_repeats(tmp_path, caplog):
    path = tmp_path / "annotations.csv"
    lines = SONYC.splitlines()
    path.write_text("\n".join([lines[0], lines[3], lines[4]]), encoding="utf-8")
    with refused(file="annotations.csv", problem="no volunteers"):
        read_sonyc(path, "coarse")
    path.write_text("\n".join([*lines, lines[1]]), encoding="utf-8")
    assert len(read_answers(read_sonyc(path, "coarse"))) == 6
    assert "1 row repeats clip and annotator" in caplog.text
