"""Compiled loops let nan through, and the files of their machine code can be missing, truncated or of other sizes."""

import numpy as np
import pytest
from numba.core.caching import CacheImpl

from softsed.train.fast import compiled as module
from softsed.train.fast.compiled import Files, compiled


def make(step):
    """Define a loop whose step is a constant of the compiled code."""

    def add(x):
        total = x.dtype.type(0)
        for place in range(0, len(x), step):
            total += x[place]
        return total

    return add


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Let numba keep its machine code in a new folder."""
    monkeypatch.setattr("numba.core.config.CACHE_DIR", str(tmp_path))
    return tmp_path


def files(folder):
    return sorted(folder.rglob("*.nb?"))


def loaded(loop):
    """Return how many codes of a loop are from files."""
    return sum(loop.stats.cache_hits.values())


def test_loops_compile_without_a_writable_cache(monkeypatch):
    monkeypatch.setattr(CacheImpl, "_locator_classes", [])
    assert compiled(make(1))(np.arange(5.0)) == 10


def test_nan_propagates():
    assert np.isnan(compiled(make(1))(np.array([1, np.nan, 2])))


def test_machine_code_is_read_by_sizes_and_types(folder):
    for again in (0, 1):
        for step, expected in ((1, 10), (2, 6)):
            loop = compiled(make(step))
            for dtype in (np.float32, np.float64):
                assert loop(np.arange(5, dtype=dtype)) == expected
            assert loaded(loop) == 2 * again
    assert len(files(folder)) == 4


@pytest.mark.parametrize("length", [0, 20, 3000])
def test_truncated_machine_code_is_compiled_again(folder, length):
    compiled(make(1))(np.arange(5.0))
    (path,) = files(folder)
    path.write_bytes(path.read_bytes()[:length])
    loop = compiled(make(1))
    assert loop(np.arange(5.0)) == 10
    assert loaded(loop) == 0
    again = compiled(make(1))
    assert again(np.arange(5.0)) == 10
    assert loaded(again) == 1


def test_full_disk_does_not_stop_a_loop(folder, monkeypatch):
    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "atomic_write", fail)
    assert compiled(make(1))(np.arange(5.0)) == 10
    assert not files(folder)


def test_processes_that_compile_at_once_keep_code(tmp_path):
    """With an index that both have read before, the second would overwrite the code of the first."""
    one, other = (Files(tmp_path / "loop", "stamp") for _ in range(2))
    assert one.load("width 2") is None
    assert other.load("width 3") is None
    one.save("width 2", 2)
    other.save("width 3", 3)
    assert [other.load(f"width {width}") for width in (2, 3)] == [2, 3]
    assert Files(tmp_path / "loop", "another stamp").load("width 2") is None
