"""Files of embeddings: found by name, read from three formats, brought to whole frames per second."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from support.errors import refused

from softsed.core.errors import Problems
from softsed.core.metadata import file_stem
from softsed.features.embeddings import (
    Embeddings,
    check_array,
    exact_hop,
    find_files,
    frame_rate,
    read_embeddings,
    to_grid,
)


def array(seed=0, frames=12, dimensions=5):
    return np.random.default_rng(seed).normal(0, 1, (frames, dimensions)).astype(np.float32)


def save_h5(path, **arrays):
    h5py = pytest.importorskip("h5py", reason="the library h5py is not installed (envs/dev.lock)")
    with h5py.File(path, "w") as file:
        for name, values in arrays.items():
            file[name] = values


def save_npz(path, **arrays):
    np.savez(path, **arrays)


@pytest.mark.parametrize(("ending", "save"), [("npz", save_npz), ("h5", save_h5)])
def test_archives_have_one_array_or_one_of_a_name(tmp_path, ending, save):
    path = tmp_path / f"r.{ending}"
    for arrays in ({"x": array()}, {"embeddings": array(), "other": np.zeros(3)}):
        save(path, **arrays)
        np.testing.assert_array_equal(read_embeddings(path), array())
    save(path, x=array(), y=array())
    with refused(file=path.name, problem="2 arrays, none of which is named 'embeddings'"):
        read_embeddings(path)


@pytest.mark.parametrize("kind", [np.float16, np.float64, np.int8, ">f4"])
def test_other_numbers_become_float32(tmp_path, kind):
    values = np.round(array() * 20).astype(kind)
    np.save(tmp_path / "r.npy", values)
    found = to_grid(read_embeddings(tmp_path / "r.npy"), 1.0, 1, 12)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, values)


def test_damaged_headers_and_wrong_endings_are_refused(tmp_path):
    """numpy raises TokenError, SyntaxError or TypeError for these files."""
    np.save(tmp_path / "r.npy", array())
    content = (tmp_path / "r.npy").read_bytes()
    end, comma = content.index(b"}"), content.index(b"'fortran_order'") - 2
    (tmp_path / "r.npz").write_bytes(content)
    (tmp_path / "open.npy").write_bytes(content[:end] + b" " + content[end + 1 :])
    (tmp_path / "comma.npy").write_bytes(content[:comma] + b"=" + content[comma + 1 :])
    for name in ("r.npz", "open.npy", "comma.npy"):
        with refused(file=name, problem="cannot be read as embeddings", golden=False):
            read_embeddings(tmp_path / name)


def test_missing_package_is_named_with_its_command(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    (tmp_path / "r.h5").touch()
    with refused(file="r.h5", problem="h5py") as caught:
        read_embeddings(tmp_path / "r.h5")
    assert "`pip install h5py`" in caught.value.remedy


def test_names_are_those_of_the_recordings(tmp_path):
    names = ["Tür 1", "b.c", "x"]
    for file in ("Tu\u0308r 1.npy", "b.c.npz", f"{file_stem('x')}.h5", ".hidden.npy", "notes.txt"):
        (tmp_path / file).touch()
    problems = Problems()
    found = find_files(tmp_path, names, problems)
    assert not problems
    assert {name: path.name for name, path in found.items()} == {
        **{"Tür 1": "Tu\u0308r 1.npy", "b.c": "b.c.npz"},
        "x": "x.h5",
    }


@pytest.mark.parametrize(
    ("hop_s", "rate"), [(3.0, 1), (1.0, 1), (0.96, 2), (0.5, 2), (0.2, 5), (0.16, 7), (0.1, 10), (0.02, 50), (0.01, 50)]
)
def test_rate_keeps_every_frame_up_to_a_limit(hop_s, rate):
    assert frame_rate(hop_s, 50) == rate


def test_rate_of_whole_frames_per_second_is_exact():
    assert [frame_rate(1 / rate, 1000) for rate in range(1, 1000)] == list(range(1, 1000))


@pytest.mark.parametrize(("hop_s", "rate"), [(0.333333, 3), (0.3333, 3), (0.142857, 7), (0.99999, 1), (0.0333333, 30)])
def test_rounded_hops_are_those_of_whole_frames(hop_s, rate):
    """Ten minutes of frames have the same grid as with the exact hop: one frame per cell."""
    assert frame_rate(hop_s, 50) == rate
    values = array(frames=600 * rate)
    np.testing.assert_array_equal(to_grid(values, hop_s, rate, 600), values)


def test_day_with_a_rounded_hop_is_accepted():
    """With the hop as written, the frames would be 8.64 s shorter than the recording."""
    day = 24 * 3600
    values = np.zeros((3 * day, 1), np.float32)
    assert check_array(values, Path("x.npy"), duration_s=day, hop_s=0.3333) is None
    error = check_array(values, Path("x.npy"), duration_s=day + 2, hop_s=0.3333)
    assert "last 86400.0 s, but the recording lasts 86402.0 s" in str(error)


@pytest.mark.parametrize("hop_s", [0.333, 0.16, 0.96, 512 / 22050, 10 / 62, 3.0])
def test_other_hops_stay(hop_s):
    assert exact_hop(hop_s) == hop_s


@pytest.mark.parametrize(("frames", "cells"), [(30, 30), (60, 30), (25, 30), (30, 60), (31, 7)])
def test_grid_is_adaptive_average_pooling(frames, cells):
    """Where the frames fill the recording exactly, the grid is that of torch."""
    values, seconds = array(frames=frames), 10
    rate = cells / seconds
    if rate != int(rate):
        seconds, rate = 1, cells
    found = to_grid(values, seconds / frames, int(rate), seconds)
    expected = torch.nn.functional.adaptive_avg_pool1d(torch.from_numpy(values.T.copy())[None], cells)[0].T
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_parts_of_a_grid_are_those_of_the_whole():
    values = array(frames=70)
    whole = to_grid(values, 0.16, 7, 11)
    parts = [to_grid(values, 0.16, 7, length, start=start) for start, length in ((0, 4), (4, 5), (9, 2))]
    np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_grid_repeats_the_last_frame():
    values = array(frames=3)
    np.testing.assert_array_equal(to_grid(values, 3.0, 1, 11)[9:], values[[2, 2]])


def test_recordings_are_read_by_their_manifest(tmp_path):
    np.save(tmp_path / "b.npy", array(1))
    settings = {"hop_s": 1.0, "dimensions": 5, "model": None}
    rows = {"b": {"file": str(tmp_path / "b.npy"), "sha256": "", "seconds": 12}}
    (tmp_path / "manifest.json").write_text(json.dumps({**settings, "recordings": rows}))
    found = Embeddings.read(tmp_path / "manifest.json")
    assert found.settings == settings
    np.testing.assert_array_equal(found.grid("b", 1), array(1))
    np.testing.assert_array_equal(found.grid("b", 2, 3), np.repeat(array(1), 2, axis=0)[:6])
    for text in ("", "[]", "{}", '{"recordings": {"a": {}}}'):
        (tmp_path / "manifest.json").write_text(text)
        with refused(file="manifest.json", problem="not a manifest", golden=False):
            Embeddings.read(tmp_path / "manifest.json")
