"""The commands of the documentation on results of the demo, word for word."""

import argparse
import importlib
import re
import shlex
import shutil
from glob import glob
from pathlib import Path

import pytest
import yaml
from support.project import ROOT
from support.run import run

from softsed import cli

# Folders of files that neither the repository nor the demo contains: of a user, and of the download.
# Your data, another experiment, and a file that the example of labels.annotators writes.
ELSEWHERE = ("mydata/", "results/maestro_real/", "annotators.json")


def blocks() -> list[str]:
    """Return the blocks of commands that use results of the demo, in the order of the documents."""
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))]
    found = [block for text in texts for block in re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)]
    return [block for block in found if re.search(r"^(?!dvc).*\bresults/demo/", block, re.MULTILINE)]


def check_commands(folder, recordings: int) -> None:
    """Run all blocks in a project with results of the demo, and check their outputs."""
    (folder / "FOLDER").mkdir()
    shutil.copy(folder / "results/demo/data/audio/city_center_01.wav", folder / "FOLDER/mine.wav")
    commands = blocks()
    assert len(commands) >= 3
    for block in commands:
        run(folder, "bash", "-ec", block)
    assert (folder / "results/apply/FOLDER/timelines/mine.png").exists()
    assert "S_MSE_lin" in (folder / "results/mine/report/table2.md").read_text()
    for name in ("city_center_00", "new"):
        assert (folder / f"results/apply/{name}/events/city_center_00.txt").exists()
    for name in ("labels/joint/soft.tsv", "labels/page.html"):
        assert (folder / "results/crowd" / name).exists()
    for name in ("events", "predicted", "scores"):
        assert len(list((folder / name).iterdir())) == recordings


@pytest.mark.slow
def test_documented_commands_run(finished, tmp_path):
    """With the results of the tiny experiment in place of the demo's, and few short trainings."""
    folder = shutil.copytree(finished, tmp_path / "project", ignore=shutil.ignore_patterns(".snakemake"))
    (folder / "results/tiny").rename(folder / "results/demo")
    small = yaml.safe_load((folder / "workflow/small.yaml").read_text())
    small["train"] |= {"epochs": 2, "model": {"filters": 2, "gru_units": 4, "gru_layers": 1}}
    small |= {"folds": {"number": 3}, "systems": {"S_BCE_sig": None}}
    (folder / "workflow/small.yaml").write_text(yaml.safe_dump(small))
    check_commands(folder, recordings=6)


@pytest.mark.long
def test_documented_commands_run_on_the_demo(demo, tmp_path):
    """With the sizes of the documents: nine minutes."""
    check_commands(shutil.copytree(demo[0], tmp_path / "project"), recordings=25)


class Parser(Exception):
    """Raised instead of running a command, with its parser."""


def subcommands_of(parser):
    """Return the subcommands of a parser by their names."""
    actions = (action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    return {name: command for action in actions for name, command in action.choices.items()}


def options_of(parser, example):
    """Yield help and value of each option with a value in an example, those of its subcommand included."""
    options = vars(parser.parse_args(example))
    parsers = [parser, *(command for name, command in subcommands_of(parser).items() if name in example[:1])]
    for action in (action for one in parsers for action in one._actions if action.dest in options):
        value = options[action.dest]
        yield action.help, value if isinstance(value, list) else [value]


@pytest.mark.parametrize(
    "command", [*cli.COMMANDS, *(step for step in cli.steps() if step not in cli.COMMANDS.values())]
)
def test_examples_name_existing_files(command, finished, monkeypatch):
    """Input files of the example in --help, or patterns, exist in the repository or in the results of the demo."""

    def stop(parser, _):
        raise Parser(parser)

    module = importlib.import_module(f"softsed.{cli.COMMANDS.get(command, command)}")
    parse = argparse.ArgumentParser.parse_args
    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", stop)
    with pytest.raises(Parser) as found:
        module.main([])
    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", parse)
    (parser,) = found.value.args
    helps = [one.epilog for one in (parser, *subcommands_of(parser).values())]
    examples = [shlex.split(text.partition(f"softsed {command} ")[2]) for text in dict.fromkeys(helps)]
    values = [(text, value) for example in examples for text, found in options_of(parser, example) for value in found]
    inputs = [str(value) for text, value in values if isinstance(value, Path) and not re.search(r"writ(e|ten)\b", text)]
    missing = [
        name
        for name in inputs
        if not name.startswith(ELSEWHERE) and not glob(name.replace("results/demo", "results/tiny"), root_dir=finished)
    ]
    assert missing == []
