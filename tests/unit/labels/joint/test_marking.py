"""The posterior of the marks equals an enumeration of all sequences."""

import itertools

import numpy as np
import pytest

from softsed.labels.joint.marking import infer_marks

pytestmark = pytest.mark.filterwarnings("error")


def enumerate_all(share, evidence, redraw):
    """Posterior of one chain. The joint probabilities of two seconds follow from a level that is uniform in 0..1."""
    both = (1 - redraw) * np.minimum(share[:-1], share[1:]) + redraw * share[:-1] * share[1:]
    pair = {(1, 1): both, (1, 0): share[:-1] - both, (0, 1): share[1:] - both}
    pair[0, 0] = 1 - sum(pair.values())
    total, marked, empty = 0.0, np.zeros(len(share)), {length: np.zeros(len(share)) for length in evidence}
    for sequence in itertools.product((0, 1), repeat=len(share)):
        weight = (1 - share[0], share[0])[sequence[0]]
        for second, moved in enumerate(itertools.pairwise(sequence)):
            weight *= pair[moved][second] / (1 - share[second], share[second])[moved[0]]
        none = {
            length: np.array([not any(sequence[max(0, end - length + 1) : end + 1]) for end in range(len(share))])
            for length in evidence
        }
        weight *= np.prod([np.where(none[length], evidence[length], 1) for length in evidence])
        total += weight
        marked += weight * np.array(sequence)
        for length in evidence:
            empty[length] += weight * none[length]
    return marked / total, {length: values / total for length, values in empty.items()}


@pytest.mark.parametrize("lengths", [[3], [1], [2, 3], [1, 4]])
def test_infer_marks_equals_enumeration(lengths):
    """Windows of two lengths end in the same second."""
    rng = np.random.default_rng(len(lengths))
    share = rng.uniform(0.05, 0.95, size=(8, 3))
    evidence = {length: rng.uniform(0.1, 4, size=share.shape) for length in lengths}
    found = infer_marks(share, evidence, 0.1)
    for chain in range(3):
        one = {length: values[:, chain] for length, values in evidence.items()}
        marked, empty = enumerate_all(share[:, chain], one, 0.1)
        np.testing.assert_allclose(found.marked[:, chain], marked, rtol=1e-10)
        for length in lengths:
            np.testing.assert_allclose(found.empty[length][:, chain], empty[length], rtol=1e-10)


def test_infer_marks_without_evidence_is_the_share():
    share = np.random.default_rng(0).uniform(0.01, 0.99, size=(60, 4))
    found = infer_marks(share, {10: np.ones_like(share)}, 0.03)
    np.testing.assert_allclose(found.marked, share, rtol=1e-10)


def test_contradictions_on_long_windows_are_finite():
    """With 32 bits, random answers that annotators of high competence never give do not overflow."""
    rng = np.random.default_rng(0)
    share = rng.choice([0.001, 0.5, 0.999], size=(200, 30))
    evidence = 10.0 ** rng.choice([-5, 0, 5], p=[0.45, 0.1, 0.45], size=share.shape)
    found = infer_marks(share.astype(np.float32), {30: evidence.astype(np.float32)}, 0.03)
    exact = infer_marks(share, {30: evidence}, 0.03)
    np.testing.assert_allclose(found.marked, exact.marked, atol=2e-3)
