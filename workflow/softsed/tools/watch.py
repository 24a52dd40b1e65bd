"""Run Snakemake and show its progress: one line per stage instead of several lines per job.

Snakemake and its jobs write to a temporary file, which is read while they run. Lines that every run contains (`ROUTINE`
and the table of jobs) are left out. All other lines are shown, so that errors, warnings and unexpected messages stay
visible. Snakemake also writes its own log to ``.snakemake/log``.
"""

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from softsed.core.errors import REPEAT, count
from softsed.core.options import build_parser
from softsed.tools.progress import Run, format_duration, read_run, remaining, seconds_per_job
from softsed.tools.stages import STAGES, read_stages
from softsed.tools.status import NOTHING

WIDTH = 80  # columns of a terminal that does not report its width
DRY_RUN = {"-n", "--dry-run", "--dryrun"}  # options of Snakemake
REFRESH_S = 2.0  # reading the log of a thousand jobs takes 0.05 s
SPARSE_S = 60.0  # time between two lines of the whole run, if the output is not a terminal

# Lines of Snakemake 9.27 that every run contains.
ROUTINE = re.compile(
    r"\s*$|\[\w{3} \w{3} +\d+ [\d:]{8} \d{4}\]|Job \d+: |Reason: |Shell command: |Finished jobid: |\d+ of \d+ steps "
    r"|Select jobs to execute|Execute \d+ jobs|Using workflow specific profile|Config file .* is extended by"
    r"|Assuming unrestricted shared filesystem|=+$|Building DAG of jobs|Using shell: |Provided (cores|resources): "
    r"|Rules claiming more threads|Conda environments: ignored"
    r"|Nothing to be done|Complete log|Elapsed time: |Creating report|Adding .* \([\d.]+ \w+\)\.$|Report created"
    r"|Exiting because a job execution failed|WorkflowError:$|At least one job did not complete|RuleException:$"
    r"|CalledProcessError in file "
)
# Lines whose indented lines are left out: lists of files and commands.
HEADINGS = re.compile(r"SNAKEMAKE$|(local)?rule \w+:$|Error in (rule|group) ")
KEPT = re.compile(r"\s+log: ")  # of the indented lines
TABLE, TOTAL = "Job stats:", re.compile(r"total +\d+$|$")  # first and last line of the table of jobs
QUOTED = re.compile(r"\s*Logfile (.*):$")  # a repeated log of a failed job, between two equal lines of =
PREFIX = re.compile(r"[\d-]+ [\d:,]+ [A-Z]+ ")  # of the lines in the log of a step, see core/log.py
MOST_LINES = 10  # lines of a repeated log
COMPLETE_LOG = re.compile(r"^Complete log\(s\): (.*)$", re.MULTILINE)
COMMAND = re.compile(r"Command '.*' (returned|died)")


class Messages:
    """Select the lines of Snakemake's output that a user must see."""

    def __init__(self) -> None:
        self.in_section, self.in_table, self.last = False, False, ""
        self.shown: set[str] = set()
        self.log: RepeatedLog | None = None

    def select(self, line: str) -> list[str]:
        """Return the lines to show after a new line of output.

        A line that repeats the line before it is left out: while a run ends, Snakemake repeats a message per job.
        """
        if self.log:
            lines = []
            if self.log.add(line):
                lines, self.log = self.log.describe(self.shown), None
            return lines
        if found := QUOTED.match(line):
            self.log = RepeatedLog(found[1])
            return []
        if self.in_table or line == TABLE:
            self.in_table = not TOTAL.match(line)
            return []
        if self.in_section and (line[:1].isspace() or line.startswith("=")):
            return [line] if KEPT.match(line) else []
        self.in_section = bool(HEADINGS.match(line))
        if ROUTINE.match(line) or line == self.last or (self.in_section and not line.startswith("Error")):
            return []
        self.last = line
        self.shown.add(line)
        return [COMMAND.sub(r"The command \1", line)]


