"""Files of embeddings: read from three formats, checked against the recordings, brought to whole frames per second."""

import hashlib
import json
import sys

import numpy as np
import pytest
import torch
from support.errors import refused

from softsed.core.errors import Problems
from softsed.core.metadata import file_stem
from softsed.features import embeddings
from softsed.features.embeddings import Embeddings, find_files, frame_rate, read_embeddings, to_grid

NAMES = ["a", "b", "c"]
DURATION = 12.4


def array(seed=0, frames=12, dimensions=5):
    return np.random.default_rng(seed).normal(0, 1, (frames, dimensions)).astype(np.float32)


@pytest.fixture
def folder(tmp_path):
    rows = "".join(f"{name}\tpark\t{DURATION}\n" for name in NAMES)
    (tmp_path / "recordings.tsv").write_text("recording\tscene\tduration_s\n" + rows)
    (tmp_path / "files").mkdir()
    for seed, name in enumerate(NAMES):
        np.save(tmp_path / f"files/{name}.npy", array(seed))
    return tmp_path


def manifest(folder, *more, hop_s=1.0, **settings):
    config = json.dumps({"hop_s": hop_s} | settings)
    files = ["--folder", str(folder / "files"), "--recordings", str(folder / "recordings.tsv")]
    embeddings.main([*files, "--config", config, *more, "--output", str(folder / "manifest.json")])
    return json.loads((folder / "manifest.json").read_text(encoding="utf-8"))


def test_manifest_lists_files_with_hashes(folder):
    found = manifest(folder)
    assert (found["hop_s"], found["dimensions"], found["model"]) == (1.0, 5, None)
    assert list(found["recordings"]) == NAMES
    for name, row in found["recordings"].items():
        path = folder / f"files/{name}.npy"
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        assert row == {"file": str(path), "sha256": digest, "seconds": 12}
    (folder / "files/a.npy").touch()
    np.save(folder / "files/left_over.npy", array())
    assert manifest(folder) == found
    np.save(folder / "files/a.npy", array(9))
    assert manifest(folder) != found


def test_manifest_names_the_model(folder):
    (folder / "net.pt").write_bytes(b"model")
    window = {"sample_rate": 800, "window_s": 2.0, "batch": 8}
    found = manifest(folder, "--model", str(folder / "net.pt"), **window)
    assert found["model"] == {"name": "net.pt", "sha256": hashlib.sha256(b"model").hexdigest(), **window}


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


def test_missing_package_is_named_with_its_command(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    (tmp_path / "r.h5").touch()
    with refused(file="r.h5", problem="h5py") as caught:
        read_embeddings(tmp_path / "r.h5")
    assert "`pip install h5py`" in caught.value.remedy


def damaged(path):
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])


def replaced(values):
    return lambda path: np.save(path, values)


def pickled(path):
    np.save(path, np.array([[print]], dtype=object), allow_pickle=True)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (damaged, "cannot be read"),
        (lambda path: path.write_bytes(b""), "cannot be read"),
        (lambda path: path.write_text("text"), "cannot be read"),
        (pickled, "cannot be read"),
        (replaced(np.zeros(12)), "shape [12]"),
        (replaced(np.zeros((2, 12, 5))), "shape [2, 12, 5]"),
        (replaced(np.zeros((0, 5))), "shape [0, 5]"),
        (replaced(np.zeros((12, 5), complex)), "complex128"),
        (replaced(np.zeros((12, 5), bool)), "bool"),
        (replaced(np.zeros((12, 7))), "7 dimensions"),
        (replaced(np.where(np.arange(60).reshape(12, 5) == 7, np.nan, 1)), "1 of 60 values"),
        (replaced(np.full((12, 5), 1e300)), "60 of 60 values"),
        (replaced(array(frames=14)), "14 frames of 1 s are 14.0 s, but the recording has 12.4 s"),
        (replaced(array(frames=10)), "10 frames of 1 s are 10.0 s"),
    ],
)
def test_file_that_does_not_fit_is_named(folder, change, problem):
    change(folder / "files/b.npy")
    with refused(file="b.npy", problem=problem, golden=False):
        manifest(folder)
    assert not (folder / "manifest.json").exists()


def test_all_problems_are_reported_at_once(folder):
    (folder / "files/a.npy").unlink()
    np.save(folder / "files/b.npy", array(frames=30))
    np.savez(folder / "files/c.npz", array())
    (folder / "recordings.tsv").open("a").write(f"d\tpark\t{DURATION}\ne\tpark\t{DURATION}\nf\tpark\t{DURATION}\n")
    np.save(folder / "files/d.npy", array(dimensions=6))
    np.save(folder / "files/e.npy", array() * np.float32(np.inf))
    np.save(folder / "files/f.npy", array())
    with refused(problem="5 problems in the embeddings", golden=False) as caught:
        manifest(folder)
    texts = [str(error) for error in caught.value.problems]
    for part in ("'a'", "'c.npy' and 'c.npz'", "30 frames", "6 dimensions", "60 of 60 values"):
        assert sum(part in text for text in texts) == 1, texts


@pytest.mark.parametrize(("frames", "fits"), [(3, False), (4, True), (5, True), (6, False)])
def test_tolerance_is_one_frame_if_frames_are_long(folder, frames, fits):
    """Frames of 3 s: 12.4 s have 4.13 frames."""
    for name in NAMES:
        np.save(folder / f"files/{name}.npy", array(frames=frames))
    if fits:
        assert manifest(folder, hop_s=3.0)["hop_s"] == 3
    else:
        with refused(problem="3 problems in the embeddings", golden=False):
            manifest(folder, hop_s=3.0)


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
    find_files(tmp_path / "nowhere", names, problems)
    assert "for 3 of 3 recordings" in str(problems)


@pytest.mark.parametrize(
    ("hop_s", "rate"), [(3.0, 1), (1.0, 1), (0.96, 2), (0.5, 2), (0.2, 5), (0.16, 7), (0.1, 10), (0.02, 50), (0.01, 50)]
)
def test_rate_keeps_every_frame_up_to_a_limit(hop_s, rate):
    assert frame_rate(hop_s, 50) == rate


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


def test_recordings_are_read_by_their_manifest(folder):
    manifest(folder, hop_s=1.0)
    found = Embeddings.read(folder / "manifest.json")
    assert found.settings == {"hop_s": 1.0, "dimensions": 5, "model": None}
    np.testing.assert_array_equal(found.grid("b", 1), array(1))
    np.testing.assert_array_equal(found.grid("b", 2, 3), np.repeat(array(1), 2, axis=0)[:6])
    for text in ("", "[]", "{}", '{"recordings": {"a": {}}}'):
        (folder / "manifest.json").write_text(text)
        with refused(file="manifest.json", problem="not a manifest", golden=False):
            Embeddings.read(folder / "manifest.json")
