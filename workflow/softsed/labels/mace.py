"""Multi-annotator competence estimation (MACE): whom to trust when nobody knows the truth.

Competences are probabilities, 0..1, that an annotator knows the answer instead of guessing; labels are indices from 0.
Written from Hovy, Berg-Kirkpatrick, Vaswani and Hovy, "Learning whom to trust with MACE", NAACL-HLT 2013.
"""

import logging
from dataclasses import dataclass

import numpy as np
from scipy.special import digamma

from softsed.core.errors import InputError

# Variational Bayes: Beta(0.5, 0.5) on knowing, Dirichlet(10) on the strategy. EM: smoothing shared by the labels.
VB_KNOWING, VB_STRATEGY, EM_SMOOTHING = 0.5, 10.0, 0.01

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Mace:
    """Result of MACE: competence [annotators], strategy [annotators, labels], posterior [items, labels].

    With variational Bayes the first two are exp(E[log p]), below the mean: a strategy then sums to less than 1.
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
    """Estimate whom to trust: multi-annotator competence estimation (Hovy et al., NAACL 2013).

    The true label of an item is uniform. Annotator j knows it with probability theta_j, his competence, and gives it;
    otherwise he draws a label from his own strategy xi_j.

    Parameters
    ----------
    items, annotators, labels : ndarray of int [annotations]
        One annotation a row, indices from 0, in any order: the order has no influence on the result.
    method : {"vb", "em"}
        Variational Bayes with Beta(0.5, 0.5) on knowing and Dirichlet(10) on the strategy, or EM smoothed by
        0.01 / `n_labels`.
    restarts, iterations : int
        Random initialisations, of which the one with the best log marginal likelihood is kept, and steps of each.

    Returns
    -------
    Mace
        Items without annotation have a uniform posterior; annotators without one have the competence of the prior.
        The likelihood of variational Bayes uses exp(E[log p]) in place of p and so is no true probability.

    Raises
    ------
    InputError
        When there is no annotation, restart or iteration, or the method is unknown.
    """
    if method not in ("vb", "em"):
        raise InputError(f"unknown competence method {method!r}; expected vb or em")
    if not len(items) or restarts < 1 or iterations < 1:
        raise InputError(f"{len(items)} annotations, {restarts} restarts, {iterations} iterations: expected 1 or more")
    order = np.lexsort((labels, annotators, items))  # sums of floats depend on their order
    cell = labels[order] * n_items + items[order]
    choice = labels[order] * n_annotators + annotators[order]
    counts = np.bincount(choice, minlength=n_labels * n_annotators).reshape(n_labels, n_annotators)
    # In VB digamma stands where EM takes the logarithm of the same smoothed counts.
    log_mean = digamma if method == "vb" else np.log
    smoothing = EM_SMOOTHING / n_labels
    knowing, guessing = (VB_KNOWING, VB_STRATEGY) if method == "vb" else (smoothing, smoothing)

    rng = np.random.default_rng(seed)
    best = Mace(np.empty(0), np.empty(0), np.empty(0), -np.inf)
    for restart in range(restarts):
        # Expected annotations that come from knowing: at first about half, so that neither explanation is favoured.
        known = counts * rng.uniform(0.4, 0.6, size=counts.shape)  # [labels, annotators]
        for _ in range(iterations + 1):
            guessed = np.maximum(counts - known, 0)
            total = log_mean(counts.sum(axis=0) + 2 * knowing)
            log_know = log_mean(known.sum(axis=0) + knowing) - total
            log_strategy = log_mean(guessed + guessing) - log_mean(guessed.sum(axis=0) + n_labels * guessing)
            log_guess = log_mean(guessed.sum(axis=0) + knowing) - total + log_strategy

            # How much more likely an annotation is when it equals the truth: [labels, annotators], above 0.
            gain = np.logaddexp(log_know, log_guess) - log_guess
            score = np.bincount(cell, weights=gain.ravel()[choice], minlength=n_labels * n_items)
            score = score.reshape(n_labels, n_items)
            top = score.max(axis=0)
            posterior = np.exp(score - top)
            mass = posterior.sum(axis=0)
            posterior /= mass
            likelihood = (top + np.log(mass)).sum() - n_items * np.log(n_labels) + (counts * log_guess).sum()
            true = np.bincount(choice, weights=posterior.ravel()[cell], minlength=n_labels * n_annotators)
            known = -np.expm1(-gain) * true.reshape(n_labels, n_annotators)
        logger.info("MACE (%s), restart %d: log marginal likelihood %.4f", method, restart + 1, likelihood)
        if likelihood > best.log_marginal_likelihood:
            best = Mace(np.exp(log_know), np.exp(log_strategy).T, posterior.T, float(likelihood))
    return best
