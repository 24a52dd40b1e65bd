"""Format of numbers: digits, signs, standard deviations and intervals."""

import pandas as pd

from softsed.report.display import (
    AGAINST_TRUTH,
    UNTHRESHOLDED,
    format_interval,
    format_number,
    format_share,
    is_shown,
    select_metrics,
    shorten,
)

NAN = float("nan")


def test_numbers_with_sign_and_deviation():
    assert format_number(1.25, 1) == "1.2"
    assert format_number(1.25, 2, std=0.5, signed=True) == "+1.25 ± 0.50"
    assert format_number(1.25, 2, std=NAN) == "1.25"
    assert format_number(None, 2) == format_number(NAN, 2, std=1.0) == ""


def test_intervals_of_values_and_differences():
    row = {"value": 1.0, "difference": 1.0, "low": -0.5, "high": 2.5, "run_std": 0.1}
    assert format_interval(row, "value", 1) == "1.0 ± 0.1 [-0.5, 2.5]"
    assert format_interval(row | {"run_std": NAN}, "difference", 1) == "+1.0 [-0.5, 2.5]"
    assert format_interval(row | {"value": NAN}, "value", 1) == ""


def test_shares_of_classes():
    assert format_share(8 + 1 / 3, 11.0) == "8.33 of 11"
    assert format_share(6.0, 6.0) == "6 of 6"
    assert format_share(NAN, 6.0) == format_share(0.0, NAN) == ""


def test_shorten_keeps_both_ends():
    assert shorten("people talking") == "people talking"
    assert shorten("x" * 30) == "x" * 30
    short = shorten("Mechanical sounds of engines, far away, type 17")
    assert short == "Mechanical soun…away, type 17"
    assert len(shorten("x" * 31)) <= 30


def test_metrics_are_shown_with_their_reference():
    row = {"metric": "auroc_within", "reference": "soft"}
    assert is_shown(row, UNTHRESHOLDED)
    assert not is_shown(row | {"reference": "hard"}, UNTHRESHOLDED)
    assert is_shown(row | {"reference": "truth"}, AGAINST_TRUTH)
    assert not is_shown(row | {"metric": "error_rate"}, UNTHRESHOLDED)


def test_rows_of_shown_metrics_are_selected():
    keys = [("auroc_within", "soft"), ("auroc_within", "hard"), ("error_rate", "hard"), ("brier", "hard")]
    rows = pd.DataFrame(keys, columns=["metric", "reference"], index=[3, 1, 4, 5])
    assert select_metrics(rows, UNTHRESHOLDED).index.tolist() == [3, 5]
    assert select_metrics(rows[:0], UNTHRESHOLDED).empty
