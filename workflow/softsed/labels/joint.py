"""Joint model of active seconds and annotator competence, which takes each window as evidence about all its seconds.

Eq. 1 gives each second the share of ticks in the windows around it, so that an event of 1 s becomes a label of 9 s. But
a tick in a window of 10 s says "somewhere in these ten seconds", and a missing tick is evidence against all ten. Model:

1. Seconds: each class is a Markov chain with the states inactive and active. Onset and offset rates, in 1/s, are
   parameters per class.
2. Windows: a window with n active seconds sounds active with probability p(n) = 1 - (1 - f)(1 - d)^n (a noisy OR). The
   detection d per active second is shared by all classes; the false alarms f are parameters per class.
3. Annotators: with probability theta, the competence, an annotator has listened, and the answer is whether the window
   sounded active to them. Otherwise they tick at a fixed rate, as in MACE (Hovy et al., NAACL-HLT 2013). Competence and
   rate are parameters per annotator, shared by all classes.

Given n, the annotators of a window listen independently of each other. If there were one true answer that all competent
annotators report, as in MACE, every disagreement would be a guess. Here, 2 ticks of 5 mean "hard to hear", and this is
the information that separates d from the length of events. In reality the answers are not quite independent: a faint
event is faint for all annotators and in all ten windows. Therefore the evidence of each window is raised to a power
below 1, `TEMPER` (Miller and Dunson, "Robust Bayesian inference via coarsening", JASA 2019).

For each d of a grid, EM estimates the other parameters, with exact forward-backward sums over all sequences of active
and inactive seconds (`softsed.labels.smoothing`). The posteriors of all d are averaged,
because the data hardly determine d and the length of events separately. Nothing is random.

The soft labels are probabilities. Therefore the threshold of hard labels can be computed
(`softsed.labels.harden.expected_f1`). A threshold of 0.5 would lose short events that few annotators noticed.
`softsed.labels.aggregate.estimate_joint` limits the soft labels by eq. 1.
"""

import logging
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_matrix

from softsed.core.errors import InputError
from softsed.core.log import Remaining
from softsed.core.metadata import Recording
from softsed.core.opinions import Opinions
from softsed.labels.forward_backward import LONGEST_S
from softsed.labels.smoothing import Smoother

TEMPER = 0.7  # power of the evidence of a window, chosen by simulation: 1 is overconfident, 0.5 loses accuracy
DETECTIONS = np.array([0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.55, 0.75, 0.9, 0.98])  # grid of d
PRIOR = np.gradient(np.log(DETECTIONS))  # uniform in log d: the width of the cell around each d
FIRST, FAR = 4, 6.0  # the search starts at d = 0.3 and ends on each side where the log weight is lower by FAR
# The weight of each d is PRIOR * likelihood^(COARSE / (COARSE + cells)), as if there were at most COARSE cells. The
# likelihood itself prefers a high detection of too short events, if annotators differ more than the model explains.
COARSE = 1000
ITERATIONS, TOLERANCE = 20, 5e-5  # EM steps for each d; gain of the log likelihood per cell below which they end
# Priors as pseudo-counts (yes, no). They are weak and only prevent probabilities of 0 or 1.
KNOWING, TICKING, FALSE_ALARM = (1, 1), (1, 1), (1, 50)
ONSET, OFFSET, CHAIN_S = 0.05, 0.2, 5  # prior rates in 1/s, and the seconds of data to which they are equivalent
# Lowest log evidence of a window relative to its highest. Twelve windows cover a second, and exp(12 * -7) fits 32 bits.
LEAST = -7.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Parameters:
    """Parameters of the model in the module docstring.

    Attributes
    ----------
    detection : float
        d, fixed during EM.
    competence, tick_rate : ndarray [annotators]
        theta, and the rate of ticks of an annotator who has not listened.
    false_alarm : ndarray [classes]
        f.
    onset, offset : ndarray [classes]
        Rates of transitions in 1/s.
    """

    detection: float
    competence: np.ndarray
    tick_rate: np.ndarray
    false_alarm: np.ndarray
    onset: np.ndarray
    offset: np.ndarray

    def hearing(self, longest: int) -> np.ndarray:
        """Return 1 - p(n) and p(n) for n = 0 to `longest` active seconds: [classes, 2, longest + 1]."""
        silent = (1 - self.false_alarm[:, None]) * (1 - self.detection) ** np.arange(longest + 1)
        return np.stack([silent, 1 - silent], axis=1)


