"""Kill Snakemake, one of its jobs, or all of them at once (SIGKILL), repeatedly and at random moments of a run.

After each kill that ended Snakemake, the lock is removed and the same command repeated, as a person would do.
"""

import hashlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil

from support.project import environment

DECK = ("snakemake", "snakemake", "job", "job", "job", "all")  # shuffled, dealt, and shuffled again
POLL_S = 0.1
GRACE_S = 20  # time within which the jobs of a killed Snakemake must end, including jobs that are starting
TIMES = {"logs", "benchmarks", "provenance.jsonl"}  # of the results


@dataclass(frozen=True)
class Kill:
    """A kill: seconds after the start of Snakemake, the rule of the killed job, the rules of the running jobs."""

    start: int
    seconds: float
    target: str
    rule: str
    running: str
    survived_s: float  # seconds for which jobs continued after Snakemake had been killed


def command_of(process: psutil.Process) -> str:
    """Return the command of a process, empty when it has just ended."""
    with suppress(psutil.Error):
        return " ".join(process.cmdline())
    return ""


def steps(processes: list[psutil.Process]) -> list[tuple[str, psutil.Process]]:
    """Pick the jobs among processes, with their rules, which their log files name."""
    found = [(re.search(r"softsed --log \S*?/logs/(\w+)", command_of(process)), process) for process in processes]
    return [(match[1], process) for match, process in found if match]


def survivors(folder: Path) -> list[tuple[str, psutil.Process]]:
    """Find all jobs that run in a folder."""
    inside = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.cwd() == str(folder):
                inside.append(process)
    return steps(inside)


def snakemake(folder: Path, *arguments: str) -> subprocess.Popen:
    """Start Snakemake as the leader of a group of processes, printing to a file."""
    with (folder / "printed.txt").open("a") as printed:
        return subprocess.Popen(
            ["snakemake", *arguments],
            stdout=printed,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=environment(),
            start_new_session=True,
        )


def call(folder: Path, *arguments: str) -> None:
    """Run Snakemake to its end, and check that it succeeds."""
    with snakemake(folder, *arguments) as run:
        if run.wait():
            sys.exit((folder / "printed.txt").read_text()[-5000:])


def strike(run: subprocess.Popen, target: str, jobs: list[tuple[str, psutil.Process]], hit: set[str]) -> str | None:
    """Kill the target of a run: of its jobs, one whose rule was not killed before, because most rules are short.

    Returns
    -------
    str or None
        The rule of the job, empty for another target; None where there was no job, or it has just ended.
    """
    if target == "snakemake":
        run.kill()
    elif target == "all":
        os.killpg(run.pid, signal.SIGKILL)
    else:
        for rule, process in sorted(jobs, key=lambda job: job[0] in hit):
            with suppress(psutil.NoSuchProcess):
                process.kill()
                hit.add(rule)
                return rule
        return None
    run.wait()
    return ""


def outlive(folder: Path) -> float:
    """Measure how long jobs outlive their Snakemake, which has just been killed."""
    end = time.monotonic()
    while jobs := survivors(folder):
        if time.monotonic() - end > GRACE_S:
            sys.exit(f"Snakemake was killed {GRACE_S} s ago and these jobs go on: {jobs}")
        time.sleep(0.05)
    return time.monotonic() - end


def deal(chance: np.random.Generator) -> Iterator[str]:
    """Yield targets without end, each equally often."""
    while True:
        yield from map(str, chance.permutation(DECK))


def made(folder: Path, stage: str) -> int:
    """Count the files that a run has made so far, in one stage or in all (""), logs and times aside."""
    parts = (set(path.parts) for path in (folder / "results").rglob("*") if path.is_file())
    return sum(not (TIMES | {"checkpoints"}) & names and (not stage or stage in names) for names in parts)


def spread(folder: Path, chance: np.random.Generator, kills: int) -> list[tuple[str, int]]:
    """Draw moments of a run such as the one that has ended in a folder: stage and number of its files made.

    A third of them is while models are made, which are few files but most of the time.
    """
    stages = ["models" if index % 3 == 0 else "" for index in range(kills)]
    return [(stage, int(chance.integers(1, made(folder, stage)))) for stage in stages]


def torment(
    folder: Path, arguments: list[str], *, seed: int, points: list[tuple[str, int]], delay_s: float
) -> Iterator[Kill]:
    """Run Snakemake until it has ended well, killing on the way; yield the kills.

    Parameters
    ----------
    seed : int
        Seed of targets and delays.
    points : list of (str, int)
        Moments of the kills from `spread`, independent of the machine's speed.
    delay_s : float
        Longest random time between each of these moments and its kill, in seconds.
    """
    chance, hit = np.random.default_rng(seed), set()
    targets, left = deal(chance), list(points)
    target, delay = next(targets), chance.uniform(0, delay_s)
    for start in range(1, 1000):
        began = time.monotonic()
        with snakemake(folder, *arguments) as run:
            while run.poll() is None:
                point = next((point for point in left if made(folder, point[0]) >= point[1]), None)
                if point is None:
                    time.sleep(POLL_S)
                    continue
                with suppress(subprocess.TimeoutExpired):
                    run.wait(delay)
                    break
                seconds = time.monotonic() - began
                jobs = steps(psutil.Process(run.pid).children(recursive=True))
                if (rule := strike(run, target, jobs, hit)) is None:
                    delay = POLL_S  # a job can only be killed while a job runs
                    continue
                survived = 0.0 if target == "job" else outlive(folder)
                running = " ".join(sorted(name for name, _ in jobs))
                yield Kill(start, round(seconds, 2), target, rule, running, round(survived, 2))
                left.remove(point)
                target, delay = next(targets), chance.uniform(0, delay_s)
        if run.returncode == 0:
            return
        call(folder, *arguments, "--unlock")
    sys.exit("a thousand starts and no end")


def results(folder: Path) -> dict[str, str]:
    """Hash all files of an experiment, without logs and times."""
    (experiment,) = (folder / "results").glob("*/report")
    root = experiment.parent
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file() and not TIMES & set(path.relative_to(root).parts)
    }