class RepeatedLog:
    """The log of a failed job, which Snakemake repeats in its output.

    On a cluster, this is the log of a step, or the output of the Snakemake process that ran the step on a node, with
    repeated logs in it.
    """

    def __init__(self, name: str) -> None:
        self.name, self.border = name, ""
        self.messages = Messages()
        self.lines: list[str] = []

    def add(self, line: str) -> bool:
        """Add a line; return True after the last line."""
        if not self.border:
            self.border = line
        elif line == self.border and not self.messages.log:
            return True
        else:
            self.lines += self.messages.select(line)
        return False

    def describe(self, shown: set[str]) -> list[str]:
        """Return the last lines of the log, or no line if its last line has been shown.

        A job on this machine writes its errors to the terminal as well; a job of a cluster does not.
        """
        if not self.lines or PREFIX.sub("", self.lines[-1]) in shown:
            return []
        return [f"    last lines of {self.name}:", *(f"      {line}" for line in self.lines[-MOST_LINES:])]


def describe_time(run: Run, times: dict[str, float], now: float, rules: list[str]) -> str:
    """Describe the remaining time of the jobs of some rules: ``about 2 min left``.

    Jobs of a rule without a finished job have no known time. They are counted: ``at least 7 s left (43 jobs untimed)``.
    """
    finished = list(run.finished.values())
    open_rules = [rule for rule in rules if finished.count(rule) < run.planned[rule]]
    if not open_rules:
        return "done"
    estimate = remaining(run, times, now, open_rules)
    if estimate is None or not any(rule in times for rule in open_rules):
        return "remaining time not known yet"
    unknown = sum(run.planned[rule] - finished.count(rule) for rule in open_rules if rule not in times)
    left = f"{format_duration(estimate)} left"
    return f"at least {left} ({count(unknown, 'job')} untimed)" if unknown else f"about {left}"


def describe(run: Run, times: dict[str, float], now: float, stages: dict[str, str]) -> dict[str, str]:
    """Describe the progress of each stage and, as ``total``, of the run.

    Parameters
    ----------
    run : Run
        State of the run.
    times : dict of float
        Rule -> mean seconds per job, as from `seconds_per_job`.
    now : float
        Time, as from `time.time`.
    stages : dict of str
        Rule -> stage, as from `read_stages`.

    Returns
    -------
    dict of str
        Stage -> one line, in the order of the flow.
    """
    finished = list(run.finished.values())
    groups: dict[str, list[str]] = {stage: [] for stage in STAGES}
    for rule in run.planned:
        groups.setdefault(stages.get(rule, rule), []).append(rule)
    lines = {}
    for name, rules in [*groups.items(), ("total", list(run.planned))]:
        done, jobs = sum(map(finished.count, rules)), sum(run.planned[rule] for rule in rules)
        if jobs:
            lines[name] = f"{name:9} {done:4} of {jobs:<4} jobs  {describe_time(run, times, now, rules)}"
    lines["total"] += f", {format_duration(now - (run.first or now))} so far"
    return lines


class Screen:
    """Lines on a terminal, or in a file.

    On a terminal, the lines of the stages are rewritten at every update, below all messages. In a file, a stage has one
    line when its jobs are done, and the run has one line per `SPARSE_S`.
    """

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.is_terminal = stream.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        self.height = 0  # lines of the stages on the terminal
        self.reported: set[str] = set()
        self.due = time.monotonic() + SPARSE_S

    def update(self, messages: list[str], lines: dict[str, str]) -> None:
        """Show new messages, then the lines of the stages, as from `describe`."""
        shown = [*messages]
        if self.is_terminal:
            back = f"\x1b[{self.height}F" if self.height else ""
            columns = os.get_terminal_size(self.stream.fileno()).columns or WIDTH
            block = [line[: columns - 1] for line in lines.values()]  # a wrapped line would shift the others
            self.stream.write(f"{back}\x1b[J" + "".join(f"{line}\n" for line in [*shown, *block]))
            self.height = len(block)
        else:
            done = [name for name, line in lines.items() if "  done" in line and name not in self.reported]
            self.reported.update(done)
            if time.monotonic() >= self.due:
                done, self.due = [*done, "total"], time.monotonic() + SPARSE_S
            self.stream.write("".join(f"{line}\n" for line in [*shown, *(lines[name] for name in dict.fromkeys(done))]))
        self.stream.flush()


