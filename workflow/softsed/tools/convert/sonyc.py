"""Tags of clips in the layout of SONYC-UST (Cartwright et al., DCASE 2020; Zenodo 3966543).

The table has one row per clip and annotator, and a column ``CLASS_presence`` of 1, 0 or -1 (not annotated). Clips last
10 s. Positive annotator numbers are volunteers, the crowd. Negative numbers are members of the SONYC team, and 0 is
what the team agreed upon. Only the crowd is converted, because team members annotated one group of classes at a time.
The tags are opinions, with a 0 for each class that was not ticked, and become rows of the output one by one.
"""

import csv
import logging
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from softsed.core.errors import InputError
from softsed.core.metadata import check_name
from softsed.core.opinions import OPINION_COLUMNS

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
        raise InputError(f"no column {missing} among {header}", file=path, line=1)
    if bad := sorted(name for name, times in Counter(header).items() if (name and times > 1) or not name.isprintable()):
        problem = f"the columns {bad} are listed twice or are not printable"
        raise InputError(problem, file=path, line=1, expected="each name once")
    return classes


def read_sonyc(path: Path, level: str) -> Iterable[str]:
    """Yield the header and rows of the opinions of the volunteers in an ``annotations.csv`` of SONYC-UST.

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
        or a volunteer with a class that was not annotated (-1). Also for a file without volunteers.
    """
    yield f"{HEADER}\n"
    found = repeated = 0
    seen: set[tuple[str, str]] = set()
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            header = reader.fieldnames or []
            classes = _find_classes(path, header, level)
            for row in reader:
                where: dict[str, Any]
                where, who, clip = {"file": path, "line": reader.line_num}, row["annotator_id"], row["audio_filename"]
                if None in row or None in row.values():
                    raise InputError("too many or too few fields", **where, expected=f"{len(header)}, comma-separated")
                if not re.fullmatch(r"-?[0-9]+", who):
                    raise InputError(f"annotator_id is {who!r}", **where, expected="a whole number")
                check_name(Path(clip).stem, path, reader.line_num)
                if who[0] == "-" or not who.strip("0"):
                    continue
                if (clip, who) in seen:
                    repeated += 1
                    continue
                seen.add((clip, who))
                found += 1
                for column, name in classes.items():
                    if row[column] not in ("0", "1"):
                        raise InputError(f"{column} is {row[column]!r}", **where, expected="1 or 0 from a volunteer")
                    yield f"{Path(clip).stem}\t0\t{CLIP_S}\t{who}\t{name}\t{row[column]}\n"
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"cannot be read as a comma-separated table: {error}", file=path) from error
    if not found:
        raise InputError("no volunteers", file=path, expected="rows with an annotator_id above 0")
    if repeated:
        logger.warning("%s: %d rows repeat clip and annotator. The first row of each is used", path, repeated)
