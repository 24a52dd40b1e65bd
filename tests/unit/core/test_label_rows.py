"""Label files: tables of this project and the published text formats."""

import numpy as np
import pytest
from support.errors import refused
from support.tsv import HARD, SOFT, write_rows

from softsed.core.errors import Problems
from softsed.core.event_text import read_events, read_published, write_events
from softsed.core.label_rows import cut_rows, read_rows
from softsed.core.labels import Event, harden, read_hard, read_soft, to_events, write_hard, write_soft

CLASSES = ["birds_singing", "door opens/closes", "people talking"]

pytestmark = pytest.mark.filterwarnings("error")


def random_soft(seed, seconds=40):
    values = np.random.default_rng(seed).uniform(size=(seconds, 3))
    values[values < 0.3] = 0
    return values


@pytest.mark.parametrize("seed", range(3))
def test_soft_labels_survive_writing_and_reading(tmp_path, seed):
    labels = {"b": random_soft(seed), "a": random_soft(seed + 10, seconds=7)}
    labels["b"][:, 1] = np.nan
    write_soft(tmp_path / "soft.tsv", labels, CLASSES)
    found = read_soft(tmp_path / "soft.tsv", CLASSES)
    assert list(found) == ["b", "a"]
    for name, values in labels.items():
        np.testing.assert_allclose(found[name], values, atol=5e-7)  # 6 decimals
    assert list(read_soft(tmp_path / "soft.tsv", CLASSES, ["a"])) == ["a"]
    assert list(read_soft(tmp_path / "soft.tsv", CLASSES, ["a", "b"])) == ["a", "b"]


def test_annotated_class_without_ticks_is_zero(tmp_path):
    write_soft(tmp_path / "soft.tsv", {"r": np.array([[0.0, np.nan, 0.25]])}, CLASSES)
    text = (tmp_path / "soft.tsv").read_text(encoding="utf-8")
    rows = "r\t0\t1\tbirds_singing\t0.000000\nr\t0\t1\tpeople talking\t0.250000\n"
    assert text == "recording\tonset\toffset\tlabel\tvalue\n" + rows
    np.testing.assert_array_equal(read_soft(tmp_path / "soft.tsv", CLASSES)["r"], [[0, np.nan, 0.25]])


def test_hard_labels_survive_writing_and_reading(tmp_path):
    events = {name: to_events(harden(random_soft(4, seconds=300), 0.6), CLASSES) for name in ("b", "a")} | {"c": []}
    write_hard(tmp_path / "hard.tsv", events)
    assert read_hard(tmp_path / "hard.tsv", CLASSES) == events
    assert read_hard(tmp_path / "hard.tsv", CLASSES, ["c", "a"]) == {"c": [], "a": events["a"]}


def test_a_recording_without_events_has_an_empty_row(tmp_path):
    write_hard(tmp_path / "hard.tsv", {"a": [Event(2, 11, "people talking")], "b": []})
    text = (tmp_path / "hard.tsv").read_text(encoding="utf-8")
    assert text == "recording\tonset\toffset\tlabel\na\t2\t11\tpeople talking\nb\t\t\t\n"


def test_events_survive_writing_and_reading(tmp_path):
    events = to_events(harden(random_soft(4, seconds=300), 0.6), CLASSES)
    write_events(tmp_path / "a.txt", events)
    assert read_events(tmp_path / "a.txt", CLASSES) == events


def test_hard_format_is_whole_seconds(tmp_path):
    write_events(tmp_path / "a.txt", [Event(2, 11, "people talking")])
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == "2\t11\tpeople talking\n"


def test_an_empty_file_is_a_recording_without_events(tmp_path):
    write_events(tmp_path / "a.txt", [])
    assert read_events(tmp_path / "a.txt", CLASSES) == []


def test_missing_published_rows_are_zero(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"\xef\xbb\xbf1\t2\tpeople talking\t1.000000031\r\n\r\n0.0\t1.0\tpeople talking\t0.25\r\n")
    values = read_published(path, CLASSES, asked=["birds_singing", "people talking"], seconds=3)
    np.testing.assert_array_equal(values, [[0, np.nan, 0.25], [0, np.nan, 1], [0, np.nan, 0]])


def test_published_file_without_rows_is_silence(tmp_path):
    (tmp_path / "a.txt").touch()
    values = read_published(tmp_path / "a.txt", CLASSES, asked=CLASSES[:1], seconds=2)
    np.testing.assert_array_equal(values, [[0, np.nan, np.nan]] * 2)


NUMBERS, TIMES = "a number", "0 <= onset < offset in seconds"
SECOND, LEVEL = "one whole second per row, such as 4 to 5", "a soft label from 0 to 1"


