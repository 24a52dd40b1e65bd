"""Time between jobs: start-up of every step, planning, and their shares of a complete demo.

All times are CPU times, because other work on the machine doubles wall times and hardly changes CPU times. Start-up is
`softsed STEP --help`, against the import of numpy, which nearly every step needs. Planning is a dry run of an
experiment of the paper's size, against `snakemake --version`. The demo runs in a copy of the project. Its CPU time is
the sum of three parts: Snakemake itself, the start-up of all steps, and the rest.

    python benchmarks/workflow.py results/benchmarks/workflow.tsv
"""

import collections
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measure import ROOT, Run, build_parser, cpu_of_children, in_turn, run, spread, write

from softsed.cli import COMMANDS, steps

COLUMNS = ["what", "seconds", "seconds_least", "seconds_most", "against", "ratio", "ratio_least", "ratio_most", "runs"]
DEMO, PAPER = ["--configfile", "workflow/demo.yaml"], ["--config", "experiment=counted"]
CORES, EMPTY_JOBS = 2, 100
RECORDINGS = 49  # of the paper's experiment
SCENES = ("cafe_restaurant", "city_center", "grocery_store", "metro_station", "residential_area")
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


def row(what: str, seconds: list[float], against: str, other: list[float]) -> list:
    """Return a row of the table: seconds, and their ratios to a command that ran in turn."""
    ratios = spread([a / b for a, b in zip(seconds, other, strict=True)])
    return [what, *spread(seconds), against, *ratios, len(seconds)]


def start_up(listed: list[str], times: int) -> tuple[list[list], dict[str, float]]:
    """Measure the start-up of steps: rows, and CPU seconds by step."""
    rows, cpu = [], {}
    for step in listed:
        command = [sys.executable, "-m", "softsed", step, "--help"]
        pairs = in_turn(command, [sys.executable, "-c", "import numpy"], times)
        seconds, numpy = ([pair[i].cpu for pair in pairs] for i in (0, 1))
        rows.append(row(f"start-up of {step}", seconds, "import of numpy", numpy))
        cpu[step] = statistics.median(seconds)
    return rows, cpu


def copy_project(folder: Path) -> None:
    """Copy the files that git tracks, without results."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if not name.startswith("results/") and (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)


def planning(folder: Path, recordings: int, times: int) -> list[list]:
    """Time dry runs of an experiment like MAESTRO Real before its first run and after its last."""
    lines = "".join(f"{SCENES[i % 5]}_{i:05}\t{SCENES[i % 5]}\t240.5\n" for i in range(recordings))
    (folder / "planned.tsv").write_text("recording\tscene\tduration_s\n" + lines, encoding="utf-8")
    config, rows = ["--config", "recordings=planned.tsv", "experiment=planned"], []
    for state in ("nothing made", "nothing to do"):
        seconds, other = [], []
        for _ in range(times):
            before = cpu_of_children()
            snakemake(folder, "--dry-run", "--quiet", "rules", *config)
            seconds.append(cpu_of_children() - before)
            other.append(run("snakemake", "--version").cpu)
        rows.append(row(f"dry run of {recordings} recordings, {state}", seconds, "snakemake --version", other))
        if state == "nothing made":
            pretend(folder, config)
    return rows


def pretend(folder: Path, config: list[str]) -> None:
    """Create every output as an empty file, and let Snakemake record it as up to date."""
    for line in snakemake(folder, "--summary", *config).splitlines():
        if line.startswith("results/"):
            path = folder / line.split("\t")[0]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    snakemake(folder, "--touch", "--forceall", "--cores", "1", *config)


def empty_jobs(number: int, times: int) -> list:
    """Time jobs that only create a file: the difference between many of them and one is Snakemake's part."""
    seconds, other = [], []
    for _ in range(times):
        took = {}
        for jobs in (1, 1 + number):
            with tempfile.TemporaryDirectory() as name:
                path = Path(name) / "Snakefile"
                path.write_text(EMPTY.format(jobs=jobs), encoding="utf-8")
                profile = ["--profile", ROOT / "profiles" / "default"]
                took[jobs] = run("snakemake", "--cores", "1", *profile, "--directory", name, "--snakefile", path).cpu
        seconds.append((took[1 + number] - took[1]) / number)
        other.append(run(sys.executable, "-c", "import numpy").cpu)
    return row("a job of Snakemake that computes nothing", seconds, "import of numpy", other)


def snakemake(folder: Path, *arguments: str) -> str:
    """Call Snakemake in a copy of the project."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    return subprocess.run(
        ["snakemake", *arguments], cwd=folder, env=environment, check=True, capture_output=True, text=True
    ).stdout


def jobs_by_step(folder: Path, configuration: list[str]) -> collections.Counter[str]:
    """Count how often an experiment starts each step."""
    shown = snakemake(folder, "--dry-run", "--printshellcmds", *configuration)
    return collections.Counter(re.findall(r"python -m softsed --log \S+ ([\w.]+)", shown))


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
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # its CPU times can still be read
    seconds = time.perf_counter() - start
    fields = Path(f"/proc/{process.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    user, system, user_jobs, system_jobs = (int(field) / os.sysconf("SC_CLK_TCK") for field in fields[11:15])
    if process.wait():
        sys.exit("the demo failed")
    return Run(seconds, user + system + user_jobs + system_jobs, 0, ""), user + system


def demo(folder: Path, cpu: dict[str, float], times: int) -> list[list]:
    """Divide the CPU time of the demo."""
    starts = sum(number * cpu[step] for step, number in jobs_by_step(folder, DEMO).items())
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
    parser = build_parser(__doc__)
    parser.add_argument("--times", type=int, default=5, help="measurements of each command (default: 5)")
    parser.add_argument("--demos", type=int, default=1, help="complete demos to measure, minutes each (default: 1)")
    options = parser.parse_args()
    listed = [step for step in steps() if step not in COMMANDS.values()]
    recordings, jobs, times = RECORDINGS, EMPTY_JOBS, options.times
    if options.smoke:
        listed, recordings, jobs, times = ["folds"], 5, 2, 1
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        copy_project(folder)
        rows, cpu = start_up(listed, times)
        rows += [empty_jobs(jobs, times), *planning(folder, recordings, times)]
        for what, configuration in [("demo", DEMO)] if options.smoke else [("demo", DEMO), ("MAESTRO Real", PAPER)]:
            started = jobs_by_step(folder, configuration)
            seconds = float(sum(number * cpu.get(step, 0) for step, number in started.items()))
            rows.append([f"starting the {started.total()} steps of {what}", seconds, *[""] * 7])
            sys.stderr.write(f"{what}: {dict(started)}\n")
        write(options.output, COLUMNS, rows)  # before the demo, which takes minutes
        if not options.smoke:
            rows += demo(folder, cpu, options.demos)
            write(options.output, COLUMNS, rows)


if __name__ == "__main__":
    main()
