"""Names of columns that other programs and data sets use for the columns of this project.

DESED and DCASE have ``filename onset offset event_label``, FSD50K has ``fname``, AudioSet-strong has ``segment_id
start_time_seconds end_time_seconds label``, and SONYC-UST has ``audio_filename annotator_id``.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from softsed.core.errors import InputError

_LABEL = ("event_label", "event", "event_class", "class_label", "class_name", "category", "tag")
SYNONYMS = {
    "recording": (
        *("filename", "file", "file_name", "fname", "filepath", "file_path", "path", "audio", "audio_file"),
        *("audio_filename", "audio_path", "recording_name", "recording_id", "segment_id", "clip", "wav"),
    ),
    "onset": ("start", "start_time", "start_time_seconds", "start_s", "onset_s", "begin", "begin_time", "begin_s"),
    "offset": ("end", "end_time", "end_time_seconds", "end_s", "offset_s", "stop", "stop_time", "stop_s"),
    "label": ("class", *_LABEL),
    "class": ("label", *_LABEL),
    "annotator": ("annotator_id", "annotator_name", "worker", "worker_id", "rater", "rater_id", "user", "user_id"),
    "opinion": ("answer", "response", "vote", "presence", "present"),
    "scene": ("scene_label", "scene_name"),
    "duration_s": ("duration", "duration_seconds", "duration_sec"),
    "value": ("soft_label",),
}
OPTIONAL = ("scene",)  # columns that are read if a table has them


def _plain(name: str) -> str:
    """Return a column name without case and unit: "Begin Time (s)" is begin_time."""
    return re.sub(r"[\s_-]+", "_", re.sub(r"\((s|sec|seconds)\)$", "", name.strip().casefold()).strip())


def name_columns(path: Path, header: list[str], columns: Sequence[str]) -> list[str]:
    """Return a header in which columns with the meaning of one of `columns` have its name.

    A column with the exact name comes first. Without it, one column with the same name in another case or with one of
    its `SYNONYMS` is renamed.

    Parameters
    ----------
    path : Path
        File of the header, for errors.
    header : list of str
        Names in the first line of the file.
    columns : sequence of str
        Required columns. `OPTIONAL` columns are renamed as well.

    Raises
    ------
    InputError
        If several columns mean the same required column and none has its exact name.
    """
    plain = [_plain(name) for name in header]
    names = list(header)
    for column in (*columns, *OPTIONAL):
        if column in header:
            continue
        found = [place for place, name in enumerate(plain) if name in (column, *SYNONYMS.get(column, ()))]
        if len(found) > 1 and column in columns:
            listed = [header[place] for place in found]
            problem, remedy = f"the columns {listed} all mean {column!r}", f"Name one of them {column!r}"
            raise InputError(problem, file=path, line=1, expected="one column of this meaning", remedy=remedy)
        if len(found) == 1 and header[found[0]] not in columns:
            names[found[0]] = column
    return names


def describe_synonyms(columns: Sequence[str]) -> str | None:
    """Return the remedy for missing columns: their names and first synonyms. None if they have no synonyms."""
    texts = [f"{name} ({', '.join(SYNONYMS[name][:3])}, ...)" for name in columns if name in SYNONYMS]
    return f"Rename the columns. Accepted names: {', '.join(texts)}" if texts else None
