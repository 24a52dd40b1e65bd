"""Tags of clips in the layout of SONYC-UST (Cartwright et al., DCASE 2020; Zenodo 3966543).

The table has one row per clip and annotator, and a column ``CLASS_presence`` of 1, 0 or -1 (not annotated). Clips last
10 s. Positive annotator numbers are volunteers, the crowd. Negative numbers are members of the SONYC team, and 0 is
what the team agreed upon. Only the crowd is converted, because team members annotated one group of classes at a time.
The tags are opinions, with a 0 for each class that was not ticked, and become rows of the output one by one.
"""

import logging
import re
from collections.abc import Sequence
from pathlib import Path

from softsed.core.errors import InputError, count
from softsed.core.metadata import check_name
from softsed.core.opinions import OPINION_COLUMNS
from softsed.tools.convert.annotations import Annotations, Place
from softsed.tools.convert.checks import check_spelling
from softsed.tools.convert.delimited import Table

CLIP_S = 10  # seconds, every clip of SONYC-UST
LEVELS = {"coarse": re.compile(r"(\d+_.+)_presence"), "fine": re.compile(r"(\d+-[0-9X]+_.+)_presence")}
HEADER = "\t".join(OPINION_COLUMNS)

logger = logging.getLogger(__name__)


def _find_classes(path: Path, header: Sequence[str], level: str) -> dict[str, str]:
    """Return the columns of a level in the header of SONYC-UST, and their classes."""
    classes = {column: match[1] for column in header if (match := LEVELS[level].fullmatch(column))}
    missing = [column for column in ("audio_filename", "annotator_id") if column not in header]
    if missing or not classes:
        missing += [] if classes else [f"CLASS_presence of the {level} level"]
        expected = "the columns of annotations.csv of SONYC-UST"
        raise InputError(f"no column {missing} among {header}", file=path, line=1, expected=expected)
    if bad := [name for name in header if not name.isprintable()]:
        raise InputError(
            f"the columns {bad} are not printable", file=path, line=1, expected="names that can be printed"
        )
    return classes


def read_sonyc(path: Path, level: str) -> list[str]:
    """Return the header and rows of the opinions of the volunteers in an ``annotations.csv`` of SONYC-UST.

    Parameters
    ----------
    level : {"coarse", "fine"}
        Presence columns that become classes, by name: ``1_engine`` or ``1-1_small-sounding-engine``. The fine level has
        an ``X`` per group, such as ``1-X_engine-of-uncertain-size``. Volunteers were asked about it, so it is a class
        like the others. It means that a fine class of the group may be present without a tick.

    Raises
    ------
    InputError
        With file and line: a missing column, a value other than 1, 0 or -1, an annotator that is not a whole number,
        a volunteer with a class that was not annotated (-1), or a recording that is named in two ways. Also for a file
        without volunteers.
    """
    table = Table.read(path)
    classes = _find_classes(path, table.header, level)
    found, opinions, repeated = Annotations(path, ""), [f"{HEADER}\n"], 0
    seen: set[tuple[str, str]] = set()
    for line, fields in table.rows:
        row, place = dict(zip(table.header, fields, strict=True)), Place(path, line)
        who = row["annotator_id"]
        if not re.fullmatch(r"-?[0-9]+", who):
            raise InputError(f"annotator_id is {who!r}", **place._asdict(), expected="a whole number")
        clip = found.name(place, row["audio_filename"])
        check_name(clip, path, line)
        if who[0] == "-" or not who.strip("0"):
            continue
        if (clip, who) in seen:
            repeated += 1
            continue
        seen.add((clip, who))
        found.listened(place, clip, who)
        for column, name in classes.items():
            if row[column] not in ("0", "1"):
                problem = f"{column} is {row[column]!r}"
                raise InputError(problem, **place._asdict(), expected="1 or 0 from a volunteer")
            opinions.append(f"{clip}\t0\t{CLIP_S}\t{who}\t{name}\t{row[column]}\n")
    found.problems.raise_all(f"in {path}", alone=True)
    check_spelling(found.rows, options=False)
    if not found.rows:
        raise InputError("no volunteers", file=path, expected="rows with an annotator_id above 0")
    if repeated:
        what = count(repeated, "row repeats", "rows repeat")
        logger.warning("%s: %s clip and annotator. The first row of each is used", path, what)
    return opinions
