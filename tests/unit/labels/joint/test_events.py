"""The joint model on cases with a known answer and at its limits; the methods joint and majority."""

from dataclasses import replace

import numpy as np
import pytest
from support.errors import refused

from softsed.core import log
from softsed.core.metadata import Recording
from softsed.core.opinions import Opinions
from softsed.labels.aggregate import ESTIMATORS, soft_labels
from softsed.labels.joint.events import event_labels

ASKED = {"park": ["birds", "car"], "pond": ["birds"]}
MACE = {"competence": {"method": "vb", "restarts": 2, "iterations": 10}}
EVENT = {"target": "event", "class_weight": 200}

pytestmark = pytest.mark.filterwarnings("error")


def crowd_of(ticks, *, window=10, hop=1, scene="park", shuffle=None):
    """Ask about one recording; `ticks` is [windows, annotators, classes asked]."""
    windows, people, labels = np.array(ticks).shape
    onset = np.arange(windows) * hop
    rows = [index.ravel() for index in np.indices((windows, people, labels))]
    columns = [*rows, np.array(ticks, dtype=int).ravel()]
    if shuffle is not None:
        order = shuffle.permutation(len(columns[0]))
        columns = [column[order] for column in columns]
    names = [f"A{who}" for who in range(people)]
    opinions = Opinions(np.full(windows, "r"), onset, onset + window, names, ["birds", "car"], *columns)
    return opinions, {"r": Recording("r", scene, float(onset[-1] + window))}


def infer(ticks, **settings):
    opinions, recordings = crowd_of(ticks, **settings)
    weights, soft = event_labels(opinions, recordings=recordings)
    return weights, soft["r"]


def heard(active, *, people):
    """Opinions of perfect annotators about activity [seconds, classes]."""
    views = np.lib.stride_tricks.sliding_window_view(active, 10, axis=0)
    return np.repeat(views.any(axis=2)[:, None], people, axis=1)


def test_short_events_that_eq_1_smears():
    """With perfect annotators eq. 1 makes 9 s of an event of 1 s; the joint model finds its second."""
    active = np.zeros((200, 2), dtype=bool)
    active[20:190:25] = True
    opinions, recordings = crowd_of(heard(active, people=5))
    _, soft = event_labels(opinions, recordings=recordings)
    smeared = soft_labels(opinions, np.ones(5), recordings=recordings)["r"] > 0.5
    assert smeared.sum() == 9 * active.sum()
    found = soft["r"] > 0.5
    assert found[active].all()
    assert found.sum() <= 2 * active.sum()


