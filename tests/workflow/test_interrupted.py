"""Trainings that are killed at any moment end with the same bits as an undisturbed training."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil
import pytest
from support.project import TINY, environment, planned, snakemake

CONFIGURATION = [*TINY, "longer.yaml"]
LONGER = "train: {epochs: 400, patience: 400}\n"  # seconds
OFTEN = ["--set-resources", "train_system:checkpoint_s=0"]  # a checkpoint every epoch
MODEL = "results/tiny/models/S_MSE_lin/run1/fold1.pt"
HISTORY = "results/tiny/models/S_MSE_lin/run1/fold1.history.tsv"
CHECKPOINT = "results/tiny/checkpoints/S_MSE_lin/run1/fold1.pt"
LOG = "results/tiny/logs/train_system/S_MSE_lin_run1_fold1.log"
DEADLINE_S = 120


@pytest.fixture(scope="module")
def undisturbed(finished, tmp_path_factory):
    """A project in which one longer training has run."""
    folder = Path(shutil.copytree(finished, tmp_path_factory.mktemp("undisturbed") / "project"))
    (folder / "longer.yaml").write_text(LONGER, encoding="utf-8")
    snakemake(folder, MODEL, configuration=CONFIGURATION)
    assert not (folder / "results/tiny/checkpoints").exists()  # within a minute there is none
    return folder


@pytest.fixture
def untrained(undisturbed, tmp_path):
    """The same project before that training."""
    folder = Path(shutil.copytree(undisturbed, tmp_path / "project"))
    for name in (MODEL, HISTORY, LOG):
        (folder / name).unlink()
    return folder


def results(folder):
    return [(folder / name).read_bytes() for name in (MODEL, HISTORY)]


def until(condition):
    """Wait for a condition."""
    end = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def continued_after(folder):
    """Return the epoch after which the last started training continued; 0 for a new training, None if unknown."""
    text = (folder / LOG).read_text() if (folder / LOG).exists() else ""
    found = re.search(r"continuing after epoch (\d+), from (\S+)", text)
    assert found is None or found[2] == CHECKPOINT
    return int(found[1]) if found else 0 if "epoch 1 of" in text else None


@pytest.mark.parametrize(
    "seed",
    [
        1,
        *(pytest.param(seed, marks=pytest.mark.slow) for seed in (2,)),
        *(pytest.param(seed, marks=pytest.mark.long) for seed in range(3, 9)),
    ],
)
def test_killed_training_ends_with_equal_bits(undisturbed, untrained, seed):
    shown = snakemake(untrained, "--dry-run", "--printshellcmds", MODEL, *OFTEN, configuration=CONFIGURATION)
    command = shlex.split(re.search(r"python -m softsed .* train.system .*", shown)[0])
    moments, kills, epochs = np.random.default_rng(seed), 0, []
    while len(set(epochs)) < 4:  # starts from different epochs, until the training has made progress three times
        with subprocess.Popen(command, cwd=untrained, stderr=subprocess.DEVNULL) as training:
            until(lambda: training.poll() is not None or continued_after(untrained) is not None)
            epochs.append(continued_after(untrained))
            time.sleep(moments.uniform(0, 1.5))  # reading the compiled loops takes half a second
            training.kill()
            kills += training.wait() == -signal.SIGKILL
        if training.returncode == 0:
            break
        (untrained / LOG).unlink()
        assert kills < 30
    assert kills > 1
    assert epochs == sorted(epochs)
    subprocess.run(command, cwd=untrained, check=True, capture_output=True)
    assert continued_after(untrained) >= epochs[-1]
    assert results(untrained) == results(undisturbed)


def start(folder):
    """Start Snakemake as the leader of a group of processes."""
    command = ["snakemake", *CONFIGURATION, "--cores", "2", MODEL, *OFTEN]
    pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(command, cwd=folder, env=environment(), start_new_session=True, **pipes)


def kill_training(run):
    for process in psutil.Process(run.pid).children(recursive=True):
        with suppress(psutil.Error):
            if "train.system" in process.cmdline():
                process.kill()


@pytest.mark.slow
def test_killed_snakemake_resumes_its_trainings(undisturbed, untrained):
    checkpoint = untrained / CHECKPOINT
    # The training alone: the run fails, and Snakemake deletes what the training wrote, but not the checkpoint.
    with start(untrained) as run:
        until(checkpoint.exists)
        kill_training(run)
        assert run.wait() == 1
    assert continued_after(untrained) == 0
    assert checkpoint.exists()
    assert not (untrained / MODEL).exists()
    # All processes at once: Snakemake had no time to delete files or to remove its lock.
    with start(untrained) as run:
        until(lambda: continued_after(untrained))
        first = continued_after(untrained)
        before = checkpoint.read_bytes()
        until(lambda: checkpoint.read_bytes() != before)
        os.killpg(run.pid, signal.SIGKILL)
    assert checkpoint.exists()
    (untrained / MODEL).write_text("half a model")
    snakemake(untrained, "--unlock", configuration=CONFIGURATION)
    assert planned(untrained, MODEL, configuration=CONFIGURATION) == {"train_system": 1}
    # After its end, but before it was recorded: it is not trained from the beginning.
    with start(untrained) as run:
        until(lambda: (untrained / LOG).exists() and "epoch 400 of" in (untrained / LOG).read_text())
        os.killpg(run.pid, signal.SIGKILL)
    assert continued_after(untrained) > first
    snakemake(untrained, "--unlock", configuration=CONFIGURATION)
    snakemake(untrained, MODEL, *OFTEN, configuration=CONFIGURATION)
    assert continued_after(untrained) >= 399
    assert results(untrained) == results(undisturbed)
    # The training is recorded, and no checkpoint is left.
    assert planned(untrained, MODEL, configuration=CONFIGURATION) == {}
    assert not [path for path in (untrained / "results/tiny/checkpoints").rglob("*") if path.is_file()]
