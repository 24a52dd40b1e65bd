"""Tables of events in the layouts of softsed, sed_eval, DESED and AudioSet-strong, and with any other column names.

A row with an empty onset, offset and label means that its annotator listened to the recording and heard nothing, as in
DESED and sed_eval. Programs write empty fields as nan, NaN or NA too. A table without columns for onset and offset
contains tags of whole recordings.
"""

import logging
from collections.abc import Mapping
from pathlib import Path

from softsed.core.errors import InputError
from softsed.core.label_rows import UNKNOWN
from softsed.core.opinions import OPINION_COLUMNS
from softsed.core.text.columns import SYNONYMS
from softsed.core.tsv import read_number
from softsed.tools.convert.annotations import Annotations, Place
from softsed.tools.convert.delimited import FIELDS, Table

SILENCE = "add a row with this recording and annotator, and empty onset, offset and label"
ONE = "annotator"  # name of the annotator in a table of one person

MAP = "Name your columns: --map recording=COLUMN,onset=COLUMN,offset=COLUMN,label=COLUMN,annotator=COLUMN"

logger = logging.getLogger(__name__)


def _refuse_answers(table: Table, mapping: Mapping[str, str]) -> None:
    """Refuse a table with explicit answers: a row that states absence would count as an event."""
    answers = [name for column in ("opinion", "value") for name in (column, *SYNONYMS[column])]
    for name in table.header:
        if name.strip().casefold().replace(" ", "_") in answers and name not in mapping.values():
            problem = f"the column {name!r} contains answers, so that a row may state that a class is absent"
            remedy = (
                f"Keep the rows of classes that are present and remove the column {name!r}, or provide the table as "
                f"opinions with 0 and 1 ({', '.join(OPINION_COLUMNS)}), which needs no conversion"
            )
            raise InputError(problem, file=table.path, line=1, expected="one row per event", remedy=remedy)


def _find_columns(table: Table, mapping: Mapping[str, str]) -> dict[str, int]:
    _refuse_answers(table, mapping)
    columns = table.columns(mapping, FIELDS, needed=["recording"], remedy=MAP)
    if "label" in columns and "labels" in columns:
        del columns["label" if "labels" in mapping else "labels"]
    if "labels" not in columns:
        table.columns(mapping, ["label"], needed=["label"], remedy=MAP)
    ends = [name for name in ("offset", "duration") if name in columns]
    if len(ends) != ("onset" in columns):
        problem = f"a column with the {' and the '.join(ends)}, but none with the onset" if ends else "no offset"
        problem = f"two columns for the end of an event, {ends}" if len(ends) == 2 else problem
        expected = "onset and offset, onset and duration, or none of them for tags of whole recordings"
        remedy = "Name the columns, as in --map onset=COLUMN,offset=COLUMN"
        raise InputError(f"{problem} among {table.header}", file=table.path, line=1, expected=expected, remedy=remedy)
    return columns


def read_events(path: Path, mapping: Mapping[str, str], annotator: str | None) -> Annotations:
    """Read a table of events.

    Parameters
    ----------
    path : Path
        Table, see `Table.read`.
    mapping : mapping of str
        Field to the name of its column. All other fields are found by the names in `delimited.FIELDS`.
    annotator : str or None
        Annotator of all rows, for a table without a column of annotators.

    Raises
    ------
    InputError
        If the table or its columns cannot be read. Rows that cannot be used are in the problems of the result.
    """
    table = Table.read(path)
    columns = _find_columns(table, mapping)
    if annotator and "annotator" in columns:
        problem = f"{annotator!r}, but {path} has the column {table.header[columns['annotator']]!r}"
        raise InputError(problem, key="--annotator", remedy="Leave out the option")
    unused = [name for column, name in enumerate(table.header) if name and column not in columns.values()]
    if unused:
        alone = "No column contains annotators, so that all rows count as those of one annotator. "
        alone += "If one of these columns does, pass --map annotator=COLUMN"
        alone = alone if annotator is None and "annotator" not in columns else "To use one, pass --map FIELD=COLUMN"
        if "onset" not in columns:
            whole = "No column contains times, so that each label counts for its whole recording. "
            alone = f"{whole}If two of these columns do, pass --map onset=COLUMN,offset=COLUMN. {alone}"
        what = f"the column {unused[0]!r} is" if len(unused) == 1 else f"the columns {unused} are"
        logger.warning("%s: %s not used. %s", path, what, alone)
    found = Annotations(path, SILENCE, clips="onset" not in columns)
    for line, fields in table.rows:
        row = {name: fields[column] for name, column in columns.items()}
        place, who, scene = Place(path, line), row.get("annotator", annotator or ONE), row.get("scene", "")
        names = found.name(place, row["recording"]), who
        if row.get("label", row.get("labels")) in UNKNOWN:
            row |= {name: "" for name in ("label", "labels") if name in row}
            row |= {name: "" for name in ("onset", "offset", "duration") if row.get(name) in UNKNOWN}
        onset, offset = row.get("onset", "0"), row.get("offset", "inf")
        if "duration" in row:
            offset = f"{read_number(onset) + read_number(row['duration']):.10g}" if onset or row["duration"] else ""
        if "scene" in row and not scene:
            found.report("names", place, "no scene", expected="the scene of the recording")
        elif "labels" in row:
            for label in row["labels"].split(",") if row["labels"] else []:
                found.marked(place, *names, label.strip(), (onset, offset), scene=scene)
            if not row["labels"]:
                found.listened(place, *names, scene=scene)
        elif row["label"] or not (found.clips or all(read_number(time or "0") == 0 for time in (onset, offset))):
            found.marked(place, *names, row["label"], (onset, offset), scene=scene)
        else:
            found.listened(place, *names, scene=scene)
    return found
