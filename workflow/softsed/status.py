"""What would run, and why, in words: `snakemake --dry-run` read and summed up.

A dry run lists every job with its reason, hundreds of lines for one edited module. What a person wants to know is how
many jobs of which rules, and what set them off; the rest follows from these.
"""

import argparse
import json
import re
import sys

NOTHING = "Nothing to be done"
FOLLOWS = "Input files updated by another job"
PARAMS = "Params have changed since last execution"
MODULE = re.compile(r"'(softsed/\w+\.py)@\w+'")
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


def params_cause(text: str) -> str:
    """Tell what changed from Snakemake's list of parameters before and now."""
    before, _, now = text.partition("before: ")[2].partition(" now: ")
    if modules := sorted({*MODULE.findall(before), *MODULE.findall(now)}):
        return f"code changed: {', '.join(modules)}"
    try:
        sections = [json.loads(part.strip().strip("'")) for part in (before, now)]
        keys = changed_keys(*sections)
    except (ValueError, AttributeError):  # not one section of the config: a number, a list, several at once
        return f"config changed: {before.strip()} -> {now.strip()}"
    return f"config changed: {', '.join(keys)}"


def cause(reason: str) -> str | None:
    """Put one reason of a dry run in words; None for what only follows from another job."""
    kind, _, what = reason.partition(": ")
    if kind == FOLLOWS:
        return None
    if kind == PARAMS:
        return params_cause(what)
    if kind == "Missing output files":
        return "not made yet"
    if kind == "Updated input files":
        files = sorted(what.split(", "))
        more = f" and {len(files) - LONGEST} more" if len(files) > LONGEST else ""
        return f"changed: {', '.join(files[:LONGEST])}{more}"
    return reason[:1].lower() + reason[1:]


def describe(shown: str) -> str:
    """Sum up what a dry run printed.

    Parameters
    ----------
    shown : str
        Everything `snakemake --dry-run` printed.

    Returns
    -------
    str
        Lines: how many jobs of which rules, then each cause with the number of jobs that it sets off itself.
    """
    if not (jobs := rules(shown)):
        return "nothing to do: all results are up to date" if NOTHING in shown else shown
    causes: dict[str, int] = {}
    for line in re.findall(r"^Reason: (.*)$", shown, flags=re.MULTILINE):
        for text in {found for part in line.split("; ") if (found := cause(part.strip()))}:
            causes[text] = causes.get(text, 0) + 1
    lines = [f"{sum(jobs.values())} jobs would run:"]
    lines += [f"  {count:5} {rule}" for rule, count in jobs.items()]
    lines += ["because (and what follows from it):"]
    lines += [f"  {count:5} {text}" for text, count in sorted(causes.items(), key=lambda item: -item[1])]
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> None:
    """Read a dry run from standard input and say in words what would run and why."""
    argparse.ArgumentParser(prog="softsed status", description=main.__doc__).parse_args(argv)
    sys.stdout.write(describe(sys.stdin.read()) + "\n")
