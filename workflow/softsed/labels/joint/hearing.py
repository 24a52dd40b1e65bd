"""Answers of the annotators of a window, given its number of active seconds: E and M step of the model of events.

`softsed.labels.joint.events` describes the model.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_matrix

from softsed.core.errors import InputError
from softsed.core.metadata import Recording
from softsed.core.opinions import Opinions
from softsed.labels.joint.competence import shrink
from softsed.labels.joint.dependence import count_independent
from softsed.labels.joint.forward_backward import LONGEST_S
from softsed.labels.joint.smoothing import Smoother

# Priors as pseudo-counts (yes, no). They are weak and only prevent probabilities of 0 or 1.
KNOWING, TICKING, FALSE_ALARM = (1, 1), (1, 1), (1, 50)
ONSET, OFFSET, CHAIN_S = 0.05, 0.2, 5  # prior rates in 1/s, and the seconds of data to which they are equivalent
# Confusions start at the first value and are shrunk towards 0, as by opinions on so many active seconds without any.
CONFUSION, UNCONFUSED = 0.1, 200
CLEAR = 20  # the probability of no confusion is rounded to 1 / CLEAR, so that many cells share it
# Lowest log evidence of a window relative to its highest. Twelve windows cover a second, and exp(12 * -7) fits 32 bits.
LEAST = -7.0


@dataclass(frozen=True)
class Parameters:
    """Parameters of the model.

    Attributes
    ----------
    detection : float
        d, fixed during EM.
    competence, tick_rate : ndarray [annotators, classes]
        theta, and the rate of ticks of an annotator who has not listened.
    common : ndarray [annotators]
        Competence in all classes.
    false_alarm : ndarray [classes]
        Expected number of false alarms of a window.
    confusion : ndarray [classes, classes]
        c from the class of the first axis, which sounds, to the class of the second axis, for which it is taken.
    onset, offset : ndarray [classes]
        Rates of transitions in 1/s.
    """

    detection: float
    competence: np.ndarray
    tick_rate: np.ndarray
    common: np.ndarray
    false_alarm: np.ndarray
    confusion: np.ndarray
    onset: np.ndarray
    offset: np.ndarray

    @property
    def rate(self) -> float:
        """Expected number of detections in an active second: -log(1 - d)."""
        return -float(np.log1p(-self.detection))


@dataclass(frozen=True)
class Kinds:
    """Kinds of opinions with the same probability.

    Attributes
    ----------
    label, annotator, answer : ndarray of int [kinds]
        Class, annotator, and 0 or 1.
    clear : ndarray [kinds]
        Probability that no other class is taken for this one in the window, rounded.
    votes : csr_matrix [cells, kinds]
        Number of independent opinions.
    """

    label: np.ndarray
    annotator: np.ndarray
    answer: np.ndarray
    clear: np.ndarray
    votes: csr_matrix

    def chances(self, now: Parameters, longest: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the probabilities of the answer with listening and by guessing, for 0 to `longest` active seconds.

        Returns
        -------
        known : ndarray [kinds, longest + 1]
            theta times the probability of the answer after listening.
        guessed : ndarray [kinds, 1]
            1 - theta times the probability of the answer without listening.
        """
        heard = self.heard(now, longest)
        yes = self.answer[:, None] == 1
        theta, rate = (values[self.annotator, self.label][:, None] for values in (now.competence, now.tick_rate))
        return theta * np.where(yes, heard, 1 - heard), (1 - theta) * np.where(yes, rate, 1 - rate)

    def heard(self, now: Parameters, longest: int) -> np.ndarray:
        """Return p(n), the probability that the window sounds active: [kinds, longest + 1]."""
        silent = self.clear * np.exp(-now.false_alarm)[self.label]
        return 1 - silent[:, None] * (1 - now.detection) ** np.arange(longest + 1)


@dataclass(frozen=True)
class Expectation:
    """Result of the E step.

    Attributes
    ----------
    active : ndarray [seconds of all chains]
        Posterior probability that the second is active, one chain after the other.
    counts : ndarray [cells, w + 1]
        Probability of each number of active seconds in the window of each cell.
    moves : ndarray [4, classes]
        Expected number of transitions: stay inactive, onset, offset, stay active.
    log_likelihood : float
        Logarithm of the likelihood of the opinions, each as its number of independent opinions.
    """

    active: np.ndarray
    counts: np.ndarray
    moves: np.ndarray
    log_likelihood: float


