"""True events, where they are known: the demo writes them itself, others give a folder of hard labels."""

import math
from pathlib import Path

from softsed.classes import read_lines
from softsed.errors import InputError
from softsed.labels import Event, read_events


def read_true_events(path: Path, classes: list[str]) -> list[Event]:
    """Read true events: a table with the columns onset, offset and label (``.tsv``), or hard label text.

    Raises
    ------
    InputError
        Times that are not 0 <= onset < offset seconds, or a class that is not in `classes`.
    """
    if path.suffix != ".tsv":
        return read_events(path, classes)
    events = []
    for line, row in read_lines(path, ("onset", "offset", "label")):
        try:
            event = Event(float(row["onset"]), float(row["offset"]), row["label"])
        except ValueError as error:
            raise InputError(f"{path}, line {line}: onset and offset must be seconds, got {row}") from error
        if not 0 <= event.onset < event.offset < math.inf:
            raise InputError(f"{path}, line {line}: expected 0 <= onset < offset, got {row}")
        if event.label not in classes:
            raise InputError(f"{path}, line {line}: unknown class {event.label!r}; known are {classes}")
        events.append(event)
    return events
