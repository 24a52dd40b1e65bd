"""A step ends with the run of Snakemake that started it, and only then."""

import os
import signal
import subprocess
import sys
import time

import pytest

from softsed import parent

pytestmark = pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="Linux only: no pidfd here")

# Computes, so that the end must come from elsewhere than the main thread.
STEP = "import logging; from softsed import parent; logging.basicConfig(); parent.exit_with_parent()\n"
STEP += "print(1, flush=True)\n"
STEP += "while True: sum(range(1000))"


def step(run):
    variables = {key: value for key, value in os.environ.items() if key != parent.PARENT_PID}
    variables |= {parent.PARENT_PID: str(run)} if run else {}
    command, pipes = [sys.executable, "-c", STEP], {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, env=variables, text=True, **pipes)


@pytest.fixture
def run():
    """A process that stands for Snakemake."""
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process
        process.kill()


def test_step_exits_when_parent_is_killed(run):
    with step(run.pid) as going:
        assert going.stdout.readline() == "1\n"
        with pytest.raises(subprocess.TimeoutExpired):
            going.wait(0.3)
        run.send_signal(signal.SIGKILL)  # not waited for: it is gone for its jobs as soon as it is a zombie
        assert going.wait(30) == 1
        assert f"Snakemake (process {run.pid}) has ended" in going.stderr.read()


def test_step_exits_if_parent_has_ended(run):
    run.kill()
    run.wait()
    with step(run.pid) as late:
        assert late.wait(30) == 1
        assert late.stdout.read() == ""


def test_step_without_parent_continues():
    with step(None) as going:
        assert going.stdout.readline() == "1\n"
        time.sleep(0.2)
        assert going.poll() is None
        going.kill()
