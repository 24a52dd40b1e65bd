"""What the benchmarks share: a command run as a process of its own, two of them in turn, and the table."""

import csv
import os
import resource
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Run:
    """What a process took: wall and CPU time in seconds, peak memory in MB, and what it printed."""

    seconds: float
    cpu: float
    peak_mb: float
    printed: str


def use_one_core() -> None:
    """Keep this process and its children on one core."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def run(*command: str | Path) -> Run:
    """Run a command with one thread; the caller stays small, since a child's peak counts what it was forked from."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    environment["PYTHONPATH"] = str(ROOT / "workflow")
    start = time.perf_counter()
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        printed = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"failed: {command}")
    seconds = time.perf_counter() - start
    return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, printed)


def in_turn(one: list, other: list, times: int) -> list[tuple[Run, Run]]:
    """Run two commands in turn: machines are noisy, so that only what is measured side by side can be compared."""
    return [(run(*one), run(*other)) for _ in range(times)]


def cpu_of_children() -> float:
    """CPU seconds of all processes this one has started and that have ended, with those that they started."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def spread(values: list[float]) -> list[str]:
    """Give median, least and most."""
    return [f"{value:.3g}" for value in (statistics.median(values), min(values), max(values))]


def write(path: Path, columns: list[str], rows: list[list[str]]) -> None:
    """Write a table and show it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter="\t", lineterminator="\n").writerows([columns, *rows])
    sys.stdout.write(path.read_text(encoding="utf-8"))