class Output:
    """The output of Snakemake in a file to which Snakemake still writes."""

    def __init__(self, file: int) -> None:
        self.file, self.data, self.shown = file, bytearray(), 0
        self.messages = Messages()

    def read(self, *, ended: bool) -> list[str]:
        """Read new output and return the messages in its complete lines, or in all its lines if it has ended."""
        while part := os.pread(self.file, 1 << 20, len(self.data)):  # leaves the position at which Snakemake writes
            self.data += part
        end = len(self.data) if ended else self.data.rfind(b"\n") + 1
        new = self.data[self.shown : max(end, self.shown)].decode(errors="replace")
        self.shown = max(end, self.shown)
        return [line for each in new.splitlines() for line in self.messages.select(each)]

    @property
    def text(self) -> str:
        """All output that has been read, up to the last complete line."""
        return self.data[: self.shown].decode(errors="replace")


def follow(process: subprocess.Popen, file: int, screen: Screen, signals: list[int]) -> str:
    """Show messages and progress until Snakemake has ended; return its output.

    Parameters
    ----------
    process : Popen
        Snakemake.
    file : int
        Descriptor of the file that contains its output.
    screen : Screen
        Display.
    signals : list of int
        Signals that this process has received. SIGTERM is sent on to Snakemake. SIGINT is not, because Ctrl-C on a
        terminal interrupts Snakemake as well.
    """
    output, stages = Output(file), read_stages()
    times: dict[str, float] = {}
    run, finished, terminated = None, -1, False
    while True:
        with suppress(subprocess.TimeoutExpired):
            process.wait(REFRESH_S)
        ended = process.returncode is not None
        if signal.SIGTERM in signals and not terminated:
            terminated = True
            process.terminate()
        before = output.shown
        messages = output.read(ended=ended)
        if output.shown != before:
            run = read_run(output.text)
        if run and run.results and len(run.finished) != finished:
            finished = len(run.finished)
            times = seconds_per_job(Path(run.results) / "benchmarks", list(run.planned))
        screen.update(messages, describe(run, times, time.time(), stages) if run else {})
        if ended:
            return output.text


def describe_failure(text: str, *, interrupted: bool) -> str:
    """Describe what to do after a run that has failed, from its output."""
    log = COMPLETE_LOG.search(text)
    lines = [f"The log of Snakemake is {log[1]}."] if log else []
    what = (
        f"Interrupted. {REPEAT.removeprefix('then ').capitalize()}" if interrupted else f"Correct the cause, {REPEAT}"
    )
    return "\n".join([*lines, f"{what}."])


def main(argv: list[str] | None = None) -> None:
    """Run Snakemake and show one line per stage with finished jobs and the remaining time.

    Errors and warnings are shown as well. The exit status is that of Snakemake.
    """
    parser = build_parser("watch", main, example="snakemake --cores 2 --configfile workflow/demo.yaml")
    parser.add_argument("words", metavar="COMMAND", nargs=argparse.REMAINDER, help="Snakemake and its arguments")
    words = parser.parse_args(argv).words
    if not words:
        parser.error("COMMAND is missing")
    if DRY_RUN.intersection(words):
        os.execvp(words[0], words)  # no jobs to follow, and the plan is what Snakemake prints
    signals: list[int] = []
    with tempfile.TemporaryFile() as file:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda number, _: signals.append(number))
        process = subprocess.Popen(words, stdout=file, stderr=subprocess.STDOUT)
        try:
            text = follow(process, file.fileno(), Screen(sys.stderr), signals)
        finally:
            process.terminate()  # has no effect on a process that has ended
            process.wait()
    if process.returncode:
        sys.stderr.write(describe_failure(text, interrupted=bool(signals)) + "\n")
        raise SystemExit(process.returncode if process.returncode > 0 else 128 - process.returncode)
    if NOTHING in text:
        sys.stderr.write("Nothing to do: all results are up to date.\n")
