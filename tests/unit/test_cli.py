"""The command line: help and examples of all commands, and messages instead of tracebacks for bad input."""

import argparse
import importlib
import os
import shlex
import subprocess
import sys

import pytest
from support.project import ROOT
from support.run import run

from softsed import cli
from softsed.tools import status


class Parsed(Exception):
    """Raised instead of running a command whose arguments have been parsed."""


def interrupt(monkeypatch):
    """Raise `Parsed` after a command has parsed its arguments, and return a list that receives its parser."""
    parse, parsers = argparse.ArgumentParser.parse_args, []

    def parse_only(parser, argv):
        parse(parser, argv)
        parsers[:] = [parser]
        raise Parsed

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", parse_only)
    return parsers


def example_of(shown, name):
    """Return the arguments of the example in the help of a command, without those of a command before a pipe."""
    words = shlex.split(shown.split("Example:\n")[1].rpartition(" | ")[2])
    assert words[:2] == ["softsed", name]
    return words[2:]


@pytest.mark.parametrize("command", [*cli.COMMANDS, *cli.steps()])
def test_help_has_description_and_example(command, capsys, monkeypatch):
    """The arguments of the example parse, also those of each subcommand."""
    module = cli.COMMANDS.get(command, command)
    assert cli.summary(module).endswith(".")
    with pytest.raises(SystemExit) as ended:
        cli.main([command, "--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    if command not in cli.COMMANDS.values():  # those have shorter names
        assert f"usage: softsed {command} " in shown
    assert cli.summary(module) in " ".join(shown.split())
    name = next((name for name, path in cli.COMMANDS.items() if path == module), module)
    main, parsers = importlib.import_module(f"softsed.{module}").main, interrupt(monkeypatch)
    with pytest.raises(Parsed):
        main(example_of(shown, name))
    for action in parsers[0]._actions:
        subcommands = action.choices.values() if isinstance(action, argparse._SubParsersAction) else []
        for parser in dict.fromkeys(subcommands):  # an alias has the same parser
            assert parser.description.endswith(".")
            example = example_of(parser.format_help(), name)
            assert parser.prog == f"softsed {name} {example[0]}"
            with pytest.raises(Parsed):
                main(example)


def test_help_lists_two_groups(capsys):
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    shown = capsys.readouterr().out
    people, steps = shown.split("Commands for people:\n")[1].split("Steps of the workflow:\n")
    assert [line.split()[0] for line in people.strip().splitlines()] == list(cli.COMMANDS)
    others = [step for step in cli.steps() if step not in cli.COMMANDS.values()]
    assert [line.split()[0] for line in steps.strip().splitlines()] == others


def test_bad_input_is_one_message_and_exit_code_1(tmp_path, capsys):
    log = tmp_path / "logs" / "step.log"
    command = ["--log", str(log), "labels.harden", "--threshold", "0.5"]
    command += ["--soft", str(tmp_path), "--hard", str(tmp_path), "--thresholds", str(tmp_path / "thresholds.tsv")]
    command += ["--recordings", "nowhere.tsv", "--classes", "nowhere.tsv"]
    assert cli.main(command) == 1
    error = capsys.readouterr().err
    assert error.startswith("softsed labels.harden: nowhere.tsv: there is no such file")
    assert "Traceback" not in error
    assert "nowhere.tsv" in log.read_text()


LIGHT = ["data.render", "data.infer_tables", "labels.adopt", "labels.harden", "features.extract", "features.manifest"]
LIGHT += ["folds", "predict.prior", "report.page.media"]


@pytest.mark.parametrize("step", LIGHT)
def test_short_steps_load_no_large_library(step):
    """A step per recording or fold starts within half a second."""
    script = f"import sys, softsed.cli, softsed.{step}; print(*sys.modules)"
    modules = run(ROOT, sys.executable, "-c", script).split()
    assert not {"torch", "pandas", "scipy", "matplotlib", "sed_eval", "librosa"} & set(modules)


@pytest.mark.parametrize(
    "error",
    [
        MemoryError("Unable to allocate 4 GiB"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: 9 bytes\nmore"),
    ],
)
def test_out_of_memory_is_explained(monkeypatch, capsys, error):
    def greedy(_):
        raise error

    monkeypatch.setattr(status, "main", greedy)
    assert cli.main(["status"]) == 1
    shown = capsys.readouterr().err
    assert "softsed status: out of memory: " in shown
    assert "Run fewer jobs at once (--cores). On a cluster, request more memory" in shown
    assert "Traceback" not in shown
    assert "report" not in shown


def test_reader_that_ends_early_is_no_error():
    """As in `softsed --help | head`."""
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "softsed", "--help"]
    ended = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True, check=False)
    os.close(write)
    assert ended.stderr == ""
