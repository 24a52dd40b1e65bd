"""Which seconds are active, inferred from the windows jointly with whom to trust.

Eq. 1 gives every second the share of ticks among the windows around it, so that a 1-s event becomes a 9-s label. But a
ticked 10-s window says "somewhere in these ten seconds", and an unticked one speaks against all ten. Hence this model:

1. Seconds: each class is a Markov chain of two states, inactive and active, with a rate of onsets and one of offsets,
   in 1/s, per class.
2. Windows: a window with n active seconds sounds active with probability p(n) = 1 - (1 - f)(1 - d)^n, a noisy OR;
   d is the detection per active second, shared by the classes, and f the false alarms, per class.
3. Annotators: with probability theta, the competence, an annotator has listened and answers what the window sounded
   like to him; otherwise he ticks at a rate of his own, as in MACE (Hovy et al., NAACL-HLT 2013). theta and the rate
   are shared by the classes.

Annotators of a window listen independently of each other, given n. Were there one truth that those who know all report
(MACE), disagreement could only mean guessing; here 2 ticks of 5 mean "little to hear", which is what tells d from the
length of the events. But they are not quite independent either: a faint event is faint for everybody and in all ten
windows. The evidence of each window is therefore raised to a power below 1, `TEMPER` (Miller and Dunson, "Robust
Bayesian inference via coarsening", JASA 2019).

For each d of a grid the rest is found by EM, with exact forward-backward sums over the 2^w states of the last w
seconds, w the longest window; the posteriors of all d are then averaged, because d and the length of events are hard to
tell apart. Seconds are whole; probabilities lie in 0..1. Nothing is random.

What comes out are probabilities, so that the threshold of hard labels need not be guessed: `thresholds.expected_f1`
computes it. At 0.5 short events that few annotators noticed would be lost. `crowd.estimate_joint` caps them by eq. 1.
"""

import logging
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_matrix

from softsed.core.errors import InputError
from softsed.core.metadata import Recording
from softsed.core.opinions import Opinions
from softsed.labels.forward_backward import smooth

LONGEST_S = 12  # 2^12 states
TEMPER = 0.7  # power of the evidence of a window; chosen by simulation: 1 is overconfident, 0.5 gives away accuracy
DETECTIONS = np.array([0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.55, 0.75, 0.9, 0.98])  # d, averaged over
PRIOR = np.gradient(np.log(DETECTIONS))  # uniform in log d: the width of the cell around each d
FIRST, FAR = 4, 6.0  # the search starts at d = 0.3 and ends on either side where the log weight is lower by FAR
# Weight of each d: PRIOR times likelihood^(COARSE / (COARSE + cells)), as if there were no more than COARSE cells: it
# leans towards too much detection of too short events where people differ more than the model knows.
COARSE = 1000
ITERATIONS, TOLERANCE = 20, 5e-5  # steps of EM for each d, and the gain of log likelihood per cell that ends them
# Priors as pseudo-counts (yes, no): weak, so that no probability becomes 0 or 1.
KNOWING, TICKING, FALSE_ALARM = (1, 1), (1, 1), (1, 50)
ONSET, OFFSET, CHAIN_S = 0.05, 0.2, 5  # rates in 1/s before any data, and the seconds of data that they are worth
# Least log evidence of a window, relative to its most. Twelve windows cover a second: exp(12 * -7) is within 32 bits.
LEAST = -7.0
BLOCK = 24_000_000  # cells of the table of states x seconds x chains held at once: 96 MB

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Parameters:
    """See the module: d, which is given, and what EM estimates, arrays [annotators] and [classes]."""

    detection: float
    competence: np.ndarray
    tick_rate: np.ndarray
    false_alarm: np.ndarray
    onset: np.ndarray
    offset: np.ndarray

    def hearing(self, longest: int) -> np.ndarray:
        """Compute the probability that a window sounds [inactive, active] with n active seconds: [classes, 2, n]."""
        silent = (1 - self.false_alarm[:, None]) * (1 - self.detection) ** np.arange(longest + 1)
        return np.stack([silent, 1 - silent], axis=1)


