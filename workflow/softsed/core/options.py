"""Command lines of the steps: options that several steps share, declared once, and parsers with an example."""

import argparse
import inspect
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

ABSENT, ZERO = UNTICKED = ("absent", "zero")  # values of the config key `unticked`
DATASET_KINDS = ("soft", "hard", "opinions")  # kinds of labels of a user-provided dataset
TABLES = ("recordings", "classes", "scenes")
# Help of --truth, an option that only some steps require.
TRUTH_HELP = (
    "folder of true events: RECORDING.tsv or .csv (with header: onset, offset, label), or RECORDING.txt "
    "(without header)"
)


def read_json(text: str) -> Any:
    """Return the value of an option that is JSON."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not valid JSON") from error


# Every option is required unless it has a default. Options that only one step has are declared in its `main`.
SHARED: dict[str, dict] = {
    "opinions": {"type": Path, "help": "table of opinions (recording, onset, offset, annotator, class, opinion)"},
    "unticked": {
        "choices": UNTICKED,
        "default": ABSENT,
        "help": "meaning of a missing row about a class annotated in the scene, if the annotator has rows about the "
        "window. absent: no opinion (default); zero: the opinion 0, for tables that list only ticks",
    },
    "recordings": {"type": Path, "help": "table of recordings (recording, scene, duration_s)"},
    "classes": {"type": Path, "help": "table of classes (class)"},
    "scenes": {"type": Path, "help": "table of the classes annotated in each scene (scene, class)"},
    "soft": {"type": Path, "help": "table of soft labels (recording, onset, offset, label, value)"},
    "hard": {"type": Path, "help": "table of hard labels (recording, onset, offset, label)"},
    "fold": {"type": Path, "help": "table of one fold (recording, scene, part)"},
    "folds": {"type": Path, "nargs": "+", "help": "tables of all folds, one file per fold (recording, scene, part)"},
    "features": {"type": Path, "help": "folder of features, one .npz file per recording"},
    "system": {"help": "name of the system (recorded in the output)"},
    "run": {"type": int, "help": "number of the run (recorded in the output)"},
    "scores": {"type": Path, "nargs": "+", "help": "scores of one run, one file per fold"},
    "predictions": {"type": Path, "help": "folder of scores, SYSTEM/runN/foldN.tsv"},
    "priors": {"nargs": "*", "default": [], "help": "names of the systems that are baselines without audio"},
    "evaluated": {"type": read_json, "help": 'evaluated classes, as JSON: a list of names, or "all"'},
    "config": {"type": read_json, "help": "section of the config, as JSON"},
    "seed": {"type": int, "help": "seed of the random numbers of this step, 0 or more"},
    "device": {"default": "auto", "help": "auto, cpu, cuda or cuda:N (default: auto)"},
    "threads": {"type": int, "default": 1, "help": "number of CPU threads (default: 1)"},
    "experiment": {"help": "name of the experiment, shown in headings"},
    "tsv": {"type": Path, "help": "table to write"},
    "output": {"type": Path, "help": "file to write"},
}


def build_parser(command: str, main: Callable, *, example: str, pipe: str = "") -> argparse.ArgumentParser:
    """Create the parser of a command.

    Parameters
    ----------
    command : str
        Name as it is typed after ``softsed``, such as "train.system".
    main : callable
        Function behind the command. Its docstring is the description.
    example : str
        Arguments of one complete call, without ``softsed COMMAND``; a test parses them.
    pipe : str
        Command whose output the example reads from standard input.

    Returns
    -------
    argparse.ArgumentParser
    """
    call = f"softsed {command} {example}".rstrip()
    return argparse.ArgumentParser(
        prog=f"softsed {command}",
        description=inspect.cleandoc(main.__doc__ or ""),
        epilog=f"Example:\n  {pipe} | {call}" if pipe else f"Example:\n  {call}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def add_command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    summary: str,
    *,
    example: str,
    aliases: Sequence[str] = (),
) -> argparse.ArgumentParser:
    """Add a subcommand, whose help has a description and an example as that of the command has.

    Parameters
    ----------
    commands : action
        From ``add_subparsers`` of the parser of the command.
    name : str
    summary : str
        One sentence that begins with a verb, without a full stop: the line in the help of the command, and the
        description.
    example : str
        Arguments of one complete call, without ``softsed COMMAND NAME``; a test parses them.
    aliases : sequence of str
        Other names of the subcommand.
    """
    command = commands.add_parser(
        name,
        aliases=aliases,
        help=summary[:1].lower() + summary[1:],
        description=f"{summary}.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.epilog = f"Example:\n  {command.prog} {example}"
    return command


def add_options(parser: argparse.ArgumentParser, *names: str, **texts: str) -> None:
    """Add shared options to a parser, in order.

    Parameters
    ----------
    parser : argparse.ArgumentParser
    *names : str
        Keys of `SHARED`.
    **texts : str
        Shared options with another help text: ``config="section `evaluate`, as JSON"``.
    """
    for name, text in [*((name, None) for name in names), *texts.items()]:
        option = SHARED[name] | ({"help": text} if text else {})
        parser.add_argument(f"--{name}", required="default" not in option, **option)


def as_json(section: object) -> str:
    """Return a section of the config as one argument of a step; a command quotes it with ``:q``."""
    return json.dumps(section, sort_keys=True)


def add_dataset(parser: argparse.ArgumentParser) -> None:
    """Add the options that describe a user-provided dataset; `read_dataset` returns their values."""
    parser.add_argument("--audio", type=Path, help="folder of recordings (WAV, FLAC, ...)")
    kinds = parser.add_mutually_exclusive_group(required=True)
    for kind in DATASET_KINDS:
        folder = ", or folder of RECORDING.txt without header" if kind != "opinions" else ""
        kinds.add_argument(f"--{kind}", type=Path, help=SHARED[kind]["help"] + folder)
    for name in TABLES:
        parser.add_argument(f"--{name}", type=Path, help=f"{SHARED[name]['help']} (default: inferred)")


def read_dataset(options: argparse.Namespace) -> tuple[Path, str, dict[str, Path | None]]:
    """Return the labels, their kind and the user-provided tables from the options of `add_dataset`."""
    kind = next(kind for kind in DATASET_KINDS if getattr(options, kind))
    return getattr(options, kind), kind, {name: getattr(options, name) for name in TABLES}
