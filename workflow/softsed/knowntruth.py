"""True events, where they are known: the demo writes them itself, others give a folder of hard labels."""

from pathlib import Path

from softsed.classes import read_lines
from softsed.errors import InputError
from softsed.labels import Event, read_events


def read_truth(folder: Path, name: str, classes: list[str]) -> list[Event]:
    """Read the true events of a recording.

    Parameters
    ----------
    folder : Path
        With NAME.txt, hard label text (``onset offset label``, no header), or NAME.tsv as the demo writes it (with a
        header and further columns).

    Raises
    ------
    InputError
        When the recording has neither file, or one that cannot be read, with file and line.
    """
    text, table = Path(folder) / f"{name}.txt", Path(folder) / f"{name}.tsv"
    if text.exists() or not table.exists():
        return read_events(text, classes)
    events = []
    for line, row in read_lines(table, ("onset", "offset", "label")):
        try:
            event = Event(float(row["onset"]), float(row["offset"]), row["label"])
        except ValueError as error:
            raise InputError(f"{table}, line {line}: onset and offset must be seconds: {error}") from error
        if event.label not in classes or not 0 <= event.onset < event.offset < float("inf"):
            raise InputError(f"{table}, line {line}: expected 0 <= onset < offset and a class of {classes}, got {row}")
        events.append(event)
    return events
