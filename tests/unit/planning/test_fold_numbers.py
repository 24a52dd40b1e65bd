"""Folds that the recordings do not allow: the remedy is possible."""

import re

import pytest

from softsed.core.errors import Problems
from softsed.core.metadata import Recording
from softsed.planning.fold_numbers import check_folds


def check(folds, validation=0.25, **scenes):
    """Return the problem of scenes with the given numbers of recordings, None without a problem."""
    names = [(f"{scene}{index}", scene) for scene, number in scenes.items() for index in range(number)]
    problems = Problems()
    check_folds({name: Recording(name, scene, 10) for name, scene in names}, folds, validation, problems)
    return next(iter(problems), None)


@pytest.mark.parametrize(
    ("number", "folds", "remedy"),
    [
        (1, 5, "Add recordings"),
        (2, 5, "Add recordings"),  # with two recordings no number of folds is possible
        (2, 2, "Add recordings"),
        (3, 5, "Set the config key folds.number to 3 or add recordings"),
        (3, 2, "Set the config key folds.number to 3 or add recordings"),
        (4, 5, "Set the config key folds.number to 4 or add recordings"),
    ],
)
def test_remedy_for_few_recordings_is_possible(number, folds, remedy):
    error = check(folds, yard=number)
    assert error.remedy == remedy
    assert f"'yard' ({number})" in error.problem or number >= folds
    for possible in re.findall(r"folds.number to (\d)", remedy):
        assert check(int(possible), yard=number) is None


def test_large_share_of_validation_has_a_remedy():
    assert check(2, 0.9, yard=4).remedy == "Lower the config key folds.validation or add recordings"
    assert check(2, 0.25, yard=4) is None


def test_scenes_with_few_recordings_are_one_problem():
    error = check(3, a=1, b=3, c=2, d=3)
    assert "2 of 4 scenes: 'a' (1), 'c' (2)" in error.problem
    assert error.remedy == "Add recordings or merge scenes"
    assert check(9, **{f"s{index}": 4 for index in range(9)}).problem.endswith("'s4' (4) and 4 more")
