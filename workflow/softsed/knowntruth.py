"""True events, where they are known: the demo writes them itself, others give a folder of hard labels."""

from pathlib import Path

from softsed.classes import read_lines
from softsed.labelfiles import Event, parse_event, read_events


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
