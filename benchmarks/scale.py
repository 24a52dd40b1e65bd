"""A burst of jobs through the SLURM executor: submissions a second, alone and in groups, and the price of sbatch.

On the cluster of tests/slurm, with Debian's slurm-wlm and munge. Its nodes are closed, so that jobs queue and none
competes with Snakemake for this machine: what is timed is the login node's part, from the first to the last submission.

    python benchmarks/scale.py results/benchmarks/scale.tsv
"""

import argparse
import csv
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "slurm"))
from cluster import NODES, PACKAGES, Cluster, missing_programs  # noqa: E402

COLUMNS = [
    "what",
    "jobs",
    "submissions",
    "seconds_before_first",
    "seconds",
    "submissions_per_second",
    "jobs_per_second",
]
SNAKEFILE = """
rule all:
    input:
        expand("out/{{number}}", number=range({jobs})),

rule work:
    output:
        "out/{{number}}",
    shell:
        "touch {{output}}"
"""
SBATCHES = 50


def time_sbatch(cluster: Cluster) -> list[float]:
    """Wall time of one sbatch after the other."""
    times = []
    for _ in range(SBATCHES):
        start = time.monotonic()
        cluster.ask("sbatch", "--output=/dev/null", "--wrap=true")
        times.append(time.monotonic() - start)
    return times


def time_burst(cluster: Cluster, jobs: int, group: int) -> dict:
    """Submit jobs with nothing between them, `group` to a submission, until the last one is in the queue."""
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "Snakefile").write_text(SNAKEFILE.format(jobs=jobs), encoding="utf-8")
        command = ["snakemake", "--executor", "slurm", "--jobs", str(jobs), "--cores", "1", "--slurm-no-account"]
        command += ["--slurm-status-command", "squeue", "--default-resources", "mem_mb=1000", "runtime=10"]
        command += ["--max-jobs-per-timespan", f"{jobs}/1s"]
        command += ["--groups", "work=work", "--group-components", f"work={group}"] if group > 1 else []
        expected, times, start = -(-jobs // group), [], time.monotonic()
        with subprocess.Popen(
            command, cwd=name, env=cluster.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as run:
            for line in run.stdout:
                if re.search(r"has been submitted with SLURM jobid", line):
                    times.append(time.monotonic() - start)
                    if len(times) == expected:
                        break
            run.kill()  # asked kindly, it would wait for its jobs
        cluster.cancel()
    if len(times) < expected:
        raise RuntimeError(f"{len(times)} of {expected} submissions")
    seconds = times[-1] - times[0]
    return {
        "what": f"{group} a submission",
        "jobs": jobs,
        "submissions": expected,
        "seconds_before_first": round(times[0], 1),
        "seconds": round(seconds, 1),
        "submissions_per_second": round((expected - 1) / seconds, 1),
        "jobs_per_second": round(jobs * (expected - 1) / expected / seconds, 1),
    }


def main() -> None:
    """Write the table."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("output", type=Path)
    parser.add_argument("--jobs", type=int, nargs="+", default=[1000])
    options = parser.parse_args()
    if missing_programs():
        sys.stdout.write(f"Left out, no SLURM here: apt-get install --no-install-recommends {PACKAGES}\n")
        return
    with Cluster() as cluster:
        for node in NODES:
            cluster.ask("scontrol", "update", f"NodeName={node}", "State=DRAIN", "Reason=benchmark")
        times = time_sbatch(cluster)
        rows = [{"what": "sbatch, median", "jobs": 1, "submissions": 1, "seconds": round(statistics.median(times), 3)}]
        for jobs in options.jobs:
            rows += [time_burst(cluster, jobs, group) for group in (1, 50)]
    options.output.parent.mkdir(parents=True, exist_ok=True)
    with options.output.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, delimiter="\t", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    sys.stdout.write(options.output.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
