# Shared by all rule files: the checked config, and the plan computed from it. No rules here.

import os
import sys
from functools import partial
from pathlib import Path

# Use the package beside this workflow, even if another copy is installed: in this file and, through the environment, in
# the commands of the jobs. A cluster node parses this file again.
PACKAGE_FOLDER = os.path.join(workflow.basedir, "workflow")
sys.path.insert(0, PACKAGE_FOLDER)
os.environ.update(PYTHONPATH=os.pathsep.join(filter(None, [PACKAGE_FOLDER, os.environ.get("PYTHONPATH")])))

from softsed.core.code_hash import code
from softsed.core.errors import InputError
from softsed.core.options import as_json
from softsed.planning.command_line import NAMES, check_typed
from softsed.planning.config import check_config, check_files
from softsed.planning.places import DATA_KEYS, check_links, unread_config, workflow_file
from softsed.planning.plan import Plan
from softsed.planning.templates import list_templates

# An experiment on user-provided data has further keys. The command line and --configfile override these.
for key, file in (("audio", "workflow/own.yaml"), ("opinions", "workflow/opinions.yaml")):
    if config.get(key):
        if workflow.is_main_process:
            logger.info(f"{file} is read after config.yaml, because the key {key} is set.")

        configfile: os.path.relpath(os.path.join(workflow.basedir, file))

        break


if workflow.is_main_process:  # not when a job parses this file again
    checked(check_typed, config, (*NAMES, *DATA_KEYS), sys.argv)
    checked(check_files, map(Path, workflow.configfiles))
checked(check_config, config, Path(workflow.basedir) / "workflow/schemas/config.schema.yaml")
if workflow.is_main_process:
    checked(check_links, config["experiment"], os.environ)
plan = checked(partial(Plan.from_config, check=workflow.is_main_process), config)


# Path variables are expanded in inputs, outputs, logs and benchmarks only.
pathvars:
    results=plan.results,
    logs=f"{plan.results}/logs",
    benchmarks=f"{plan.results}/benchmarks",


wildcard_constraints:
    recording="[^/]+",  # not a list of names: matching ten thousand names with every file takes minutes
    fold="|".join(map(str, plan.folds)),
    system="|".join(plan.all_systems),
    run=r"\d+",
    method="|".join([*plan.methods, "truth"]),
    trial=r"\d+",


if workflow.is_main_process:
    for note in filter(None, [unread_config(workflow.configfiles), *plan.notes]):
        logger.warning(note)
