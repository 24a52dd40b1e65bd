"""Label files: tables of this project and the published text formats."""

import numpy as np
import pytest

from softsed.core.errors import InputError
from softsed.core.event_text import read_events, read_published, write_events
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


def test_a_class_asked_and_never_heard_stays_zero_not_nan(tmp_path):
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


def test_published_rows_that_are_missing_are_zero_where_asked(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"\xef\xbb\xbf1\t2\tpeople talking\t1.000000031\r\n\r\n0.0\t1.0\tpeople talking\t0.25\r\n")
    values = read_published(path, CLASSES, asked=["birds_singing", "people talking"], seconds=3)
    np.testing.assert_array_equal(values, [[0, np.nan, 0.25], [0, np.nan, 1], [0, np.nan, 0]])


def test_published_file_without_rows_is_silence(tmp_path):
    (tmp_path / "a.txt").touch()
    values = read_published(tmp_path / "a.txt", CLASSES, asked=CLASSES[:1], seconds=2)
    np.testing.assert_array_equal(values, [[0, np.nan, np.nan]] * 2)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("1\t2\tpeople talking", "expected 4 tab-separated fields"),
        ("1 2 people 0.5", "expected 4 tab-separated fields"),
        ("1\t2\tpeople_talking\t0.5", "unknown class 'people_talking'"),
        ("1\t2\tdoor opens/closes\t0.5", "was not asked in this scene"),
        ("1\tx\tpeople talking\t0.5", "expected 0 <= onset < offset in seconds"),
        ("2\t1\tpeople talking\t0.5", "expected 0 <= onset < offset"),
        ("-1\t0\tpeople talking\t0.5", "expected 0 <= onset < offset"),
        ("nan\t1\tpeople talking\t0.5", "expected 0 <= onset < offset"),
        ("1\t3\tpeople talking\t0.5", "one whole second"),
        ("0.5\t1.5\tpeople talking\t0.5", "one whole second"),
        ("3\t4\tpeople talking\t0.5", "beyond the 3 s"),
        ("1\t2\tpeople talking\t1.00001", "soft label in 0..1, got '1.00001'"),
        ("1\t2\tpeople talking\t-0.1", "soft label in 0..1"),
        ("1\t2\tpeople talking\tnan", "soft label in 0..1"),
        ("1\t2\tpeople talking\tloud", "soft label in 0..1, got 'loud'"),
        ("0\t1\tpeople talking\t0.5", "given twice"),
    ],
)
def test_errors_in_published_labels_name_file_and_line(tmp_path, line, message):
    path = tmp_path / "cafe.txt"
    path.write_text(f"0\t1\tpeople talking\t0.5\n{line}\n", encoding="utf-8")
    with pytest.raises(InputError, match=rf"cafe\.txt, line 2: .*{message}"):
        read_published(path, CLASSES, asked=["birds_singing", "people talking"], seconds=3)


SECONDS = ["r\t0\t1\tbirds_singing\t0", "r\t1\t2\tbirds_singing\t0"]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "no label below the header"),
        ([*SECONDS, "r\t0\t1\tpeople talking\t1"], "'r' has 3 rows for 2 s and 2 classes"),
        ([*SECONDS, "r\t1\t2\tbirds_singing\t0.5"], "'r' has 3 rows for 2 s and 1 classes"),
        ([SECONDS[1]], "'r' has 1 rows for 2 s"),
        ([*SECONDS, "r\t2\t3\tbirds singing\t0"], "line 4: expected a class of .*got .*'birds singing'"),
        ([*SECONDS, "r\t2\t4\tbirds_singing\t0"], "line 4: expected a row of one whole second"),
        ([*SECONDS, "r\t2.5\t3.5\tbirds_singing\t0"], "line 4: expected a row of one whole second"),
        ([*SECONDS, "r\t-1\t0\tbirds_singing\t0"], "line 4: expected a row of one whole second"),
        ([*SECONDS, "r\tx\t3\tbirds_singing\t0"], "line 4: expected a row of one whole second"),
        ([*SECONDS, "r\t2\t3\tbirds_singing\t1.1"], "line 4: expected a soft label in 0..1, got .*'1.1'"),
        ([*SECONDS, "r\t2\t3\tbirds_singing\tnan"], "line 4: expected a soft label in 0..1"),
        ([*SECONDS, "r\t2\t3\tbirds_singing\tloud"], "line 4: expected a soft label in 0..1, got .*'loud'"),
        ([*SECONDS, "r\t2\t3\tbirds_singing"], "line 4: expected 5 tab-separated fields"),
    ],
)
def test_errors_in_soft_labels_name_the_file_and_the_place(tmp_path, rows, message):
    table = ["recording\tonset\toffset\tlabel\tvalue", *rows]
    (tmp_path / "soft.tsv").write_text("\n".join(table) + "\n", encoding="utf-8")
    with pytest.raises(InputError, match=rf"soft\.tsv.*{message}"):
        read_soft(tmp_path / "soft.tsv", CLASSES)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "no label below the header"),
        (["r\t0\t1\tbirds"], "line 2: unknown class 'birds'"),
        (["r\t1\t1\tbirds_singing"], "line 2: expected 0 <= onset < offset"),
        (["r\t\t1\tbirds_singing"], "line 2: expected 0 <= onset < offset in seconds"),
        (["r\t0\t1\tbirds_singing", "r\t\t\t"], "line 3: 'r' has events and a row without any"),
    ],
)
def test_errors_in_hard_labels_name_file_and_line(tmp_path, rows, message):
    table = ["recording\tonset\toffset\tlabel", *rows]
    (tmp_path / "hard.tsv").write_text("\n".join(table) + "\n", encoding="utf-8")
    with pytest.raises(InputError, match=rf"hard\.tsv.*{message}"):
        read_hard(tmp_path / "hard.tsv", CLASSES)


@pytest.mark.parametrize("read", [read_soft, read_hard])
def test_a_recording_without_labels_is_named(tmp_path, read):
    write_soft(tmp_path / "soft.tsv", {"r": np.zeros((1, 3))}, CLASSES)
    write_hard(tmp_path / "hard.tsv", {"r": []})
    with pytest.raises(InputError, match=r"no labels of \['s', 't'\]; the table has 1 recordings"):
        read(tmp_path / f"{'soft' if read is read_soft else 'hard'}.tsv", CLASSES, ["s", "r", "t"])


def test_errors_in_hard_text_name_file_and_line(tmp_path):
    (tmp_path / "cafe.txt").write_text("0\t1\tbirds_singing\n0\t1\tbirds\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"cafe\.txt, line 2: unknown class 'birds'"):
        read_events(tmp_path / "cafe.txt", CLASSES)


def test_a_missing_file_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match=r"none\.txt: cannot be read"):
        read_events(tmp_path / "none.txt", CLASSES)