class Chains:
    """Opinions as evidence about Markov chains: one chain per recording and class with opinions.

    Parameters and errors are those of `joint_labels`.
    """

    def __init__(self, opinions: Opinions, recordings: dict[str, Recording]) -> None:
        length = opinions.offset - opinions.onset
        if length.max() > LONGEST_S:
            worst = int(np.argmax(length))
            raise InputError(
                f"recording {str(opinions.recording[worst])!r} has a window of {length[worst]} s",
                key="labels.method",
                expected=f"windows of at most {LONGEST_S} s for the method joint, whose states double with each second",
                remedy="Use eq1 or majority",
            )
        self.annotators, self.classes = len(opinions.annotators), len(opinions.classes)
        lengths = np.unique(length)
        # A cell is a window and class with opinions.
        key, cell = np.unique(opinions.window * self.classes + opinions.label, return_inverse=True)
        window, label = np.divmod(key, self.classes)
        number = {name: place for place, name in enumerate(recordings)}
        owner = np.array([number[name] for name in opinions.recording])[window]
        pairs, chain = np.unique(owner * self.classes + label, return_inverse=True)
        owner, self.label = np.divmod(pairs, self.classes)
        names = list(recordings)
        self.names = [(names[place], column) for place, column in zip(owner.tolist(), self.label.tolist(), strict=True)]
        seconds = np.array([int(recordings[name].duration_s) for name, _ in self.names])
        self.smoother = Smoother(chain, opinions.onset[window], length[window], seconds=seconds, label=self.label)
        self.longest = self.smoother.longest
        used = np.zeros((len(self.names), len(lengths)), dtype=bool)
        used[chain, np.searchsorted(lengths, length[window])] = True  # windows of all lengths of a chain share LEAST
        self.least = LEAST / used.sum(axis=1)[chain, None]
        choice = (opinions.label * self.annotators + opinions.annotator) * 2 + opinions.opinion
        shape = len(key), self.classes * self.annotators * 2
        self.votes = csr_matrix((np.ones(len(cell)), (cell, choice)), shape=shape)  # [cells, choices]

    def expect(self, now: Parameters) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
        """Infer the states of all chains (E step).

        Returns
        -------
        active : ndarray [seconds of all chains]
            Posterior probability that the second is active, one chain after the other.
        choices : ndarray [classes, annotators, 2, w + 1]
            Expected number of opinions by answer (0, 1) and number of active seconds in the window.
        moves : ndarray [4, classes]
            Expected number of transitions: stay inactive, onset, offset, stay active.
        likelihood : float
            Logarithm of the likelihood of the tempered evidence.
        """
        heard = now.hearing(self.longest)[:, None]  # [classes, 1, 2, n]
        guess = np.stack([1 - now.tick_rate, now.tick_rate], axis=1)[:, :, None]  # [annotators, 2, 1]
        competence = now.competence[:, None, None]
        chance = np.log(competence * heard + (1 - competence) * guess)
        cells = TEMPER * (self.votes @ chance.reshape(-1, self.longest + 1))  # [cells, n]
        top = cells.max(axis=1, keepdims=True)
        transition = np.array([[1 - now.onset, now.onset], [now.offset, 1 - now.offset]])
        found = self.smoother.posterior(np.exp(np.maximum(cells - top, self.least)), transition)
        choices = (self.votes.T @ found.counts).reshape(self.classes, self.annotators, 2, -1)
        return found.active, choices, found.moves, found.log_likelihood + float(top.sum())

    def start(self, detection: float) -> Parameters:
        """Return the initial parameters: competence 0.7, and the tick rate of all answers of an annotator."""
        ticks = np.asarray(self.votes.sum(axis=0)).reshape(self.classes, self.annotators, 2).sum(axis=0)
        values = (np.full(self.classes, value) for value in (FALSE_ALARM[0] / sum(FALSE_ALARM), ONSET, OFFSET))
        rate = (ticks[:, 1] + TICKING[1]) / (ticks.sum(axis=1) + sum(TICKING))
        return Parameters(detection, np.full(self.annotators, 0.7), rate, *values)


