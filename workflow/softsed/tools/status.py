"""Summary of a dry run: the jobs that would run, and the causes.

`snakemake --dry-run` lists each job with its reason: hundreds of lines for one edited module. This summary counts the
jobs of each rule and the causes, and leaves out jobs that only follow from other jobs.
"""

import json
import re
import sys

from softsed.core.errors import InputError
from softsed.core.options import build_parser

# Texts of Snakemake 9.27.
NOTHING = "Nothing to be done"
FOLLOWS = "Input files updated by another job"
PARAMS = "Params have changed since last execution"
COMMAND = "Code has changed since last execution"  # the text of the rule's shell command
NONE = "<nothing exclusive>"
# Parameters from core/code_hash.py: a module (softsed/train/system.py@HASH), or a file given by the user.
MODULE = re.compile(r"'(softsed/[\w/]+\.py)@\w+',?")
FILE = re.compile(r"'([^']+)@[0-9a-f]{12}',?")
TARGET = "all"  # the default target, which is not a job
# Notes of Snakemake and of the Snakefile beside the list of jobs, which the summary repeats.
REMARK = re.compile(
    r"^(?:.*(?:left out of|missing provenance|Cannot update the records of).*|Warning.*)$", re.MULTILINE
)
MOST_FILES = 3  # names of files in one line


def rules(shown: str) -> dict[str, int]:
    """Read the table of jobs from the output of Snakemake.

    Parameters
    ----------
    shown : str
        Output of Snakemake, of a dry run or of a run.

    Returns
    -------
    dict of int
        Rule -> number of jobs, without the target `all`. Empty if there is nothing to be done.
    """
    if NOTHING in shown or "Job stats:" not in shown:
        return {}
    table = shown.rsplit("Job stats:", maxsplit=1)[-1].split("\ntotal", maxsplit=1)[0]
    found = {rule: int(jobs) for rule, jobs in re.findall(r"^(\w+) +(\d+)$", table, flags=re.MULTILINE)}
    return {rule: jobs for rule, jobs in found.items() if rule != TARGET}


def changed_keys(before: dict, now: dict, path: str = "") -> list[str]:
    """Describe the differences of two sections of the config, such as ``learning_rate: 0.003 -> 0.01``."""
    found = []
    for key in sorted(before.keys() | now.keys()):
        old, new = before.get(key, "nothing"), now.get(key, "nothing")
        if isinstance(old, dict) and isinstance(new, dict):
            found += changed_keys(old, new, f"{path}{key}.")
        elif old != new:
            found.append(f"{path}{key}: {old} -> {new}")
    return found


def params_causes(text: str) -> list[str]:
    """Describe which modules, files and keys of the config differ between the parameters before and now."""
    sides = text.partition("before: ")[2].partition(" now: ")[::2]
    modules = sorted({name for side in sides for name in MODULE.findall(side)})
    causes = [f"code changed: {', '.join(modules)}"] if modules else []
    others = [MODULE.sub("", side) for side in sides]
    files = sorted({name for side in others for name in FILE.findall(side)})
    causes += [f"changed: {', '.join(files)}"] if files else []
    before, now = (FILE.sub("", side).strip().strip(",") or NONE for side in others)
    if before == now == NONE:
        return causes
    try:
        changed = changed_keys(*(json.loads(side.strip("'")) for side in (before, now)))
    except (ValueError, AttributeError):  # not a section of the config, but a number, a list or several parameters
        changed = [f"{before} -> {now}"]
    return [*causes, f"config changed: {', '.join(changed)}"]


def causes(reason: str) -> list[str]:
    """Describe one reason of a dry run; return an empty list if the job only follows from another job."""
    kind, _, what = reason.partition(": ")
    if kind == FOLLOWS:
        return []
    if kind == PARAMS:
        return params_causes(what)
    if kind == COMMAND:
        return ["the command of the rule changed"]
    if kind == "Missing output files":
        return ["not made yet"]
    if kind == "Updated input files":
        files = sorted(what.split(", "))
        more = f" and {len(files) - MOST_FILES} more" if len(files) > MOST_FILES else ""
        return [f"changed: {', '.join(files[:MOST_FILES])}{more}"]
    return [reason[:1].lower() + reason[1:]]


def describe(shown: str) -> str:
    """Summarise the output of a dry run.

    Parameters
    ----------
    shown : str
        Complete output of `snakemake --dry-run`.

    Returns
    -------
    str
        Notes of Snakemake, the number of jobs of each rule, and each cause with the number of jobs that it triggers
        directly.

    Raises
    ------
    InputError
        If the output is an error of Snakemake, which the message repeats.
    """
    jobs = rules(shown)
    if not jobs and NOTHING not in shown:
        raise InputError(f"Snakemake could not plan the jobs:\n{shown.strip()}")
    lines = list(dict.fromkeys(REMARK.findall(shown)))
    if not jobs:
        return "\n".join([*lines, "nothing to do: all results are up to date"])
    counts: dict[str, int] = {}
    for line in re.findall(r"^Reason: (.*)$", shown, flags=re.MULTILINE):
        for text in {found for part in line.split("; ") for found in causes(part.strip())}:
            counts[text] = counts.get(text, 0) + 1
    lines += [f"jobs that would run: {sum(jobs.values())}"]
    lines += [f"  {count:5} {rule}" for rule, count in jobs.items()]
    lines += ["causes, with the number of jobs that each triggers directly:"]
    lines += [f"  {count:5} {text}" for text, count in sorted(counts.items(), key=lambda item: -item[1])]
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> None:
    """Summarise a dry run, read from standard input: the jobs that would run, and the causes."""
    build_parser("status", main, example="", pipe="snakemake --dry-run 2>&1").parse_args(argv)
    sys.stdout.write(describe(sys.stdin.read()) + "\n")
