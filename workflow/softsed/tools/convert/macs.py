"""Tags and competences in the layout of MACS (Martín-Morató and Mesaros, DCASE 2021; Zenodo 5114771).

``MACS.yaml`` lists clips below the key ``files``, each with ``filename`` and ``annotations``. An annotation has an
``annotator_id``, ``tags`` and a caption, which is not used. Clips last 10 s. All annotators selected tags from one list
for all clips, so each annotator of a clip answers about all tags of the file.

``MACS_competence.csv`` contains the competence of each annotator, estimated by the authors.
"""

import logging
from pathlib import Path
from typing import Any

import yaml

from softsed.core.errors import InputError, Problems, count
from softsed.core.text.cells import decode
from softsed.core.tsv import read_fields, read_number
from softsed.tools.convert.annotations import Annotations, Place

CLIP_S = 10.0  # seconds, every clip of MACS
SILENCE = "list the annotator with an empty list of tags"
# Every scalar is text: the annotator 017 would else be the number 15. The parser in C is much faster, if it was built.
LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)

logger = logging.getLogger(__name__)


def _read_files(path: Path) -> list[Any]:
    """Return the list below the key ``files``."""
    try:
        content = yaml.load(decode(path), Loader=LOADER)
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        problem = f"cannot be read as YAML: {getattr(error, 'problem', None) or type(error).__name__}"
        line = mark.line + 1 if mark else None
        raise InputError(problem, file=path, line=line, expected="the layout of MACS.yaml") from error
    files = content.get("files") if isinstance(content, dict) else None
    if not isinstance(files, list):
        raise InputError("no list 'files'", file=path, expected="the layout of MACS.yaml")
    return files


def _is_annotation(one: Any) -> bool:
    """Report whether an entry has a list of tags, which may be empty, and its annotator, if it has one, is text."""
    if not (isinstance(one, dict) and "tags" in one and isinstance(one.get("annotator_id", ""), str)):
        return False
    tags = one["tags"] or []
    return isinstance(tags, list) and all(isinstance(tag, str) for tag in tags)


def read_macs(path: Path, annotator: str | None) -> Annotations:
    """Read the tags of ``MACS.yaml``.

    The first annotation of an annotator about a clip is used. A warning counts the others.

    Parameters
    ----------
    path : Path
        File in the layout of ``MACS.yaml``.
    annotator : str or None
        Annotator of annotations without one.

    Raises
    ------
    InputError
        If the file is not YAML or has no list ``files``. Entries that cannot be used are in the problems of the result.
    """
    found = Annotations(path, SILENCE, clips=True)
    seen: set[tuple[str, str]] = set()
    repeated: list[tuple[str, str]] = []
    for number, clip in enumerate(_read_files(path), start=1):
        place = Place(path, key=f"file {number}")
        file, listed = (clip.get("filename"), clip.get("annotations")) if isinstance(clip, dict) else (None, None)
        if not (isinstance(file, str) and isinstance(listed, list)):
            found.report("files", place, f"{clip!r:.80}", expected="a filename and a list of annotations")
            continue
        name = found.name(place, file)
        found.lengths[name] = CLIP_S
        for position, one in enumerate(listed, start=1):
            place = Place(path, key=f"{file}, annotation {position}")
            if not _is_annotation(one):
                found.report("annotations", place, f"{one!r:.80}", expected="an annotator_id and a list of tags")
                continue
            who = one.get("annotator_id") or annotator or ""
            if (name, who) in seen:
                repeated.append((name, who))
                continue
            seen.add((name, who))
            if found.listened(place, name, who):
                for tag in one["tags"] or []:
                    found.marked(place, name, who, tag)
    if repeated:
        what = count(len(repeated), "annotation repeats", "annotations repeat")
        text = "%s: %s clip and annotator, such as %r and %r. The first annotation of each is used"
        logger.warning(text, path, what, *repeated[0])
    return found


def read_competences(path: Path) -> dict[str, float]:
    """Read the published competences of the annotators.

    Parameters
    ----------
    path : Path
        Two columns, annotator and competence, separated by tabs or commas, with or without a header.

    Returns
    -------
    dict of float
        Annotator to competence, 0..1.

    Raises
    ------
    InputError
        With file and line: a competence that is not a number from 0 to 1, no annotator, or an annotator listed twice.
        Also for a file without annotators.
    """
    problems = Problems()
    (names, values), lines = read_fields(path, ("annotator", "competence"), problems, header=False, bare=False)
    found: dict[str, float] = {}
    for name, value, line in zip(names, values, lines, strict=True):
        if line == 1 and value.casefold() == "competence":  # a header with another name of the annotators, such as id
            continue
        number = read_number(value)
        if not name or name in found:
            problem = f"annotator {name!r} is listed twice" if name else "no annotator"
            remedy = "Remove one of the rows" if name else None
            expected = "one row per annotator"
            problems.add("names", InputError(problem, file=path, line=line, expected=expected, remedy=remedy))
        elif not 0 <= number <= 1:
            problem = f"competence is {value!r}"
            problems.add("values", InputError(problem, file=path, line=line, expected="a number from 0 to 1"))
        found[name] = number
    problems.raise_all(f"in {path}", alone=True)
    if not found:
        raise InputError("no annotators", file=path, expected="one row per annotator")
    return found
