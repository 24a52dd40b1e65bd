"""Strong labels and clip tags to opinions: by hand and against a plain loop."""

import math
import resource

import numpy as np
import pytest
from support.errors import refused
from support.tsv import OPINIONS, write_rows

from softsed import cli
from softsed.tools import convert
from softsed.tools.convert import Strong, read_sonyc

COLUMNS = "recording\tscene\tannotator\tonset\toffset\tlabel"


def strong(path, rows):
    return write_rows(path, rows, COLUMNS)


def parse(rows):
    """Rows of opinions as a dictionary: (recording, onset, offset, annotator, class) to the answer."""
    header, *rows = rows
    assert header.startswith(OPINIONS)
    fields = [row.rstrip("\n").split("\t") for row in rows]
    return {(f[0], int(f[1]), int(f[2]), f[3], f[4]): int(f[5]) for f in fields}


EVENTS = [
    ("r", "street", "A", 3.0, 4.5, "car"),
    ("r", "street", "B", 0.0, 13.9, "dog"),
    ("q", "street", "A", 0.0, 2.0, "car"),
]


def test_windows_ticks_and_explicit_zeros_by_hand(tmp_path):
    labels = Strong(strong(tmp_path / "s.tsv", EVENTS))
    answers = parse(labels.opinions(window=10, hop=1))
    # r lasts 13 s: windows from 0, 1, 2 and 3; q lasts 2 s: one window of 2 s; B is not an annotator of q.
    assert len(answers) == 4 * 2 * 2 + 2
    assert {key[1:3] for key in answers if key[0] == "r"} == {(0, 10), (1, 11), (2, 12), (3, 13)}
    assert {key[1:4] for key in answers if key[0] == "q"} == {(0, 2, "A")}
    assert [answers["r", t, t + 10, "A", "car"] for t in range(4)] == [1, 1, 1, 1]
    assert [answers["r", t, t + 10, "B", "car"] for t in range(4)] == [0, 0, 0, 0]
    assert answers["q", 0, 2, "A", "dog"] == 0  # asked, because B used the label in the scene


@pytest.mark.parametrize(
    ("onset", "offset", "expected"),
    [
        (2, 4, [0, 1, 0, 0]),
        (2, 2.1, [0, 1, 0, 0]),
        (1.9, 2, [1, 0, 0, 0]),
        (1.9, 4.1, [1, 1, 1, 0]),
        (2, 2, [0, 0, 0, 0]),
    ],
)
def test_touching_is_not_overlapping(tmp_path, onset, offset, expected):
    rows = [("r", "s", "A", onset, offset, "car"), ("r", "s", "A", 0, 8, "dog")]
    answers = parse(Strong(strong(tmp_path / "s.tsv", rows)).opinions(window=2, hop=2))
    assert [answers["r", t, t + 2, "A", "car"] for t in (0, 2, 4, 6)] == expected


def test_the_last_window_ends_with_the_recording(tmp_path):
    labels = Strong(strong(tmp_path / "s.tsv", [("r", "s", "A", 0, 14.2, "car")]))
    assert [key[1:3] for key in parse(labels.opinions(window=5, hop=4))] == [(0, 5), (4, 9), (8, 13), (9, 14)]


@pytest.mark.parametrize("seed", range(3))
def test_equals_a_plain_loop(tmp_path, seed):
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(60):
        onset = rng.uniform(0, 40)
        rows.append(
            (
                f"r{rng.integers(2)}",
                "s",
                f"A{rng.integers(5)}",
                onset,
                onset + rng.exponential(3),
                f"c{rng.integers(3)}",
            )
        )
    labels = Strong(strong(tmp_path / "s.tsv", rows))
    answers = parse(labels.opinions(window=10, hop=1))
    for (name, start, end, who, label), answer in answers.items():
        mine = [row for row in rows if (row[0], row[2], row[5]) == (name, who, label)]
        assert answer == any(min(end, row[4]) - max(start, row[3]) > 0 for row in mine)
    for name, seconds in labels.seconds.items():
        assert seconds == math.floor(max(row[4] for row in rows if row[0] == name))
        people = {row[2] for row in rows if row[0] == name}
        active = labels.majority(name)
        for second in range(seconds):
            for column, label in enumerate(labels.asked["s"]):
                votes = {
                    row[2]
                    for row in rows
                    if (row[0], row[5]) == (name, label) and row[3] < second + 1 and row[4] > second
                }
                assert active[second, column] == (len(votes) > len(people) / 2)


def test_labels_of_few_are_left_out(tmp_path):
    rows = [
        *EVENTS,
        ("r", "street", "B", 1, 2, "car"),
        ("p", "yard", "C", 0, 5, "dog"),
        ("p", "yard", "D", 0, 5, "dog"),
    ]
    labels = Strong(strong(tmp_path / "s.tsv", rows), minimum=2)
    assert labels.asked == {"yard": ["dog"], "street": ["car"]}  # a label counts in each scene by itself
    with refused(file="s.tsv", problem=["3 annotators", "'yard'"]):
        Strong(strong(tmp_path / "s.tsv", rows), minimum=3)


