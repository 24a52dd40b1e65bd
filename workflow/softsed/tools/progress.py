"""Progress of a run of Snakemake: finished and remaining jobs, and the estimated remaining time.

The sources are the log of the run in ``.snakemake/log`` and the times of finished jobs (``benchmarks``), also of
earlier runs. A dry run would contain less information and plan the whole workflow again.

Estimate: each remaining job takes the mean time of its rule, and the run continues at its pace so far. The pace
includes the number of parallel jobs and the overhead of Snakemake. If a rule has no finished job, its remaining jobs
are listed and do not count, so that the estimate is a lower bound.
"""

import re
import sys
import time
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean

from softsed.core.errors import InputError, count
from softsed.core.options import build_parser
from softsed.core.tsv import read_number, read_table
from softsed.tools.status import rules

# Lines in the log of Snakemake 9.27. The rule of a running job is the folder or file of its log, <logs>/RULE.
QUOTED = re.compile(r"^ *Logfile [^\n]*:\n=+\n.*?^=+$", re.MULTILINE | re.DOTALL)  # repeated logs of failed jobs
STAMP = re.compile(r"^\s*\[(\w{3} \w{3} +\d+ [\d:]{8} \d{4})\]")
STARTED = re.compile(r"^\s*Job (\d+): (.*)$")
COMMAND = re.compile(r"^\s*Shell command: .*?--log (results/[^/]+)/logs/(\w+)")
FINISHED = re.compile(r"^\s*Finished jobid: (\d+) \(Rule: (\w+)\)$")
FAILED = re.compile(r"^\s*Error in (?:rule|group) \w+|^\s+message: Error in group \w+")
FAILED_JOB = re.compile(r"^\s+jobid: (\d+)$")  # in the lines after FAILED
MOST_JOBS = 3  # running jobs that are listed


@dataclass
class Run:
    """State of a run according to its log. Times are in seconds, as from `time.time`.

    Attributes
    ----------
    planned : dict of int
        Rule -> number of jobs.
    results : str
        Folder of the experiment, from the commands of the jobs; empty before the first job.
    first, last : float or None
        Time of the first and of the last entry.
    finished : dict of str
        Finished job -> rule.
    running : dict of tuple
        Running job -> rule, message, start time.
    failed : int
        Number of failed jobs.
    ended : bool
        Whether the run has ended.
    """

    planned: dict[str, int]
    results: str = ""
    first: float | None = None
    last: float | None = None
    finished: dict[str, str] = field(default_factory=dict)
    running: dict[str, tuple[str, str, float]] = field(default_factory=dict)
    failed: int = 0
    ended: bool = False


def read_run(text: str) -> Run | None:
    """Read the log of a run; return None if the run had no jobs."""
    text = QUOTED.sub("", text)
    planned = rules(text.partition("Select jobs to execute")[0])
    if not planned:
        return None
    run, job, now, failing = Run(planned), "", 0.0, False
    for line in text.splitlines():
        if found := STAMP.match(line):
            now = time.mktime(time.strptime(found[1], "%a %b %d %H:%M:%S %Y"))
            run.first, run.last = run.first or now, now
            failing = False
        elif found := STARTED.match(line):
            job = found[1]
            run.running[job] = ("", found[2], now)
        elif (found := COMMAND.match(line)) and job in run.running:
            run.results = found[1]
            run.running[job] = (found[2], *run.running[job][1:])
        elif (found := FINISHED.match(line)) and found[2] in planned:
            run.running.pop(found[1], None)
            run.finished[found[1]] = found[2]
        elif FAILED.match(line):
            run.failed, failing = run.failed + 1, True
        elif failing and (found := FAILED_JOB.match(line)):
            run.running.pop(found[1], None)
        elif line.startswith("Complete log"):
            run.ended = True
    return run


