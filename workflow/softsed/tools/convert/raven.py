"""Selection tables of Raven: one table per recording, or one table about several recordings.

A selection appears once per view (waveform, spectrogram). The columns Begin File and File Offset (s) locate a selection
in a table about several recordings, whose Begin Time (s) counts from the start of the first recording.
"""

import logging
import re
from collections.abc import Mapping
from pathlib import Path, PureWindowsPath

from softsed.core.errors import InputError, count
from softsed.core.tsv import read_number
from softsed.tools.convert.annotations import Annotations, Place
from softsed.tools.convert.delimited import Table
from softsed.tools.convert.folders import find_files, find_idle, name_file

BEGIN, END, WITHIN = "Begin Time (s)", "End Time (s)", "File Offset (s)"
FILES = ("Begin File", "Begin Path")
FREQUENCIES = ("Low Freq (Hz)", "High Freq (Hz)")
LABELS = ("Annotation", "Annotations", "Label", "Species", "Common Name", "Class", "Tag")
# NAME.Table.1.selections.txt of Raven, NAME.BirdNET.selection.table.txt of BirdNET-Analyzer.
ENDING = re.compile(r"(\.Table\.\d+)?\.selections|\.BirdNET\.selection\.table", re.IGNORECASE)
SILENCE = "add a selection table of this recording without a selection to the folder of the annotator"

logger = logging.getLogger(__name__)


def _label_column(table: Table, mapping: Mapping[str, str]) -> str:
    names = [mapping["label"]] if "label" in mapping else [name for name in LABELS if name in table.header]
    if len(names) != 1 or names[0] not in table.header:
        problem = (
            f"several columns, {names}, name labels" if len(names) > 1 else f"no column label among {table.header}"
        )
        expected = f"one of the columns {', '.join(LABELS)}"
        raise InputError(problem, file=table.path, line=1, expected=expected, remedy="Pass --map label=COLUMN")
    return names[0]


def read_selections(path: Path, mapping: Mapping[str, str], annotator: str | None) -> Annotations:
    """Read the selection tables of a folder, see `folders.find_files`. A table without a row: nothing was heard.

    Parameters
    ----------
    path : Path
    mapping : mapping of str
        ``label`` to the column with the class; one of `LABELS` by default.
    annotator : str or None
        See `folders.find_files`.

    Raises
    ------
    InputError
        If a table or its columns cannot be read. Rows that cannot be used are in the problems of the result.
    """
    found, limited = Annotations(path, SILENCE, idle=find_idle(path, ".txt")), 0
    for who, file in find_files(path, ".txt", annotator):
        table = Table.read(file)
        if missing := [name for name in (BEGIN, END) if name not in table.header]:
            problem = f"no column {missing} among {table.header}"
            raise InputError(problem, file=file, line=1, expected="a selection table of Raven")
        label = _label_column(table, mapping)
        own = name_file(found, file, who, ENDING.sub("", file.stem))
        rows = [(line, dict(zip(table.header, fields, strict=True))) for line, fields in table.rows]
        column = next((name for name in FILES if name in table.header), None)
        files = {row[column] for _, row in rows} if column else set()
        if len(files) > 1 and WITHIN not in table.header:
            problem = f"selections of {len(files)} recordings, but no column {WITHIN!r} with the times in each of them"
            raise InputError(problem, file=file, line=1, remedy=f"Add the column {WITHIN!r} in Raven, and save again")
        if not rows:
            found.listened(Place(file), own, who)
        limits = {tuple(row.get(name) for name in FREQUENCIES) for _, row in rows}
        limited += len(rows) if len(limits) > 1 else 0
        for line, row in rows:
            name = found.name(Place(file, line), PureWindowsPath(row[column]).name) if column else own
            times: tuple[str, str] = row[BEGIN], row[END]
            if row.get(WITHIN):
                start, length = read_number(row[WITHIN]), read_number(row[END]) - read_number(row[BEGIN])
                times = f"{start:.10g}", f"{start + length:.10g}"
            found.marked(Place(file, line), name, who, row[label], times)
    if limited:
        what = count(limited, "selection", "selections")
        logger.warning("%s: the frequency limits of %s are not used", path, what)
    return found
