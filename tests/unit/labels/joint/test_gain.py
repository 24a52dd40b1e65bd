"""The worth of a further opinion against the posterior with each of its answers."""

import numpy as np
import pytest
from support.errors import refused

from softsed.core.metadata import Recording
from softsed.core.opinions import Opinions
from softsed.labels.joint.events import fit_all
from softsed.labels.joint.gain import list_windows
from softsed.labels.joint.hearing import Chains

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture(scope="module")
def crowd():
    """Six annotators about two classes in windows of 5 s every 2 s; a second recording without opinions."""
    rng = np.random.default_rng(1)
    active = np.zeros((41, 2), dtype=bool)
    active[5:9, 0] = active[20:28, 0] = active[14:16, 1] = active[22:25, 1] = True
    onset = np.arange(0, 37, 2)
    heard = np.array([active[start : start + 5].sum(axis=0) for start in onset])
    window, who, label = (index.ravel() for index in np.indices((len(onset), 6, 2)))
    ticks = rng.uniform(size=len(window)) < 1 - 0.95 * 0.6 ** heard[window, label]
    names = [f"A{place}" for place in range(6)]
    rows = window, who, label, ticks.astype(int)
    opinions = Opinions(np.full(len(onset), "r"), onset, onset + 5, names, ["birds", "car"], *rows)
    recordings = {"r": Recording("r", "park", 41.5), "new": Recording("new", "park", 12.0)}
    chains = Chains(opinions, recordings, np.inf)
    return chains, fit_all(chains)[:1], recordings


def test_gain_is_the_fall_of_the_variance(crowd):
    """For each answer, the posterior is computed again with the answer as evidence."""
    chains, [(_, fit)], recordings = crowd
    annotated = {"r": [0, 1], "new": [1]}
    windows = list_windows(chains, [(1.0, fit)], recordings=recordings, annotated=annotated, length=5, hop=2)
    theta, rate = 0.7, 0.3
    gain = windows.gain(theta, rate)
    now = fit.parameters
    transition = np.array([[1 - now.onset, now.onset], [now.offset, 1 - now.offset]])
    evidence = chains.evidence(now, fit.kinds)[0]
    before = chains.smoother.posterior(evidence, transition)
    for cell in (3, 9, 20):
        label, onset = chains.cell_label[cell], chains.opinions.onset[chains.window[cell]]
        other = 1 - label
        start = [chains.smoother.start[chains.pairs.index((0, column))] + onset for column in (label, other)]
        confused = now.confusion[other, label] * before.active[start[1] : start[1] + 5].sum()
        silent = np.exp(-now.false_alarm[label] - now.rate * confused) * (1 - now.detection) ** np.arange(6)
        tick = theta * (1 - silent) + (1 - theta) * rate
        probability = before.counts[cell] @ tick
        after = []
        for answer in (1 - tick, tick):
            more = evidence.copy()
            more[cell] *= answer
            more /= more.max(axis=1, keepdims=True)
            after.append(chains.smoother.posterior(more, transition).active[start[0] : start[0] + 5])
        expected = probability * (1 - probability) * (after[1] - after[0]) ** 2
        (place,) = np.flatnonzero((windows.recording == 0) & (windows.onset == onset) & (windows.label == label))
        np.testing.assert_allclose(gain[place], expected, rtol=1e-3, atol=1e-7)
        active = before.active[start[0] : start[0] + 5]
        np.testing.assert_allclose(windows.variance[place], active * (1 - active), atol=1e-5)


def test_windows_end_with_the_recording(crowd):
    chains, fits, recordings = crowd
    windows = list_windows(chains, fits, recordings=recordings, annotated={"r": [], "new": [1]}, length=5, hop=3)
    assert windows.onset.tolist() == [0, 3, 6, 7]
    assert (windows.gain(0.5, 0.2) > 0).all()  # this recording has no opinions


def test_windows_longer_than_all_recordings(crowd):
    chains, fits, recordings = crowd
    annotated = {"r": [0], "new": [0]}
    with refused(problem="13 s", expected="at most 12 s"):
        list_windows(chains, fits, recordings=recordings, annotated=annotated, length=13, hop=1)
    short = {"r": [], "new": [0]}
    with refused(key="--window", problem="12 s", expected="at most 9 s, the longest recording"):
        list_windows(chains, fits, recordings=recordings | {"new": Recording("new", "park", 9.0)}, annotated=short,
                     length=12, hop=1)  # fmt: skip
