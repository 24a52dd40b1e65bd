"""How far a run of Snakemake is: what is done, what is left, how long it will take.

Read from the log that the run writes into ``.snakemake/log``, and from the times of finished jobs (``benchmarks``),
those of earlier runs too: a dry run would say less and plan the whole workflow again.

The estimate: every job left takes as long as the mean of its rule, and work goes on at the pace of this run so far,
which holds how many jobs run side by side and what Snakemake itself takes. Rules that never ran here are named, and
the estimate is a least one then.
"""

import argparse
import re
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean

from softsed.core.errors import InputError
from softsed.core.tsv import read_number, read_table
from softsed.tools.status import rules

QUOTED = re.compile(r"^ *Logfile .*:\n=+\n.*?^=+$", re.MULTILINE | re.DOTALL)  # logs of failed jobs, repeated
STAMP = re.compile(r"^\s*\[(\w{3} \w{3} +\d+ [\d:]{8} \d{4})\]")
STARTED = re.compile(r"^\s*Job (\d+): (.*)$")
COMMAND = re.compile(r"^\s*Shell command: .*?--log (results/[^/]+)/logs/(\w+)")
FINISHED = re.compile(r"^\s*Finished jobid: (\d+) \(Rule: (\w+)\)$")
FAILED = re.compile(r"^\s*Error in (?:rule|group) \w+|^\s+message: Error in group \w+")
FAILED_JOB = re.compile(r"^\s+jobid: (\d+)$")  # in the lines below that one
LONGEST = 3  # running jobs that are named


@dataclass
class Run:
    """What the log of a run tells: jobs a rule, those that finished, those that are under way, seconds as of `time`."""

    planned: dict[str, int]
    results: str = ""  # folder of the experiment, read off the commands
    first: float | None = None
    last: float | None = None
    finished: dict[str, str] = field(default_factory=dict)  # job -> rule
    running: dict[str, tuple[str, str, float]] = field(default_factory=dict)  # job -> rule, message, since
    failed: int = 0
    ended: bool = False


def read_run(text: str) -> Run | None:
    """Read the log of a run; None for one in which no job was to run."""
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


def seconds_a_job(folder: Path, names: list[str]) -> dict[str, float]:
    """Mean seconds of the finished jobs of each rule, from a folder of benchmarks; rules without any are left out."""
    known = {}
    for name in names:
        seconds = []
        for path in (folder / f"{name}.tsv", *(folder / name).glob("*.tsv")):
            with suppress(InputError):  # not there, or just being written
                seconds += [read_number(row["s"]) for row in read_table(path, ("s",))]
        if seconds := [each for each in seconds if each >= 0]:
            known[name] = mean(seconds)
    return known


def remaining(run: Run, times: dict[str, float], now: float) -> float | None:
    """Estimate the seconds left; None before the first job with a known time has finished."""
    done = list(run.finished.values())
    left = sum((jobs - done.count(rule)) * times.get(rule, 0) for rule, jobs in run.planned.items())
    under_way = sum(min(now - since, times.get(rule, 0)) for rule, _, since in run.running.values())
    work = sum(times.get(rule, 0) for rule in done)
    elapsed = now - (run.first or now)
    return (left - under_way) * elapsed / (work + under_way) if work and elapsed > 0 else None


def span(seconds: float) -> str:
    """Put a time in words: ``45 s``, ``12 min``, ``3 h 20 min``."""
    minutes = round(seconds / 60)
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"


def describe(run: Run, times: dict[str, float], now: float) -> str:
    """Sum up a run: one line of where it is, the jobs under way, and the jobs left by rule."""
    done, total = len(run.finished), sum(run.planned.values())
    begun, last = run.first or now, run.last or now
    head = f"{done} of {total} jobs done in {span((last if run.ended else now) - begun)}"
    head += f", {run.failed} failed" if run.failed else ""
    if run.ended:
        return f"{head}; the run has ended" + ("" if done == total else f", {total - done} are left")
    estimate = remaining(run, times, now)
    least = "about" if run.planned.keys() <= times.keys() else "at least"
    head += "; how long it will take is not known yet" if estimate is None else f"; {least} {span(estimate)} left"
    lines = [f"{head}. The log was last written {span(now - last)} ago."]
    lines += [f"  now: {message} ({span(now - since)})" for _, message, since in list(run.running.values())[:LONGEST]]
    if len(run.running) > LONGEST:
        lines.append(f"  and {len(run.running) - LONGEST} more")
    finished = list(run.finished.values())
    for rule, jobs in run.planned.items():
        if left := jobs - finished.count(rule):
            each = f"{times[rule]:.1f} s each" if rule in times else "no time known: not in the estimate"
            lines.append(f"  {left:5} left  {rule} ({each})")
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> None:
    """Say how far the newest run of Snakemake in a folder is, and how long it will take."""
    parser = argparse.ArgumentParser(prog="softsed progress", description=main.__doc__)
    parser.add_argument("--folder", type=Path, default=Path(), help="where Snakemake runs; this one if left out")
    folder = parser.parse_args(argv).folder
    logs = sorted((folder / ".snakemake/log").glob("*.snakemake.log"), reverse=True)  # named by their date
    runs = (read_run(path.read_text(encoding="utf-8", errors="replace")) for path in logs)
    run = next((run for run in runs if run), None)
    if run is None:
        raise InputError(
            f"{folder / '.snakemake/log'}: no log of a run; start one, `make status` says what it would do"
        )
    times = seconds_a_job(folder / run.results / "benchmarks", list(run.planned)) if run.results else {}
    sys.stdout.write(describe(run, times, time.time()) + "\n")
