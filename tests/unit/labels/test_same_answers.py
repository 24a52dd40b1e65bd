"""Pairs of annotators who never disagree, against counting by hand and the risk of a false alarm."""

import itertools

import numpy as np
import pytest

from softsed.core.opinions import Opinions
from softsed.labels.same_answers import AGREEMENT, RISK, count_shared, find_same_answers, needed

pytestmark = pytest.mark.filterwarnings("error")


def opinions(answers):
    """Opinions from an array [annotators, windows, classes] of 0, 1 and nan."""
    people, windows, classes = answers.shape
    window, who, label = np.nonzero(~np.isnan(answers.transpose(1, 0, 2)))
    return Opinions(
        *(np.array(["r"] * windows), np.arange(windows), np.arange(windows) + 10),
        [f"A{index}" for index in range(people)],
        [f"c{index}" for index in range(classes)],
        *(window, who, label, answers[who, window, label].astype(int)),
    )


@pytest.mark.parametrize("seed", range(3))
def test_counts_equal_those_of_each_pair(seed):
    rng = np.random.default_rng(seed)
    answers = rng.integers(0, 2, (6, 9, 2)).astype(float)
    answers[rng.random(answers.shape) < 0.5] = np.nan
    expected = []
    for one, other in itertools.combinations(range(6), 2):
        total = answers[one] + answers[other]
        counts = [int((total == value).sum()) for value in (0, 2, 1)]
        expected += [[one, other, *counts]] if sum(counts) else []
    assert count_shared(opinions(answers)).tolist() == expected


@pytest.mark.parametrize("pairs", [1, 3, 45, 10_000])
def test_needed_is_the_smallest_number_within_the_risk(pairs):
    assert pairs * AGREEMENT ** needed(pairs) < RISK <= pairs * AGREEMENT ** (needed(pairs) - 1)


def crowd(people=4, windows=60):
    """Annotators who answer a quarter of the questions differently from the true answer."""
    rng = np.random.default_rng(7)
    true = rng.random((windows, 2)) < 0.4
    return np.array([true ^ (rng.random(true.shape) < 0.25) for _ in range(people)], dtype=float)


def test_copied_answers_are_pointed_out():
    answers = crowd()
    assert list(find_same_answers(opinions(answers))) == []
    answers[2] = answers[0]
    (note,) = find_same_answers(opinions(answers))
    ones = int(answers[0].sum())
    for part in ("1 of 6 pairs", "'A0' and 'A2'", f"{120 - ones} times 0 and {ones} times 1"):
        assert part in note


def test_one_disagreement_is_enough():
    answers = crowd()
    answers[2] = answers[0]
    answers[2, 5, 1] = 1 - answers[2, 5, 1]
    assert list(find_same_answers(opinions(answers))) == []


def test_agreement_on_one_answer_only_is_no_reason():
    """Two annotators who never tick agree in all answers, as do two annotators who share only easy windows."""
    for value in (0, 1):
        assert list(find_same_answers(opinions(np.full((2, 200, 2), float(value))))) == []
    answers = np.zeros((2, 200, 1))
    answers[:, : needed(1) - 1] = 1
    assert list(find_same_answers(opinions(answers))) == []
    answers[:, : needed(1)] = 1
    assert len(list(find_same_answers(opinions(answers)))) == 1


@pytest.mark.parametrize("people", [1, 2])
def test_annotators_without_shared_windows(people):
    answers = np.full((2, 4, 1), np.nan)
    answers[0, :2] = 1
    answers[1, 2:] = 0
    assert count_shared(opinions(answers[:people])).shape == (0, 5)
    assert list(find_same_answers(opinions(answers[:people]))) == []
