"""What systems read: files of embeddings per recording, the model that makes them, and keys that contradict."""

from pathlib import Path

import numpy as np
import pytest
from support.config import DEMO, OPINIONS, SCHEMA, merged
from support.errors import compare, refused

from softsed.core.metadata import file_stem
from softsed.planning.config import check_config, find_mistakes
from softsed.planning.contradictions import find_contradictions
from softsed.planning.front_ends import FrontEnds

NAMES = ["a", "Tür 1"]
FILES = "features: {embeddings: {folder: emb, hop_s: 1.0}}"
MODEL = "features: {embeddings: {model: net.pt, sample_rate: 800, window_s: 2.0, hop_s: 1.0}}"
READ = "systems: {S_MSE_lin: {front_end: both}, S_BCE_sig: {front_end: embeddings}}"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("emb").mkdir()
    for name in NAMES:
        np.save(f"emb/{name}.npy", np.zeros((3, 2)))


def front_ends(*changes, check=True):
    config = merged(DEMO, *changes)
    check_config(config, SCHEMA)
    return FrontEnds.from_config(config, "results/demo", NAMES, check=check)


def test_mel_energies_are_the_default():
    found = front_ends()
    assert set(found.kinds.values()) == {"mel"}
    assert (found.files, found.manifest, found.model, found.embeddings_of("S_MSE_lin")) == ({}, [], [], [])
    assert found.features_of("S_MSE_lin") == ["results/demo/features/index.tsv"]
    assert "embeddings" not in found.mel
    assert found.mel["hop_s"] == 0.2


def test_unread_embeddings_make_no_jobs():
    assert front_ends("features: {embeddings: {folder: nowhere, hop_s: 1.0}}").files == {}
    config = merged(OPINIONS, "opinions: x.tsv", FILES, READ)
    assert FrontEnds.from_config(config, "results/x", NAMES, check=True).files == {}


def test_files_of_the_user_are_found():
    found = front_ends(FILES, READ)
    assert found.files == {"a": "emb/a.npy", file_stem("Tür 1"): "emb/Tür 1.npy"}
    assert (found.folder, found.model, found.settings) == ("emb", [], {"hop_s": 1.0, "batch": 8})
    manifest, index = ["results/demo/embeddings/manifest.json"], ["results/demo/features/index.tsv"]
    assert {name: (found.features_of(name), found.embeddings_of(name)) for name in found.kinds} == {
        "H_BCE_sig": (index, []),
        "S_BCE_sig": ([], manifest),
        "S_MSE_lin": (index, manifest),
    }


def test_model_makes_one_file_per_recording():
    Path("net.pt").touch()
    found = front_ends(MODEL, READ)
    assert found.model == ["net.pt"]
    assert found.files[file_stem("Tür 1")] == f"results/demo/embeddings/files/{file_stem('Tür 1')}.npy"
    assert found.settings == {"sample_rate": 800, "window_s": 2.0, "hop_s": 1.0, "batch": 8}


def test_missing_files_are_all_named():
    Path("emb/a.npy").unlink()
    Path("emb/Tür 1.npz").touch()
    with refused(problem="2 problems in the embeddings") as caught:
        front_ends(FILES, READ)
    texts = [str(error) for error in caught.value.problems]
    assert ["'a'" in texts[0], "'Tür 1.npy' and 'Tür 1.npz'" in texts[1]] == [True, True]
    assert front_ends(FILES, READ, check=False).files == {}  # of a job: Snakemake reports what is missing
    with refused(key="features.embeddings.model", problem="'net.pt'", golden=False):  # names the working directory
        front_ends(MODEL, READ)


@pytest.mark.parametrize(
    ("changes", "key", "problem"),
    [
        ([READ], "systems.S_BCE_sig.front_end", "S_BCE_sig, S_MSE_lin read embeddings"),
        (["features: {embeddings: {hop_s: 1.0}}"], "features.embeddings", "neither"),
        ([FILES, MODEL], "features.embeddings", "both"),
        (["features: {embeddings: {model: net.pt, hop_s: 1.0}}"], "features.embeddings", "sample_rate and window_s"),
        (["features: {embeddings: {folder: 'a{b}', hop_s: 1.0}}"], "features.embeddings.folder", "a{b}"),
    ],
)
def test_contradiction_has_its_key(changes, key, problem):
    (found,) = find_contradictions(merged(DEMO, *changes))
    assert (found.key, problem in found.problem) == (key, True)
    compare(str(found))


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ("systems: {S_MSE_lin: {front_end: beats}}", "systems.S_MSE_lin.front_end"),
        ("features: {embeddings: {folder: emb}}", "features.embeddings"),
        ("features: {embeddings: {folder: emb, hop_s: 0}}", "features.embeddings.hop_s"),
        ("features: {embeddings: {folder: emb, hop_s: 1.0, hop: 1}}", "features.embeddings.hop"),
        ("features: {embeddings: emb}", "features.embeddings"),
    ],
)
def test_mistake_has_its_key(change, key):
    assert [mistake.key for mistake in find_mistakes(merged(DEMO, change), SCHEMA)] == [key]