def seconds_per_job(folder: Path, names: list[str]) -> dict[str, float]:
    """Compute the mean time of the finished jobs of each rule.

    Parameters
    ----------
    folder : Path
        Folder of benchmarks, RULE.tsv or RULE/*.tsv.
    names : list of str
        Rules.

    Returns
    -------
    dict of float
        Rule -> seconds, for rules with finished jobs.
    """
    times = {}
    for name in names:
        seconds = []
        for path in (folder / f"{name}.tsv", *(folder / name).glob("*.tsv")):
            with suppress(InputError):  # missing, or being written
                seconds += [read_number(row["s"]) for row in read_table(path, ("s",))]
        if seconds := [each for each in seconds if each >= 0]:
            times[name] = mean(seconds)
    return times


def remaining(run: Run, times: dict[str, float], now: float, rules: Collection[str] | None = None) -> float | None:
    """Estimate the remaining seconds of all jobs, or of the jobs of some rules.

    The estimates of groups of rules add up to the estimate of all rules.

    Parameters
    ----------
    run : Run
        State of the run.
    times : dict of float
        Rule -> mean seconds per job, as from `seconds_per_job`.
    now : float
        Time, as from `time.time`.
    rules : collection of str, optional
        Rules whose jobs count. None counts all jobs.

    Returns
    -------
    float or None
        None before the first job of a rule in `times` has finished.
    """
    counted = run.planned.keys() if rules is None else rules
    done = list(run.finished.values())
    left = sum((run.planned[rule] - done.count(rule)) * times.get(rule, 0) for rule in counted)
    started = [(rule, min(now - since, times.get(rule, 0))) for rule, _, since in run.running.values()]
    left -= sum(seconds for rule, seconds in started if rule in counted)
    work = sum(times.get(rule, 0) for rule in done)
    elapsed = now - (run.first or now)
    return left * elapsed / (work + sum(seconds for _, seconds in started)) if work and elapsed > 0 else None


def format_duration(seconds: float) -> str:
    """Format a duration: ``45 s``, ``12 min``, ``3 h 20 min``."""
    minutes = round(seconds / 60)
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"


def describe(run: Run, times: dict[str, float], now: float) -> str:
    """Summarise a run: one line with its progress, then the running jobs and the remaining jobs of each rule."""
    done, total = len(run.finished), sum(run.planned.values())
    begun, last = run.first or now, run.last or now
    head = f"{done} of {total} jobs done in {format_duration((last if run.ended else now) - begun)}"
    head += f", {run.failed} failed" if run.failed else ""
    if run.ended:
        rest = count(total - done, "job is", "jobs are")
        return f"{head}; the run has ended" + ("" if done == total else f", {rest} left")
    estimate = remaining(run, times, now)
    least = "about" if run.planned.keys() <= times.keys() else "at least"
    head += (
        "; the remaining time is not known yet" if estimate is None else f"; {least} {format_duration(estimate)} left"
    )
    lines = [f"{head}. The log was last written {format_duration(now - last)} ago."]
    lines += [
        f"  now: {message} ({format_duration(now - since)})"
        for _, message, since in list(run.running.values())[:MOST_JOBS]
    ]
    if len(run.running) > MOST_JOBS:
        lines.append(f"  and {len(run.running) - MOST_JOBS} more")
    finished = list(run.finished.values())
    for rule, jobs in run.planned.items():
        if left := jobs - finished.count(rule):
            each = f"{times[rule]:.1f} s each" if rule in times else "no job measured yet: not in the estimate"
            lines.append(f"  {left:5} left  {rule} ({each})")
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> None:
    """Show the progress of the newest run of Snakemake in a folder, and its estimated remaining time."""
    parser = build_parser("progress", main, example="--folder .")
    parser.add_argument("--folder", type=Path, default=Path(), help="folder of the Snakefile (default: this folder)")
    folder = parser.parse_args(argv).folder
    logs = sorted((folder / ".snakemake/log").glob("*.snakemake.log"), reverse=True)  # named by their date
    runs = (read_run(path.read_text(encoding="utf-8", errors="replace")) for path in logs)
    run = next((run for run in runs if run), None)
    if run is None:
        raise InputError(
            "the folder contains no log of a run with jobs",
            file=folder / ".snakemake/log",
            remedy="Start a run; `make status` shows its jobs",
        )
    times = seconds_per_job(folder / run.results / "benchmarks", list(run.planned)) if run.results else {}
    sys.stdout.write(describe(run, times, time.time()) + "\n")
