"""Parts that the benchmarks share: options, processes with their time and memory, and the table."""

import argparse
import csv
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Run:
    """Measurements of a process: wall and CPU time in seconds, peak memory in MB, and its standard output."""

    seconds: float
    cpu: float
    peak_mb: float
    printed: str


def build_parser(text: str, *inputs: str) -> argparse.ArgumentParser:
    """Create a parser of a script with this docstring: inputs and output in this order, and --smoke."""
    parser = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in inputs:
        parser.add_argument(name, type=Path, help="see above")
    parser.add_argument("output", type=Path, help="table to write")
    parser.add_argument("--smoke", action="store_true", help="smallest sizes, to test the script: numbers mean nothing")
    return parser


def use_one_core() -> None:
    """Keep this process and its children on one core."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def package_environment(**changes: str) -> dict[str, str]:
    """Return the environment of processes that import the package of this folder."""
    return os.environ | {"PYTHONPATH": str(ROOT / "workflow")} | changes


def run(*command: str | Path, environment: dict[str, str] | None = None) -> Run:
    """Run a command, with one thread unless an environment is passed.

    The calling process must stay small: the peak memory of a child includes the process from which it was forked.
    """
    environment = environment or package_environment(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    start = time.perf_counter()
    with (
        tempfile.TemporaryFile("w+") as errors,
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True) as process,
    ):
        printed = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            errors.seek(0)
            sys.exit(f"failed: {command}\n{printed}{errors.read()}")
    seconds = time.perf_counter() - start
    return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, printed)


def softsed(command: str, **options: object) -> None:
    """Run a step of the package. Options may be lists; dictionaries become JSON."""
    arguments = [sys.executable, "-m", "softsed", command]
    for name, value in options.items():
        values = value if isinstance(value, list) else [json.dumps(value) if isinstance(value, dict) else value]
        arguments += [f"--{name.replace('_', '-')}", *map(str, values)]
    run(*arguments)


def in_turn(one: list, other: list, times: int) -> list[tuple[Run, Run]]:
    """Run two commands in turn, because on a noisy machine only neighbouring measurements can be compared."""
    return [(run(*one), run(*other)) for _ in range(times)]


def cpu_of_children() -> float:
    """Return the CPU seconds of all ended processes that this process has started, directly or through others."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def spread(values: list[float]) -> list[float]:
    """Return median, minimum and maximum."""
    return [statistics.median(values), min(values), max(values)]


def write(path: Path, columns: list[str], rows: list[list]) -> None:
    """Write a table, numbers with four significant digits, and print it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, delimiter="\t", lineterminator="\n")
        table.writerow(columns)
        table.writerows([f"{value:.4g}" if isinstance(value, float) else value for value in row] for row in rows)
    sys.stdout.write(path.read_text(encoding="utf-8"))