@pytest.mark.parametrize(
    ("line", "problem", "expected"),
    [
        ("1\t2\tpeople talking", ["3 tab-separated fields", "'1\\t2\\tpeople talking'"], "4 fields"),
        ("1 2 people 0.5", "1 tab-separated field", "4 fields"),
        ("1\t2\tpeople_talking\t0.5", "unknown class 'people_talking'", f"one of {CLASSES}"),
        ("1\t2\tdoor opens/closes\t0.5", "'door opens/closes'", "one of ['birds_singing', 'people talking']"),
        ("1\tx\tpeople talking\t0.5", "offset is 'x'", NUMBERS),
        ("2\t1\tpeople talking\t0.5", "onset is '2', offset is '1'", TIMES),
        ("-1\t0\tpeople talking\t0.5", "onset is '-1'", TIMES),
        ("nan\t1\tpeople talking\t0.5", "onset is 'nan'", NUMBERS),
        ("1\t3\tpeople talking\t0.5", "offset is '3'", SECOND),
        ("0.5\t1.5\tpeople talking\t0.5", "onset is '0.5'", SECOND),
        ("3\t4\tpeople talking\t0.5", "'people talking' at 3 s", "times up to 3 s"),
        ("1\t2\tpeople talking\t1.00001", "value is '1.00001'", LEVEL),
        ("1\t2\tpeople talking\t-0.1", "value is '-0.1'", LEVEL),
        ("1\t2\tpeople talking\tloud", "value is 'loud'", NUMBERS),
        ("1\t2\t\t0.5", "label is ''", "the name of a class as label"),
        ("0\t1\tpeople talking\t0.5", "'people talking' at 0 s", "one row per second and class"),
    ],
)
def test_errors_in_published_labels(tmp_path, line, problem, expected):
    path = tmp_path / "cafe.txt"
    path.write_text(f"0\t1\tpeople talking\t0.5\n{line}\n", encoding="utf-8")
    with refused(file="cafe.txt", line=2, problem=problem, expected=expected):
        read_published(path, CLASSES, asked=["birds_singing", "people talking"], seconds=3)


SECONDS = ["r\t0\t1\tbirds_singing\t0", "r\t1\t2\tbirds_singing\t0"]


@pytest.mark.parametrize(
    ("rows", "line", "problem"),
    [
        ([], None, ""),
        ([*SECONDS, "r\t0\t1\tpeople talking\t1"], 2, "'r' has 3 rows instead of 4"),
        ([*SECONDS, "r\t1\t2\tbirds_singing\t0.5"], 2, "'r' has 3 rows instead of 2"),
        ([SECONDS[1]], 2, "'r' has 1 row instead of 2"),
        ([*SECONDS, "r\t2\t3\tbirds singing\t0"], 4, "'birds singing'"),
        ([*SECONDS, "r\t2\t4\tbirds_singing\t0"], 4, "offset is '4'"),
        ([*SECONDS, "r\t2.5\t3.5\tbirds_singing\t0"], 4, "onset is '2.5'"),
        ([*SECONDS, "r\t-1\t0\tbirds_singing\t0"], 4, "onset is '-1'"),
        ([*SECONDS, "r\tx\t3\tbirds_singing\t0"], 4, "onset is 'x'"),
        ([*SECONDS, "r\t2\t3\tbirds_singing\t1.1"], 4, "value is '1.1'"),
        ([*SECONDS, "r\t2\t3\tbirds_singing\tn/a"], 4, "value is 'n/a'"),
        ([*SECONDS, "r\t2\t3\tbirds_singing\tloud"], 4, "value is 'loud'"),
        ([*SECONDS, "r\t2\t3\tbirds_singing"], 4, "4 tab-separated fields"),
    ],
)
def test_errors_in_soft_labels(tmp_path, rows, line, problem):
    write_rows(tmp_path / "soft.tsv", rows, SOFT)
    with refused(file="soft.tsv", line=line, problem=problem):
        read_soft(tmp_path / "soft.tsv", CLASSES)


@pytest.mark.parametrize(
    ("rows", "line", "problem"),
    [
        ([], None, ""),
        (["r\t0\t1\tbirds"], 2, "unknown class 'birds'"),
        (["r\t1\t1\tbirds_singing"], 2, "onset is '1', offset is '1'"),
        (["r\t\t1\tbirds_singing"], 2, "onset is ''"),
        (["r\t0\t1\tbirds_singing", "r\t\t\t"], 3, "'r'"),
        (["r\t0\t1\tbirds_singing\tx"], 2, "5 tab-separated fields"),
        (["r\t0\t1\t"], 2, "label is ''"),
    ],
)
def test_errors_in_hard_labels(tmp_path, rows, line, problem):
    write_rows(tmp_path / "hard.tsv", rows, HARD)
    with refused(file="hard.tsv", line=line, problem=problem):
        read_hard(tmp_path / "hard.tsv", CLASSES)


