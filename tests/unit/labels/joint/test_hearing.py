"""E step by enumeration, EM and confusions of the model of events."""

import itertools
import logging
from dataclasses import replace

import numpy as np
import pytest
from support.crowds import ask, hear

from softsed.core.log import Remaining
from softsed.labels.joint import events
from softsed.labels.joint.events import add_confusions, event_labels, fit
from softsed.labels.joint.hearing import FALSE_ALARM, KNOWING, TICKING, Chains

pytestmark = pytest.mark.filterwarnings("error")


def test_expect_equals_enumeration():
    """Windows of 3 s in a recording of 7 s, three annotators; `clear` as if another class were active."""
    rng = np.random.default_rng(0)
    opinions, recordings = ask({"r": rng.uniform(size=(7, 3, 1)) < 0.2}, window=3)
    chains = Chains(opinions, recordings, np.inf)
    clear = np.array([1, 0.5, 1, 0.8, 1])
    theta, rate, alarm, detection, onset, offset = (
        np.array([0.9, 0.5, 0.7]),
        np.array([0.2, 0.6, 0.4]),
        0.1,
        0.4,
        0.1,
        0.3,
    )
    now = replace(
        chains.start(detection), competence=theta[:, None], tick_rate=rate[:, None], false_alarm=np.array([alarm]),
        onset=np.array([onset]), offset=np.array([offset]),
    )  # fmt: skip
    found = chains.expect(now, chains.sort_kinds(clear))
    ticks, weight = opinions.opinion.reshape(5, 3), chains.weight.reshape(5, 3)
    step = np.array([[1 - onset, onset], [offset, 1 - offset]])
    total, active, counts = 0.0, np.zeros(7), np.zeros((5, 4))
    for sequence in itertools.product((0, 1), repeat=7):
        numbers = [sum(sequence[first : first + 3]) for first in range(5)]
        heard = 1 - clear * np.exp(-alarm) * (1 - detection) ** np.array(numbers)
        yes = theta * heard[:, None] + (1 - theta) * rate
        probability = (offset, onset)[sequence[0]] / (onset + offset)
        probability *= np.prod([step[pair] for pair in itertools.pairwise(sequence)])
        probability *= np.prod(np.where(ticks == 1, yes, 1 - yes) ** weight)
        total += probability
        active += probability * np.array(sequence)
        counts[np.arange(5), numbers] += probability
    assert found.log_likelihood == pytest.approx(np.log(total), rel=1e-4)  # 32 bits
    np.testing.assert_allclose(found.active, active / total, rtol=1e-4)
    np.testing.assert_allclose(found.counts, counts / total, rtol=1e-4, atol=1e-6)


def test_em_never_decreases_the_posterior():
    rng = np.random.default_rng(1)
    marks = {name: hear(rng, 100, 6, classes=2)[0] for name in "ab"}
    opinions, recordings = ask(marks, number=4, rng=rng)
    chains = Chains(opinions, recordings, np.inf)
    now, values = chains.start(0.3), []
    for _ in range(12):
        found = chains.expect(now, chains.plain)
        theta, rate = now.common, now.tick_rate[:, 0]
        prior = np.log(theta) @ np.full(6, KNOWING[0]) + np.log(1 - theta) @ np.full(6, KNOWING[1])
        prior += np.log(rate) @ np.full(6, TICKING[0]) + np.log(1 - rate) @ np.full(6, TICKING[1])
        prior += (FALSE_ALARM[0] * np.log(now.false_alarm) - sum(FALSE_ALARM) * now.false_alarm).sum()
        values.append(found.log_likelihood + prior)
        now = chains.maximise(found, chains.plain, now)
    gains = np.diff(values)
    assert gains.min() > -1e-3  # the rates of onsets and offsets, shrunk to those of all classes, cost a little
    assert gains.sum() > 1


def confused_crowd(*, together=False):
    """Return opinions about two classes, recordings, and the active seconds of both.

    Annotators mark both classes correctly, and take the first one for the second one in 40 % of its windows. With
    `together`, both classes really sound in the same seconds instead.
    """
    rng, active = np.random.default_rng(0), np.zeros((300, 2), dtype=bool)
    for onset in range(10, 300, 60):
        active[onset : onset + 4, 0] = True
        second = onset if together else onset + 30
        active[second : second + 4, 1] = True
    opinions, recordings = ask({"r": np.repeat(active[:, None], 5, axis=1)})
    if not together:
        taken = np.lib.stride_tricks.sliding_window_view(active[:, 0], 10).any(axis=1)[opinions.window]
        taken &= (opinions.label == 1) & (rng.uniform(size=len(opinions.opinion)) < 0.4)
        opinions = replace(opinions, opinion=np.where(taken, 1, opinions.opinion))
    return opinions, recordings, active


def test_confused_class_has_no_label():
    opinions, recordings, active = confused_crowd()
    chains = Chains(opinions, recordings, np.inf)
    steps = Remaining(logging.getLogger("test"), "steps", 100)
    plain = fit(chains, chains.start(0.75), steps)
    confusion = add_confusions(chains, plain, steps).parameters.confusion
    assert confusion[0, 1] > 20 * confusion[1, 0]
    assert plain.found.active[300:][active[:, 0]].mean() > 0.1
    soft = event_labels(opinions, recordings=recordings)[1]["r"]
    assert soft[active[:, 0], 1].max() < 0.01
    assert soft[active].min() > 0.9


def test_classes_that_sound_together_keep_both_labels():
    opinions, recordings, active = confused_crowd(together=True)
    soft = event_labels(opinions, recordings=recordings)[1]["r"]
    assert soft[active].min() > 0.9


def test_one_class_has_no_confusions(monkeypatch):
    monkeypatch.setattr(events, "add_confusions", None)
    opinions, recordings = ask({"r": np.ones((12, 2, 1), dtype=bool)})
    assert event_labels(opinions, recordings=recordings)[1]["r"].min() > 0.5
