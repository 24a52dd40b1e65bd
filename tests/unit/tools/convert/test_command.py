"""The command `softsed convert`: options, and outputs that are whole or not there."""

import resource

import numpy as np
import pytest
import soundfile
from support.errors import refused
from support.tsv import read_answers, read_rows, write_rows

from softsed import cli
from softsed.tools.convert import command

COLUMNS = "recording\tscene\tannotator\tonset\toffset\tlabel"
EVENTS = [
    ("r", "street", "A", 3.0, 4.5, "car"),
    ("r", "street", "B", 0.0, 13.9, "dog"),
    ("q", "street", "A", 0.0, 2.0, "car"),
]


def strong(path, rows):
    return write_rows(path, rows, COLUMNS)


def run(tmp_path, rows, *options, name="strong"):
    path = strong(tmp_path / "s.tsv", rows)
    command.main([name, "--annotations", str(path), "--opinions", str(tmp_path / "o.tsv"), *map(str, options)])
    return read_answers((tmp_path / "o.tsv").read_text(encoding="utf-8").splitlines())


def test_strong_command(tmp_path):
    rows = [*EVENTS, ("r", "street", "C", 2.5, 6.2, "car")]
    found = run(tmp_path, rows, "--majority", tmp_path / "majority")
    assert len(found) == 4 * 3 * 2 + 2
    # Seconds 3 and 4: A from 3 to 4.5 and C from 2.5 to 6.2 are two of three.
    assert (tmp_path / "majority/r.txt").read_text(encoding="utf-8") == "3\t5\tcar\n"
    assert (tmp_path / "majority/q.txt").read_text(encoding="utf-8") == "0\t2\tcar\n"
    with refused(key="--hop", problem=["10 s", "11 s"], expected="1 <= hop <= window"):
        run(tmp_path, rows, "--hop", "11")


@pytest.mark.parametrize("silence", [("", ""), (0, 0), ("", "", "")])
def test_four_of_five_heard_nothing(tmp_path, silence):
    """One of five heard a dog in r, as all five did in q. Silence is stated by empty fields, or by a label at 0 s."""
    people = ["ann", "bob", "cyd", "dee", "eve"]
    rows = [("r", "yard", "ann", 2.0, 4.0, "dog"), *(("q", "yard", who, 1.0, 9.6, "dog") for who in people)]
    label = "nothing" if silence == (0, 0) else ""
    rows += [("r", "yard", who, *silence[:2], *([label] * (len(silence) == 2))) for who in people[1:]]
    lengths = write_rows(tmp_path / "r.tsv", [("r", 10), ("q", 10)], "recording\tduration_s")
    found = run(tmp_path, rows, "--recordings", lengths)
    assert {key: answer for key, answer in found.items() if key[0] == "r"} == {
        ("r", 0, 10, who, "dog"): int(who == "ann") for who in people
    }
    assert sum(answer for key, answer in found.items() if key[0] == "q") == 5


def test_outputs_are_reported_with_the_next_command(tmp_path, caplog):
    caplog.set_level("INFO")
    run(tmp_path, EVENTS, "--hard", tmp_path / "my labels")
    first, second = [record.getMessage() for record in caplog.records if "written" in record.getMessage()]
    assert (
        "o.tsv written: 2 recordings, 2 annotators, 2 classes: car, dog. Windows last 10 s; --window 1 keeps the times "
        in first
    )
    assert "Next: `softsed check --opinions " in first
    assert f"Next: `softsed check --audio FOLDER --hard '{tmp_path / 'my labels'}'`" in second


def test_classes_without_a_majority_are_named(tmp_path, caplog):
    caplog.set_level("INFO")
    rows = [("r", "yard", who, 0, 4, "car") for who in "AB"]
    run(tmp_path, [*rows, ("r", "yard", "A", 5, 6, "dog")], "--hard", tmp_path / "hard.tsv")
    assert "hard.tsv written: 1 recording, 2 annotators, 1 class: car. Next" in caplog.text
    assert "hard.tsv: classes that no majority marked in any second: dog" in caplog.text


def test_lengths_of_audio(tmp_path):
    (tmp_path / "audio").mkdir()
    for name in "rq":
        soundfile.write(tmp_path / f"audio/{name}.wav", np.zeros(21500), 1000)
    found = run(tmp_path, EVENTS, "--audio", tmp_path / "audio", "--everyone", "--window", 21)
    assert {key[:4] for key in found} == {(name, 0, 21, who) for name in "rq" for who in "AB"}