def test_rows_report_all_problems(tmp_path):
    """Rows that cannot be used are left out; the others keep their lines."""
    rows = ["r\t0\t1\tbirds_singing\t0.5", "", "r\tx\t1\tcar\t2", "r\t0\t1\tcar\t2", "s\t1\t2\tcar\t1", "s\t1"]
    write_rows(tmp_path / "soft.tsv", rows, SOFT)
    problems = Problems()
    found = read_rows(tmp_path / "soft.tsv", "soft", problems)
    assert [(error.line, error.expected) for error in problems] == [(7, "5 fields"), (4, NUMBERS), (5, LEVEL)]
    assert found.names == ["r", "s"]
    assert found.line.tolist() == [2, 6]
    assert found.value.tolist() == [0.5, 1]
    assert found.first_rows() == {"birds_singing": 0, "car": 1}


def test_rows_of_hard_table_may_be_bare(tmp_path):
    (tmp_path / "hard.tsv").write_text("recording\tonset\toffset\tlabel\tnote\nb\nr\t0\t1.5\tcar\nc\t\t\t\t\n")
    found = read_rows(tmp_path / "hard.tsv", "hard", Problems(strict=True))
    assert found.names == ["b", "r", "c"]
    assert found.bare == {"b": 2, "c": 4}
    assert {name: found.events(rows) for name, rows in found.by_recording().items()} == {
        "b": [],
        "r": [Event(0, 1.5, "car")],
        "c": [],
    }


def test_hard_table_of_desed_is_read(tmp_path):
    header = "filename\tonset\toffset\tevent_label"
    write_rows(tmp_path / "gt_dev.tsv", ["a.wav\t0\t1.5\tcar", "b.wav\t\t\t"], header)
    assert read_hard(tmp_path / "gt_dev.tsv", ["car"]) == {"a": [Event(0, 1.5, "car")], "b": []}


def test_rows_in_the_last_partial_second_are_left_out(tmp_path):
    """A recording of 9.97 s has 9 whole seconds. Lines are those of the file; late rows stay for the check."""
    rows = ["a\t1\t3\tcar", "a\t9.25\t9.6\tcar", "a\t8\t10.4\tcar", "b\t9\t9.5\tcar", "a\t9.5\t12\tcar", "c\t\t\t"]
    found = read_rows(write_rows(tmp_path / "hard.tsv", rows, HARD), "hard", Problems(strict=True))
    cut, note = cut_rows(found, {"a": 9.97, "b": 0.0})
    assert cut.line.tolist() == [2, 4, 5, 6]
    assert (cut.names, cut.bare) == (["a", "b", "c"], {"c": 7})
    assert note == (
        "1 of 5 labels ends 0.43 s after its recording and is cut. The first one is in line 4: only 0 to 9 s "
        "count of 'a', which lasts 9.97 s. 1 of 5 labels starts after the last whole second of its recording and is "
        "left out. The first one is in line 3: only 0 to 9 s count of 'a', which lasts 9.97 s"
    )
    assert cut_rows(found, {})[1] == ""


@pytest.mark.parametrize("read", [read_soft, read_hard])
def test_a_recording_without_labels_is_named(tmp_path, read):
    write_soft(tmp_path / "soft.tsv", {"r": np.zeros((1, 3))}, CLASSES)
    write_hard(tmp_path / "hard.tsv", {"r": []})
    path = tmp_path / f"{'soft' if read is read_soft else 'hard'}.tsv"
    with refused(file=path.name, problem="['s', 't']"):
        read(path, CLASSES, ["s", "r", "t"])


def test_errors_in_hard_text(tmp_path):
    (tmp_path / "cafe.txt").write_text("0\t1\tbirds_singing\n0\t1\tbirds\n", encoding="utf-8")
    with refused(file="cafe.txt", line=2, problem="unknown class 'birds'"):
        read_events(tmp_path / "cafe.txt", CLASSES)


def test_a_missing_file_is_an_input_error(tmp_path):
    with refused(file="none.txt", problem="no such file"):
        read_events(tmp_path / "none.txt", CLASSES)


@pytest.mark.parametrize("unknown", ["", "nan", "NA"])
def test_unknown_soft_label_is_nan(tmp_path, unknown):
    rows = [f"r\t0\t1\t{CLASSES[0]}\t0.5", f"r\t1\t2\t{CLASSES[0]}\t{unknown}"]
    path = write_rows(tmp_path / "soft.tsv", rows, SOFT)
    np.testing.assert_array_equal(read_soft(path, CLASSES[:1])["r"], [[0.5], [np.nan]])
    write_soft(tmp_path / "again.tsv", read_soft(path, CLASSES[:1]), CLASSES[:1])
    np.testing.assert_array_equal(read_soft(tmp_path / "again.tsv", CLASSES[:1])["r"], [[0.5], [np.nan]])
