"""Loops of the fast blocks on a CPU, compiled by numba: each pass over a block's values is one loop.

PyTorch's operations would read and write all values several times. Here, a loop visits each position once and computes
all filters of the position together: the filters are last in memory, and LLVM makes vector instructions of the inner
loop. For this, LLVM must know the sizes of the inner loops. `kernel` therefore compiles each loop per pooling width and
number of filters, on the first call.

Notation: a *row* is a frame of a sequence, and a window is `width` adjacent bands of a row. `first` and `last` select
rows: `run` passes each thread its part. Values are float32, float64, or bfloat16 as its 16 bits (uint16). Arithmetic is
in float32, or in float64 for values in float64. Sums over rows are in float64.

`index` [rows, bands // width, filters] is the place of the maximum in each window, from 0. It is -1 if no value of the
window gets a gradient, because ReLU or dropout set the output to 0.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise

import numpy as np
import torch
from numba import njit, types
from numba.extending import overload

from softsed.train.fast.compiled import compiled


def kernel(make: Callable[..., Callable]) -> Callable[..., Callable]:
    """Turn a function of sizes, which returns a loop, into a function that returns the compiled loop."""
    return cache(lambda *sizes: compiled(make(*sizes)))


def run(loop: Callable, rows: int, *arguments) -> list:
    """Call `loop(first, last, *arguments)` for equal parts of the rows on PyTorch's number of threads.

    Returns
    -------
    list
        The results in the order of the rows. Sums over them are equal for an equal number of threads.
    """
    threads = torch.get_num_threads()
    if threads == 1:
        return [loop(0, rows, *arguments)]
    parts = pairwise(rows * part // threads for part in range(threads + 1))
    return list(executor(threads).map(lambda part: loop(*part, *arguments), parts))


executor = cache(ThreadPoolExecutor)
os.register_at_fork(after_in_child=executor.cache_clear)  # a forked process has no threads: a call would never return


def load(value):
    """Return a value as a number for arithmetic (in compiled code only)."""
    raise NotImplementedError  # compiled code only


@overload(load)
def _load(value):
    if value == types.uint16:
        return lambda value: np.uint32(np.uint32(value) << np.uint32(16)).view(np.float32)
    return lambda value: value


def store(value, array):
    """Return a number as a value of `array`, rounded to the nearest, ties to even (in compiled code only)."""
    raise NotImplementedError  # compiled code only


@overload(store)
def _store(value, array):
    if array.dtype == types.uint16:

        def rounded(value, array):
            bits = np.float32(value).view(np.uint32)
            odd = np.uint32(bits >> np.uint32(16)) & np.uint32(1)
            nearest = np.uint16(np.uint32(bits + np.uint32(0x7FFF) + odd) >> np.uint32(16))
            # The sum would turn a nan with many bits, such as 0x7FFFFFFF, into 0.
            return np.uint16(0x7FC0) if value != value else nearest  # noqa: PLR0124

        return rounded
    return lambda value, array: value


@njit(inline="always")
def window_key(seed, window):
    """Mix the seed of a draw with the number of a window: 64 random bits (SplitMix64)."""
    bits = np.uint64(seed) + np.uint64(window) * np.uint64(0x9E3779B97F4A7C15)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))


@njit(inline="always")
def draw(key, item):
    """Mix a window's key with the number of a filter: 32 random bits (rounds of MurmurHash3's finaliser)."""
    bits = np.uint32(np.uint32(item) * np.uint32(0x9E3779B9) + np.uint32(key))
    bits = np.uint32((bits ^ np.uint32(bits >> np.uint32(16))) * np.uint32(0x85EBCA6B))
    bits ^= np.uint32(key >> np.uint64(32))
    return np.uint32((bits ^ np.uint32(bits >> np.uint32(13))) * np.uint32(0xC2B2AE35))


@kernel
def sum_patches(bands: int):
    """Sum the 3 x 3 patches and their products over all positions: s[9], S[9, 9] as one array [10, 9]."""

    def loop(first, last, frames, around):
        columns = np.zeros((10, 9, bands))
        for row in range(first, last):
            top = row + 2 * (row // frames)
            for a in range(9):
                for band in range(bands):
                    columns[9, a, band] += around[top + a // 3, band + a % 3]
                for b in range(a, 9):
                    for band in range(bands):
                        product = np.float64(around[top + a // 3, band + a % 3]) * around[top + b // 3, band + b % 3]
                        columns[a, b, band] += product
        return columns.sum(-1)

    return loop


@kernel
def convolve_pool(width: int, filters: int):
    """Convolve one channel, with max pooling, ReLU and dropout: y = max(0, max_p(w_9 + sum_k w_k x_pk)) or 0.

    The array `around` [batch * (frames + 2), bands + 2] has zeros around each sequence. x_p are the 3 x 3 numbers
    around place p.
    """

    def loop(first, last, frames, around, weights, seed, dropped, y, index):
        zero = weights.dtype.type(0)
        for row in range(first, last):
            top = row + 2 * (row // frames)
            for band in range(y.shape[1]):
                key = window_key(seed, row * y.shape[1] + band)
                start, end = band * width, band * width + width + 2
                above, here, below = around[top, start:end], around[top + 1, start:end], around[top + 2, start:end]
                for f in range(filters):
                    best, found = zero, np.int32(-1)
                    for place in range(width):
                        value = weights[9, f]
                        value += weights[0, f] * above[place]
                        value += weights[1, f] * above[place + 1]
                        value += weights[2, f] * above[place + 2]
                        value += weights[3, f] * here[place]
                        value += weights[4, f] * here[place + 1]
                        value += weights[5, f] * here[place + 2]
                        value += weights[6, f] * below[place]
                        value += weights[7, f] * below[place + 1]
                        value += weights[8, f] * below[place + 2]
                        larger = value > best or value != value  # nan stays  # noqa: PLR0124
                        best = value if larger else best
                        found = np.int32(place) if larger else found
                    drop = draw(key, f) < np.uint32(dropped)
                    y[row, band, f] = store(zero if drop else best, y)
                    index[row, band, f] = index.dtype.type(-1 if drop else found)

    return loop


@kernel
def convolve_pool_backward(width: int, filters: int):
    """Sum the gradient of the weights of `convolve_pool` [10, filters]: dw_k = sum over windows of g x_pk at p."""

    def loop(first, last, frames, around, gradient, index):
        total = np.zeros((10, filters))
        zero = around.dtype.type(0)
        for row in range(first, last):
            top = row + 2 * (row // frames)
            sums = np.zeros((10, filters), around.dtype)  # of the row
            for band in range(gradient.shape[1]):
                start, end = band * width, band * width + width + 2
                above, here, below = around[top, start:end], around[top + 1, start:end], around[top + 2, start:end]
                for f in range(filters):
                    g, found = load(gradient[row, band, f]), np.int32(index[row, band, f])
                    w0, w1, w2, w3, w4 = sums[0, f], sums[1, f], sums[2, f], sums[3, f], sums[4, f]
                    w5, w6, w7, w8, w9 = sums[5, f], sums[6, f], sums[7, f], sums[8, f], sums[9, f]
                    for place in range(width):
                        here_g = g if found == np.int32(place) else zero
                        w0 += here_g * above[place]
                        w1 += here_g * above[place + 1]
                        w2 += here_g * above[place + 2]
                        w3 += here_g * here[place]
                        w4 += here_g * here[place + 1]
                        w5 += here_g * here[place + 2]
                        w6 += here_g * below[place]
                        w7 += here_g * below[place + 1]
                        w8 += here_g * below[place + 2]
                        w9 += here_g
                    sums[0, f], sums[1, f], sums[2, f], sums[3, f], sums[4, f] = w0, w1, w2, w3, w4
                    sums[5, f], sums[6, f], sums[7, f], sums[8, f], sums[9, f] = w5, w6, w7, w8, w9
            total += sums
        return total

    return loop


@kernel
def sum_values(filters: int):
    """Sum the differences of x [rows, bands, filters] to `shift` [filters], and their squares: [2, filters].

    Differences to a number near the mean keep the variance exact: sums of x would cancel.
    """

    def loop(first, last, x, shift):
        total = np.zeros((2, filters))
        for row in range(first, last):
            sums = np.zeros((2, filters), shift.dtype)  # of the row
            for band in range(x.shape[1]):
                for f in range(filters):
                    difference = load(x[row, band, f]) - shift[f]
                    sums[0, f] += difference
                    sums[1, f] += difference * difference
            total += sums
        return total

    return loop


@kernel
def norm_pool(width: int, filters: int):
    """Normalise, then max pooling, ReLU and dropout: y = max(0, max_p((x_p - mean) scale + bias)) or 0.

    `norm` [3, filters] contains mean, scale and bias.
    """

    def loop(first, last, x, norm, seed, dropped, y, index):
        zero = norm.dtype.type(0)
        for row in range(first, last):
            for band in range(y.shape[1]):
                key = window_key(seed, row * y.shape[1] + band)
                for f in range(filters):
                    best, found = zero, np.int32(-1)
                    for place in range(width):
                        value = (load(x[row, band * width + place, f]) - norm[0, f]) * norm[1, f] + norm[2, f]
                        larger = value > best or value != value  # nan stays  # noqa: PLR0124
                        best = value if larger else best
                        found = np.int32(place) if larger else found
                    drop = draw(key, f) < np.uint32(dropped)
                    y[row, band, f] = store(zero if drop else best, y)
                    index[row, band, f] = index.dtype.type(-1 if drop else found)

    return loop


@kernel
def sum_gradients(filters: int):
    """Sum the gradients g of y, and g (x - mean) at the places of the maxima: [2, filters]."""

    def loop(first, last, width, x, gradient, index, mean):
        total = np.zeros((2, filters))
        zero = mean.dtype.type(0)
        for row in range(first, last):
            sums = np.zeros((2, filters), mean.dtype)  # of the row
            for band in range(gradient.shape[1] * width):
                window = band // width
                place = np.int32(band - window * width)
                for f in range(filters):
                    g = load(gradient[row, window, f])
                    g = g if np.int32(index[row, window, f]) == place else zero
                    sums[0, f] += g
                    sums[1, f] += g * (load(x[row, band, f]) - mean[f])
            total += sums
        return total

    return loop


@kernel
def norm_pool_backward(filters: int):
    """Replace x by its gradient: g scale - constant - slope (x - mean), where g is 0 except at maxima.

    `norm` [4, filters] contains mean, scale, constant and slope. Bands that do not fill a window have g = 0.
    """

    def loop(first, last, width, x, gradient, index, norm):
        zero = norm.dtype.type(0)
        for row in range(first, last):
            for band in range(x.shape[1]):
                window = min(band // width, gradient.shape[1] - 1)
                place = np.int32(band - window * width)  # at least `width` for bands that do not fill a window
                for f in range(filters):
                    g = load(gradient[row, window, f])
                    g = g if np.int32(index[row, window, f]) == place else zero
                    difference = load(x[row, band, f]) - norm[0, f]
                    x[row, band, f] = store(g * norm[1, f] - norm[2, f] - norm[3, f] * difference, x)

    return loop
