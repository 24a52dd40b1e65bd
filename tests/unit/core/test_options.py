"""Command lines: shared options, a description and an example in the help, the description of a dataset."""

import argparse
from pathlib import Path

import pytest

from softsed.core.options import (
    DATASET_KINDS,
    SHARED,
    TABLES,
    add_command,
    add_dataset,
    add_options,
    build_parser,
    read_dataset,
)


def main():
    """Compute nothing.

    Nothing at all.
    """


def parse(add, *arguments, **options):
    parser = argparse.ArgumentParser()
    add(parser, **options)
    return parser.parse_args(arguments)


def test_help_has_description_and_example_as_typed():
    shown = build_parser("train.system", main, example="--seed 1 \\\n    --device cpu").format_help()
    assert shown.startswith("usage: softsed train.system ")
    assert "\nCompute nothing.\n\nNothing at all.\n" in shown
    assert shown.endswith("Example:\n  softsed train.system --seed 1 \\\n    --device cpu\n")


def test_example_can_read_standard_input():
    shown = build_parser("status", main, example="", pipe="snakemake --dry-run 2>&1").format_help()
    assert shown.endswith("Example:\n  snakemake --dry-run 2>&1 | softsed status\n")


def test_subcommand_has_description_and_example():
    parser = build_parser("convert", main, example="strong --annotations a.tsv")
    commands = parser.add_subparsers()
    command = add_command(commands, "strong", "Convert events", example="--annotations a.tsv", aliases=["table"])
    assert "strong (table)" in parser.format_help()
    assert "convert events\n" in parser.format_help()
    shown = command.format_help()
    assert "\nConvert events.\n" in shown
    assert shown.endswith("Example:\n  softsed convert strong --annotations a.tsv\n")


def test_shared_options_are_required_without_default(capsys):
    parser = argparse.ArgumentParser()
    add_options(parser, *SHARED)
    with pytest.raises(SystemExit):
        parser.parse_args([])
    message = capsys.readouterr().err.splitlines()[-1]
    required = message.split("required: ")[1].split(", ")
    assert required == [f"--{name}" for name, option in SHARED.items() if "default" not in option]
    assert set(SHARED) - {name[2:] for name in required} == {"device", "priors", "threads", "unticked"}


def test_shared_options_have_types():
    parser = argparse.ArgumentParser()
    add_options(parser, "config", "folds", "seed", "tsv", "device", "threads")
    command = ["--config", '{"a": [0.5]}', "--folds", "1.tsv", "2.tsv", "--seed", "7", "--tsv", "out.tsv"]
    assert vars(parser.parse_args(command)) == {
        "config": {"a": [0.5]},
        "folds": [Path("1.tsv"), Path("2.tsv")],
        "seed": 7,
        "tsv": Path("out.tsv"),
        "device": "auto",
        "threads": 1,
    }


def test_help_of_one_command_leaves_the_shared_text():
    parser = argparse.ArgumentParser()
    add_options(parser, "seed", config="section `evaluate`, as JSON")
    assert "section `evaluate`, as JSON" in parser.format_help()
    assert SHARED["seed"]["help"] in " ".join(parser.format_help().split())
    assert SHARED["config"]["help"] == "section of the config, as JSON"


@pytest.mark.parametrize("kind", DATASET_KINDS)
def test_dataset_has_labels_kind_and_tables(kind):
    arguments = ["--audio", "folder", f"--{kind}", "labels", "--scenes", "scenes.tsv"]
    options = parse(add_dataset, *arguments)
    assert options.audio == Path("folder")
    assert read_dataset(options) == (Path("labels"), kind, dict.fromkeys(TABLES) | {"scenes": Path("scenes.tsv")})


@pytest.mark.parametrize("arguments", [[], ["--soft", "a", "--hard", "b"]])
def test_dataset_needs_exactly_one_kind_of_labels(arguments):
    with pytest.raises(SystemExit):
        parse(add_dataset, "--audio", "folder", *arguments)


def test_audio_is_optional():
    """Opinions need no audio. `infer_dataset` refuses labels without audio."""
    assert parse(add_dataset, "--soft", "a").audio is None


def test_invalid_json_is_named_as_such(capsys):
    parser = argparse.ArgumentParser()
    add_options(parser, "config")
    with pytest.raises(SystemExit):
        parser.parse_args(["--config", "{"])
    assert "argument --config: '{' is not valid JSON" in capsys.readouterr().err