@pytest.mark.parametrize(
    ("options", "file", "text", "expected"),
    [
        (["audacity"], "ann/r.txt", "0\t2\tcar\n", "ann"),
        (["audacity", "--annotator", "bob"], "r.txt", "0\t2\tcar\n", "bob"),
        (
            ["raven", "--map", "label=Kind"],
            "ann/r.Table.1.selections.txt",
            "Begin Time (s)\tEnd Time (s)\tKind\n0\t2\tcar\n",
            "ann",
        ),
        (
            ["textgrid", "--tiers", "classes", "--tier", "car"],
            "ann/r.TextGrid",
            '"ooTextFile"\n"TextGrid"\n0\n2\n<exists>\n1\n"IntervalTier"\n"car"\n0\n2\n1\n0\n2\n"x"\n',
            "ann",
        ),
        (
            ["label-studio", "--map", "label=a"],
            "",
            '[{"data": {"audio": "r.wav"}, "annotations": [{"completed_by": 7, "result": [{"from_name": "a", "value": '
            '{"start": 0, "end": 2, "labels": ["car"]}}]}]}]',
            "7",
        ),
        (
            ["table", "--map", "recording=clip,label=what", "--map", "onset=from,offset=to"],
            "",
            "clip,what,from,to\nr.wav,car,0,2\n",
            "annotator",
        ),
    ],
)
def test_every_format(tmp_path, options, file, text, expected):
    path = tmp_path / "in" / file if file else tmp_path / "in"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    command.main([*options, "--annotations", str(tmp_path / "in"), "--opinions", str(tmp_path / "o.tsv")])
    found = read_answers((tmp_path / "o.tsv").read_text(encoding="utf-8").splitlines())
    assert found == {("r", 0, 2, expected, "car"): 1}


def test_one_annotator_becomes_hard_labels(tmp_path):
    (tmp_path / "d.tsv").write_text("filename\tonset\toffset\tevent_label\na.wav\t0\t0.5\tDog\nb.wav\t\t\t\n")
    command.main(["desed", "--annotations", str(tmp_path / "d.tsv"), "--hard", str(tmp_path / "hard.tsv")])
    rows = [tuple(row.values()) for row in read_rows(tmp_path / "hard.tsv")]
    assert rows == [("a", "0", "0.5", "Dog"), ("b", "", "", "")]


@pytest.mark.parametrize(
    ("options", "key"),
    [([], "--opinions"), (["--hard", "h", "--points", "-1"], "--points"), (["--hard", "h", "--map", "x"], "--map")],
)
def test_options_that_are_refused(tmp_path, options, key):
    path = strong(tmp_path / "s.tsv", EVENTS)
    with refused(key=key):
        command.main(["strong", "--annotations", str(path), *options])


@pytest.mark.parametrize(
    ("row", "line", "problem"),
    [
        (("r", "street", "A", 0, 3600000, "car"), 5, "'0' to '3600000'"),
        (("r", "street", "A", "x", 2, "car"), 5, "'x' to '2'"),
        (("r", "street", "A", 3, 2, "car"), 5, "'3' to '2'"),
        (("r", "street", "A", -1, 2, "car"), 5, "'-1' to '2'"),
        (("r", "street", "A", 1, "nan", "car"), 5, "'1' to 'nan'"),
        (("r", "yard", "A", 1, 2, "car"), 5, ["'r'", "'yard'", "'street'"]),
        (("r", "street", "", 1, 2, "car"), 5, "no annotator"),
        (("r", "street", "A", 1, 2), 5, "no label"),
        (("t", "street", "A", 0, 0.5, "car"), None, ["'t'", "0.5 s"]),
    ],
)
def test_errors_of_strong_labels(tmp_path, row, line, problem):
    with refused(file="s.tsv", line=line, problem=problem) as caught:
        run(tmp_path, [*EVENTS, row])
    assert (caught.value.remedy is not None) == any(
        text in problem for text in ("3600000", "'3' to '2'", "no label", "0.5 s")
    )
    assert not (tmp_path / "o.tsv").exists()


@pytest.mark.parametrize("name", ["../../escaped", "/escaped", "scene/escaped", "..\\escaped"])
def test_folders_in_names_are_not_written(tmp_path, name):
    run(tmp_path, [*EVENTS, (name, "street", "A", 0, 2, "car")], "--hard", tmp_path / "out/hard")
    assert {path.name for path in (tmp_path / "out/hard").iterdir()} == {"r.txt", "q.txt", "escaped.txt"}
    assert {path.name for path in tmp_path.iterdir()} == {"s.tsv", "o.tsv", "out"}


def test_existing_table_stays_until_new_is_complete(tmp_path):
    arguments = ["strong", "--annotations", str(strong(tmp_path / "s.tsv", EVENTS * 20)), "--opinions"]
    arguments += [str(tmp_path / "o.tsv")]
    command.main(arguments)
    before = (tmp_path / "o.tsv").read_bytes()
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) // 2, limit[1]))
    try:
        assert cli.main(["convert", *arguments]) == 1
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert (tmp_path / "o.tsv").read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {"s.tsv", "o.tsv"}
