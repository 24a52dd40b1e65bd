"""Counts and metrics: hand-worked cases, empty outputs and empty references."""

import math
import sys

import numpy as np
import pytest
from support.project import ROOT
from support.run import run

from softsed.evaluate.segments import count, metrics_of

CLASSES = ["a", "b", "c"]


def metrics(reference, output):
    return metrics_of(count([np.array(reference, dtype=bool)], [np.array(output, dtype=bool)], CLASSES), CLASSES)


def test_hand_worked_case():
    # second 1: hit; 2: b instead of a, a substitution; 3: miss; 4: two false alarms
    found = metrics([[1, 0, 0], [1, 0, 0], [1, 0, 0], [0, 0, 0]], [[1, 0, 0], [0, 1, 0], [0, 0, 0], [1, 1, 0]])
    assert found["counts"] == {
        "tp": 1,
        "fp": 3,
        "fn": 2,
        "n_ref": 3,
        "substitutions": 1,
        "deletions": 1,
        "insertions": 2,
    }
    assert found["error_rate"] == pytest.approx(4 / 3)
    assert found["f1_micro"] == pytest.approx(2 / 7)
    assert found["f1_macro"] == pytest.approx(2 * 1 / (2 + 1 + 2))  # only a has a reference


def test_empty_output_has_f1_of_0():
    found = metrics([[1, 0, 0], [1, 1, 0]], np.zeros((2, 3)))
    assert (found["error_rate"], found["f1_micro"], found["f1_macro"], found["classes_detected"]) == (1, 0, 0, 0)


def test_empty_reference_is_undefined():
    found = metrics(np.zeros((2, 3)), [[1, 0, 0], [1, 0, 0]])
    assert all(math.isnan(found[name]) for name in ("error_rate", "f1_micro", "f1_macro"))
    assert found["counts"]["insertions"] == 2


def test_import_hides_warnings_of_other_packages():
    assert "pkg_resources" not in run(ROOT, sys.executable, "-c", "import softsed.evaluate.segments")
