"""Planning at scale: what a dry run takes, before anything has been made and after everything has.

Experiments of MAESTRO Real's shape with more recordings or more trainings; nothing is computed: for "finished" every
output is an empty file that Snakemake is told to take for the real one (`--touch`, a tenth of a second a job). Each
experiment is timed in turn with the one of the paper, several times, and given as a ratio to it.

    python benchmarks/plan.py results/benchmarks/plan.tsv
"""

import argparse
import csv
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SCENES = ("cafe_restaurant", "city_center", "grocery_store", "metro_station", "residential_area")
PAPER = (49, 1)
FRESH = [(250, 1), (1600, 1), (10000, 1), (49, 25), (49, 130), (10000, 67)]  # recordings, runs of the 15 trainings
FINISHED = [(250, 1), (1600, 1)]  # about a thousand jobs and five thousand
COLUMNS = ["recordings", "trainings", "state", "jobs", "seconds", "seconds_min", "seconds_max", "ratio", "repetitions"]


def copy_project(folder: Path) -> None:
    """Copy what git keeps, without results."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if not name.startswith("results/") and (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)


def snakemake(folder: Path, recordings: int, runs: int, *arguments: str) -> str:
    """Call Snakemake for an experiment of so many recordings and runs."""
    table = folder / f"recordings{recordings}.tsv"
    if not table.exists():
        rows = "".join(f"{SCENES[i % 5]}_{i:05}\t{SCENES[i % 5]}\t240.5\n" for i in range(recordings))
        table.write_text("recording\tscene\tduration_s\n" + rows, encoding="utf-8")
    config = ["--config", f"recordings={table.name}", f"runs={runs}", f"experiment=e{recordings}_{runs}"]
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        ["snakemake", *arguments, *config],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        cwd=folder,
        env=environment,
    )
    if done.returncode:
        sys.exit(done.stdout)
    return done.stdout


def pretend(folder: Path, recordings: int, runs: int) -> None:
    """Make every output an empty file that Snakemake takes for the real one."""
    summary = snakemake(folder, recordings, runs, "--summary")
    for line in summary.splitlines():
        if line.startswith("results/"):
            path = folder / line.split("\t")[0]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    snakemake(folder, recordings, runs, "--touch", "--forceall", "--cores", "1")


def time_plan(folder: Path, recordings: int, runs: int) -> tuple[float, int]:
    """Time one dry run: seconds, and jobs planned."""
    start = time.monotonic()
    shown = snakemake(folder, recordings, runs, "--dry-run", "--quiet", "rules")
    seconds = time.monotonic() - start
    found = re.search(r"^total +(\d+)$", shown, re.MULTILINE)
    return seconds, int(found[1]) - 1 if found else 0


def main() -> None:
    """Write the table."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("output", type=Path)
    parser.add_argument("--repetitions", type=int, default=5)
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        copy_project(folder)
        pretended = {}
        for state, sizes in (("nothing made", [PAPER, *FRESH]), ("finished", [PAPER, *FINISHED])):
            if state == "finished":
                for size in sizes:
                    pretended[size] = time_plan(folder, *size)[1]
                    pretend(folder, *size)
            for size in sizes:
                pairs = [(time_plan(folder, *PAPER), time_plan(folder, *size)) for _ in range(options.repetitions)]
                seconds = [found[0] for _, found in pairs]
                jobs = pairs[0][1][1]
                if state == "finished":
                    if jobs:
                        sys.exit(f"{size}: {jobs} jobs planned, though everything is there")
                    jobs = pretended[size]
                rows.append(
                    {
                        **{"recordings": size[0], "trainings": 15 * size[1], "state": state, "jobs": jobs},
                        "seconds": round(statistics.median(seconds), 2),
                        "seconds_min": round(min(seconds), 2),
                        "seconds_max": round(max(seconds), 2),
                        "ratio": round(statistics.median(found[0] / paper[0] for paper, found in pairs), 2),
                        "repetitions": options.repetitions,
                    }
                )
                sys.stderr.write(f"{rows[-1]}\n")
    options.output.parent.mkdir(parents=True, exist_ok=True)
    with options.output.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, delimiter="\t", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