def maximise(choices: np.ndarray, moves: np.ndarray, old: Parameters) -> Parameters:
    """Estimate the parameters from expected counts (M step).

    Which answers come from listening, and which ticks are false alarms, is hidden. Ten inner EM steps estimate both.

    Parameters
    ----------
    choices, moves : ndarray
        Expected counts, as from `Chains.expect`.
    old : Parameters
        Parameters of the step before.
    """
    now = old
    for _ in range(10):
        heard = now.hearing(choices.shape[-1] - 1)
        known = now.competence[:, None, None] * heard[:, None]
        guess = (1 - now.competence)[:, None] * np.stack([1 - now.tick_rate, now.tick_rate], axis=1)
        listened = choices * known / (known + guess[:, :, None])
        guessed = (choices - listened).sum(axis=(0, 3))  # [annotators, 2]
        knew, all_ = listened.sum(axis=(0, 2, 3)), choices.sum(axis=(0, 2, 3))
        # A window with n active seconds that sounded active contains a false alarm with probability f / p(n).
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
    """Estimate rates per class, shrunk towards that of all classes and this towards the prior, by `CHAIN_S` each."""
    pooled = (moves.sum() + CHAIN_S * prior) / (seconds.sum() + CHAIN_S)
    return (moves + CHAIN_S * pooled) / (seconds + CHAIN_S)


@dataclass(frozen=True)
class Fit:
    """Result of EM for one d.

    Attributes
    ----------
    parameters : Parameters
        Estimated parameters.
    active : ndarray [seconds of all chains]
        Posterior probability that the second is active, one chain after the other.
    log_weight : float
        Logarithm of the weight of this d, without the prior.
    """

    parameters: Parameters
    active: np.ndarray
    log_weight: float


def fit(chains: Chains, start: Parameters, steps: Remaining) -> Fit:
    """Run EM with the fixed d of `start`."""
    now, likelihood, cells = start, -np.inf, chains.votes.shape[0]
    for _ in range(ITERATIONS):
        active, choices, moves, reached = chains.expect(now)
        steps.advance()
        gain, likelihood = reached - likelihood, reached
        if gain < TOLERANCE * cells:
            break
        now = maximise(choices, moves, now)
    logger.info("detection %.2f: log likelihood %.2f, last gain %.2g", now.detection, likelihood, gain)
    return Fit(now, active, likelihood * COARSE / (COARSE + cells))


def joint_labels(opinions: Opinions, *, recordings: dict[str, Recording]) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Infer the competence of annotators and the activity of each second and class from all opinions together.

    Parameters
    ----------
    opinions : Opinions
        Opinions on windows of up to `LONGEST_S` seconds, with any hop. Windows may have different lengths.
    recordings : dict of Recording
        Name -> recording.

    Returns
    -------
    competence : ndarray [annotators]
        Probability, 0..1, that the annotator has listened. Not comparable with the competence of MACE.
    soft : dict of ndarray [seconds, classes]
        Recording -> posterior probability that the class is active in the second; NaN for classes without any opinion
        about the recording. For a second without windows, the probability follows from the neighbouring seconds.

    Raises
    ------
    InputError
        If a window is longer than `LONGEST_S`.
    """
    chains = Chains(opinions, recordings)
    steps = Remaining(logger, "joint: steps of EM", ITERATIONS * len(DETECTIONS), bound=True)
    fits = {FIRST: fit(chains, chains.start(DETECTIONS[FIRST]), steps)}
    for step in (1, -1):
        place = FIRST + step
        while 0 <= place < len(DETECTIONS):
            near = fits[place - step]
            if near.log_weight <= max(found.log_weight for found in fits.values()) - FAR:
                break
            # The parameters of the neighbour are a better start than those of `chains.start`.
            fits[place] = fit(chains, replace(near.parameters, detection=DETECTIONS[place]), steps)
            place += step
    weights = np.array([found.log_weight for found in fits.values()])
    weights = PRIOR[list(fits)] * np.exp(weights - weights.max())
    weights /= weights.sum()
    logger.info("weights of d = %s: %s", DETECTIONS[list(fits)].tolist(), weights.round(3).tolist())
    active = sum(weight * found.active for weight, found in zip(weights, fits.values(), strict=True))
    competence = sum(weight * found.parameters.competence for weight, found in zip(weights, fits.values(), strict=True))
    soft = {name: np.full((int(r.duration_s), chains.classes), np.nan) for name, r in recordings.items()}
    for chain, (name, column) in enumerate(chains.names):
        start = chains.smoother.start[chain]
        soft[name][:, column] = active[start : start + len(soft[name])]
    return competence, soft
