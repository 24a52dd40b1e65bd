"""Compiled loops run without a writable cache, and let nan through."""

import numpy as np
from numba.core.caching import CacheImpl

from softsed.train.compiled import compiled


def add(x):
    total = x.dtype.type(0)
    for value in x:
        total += value
    return total


def test_loops_compile_without_a_writable_cache(monkeypatch):
    monkeypatch.setattr(CacheImpl, "_locator_classes", [])
    assert compiled(add)(np.arange(5.0)) == 10


def test_nan_propagates():
    assert np.isnan(compiled(add)(np.array([1, np.nan, 2])))
