"""Threshold of the events: class-dependent, fixed, or a number."""

import numpy as np
import pytest
import torch
from support.errors import refused

from softsed.predict.threshold import choose_threshold

MODELS = [
    {"classes": ["a", "b"], "thresholds": torch.tensor(values), "carried": {"threshold": 0.5}}
    for values in ([0.2, torch.nan], [0.4, 0.6])
]


def test_class_dependent_is_the_mean_over_known_values():
    np.testing.assert_allclose(choose_threshold(MODELS, "class-dependent"), [0.3, 0.6])
    assert np.isnan(choose_threshold(MODELS[:1], "class-dependent")[1])


def test_fixed_and_number_are_equal_for_all_classes():
    assert choose_threshold(MODELS, "fixed").tolist() == [0.5, 0.5]
    assert choose_threshold(MODELS, "0.25").tolist() == [0.25, 0.25]


@pytest.mark.parametrize("wanted", ["best", "nan", "inf", "50", "-0.1"])
def test_other_thresholds_are_refused(wanted):
    with refused(key="threshold", problem=repr(wanted)):
        choose_threshold(MODELS, wanted)
