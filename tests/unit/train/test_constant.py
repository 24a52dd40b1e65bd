"""Constants: class means by hand, the bias that scores them, and the loss of a constant per scene."""

import math

import numpy as np
import pytest
import torch
from torch.nn import functional

from softsed.train.constant import class_means, constant_loss, output_bias


def test_class_means_by_hand_leave_out_nan():
    targets = [np.array([[1, np.nan, 0]] * 3), np.array([[0, np.nan, 0]] * 2)]
    np.testing.assert_allclose(class_means(targets), [3.5 / 6, 0.5, 0.5 / 6])


@pytest.mark.parametrize(("output", "activate"), [("sigmoid", torch.sigmoid), ("linear", lambda bias: bias)])
def test_bias_scores_the_means(output, activate):
    means = np.array([0.02, 0.5, 0.97])
    np.testing.assert_allclose(activate(output_bias(means, output)), means, rtol=1e-6)


@pytest.mark.parametrize("loss", ["bce", "mse"])
def test_constant_loss_equals_that_of_pytorch(loss):
    rng = np.random.default_rng(0)
    targets = [rng.uniform(size=(40, 2)) for _ in range(5)]
    targets[4][:, 1] = np.nan  # does not count
    scenes = ["x", "y", "x", "x", "z"]
    found = constant_loss(targets[:3], scenes[:3], targets[3:], scenes[3:], loss)
    means = {"x": class_means([targets[0], targets[2]]), "z": class_means(targets[:3])}  # z: no training recording
    kind = {"bce": functional.binary_cross_entropy, "mse": functional.mse_loss}[loss]
    cells = [
        kind(torch.tensor(np.tile(means[scene], (40, 1))), torch.tensor(np.nan_to_num(target)), reduction="none")
        for scene, target in zip(scenes[3:], targets[3:], strict=True)
    ]
    counted = np.concatenate([cells[0].numpy().ravel(), cells[1].numpy()[:, 0]])
    assert found == pytest.approx(counted.mean(), rel=1e-6)


def test_weighted_focal_loss_of_a_constant_by_hand():
    targets = [np.array([[0.0], [1.0], [1.0]]), np.array([[0.25], [np.nan], [0.75]])]
    weights = [np.array([[3.0], [9.0], [1.0]])]
    p = 2.5 / 4
    terms = [3 * (p - 0.25) ** 2 * -(0.25 * math.log(p) + 0.75 * math.log(1 - p))]
    terms += [1 * (p - 0.75) ** 2 * -(0.75 * math.log(p) + 0.25 * math.log(1 - p))]
    found = constant_loss(targets[:1], ["x"], targets[1:], ["x"], "focal", weights=weights)
    assert found == pytest.approx(sum(terms) / 4)


def test_constant_loss_is_0_for_what_never_changes():
    targets = [np.zeros((1000, 2)), np.zeros((1000, 2))]
    assert constant_loss(targets, ["x", "x"], targets, ["x", "x"], "bce") < 1e-3
