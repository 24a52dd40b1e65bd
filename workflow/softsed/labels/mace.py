"""Multi-annotator competence estimation (MACE): competence of annotators and labels of items without ground truth.

Source: Hovy, Berg-Kirkpatrick, Vaswani and Hovy, "Learning whom to trust with MACE", NAACL-HLT 2013. This is reference
[22] of the paper. In its notation, the label T_i of item i is uniform, and annotator j gives annotation A_ij:

    S_ij ~ Bernoulli(1 - theta_j)      0: annotator j knows the label of item i, 1: they guess
    A_ij = T_i if S_ij = 0, otherwise A_ij ~ Multinomial(xi_j)

theta_j, the competence, is the probability of knowing. xi_j, the strategy, is the distribution of guesses. Inference is
EM, or variational Bayes (VB) with a Beta prior on theta_j and a Dirichlet prior on xi_j. All sums over labels are
computed in log space. Labels are indices from 0.
"""

import logging
from dataclasses import dataclass

import numpy as np
from scipy.special import digamma

from softsed.core.errors import InputError

# VB: Beta(0.5, 0.5) on theta, Dirichlet(10) on xi. EM: smoothing, divided by the number of labels.
VB_KNOWING, VB_STRATEGY, EM_SMOOTHING = 0.5, 10.0, 0.01

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Mace:
    """Result of `mace`.

    Attributes
    ----------
    competence : ndarray [annotators]
        theta, probability of knowing the label. With VB this is exp(E[log theta]), which is below the mean.
    strategy : ndarray [annotators, labels]
        xi, distribution of guesses. With VB this is exp(E[log xi]), which sums to less than 1.
    posterior : ndarray [items, labels]
        Probability of each label given all annotations.
    log_marginal_likelihood : float
        Logarithm of P(A; theta, xi). With VB, exp(E[log p]) replaces p, so that this is not a true probability.
    """

    competence: np.ndarray
    strategy: np.ndarray
    posterior: np.ndarray
    log_marginal_likelihood: float


def mace(
    items: np.ndarray,
    annotators: np.ndarray,
    labels: np.ndarray,
    *,
    n_items: int,
    n_annotators: int,
    n_labels: int = 2,
    method: str = "vb",
    restarts: int = 10,
    iterations: int = 50,
    seed: int,
) -> Mace:
    """Estimate the competence of annotators and the labels of items (Hovy et al., 2013).

    Parameters
    ----------
    items, annotators, labels : ndarray of int [annotations]
        Item, annotator and label of each annotation, as indices from 0. The order has no influence on the result.
    n_items, n_annotators, n_labels : int
        Number of items, annotators and labels.
    method : {"vb", "em"}
        Variational Bayes with Beta(0.5, 0.5) on theta and Dirichlet(10) on xi, or EM smoothed by 0.01 / `n_labels`.
    restarts : int
        Number of random initialisations. The one with the highest log marginal likelihood is kept.
    iterations : int
        Number of steps per initialisation.
    seed : int
        Seed of the initialisations.

    Returns
    -------
    Mace
        An item without annotations has a uniform posterior. An annotator without annotations has the competence of the
        prior.

    Raises
    ------
    InputError
        If there are no annotations, restarts or iterations, or the method is unknown.
    """
    if method not in ("vb", "em"):
        raise InputError(f"unknown method {method!r}", key="labels.competence.method", expected="vb or em")
    for name, number in (("annotations", len(items)), ("restarts", restarts), ("iterations", iterations)):
        if number < 1:
            raise InputError(f"the number of {name} is {number}", key="labels.competence", expected="1 or more")
    # Sums of floats depend on the order of their terms: sort the annotations, so that the order of the input does not.
    order = np.lexsort((labels, annotators, items))
    # Annotations are counted in two flattened tables: `cell` is an index into [labels, items], `choice` one into
    # [labels, annotators]. np.bincount over them computes the sums over annotations of both steps.
    cell = labels[order] * n_items + items[order]
    choice = labels[order] * n_annotators + annotators[order]
    counts = np.bincount(choice, minlength=n_labels * n_annotators).reshape(n_labels, n_annotators)
    # M step: EM takes the logarithm of smoothed, normalised counts. VB takes digamma of the same smoothed counts.
    log_mean = digamma if method == "vb" else np.log
    smoothing = EM_SMOOTHING / n_labels
    knowing, guessing = (VB_KNOWING, VB_STRATEGY) if method == "vb" else (smoothing, smoothing)

    rng = np.random.default_rng(seed)
    best = Mace(np.empty(0), np.empty(0), np.empty(0), -np.inf)
    for restart in range(restarts):
        # Expected annotations with S_ij = 0. The first value is about half, so that no explanation is favoured.
        known = counts * rng.uniform(0.4, 0.6, size=counts.shape)  # [labels, annotators]
        for _ in range(iterations + 1):
            guessed = np.maximum(counts - known, 0)
            total = log_mean(counts.sum(axis=0) + 2 * knowing)
            log_know = log_mean(known.sum(axis=0) + knowing) - total
            log_strategy = log_mean(guessed + guessing) - log_mean(guessed.sum(axis=0) + n_labels * guessing)
            log_guess = log_mean(guessed.sum(axis=0) + knowing) - total + log_strategy

            # E step. An annotation equal to T_i is a guess or known, any other annotation is a guess. `gain` is the
            # logarithm of the ratio of both probabilities, [labels, annotators], above 0.
            gain = np.logaddexp(log_know, log_guess) - log_guess
            evidence = np.bincount(cell, weights=gain.ravel()[choice], minlength=n_labels * n_items)
            evidence = evidence.reshape(n_labels, n_items)
            top = evidence.max(axis=0)
            posterior = np.exp(evidence - top)
            mass = posterior.sum(axis=0)
            posterior /= mass
            likelihood = (top + np.log(mass)).sum() - n_items * np.log(n_labels) + (counts * log_guess).sum()
            true = np.bincount(choice, weights=posterior.ravel()[cell], minlength=n_labels * n_annotators)
            # P(S_ij = 0 | A_ij = T_i) = 1 - exp(-gain), times the expected number of annotations equal to T_i.
            known = -np.expm1(-gain) * true.reshape(n_labels, n_annotators)
        logger.info("MACE (%s), restart %d: log marginal likelihood %.4f", method, restart + 1, likelihood)
        if likelihood > best.log_marginal_likelihood:
            best = Mace(np.exp(log_know), np.exp(log_strategy).T, posterior.T, float(likelihood))
    return best
