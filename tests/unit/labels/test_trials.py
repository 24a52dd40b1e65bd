"""Trials: the drawn events and opinions have the properties of the setting; the command and its tables."""

import json

import numpy as np
import pytest
from support.tsv import read_rows

from softsed.core.labels import to_events
from softsed.labels.trials import CLASSES, Setting, draw_events, judge, list_settings, main, seed_of, simulate

CROWD = {
    **{"annotators": 12, "opinions_per_window": 5, "window_s": 10, "hop_s": 1, "spammers": 0.2},
    **{"spammer_rate": [0.2, 0.6], "criterion_s": 1.0, "criterion_sigma": 0.7, "habit_sigma": 0.5, "steepness": 1.2},
    **{"lapse": 0.1, "false_alarms": 0.1, "confusion": 0.05, "boundary_s": 0.3, "confused": []},
}
CONFIG = {
    **{"recordings": 6, "duration_s": 60, "event_length_s": [2, 8], "opinions_per_window": [3, 5, 10]},
    **{"detection": {"high": 0.3, "low": 3.0, "middle": 1.0}, "spammers": [0.15, 0, 0.3]},
}
JOINT = {"method": "joint", "target": "event", "class_weight": 200}
EQ1 = {"config": {"method": "eq1", "competence": {"method": "vb", "restarts": 2, "iterations": 10}}, "threshold": 0.5}


def test_list_settings_by_hand():
    settings = list_settings(CONFIG)
    assert len(settings) == len(set(settings)) == 2 * 3 * 3 + 2 * 2
    assert {s.spammers for s in settings if s.detection == "high"} == {0.15}
    assert list(dict.fromkeys(s.detection for s in settings)) == ["high", "middle", "low"]
    assert {s[1:] for s in settings if s.spammers != 0.15} == {("middle", 5, 0), ("middle", 5, 0.3)}


@pytest.mark.parametrize("length", [2, 15])
def test_events_have_the_mean_length_that_is_asked_for(length):
    events = draw_events(np.random.default_rng(0), length_s=length, duration_s=200_000)
    assert np.mean(events[:, 1] - events[:, 0]) == pytest.approx(length, rel=0.03)
    assert (events[1:, 0] > events[:-1, 1]).all()
    assert draw_events(np.random.default_rng(0), length_s=50, duration_s=1).shape == (0, 3)


def test_opinions_are_about_what_was_drawn():
    setting = Setting(4, "high", 5, 0.0)
    opinions, recordings, truth = simulate(setting, CONFIG, CROWD, seed=seed_of(setting, 1))
    assert list(recordings) == list(truth) == [f"r{number}" for number in range(1, 7)]
    windows = 60 - 10 + 1
    assert len(opinions.onset) == 6 * windows
    assert len(opinions.opinion) == 6 * windows * 5 * len(CLASSES)
    counts = np.bincount(opinions.window * 2 + opinions.label)
    assert (counts == 5).all()
    heard = [
        truth[name][start:stop, label].any()
        for name, start, stop in zip(opinions.recording, opinions.onset, opinions.offset, strict=True)
        for label in range(2)
    ]
    ticks = np.bincount(opinions.window * 2 + opinions.label, weights=opinions.opinion) / 5
    heard = np.array(heard)
    assert ticks[heard].mean() > ticks[~heard].mean() + 0.4


def test_simulate_depends_on_seed_and_setting():
    one, other = Setting(4, "high", 5, 0.0), Setting(4, "high", 5, 0.3)
    drawn = [simulate(one, CONFIG, CROWD, seed=seed_of(one, 7)) for _ in range(2)]
    np.testing.assert_array_equal(drawn[0][0].opinion, drawn[1][0].opinion)
    third = simulate(other, CONFIG, CROWD, seed=seed_of(other, 7))
    assert any((third[2][name] != drawn[0][2][name]).any() for name in third[2])
    assert seed_of(one, 7) != seed_of(one, 8)


def test_judge_by_hand():
    soft, truth = np.array([[0.6, 0.2], [0.4, 0.1]]), np.array([[True, True], [False, False]])
    scores, sums = judge(soft, truth, np.array([0.5, 0.15]))
    assert scores["f1"] == 1  # at a threshold of its own for each class
    assert scores["f1_at_half"] == pytest.approx(2 / 3)
    assert scores["f1_best"] == pytest.approx(4 / 5)  # one threshold for both: above 0.15
    assert scores["best_threshold"] == pytest.approx(0.15)
    assert scores["brier"] == pytest.approx((0.16 + 0.64 + 0.16 + 0.01) / 4)
    assert sums[0].sum() == 4
    assert to_events(soft > 0.5, CLASSES)[0].label == "one"


def test_command_writes_a_row_per_setting_and_method(tmp_path):
    config = CONFIG | {"recordings": 2, "duration_s": 30, "detection": {"high": 0.3}, "opinions_per_window": [3]}
    methods = {"eq1": EQ1, "joint": {"config": JOINT, "threshold": "expected_f1"}}
    arguments = ["--trial", "3", "--config", json.dumps(config), "--crowd", json.dumps(CROWD), "--seed", "5"]
    arguments += ["--methods", json.dumps(methods), "--quality", str(tmp_path / "q.tsv")]
    main([*arguments, "--reliability", str(tmp_path / "r.tsv")])
    rows = read_rows(tmp_path / "q.tsv")
    bins = read_rows(tmp_path / "r.tsv")
    assert len(rows) == len(list_settings(config)) * 2
    assert {row["trial"] for row in rows} == {"3"}
    assert len(bins) == len(rows) * 10
    for row in rows:
        mine = [b for b in bins if all(b[key] == row[key] for key in ("event_length_s", "spammers", "method"))]
        assert sum(float(b["cells"]) for b in mine) == 2 * 30 * 2
        assert float(row["f1_best"]) >= float(row["f1_at_half"]) or row["f1_best"] == "nan"
