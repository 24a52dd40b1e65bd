"""Columns of documents: rounded numbers, shares, and values that become columns."""

import pandas as pd

from softsed.report.documents.columns import code_column, number_column, share_column, text_frame, widen


def test_numbers_have_digits_sign_and_deviation():
    frame = pd.DataFrame({"value": [1.234, -0.5, None], "std": [0.05, None, 0.1]})
    assert number_column(frame, "value", 2) == ["1.23", "-0.50", ""]
    assert number_column(frame, "value", 1, std="std", signed=True) == ["+1.2 ± 0.1", "-0.5", ""]


def test_shares_name_part_and_whole():
    frame = pd.DataFrame({"part": [3, 7 / 3, None], "whole": [11, 6, 6]})
    assert share_column(frame, "part", "whole") == ["3 of 11", "2.33 of 6", ""]


def test_headings_may_repeat():
    frame = text_frame([("a", ["1"]), ("a", code_column(["x"]))])
    assert list(frame.columns) == ["a", "a"]
    assert frame.iloc[0].tolist() == ["1", "`x`"]


def test_widen_keeps_the_order_of_rows():
    rows = pd.DataFrame({"key": ["b", "b", "a"], "column": ["x", "y", "x"], "text": ["1", "2", "3"]})
    names, wide = widen(rows, ["key"], "column", "text")
    assert names["key"].tolist() == ["b", "a"]
    assert wide["x"].tolist() == ["1", "3"]
    assert wide["y"].tolist() == ["2", ""]
