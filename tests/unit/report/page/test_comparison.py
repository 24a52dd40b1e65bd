"""The comparison of the results page: rows per threshold, and differences from the best baseline without audio."""

import pandas as pd

from softsed.report.page.comparison import compare

NAN = float("nan")
PRIORS = ["scene_prior", "recording_prior"]


def table(rows):
    return pd.DataFrame(rows, columns=["system", "threshold", "f1_macro"])


def gap(against, threshold, difference, score="f1_macro"):
    row = {"system": "net", "against": against, "threshold": threshold, "metric": score}
    return row | {"difference": difference, "low": difference - 1, "high": difference + 1}


def test_best_baseline_is_chosen_per_threshold():
    rows = [("net", "0.5", 30.0), ("net", "class-dependent", 50.0), ("net", "class-dependent, all classes", 40.0)]
    rows += [("scene_prior", "0.5", 20.0), ("scene_prior", "class-dependent", 45.0)]
    rows += [("recording_prior", "0.5", 25.0), ("recording_prior", "class-dependent", 44.0)]
    gaps = [
        gap("scene_prior", "0.5", 10),
        gap("recording_prior", "0.5", 5),
        gap("recording_prior", "0.5", 7, "f1_micro"),
    ]
    gaps += [gap("scene_prior", "class-dependent", -5)]
    shown = [{"system": system, "text": str(value)} for system, _, value in rows]
    fixed, dependent = compare(table(rows), pd.DataFrame(gaps), PRIORS, shown)
    assert (fixed["threshold"], dependent["threshold"]) == ("0.5", "class-dependent")
    assert [(row["text"], row["beyond"]) for row in fixed["rows"]] == [
        ("30.0", "+5.0 [4.0, 6.0]"),
        ("20.0", ""),
        ("25.0", "best baseline"),
    ]
    assert [row["beyond"] for row in dependent["rows"]] == ["-5.0 [-6.0, -4.0]", "best baseline", ""]


def test_rows_without_baselines_or_values():
    rows = [("net", "0.5", NAN), ("scene_prior", "0.5", NAN)]
    shown = [{"system": system} for system, *_ in rows]
    gaps = pd.DataFrame([gap("scene_prior", "0.5", 1)])
    for number in (1, 2):
        (part,) = compare(table(rows[:number]), gaps, PRIORS, shown[:number])
        assert [row["beyond"] for row in part["rows"]] == [""] * number
