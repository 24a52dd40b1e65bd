"""Paths that Snakemake would read as patterns."""

from pathlib import Path

import pytest
from support.errors import compare

from softsed.planning.patterns import pattern_error


@pytest.mark.parametrize("path", ["{x}", "a}", "a/<results>", Path("a>b.tsv")])
def test_pattern_in_path_is_reported(path):
    error = pattern_error("audio", path)
    assert error.key == "audio"
    assert str(path) in error.problem
    compare(str(error))


@pytest.mark.parametrize("path", [None, "", "my sounds/$(x) [1]*.wav", Path("a")])
def test_path_without_pattern_is_accepted(path):
    assert pattern_error("audio", path) is None
