"""Kill -9 of Snakemake and of jobs, again and again: what is left in the end is what an undisturbed run leaves."""

import shutil
import time
from collections import Counter

import numpy as np
import pytest
from conftest import TINY, copy_project, planned, snakemake
from kills import results, torment

from softsed.textfiles import read_table

# Every rule of the demo; trainings of seconds, with checkpoints in their midst.
LONGER = "runs: 1\ntrain: {epochs: 300, patience: 300}\n"
CONFIGURATION = [*TINY, "longer.yaml"]
OPTIONS = ["--cores", "2", "--max-jobs-per-timespan", "100/1s", "--set-resources", "train_system:checkpoint_s=0.5"]
AT_LEAST, MOST = 20, 40


def prepare(folder):
    (folder / "longer.yaml").write_text(LONGER, encoding="utf-8")
    return folder


def seconds_of_jobs(folder):
    """What all jobs took, by their benchmarks, those of second runs left out."""
    paths = (path for path in (folder / "results/tiny/benchmarks").rglob("*.tsv") if "run2" not in path.name)
    return sum(float(row["s"]) for path in paths for row in read_table(path, ("s",)))


@pytest.mark.slow
def test_killed_again_and_again_a_run_ends_with_the_same_bytes(finished, tmp_path):
    alone = prepare(shutil.copytree(finished, tmp_path / "alone"))
    for name in ("models", "predictions", "metrics", "report", "page"):  # which hold two runs a system
        shutil.rmtree(alone / "results/tiny" / name)
    snakemake(alone, configuration=CONFIGURATION)
    began = time.monotonic()
    assert planned(alone, configuration=CONFIGURATION) == {}
    start_s = time.monotonic() - began
    killed = prepare(copy_project(tmp_path / "killed"))

    seed = int(np.random.SeedSequence().entropy % 2**32)
    print("seed", seed)  # noqa: T201 - shown when the test fails
    # On a machine of any speed some thirty kills: each is followed by a start of Snakemake or by a job done again.
    wait_s = seconds_of_jobs(alone) / 2 / 30 + 0.6 * start_s
    kills = list(torment(killed, [*OPTIONS, *CONFIGURATION], seed=seed, wait_s=wait_s, most=MOST))
    for kill in kills:
        print(kill)  # noqa: T201
    targets = Counter(kill.target for kill in kills)
    print(targets, Counter(kill.rule for kill in kills if kill.target == "job"))  # noqa: T201
    assert len(kills) >= AT_LEAST, targets
    assert min(targets["snakemake"], targets["job"], targets["all"]) > 0, targets
    assert len({kill.rule for kill in kills if kill.target == "job"}) >= 4
    # In the midst of trainings, which went on from checkpoints.
    assert any("train_system" in kill.running for kill in kills)
    logs = (killed / "results/tiny/logs/train_system").glob("*.log")
    assert any("continuing after epoch" in log.read_text() for log in logs)

    found, expected = results(killed), results(alone)
    assert found.keys() == expected.keys()  # no half of a file was left, no checkpoint, nothing is missing
    assert [name for name in expected if found[name] != expected[name]] == []
    assert planned(killed, configuration=CONFIGURATION) == {}
