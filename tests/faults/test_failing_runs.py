"""Runs that fail: full and read-only disks, a lock, a training that diverges, a killed job."""

import os
import shlex
import shutil
import signal
import subprocess
import time

import pytest
from support.project import INTERRUPTIBLE, TINY, planned, snakemake

MODEL = "results/tiny/models/S_MSE_lin/run1/fold1.pt"
HISTORY = "results/tiny/models/S_MSE_lin/run1/fold1.history.tsv"
DEADLINE_S = 300
# Mounts need root, or a namespace in which users may mount.
MOUNTS = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"]), "bash", "-ec"]


@pytest.fixture
def untrained(project):
    """A finished project without one training."""
    for name in (MODEL, HISTORY):
        (project / name).unlink()
    return project


def with_mounts(folder, script):
    """Run a script that may mount; skip the test on a system that does not allow this."""
    if subprocess.run([*MOUNTS, "mount -t tmpfs none /mnt"], check=False, capture_output=True).returncode:
        pytest.skip("mounts are not allowed here: needs root, or user namespaces")
    done = subprocess.run([*MOUNTS, f"exec 2>&1; {script}"], cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


def command(*arguments):
    return shlex.join(["snakemake", *TINY, "--cores", "2", *arguments])


@pytest.mark.slow
def test_full_disk_while_a_model_is_written(untrained):
    expected = (untrained / MODEL.replace("fold1", "fold2")).stat().st_size
    script = f"""
        kept=$(mktemp -d); trap 'rm -rf $kept' EXIT; cp -a results/tiny/. $kept
        mount -t tmpfs -o size=$(($(du -sm results/tiny | cut -f1) + 1))m none results/tiny
        cp -a $kept/. results/tiny
        free=$(df --output=avail -B1 results/tiny | tail -1)
        head -c $((free - {expected // 4096 * 4096})) /dev/zero > results/tiny/filler
        set +e
        {command(MODEL)}; echo "exit $?"
        ls results/tiny/models/S_MSE_lin/run1
        rm results/tiny/filler
        {command(MODEL)} && ls results/tiny/models/S_MSE_lin/run1
    """
    _, shown = with_mounts(untrained, script)
    first, after = shown.split("exit 1\n")
    assert "The disk is full: 0.0 MB are free in " in first
    assert "Free some space, then repeat the command" in first
    assert "Traceback" not in first
    left, again = after.split("fold3.pt\n", 1)
    assert "fold1" not in left
    assert "fold1.history.tsv\nfold1.pt\n" in again


def test_read_only_results_are_named(untrained):
    script = f"mount --bind results results; mount -o remount,ro,bind results; {command(MODEL)}"
    code, shown = with_mounts(untrained, script)
    assert code == 1
    assert "Read-only file system: '" in shown
    assert planned(untrained, MODEL) == {"train_system": 1}


def test_second_snakemake_stops_at_the_lock(untrained):
    (untrained / "longer.yaml").write_text("train: {epochs: 2000, patience: 2000}\n")
    configuration = [*TINY, "longer.yaml"]
    with subprocess.Popen(
        [*INTERRUPTIBLE, "snakemake", *configuration, "--cores", "2", MODEL],
        cwd=untrained,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as run:
        end = time.monotonic() + DEADLINE_S
        while not (untrained / ".snakemake/locks").exists() or not list((untrained / ".snakemake/locks").iterdir()):
            assert time.monotonic() < end
            time.sleep(0.05)
        shown = snakemake(untrained, MODEL, configuration=configuration, fails=True)
        assert "Directory cannot be locked" in shown
        assert "no other Snakemake process is trying to create the same files" in shown
        assert run.poll() is None
        os.killpg(run.pid, signal.SIGINT)  # as a terminal does on Ctrl-C
        assert run.wait(DEADLINE_S) != 0
    # The ended Snakemake has removed its lock, and no incomplete file is left.
    assert not (untrained / MODEL).exists()
    assert planned(untrained, MODEL) == {"train_system": 1}


def test_diverging_training_names_epoch_and_key(untrained):
    (untrained / "hot.yaml").write_text("train: {learning_rate: 1.0e+30}\n")
    shown = snakemake(untrained, MODEL, configuration=[*TINY, "hot.yaml"], fails=True)
    assert "epoch 1: the loss is not finite" in shown
    assert "Lower train.learning_rate" in shown
    assert "Traceback" not in shown
    assert not (untrained / MODEL).exists()
    assert not (untrained / HISTORY).exists()


def test_killed_job_is_named_and_leaves_no_output(untrained):
    """The system kills jobs in this way if memory is used up."""
    killer = untrained / "bin"
    killer.mkdir()
    (killer / "python").write_text('#!/bin/sh\necho half > "$HALF"; kill -9 $$\n')
    (killer / "python").chmod(0o755)
    variables = os.environ | {"PATH": f"{killer}:{os.environ['PATH']}", "HALF": MODEL}
    snake = shutil.which("snakemake")
    shown = subprocess.run(
        [snake, *TINY, "--cores", "2", MODEL], cwd=untrained, env=variables, capture_output=True, text=True, check=False
    )
    assert shown.returncode == 1
    assert "SIGKILL" in shown.stderr
    assert "train_system" in shown.stderr
    assert not (untrained / MODEL).exists()
