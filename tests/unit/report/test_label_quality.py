"""The table of label quality: means, standard deviations and gains by hand, and bins that add up."""

import pandas as pd
import pytest
from support.errors import refused
from support.tsv import write_rows

from softsed.labels.trials import KEYS, METRICS, QUALITY, RELIABILITY
from softsed.report.label_quality import SUMS, average_trials, main, pool_bins, read_trials

SETTING = dict(zip(KEYS, ("2", "low", "5", "0.15"), strict=True))


def row(trial, method, **metrics):
    return {"trial": str(trial), **SETTING, "method": method, "active_share": 0.1} | {
        name: metrics.get(name, 0.5) for name in METRICS
    }


def collect(rows):
    return average_trials(list(KEYS), ["active_share", *METRICS], pd.DataFrame(rows)).to_dict("records")


ROWS = [
    row(1, "eq1", f1=0.4, f1_best=0.6, brier=0.10),
    row(1, "joint", f1=0.7, brier=0.05),
    row(2, "eq1", f1=0.5, f1_best=0.5, brier=0.20),
    row(2, "joint", f1=0.6, brier=0.07),
]


def test_gain_over_best_eq1_of_same_trial():
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


def test_one_trial_without_eq1_has_no_gain():
    (only,) = collect([row(1, "joint")])
    assert all(pd.isna(only[name]) for name in ("f1_std", "gain", "gain_std", "gain_least"))


def test_trial_without_true_seconds_is_left_out():
    empty = [row(3, method, f1=float("nan"), f1_best=float("nan"), brier=0.01) for method in ("eq1", "joint")]
    joint = collect(ROWS + empty)[1]
    assert joint["f1"] == pytest.approx(0.65)
    assert joint["gain"] == pytest.approx(0.1)
    assert joint["brier"] == pytest.approx((0.05 + 0.07 + 0.01) / 3)
    none = collect(empty)[1]
    assert pd.isna(none["f1"])
    assert pd.isna(none["gain"])


def bins(trial, opinions, *sums):
    kind = {"trial": str(trial), **SETTING, "opinions_per_window": opinions, "method": "eq1"}
    return {**kind, "bin": 3, **dict(zip(SUMS, sums, strict=True))}


def pooled(*rows):
    return pool_bins(pd.DataFrame(rows)).to_dict("records")


def test_bins_of_same_event_length_add_up():
    (found,) = pooled(bins(1, "5", 10, 3.2, 4), bins(2, "5", 0, 0, 0), bins(1, "10", 30, 10.8, 6))
    assert found["cells"] == 40
    assert found["soft"] == pytest.approx(14 / 40)
    assert found["true"] == pytest.approx(10 / 40)
    assert (found["bin_from"], found["bin_to"]) == (0.3, 0.4)
    assert pd.isna(pooled(bins(1, "5", 0, 0, 0))[0]["soft"])


def write(path, columns, rows):
    write_rows(path, [[row[column] for column in columns] for row in rows], columns)


@pytest.fixture
def arguments(tmp_path):
    write(tmp_path / "q.tsv", QUALITY, ROWS)
    write(tmp_path / "r.tsv", RELIABILITY, [bins(1, "5", 10, 3.2, 4), bins(2, "5", 0, 0, 0)])
    options = {"--quality": "q.tsv", "--reliability": "r.tsv", "--tsv": "t.tsv", "--diagram": "d.tsv"}
    return [word for option, name in options.items() for word in (option, str(tmp_path / name))]


def test_settings_and_numbers_from_the_header(arguments, tmp_path):
    settings, numbers, trials = read_trials([tmp_path / "q.tsv"])
    assert (settings, numbers) == (list(KEYS), ["active_share", *METRICS])
    assert trials["spammers"].tolist() == ["0.15"] * 4


def test_command_writes_both_tables(arguments, tmp_path):
    main(arguments)
    header, *rows = (tmp_path / "t.tsv").read_text().splitlines()
    expected = [*KEYS, "method", "trials", "active_share", *METRICS]
    assert header.split("\t") == [*expected, "f1_std", "brier_std", "gain", "gain_std", "gain_least"]
    assert [row.split("\t")[:6] for row in rows] == [[*SETTING.values(), method, "2"] for method in ("eq1", "joint")]
    assert (tmp_path / "d.tsv").read_text().splitlines()[1].startswith("2\teq1\t0.3\t0.4\t10\t0.32\t0.4")


def test_tables_without_rows(arguments, tmp_path):
    write(tmp_path / "q.tsv", QUALITY, [])
    with refused(file="q.tsv", expected="tables of `softsed labels.trials`"):
        main(arguments)
