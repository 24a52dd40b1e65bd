"""Values after ``--config`` that Snakemake does not read as the text that was typed."""

import re
from collections.abc import Iterable, Iterator, Sequence

from softsed.core.errors import InputError, Problems

NAMES = ("experiment",)  # keys with a name
AS_TEXT = "!!str "  # YAML: the value is text
REDUCED = re.compile(r"\s#|:\s|:$")  # text that YAML cuts off or splits, even after ./
READ_AS = {bool: "a truth value", int: "a number", float: "a number", list: "a list", dict: "a section"}


def check_typed(config: dict, keys: Iterable[str], arguments: Sequence[str]) -> None:
    """Check that names and paths of a config are the text that was typed.

    Snakemake 9.27.1 reads ``audio=2023_05_12`` as the number 20230512, ``experiment=007`` as 7 and ``scenes=1e3`` as
    1000.0. It reads ``audio=day #1`` as ``day``, because YAML begins a comment there. Quotation marks do not help:
    Snakemake removes the outer ones first.

    Parameters
    ----------
    config : dict
        The config, with values as Snakemake reads them.
    keys : iterable of str
        Keys whose value is text.
    arguments : sequence of str
        Command line of Snakemake (``sys.argv``).

    Raises
    ------
    InputError
        With all values that are not text, or not the text that was typed, and the way to write each.
    """
    problems = Problems()
    for error in _misread(config, keys, arguments):
        problems.add("text", error)
    problems.raise_all("on the command line", alone=True)


def _misread(config: dict, keys: Iterable[str], arguments: Sequence[str]) -> Iterator[InputError]:
    for key in keys:
        value, typed = config.get(key), _typed(key, arguments)
        # A value that is not on the command line comes from a file, which the schema checks.
        if value is None or typed is None or value == typed.removeprefix(AS_TEXT):
            continue
        kind = "" if isinstance(value, str) else f"{READ_AS.get(type(value), type(value).__name__)}, "
        if REDUCED.search(typed) or typed[0] == "/":
            quoted = typed.replace("'", "''")
            remedy = f"Write {key}: '{quoted}' into a file, and pass the file with --configfile"
        else:
            remedy = f"Write '{key}=!!str {typed}'" if key in NAMES else f"Write {key}=./{typed}"
        yield InputError(f"Snakemake reads {typed} as {kind}{value!r}", key=key, expected="text", remedy=remedy)


def _typed(key: str, arguments: Sequence[str]) -> str | None:
    """Return the last value of a key on the command line without its outer quotation marks; None without one."""
    pattern = re.compile(rf"(?:--config=|-C)?{re.escape(key)}=(.*)", re.DOTALL)
    found = [match[1].strip("'\"") for argument in arguments if (match := pattern.fullmatch(argument))]
    return found[-1] if found and found[-1] else None
