"""Lengths of recordings: a table (recording, duration_s), or the audio itself."""

from dataclasses import dataclass, field
from pathlib import Path

from softsed.core.audio import list_audio, measure
from softsed.core.errors import InputError, Problems
from softsed.core.metadata import LONGEST_S, seconds_or_milliseconds
from softsed.core.text.files import recording_name
from softsed.core.text.names import Places, check_spelling
from softsed.core.tsv import read_number
from softsed.tools.convert.delimited import Table


@dataclass(frozen=True)
class Lengths:
    """Lengths of recordings in seconds and, if the table has them, their scenes."""

    source: Path
    seconds: dict[str, float]
    scenes: dict[str, str] = field(default_factory=dict)


def read_lengths(path: Path) -> Lengths:
    """Read a table with the columns recording, duration_s and, optionally, scene.

    Raises
    ------
    InputError
        With file and line: a missing column, a recording without a name or listed twice, a duration that is not 1 s or
        more, an empty scene, a scene in two spellings.
    """
    table = Table.read(path)
    columns = table.columns({}, ("recording", "duration_s", "scene"), needed=["recording", "duration_s"])
    duration = columns["duration_s"]
    found = Lengths(path, {})
    first: Places = {}
    for line, fields in table.rows:
        name, seconds = recording_name(fields[columns["recording"]]), read_number(fields[duration])
        if not name or name in found.seconds:
            problem = f"recording {name!r} is listed twice" if name else "no recording"
            remedy = "Remove one of the rows" if name else None
            raise InputError(problem, file=path, line=line, expected="one row per recording", remedy=remedy)
        if not 1 <= seconds <= LONGEST_S:
            problem, expected = f"{table.header[duration]} is {fields[duration]!r}", f"1 to {LONGEST_S} seconds"
            raise InputError(problem, file=path, line=line, expected=expected, remedy=seconds_or_milliseconds(seconds))
        found.seconds[name] = seconds
        if "scene" in columns:
            if not fields[columns["scene"]]:
                raise InputError("no scene", file=path, line=line, expected="the scene of the recording")
            found.scenes[name] = fields[columns["scene"]]
            first.setdefault(found.scenes[name], {"file": path, "line": line})
    check_spelling(first, Problems(strict=True), column="scene")
    return found


def measure_folder(folder: Path) -> Lengths:
    """Measure the recordings of a folder; an InputError for files that cannot be read."""
    return Lengths(folder, {name: measure(path) for name, path in list_audio(folder).items()})
