"""Train and evaluate sound event detectors on soft labels from annotators' opinions."""

import argparse
import ast
import importlib
import logging
import os
import sys
from io import TextIOWrapper
from pathlib import Path

from softsed import parent
from softsed.core import log
from softsed.core.errors import InputError, explain_os_error, is_out_of_memory
from softsed.tools.stages import STAGES

PACKAGE = Path(__file__).parent
# Commands for people, and their modules. All other commands are steps of the workflow, named after their modules.
COMMANDS = {
    "check": "tools.check",
    "convert": "tools.convert.command",
    "ask": "tools.ask",
    "export": "tools.export",
    "embed": "features.embed",
    "apply": "predict.apply",
    "status": "tools.status",
    "progress": "tools.progress",
    "watch": "tools.watch",
    "summary": "tools.summary",
}

MORE_MEMORY = (
    "Run fewer jobs at once (--cores). On a cluster, request more memory (--set-resources RULE:mem_mb=MB). On a GPU, "
    "lower train.batch_size or use --device cpu"
)

logger = logging.getLogger(__name__)


def steps() -> list[str]:
    """List the steps of the workflow in the order of its stages: the modules with a `main`."""
    found = []
    for stage in STAGES:
        files = sorted((PACKAGE / stage).rglob("*.py")) or [PACKAGE / f"{stage}.py"]
        runnable = [path for path in files if "\ndef main(" in path.read_text(encoding="utf-8")]
        found += [".".join(path.relative_to(PACKAGE).with_suffix("").parts) for path in runnable]
    return found


def summary(module: str) -> str:
    """Return the first line of the docstring of a step's `main`, without importing the module."""
    tree = ast.parse(PACKAGE.joinpath(*module.split(".")).with_suffix(".py").read_text(encoding="utf-8"))
    main_ = next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "main")
    return (ast.get_docstring(main_) or "").partition("\n")[0]


class Help(argparse.Action):
    """Print one line per command and step. This is an action, so that only the help reads all modules."""

    def __call__(self, parser: argparse.ArgumentParser, *_) -> None:
        """Print and exit."""
        lines = [f"{parser.description}\n\nusage: softsed [--log FILE] COMMAND ...", ""]
        lines += ["--log FILE  also write the log of the command to this file"]
        lines += ["Run `softsed COMMAND --help` for the options and an example of a command."]
        others = {step: step for step in steps() if step not in COMMANDS.values()}
        for title, group in (("Commands for people", COMMANDS), ("Steps of the workflow", others)):
            lines += [f"\n{title}:", *(f"  {name:24} {summary(module)}" for name, module in group.items())]
        print("\n".join(lines))  # noqa: T201
        parser.exit()


def main(argv: list[str] | None = None) -> int:
    """Run one command and return the exit code: 0, or 1 after an error.

    If the program that reads the output ends early, as in `softsed --help | head`, the command ends without a message.
    """
    try:
        try:
            return run(argv)
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the flush at the end of the interpreter
        return 1


def run(argv: list[str] | None) -> int:
    """Run one command and return the exit code: 0, or 1 after a message about the error."""
    parser = argparse.ArgumentParser(prog="softsed", description=__doc__, add_help=False)
    parser.add_argument("-h", "--help", action=Help, nargs=0)
    parser.add_argument("--log", type=Path, metavar="FILE")
    parser.add_argument("command", metavar="COMMAND", choices=[*COMMANDS, *steps()])
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    options = parser.parse_args(argv)
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # as stderr: names and paths on a terminal without UTF-8
    try:
        log.start(options.log)
        parent.exit_with_parent()
        module = importlib.import_module(f"softsed.{COMMANDS.get(options.command, options.command)}")
        module.main(options.arguments)
    except (InputError, FloatingPointError) as error:  # FloatingPointError: a training loss is not a number
        logger.error("softsed %s: %s", options.command, error)
        return 1
    except Exception as error:
        folder = options.log.parent if options.log else Path()
        if is_out_of_memory(error):
            text = str(error).partition("\n")[0]
            logger.error("softsed %s: out of memory: %s. %s", options.command, text, MORE_MEMORY)
        elif reason := explain_os_error(error, folder, options.arguments):
            logger.error("softsed %s: %s", options.command, reason)
        else:
            logger.exception("softsed %s: unexpected error. Please report it", options.command)
        return 1
    return 0
