"""Means and standard deviations that leave out undefined values, against the standard library."""

import math

import pandas as pd
import pytest

from softsed.report.summary import POOLED, deviation, mean, summarise

NAN = float("nan")


def test_mean_and_deviation_of_defined_values():
    assert mean([1, None, 2, NAN]) == 1.5
    assert deviation([1, None, 3, NAN]) == pytest.approx(2**0.5)
    assert math.isnan(mean([None]))
    assert math.isnan(deviation([None, 3]))


def test_summarise_pools_runs_and_spreads_folds():
    values = pd.DataFrame(
        [
            ("b", 0, POOLED, 2.0),
            ("b", 0, "f1", 1.0),
            ("b", 0, "f2", 3.0),
            ("b", 1, POOLED, 4.0),
            ("b", 1, "f1", NAN),
            ("a", 0, POOLED, NAN),
        ],
        columns=["system", "run", "fold", "x"],
    )
    table = summarise(values, ["system"], ["x"])
    assert list(table.index) == ["b", "a"]
    assert table.loc["b"].tolist() == [3, pytest.approx(2**0.5)]
    assert table.loc["a"].isna().all()
