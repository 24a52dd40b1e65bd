"""Labels of the events: a joint model of active seconds, annotator competence and confused classes.

The soft label of a second is the probability that the class is active. Eq. 1 gives each second the share of ticks in
the windows around it, so that an event of 1 s becomes a label of 9 s. But a tick in a window of 10 s means "somewhere
in these ten seconds", and a missing tick is evidence against all ten seconds. Model:

1. Seconds: each class is a Markov chain with the states inactive and active. Onset and offset rates, in 1/s, are
   parameters per class.
2. Windows: with n active seconds, a window sounds active with probability p(n) = 1 - q (1 - d)^n (a noisy OR). The
   detection d per active second is shared by all classes.
3. False alarms and confusions: q is the probability that nothing else sounds like the class. The expected number of
   false alarms of a window is a parameter per class. An active second of another class is taken for this class
   with c times the rate of a detection, and c is a parameter per pair of classes.
4. Annotators: with probability theta, the competence, an annotator has listened, and the answer is whether the window
   sounded active to them. Otherwise they tick at a fixed rate, as in MACE (Hovy et al., NAACL-HLT 2013). Competence and
   rate are parameters per annotator and class, shrunk towards those of the annotator.

Given n, the annotators of a window listen independently of each other. If there were one true answer that all competent
annotators report, as in MACE, every disagreement would be a guess. Here, 2 ticks of 5 mean "hard to hear", and this is
the information that separates d from the length of events. The answers of one annotator about overlapping windows are
not independent, and count as the number of independent opinions that follows from the data
(`softsed.labels.joint.dependence`).

For each d of a grid, EM estimates the other parameters, with exact forward-backward sums over all sequences of active
and inactive seconds (`softsed.labels.joint.smoothing`). The posteriors of all d are averaged, because the data hardly
determine d and the length of events separately. The weights of d come from fits without confusions: with confusions,
the likelihood is highest for a high d and too short events. Then further EM steps estimate the confusions. Nothing is
random.

The soft labels are probabilities. Therefore the threshold of hard labels can be computed
(`softsed.labels.harden.expected_f1`). A threshold of 0.5 would lose short events that few annotators noticed.
"""

import logging
from dataclasses import dataclass, replace

import numpy as np

from softsed.core.log import Remaining
from softsed.core.metadata import Recording
from softsed.core.opinions import Opinions
from softsed.labels.joint.hearing import Chains, Expectation, Kinds, Parameters

DETECTIONS = np.array([0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.55, 0.75, 0.9, 0.98])  # grid of d
PRIOR = np.gradient(np.log(DETECTIONS))  # uniform in log d: the width of the cell around each d
FIRST, FAR = 4, 6.0  # the search starts at d = 0.3 and ends on each side where the log weight is lower by FAR
# The weight of each d is PRIOR * posterior^(COARSE / (COARSE + cells)), as if there were at most COARSE cells. The
# posterior itself prefers a high detection of too short events, if annotators differ more than the model explains.
COARSE = 1000
ITERATIONS, TOLERANCE = 20, 5e-5  # EM steps for each d; gain of the log likelihood per cell below which they end
LEAST, MOST = 5, 15  # further EM steps with confusions
SMALL = 0.05  # weight of a d below which no EM steps with confusions follow

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Fit:
    """Result of EM for one d.

    Attributes
    ----------
    parameters : Parameters
        Estimated parameters.
    found : Expectation
        Result of the last E step.
    kinds : Kinds
        Opinions of the last E step, sorted by kind.
    """

    parameters: Parameters
    found: Expectation
    kinds: Kinds

    @property
    def log_posterior(self) -> float:
        """Log likelihood plus the logarithm of the prior of the crowd's mean competence, without a constant.

        Rare listening together with a high detection explains the opinions nearly as well. Therefore the prior prefers
        crowds that listen: its density is proportional to the mean competence, to the power of the annotators.
        """
        theta = self.parameters.common
        return self.found.log_likelihood + len(theta) * float(np.log(theta.mean()))


