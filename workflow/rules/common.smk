# What is checked before anything is planned, and what the rules share of what the config asks for; no rules here.

import hashlib
import json
import os
import re
import shlex
import sys
from pathlib import Path

# The package beside this workflow, whichever copy is installed: for the parameters below and, by the environment, for
# the commands of the jobs, on this machine and on a cluster node that parses this file again.
PACKAGE_FOLDER = os.path.join(workflow.basedir, "workflow")
sys.path.insert(0, PACKAGE_FOLDER)
os.environ.update(PYTHONPATH=os.pathsep.join(filter(None, [PACKAGE_FOLDER, os.environ.get("PYTHONPATH")])))

from softsed.core import parent
from softsed.planning import records
from softsed.core.audio import find_audio
from softsed.planning.config import LONGEST_JOINT_S, check_config, check_files, check_tables
from softsed.core.errors import InputError
from softsed.core.code_hash import code, content
from softsed.data.infer_tables import check_answered, check_name, longest_window, recording_names
from softsed.core.tsv import read_table

# A job is its step and nothing around it: a shell that waits would hide the step from who ends the job, and the step
# itself ends with this process, see core/parent.py.
shell.prefix("exec ")
os.environ[parent.PARENT_PID] = str(os.getpid())


def checked(function, *arguments, **options):
    """What a function of the package returns; its InputError as an error of Snakemake, which shows no traceback."""
    try:
        return function(*arguments, **options)
    except InputError as error:
        raise WorkflowError(str(error)) from None


def table(path, *columns):
    """The given columns of a TSV table with a header, one tuple a row."""
    return [tuple(row[column] for column in columns) for row in checked(read_table, path, columns)]


def own_recordings():
    """The recordings of one's own opinions, checked as far as it takes to plan: the rest is up to the steps."""
    path, tables = config["opinions"], {name: config[name] for name in ("recordings", "classes", "scenes")}
    if not os.path.isfile(path):
        raise WorkflowError(
            f"opinions: there is no file {path!r} in {os.getcwd()}; expected a tab-separated table with the columns "
            "recording, onset, offset, annotator, class, opinion"
        )
    if (tables["recordings"] is None) != (tables["scenes"] is None):
        raise WorkflowError("recordings and scenes: give both tables or neither; the one names the scenes of the other")
    try:
        if not tables["recordings"]:
            return recording_names(Path(path), tables["classes"] and Path(tables["classes"]))
        check_answered(Path(path), {name: Path(given) for name, given in tables.items() if given})
        return [name for (name,) in table(tables["recordings"], "recording")]
    except InputError as error:
        raise WorkflowError(f"opinions: {error}") from None


def given_tables():
    """The tables of recordings, classes and scenes that are one's own."""
    return [Path(path) for path in GIVEN.values() if path]


def own_content():
    """Opinions of one's own, and the tables given with them, by their content; nothing where opinions are made here."""
    return content(Path(config["opinions"]), *given_tables()) if config["opinions"] else []


def own_kind():
    """What labels one's own recordings have: soft, hard or opinions."""
    kinds = [kind for kind in ("soft", "hard", "opinions") if config[kind]]
    if len(kinds) != 1:
        raise WorkflowError(f"audio: give one of soft, hard and opinions with it, not {kinds or 'none'}")
    return kinds[0]


def check_own():
    """Stop with everything that is wrong with a dataset of one's own.

    Not a rule: what depends on a rule that runs again does not run for a change of its own, where it is by ancient()
    (Snakemake 9.27.1), and runs for no reason of its own, where it is not.
    """
    from softsed.planning.validate import check_before

    checked(
        check_before,
        Path(f"{RESULTS}/data/recordings.tsv"),
        audio=Path(config["audio"]),
        labels=LABELS,
        kind=KIND,
        tables={name: path and Path(path) for name, path in GIVEN.items()},
        folds=config["folds"]["number"],
        validation=config["folds"]["validation"],
        evaluated=config["evaluate"]["classes"],
    )


def keep_records(step):
    """Bring Snakemake's records and results/EXPERIMENT/provenance.jsonl together; what goes wrong there stops no run."""
    try:
        step(config["experiment"])
    except (OSError, InputError) as error:
        logger.warning(f"records of {config['experiment']}: {error}; the run goes on without")


def drop_checkpoints():
    """Remove the checkpoints of this run's trainings, which have all ended and are recorded."""
    for job in workflow.dag.jobs:
        if job.rule.name == "train_system":
            Path(job.params.checkpoint).unlink(missing_ok=True)


if workflow.is_main_process:
    checked(check_files, map(Path, workflow.configfiles))
checked(check_config, config, Path(workflow.basedir) / "workflow/schemas/config.schema.yaml")
RESULTS = f"results/{config['experiment']}"


# Path variables are expanded in inputs, outputs, logs and benchmarks only.
pathvars:
    results=RESULTS,
    logs=f"{RESULTS}/logs",
    benchmarks=f"{RESULTS}/benchmarks",


OWN, OWN_OPINIONS = (config["data"]["source"] == source for source in ("own", "opinions"))
if OWN != bool(config["audio"]) or OWN_OPINIONS != bool(config["opinions"] and not config["audio"]):
    raise WorkflowError(
        f"data.source is {config['data']['source']!r}, audio is {config['audio']!r} and opinions is "
        f"{config['opinions']!r}: one's own audio goes with the source own, opinions without audio with the source "
        "opinions, and these with them; leave out one or the other"
    )
