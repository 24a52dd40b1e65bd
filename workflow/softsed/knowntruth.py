"""True events, where they are known: the demo writes them itself, others give a folder of hard labels."""

from pathlib import Path

from softsed.errors import InputError
from softsed.labelfiles import Event, parse_event, read_events
from softsed.textfiles import read_lines


def truth_file(folder: Path, name: str) -> Path:
    """Find the file of a recording in a folder; an InputError where there is none, or one of either kind."""
    files = [folder / f"{name}{suffix}" for suffix in (".tsv", ".txt")]
    found = [path for path in files if path.exists()]
    expected = " or ".join(map(str, files))
    if not found:
        raise InputError(f"recording {name!r} has no file with its true events; expected {expected}")
    if len(found) > 1:
        raise InputError(f"recording {name!r} has two files with true events, expected one: {expected}")
    return found[0]


def read_true_events(path: Path, classes: list[str]) -> list[Event]:
    """Read true events: a table with the columns onset, offset and label (``.tsv``), or hard label text.

    Raises
    ------
    InputError
        Times that are not 0 <= onset < offset seconds, or a class that is not in `classes`.
    """
    if path.suffix != ".tsv":
        return read_events(path, classes)
    return [
        parse_event(f"{path}, line {line}", [row["onset"], row["offset"], row["label"]], classes)
        for line, row in read_lines(path, ("onset", "offset", "label"))
    ]