@pytest.mark.parametrize(
    ("row", "line", "problem"),
    [
        (("r", "street", "A", 0, 3600000, "car"), 5, "'0' to '3600000'"),
        (("r", "street", "A", "x", 2, "car"), 5, "'x' to '2'"),
        (("r", "street", "A", 3, 2, "car"), 5, "'3' to '2'"),
        (("r", "street", "A", -1, 2, "car"), 5, "'-1' to '2'"),
        (("r", "street", "A", 1, "nan", "car"), 5, "'1' to 'nan'"),
        (("r", "yard", "A", 1, 2, "car"), 5, ["'r'", "'yard'", "'street'"]),
        (("r", "street", "", 1, 2, "car"), 5, "'annotator': ''"),
        (("r", "street", "A", 1, 2), 5, "5 tab-separated fields"),
        (("t", "street", "A", 0, 0.5, "car"), None, ["'t'", "0.5 s"]),
    ],
)
def test_errors_of_strong_labels(tmp_path, row, line, problem):
    with refused(file="s.tsv", line=line, problem=problem) as caught:
        Strong(strong(tmp_path / "s.tsv", [*EVENTS, row]))
    assert (caught.value.remedy is not None) == ("3600000" in problem)


def test_strong_command(tmp_path):
    path = strong(tmp_path / "s.tsv", [*EVENTS, ("r", "street", "C", 2.5, 6.2, "car")])
    arguments = ["strong", "--annotations", str(path), "--opinions", str(tmp_path / "out/o.tsv")]
    convert.main([*arguments, "--majority", str(tmp_path / "majority")])
    rows = (tmp_path / "out/o.tsv").read_text(encoding="utf-8").splitlines()
    assert rows[0].endswith("\topinion\tscene")
    assert len(rows) == 1 + 4 * 3 * 2 + 2
    # Seconds 3 and 4: A from 3 to 4.5 and C from 2.5 to 6.2 are two of three.
    assert (tmp_path / "majority/r.txt").read_text(encoding="utf-8") == "3\t5\tcar\n"
    assert (tmp_path / "majority/q.txt").read_text(encoding="utf-8") == "0\t2\tcar\n"
    with refused(key="--hop", problem=["10 s", "11 s"], expected="1 <= hop <= window"):
        convert.main([*arguments, "--hop", "11"])


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
    assert parse(read_sonyc(path, "coarse")) == {
        ("00_000066", 0, 10, "146", "1_engine"): 1,
        ("00_000066", 0, 10, "146", "8_dog"): 0,
        ("00_000066", 0, 10, "220", "1_engine"): 1,
        ("00_000066", 0, 10, "220", "8_dog"): 0,
        ("01_000006", 0, 10, "220", "1_engine"): 0,
        ("01_000006", 0, 10, "220", "8_dog"): 1,
    }
    fine = parse(read_sonyc(path, "fine"))
    names = ["1-1_small-sounding-engine", "1-X_engine-of-uncertain-size", "8-1_dog-barking-whining"]
    assert [fine["00_000066", 0, 10, "220", name] for name in names] == [0, 1, 0]
    assert len(fine) == 9


@pytest.mark.parametrize(
    ("change", "line", "problem"),
    [
        (("audio_filename", "file"), 1, "['audio_filename']"),
        (("_presence", "_there"), 1, "_presence of the coarse level"),
        ((",146,", ",x,"), 2, "annotator_id is 'x'"),
        (("near,-1,1,0", "near,-1,2,0"), 2, "1_engine_presence is '2'"),
        (("near,-1,1,0", "near,-1,-1,0"), 2, "1_engine_presence is '-1'"),
        (("near,-1,1,0", "near,-1,1"), 2, "fields"),
    ],
)
def test_errors_of_sonyc(tmp_path, change, line, problem):
    path = tmp_path / "annotations.csv"
    path.write_text(SONYC.replace(*change), encoding="utf-8")
    output = tmp_path / "o.tsv"
    with refused(file="annotations.csv", line=line, problem=problem):
        convert.main(["sonyc", "--annotations", str(path), "--level", "coarse", "--opinions", str(output)])
    assert not output.exists()


def test_sonyc_without_volunteers_and_with_repeats(tmp_path, caplog):
    path = tmp_path / "annotations.csv"
    lines = SONYC.splitlines()
    path.write_text("\n".join([lines[0], lines[3], lines[4]]), encoding="utf-8")
    with refused(file="annotations.csv", problem="no volunteers"):
        list(read_sonyc(path, "coarse"))
    path.write_text("\n".join([*lines, lines[1]]), encoding="utf-8")
    assert len(parse(read_sonyc(path, "coarse"))) == 6
    assert "1 rows repeat clip and annotator" in caplog.text


@pytest.mark.parametrize("name", ["..", ".hidden", "-option"])
def test_a_recording_that_would_be_written_elsewhere_is_refused(tmp_path, name):
    path = strong(tmp_path / "s.tsv", [*EVENTS, (name, "street", "A", 0, 2, "car")])
    with refused(file="s.tsv", line=5, problem=repr(name)):
        convert.main(["strong", "--annotations", str(path), "--opinions", str(tmp_path / "o.tsv")])
    assert not (tmp_path / "o.tsv").exists()


def test_a_table_that_is_there_stays_until_the_new_one_is_whole(tmp_path):
    command = ["strong", "--annotations", str(strong(tmp_path / "s.tsv", EVENTS * 20)), "--opinions"]
    command += [str(tmp_path / "o.tsv")]
    convert.main(command)
    before = (tmp_path / "o.tsv").read_bytes()
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) // 2, limit[1]))
    try:
        assert cli.main(["convert", *command]) == 1
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert (tmp_path / "o.tsv").read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {"s.tsv", "o.tsv"}
