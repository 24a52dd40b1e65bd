# Functions and constraints that the rules share; no rules here.

import csv
import hashlib
import json
import os
import re
import sys
from pathlib import Path

# The package beside this workflow, whichever copy is installed: for the parameters below and, by the environment, for
# the commands of the jobs, on this machine and on a cluster node that parses this file again.
PACKAGE_FOLDER = os.path.join(workflow.basedir, "workflow")
sys.path.insert(0, PACKAGE_FOLDER)
os.environ.update(PYTHONPATH=PACKAGE_FOLDER)

from softsed.provenance import code


def table(path, column):
    """One column of a TSV table with a header."""
    with open(path, encoding="utf-8-sig", newline="") as file:
        return [row[column] for row in csv.DictReader(file, delimiter="\t")]


def as_json(section):
    """A section of the config as the one argument a step takes; in a command it is quoted with :q."""
    return json.dumps(section, sort_keys=True)


def derive_seed(*parts):
    """A seed for one job: the same parts give the same number, other parts an unrelated one."""
    text = json.dumps([config["seed"], *map(str, parts)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


def all_of(pattern, **wildcards):
    """The pattern for every value of the given wildcards, within this experiment."""
    return expand(pattern, experiment=config["experiment"], **wildcards)


def runs_of(system):
    """The runs of a system; the priors hold nothing random."""
    return [1] if system in PRIORS else list(range(1, config["runs"] + 1))


def results_of(pattern, systems):
    """The pattern for every run of the given systems."""
    return [path for system in systems for path in all_of(pattern, system=system, run=runs_of(system))]


RECORDINGS = table(config["recordings"], "recording")
FOLDS = list(range(1, config["folds"]["number"] + 1))
SYSTEMS = list(config["systems"])
PRIORS = ["scene_prior", "recording_prior"]


wildcard_constraints:
    experiment=re.escape(config["experiment"]),
    recording="|".join(map(re.escape, RECORDINGS)),
    fold="|".join(map(str, FOLDS)),
    system="|".join(map(re.escape, SYSTEMS + PRIORS)),
    run=r"\d+",
