"""The comparison of competences with the published ones of MACS, with both files from a local server."""

import csv
import hashlib
import importlib
import sys

import numpy as np
import pytest
from support.errors import refused
from support.project import ROOT
from support.server import serve

from softsed.labels.mace import mace

TAGS = ["birds_singing", "footsteps", "music", "traffic_noise"]
KNOWN = [0.95, 0.15, 0.6, 0.8, 0.35, 0.5]  # probability that a simulated annotator knows the tags of a clip
SETTINGS = {"method": "vb", "restarts": 10, "iterations": 50, "seed": 2023}  # those of config.yaml


@pytest.fixture
def benchmark(monkeypatch):
    """Return the module of the benchmark."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    for name in ("macs", "measure"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return importlib.import_module("macs")


@pytest.fixture
def run(benchmark, tmp_path, monkeypatch):
    """Return a function that serves two texts as the files of MACS, runs the command, and reads its table."""

    def run(annotations, competences, served=None):
        folder = tmp_path / "served"
        folder.mkdir(exist_ok=True)
        for name, text in zip(benchmark.DIGESTS, (annotations, competences), strict=True):
            (folder / name).write_text(served or text, encoding="utf-8")
            monkeypatch.setitem(benchmark.DIGESTS, name, f"md5:{hashlib.md5(text.encode()).hexdigest()}")
        table = tmp_path / "out/macs.tsv"
        with serve(folder) as server:
            monkeypatch.setattr(sys, "argv", ["macs.py", str(table), "--address", server.address])
            benchmark.main()
        with table.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file, delimiter="\t"))

    return run


def simulate(clips=60):
    """Draw the tags of clips by all annotators, each of whom knows or guesses all tags of a clip: bool arrays."""
    rng = np.random.default_rng(17)
    present = rng.random((clips, 1, len(TAGS))) < 0.4
    knows = rng.random((clips, len(KNOWN), 1)) < np.array(KNOWN)[:, None]
    return np.where(knows, present, rng.random((clips, len(KNOWN), len(TAGS))) < 0.5)


def to_yaml(ticks):
    """Write tags in the layout of MACS.yaml; annotators have the numbers 11, 12, ..."""
    lines = ["files:"]
    for clip, people in enumerate(ticks):
        lines += [f"- filename: park-vienna-{clip}-a.wav", "  annotations:"]
        for person, ticked in enumerate(people, start=11):
            tags = [f"    - {tag}" for tag, tick in zip(TAGS, ticked, strict=True) if tick]
            lines += [f"  - annotator_id: {person}", "    sentence: Sounds of a park", "    tags:", *tags]
    return "\n".join(lines) + "\n"


def by_tag(ticks):
    """Estimate competences with a binary item per clip and tag, without files."""
    clips, people, tags = np.indices(ticks.shape).reshape(3, -1)
    sizes = {"n_items": ticks[:, 0].size, "n_annotators": len(KNOWN)}
    return mace(clips * len(TAGS) + tags, people, ticks.astype(int).ravel(), **sizes, **SETTINGS).competence


def by_tag_set(ticks):
    """Estimate competences with an item per clip, without files; sets of tags are numbered as binary numbers."""
    clips, people = np.indices(ticks.shape[:2]).reshape(2, -1)
    codes = ticks.reshape(-1, len(TAGS)) @ (1 << np.arange(len(TAGS))[::-1])
    labels = np.array([sorted(set(codes.tolist())).index(code) for code in codes])
    sizes = {"n_items": len(ticks), "n_annotators": len(KNOWN), "n_labels": len(set(labels.tolist()))}
    return mace(clips, people, labels, **sizes, **SETTINGS).competence


@pytest.mark.parametrize(("row", "estimate"), [(0, by_tag), (1, by_tag_set)])
def test_competences_from_a_server_are_compared(run, row, estimate):
    """The published competence is that of a direct call, in which one annotator is moved by 0.25."""
    ticks = simulate()
    published = estimate(ticks)
    moved = published + 0.25 * (np.arange(len(KNOWN)) == 4)
    lines = [f"{person}\t{value:.6f}" for person, value in enumerate(moved, start=11)]
    found = run(to_yaml(ticks), "id\tcompetence\n" + "\n".join(lines) + "\n")[row]
    assert found["items"] == ["tag", "tag set"][row]
    assert (int(found["annotators"]), int(found["opinions"])) == (len(KNOWN), ticks.size)
    assert found["annotator"] == "15"
    assert float(found["largest_difference"]) == pytest.approx(-0.25, abs=1e-3)
    assert float(found["mean_absolute_difference"]) == pytest.approx(0.25 / len(KNOWN), abs=1e-4)
    assert float(found["estimated"]) == pytest.approx(published[4], abs=1e-3)
    assert float(found["published"]) == pytest.approx(moved[4], abs=1e-3)
    ranks = np.argsort(np.argsort(published)) - np.argsort(np.argsort(moved))
    expected = 1 - 6 * (ranks**2).sum() / (len(KNOWN) * (len(KNOWN) ** 2 - 1))  # without ties
    assert expected < 1
    assert float(found["rank_correlation"]) == pytest.approx(expected, abs=1e-3)


def test_better_annotators_have_higher_competence(run):
    """The known probabilities of the simulation are the published competence, in commas and without a header."""
    lines = [f"{person},{known}" for person, known in enumerate(KNOWN, start=11)]
    found = run(to_yaml(simulate(clips=300)), "\n".join(lines) + "\n")
    assert [float(row["rank_correlation"]) for row in found] == [1, 1]
    assert float(found[0]["mean_absolute_difference"]) < 0.05


def test_comparison_of_values_by_hand(benchmark):
    """Ranks 2 3 1 4 and 1 3 2 4: the squared differences sum to 2, and 1 - 6 * 2 / (4 * 15) is 0.8."""
    metrics, largest = benchmark.compare(np.array([0.4, 0.5, 0.1, 0.9]), np.array([0.3, 0.55, 0.5, 0.8]))
    np.testing.assert_allclose(metrics, [0.8, (0.1 + 0.05 + 0.4 + 0.1) / 4, -0.4])
    assert largest == 2


def test_tied_competences_share_their_ranks(benchmark):
    """Ranks 1 2.5 2.5 and 1 2 3: Pearson's correlation of the ranks is 1.5 / sqrt(1.5 * 2)."""
    metrics, _ = benchmark.compare(np.array([0.1, 0.7, 0.7]), np.array([0.2, 0.3, 0.4]))
    assert metrics[0] == pytest.approx(1.5 / 3**0.5)