if (config["soft"] or config["hard"]) and not OWN:
    raise WorkflowError("soft and hard are labels of one's own audio; give its folder with the key audio")
GIVEN = {name: config[name] for name in ("recordings", "classes", "scenes")}
for name, path in GIVEN.items() | {(key, config[key]) for key in ("audio", "soft", "hard", "opinions", "truth")}:
    if set(path or "") & set("{}<>"):
        raise WorkflowError(
            f"{name}: {path} has braces or angle brackets, which are patterns to the workflow; rename it"
        )
for name, path in GIVEN.items():
    if path is None and not (OWN or OWN_OPINIONS):
        raise WorkflowError(f"{name}: expected a table; null is for opinions of one's own, from which it is read off")
if OWN:
    KIND = own_kind()
    LABELS = Path(config[KIND])
    AUDIO = {name: str(path) for name, path in find_audio(Path(config["audio"]))[0].items()}
    if workflow.is_main_process:
        check_own()
elif not OWN_OPINIONS and workflow.is_main_process:
    checked(check_tables, config, {name: Path(path) for name, path in GIVEN.items()})
LISTED = [] if OWN or OWN_OPINIONS else table(config["recordings"], "recording", "scene", "duration_s")
if OWN:
    RECORDINGS = list(AUDIO)
else:
    RECORDINGS = own_recordings() if OWN_OPINIONS else [name for name, _, _ in LISTED]
for name in RECORDINGS:  # before it becomes the name of files and part of commands
    checked(check_name, name, str(config["recordings"] or config["opinions"] or config["audio"]))
SCENE_OF = {name: scene for name, scene, _ in LISTED}
for name, path in GIVEN.items():  # what is not given, survey_opinions writes; of a dataset of one's own, survey_dataset
    config[name] = path if path and not OWN else f"{RESULTS}/data/{name}.tsv"
FOLDS = list(range(1, config["folds"]["number"] + 1))
SYSTEMS = [name for name, system in config["systems"].items() if system]
PRIORS = ["scene_prior", "recording_prior"]

# Labels are made from opinions by each of METHODS, or published. Those by METHOD are the reference of Tables 1 and 2,
# hence of REFERRED, the systems trained on them; labels by another method would be another reference.
FROM_OPINIONS = config["data"]["source"] == "demo" or bool(config["opinions"])
OPINIONS = config["opinions"] or "<results>/data/opinions.tsv"
METHOD = config["labels"]["method"] if FROM_OPINIONS else "given" if OWN else "published"
NAMED = [
    *config["labels"]["compare"],
    *(config["systems"][s]["method"] for s in SYSTEMS if "method" in config["systems"][s]),
]
METHODS = list(dict.fromkeys([METHOD, *NAMED]))
# Those of the reference first, of these the paper's: Snakemake puts the systems of a later config file before them.
PUBLISHED = [name for (name,) in table("workflow/resources/paper_table2.tsv", "system")]
SYSTEMS.sort(key=lambda system: (method_of(system) != METHOD, system not in PUBLISHED))
REFERRED = [system for system in SYSTEMS if method_of(system) == METHOD]

# Files with the true events of every recording, where they are known: a folder of the user's, or those of the demo.
# Steps are told the folder: the names of some thousand files are more than a command may hold.
if config["truth"] and not os.path.isdir(config["truth"]):
    raise WorkflowError(
        f"truth: there is no folder {config['truth']!r} in {os.getcwd()}; expected RECORDING.txt with true events in it"
    )
elif config["truth"]:
    TRUTH = expand("{folder}/{recording}.txt", folder=config["truth"], recording=RECORDINGS)
elif config["data"]["source"] == "demo":
    TRUTH = expand(f"{RESULTS}/data/truth/{{recording}}.tsv", recording=RECORDINGS)
else:
    TRUTH = []
TRUTH_OPTION = f"--truth {shlex.quote(os.path.dirname(TRUTH[0]))}" if TRUTH else ""

# Where joint is only there to be compared, windows too long for it leave it out.
LONG = config["opinions"] and "joint" in config["labels"]["compare"] and longest_window(Path(config["opinions"]))
if LONG and LONG > LONGEST_JOINT_S:
    logger.warning(
        f"joint is left out of labels.compare: {config['opinions']} has windows of more than {LONGEST_JOINT_S} s"
    )
    METHODS = [method for method in METHODS if method != "joint" or method == METHOD]

# Trials of the methods on simulated crowds, where the config asks for them.
TRIALS = list(range(1, config["trials"]["repetitions"] + 1)) if "trials" in config else []

if NAMED and not FROM_OPINIONS:
    raise WorkflowError(
        f"labels.compare or the key method of a system asks for labels by {NAMED}, but there are no opinions to make "
        "labels from: labels of this data are given; leave these keys out"
    )

for curve in config["report"]["curves"]:
    if curve.split(":")[0] not in REFERRED + PRIORS:
        raise WorkflowError(
            f"report.curves: no system for {curve!r}; there are {REFERRED + PRIORS}, trained on the labels of the reference"
        )


wildcard_constraints:
    recording="[^/]+",  # not their names: to try ten thousand of them for every file takes minutes
    fold="|".join(map(str, FOLDS)),
    system="|".join(map(re.escape, SYSTEMS + PRIORS)),
    run=r"\d+",
    method="|".join(METHODS),
    trial=r"\d+",


if workflow.is_main_process:  # not where a job parses this again
    keep_records(records.sync)
