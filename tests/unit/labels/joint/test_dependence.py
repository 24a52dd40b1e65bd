"""The dependence equals a comparison of all pairs of opinions, and is 0 and 1 in crowds where it is known."""

from dataclasses import replace

import numpy as np
import pytest
from support.crowds import ask

from softsed.core.opinions import Opinions
from softsed.labels.joint.dependence import count_independent

pytestmark = pytest.mark.filterwarnings("error")


def compare_all_pairs(opinions):
    """Compute the dependence and the weights from the definition, one pair of opinions after the other."""
    agreed, pairs = {True: 0.0, False: 0.0}, {True: 0.0, False: 0.0}  # by "same annotator"
    further = np.zeros(len(opinions.opinion))
    columns = zip(opinions.window, opinions.annotator, opinions.label, opinions.opinion, strict=True)
    rows = [(opinions.recording[w], opinions.onset[w], opinions.offset[w], w, who, c, v) for w, who, c, v in columns]
    for i, (name, onset, offset, window, who, label, opinion) in enumerate(rows):
        for name_, onset_, offset_, window_, who_, label_, opinion_ in rows:
            inside = min(offset, offset_) - max(onset, onset_)
            if (name, label) != (name_, label_) or window == window_ or inside <= 0:
                continue
            overlap = inside / max(offset - onset, offset_ - onset_)
            pairs[who == who_] += overlap
            agreed[who == who_] += overlap * (opinion == opinion_)
            further[i] += overlap * (who == who_)
    same, other = (agreed[kind] / pairs[kind] for kind in (True, False))
    rho = min(max((same - other) / (1 - other), 0), 1)
    return rho, 1 / (1 + rho * further)


def test_dependence_equals_all_pairs():
    """Windows of 1 to 4 s in two recordings; annotators with rates of their own, not all asked, in any order."""
    rng = np.random.default_rng(0)
    onset, length = rng.integers(0, 12, size=14), rng.integers(1, 5, size=14)
    names = np.array(["a", "b"])[rng.integers(0, 2, size=14)]
    rows = np.argwhere(rng.uniform(size=(14, 4, 2)) < 0.7)
    rows = rng.permutation(rows)
    ticks = rng.uniform(size=len(rows)) < np.array([0.1, 0.3, 0.7, 0.95])[rows[:, 1]]
    opinions = Opinions(names, onset, onset + length, list("wxyz"), ["one", "two"], *rows.T, ticks.astype(int))
    rho, weight = compare_all_pairs(opinions)
    found = count_independent(opinions)
    assert 0.05 < rho < 0.95
    assert found[0] == pytest.approx(rho, rel=1e-10)
    np.testing.assert_allclose(found[1], weight, rtol=1e-10)


def crowd_of(ticks):
    """Ask about windows of 2 s with a hop of 1 s; `ticks` is [windows, annotators]."""
    opinions, _ = ask({"r": np.zeros((len(ticks) + 1, ticks.shape[1], 1), dtype=bool)}, window=2)
    return replace(opinions, opinion=ticks.ravel().astype(int))


def test_dependence_of_independent_answers_is_0():
    ticks = np.random.default_rng(1).uniform(size=(4000, 4)) < 0.4
    assert count_independent(crowd_of(ticks))[0] < 0.02


def test_dependence_of_constant_annotators_is_1():
    """Annotators who tick all windows or none: each further opinion on half a window counts as a half."""
    rho, weight = count_independent(crowd_of(np.repeat([[True, False, False]], 4, axis=0)))
    assert rho == 1
    np.testing.assert_allclose(weight.reshape(4, 3)[:, 0], [1 / 1.5, 1 / 2, 1 / 2, 1 / 1.5])


@pytest.mark.parametrize("answer", ["one each", "all agree", "no overlap"])
def test_opinions_that_count_in_full(answer):
    ticks = np.random.default_rng(2).uniform(size=(6, 6)) < 0.5
    opinions = crowd_of(np.ones((6, 6)) if answer == "all agree" else ticks)
    if answer == "one each":
        kept = opinions.window == opinions.annotator
        names = ("window", "annotator", "label", "opinion")
        opinions = replace(opinions, **{name: getattr(opinions, name)[kept] for name in names})
    if answer == "no overlap":
        opinions = replace(opinions, onset=opinions.onset * 2, offset=opinions.onset * 2 + 2)
    rho, weight = count_independent(opinions)
    assert rho == 0
    assert (weight == 1).all()
