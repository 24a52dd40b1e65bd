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
os.environ.update(PYTHONPATH=os.pathsep.join(filter(None, [PACKAGE_FOLDER, os.environ.get("PYTHONPATH")])))

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


def fold_config():
    """What the chosen source of the folds needs of the section folds."""
    keys = {"source", "number"} | ({"validation"} if config["folds"]["source"] == "generated" else set())
    official = {"official": {"sha256": config["folds"]["official"]["sha256"]}}
    section = {key: value for key, value in config["folds"].items() if key in keys}
    return section if config["folds"]["source"] == "generated" else section | official


def runs_of(system):
    """The runs of a system; the priors hold nothing random."""
    return [1] if system in PRIORS else list(range(1, config["runs"] + 1))


def loss_of(wildcards):
    """The loss a system was trained with; the priors were not trained."""
    return "none" if wildcards.system in PRIORS else config["systems"][wildcards.system]["loss"]


def hard_labels_for(wildcards):
    """Hard labels, where a system is trained on them."""
    trained_on = config["systems"][wildcards.system]["labels"]
    return (
        all_of("results/{experiment}/labels/hard/{recording}.txt", recording=RECORDINGS) if trained_on == "hard" else []
    )


def results_of(pattern, systems):
    """The pattern for every run of the given systems."""
    return [path for system in systems for path in all_of(pattern, system=system, run=runs_of(system))]


RECORDINGS = table(config["recordings"], "recording")
FOLDS = list(range(1, config["folds"]["number"] + 1))
SYSTEMS = [name for name, system in config["systems"].items() if system]
PRIORS = ["scene_prior", "recording_prior"]

for curve in config["report"]["curves"]:
    if curve.split(":")[0] not in SYSTEMS + PRIORS:
        raise WorkflowError(f"report.curves: no system for {curve!r}; there are {SYSTEMS + PRIORS}")


wildcard_constraints:
    experiment=re.escape(config["experiment"]),
    recording="|".join(map(re.escape, RECORDINGS)),
    fold="|".join(map(str, FOLDS)),
    system="|".join(map(re.escape, SYSTEMS + PRIORS)),
    run=r"\d+",
