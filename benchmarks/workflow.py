"""The time between jobs: start-up of every stage, what Snakemake takes, and their share of a complete demo.

All in CPU time, since other work on the machine doubles wall time and hardly changes this; on a machine without other
work a step, which has one thread, takes as long. Start-up is `softsed STAGE --help`, against importing numpy, which
nearly every stage needs. Planning is a dry run of the paper's experiment, against `snakemake --version`. The demo is
run in a copy of the project; its CPU time is divided into Snakemake's own, that of its steps before they compute (times
a stage is started, times its start-up) and the rest.

    python benchmarks/workflow.py results/benchmarks/workflow.tsv
"""

import argparse
import collections
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import plan
from measure import ROOT, Run, cpu_of_children, in_turn, run, spread, write

from softsed.cli import STAGES

COLUMNS = ["what", "seconds", "seconds_least", "seconds_most", "against", "ratio", "ratio_least", "ratio_most", "runs"]
DEMO, PAPER = ["--configfile", "workflow/demo.yaml"], ["--config", "experiment=counted"]
CORES, EMPTY_JOBS = 2, 100
EMPTY = """
rule all:
    input:
        expand("out/{{number}}", number=range({jobs})),

rule work:
    output:
        "out/{{number}}",
    log:
        "logs/{{number}}",
    benchmark:
        "benchmarks/{{number}}",
    shell:
        "touch {{output}} {{log}}"
"""


def row(what: str, seconds: list[float], against: str, other: list[float]) -> list[str]:
    """Give seconds and their ratios to what was measured in turn."""
    ratios = spread([a / b for a, b in zip(seconds, other, strict=True)])
    return [what, *spread(seconds), against, *ratios, str(len(seconds))]


def start_up(times: int) -> tuple[list[list[str]], dict[str, float]]:
    """Measure the start-up of every stage: rows, and CPU seconds by stage."""
    rows, cpu = [], {}
    for stage in STAGES:
        command = [sys.executable, "-m", "softsed", stage, "--help"]
        pairs = in_turn(command, [sys.executable, "-c", "import numpy"], times)
        seconds, numpy = ([pair[i].cpu for pair in pairs] for i in (0, 1))
        rows.append(row(f"start-up of {stage}", seconds, "import of numpy", numpy))
        cpu[stage] = statistics.median(seconds)
    return rows, cpu


def planning(folder: Path, times: int) -> list[list[str]]:
    """Time dry runs of the paper's experiment, before anything and after everything has been made."""
    rows = []
    for state in ("nothing made", "nothing to do"):
        seconds, other = [], []
        for _ in range(times):
            before = cpu_of_children()
            plan.time_plan(folder, *plan.PAPER)
            seconds.append(cpu_of_children() - before)
            other.append(run("snakemake", "--version").cpu)
        rows.append(row(f"dry run of MAESTRO Real, {state}", seconds, "snakemake --version", other))
        plan.pretend(folder, *plan.PAPER)
    return rows


def empty_jobs(times: int) -> list[str]:
    """Time jobs that only make a file: the difference of many of them and one is Snakemake's and the shell's part."""
    seconds, other = [], []
    for _ in range(times):
        took = {}
        for jobs in (1, 1 + EMPTY_JOBS):
            with tempfile.TemporaryDirectory() as name:
                path = Path(name) / "Snakefile"
                path.write_text(EMPTY.format(jobs=jobs), encoding="utf-8")
                profile = ["--profile", ROOT / "profiles" / "default"]
                took[jobs] = run("snakemake", "--cores", "1", *profile, "--directory", name, "--snakefile", path).cpu
        seconds.append((took[1 + EMPTY_JOBS] - took[1]) / EMPTY_JOBS)
        other.append(run(sys.executable, "-c", "import numpy").cpu)
    return row("a job of Snakemake's that does nothing", seconds, "import of numpy", other)


def snakemake(folder: Path, *arguments: str) -> str:
    """Call Snakemake in a copy of the project."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    return subprocess.run(
        ["snakemake", *arguments], cwd=folder, env=environment, check=True, capture_output=True, text=True
    ).stdout


def jobs_by_stage(folder: Path, configuration: list[str]) -> collections.Counter[str]:
    """Count how often an experiment starts each stage."""
    shown = snakemake(folder, "--dry-run", "--printshellcmds", *configuration)
    return collections.Counter(re.findall(r"python -m softsed --log \S+ (\w+)", shown))


def run_demo(folder: Path) -> tuple[Run, float]:
    """Run the demo: wall time and CPU time of Snakemake with its jobs, and CPU time of Snakemake alone (Linux)."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    start = time.perf_counter()
    process = subprocess.Popen(
        ["snakemake", "--cores", str(CORES), "--forceall", *DEMO],
        cwd=folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # ended, but its figures can still be read
    seconds = time.perf_counter() - start
    fields = Path(f"/proc/{process.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    user, system, user_jobs, system_jobs = (int(field) / os.sysconf("SC_CLK_TCK") for field in fields[11:15])
    if process.wait():
        sys.exit("the demo failed")
    return Run(seconds, user + system + user_jobs + system_jobs, 0, ""), user + system


def demo(folder: Path, cpu: dict[str, float], times: int) -> list[list[str]]:
    """Divide the CPU time of the demo."""
    starts = sum(number * cpu[stage] for stage, number in jobs_by_stage(folder, DEMO).items())
    found = [run_demo(folder) for _ in range(times)]
    total, own = [took.cpu for took, _ in found], [alone for _, alone in found]
    parts = {
        f"demo, wall time on {CORES} cores": [took.seconds for took, _ in found],
        "demo, Snakemake itself": own,
        "demo, starting the steps": [starts] * times,
        "demo, computing": [a - b - starts for a, b in zip(total, own, strict=True)],
    }
    return [row(what, seconds, "the demo", total) for what, seconds in parts.items()]


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=Path)
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--demos", type=int, default=1, help="minutes each")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        plan.copy_project(folder)
        rows, cpu = start_up(options.times)
        rows += [empty_jobs(options.times), *planning(folder, options.times)]
        for what, configuration in (("demo", DEMO), ("MAESTRO Real", PAPER)):
            jobs = jobs_by_stage(folder, configuration)
            starts = sum(number * cpu[stage] for stage, number in jobs.items())
            rows.append([f"starting the {jobs.total()} steps of {what}", f"{starts:.3g}", *[""] * 7])
            sys.stderr.write(f"{what}: {dict(jobs)}\n")
        write(options.output, COLUMNS, rows)  # the demo takes minutes
        rows += demo(folder, cpu, options.demos)
    write(options.output, COLUMNS, rows)


if __name__ == "__main__":
    main()