def test_annotators_in_one_file_only_are_named(run, caplog):
    lines = [f"{person}\t{known}" for person, known in [*enumerate(KNOWN[1:], start=12), (98, 0.5), (99, 0.5)]]
    found = run(to_yaml(simulate()), "annotator_id\tcompetence\n" + "\n".join(lines) + "\n")
    counts = [(row["annotators"], row["only_in_annotations"], row["only_in_competences"]) for row in found]
    assert counts == [("5", "1", "2")] * 2
    assert "MACS.yaml: annotators that are not in MACS_competence.csv and not compared: 11. " in caplog.text
    assert "MACS_competence.csv: annotators that are not in MACS.yaml and not compared: 98, 99. " in caplog.text


def test_other_annotators_are_refused(run):
    with refused(file="MACS_competence.csv", problem=("'1'", "'2'")):
        run(to_yaml(simulate(clips=2)), "1\t0.5\n2\t0.5\n")


def test_file_with_another_hash_is_refused(run, tmp_path):
    with refused(golden=False, file="MACS.yaml.part", problem=f"md5:{hashlib.md5(b'changed').hexdigest()}"):
        run(to_yaml(simulate(clips=2)), "11\t0.5\n", served="changed")
    assert not (tmp_path / "out/macs.tsv").exists()
    assert not (tmp_path / "out/macs/MACS.yaml").exists()


def test_files_of_the_record_are_expected(benchmark):
    """The hashes are those of Zenodo record 5114771."""
    assert benchmark.ADDRESS == "https://zenodo.org/records/5114771/files"
    assert benchmark.DIGESTS == {
        "MACS.yaml": "md5:23fcb2ebd0b109094034ef9e87972256",
        "MACS_competence.csv": "md5:4dfe9f951f0af9f29cb7952ec030370a",
    }
