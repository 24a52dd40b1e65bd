"""Kill Snakemake and jobs repeatedly (SIGKILL): the final results equal those of an undisturbed run."""

import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from support.kills import results, spread, torment
from support.project import DEMO, TINY, copy_project, planned, snakemake

# Every rule of the demo; trainings last seconds and write checkpoints.
LONGER = "runs: 1\nsystems: {S_BCE_sig: null}\ntrain: {epochs: 300, patience: 300}\n"
CONFIGURATION = [*TINY, "longer.yaml"]
OPTIONS = ["--cores", "2", "--max-jobs-per-timespan", "100/1s", "--set-resources", "train_system:checkpoint_s=0.5"]
KILLS, LATE = 12, 2  # the last kills may come too late
DELAY_S = 1.5


@pytest.mark.slow
def test_killed_runs_end_with_the_same_bytes(finished, tmp_path):
    alone = Path(shutil.copytree(finished, tmp_path / "alone"))
    for name in ("models", "predictions", "metrics", "report", "page"):  # with two runs and one further system
        shutil.rmtree(alone / "results/tiny" / name)
    killed = copy_project(tmp_path / "killed")
    for folder in (alone, killed):
        (folder / "longer.yaml").write_text(LONGER, encoding="utf-8")
    snakemake(alone, configuration=CONFIGURATION)
    check_kills(alone, killed, CONFIGURATION, kills=KILLS, delay_s=DELAY_S)


@pytest.mark.long
def test_killed_demo_ends_with_the_same_bytes(tmp_path):
    """The whole demo, twice: about 15 minutes."""
    alone, killed = (copy_project(tmp_path / name) for name in ("alone", "killed"))
    snakemake(alone, configuration=DEMO)
    check_kills(alone, killed, DEMO, kills=25, delay_s=10)


def check_kills(alone, killed, configuration, *, kills, delay_s):
    """Kill a run repeatedly, and compare its files with those of an undisturbed run."""
    seed = int(np.random.SeedSequence().entropy % 2**32)
    print("seed", seed)  # noqa: T201 - shown when the test fails
    points = spread(alone, np.random.default_rng(seed), kills)
    found = []
    for kill in torment(killed, [*OPTIONS, *configuration], seed=seed, points=points, delay_s=delay_s):
        print(kill)  # noqa: T201
        found.append(kill)
    targets = Counter(kill.target for kill in found)
    assert len(found) >= kills - LATE, targets
    assert min(targets["snakemake"], targets["job"], targets["all"]) > 0, targets
    assert len({kill.rule for kill in found if kill.target == "job"}) >= 3
    # Trainings were running, and continued from checkpoints.
    assert any("train_system" in kill.running for kill in found)
    logs = killed.glob("results/*/logs/train_system/*.log")
    assert any("continuing after epoch" in log.read_text() for log in logs)

    left, expected = results(killed), results(alone)
    assert left.keys() == expected.keys()  # no incomplete file and no checkpoint is left, and no file is missing
    assert [name for name in expected if left[name] != expected[name]] == []
    assert planned(killed, configuration=configuration) == {}