def test_joint_labels_find_spammers_in_any_order():
    rng = np.random.default_rng(0)
    active = np.zeros((150, 2), dtype=bool)
    active[15:140:30] = active[16:141:30] = active[17:142:30] = True
    ticks = heard(active, people=6)
    ticks[:, 4:] = rng.uniform(size=ticks[:, 4:].shape) < 0.4
    weights, soft = infer(ticks)
    assert weights[:4].min() > 0.8
    assert weights[4:].max() < 0.2
    again, same = infer(ticks, shuffle=rng)
    np.testing.assert_allclose(again, weights, rtol=1e-8)
    np.testing.assert_allclose(same, soft, rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("people", [1, 4])
@pytest.mark.parametrize("answer", [0, 1])
def test_unanimous_annotators_even_one(people, answer):
    weights, soft = infer(np.full((30, people, 2), answer))
    assert soft.shape == (39, 2)  # the seconds at the edges too
    assert ((soft > 0.5) == answer).all()
    assert ((weights > 0) & (weights < 1)).all()


def test_joint_labels_of_class_without_ticks():
    active = np.zeros((60, 2), dtype=bool)
    active[25:32, 1] = True
    _, soft = infer(heard(active, people=3))
    assert soft[:, 0].max() < 0.1
    assert soft[27:30, 1].min() > 0.5
    _, pond = infer(heard(active[:, 1:], people=3), scene="pond")
    assert np.isnan(pond[:, 1]).all()
    assert not np.isnan(pond[:, 0]).any()


@pytest.mark.parametrize(("window", "hop"), [(1, 1), (2, 1), (4, 2), (5, 5), (12, 3)])
def test_other_windows_and_hops(window, hop):
    ticks = np.random.default_rng(1).uniform(size=(12, 2, 2)) < 0.3
    _, soft = infer(ticks, window=window, hop=hop)
    assert soft.shape == (11 * hop + window, 2)
    assert ((soft >= 0) & (soft <= 1)).all()


def test_joint_labels_refuses_long_windows():
    expected = "windows of at most 12 s for the target event, whose states double with each second"
    with refused(key="labels.method", problem=["'r'", "13 s"], expected=expected):
        infer(np.zeros((2, 1, 2)), window=13)


def test_joint_labels_of_large_crowd_are_finite():
    active = np.zeros((30, 2), dtype=bool)
    active[14] = True
    _, soft = infer(heard(active, people=300))
    assert np.isfinite(soft).all()


def test_clips_of_other_lengths_weaken_no_evidence():
    """One opinion on each of many short clips beside a recording: the evidence of its windows stays the same."""
    ticks = heard(np.random.default_rng(3).uniform(size=(60, 2)) < 0.1, people=4)
    alone, recordings = crowd_of(ticks)
    lengths = np.arange(2, 12)
    names = [f"clip{length}" for length in lengths]
    columns = [np.append(getattr(alone, name), np.zeros(len(lengths), dtype=int)) for name in ("annotator", "label")]
    together = Opinions(
        np.append(alone.recording, names), np.append(alone.onset, 0 * lengths), np.append(alone.offset, lengths),
        alone.annotators, alone.classes, np.append(alone.window, len(alone.onset) + np.arange(len(lengths))),
        *columns, np.append(alone.opinion, 0 * lengths),
    )  # fmt: skip
    clips = {name: Recording(name, "park", float(length)) for name, length in zip(names, lengths, strict=True)}
    _, expected = event_labels(alone, recordings=recordings)
    _, found = event_labels(together, recordings=recordings | clips)
    assert np.abs(found["r"] - expected["r"]).mean() < 0.02  # the same crowd has nearly the same parameters


def test_joint_labels_report_the_time_left(caplog, monkeypatch):
    for name in ("FIRST_S", "LEAST_S", "NEXT_S"):
        monkeypatch.setattr(log, name, 0)
    caplog.set_level("INFO")
    infer(np.zeros((4, 2, 2)), window=5, hop=5)
    lines = [record.message for record in caplog.records if getattr(record, "progress", False)]
    assert lines[0].startswith("joint: steps of EM: 1 of 350, at most ")


def test_clips_of_one_window_by_their_answers():
    """Equal answers about clips of 8.9 s give equal labels, and ticked clips get higher labels than others."""
    rng = np.random.default_rng(4)
    ticks = np.repeat(rng.uniform(size=(40, 1, 2)) < 0.4, 3, axis=1)  # three annotators who agree
    apart, _ = crowd_of(ticks, window=8, hop=8)
    names = np.array([f"clip{place:02}" for place in range(40)])
    apart = replace(apart, recording=names, onset=np.zeros(40, dtype=int), offset=np.full(40, 8))
    clips = {name: Recording(name, "park", 8.9) for name in names.tolist()}
    _, soft = event_labels(apart, recordings=clips)
    means = np.array([soft[name].mean(axis=0) for name in names])
    heard_of = ticks[:, 0].astype(bool)
    assert soft["clip00"].shape == (8, 2)
    for label in (0, 1):
        assert means[heard_of[:, label], label].min() > means[~heard_of[:, label], label].max()
        assert np.ptp(means[heard_of[:, label], label]) < 1e-9  # equal answers, equal labels


def test_joint_labels_nothing_without_opinions():
    """Seconds between two windows and a class without opinions have no label."""
    opinions, recordings = crowd_of(np.ones((2, 2, 2)), window=2, hop=3)
    asked = opinions.label == 0
    parts = {name: getattr(opinions, name)[asked] for name in ("window", "annotator", "label", "opinion")}
    _, soft = ESTIMATORS["joint"](replace(opinions, **parts), EVENT, recordings=recordings, seed=0)
    assert np.isnan(soft["r"][:, 0]).tolist() == [False, False, True, False, False]
    assert np.isnan(soft["r"][:, 1]).all()


def test_majority_by_hand():
    """Windows 0 to 2 s and 1 to 3 s, three annotators: 2 of 3, then 3 of 6, then 1 of 3, for any annotators."""
    ticks = np.zeros((2, 3, 2))
    ticks[0, :2, 0] = ticks[1, 2, 0] = 1
    opinions, recordings = crowd_of(ticks, window=2)
    weights, soft = ESTIMATORS["majority"](opinions, MACE, recordings=recordings, seed=0)
    assert weights.shape == (3,)
    np.testing.assert_allclose(soft["r"][:, 0], [2 / 3, 1 / 2, 1 / 3])
    assert not soft["r"][:, 1].any()
