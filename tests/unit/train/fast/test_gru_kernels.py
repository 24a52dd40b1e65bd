"""The compiled functions of the GRU: the approximation of tanh."""

import numpy as np
import pytest
from numba import njit

from softsed.train.fast.gru_kernels import tanh


@njit
def tanh_of(x):
    y = np.empty_like(x)
    for i in range(len(x)):
        y[i] = tanh(x[i])
    return y


@pytest.mark.parametrize(("dtype", "error"), [(np.float32, 4e-7), (np.float64, 1e-15)])
def test_tanh_is_numpys(dtype, error):
    small = np.geomspace(1e-30, 1, 10_001)
    x = np.concatenate([-small, small, np.linspace(-12, 12, 100_001), [0, -np.inf, np.inf]]).astype(dtype)
    exact = np.tanh(x.astype(np.float64))
    found = tanh_of(x)
    assert found.dtype == dtype
    np.testing.assert_allclose(found, exact, rtol=error, atol=0)
    assert np.all(np.abs(found) <= 1)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_tanh_of_nan_is_nan(dtype):
    assert np.isnan(tanh_of(np.array([np.nan], dtype)))[0]
