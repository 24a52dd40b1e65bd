"""MACE against the published figures, exact enumeration and simulated crowds."""

import csv
import itertools

import numpy as np
import pytest
from scipy.special import digamma
from support.shared import shared

from softsed.labels.mace import mace

pytestmark = [pytest.mark.filterwarnings("error"), pytest.mark.usefixtures("_strict_numpy")]


@pytest.fixture
def _strict_numpy():
    with np.errstate(divide="raise", invalid="raise", over="raise"):
        yield


def simulate(theta, strategy, n_items, per_item, rng):
    """Draw annotations from the model itself: each item is seen by `per_item` annotators."""
    truth = rng.integers(strategy.shape[1], size=n_items)
    items = np.repeat(np.arange(n_items), per_item)
    annotators = np.concatenate([rng.permutation(len(theta))[:per_item] for _ in range(n_items)])
    guess = (rng.uniform(size=len(items))[:, None] > np.cumsum(strategy, axis=1)[annotators]).sum(axis=1)
    knows = rng.uniform(size=len(items)) < theta[annotators]
    return truth, items, annotators, np.where(knows, truth[items], guess)


# Figures of the original program on this data: 10 restarts of 50 iterations. Its random numbers differ from those of
# softsed, and 50 iterations do not reach the optimum. Therefore the likelihood varies by 0.02 with the seed.
@pytest.mark.parametrize(
    ("method", "accuracy", "likelihood"), [("vb", 0.92625, -3923.88), ("em", 0.92875, -3681.43)], ids=["vb", "em"]
)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_figures_of_the_original_on_rte(method, accuracy, likelihood, seed):
    rte = shared("mace")
    with (rte / "rte.csv").open(encoding="utf-8", newline="") as file:
        table = list(csv.reader(file))
    truth = np.array((rte / "rte.key").read_text(encoding="utf-8").split(), dtype=int)
    cells = [(i, j, int(cell)) for i, row in enumerate(table) for j, cell in enumerate(row) if cell]
    result = mace(*np.array(cells).T, n_items=len(table), n_annotators=len(table[0]), method=method, seed=seed)
    assert np.mean(result.posterior.argmax(axis=1) == truth) == pytest.approx(accuracy, abs=1e-9)
    assert result.log_marginal_likelihood == pytest.approx(likelihood, abs=0.05)


def test_likelihood_and_posterior_equal_enumeration():
    """Sum the model's joint probability over all truths and all know/guess variables of a tiny crowd."""
    rng = np.random.default_rng(5)
    strategy = np.array([[0.2, 0.3, 0.5], [0.6, 0.2, 0.2]])
    _, items, annotators, labels = simulate(np.array([0.9, 0.3]), strategy, 3, 2, rng)
    result = mace(items, annotators, labels, n_items=3, n_annotators=2, n_labels=3, method="em", iterations=3, seed=0)
    evidence, posterior = 0.0, np.zeros((3, 3))
    for truth in itertools.product(range(3), repeat=3):
        for knows in itertools.product([True, False], repeat=len(items)):
            joint = (1 / 3) ** 3
            for item, annotator, label, know in zip(items, annotators, labels, knows, strict=True):
                theta = result.competence[annotator]
                joint *= theta * (label == truth[item]) if know else (1 - theta) * result.strategy[annotator, label]
            evidence += joint
            posterior[range(3), truth] += joint
    assert result.log_marginal_likelihood == pytest.approx(np.log(evidence), abs=1e-9)
    np.testing.assert_allclose(result.posterior, posterior / evidence, atol=1e-9)
    np.testing.assert_allclose(result.strategy.sum(axis=1), 1)


def test_converged_vb_satisfies_its_equations():
    """Competence = exp(psi(n_know + 0.5) - psi(n + 1)), strategy from Dirichlet(10), at the fixed point."""
    rng = np.random.default_rng(6)
    theta = np.array([0.9, 0.8, 0.7, 0.5, 0.1])
    _, items, annotators, labels = simulate(theta, np.full((5, 2), 0.5), 60, 3, rng)
    result = mace(items, annotators, labels, n_items=60, n_annotators=5, iterations=3000, restarts=1, seed=0)
    know, guess = np.zeros(5), np.zeros((5, 2))
    counts = np.bincount(annotators, minlength=5)
    # The competence implies n_know, which is read off a fine table, and n_know the weight of guessing.
    grid = np.linspace(0, 60, 600_001)
    n_know = np.array(
        [
            np.interp(np.log(c) + digamma(n + 1), digamma(grid + 0.5), grid)
            for c, n in zip(result.competence, counts, strict=True)
        ]
    )
    unknown = np.exp(digamma(counts - n_know + 0.5) - digamma(counts + 1))
    for item, annotator, label in zip(items, annotators, labels, strict=True):
        weight = result.competence[annotator]
        share = weight / (weight + unknown[annotator] * result.strategy[annotator, label])
        know[annotator] += result.posterior[item, label] * share
        guess[annotator, label] += 1 - result.posterior[item, label] * share
    np.testing.assert_allclose(know, n_know, atol=1e-5)
    expected = np.exp(digamma(guess + 10) - digamma(guess.sum(axis=1, keepdims=True) + 20))
    np.testing.assert_allclose(result.strategy, expected, atol=1e-6)


@pytest.mark.parametrize("method", ["vb", "em"])
@pytest.mark.parametrize("n_labels", [2, 4])
def test_recovers_the_competence_of_a_simulated_crowd(method, n_labels):
    rng = np.random.default_rng(7)
    theta = np.r_[np.zeros(8), np.linspace(0.2, 0.95, 22)]
    strategy = rng.dirichlet(np.ones(n_labels), size=30)
    truth, items, annotators, labels = simulate(theta, strategy, 3000, 6, rng)
    shape = {"n_items": 3000, "n_annotators": 30, "n_labels": n_labels}
    result = mace(items, annotators, labels, **shape, method=method, seed=1)
    ranks = [np.argsort(np.argsort(values)) for values in (theta[8:], result.competence[8:])]
    assert np.corrcoef(ranks)[0, 1] > 0.97
    # 600 opinions each: a standard error of about sqrt(0.25 / 600) / 0.5 = 0.04 with two labels; the worst: three.
    error = np.abs(result.competence - theta)
    assert error.mean() < 0.04
    assert error.max() < 0.12
    assert result.competence[:8].max() < 0.1  # spammers
    majority = np.array([np.bincount(labels[items == item], minlength=n_labels).argmax() for item in range(3000)])
    assert np.mean(result.posterior.argmax(axis=1) == truth) > np.mean(majority == truth)
