"""Values after --config, as Snakemake reads them: text that was typed, and text that Snakemake changes."""

import pytest
from snakemake.cli import parse_config
from support.errors import refused

from softsed.planning.command_line import check_typed

KEYS = ("experiment", "audio", "scenes")


def check(*entries, arguments=None):
    command = ["snakemake", "--cores", "2", "--config", *(arguments or entries)]
    check_typed(parse_config(entries), KEYS, command)


@pytest.mark.parametrize(
    ("entry", "value"),
    [
        ("audio=2023_05_12", "20230512"),
        ("audio=0512", "512"),
        ("scenes=1e3", "1000.0"),
        ("audio=nan", "nan"),
        ("audio=True", "True"),
        ("audio=[a]", "['a']"),
        ("experiment=007", "7"),
        ("experiment=.5", "0.5"),
        ('audio="0512"', "512"),  # Snakemake removes the quotation marks first
    ],
)
def test_value_that_is_not_text_has_a_remedy(entry, value):
    key = entry.partition("=")[0]
    with refused(key=key, problem=value, expected="text", golden=False) as caught:
        check(entry)
    written = caught.value.remedy.removeprefix("Write ").strip("'")
    assert parse_config([written])[key].removeprefix("./") == entry.partition("=")[2].strip('"')
    check(written)


@pytest.mark.parametrize(("entry", "value"), [("audio=day #1", "'day'"), ("audio=a: b", "{'a': 'b'}")])
def test_text_that_yaml_cuts_needs_a_file(entry, value):
    text = entry.partition("=")[2]
    with refused(key="audio", problem=[text, value], golden=False) as caught:
        check(entry)
    assert f"audio: '{text}'" in caught.value.remedy
    assert "--configfile" in caught.value.remedy


@pytest.mark.parametrize("entry", ["audio=my sounds", "audio='my sounds'", "audio=2023-05-12", "audio=it's", "audio="])
def test_text_remains_text(entry):
    check(entry)


def test_all_values_are_reported_and_the_last_counts():
    with refused(problem="2 problems on the command line", golden=False) as caught:
        check("audio=1", "scenes=2")
    assert [error.key for error in caught.value.problems] == ["audio", "scenes"]
    check("audio=1", "audio=x")
    with refused(key="audio", problem="as a number, 7", golden=False):
        check("audio=7", arguments=["--config=audio=7"])


def test_value_of_a_file_is_left_to_the_schema():
    check_typed({"audio": 512}, KEYS, ["snakemake", "--configfile", "mine.yaml"])
