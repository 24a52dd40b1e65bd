"""Steps of a bidirectional GRU, forward and backward, compiled by numba.

A step multiplies a state of one recording by small matrices. The vector units work along the gates, which are adjacent
in memory, so both directions read and write the arrays of PyTorch's matrix products without copies. Recordings are
independent: the steps of one recording follow each other, and its arrays stay in the cache of a core.

The number of units is a constant of the compiled code, which saves the tests before and after short loops.

Notation of `torch.nn.GRU`: gates r, z, n in this order;  h' = (1 - z) n + z h,  n = tanh(input_n + r hidden_n).
"""

import functools
import math
from collections.abc import Callable

import numpy as np
from numba import types
from numba.extending import overload

from softsed.train.fast.compiled import compiled

# tanh(x) is close to x P(x^2) / Q(x^2) for |x| up to LIMIT, and to 1 or -1 beyond (library Eigen, `ptanh_float`).
LIMIT = np.float32(7.90531110763549805)
P0, P1, P2, P3 = np.array(
    [4.89352455891786e-03, 6.37261928875436e-04, 1.48572235717979e-05, 5.12229709037114e-08], "f4"
)
P4, P5, P6 = np.array([-8.60467152213735e-11, 2.00018790482477e-13, -2.76076847742355e-16], "f4")
Q0, Q1, Q2, Q3 = np.array(
    [4.89352518554385e-03, 2.26843463243900e-03, 1.18534705686654e-04, 1.19825839466702e-06], "f4"
)


def tanh(x: float) -> float:
    """Compute tanh in compiled code, with a relative error of at most 4e-7 in float32 and of rounding in float64."""
    raise NotImplementedError  # compiled code only


@overload(tanh)
def _tanh(x):
    def rational(x):
        x = LIMIT if x > LIMIT else x  # both comparisons are false for NaN, which stays NaN
        x = -LIMIT if x < -LIMIT else x
        s = x * x
        p = (((((P6 * s + P5) * s + P4) * s + P3) * s + P2) * s + P1) * s + P0
        return x * p / (((Q3 * s + Q2) * s + Q1) * s + Q0)

    return rational if x == types.float32 else lambda x: math.tanh(x)  # noqa: PLW0108 (numba compiles a lambda)


@compiled
def add_product(out, row, matrix, rows, columns):
    """Add a row times a matrix, which is flat so that the distances of its rows are constants of the compiled code."""
    whole = rows // 8 * 8
    for k in range(0, whole, 8):
        v0, v1, v2, v3 = row[k], row[k + 1], row[k + 2], row[k + 3]
        v4, v5, v6, v7 = row[k + 4], row[k + 5], row[k + 6], row[k + 7]
        m = matrix[k * columns : (k + 8) * columns]
        for j in range(columns):  # two sums, which do not wait for each other
            one = out[j] + v0 * m[j] + v1 * m[columns + j] + v2 * m[2 * columns + j] + v3 * m[3 * columns + j]
            two = v4 * m[4 * columns + j] + v5 * m[5 * columns + j]
            out[j] = one + (two + v6 * m[6 * columns + j] + v7 * m[7 * columns + j])
    for k in range(whole, rows):
        for j in range(columns):
            out[j] += row[k] * matrix[k * columns + j]


@functools.cache
def compile_steps(units: int) -> tuple[Callable, Callable]:
    """Define the two functions for a number of units. They are compiled at the first call and stored on disk."""
    wide = 2 * units  # of r and z

    @compiled
    def forward(gates, hidden, weight_rz, weight_n, bias, states):
        """Compute all states.

        Parameters
        ----------
        gates : ndarray [batch, steps, 2, 3 * units]
            Input times its weights; replaced by r, z, n. The second direction runs backwards in time.
        hidden : ndarray [batch, steps, 2, units]
            Output: the state's part of n.
        weight_rz, weight_n : ndarray [2, units * 2 * units], [2, units * units]
            Weights of the state: flat matrices [units, 2 * units] and [units, units].
        bias : ndarray [2, 4 * units]
            Biases of r, of z, and of the two parts of n: the input's and the state's.
        states : ndarray [batch, steps, 2, units]
            Output.
        """
        steps, half = gates.shape[1], gates.dtype.type(0.5)
        zeros = np.zeros(units, gates.dtype)
        for b in range(len(gates)):
            for step in range(steps):
                for d in range(2):
                    t = steps - 1 - step if d else step
                    h = states[b, t + 2 * d - 1, d] if step else zeros
                    g, c = gates[b, t, d], hidden[b, t, d]
                    for u in range(units):
                        c[u] = bias[d, 3 * units + u]
                    add_product(g, h, weight_rz[d], units, wide)
                    add_product(c, h, weight_n[d], units, units)
                for d in range(2):
                    t = steps - 1 - step if d else step
                    h = states[b, t + 2 * d - 1, d] if step else zeros
                    g, c, s, a = gates[b, t, d], hidden[b, t, d], states[b, t, d], bias[d]
                    for u in range(units):
                        r = half + half * tanh(half * (g[u] + a[u]))
                        z = half + half * tanh(half * (g[units + u] + a[units + u]))
                        n = tanh(g[wide + u] + a[wide + u] + r * c[u])
                        g[u], g[units + u], g[wide + u] = r, z, n
                        s[u] = n + z * (h[u] - n)

    @compiled
    def backward(gradient, gates, hidden, weight, states, projected, recurrent):
        """Compute the gradients of all arguments of the gates.

        Parameters
        ----------
        gradient : ndarray [batch, steps, 2, units]
            Gradient of the states as outputs.
        gates, hidden, states
            As left by `forward`.
        weight : ndarray [2, 3 * units * units]
            Weights of the state: flat matrices [3 * units, units].
        projected, recurrent : ndarray [batch, steps, 2, 3 * units], [batch, steps, 2, units]
            Outputs: gradients of the input times its weights, and of the state's part of n.
        """
        steps, one = gates.shape[1], gates.dtype.type(1)
        zeros = np.zeros(units, gates.dtype)
        total = np.zeros((2, units), gates.dtype)  # gradient of each state, from its output and from the next step
        for b in range(len(gates)):
            total[:] = 0
            for step in range(steps - 1, -1, -1):
                for d in range(2):
                    t = steps - 1 - step if d else step
                    h = states[b, t + 2 * d - 1, d] if step else zeros
                    g, c, y, s = gates[b, t, d], hidden[b, t, d], gradient[b, t, d], total[d]
                    p, q = projected[b, t, d], recurrent[b, t, d]
                    # Few arrays per loop: the compiler must check that they do not overlap.
                    for u in range(units):
                        s[u] += y[u]
                    for u in range(units):
                        z, n = g[units + u], g[wide + u]
                        p[units + u] = s[u] * (h[u] - n) * z * (one - z)
                        p[wide + u] = s[u] * (one - z) * (one - n * n)
                        s[u] *= z
                    for u in range(units):
                        q[u] = p[wide + u] * g[u]
                        p[u] = q[u] * c[u] * (one - g[u])
                for d in range(2):
                    t = steps - 1 - step if d else step
                    w = weight[d]
                    add_product(total[d], projected[b, t, d], w[: wide * units], wide, units)
                    add_product(total[d], recurrent[b, t, d], w[wide * units :], units, units)

    return forward, backward
