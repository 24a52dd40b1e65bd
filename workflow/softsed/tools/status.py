"""What would run, and why, in words: `snakemake --dry-run` read and summed up.

A dry run lists every job with its reason, hundreds of lines for one edited module. What a person wants to know is how
many jobs of which rules, and what set them off; the rest follows from these.
"""

import argparse
import json
import re
import sys

from softsed.core.errors import InputError

NOTHING = "Nothing to be done"
FOLLOWS = "Input files updated by another job"
PARAMS = "Params have changed since last execution"
MODULE = re.compile(r"'(softsed/[\w/]+\.py)@\w+',?")
OWN = re.compile(r"'([^']+)@[0-9a-f]{12}',?")  # one's own file, see provenance.content
NONE = "<nothing exclusive>"
# What Snakemake or the Snakefile say beside the list of jobs: worth repeating.
REMARK = re.compile(r"^(?:.*(?:left out of|is there without how|provenance).*|records of .*|Warning.*)$", re.MULTILINE)
LONGEST = 3  # names of files in one line


def rules(shown: str) -> dict[str, int]:
    """Read the table of jobs of a dry run: rule -> jobs, `all` left out; empty where nothing is to be done."""
    if NOTHING in shown or "Job stats:" not in shown:
        return {}
    table = shown.rsplit("Job stats:", maxsplit=1)[-1].split("\ntotal", maxsplit=1)[0]
    found = {rule: int(jobs) for rule, jobs in re.findall(r"^(\w+) +(\d+)$", table, flags=re.MULTILINE)}
    return {rule: jobs for rule, jobs in found.items() if rule != "all"}


def changed_keys(before: dict, now: dict, path: str = "") -> list[str]:
    """Describe where two sections of the config differ: ``learning_rate: 0.003 -> 0.01``."""
    found = []
    for key in sorted(before.keys() | now.keys()):
        old, new = before.get(key, "nothing"), now.get(key, "nothing")
        if isinstance(old, dict) and isinstance(new, dict):
            found += changed_keys(old, new, f"{path}{key}.")
        elif old != new:
            found.append(f"{path}{key}: {old} -> {new}")
    return found


def params_causes(text: str) -> list[str]:
    """Tell what changed from the parameters before and now: modules, files, sections of the config, or all of these."""
    sides = text.partition("before: ")[2].partition(" now: ")[::2]
    modules = sorted({name for side in sides for name in MODULE.findall(side)})
    causes = [f"code changed: {', '.join(modules)}"] if modules else []
    sides = [MODULE.sub("", side) for side in sides]
    files = sorted({name for side in sides for name in OWN.findall(side)})
    causes += [f"changed: {', '.join(files)}"] if files else []
    before, now = (OWN.sub("", side).strip().strip(",") or NONE for side in sides)
    if before == now == NONE:
        return causes
    try:
        changed = changed_keys(*(json.loads(side.strip("'")) for side in (before, now)))
    except (ValueError, AttributeError):  # not one section of the config: a number, a list, several at once
        changed = [f"{before} -> {now}"]
    return [*causes, f"config changed: {', '.join(changed)}"]


def causes(reason: str) -> list[str]:
    """Put one reason of a dry run in words; none for what only follows from another job."""
    kind, _, what = reason.partition(": ")
    if kind == FOLLOWS:
        return []
    if kind == PARAMS:
        return params_causes(what)
    if kind == "Missing output files":
        return ["not made yet"]
    if kind == "Updated input files":
        files = sorted(what.split(", "))
        more = f" and {len(files) - LONGEST} more" if len(files) > LONGEST else ""
        return [f"changed: {', '.join(files[:LONGEST])}{more}"]
    return [reason[:1].lower() + reason[1:]]


def describe(shown: str) -> str:
    """Sum up what a dry run printed.

    Parameters
    ----------
    shown : str
        Everything `snakemake --dry-run` printed.

    Returns
    -------
    str
        Lines: what Snakemake remarked, how many jobs of which rules, then each cause with the number of jobs that it
        sets off itself.

    Raises
    ------
    InputError
        When it is no dry run but an error, which is repeated.
    """
    jobs = rules(shown)
    if not jobs and NOTHING not in shown:
        raise InputError(f"Snakemake could not plan:\n{shown.strip()}")
    lines = list(dict.fromkeys(REMARK.findall(shown)))
    if not jobs:
        return "\n".join([*lines, "nothing to do: all results are up to date"])
    counts: dict[str, int] = {}
    for line in re.findall(r"^Reason: (.*)$", shown, flags=re.MULTILINE):
        for text in {found for part in line.split("; ") for found in causes(part.strip())}:
            counts[text] = counts.get(text, 0) + 1
    lines += [f"{sum(jobs.values())} jobs would run:"]
    lines += [f"  {count:5} {rule}" for rule, count in jobs.items()]
    lines += ["because (and what follows from it):"]
    lines += [f"  {count:5} {text}" for text, count in sorted(counts.items(), key=lambda item: -item[1])]
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> None:
    """Read a dry run from standard input and say in words what would run and why."""
    argparse.ArgumentParser(prog="softsed status", description=main.__doc__).parse_args(argv)
    sys.stdout.write(describe(sys.stdin.read()) + "\n")
