"""MACE on small and extreme inputs. tests/oracle/test_mace.py compares it with published figures and enumeration."""

import numpy as np
import pytest
from scipy.special import digamma
from support.errors import refused

from softsed.labels.mace import mace

pytestmark = [pytest.mark.filterwarnings("error"), pytest.mark.usefixtures("_strict_numpy")]


@pytest.fixture
def _strict_numpy():
    with np.errstate(divide="raise", invalid="raise", over="raise"):
        yield


def draw_annotations(rng, *, n_items, n_annotators, per_item):
    """Draw items, annotators and binary labels; annotators agree more often than by chance."""
    truth = rng.integers(2, size=n_items)
    items = np.repeat(np.arange(n_items), per_item)
    annotators = np.concatenate([rng.permutation(n_annotators)[:per_item] for _ in range(n_items)])
    return items, annotators, np.where(rng.uniform(size=len(items)) < 0.8, truth[items], 1 - truth[items])


@pytest.mark.parametrize("method", ["vb", "em"])
def test_mace_depends_on_seed_but_not_on_order(method):
    rng = np.random.default_rng(8)
    rows = draw_annotations(rng, n_items=50, n_annotators=6, per_item=4)
    shuffled = np.array(rows)[:, rng.permutation(200)]
    settings = {"n_items": 50, "n_annotators": 6, "method": method, "restarts": 3, "iterations": 5}
    first, again, other = (mace(*r, **settings, seed=s) for r, s in [(rows, 3), (shuffled, 3), (rows, 4)])
    np.testing.assert_array_equal(first.competence, again.competence)
    np.testing.assert_array_equal(first.posterior, again.posterior)
    assert first.log_marginal_likelihood == again.log_marginal_likelihood
    assert not np.array_equal(first.competence, other.competence)


@pytest.mark.parametrize("method", ["vb", "em"])
def test_mace_improves_with_restarts(method):
    rng = np.random.default_rng(9)
    rows = draw_annotations(rng, n_items=30, n_annotators=10, per_item=3)
    settings = {"n_items": 30, "n_annotators": 10, "method": method, "seed": 2}
    likelihoods = [mace(*rows, **settings, restarts=n).log_marginal_likelihood for n in (1, 3, 10)]
    assert likelihoods == sorted(likelihoods)


EDGES = {
    "one annotator": ([0, 1, 2], [0, 0, 0], [0, 1, 1]),
    "one annotation": ([0], [0], [1]),
    "all unanimous, both labels": (np.repeat(range(20), 3), [0, 1, 2] * 20, np.repeat([0, 1] * 10, 3)),
    "no disagreement, one label": (np.repeat(range(20), 3), [0, 1, 2] * 20, np.zeros(60)),
    "annotator with one opinion": ([*np.repeat(range(20), 2), 0], [0, 1] * 20 + [2], [*np.repeat([0, 1] * 10, 2), 1]),
    "item with one opinion": ([*np.repeat(range(20), 3), 20], [0, 1, 2] * 20 + [0], [*np.repeat([0, 1] * 10, 3), 1]),
    "annotator and item without any": ([0, 0, 2], [0, 2, 2], [1, 0, 1]),
}


@pytest.mark.parametrize("method", ["vb", "em"])
@pytest.mark.parametrize("name", EDGES)
def test_mace_of_edge_cases_is_finite(name, method):
    items, annotators, labels = (np.asarray(column, dtype=int) for column in EDGES[name])
    n_items, n_annotators = items.max() + 1, annotators.max() + 1
    result = mace(items, annotators, labels, n_items=n_items, n_annotators=n_annotators, method=method, seed=0)
    assert result.competence.shape == (n_annotators,)
    assert result.strategy.shape == (n_annotators, 2)
    assert ((result.competence > 0) & (result.competence <= 1)).all()
    np.testing.assert_allclose(result.posterior.sum(axis=1), 1)
    assert np.isfinite(result.log_marginal_likelihood)


@pytest.mark.parametrize("method", ["vb", "em"])
def test_mace_trusts_unanimous_annotators(method):
    items, annotators, labels = (np.asarray(column) for column in EDGES["all unanimous, both labels"])
    result = mace(items, annotators, labels, n_items=20, n_annotators=3, method=method, seed=0)
    assert result.competence.min() > 0.9
    np.testing.assert_array_equal(result.posterior.argmax(axis=1), [0, 1] * 10)


def test_mace_without_annotations_is_prior():
    """Without annotations, an annotator has the competence of Beta(0.5, 0.5), and an item has a uniform posterior."""
    result = mace(*map(np.array, EDGES["annotator and item without any"]), n_items=3, n_annotators=3, seed=0)
    assert result.competence[1] == pytest.approx(np.exp(digamma(0.5) - digamma(1.0)))
    np.testing.assert_allclose(result.posterior[1], 0.5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"method": "median"}, "'median'"),
        ({"restarts": 0}, "restarts is 0"),
        ({"iterations": 0}, "iterations is 0"),
    ],
)
def test_mace_refuses_bad_settings(change, message):
    one = np.array([0])
    with refused(problem=message):
        mace(one, one, one, n_items=1, n_annotators=1, seed=0, **change)


def test_mace_refuses_no_annotations():
    with refused(key="labels.competence", problem="annotations is 0"):
        mace(*np.empty((3, 0), dtype=int), n_items=1, n_annotators=1, seed=0)