def fit(chains: Chains, start: Parameters, steps: Remaining) -> Fit:
    """Run EM without confusions and with the fixed d of `start`."""
    now, likelihood, kinds = start, -np.inf, chains.plain
    for _ in range(ITERATIONS):
        found = chains.expect(now, kinds)
        steps.advance()
        gain, likelihood = found.log_likelihood - likelihood, found.log_likelihood
        if gain < TOLERANCE * chains.cells:
            break
        now = chains.maximise(found, kinds, now)
    return Fit(now, found, kinds)


def add_confusions(chains: Chains, start: Fit, steps: Remaining) -> Fit:
    """Run EM with confusions, from the result of EM without them."""
    found, now, kinds = start.found, start.parameters, chains.plain
    for step in range(MOST):
        now, kinds = chains.confuse(found, kinds, now, chains.maximise(found, kinds, now))
        before, found = found, chains.expect(now, kinds)
        steps.advance()
        if step >= LEAST and found.log_likelihood - before.log_likelihood < TOLERANCE * chains.cells:
            break
    return Fit(now, found, kinds)


def fit_all(chains: Chains) -> list[tuple[float, Fit]]:
    """Fit the model for each d of the grid that matters.

    Returns
    -------
    list of (float, Fit)
        Weight of each d, which add up to 1, and its fit.
    """
    steps = Remaining(logger, "joint: steps of EM", (ITERATIONS + MOST) * len(DETECTIONS), bound=True)
    fits = {FIRST: fit(chains, chains.start(DETECTIONS[FIRST]), steps)}
    power = COARSE / (COARSE + chains.cells)
    for step in (1, -1):
        place = FIRST + step
        while 0 <= place < len(DETECTIONS):
            near = fits[place - step]
            best = max(one.log_posterior for one in fits.values())
            if power * near.log_posterior <= power * best - FAR:
                break
            # The parameters of the neighbour are a better start than those of `chains.start`.
            fits[place] = fit(chains, replace(near.parameters, detection=DETECTIONS[place]), steps)
            place += step
    weights = power * np.array([one.log_posterior for one in fits.values()])
    weights = PRIOR[list(fits)] * np.exp(weights - weights.max())
    weights /= weights.sum()
    logger.debug("weights of d = %s: %s", DETECTIONS[list(fits)].tolist(), weights.round(3).tolist())
    kept = [(weight, one) for weight, one in zip(weights.tolist(), fits.values(), strict=True) if weight >= SMALL]
    total = sum(weight for weight, _ in kept)
    if chains.several:
        kept = [(weight, add_confusions(chains, one, steps)) for weight, one in kept]
    return [(weight / total, one) for weight, one in kept]


def event_labels(
    opinions: Opinions, *, recordings: dict[str, Recording], class_weight: float = np.inf
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Infer the competence of annotators and the activity of each second and class from all opinions together.

    Parameters
    ----------
    opinions : Opinions
        Opinions on windows of up to `LONGEST_S` seconds, with any hop. Windows may have different lengths.
    recordings : dict of Recording
        Name -> recording.
    class_weight : float
        Number of opinions for which the competence in all classes counts in the competence in one class. 0: separate
        classes; infinite: one competence per annotator.

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
    chains = Chains(opinions, recordings, class_weight)
    fits = fit_all(chains)
    weights = np.array([weight for weight, _ in fits])
    active, competence = (
        np.tensordot(weights, values, axes=1)
        for values in ([one.found.active for _, one in fits], [one.parameters.common for _, one in fits])
    )
    soft = {name: np.full((int(r.duration_s), chains.classes), np.nan) for name, r in recordings.items()}
    names = list(recordings)
    for chain, (place, column) in enumerate(chains.pairs):
        name, start = names[place], chains.smoother.start[chain]
        soft[name][:, column] = active[start : start + len(soft[name])]
    return competence, soft
