"""Kill -9 of Snakemake and of jobs, again and again: what is left in the end is what an undisturbed run leaves."""

import shutil
from collections import Counter

import numpy as np
import pytest
from kills import results, spread, torment
from support.project import TINY, copy_project, planned, snakemake

# Every rule of the demo; trainings of seconds, with checkpoints in their midst.
LONGER = "runs: 1\nsystems: {S_BCE_sig: null}\ntrain: {epochs: 300, patience: 300}\n"
CONFIGURATION = [*TINY, "longer.yaml"]
OPTIONS = ["--cores", "2", "--max-jobs-per-timespan", "100/1s", "--set-resources", "train_system:checkpoint_s=0.5"]
KILLS, AT_LEAST = 22, 20  # the last ones may come too late
DELAY_S = 1.5


def prepare(folder):
    (folder / "longer.yaml").write_text(LONGER, encoding="utf-8")
    return folder


@pytest.mark.slow
def test_killed_again_and_again_a_run_ends_with_the_same_bytes(finished, tmp_path):
    alone = prepare(shutil.copytree(finished, tmp_path / "alone"))
    for name in ("models", "predictions", "metrics", "report", "page"):  # which hold two runs, and a system more
        shutil.rmtree(alone / "results/tiny" / name)
    snakemake(alone, configuration=CONFIGURATION)
    killed = prepare(copy_project(tmp_path / "killed"))

    seed = int(np.random.SeedSequence().entropy % 2**32)
    print("seed", seed)  # noqa: T201 - shown when the test fails
    points = spread(alone, np.random.default_rng(seed), KILLS)
    kills = []
    for kill in torment(killed, [*OPTIONS, *CONFIGURATION], seed=seed, points=points, delay_s=DELAY_S):
        print(kill)  # noqa: T201
        kills.append(kill)
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
