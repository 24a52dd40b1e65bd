"""The constant that a training on opinions is compared with, by hand."""

import numpy as np
import pytest
from support.crowds import ask

from softsed.train.crowd.constant import constant_opinion_loss, share_of_ticks

SCENES = {"r": "x", "s": "y", "t": "x", "u": "z"}


@pytest.fixture
def opinions():
    """Windows of one second about one class: two of four are ticked in r, all in s, and one of two in t and u."""
    marks = {"r": [1, 1, 0, 0], "s": [1, 1], "t": [1, 0], "u": [0, 1]}
    found, _ = ask({name: np.array(one, dtype=bool).reshape(-1, 1, 1) for name, one in marks.items()}, window=1)
    return found


def test_share_of_ticks_by_hand(opinions):
    weights = np.where(opinions.opinion == 1, 0.5, 1.0)
    found = share_of_ticks(opinions, weights, SCENES, ["r", "s"])
    assert found["x"] == pytest.approx([(2 * 0.5 + 0.5) / (2 * 0.5 + 2 + 1)])
    assert found["y"] == pytest.approx([(2 * 0.5 + 0.5) / (2 * 0.5 + 1)])
    assert found[""] == pytest.approx([(4 * 0.5 + 0.5) / (4 * 0.5 + 2 + 1)])


def test_constant_of_a_new_scene_is_that_of_all(opinions):
    weights = np.ones(len(opinions.opinion))
    found = constant_opinion_loss(opinions, weights, SCENES, training=["r", "s"], validation=["t", "u"], inactive=6.0)
    x, overall = 2.5 / 5, 4.5 / 7
    expected = -(np.log(x) + np.log(1 - x) + np.log(overall) + np.log(1 - overall)) / (4 + 6)
    assert found == pytest.approx(expected)
