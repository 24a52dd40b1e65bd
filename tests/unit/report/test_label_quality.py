"""The table of label quality: means, spreads and gains by hand; bins add up; the page says which is which."""

import pytest

from softsed.core.errors import InputError
from softsed.labels.trials import KEYS, QUALITY, RELIABILITY, SCORES
from softsed.report.label_quality import collect, main, page, pool_bins

SETTING = dict(zip(KEYS, ("2", "low", "5", "0.15"), strict=True))


def row(trial, method, **scores):
    return {"trial": str(trial), **SETTING, "method": method, "active_share": "0.1"} | {
        name: str(scores.get(name, 0.5)) for name in SCORES
    }


ROWS = [
    row(1, "eq1", f1=0.4, f1_best=0.6, brier=0.10),
    row(1, "joint", f1=0.7, brier=0.05),
    row(2, "eq1", f1=0.5, f1_best=0.5, brier=0.20),
    row(2, "joint", f1=0.6, brier=0.07),
]


def test_gain_is_over_the_best_of_eq_1_in_the_same_trial():
    eq1, joint = collect(ROWS)
    assert (eq1["method"], joint["method"]) == ("eq1", "joint")
    assert joint["trials"] == 2
    assert joint["f1"] == pytest.approx(0.65)
    assert joint["f1_std"] == pytest.approx(0.1 / 2**0.5)
    assert joint["gain"] == pytest.approx((0.1 + 0.1) / 2)
    assert joint["gain_std"] == pytest.approx(0)
    assert eq1["gain"] == pytest.approx((-0.2 + 0) / 2)
    assert eq1["gain_least"] == pytest.approx(-0.2)
    assert eq1["brier"] == pytest.approx(0.15)


def test_one_trial_has_no_spread_and_without_eq_1_there_is_no_gain():
    (only,) = collect([row(1, "joint")])
    assert only["f1_std"] is None
    assert only["gain"] is None
    assert only["gain_least"] is None
    assert "| 2 | low | 5 | 0.15 | 0.500 | 0.500 |  | 0.500 | 0.500 |" in page([only])


def test_a_trial_without_a_true_second_does_not_count():
    empty = [row(3, method, f1="nan", f1_best="nan", brier=0.01) for method in ("eq1", "joint")]
    joint = collect(ROWS + empty)[1]
    assert joint["f1"] == pytest.approx(0.65)
    assert joint["gain"] == pytest.approx(0.1)
    assert joint["brier"] == pytest.approx((0.05 + 0.07 + 0.01) / 3)
    none = collect(empty)[1]
    assert none["f1"] is None
    assert none["gain"] is None


def bins(trial, opinions, cells, soft, true):
    kind = {"trial": str(trial), **SETTING, "opinions_per_window": opinions, "method": "eq1"}
    return {**kind, "bin": "3", "cells": str(cells), "soft_sum": str(soft), "true_cells": str(true)}


def test_bins_of_all_settings_of_a_length_add_up():
    (found,) = pool_bins([bins(1, "5", 10, 3.2, 4), bins(2, "5", 0, 0, 0), bins(1, "10", 30, 10.8, 6)])
    assert found["cells"] == 40
    assert found["soft"] == pytest.approx(14 / 40)
    assert found["true"] == pytest.approx(10 / 40)
    assert (found["bin_from"], found["bin_to"]) == (0.3, 0.4)
    assert pool_bins([bins(1, "5", 0, 0, 0)])[0]["soft"] is None


def test_page_has_the_numbers_side_by_side():
    text = page(collect(ROWS))
    assert (
        "| 2 | low | 5 | 0.15 | 0.450 | 0.550 | 0.650 | 0.500 | -0.100 (-0.200) | +0.100 (+0.100) | 0.150 | 0.060 |"
        in text
    )
    assert "means over 2 trial(s)" in text


def test_command_and_tables_without_rows(tmp_path):
    quality, reliability = tmp_path / "q.tsv", tmp_path / "r.tsv"
    quality.write_text("\t".join(QUALITY) + "\n")
    reliability.write_text("\t".join(RELIABILITY) + "\n")
    arguments = ["--quality", str(quality), "--reliability", str(reliability), "--tsv", str(tmp_path / "t.tsv")]
    arguments += ["--markdown", str(tmp_path / "t.md"), "--diagram", str(tmp_path / "d.tsv")]
    with pytest.raises(InputError, match=r"no row; expected the tables of `softsed labels.trials`"):
        main(arguments)
    quality.write_text("\t".join(QUALITY) + "\n" + "".join("\t".join(r[k] for k in QUALITY) + "\n" for r in ROWS))
    lines = [bins(1, "5", 10, 3.2, 4), bins(2, "5", 0, 0, 0)]
    reliability.write_text(
        "\t".join(RELIABILITY) + "\n" + "".join("\t".join(r[k] for k in RELIABILITY) + "\n" for r in lines)
    )
    main(arguments)
    assert (tmp_path / "t.tsv").read_text().count("\n") == 3
    assert (tmp_path / "d.tsv").read_text().splitlines()[1].startswith("2\teq1\t0.3\t0.4\t10\t0.32\t0.4")
