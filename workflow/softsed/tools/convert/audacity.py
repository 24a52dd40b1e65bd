"""Labels exported by Audacity: ``onset<TAB>offset<TAB>label`` without header, one file per recording.

A line that begins with a backslash has the frequency limits of the label above it (spectral selections).
"""

import logging
from pathlib import Path

from softsed.core.errors import count
from softsed.core.text.cells import SPACES, decode
from softsed.tools.convert.annotations import Annotations, Place
from softsed.tools.convert.folders import find_files, find_idle, name_file

SILENCE = "add an empty file of this recording to the folder of the annotator"

logger = logging.getLogger(__name__)


def read_labels(path: Path, annotator: str | None) -> Annotations:
    """Read the label files of a folder, see `folders.find_files`. An empty file: the annotator heard nothing."""
    found, spectral = Annotations(path, SILENCE, idle=find_idle(path, ".txt")), 0
    for who, file in find_files(path, ".txt", annotator):
        name = name_file(found, file, who)
        found.listened(Place(file), name, who)
        for number, line in enumerate(decode(file).split("\n"), start=1):
            fields = [field.strip(SPACES) for field in line.rstrip(f"{SPACES}\t").split("\t")]
            place = Place(file, number)
            if fields[0] == "\\":
                spectral += 1
            elif len(fields) in (2, 3):
                found.marked(place, name, who, (*fields, "")[2], (fields[0], fields[1]))
            elif any(fields):
                problem = f"the line has {count(len(fields), 'field', 'fields')} between tabs: {line!r}"
                found.report("fields", place, problem, expected="onset, offset and label, as Audacity exports them")
    if spectral:
        logger.warning("%s: the frequency limits of %s are not used", path, count(spectral, "label", "labels"))
    return found