class Chains:
    """Opinions as evidence about Markov chains: one chain per recording and class with opinions.

    Parameters
    ----------
    opinions : Opinions
        Opinions on windows of up to `LONGEST_S` seconds.
    recordings : dict of Recording
        Name -> recording.
    class_weight : float
        Number of opinions for which the competence in all classes counts in that of one class.

    Raises
    ------
    InputError
        If a window is longer than `LONGEST_S`.
    """

    def __init__(self, opinions: Opinions, recordings: dict[str, Recording], class_weight: float) -> None:
        length = opinions.offset - opinions.onset
        if length.max() > LONGEST_S:
            worst = int(np.argmax(length))
            raise InputError(
                f"recording {str(opinions.recording[worst])!r} has a window of {length[worst]} s",
                key="labels.method",
                expected=f"windows of at most {LONGEST_S} s for the target event, whose states double with each second",
                remedy="Set labels.joint.target to people, or use the method eq1 or majority",
            )
        self.opinions, self.class_weight = opinions, class_weight
        self.annotators, self.classes = len(opinions.annotators), len(opinions.classes)
        self.dependence, self.weight = count_independent(opinions)
        # A cell is a window and class with opinions.
        key, self.cell = np.unique(opinions.window * self.classes + opinions.label, return_inverse=True)
        self.window, self.cell_label = np.divmod(key, self.classes)
        self.cells = len(key)
        self.plain = self.sort_kinds(np.ones(self.cells))
        # Classes can be confused only if the same windows were asked about several of them.
        self.several = len(np.unique(self.window)) < self.cells
        number = {name: place for place, name in enumerate(recordings)}
        owner = np.array([number[name] for name in opinions.recording])[self.window]
        pairs, chain = np.unique(owner * self.classes + self.cell_label, return_inverse=True)
        owner, self.label = np.divmod(pairs, self.classes)
        self.pairs = list(zip(owner.tolist(), self.label.tolist(), strict=True))  # recording and class of each chain
        self.number = {pair: chain for chain, pair in enumerate(self.pairs)}
        seconds = np.array([int(one.duration_s) for one in recordings.values()])[owner]
        onset = opinions.onset[self.window]
        self.smoother = Smoother(chain, onset, length[self.window], seconds=seconds, label=self.label)
        self.longest = self.smoother.longest
        lengths = np.unique(length)
        used = np.zeros((len(self.pairs), len(lengths)), dtype=bool)
        used[chain, np.searchsorted(lengths, length[self.window])] = True  # all lengths of a chain share LEAST
        self.least = LEAST / used.sum(axis=1)[chain, None]

    def sort_kinds(self, clear: np.ndarray) -> Kinds:
        """Sort the opinions by kind; `clear` [cells] is the probability that no other class is taken for this one."""
        level = np.maximum(np.rint(clear * CLEAR), 1).astype(np.int64)[self.cell]
        opinions = self.opinions
        key = ((opinions.label * self.annotators + opinions.annotator) * 2 + opinions.opinion) * (CLEAR + 1) + level
        key, kind = np.unique(key, return_inverse=True)
        votes = csr_matrix((self.weight, (self.cell, kind)), shape=(self.cells, len(key)))
        rest, level = np.divmod(key, CLEAR + 1)
        who, answer = np.divmod(rest, 2)
        return Kinds(*np.divmod(who, self.annotators), answer, level / CLEAR, votes)

    def start(self, detection: float) -> Parameters:
        """Return the initial parameters: competence 0.7, and the tick rate of all answers of an annotator."""
        who, size = self.opinions.annotator, self.annotators
        ticks = np.bincount(who, weights=self.opinions.opinion * self.weight, minlength=size) + TICKING[0]
        rate = ticks / (np.bincount(who, weights=self.weight, minlength=size) + sum(TICKING))
        pairs = size, self.classes
        values = (np.full(self.classes, value) for value in (FALSE_ALARM[0] / sum(FALSE_ALARM), ONSET, OFFSET))
        alarm, onset, offset = values
        confusion = np.zeros((self.classes, self.classes))
        theta, rate = np.full(pairs, 0.7), np.repeat(rate[:, None], self.classes, axis=1)
        return Parameters(detection, theta, rate, theta[:, 0], alarm, confusion, onset, offset)

    def expect(self, now: Parameters, kinds: Kinds) -> Expectation:
        """Infer the states of all chains (E step)."""
        evidence, scale = self.evidence(now, kinds)
        transition = np.array([[1 - now.onset, now.onset], [now.offset, 1 - now.offset]])
        found = self.smoother.posterior(evidence, transition)
        return Expectation(found.active, found.counts, found.moves, found.log_likelihood + scale)

    def evidence(self, now: Parameters, kinds: Kinds) -> tuple[np.ndarray, float]:
        """Compute the likelihood of the opinions on each window, by its number of active seconds.

        Returns
        -------
        evidence : ndarray [cells, w + 1]
            Likelihood, divided by its maximum.
        log_scale : float
            Sum of the logarithms of the maxima.
        """
        known, guessed = kinds.chances(now, self.longest)
        cells = kinds.votes @ np.log(known + guessed)
        top = cells.max(axis=1, keepdims=True)
        return np.exp(np.maximum(cells - top, self.least)), float(top.sum())

    def maximise(self, found: Expectation, kinds: Kinds, old: Parameters) -> Parameters:
        """Estimate all parameters but the confusions (M step).

        Which answers come from listening, and which ticks are false alarms, is hidden: ten inner EM steps estimate it.
        """
        choices = kinds.votes.T @ found.counts  # [kinds, n]
        trials, size, now = choices.sum(axis=1), (self.annotators, self.classes), old
        place = kinds.annotator * self.classes + kinds.label

        def per_annotator(values: np.ndarray) -> np.ndarray:
            return np.bincount(place, weights=values, minlength=size[0] * size[1]).reshape(size)

        opinions = per_annotator(trials)
        for _ in range(10):
            known, guessed = kinds.chances(now, self.longest)
            listened = choices * known / (known + guessed)
            some = listened.sum(axis=1)
            # A window that sounded active contains false_alarm / p(n) false alarms, as each has a Poisson distribution.
            alarms = (listened / kinds.heard(now, self.longest)).sum(axis=1) * kinds.answer
            alarms = np.bincount(kinds.label, weights=alarms, minlength=self.classes) * now.false_alarm
            heard = np.bincount(kinds.label, weights=some, minlength=self.classes)
            knew = per_annotator(some)
            common, theta = shrink(knew, opinions, prior=KNOWING, weight=self.class_weight)
            ticks = per_annotator((trials - some) * kinds.answer)
            rate = shrink(ticks, opinions - knew, prior=TICKING, weight=self.class_weight)[1]
            alarm = (alarms + FALSE_ALARM[0]) / (heard + sum(FALSE_ALARM))
            now = replace(now, competence=theta, tick_rate=rate, common=common, false_alarm=alarm)
        moves = found.moves
        onset, offset = _rate(moves[1], moves[0] + moves[1], ONSET), _rate(moves[2], moves[2] + moves[3], OFFSET)
        return replace(now, onset=onset, offset=offset)

    def confuse(self, found: Expectation, kinds: Kinds, old: Parameters, now: Parameters) -> tuple[Parameters, Kinds]:
        """Estimate the confusions (M step), and sort the opinions by them.

        The number of active seconds of another class is replaced by its expectation, so that the chains stay separate.
        """
        active = np.zeros((len(self.opinions.onset), self.classes))  # expected active seconds of each window
        active[self.window, self.cell_label] = found.counts @ np.arange(self.longest + 1)
        confusion = old.confusion
        if kinds is not self.plain:
            known, guessed = kinds.chances(old, self.longest)
            listened = known / (known + guessed)
            sounded = np.where(kinds.answer[:, None] == 1, listened / kinds.heard(old, self.longest), 0)
            per_cell = [(found.counts * (kinds.votes @ values)).sum(axis=1) for values in (listened, sounded)]
            trials, hits = (np.zeros_like(active) for _ in range(2))
            for table, values in zip((trials, hits), per_cell, strict=True):
                table[self.window, self.cell_label] = values
            # Confusions have a Poisson distribution, with rate d c for each active second of the other class.
            confusion = confusion * old.rate * (active.T @ hits) / (old.rate * (active.T @ trials) + UNCONFUSED)
        else:
            confusion = np.full_like(confusion, CONFUSION)
        np.fill_diagonal(confusion, 0)
        clear = np.exp(-now.rate * (active @ confusion))[self.window, self.cell_label]
        return replace(now, confusion=confusion), self.sort_kinds(clear)


def _rate(moves: np.ndarray, seconds: np.ndarray, prior: float) -> np.ndarray:
    """Estimate rates per class, shrunk towards that of all classes and this towards the prior, by `CHAIN_S` each."""
    pooled = (moves.sum() + CHAIN_S * prior) / (seconds.sum() + CHAIN_S)
    return (moves + CHAIN_S * pooled) / (seconds + CHAIN_S)