class Chains:
    """The opinions as evidence on chains, one a recording and asked class: what the steps of EM need."""

    def __init__(self, opinions: Opinions, recordings: dict[str, Recording], asked: dict[str, list[str]]) -> None:
        length = opinions.offset - opinions.onset
        if length.max() > LONGEST_S:
            worst = int(np.argmax(length))
            raise InputError(
                f"recording {str(opinions.recording[worst])!r}: a window of {length[worst]} s; the method joint takes "
                f"windows up to {LONGEST_S} s, because states double with every second: use eq1 or majority"
            )
        self.annotators, self.classes = len(opinions.annotators), len(opinions.classes)
        self.lengths = np.unique(length)
        self.longest = max(2, int(length.max()))  # two seconds at least: a transition
        self.names = [
            (name, column)
            for name, recording in recordings.items()
            for column, label in enumerate(opinions.classes)
            if label in asked[recording.scene]
        ]
        self.label = np.array([column for _, column in self.names])
        self.seconds = np.array([int(recordings[name].duration_s) for name, _ in self.names])
        # A cell is a window and class with opinions; `place` is where its evidence stands: length, last second, chain.
        key, cell = np.unique(opinions.window * self.classes + opinions.label, return_inverse=True)
        window, label = np.divmod(key, self.classes)
        lookup = {name: chain for chain, name in enumerate(self.names)}
        chain = [lookup[name, column] for name, column in zip(opinions.recording[window], label, strict=True)]
        kind = np.searchsorted(self.lengths, length[window])
        self.place = kind, opinions.offset[window] - 1, slice(None), np.array(chain)
        used = np.zeros((len(self.names), len(self.lengths)), dtype=bool)
        used[chain, kind] = True  # LEAST is shared by the windows of all lengths of a chain
        self.least = LEAST / used.sum(axis=1)[chain, None]
        choice = (opinions.label * self.annotators + opinions.annotator) * 2 + opinions.opinion
        shape = len(key), self.classes * self.annotators * 2
        self.votes = csr_matrix((np.ones(len(cell)), (cell, choice)), shape=shape)  # [cells, choices]

    def expect(self, now: Parameters) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
        """Infer the chains (E step).

        Returns
        -------
        active : ndarray [seconds, chains]
            Posterior probability; without meaning after the end of a shorter recording.
        choices : ndarray [classes, annotators, 2, n]
            Expected opinions, by answer and number of active seconds in the window.
        moves : ndarray [4, classes]
            Expected transitions: stay inactive, onset, offset, stay active.
        likelihood : float
            Logarithm, of the tempered evidence.
        """
        heard = now.hearing(self.longest)[:, None]  # [classes, 1, 2, n]
        guess = np.stack([1 - now.tick_rate, now.tick_rate], axis=1)[:, :, None]  # [annotators, 2, 1]
        competence = now.competence[:, None, None]
        chance = np.log(competence * heard + (1 - competence) * guess)
        cells = TEMPER * (self.votes @ chance.reshape(-1, self.longest + 1))  # [cells, n]
        top = cells.max(axis=1, keepdims=True)
        duration, chains = self.seconds.max(), len(self.names)
        evidence = np.ones((len(self.lengths), duration, self.longest + 1, chains), dtype=np.float32)
        evidence[self.place] = np.exp(np.maximum(cells - top, self.least))
        onset, offset = now.onset[self.label], now.offset[self.label]
        transition = np.array([[1 - onset, onset], [offset, 1 - offset]])
        counts, moves = np.empty(evidence.shape), np.empty((duration, 4, chains))
        log_scale = np.empty((duration, chains))
        width = max(1, min(64, BLOCK // (duration << self.longest)))  # 64: the working set fits into the cache
        for start in range(0, chains, width):
            part = np.s_[..., start : start + width]
            counts[part], moves[part], log_scale[part] = smooth(evidence[part], transition[part], self.lengths.tolist())
        inside = np.arange(duration)[:, None] < self.seconds
        moved = (moves[1:] * inside[1:, None]).sum(axis=0)  # [4, chains]; the first second has no predecessor
        by_class = np.stack([np.bincount(self.label, weights=row, minlength=self.classes) for row in moved])
        choices = (self.votes.T @ counts[self.place]).reshape(self.classes, self.annotators, 2, -1)
        return moves[:, 1] + moves[:, 3], choices, by_class, float(top.sum() + log_scale[inside].sum())

    def start(self, detection: float) -> Parameters:
        """Guess: everybody listens mostly, and otherwise ticks as often as ever."""
        ticks = np.asarray(self.votes.sum(axis=0)).reshape(self.classes, self.annotators, 2).sum(axis=0)
        values = (np.full(self.classes, value) for value in (FALSE_ALARM[0] / sum(FALSE_ALARM), ONSET, OFFSET))
        rate = (ticks[:, 1] + TICKING[1]) / (ticks.sum(axis=1) + sum(TICKING))
        return Parameters(detection, np.full(self.annotators, 0.7), rate, *values)


def maximise(choices: np.ndarray, moves: np.ndarray, old: Parameters) -> Parameters:
    """Estimate the parameters from expected counts (M step): a few EM steps of its own, who knew and what was heard."""
    now = old
    for _ in range(10):
        heard = now.hearing(choices.shape[-1] - 1)
        known = now.competence[:, None, None] * heard[:, None]
        guess = (1 - now.competence)[:, None] * np.stack([1 - now.tick_rate, now.tick_rate], axis=1)
        listened = choices * known / (known + guess[:, :, None])
        guessed = (choices - listened).sum(axis=(0, 3))  # [annotators, 2]
        knew, all_ = listened.sum(axis=(0, 2, 3)), choices.sum(axis=(0, 2, 3))
        # A tick that was heard with n active seconds is a false alarm with probability f / p(n), or also one.
        alarmed = (listened[:, :, 1] * now.false_alarm[:, None, None] / heard[:, None, 1]).sum(axis=(1, 2))
        trials = listened.sum(axis=(1, 2, 3))
        now = Parameters(
            detection=old.detection,
            competence=(knew + KNOWING[0]) / (all_ + sum(KNOWING)),
            tick_rate=(guessed[:, 1] + TICKING[0]) / (guessed.sum(axis=1) + sum(TICKING)),
            false_alarm=(alarmed + FALSE_ALARM[0]) / (trials + sum(FALSE_ALARM)),
            onset=_rate(moves[1], moves[0] + moves[1], ONSET),
            offset=_rate(moves[2], moves[2] + moves[3], OFFSET),
        )
    return now


def _rate(moves: np.ndarray, seconds: np.ndarray, prior: float) -> np.ndarray:
    """Estimate a rate for each class, drawn to that of all classes and this to the prior, by `CHAIN_S` each."""
    pooled = (moves.sum() + CHAIN_S * prior) / (seconds.sum() + CHAIN_S)
    return (moves + CHAIN_S * pooled) / (seconds + CHAIN_S)


@dataclass(frozen=True)
class Fit:
    """What EM found for one d: parameters, posterior [seconds, chains], and its score, the log weight without prior."""

    parameters: Parameters
    active: np.ndarray
    score: float


def fit(chains: Chains, start: Parameters) -> Fit:
    """Run EM with d as it is in `start`."""
    now, likelihood, cells = start, -np.inf, chains.votes.shape[0]
    for _ in range(ITERATIONS):
        active, choices, moves, reached = chains.expect(now)
        gain, likelihood = reached - likelihood, reached
        if gain < TOLERANCE * cells:
            break
        now = maximise(choices, moves, now)
    logger.info("detection %.2f: log likelihood %.2f, last gain %.2g", now.detection, likelihood, gain)
    return Fit(now, active, likelihood * COARSE / (COARSE + cells))


def joint_labels(
    opinions: Opinions, *, recordings: dict[str, Recording], asked: dict[str, list[str]]
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Infer competences and the activity of each second and class from all opinions at once.

    Parameters
    ----------
    opinions : Opinions
        On windows of up to `LONGEST_S` seconds, of any hop; lengths may differ.
    asked : dict
        Scene to the classes asked there.

    Returns
    -------
    competence : ndarray [annotators]
        Probability of having listened; its scale is not that of MACE.
    soft : dict of ndarray [seconds, classes]
        Posterior probability that the class is active in the second; nan for classes that were not asked. A second
        without any window gets what its neighbours make likely.

    Raises
    ------
    InputError
        For a window longer than `LONGEST_S`.
    """
    chains = Chains(opinions, recordings, asked)
    fits = {FIRST: fit(chains, chains.start(DETECTIONS[FIRST]))}
    for step in (1, -1):
        place = FIRST + step
        while 0 <= place < len(DETECTIONS) and fits[place - step].score > max(f.score for f in fits.values()) - FAR:
            near = fits[place - step].parameters  # a better start than any guess
            fits[place] = fit(chains, replace(near, detection=DETECTIONS[place]))
            place += step
    weights = np.array([found.score for found in fits.values()])
    weights = PRIOR[list(fits)] * np.exp(weights - weights.max())
    weights /= weights.sum()
    logger.info("weights of d = %s: %s", DETECTIONS[list(fits)].tolist(), weights.round(3).tolist())
    active = sum(weight * found.active for weight, found in zip(weights, fits.values(), strict=True))
    competence = sum(weight * found.parameters.competence for weight, found in zip(weights, fits.values(), strict=True))
    soft = {name: np.full((int(r.duration_s), chains.classes), np.nan) for name, r in recordings.items()}
    for chain, (name, column) in enumerate(chains.names):
        soft[name][:, column] = active[: chains.seconds[chain], chain]
    return competence, soft
