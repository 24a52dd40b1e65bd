"""Windows at the end of their recordings are cut to whole seconds, and the other rows keep their lines."""

import pytest
from support.errors import refused
from support.tsv import write_opinions

from softsed.core.opinions import OpinionTable
from softsed.core.text.windows import cut_windows


def table(tmp_path, *windows):
    rows = [("a", onset, offset, f"ann{index}", "dog", 1) for index, (onset, offset) in enumerate(windows)]
    return OpinionTable.read(write_opinions(tmp_path / "o.tsv", rows))


def spans(found):
    ends = zip(found.columns["onset"], found.columns["offset"], strict=True)
    return [(float(onset), float(offset)) for onset, offset in ends]


@pytest.mark.parametrize("offset", [10, 9.97, 9.2])
def test_a_window_may_end_with_the_audio(tmp_path, offset):
    found, note = cut_windows(table(tmp_path, (0, 5), (0, offset)), {"a": 9.97})
    assert spans(found) == [(0, 5), (0, 9)]
    assert list(found.lines) == [2, 3]
    for part in ("1 of 2", "line 3", f"0 to {offset} s of 'a' becomes 0 to 9 s"):
        assert part in note


def test_windows_without_a_whole_second_are_left_out(tmp_path):
    found, note = cut_windows(table(tmp_path, (0, 5), (9, 10), (9.3, 9.97), (8, 10), (0, 5)), {"a": 9.97})
    assert spans(found) == [(0, 5), (8, 9), (0, 5)]
    assert list(found.lines) == [2, 5, 6]
    assert found.columns["annotator"] == ["ann0", "ann3", "ann4"]
    assert "2 windows have no whole second and are left out" in note
    assert found.error(1, "x").line == 5


def test_whole_windows_are_the_same_table(tmp_path):
    whole = table(tmp_path, (0, 9), (3, 9))
    assert cut_windows(whole, {"a": 9.97}) == (whole, "")
    assert cut_windows(whole, {"a": 0}) == (whole, "")
    assert cut_windows(whole, {"b": 3}) == (whole, "")


def test_windows_inside_or_far_beyond_stay(tmp_path):
    windows = [(0, 5.5), (0.5, 7), (0, 12), (10, 9)]
    found, _ = cut_windows(table(tmp_path, (0, 9.97), *windows), {"a": 9.97})
    assert spans(found) == [(0, 9), *windows[:-1], (10, 9)]


def test_without_audio_the_last_window_is_the_end(tmp_path):
    found, _ = cut_windows(table(tmp_path, (0, 5), (3, 9.97)))
    assert spans(found) == [(0, 5), (3, 9)]
    found, _ = cut_windows(table(tmp_path, (0, 5.5), (3, 9.97)))
    assert spans(found) == [(0, 5.5), (3, 9)]
    short = table(tmp_path, (0, 0.97))
    assert cut_windows(short) == (short, "")


def test_a_table_without_whole_seconds_is_refused(tmp_path):
    with refused(file="o.tsv", line=2, problem=["'9'", "'10'", "'a'"]):
        cut_windows(table(tmp_path, (9, 10)), {"a": 9.97})
