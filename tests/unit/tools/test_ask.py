"""The command `softsed ask`: its tables, and answers that are read back in."""

import numpy as np
import pytest
import yaml
from support.errors import refused
from support.project import ROOT

from softsed.core.tsv import read_table
from softsed.tools import ask


def write_crowd(path, *, windows=12, scene=False):
    """Four annotators, windows of 4 s every 2 s; "car" is asked about only in the recording a."""
    rng = np.random.default_rng(0)
    rows = ["recording\tonset\toffset\tannotator\tclass\topinion" + ("\tscene" if scene else "")]
    for name, classes in (("a", ["birds", "car"]), ("b", ["birds"])):
        for start in range(0, 2 * windows, 2):
            heard = {label: (start // 6 + place) % 2 for place, label in enumerate(classes)}
            rows += [
                f"{name}\t{start}\t{start + 4}\tA{who}\t{label}\t{int(rng.uniform() < 0.1 + 0.7 * heard[label])}"
                + (f"\tpark {name}" if scene else "")
                for who in range(4)
                for label in classes
            ]
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def run(folder, *options, opinions="opinions.tsv", budget=6):
    ask.main([f"--opinions={folder / opinions}", f"--budget={budget}", f"--questions={folder / 'q.tsv'}", *options])
    return read_table(folder / "q.tsv", ("recording", "gain"))


def test_questions_are_opinions_without_answers(tmp_path, caplog):
    caplog.set_level("INFO")
    write_crowd(tmp_path / "opinions.tsv")
    rows = run(tmp_path, f"--annotators={tmp_path / 'people.tsv'}", "--hop=1")
    assert len(rows) == 6
    assert {(row["annotator"], row["opinion"]) for row in rows} == {("", "")}
    assert {int(row["offset"]) - int(row["onset"]) for row in rows} == {4}
    assert not [row for row in rows if row["recording"] == "b" and row["class"] == "car"]  # nobody was asked about it
    people = read_table(tmp_path / "people.tsv", ("annotator", "ask"))
    assert sorted(row["annotator"] for row in people) == ["A0", "A1", "A2", "A3"]
    assert {row["opinions"] for row in people} == {"36"}
    assert "6 questions. Expected Brier score: " in caplog.text


@pytest.mark.parametrize("length", [1, 4])
def test_windows_of_1_s_get_a_warning(tmp_path, caplog, length):
    """Other windows get none."""
    table = write_crowd(tmp_path / "opinions.tsv")
    header, *rows = [line.split("\t") for line in table.read_text().splitlines()]
    rows = [[row[0], row[1], str(int(row[1]) + length), *row[3:]] for row in rows]
    table.write_text("\n".join("\t".join(row) for row in [header, *rows]) + "\n", encoding="utf-8")
    run(tmp_path)
    assert ("windows of 1 s" in caplog.text) == (length == 1)


def test_sheets_and_longer_windows(tmp_path):
    write_crowd(tmp_path / "opinions.tsv")
    rows = run(tmp_path, "--sheets", "--window=6", "--hop=3", budget=9)
    windows = [(row["recording"], row["onset"], row["offset"]) for row in rows]
    assert all(int(end) - int(start) == 6 for _, start, end in windows)
    for window in set(windows):
        assert windows.count(window) == (2 if window[0] == "a" else 1)


def test_answers_are_read_back_in(tmp_path):
    """Answered questions become opinions; the scene is that of the recording, and empty rows are left out."""
    write_crowd(tmp_path / "opinions.tsv", scene=True)
    rows = run(tmp_path)
    lines = ["\t".join(rows[0])]
    for place, row in enumerate(rows):
        lines.append("\t".join((row | ({"annotator": "new", "opinion": "1"} if place < 4 else {})).values()))
    (tmp_path / "answers.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    again = run(tmp_path, f"--answers={tmp_path / 'answers.tsv'}", f"--merged={tmp_path / 'all.tsv'}")
    merged = read_table(tmp_path / "all.tsv", ("recording", "scene"))
    before = read_table(tmp_path / "opinions.tsv", ("recording", "scene"))
    assert merged[: len(before)] == before
    assert [row["class"] for row in merged[len(before) :]] == [row["class"] for row in rows[:4]]
    assert {row["scene"] for row in merged[len(before) :]} <= {"park a", "park b"}
    assert again != rows


def test_recordings_without_opinions_are_asked_about(tmp_path):
    write_crowd(tmp_path / "opinions.tsv")
    texts = {"recordings": "recording\tscene\tduration_s\na\tpark\t26\nb\tpark\t26\nc\tpark\t26\n"}
    texts |= {"classes": "class\nbirds\ncar\n", "scenes": "scene\tclass\npark\tbirds\npark\tcar\n"}
    for name, text in texts.items():
        (tmp_path / f"{name}.tsv").write_text(text, encoding="utf-8")
    tables = [f"--{name}={tmp_path / name}.tsv" for name in texts]
    rows = run(tmp_path, *tables, budget=20)
    assert {row["class"] for row in rows if row["recording"] == "c"} == {"birds", "car"}
    with refused(problem="--recordings is set without --classes and --scenes"):
        run(tmp_path, tables[0])


def test_answers_without_any_answer_are_refused(tmp_path):
    write_crowd(tmp_path / "opinions.tsv")
    run(tmp_path)
    with refused(file="q.tsv", problem="6 questions"):
        run(tmp_path, f"--answers={tmp_path / 'q.tsv'}", f"--merged={tmp_path / 'all.tsv'}")
    with refused(problem="--answers is set without --merged"):
        run(tmp_path, f"--answers={tmp_path / 'q.tsv'}")
    with refused(key="--merged"):
        run(tmp_path, f"--answers={tmp_path / 'q.tsv'}", f"--merged={tmp_path / 'q.tsv'}")
    assert not (tmp_path / "all.tsv").exists()


@pytest.mark.parametrize(
    ("column", "value", "problem"),
    [
        ("recording", "zzz", "unknown recording 'zzz'"),
        ("class", "cow", "class 'cow'"),
        ("opinion", "yes", "opinion is 'yes'"),
        ("annotator", "A1", "'A1' has answered this question before"),
    ],
)
def test_wrong_answers_are_refused_with_their_line(tmp_path, column, value, problem):
    write_crowd(tmp_path / "opinions.tsv")
    row = {"recording": "a", "onset": "2", "offset": "6", "annotator": "new", "class": "car", "opinion": "1"}
    rows = [row | {"annotator": "other"}, row | {column: value}]
    lines = ["\t".join(row), *("\t".join(one.values()) for one in rows)]
    (tmp_path / "answers.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    with refused(file="answers.tsv", line=3, problem=problem):
        run(tmp_path, f"--answers={tmp_path / 'answers.tsv'}", f"--merged={tmp_path / 'all.tsv'}")
    assert not (tmp_path / "all.tsv").exists()


def test_doubts_are_logged_once(tmp_path, caplog):
    """The table with the answers has the doubts of the table without them."""
    write_crowd(tmp_path / "opinions.tsv")
    with (tmp_path / "opinions.tsv").open("a", encoding="utf-8") as file:
        file.write("a\t0\t4\tticks\tcar\t1\n")
    answer = "recording\tonset\toffset\tannotator\tclass\topinion\na\t2\t6\tnew\tcar\t0\n"
    (tmp_path / "answers.tsv").write_text(answer, encoding="utf-8")
    run(tmp_path, f"--answers={tmp_path / 'answers.tsv'}", f"--merged={tmp_path / 'all.tsv'}")
    assert caplog.text.count("no opinion is 0 for 1 of") == 1


def test_answers_to_table_of_ticks_add_no_zeros(tmp_path):
    """With `unticked` zero, the merged table lists the zeros of the opinions, and an answer is about its class only."""
    write_crowd(tmp_path / "opinions.tsv")
    lines = (tmp_path / "opinions.tsv").read_text().splitlines()
    ticks = [lines[0], *(line for line in lines[1:] if line.endswith("\t1"))]
    (tmp_path / "opinions.tsv").write_text("\n".join(ticks) + "\n", encoding="utf-8")
    answer = "recording\tonset\toffset\tannotator\tclass\topinion\na\t2\t6\tnew\tcar\t1\n"
    (tmp_path / "answers.tsv").write_text(answer, encoding="utf-8")
    run(tmp_path, "--unticked=zero", f"--answers={tmp_path / 'answers.tsv'}", f"--merged={tmp_path / 'all.tsv'}")
    merged = read_table(tmp_path / "all.tsv", ("recording", "opinion"))
    assert [row["class"] for row in merged if row["annotator"] == "new"] == ["car"]
    assert {row["opinion"] for row in merged} == {"0", "1"}


def test_class_weight_of_ask_is_that_of_the_config():
    config = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    argv = ["--opinions=o.tsv", "--budget=1", "--questions=q.tsv"]
    assert ask.read_options(argv).class_weight == config["labels"]["joint"]["class_weight"]


def test_questions_list_previous_annotators(tmp_path):
    write_crowd(tmp_path / "opinions.tsv")
    rows = run(tmp_path, "--hop=2", budget=200)
    before = {row["answered_by"] for row in rows}
    assert before == {"A0, A1, A2, A3"}


def test_a_budget_below_a_sheet_is_refused(tmp_path):
    write_crowd(tmp_path / "opinions.tsv")
    table = (tmp_path / "opinions.tsv").read_text().splitlines()
    only = [line for line in table if not line.startswith("b")]
    (tmp_path / "opinions.tsv").write_text("\n".join(only) + "\n", encoding="utf-8")
    with refused(
        key="--budget", problem="the value is 1", expected="at least 2, the largest number of classes of a window"
    ):
        run(tmp_path, "--sheets", budget=1)


def test_no_question_is_worth_asking(tmp_path, monkeypatch):
    write_crowd(tmp_path / "opinions.tsv")
    monkeypatch.setattr(ask.CrowdPosterior, "choose", lambda *_, **__: [])
    with refused(file="opinions.tsv", key=None, problem="no question"):
        run(tmp_path)


def test_windows_too_long_for_ask_are_refused(tmp_path):
    write_crowd(tmp_path / "opinions.tsv")
    with (tmp_path / "opinions.tsv").open("a", encoding="utf-8") as file:
        file.write("b\t0\t20\tA1\tbirds\t1\n")
    with refused(file="opinions.tsv", problem="20 s"):
        run(tmp_path)


@pytest.mark.parametrize("option", ["--budget", "--hop", "--window", "--repeats"])
def test_numbers_of_ask_below_one_are_refused(tmp_path, option):
    with refused(key=option, problem="0", expected="1 or more"):
        run(tmp_path, f"{option}=0")


def test_a_window_of_ask_above_the_limit_is_refused(tmp_path):
    with refused(key="--window", problem="13", expected="1 to 12"):
        run(tmp_path, "--window=13")
