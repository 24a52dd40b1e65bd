"""Names in tables as people write them: recordings with folders and endings, and one name in two spellings."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from softsed.core.errors import InputError, Problems
from softsed.core.text.files import recording_name

LISTED = 3  # other spellings that are reported one by one

Places = dict[str, dict[str, Any]]  # name -> its first place, as arguments of an InputError


def name_recordings(path: Path, texts: list[str], lines: Sequence[int], problems: Problems) -> list[str]:
    """Return the name of the recording in each row, without folders and endings of audio files.

    Parameters
    ----------
    path : Path
        File of the rows, for errors.
    texts : list of str
        Recording of each row as it stands in the file.
    lines : sequence of int
        Line of each row.
    problems : Problems
        Receives each recording that is named in two ways, because ``a/x.wav`` and ``b/x.wav`` may be two recordings.
    """
    first: dict[str, str] = {}
    names = {text: recording_name(text) for text in dict.fromkeys(texts)}
    for text, name in names.items():
        if first.setdefault(name, text) != text:
            line = lines[texts.index(text)]
            problem = f"recording {text!r} is named {first[name]!r} in line {lines[texts.index(first[name])]}"
            expected = "one way to name a recording, because folders and endings of audio files do not count"
            problems.add("names", InputError(problem, file=path, line=line, expected=expected))
    return texts if all(text == name for text, name in names.items()) else [names[text] for text in texts]


def spelling(name: str) -> str:
    """Return a form that is equal for names that differ only in their spelling.

    Case, spaces, underscores, hyphens, quotation marks around the name, the Unicode form, and the format of a number
    (1, 01, 1.0) do not count.
    """
    name = unicodedata.normalize("NFC", name).strip().strip("\"'`\u2018\u2019\u201c\u201d\u201e\u00ab\u00bb").strip()
    if number := re.fullmatch(r"\+?0*(\d+)(?:[.,](\d*?)0*)?", name):
        whole, decimals = number.groups()
        return f"{whole}.{decimals}" if decimals else whole
    return re.sub(r"[\s_-]+", " ", name).casefold()


def spelled_twice(names: Iterable[str], known: Iterable[str] = ()) -> Iterator[tuple[str, str]]:
    """Yield pairs of a name and the known or earlier name that it spells differently.

    Two spellings that are both known are two names: a table of classes that lists both means two classes.
    """
    known = list(known)
    spellings: dict[str, str] = {}
    for name in (*known, *names):
        other = spellings.setdefault(spelling(name), name)
        if other != name and name not in known:
            yield name, other


def check_spelling(
    first: Places, problems: Problems, *, column: str = "class", known: Iterable[str] = (), source: str = ""
) -> set[str]:
    """Report names that are other spellings of a name (case, spaces, quotation marks, format of a number).

    More than `LISTED` other spellings of known names are one problem: they have one cause, such as a spreadsheet.

    Parameters
    ----------
    first : dict
        Name to its first place.
    problems : Problems
    column : str
        What the names are, such as "class" or "scene".
    known : iterable of str
        Names that may differ in spelling only: those in the table of classes, or of the audio files.
    source : str
        Source of the known names, for the message.

    Returns
    -------
    set of str
        The reported names.
    """
    others = dict(spelled_twice(first, known))
    there = [name for name, other in others.items() if other not in first]
    grouped = set(there) if len(there) > LISTED else set()
    if grouped:
        plural = "classes" if column == "class" else f"{column}s"
        pairs = " and ".join(f"{name!r} is {others[name]!r} there" for name in there[:2])
        problem = f"{len(there)} {plural} are spelled differently in {source}: {pairs}"
        remedy = "Use one spelling everywhere"
        if there[0].isdecimal():
            remedy += ". A spreadsheet leaves out zeros at the beginning, unless the column has the format text"
        problems.add("spelling", InputError(problem, **first[there[0]], remedy=remedy))
    for name, other in others.items():
        if name in grouped:
            continue
        where = "{file}, line {line}".format(**first[other]) if other in first else source
        remedy = "Use one spelling everywhere" + ", or list both in a table of classes" * (column == "class")
        problem = f"{column} {name!r} is spelled {other!r} in {where}"
        problems.add("spelling", InputError(problem, **first[name], remedy=remedy))
    return set(others)
