"""`softsed STAGE ...`: every step of the workflow as a command, the same for Snakemake and for a person.

Only the module of the stage is imported, so that a step that needs no torch does not wait for it.
"""

import argparse
import importlib
import logging
from pathlib import Path

from softsed import disk, lifeline, log
from softsed.errors import InputError, is_out_of_memory

STAGES = (
    "maestro",
    "demo",
    "annotators",
    "convert",
    "survey",
    "check",
    "given",
    "crowd",
    "agreement",
    "crowdsize",
    "crowdpage",
    "labels",
    "trials",
    "features",
    "index",
    "folds",
    "train",
    "predict",
    "apply",
    "priors",
    "evaluate",
    "truth",
    "tables",
    "intervals",
    "reliability",
    "labelquality",
    "labelstats",
    "truthtable",
    "figures",
    "origin",
    "media",
    "resultpage",
    "export",
    "status",
    "progress",
)

MORE_MEMORY = (
    "Run fewer jobs at once (--cores); on a cluster give it more (--set-resources RULE:mem_mb=MB); on a GPU lower "
    "train.batch_size, or use --device cpu"
)

logger = logging.getLogger(__name__)


def main(argv: list[str] | None = None) -> int:
    """Run one stage and return the exit code: 0, or 1 after a message that says what was wrong."""
    parser = argparse.ArgumentParser(prog="softsed", description=__doc__)
    parser.add_argument("--log", type=Path, help="log file of this step; without it everything goes to the terminal")
    parser.add_argument("stage", choices=STAGES)
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="`softsed STAGE --help` explains them")
    options = parser.parse_args(argv)
    try:
        log.start(options.log)
        lifeline.follow()
        module = importlib.import_module(f"softsed.{options.stage}")
        module.main(options.arguments)
    except (InputError, FloatingPointError) as error:  # the latter of a training whose loss is not a number any more
        logger.error("softsed %s: %s", options.stage, error)
        return 1
    except Exception as error:
        if is_out_of_memory(error):
            logger.error("softsed %s: out of memory: %s. %s", options.stage, str(error).partition("\n")[0], MORE_MEMORY)
        elif reason := disk.explain(error, options.log.parent if options.log else Path(), options.arguments):
            logger.error("softsed %s: %s", options.stage, reason)
        else:
            logger.exception("softsed %s: unexpected error, please report it", options.stage)
        return 1
    return 0
