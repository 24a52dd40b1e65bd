"""The manifest of the embeddings: all files are checked, all problems reported, a changed file changes the manifest."""

import hashlib
import json

import numpy as np
import pytest
from support.errors import refused

from softsed.features import embedding_manifest

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
    embedding_manifest.main([*files, "--config", config, *more, "--output", str(folder / "manifest.json")])
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
        (replaced(array(frames=14)), "14 frames of 1 s last 14.0 s, but the recording lasts 12.4 s"),
        (replaced(array(frames=10)), "10 frames of 1 s last 10.0 s"),
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
