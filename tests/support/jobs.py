"""Jobs of a finished run, read from its records: what each job runs, reads and makes, and what follows from it."""

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from softsed.core import code_hash

COMMAND = re.compile(r"python -m softsed --log (\S+) ([\w.]+)")
closure = cache(code_hash.closure)
MODULE = re.compile(r"softsed/([\w/]+)\.py@")


@dataclass
class Job:
    """One job.

    Attributes
    ----------
    name : str
        Path of its log below the folder of logs, such as ``train_system/S_MSE_lin_run1_fold1``; unique in a run.
    rule, step : str
        Such as ``train_system`` and ``train.system``.
    inputs, outputs : set of str
        Paths relative to the project.
    modules : set of str
        Modules whose hashes are parameters of the job, such as ``core.tsv``.
    """

    name: str
    rule: str
    step: str
    inputs: set[str]
    modules: set[str]
    outputs: set[str] = field(default_factory=set)


def job_name(log: str) -> str:
    """Return the name of the job that writes a log."""
    return log.partition("/logs/")[2].removesuffix(".log")


class Jobs(dict[str, Job]):
    """Jobs by name."""

    @classmethod
    def of(cls, folder: Path) -> "Jobs":
        """Read the jobs of the tiny experiment from the records beside its results."""
        jobs = cls()
        for line in (folder / "results/tiny/provenance.jsonl").read_text(encoding="utf-8").splitlines():
            entry = json.loads(line)
            record = entry["record"]
            log, step = COMMAND.match(record["shellcmd"]).groups()
            modules = {name.replace("/", ".") for name in MODULE.findall(" ".join(record["params"]))}
            job = Job(job_name(log), record["rule"], step, set(record["input"]), modules)
            jobs.setdefault(job.name, job).outputs.add(entry["output"])
        return jobs

    def running(self, module: str) -> set[str]:
        """Return the jobs whose step imports a module, by the import closure of the step."""
        return {job.name for job in self.values() if module in closure(job.step)}

    def reading(self, path: str) -> set[str]:
        """Return the jobs that have a file as input."""
        return {job.name for job in self.values() if path in job.inputs}

    def named(self, *patterns: str) -> set[str]:
        """Return the jobs whose names match a pattern; each pattern must match at least one."""
        found = {pattern: {name for name in self if re.fullmatch(pattern, name)} for pattern in patterns}
        assert all(found.values()), f"no job for {[pattern for pattern, names in found.items() if not names]}"
        return set().union(*found.values())

    def after(self, jobs: Iterable[str]) -> set[str]:
        """Return the jobs that use results of the given jobs, however far down."""
        makers = {output: job.name for job in self.values() for output in job.outputs}
        users: dict[str, set[str]] = {name: set() for name in self}
        for job in self.values():
            for path in job.inputs & makers.keys():
                users[makers[path]].add(job.name)
        found: set[str] = set()
        waiting = set(jobs)
        while waiting:
            new = set().union(*(users[name] for name in waiting)) - found
            found |= new
            waiting = new
        return found

    def count(self, jobs: Iterable[str]) -> dict[str, int]:
        """Count jobs by rule, as the table of a dry run does."""
        return dict(Counter(self[name].rule for name in jobs))

    def rounds(self, causes: dict[str, set[str]]) -> list[dict[str, set[str]]]:
        """Distribute causes, with the jobs that they affect directly, over as few dry runs as possible.

        A dry run states the cause of a job only if no job before it runs too. Causes share a dry run only if none
        hides the first jobs of another.
        """
        found: list[dict[str, set[str]]] = []
        first = {cause: jobs - self.after(jobs) for cause, jobs in causes.items()}
        after = {cause: self.after(jobs) for cause, jobs in causes.items()}
        for cause in sorted(causes, key=lambda cause: (-len(after[cause]), cause)):
            for together in found:
                if not any(first[cause] & after[other] or first[other] & after[cause] for other in together):
                    together[cause] = causes[cause]
                    break
            else:
                found.append({cause: causes[cause]})
        return found


def reasons(shown: str) -> dict[str, str]:
    """Read the reason of each job from what a dry run printed."""
    found = re.findall(r"^Reason: (.*)\n(?:.*\n)*?Shell command: (.*)$", shown, re.MULTILINE)
    return {job_name(COMMAND.match(command)[1]): reason for reason, command in found}
