"""Compilation of the kernels, their parts per thread, and sums against numpy."""

import os
import signal

import numpy as np
import pytest
import torch

from softsed.train.fast import kernels


@kernels.kernel
def count(step):
    def loop(first, last):
        return first, (last - first) * step

    return loop


@pytest.mark.parametrize("threads", [1, 2, 3, 9])
def test_parts_of_threads_cover_all_rows(threads, monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    parts = kernels.run(count(2), 7)
    assert len(parts) == threads
    assert sum(length for _, length in parts) == 14
    assert [first for first, _ in parts] == sorted(first for first, _ in parts)


def test_forked_process_runs_loops(monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    kernels.run(count(2), 7)
    child = os.fork()
    if not child:
        signal.alarm(30)  # ends a process that waits for threads of its parent
        kernels.run(count(2), 7)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0


def test_sums_of_patches_equal_numpy():
    rng = np.random.default_rng(0)
    around = np.pad(rng.normal(size=(2, 7, 6)), ((0, 0), (1, 1), (1, 1)))
    patches = np.lib.stride_tricks.sliding_window_view(around, (3, 3), axis=(1, 2)).reshape(-1, 9)
    found = sum(kernels.sum_patches(6)(*part, 7, around.reshape(-1, 8)) for part in ((0, 5), (5, 14)))
    np.testing.assert_allclose(found[9], patches.sum(0))
    np.testing.assert_allclose(found[:9], np.triu(patches.T @ patches), atol=1e-12)
