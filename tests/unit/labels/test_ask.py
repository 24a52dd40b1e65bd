"""The chosen questions, and annotators who are not worth asking."""

from dataclasses import replace

import numpy as np
import pytest

from softsed.core.metadata import Recording
from softsed.core.opinions import Opinions
from softsed.labels.ask import CrowdPosterior

pytestmark = pytest.mark.filterwarnings("error")
NAMES = ["birds", "car"]


@pytest.fixture(scope="module")
def crowd():
    """Eight annotators, of whom two guess, about an hour of two classes: windows of 5 s every 5 s."""
    rng = np.random.default_rng(2)
    active = rng.uniform(size=(360, 2)).repeat(10, axis=0) < 0.2
    onset = np.arange(0, 3600, 5)
    heard = np.array([active[start : start + 5].sum(axis=0) for start in onset])
    window, who, label = (index.ravel() for index in np.indices((len(onset), 8, 2)))
    chance = np.where(who < 6, 1 - 0.98 * 0.5 ** heard[window, label], 0.4)
    ticks = (rng.uniform(size=len(window)) < chance).astype(int)
    names = [f"A{place}" for place in range(8)]
    opinions = Opinions(np.full(len(onset), "r"), onset, onset + 5, names, NAMES, window, who, label, ticks)
    return opinions, {"r": Recording("r", "park", 3600.0)}


@pytest.fixture(scope="module")
def posterior(crowd):
    """Every annotator was asked about every window but one, about which only one was asked."""
    opinions, recordings = crowd
    kept = (opinions.window != 100) | (opinions.annotator == 0)
    parts = {name: getattr(opinions, name)[kept] for name in ("window", "annotator", "label", "opinion")}
    return CrowdPosterior(replace(opinions, **parts), recordings, {"r": [0, 1]}, length=5, hop=5, class_weight=200)


def test_guessing_annotators_are_not_useful(posterior):
    people = posterior.annotators
    assert people.useful.tolist() == [True] * 6 + [False] * 2
    assert people.worth[:6].min() > 0.5 > people.at_most[6:].max()
    assert (people.error > 0).all()


def test_window_with_fewest_opinions_is_first(posterior):
    first, *rest = posterior.choose(20, sheets=True)
    assert (first.recording, first.onset, first.offset, first.classes) == ("r", 500, 505, (0, 1))
    assert len(rest) == 9  # 20 opinions on both classes of a window
    gains = [first.gain, *(one.gain for one in rest)]
    assert gains == sorted(gains, reverse=True)


def test_questions_about_single_classes(posterior):
    found = posterior.choose(7)
    assert len(found) == 7
    assert all(len(one.classes) == 1 for one in found)
    assert found[0].onset == 500
    assert len({(one.onset, one.classes) for one in found}) == 7
    every = posterior.choose(10_000)
    assert 100 < len(every) < 720 * 2  # not questions with a certain answer
    assert len(posterior.choose(10_000, repeats=3)) > len(every)


def test_chosen_window_lowers_neighbouring_gains(crowd):
    """With a hop of 1 s, the windows around an uncertain second are not all chosen."""
    opinions, _ = crowd
    kept = (opinions.onset[opinions.window] < 30) & (opinions.annotator < 3)
    parts = {name: getattr(opinions, name)[kept] for name in ("window", "annotator", "label", "opinion")}
    windows = {name: getattr(opinions, name)[:6] for name in ("recording", "onset", "offset")}
    short = {"r": Recording("r", "park", 60.0)}
    found = CrowdPosterior(replace(opinions, **parts, **windows), short, {"r": [0]}, length=5, hop=1, class_weight=200)
    onsets = [one.onset for one in found.choose(4)]
    best = found.windows.onset[np.argsort(-found.windows.gain(0.7, 0.2).sum(axis=1))][:4]
    assert np.ptp(onsets) > np.ptp(best)


def test_gain_predicts_the_fall_of_the_brier_score(crowd):
    """The expected Brier score after the answers is nearer to the predicted one than to that before."""
    opinions, recordings = crowd
    kept = (opinions.annotator < 2) | (opinions.annotator == 7)

    def posterior_of(rows):
        parts = {name: getattr(opinions, name)[rows] for name in ("window", "annotator", "label", "opinion")}
        return CrowdPosterior(replace(opinions, **parts), recordings, {"r": [0, 1]}, length=5, hop=5, class_weight=200)

    before = posterior_of(kept)
    questions = before.choose(300)
    asked = {(one.onset // 5, *one.classes) for one in questions}
    answer = opinions.annotator == 3
    answer &= np.array([pair in asked for pair in zip(opinions.window.tolist(), opinions.label.tolist(), strict=True)])
    after = posterior_of(kept | answer)
    predicted = before.brier - sum(one.gain for one in questions) / before.cells
    assert abs(after.brier - predicted) < abs(after.brier - before.brier)
    assert after.brier < before.brier
