"""TextGrids of Praat in the long and the short text format, with tiers of intervals and of points.

Both formats contain the same numbers, strings and flags in the same order. Praat ignores all other words, such as
``xmin =`` in the long format, and comments after an exclamation mark. One reader is therefore enough. A library is not
used, because praatio, tgt and textgrid do not report the line of a mistake, which users need to correct a file.
"""

import re
from bisect import bisect
from collections.abc import Iterator, Sequence
from pathlib import Path

from softsed.core.errors import InputError
from softsed.core.metadata import LONGEST_S
from softsed.core.text.cells import SPACES, decode
from softsed.tools.convert.annotations import Annotations, Place
from softsed.tools.convert.folders import find_files, find_idle, name_file

# A string in quotes, which are doubled within it; a flag or a number between spaces; a comment.
TOKEN = re.compile(
    r'"(?P<string>(?:[^"]|"")*)"|(?<!\S)(?P<flag><\w+>)(?!\S)|'
    r"(?<!\S)(?P<number>[-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?)(?!\S)|!.*"
)
TIERS = {"IntervalTier": 2, "TextTier": 1}  # class of a tier -> numbers before each text
SILENCE = "add a TextGrid of this recording without text to the folder of the annotator"


class _Tokens:
    """Tokens of a file, read one by one."""

    def __init__(self, path: Path) -> None:
        try:
            binary = path.open("rb").read(12) == b"ooBinaryFile"
        except OSError as error:
            raise InputError(f"cannot be read: {error}", file=path) from error
        if binary:
            raise InputError("a binary TextGrid", file=path, expected="text", remedy="Save it as a text file in Praat")
        text = decode(path)
        self.path, self.line = path, 1
        self.ends = [match.start() for match in re.finditer("\n", text)]
        self.found = (match for match in TOKEN.finditer(text) if match.lastgroup)

    def next(self, kind: str) -> str:
        """Return the next token, which must be of this kind: string, flag or number."""
        match = next(self.found, None)
        if match is None:
            raise InputError(f"the file ends before a {kind}", file=self.path, expected="a whole TextGrid")
        self.line = bisect(self.ends, match.start()) + 1
        if match.lastgroup != kind:
            raise self.error(f"{match[0]!r} instead of a {kind}", expected="a TextGrid in the text format of Praat")
        return match[kind].replace('""', '"') if kind == "string" else match[kind]

    def count(self) -> int:
        number = self.next("number")
        if not number.isdecimal():
            raise self.error(f"{number!r} is not a number of tiers, intervals or points", expected="a whole number")
        return int(number)

    def error(self, problem: str, *, expected: str) -> InputError:
        return InputError(problem, file=self.path, line=self.line, expected=expected)


def read_tiers(path: Path) -> tuple[float, list[tuple[str, list[tuple[int, str, str, str]]]]]:
    """Read a TextGrid.

    Returns
    -------
    end : float
        End of the time domain in seconds.
    tiers : list of (str, list)
        Name of each tier, and its texts: line in the file, onset, offset (equal for points), text.

    Raises
    ------
    InputError
        If the file is not a whole TextGrid in a text format.
    """
    tokens = _Tokens(path)
    if not (kind := tokens.next("string")).startswith("ooTextFile"):
        raise tokens.error(f"a file of the type {kind!r}", expected="ooTextFile: save it as a text file in Praat")
    if (kind := tokens.next("string")) != "TextGrid":
        raise tokens.error(f"an object of the class {kind!r}", expected="TextGrid: save each TextGrid on its own")
    tokens.next("number")
    if not 0 < (end := float(tokens.next("number"))) <= LONGEST_S:
        raise tokens.error(f"the time domain ends at {end:.10g}", expected=f"seconds, up to {LONGEST_S}")
    tiers = []
    for _ in range(tokens.count() if tokens.next("flag") == "<exists>" else 0):
        kind, name = tokens.next("string"), tokens.next("string").strip(SPACES)
        if kind not in TIERS:
            raise tokens.error(f"a tier of the class {kind!r}", expected=" or ".join(TIERS))
        tokens.next("number"), tokens.next("number")
        tiers.append((name, list(_texts(tokens, TIERS[kind], tokens.count()))))
    return end, tiers


def _texts(tokens: _Tokens, numbers: int, count: int) -> Iterator[tuple[int, str, str, str]]:
    for _ in range(count):
        times = [tokens.next("number") for _ in range(numbers)]
        text = " ".join(tokens.next("string").split())
        yield tokens.line, times[0], times[-1], text


def read_textgrids(path: Path, *, tiers: Sequence[str], meaning: str, annotator: str | None) -> Annotations:
    """Read the TextGrids of a folder, see `folders.find_files`. No text in a TextGrid: the annotator heard nothing.

    Parameters
    ----------
    path : Path
    tiers : sequence of str
        Names of the tiers to read; all tiers if empty.
    meaning : {"ignored", "classes", "annotators"}
        What the name of a tier is: nothing, the class of all its intervals with a text, or the annotator.
    annotator : str or None
        See `folders.find_files`.

    Raises
    ------
    InputError
        If a file cannot be read or does not contain a tier of `tiers`. Events that cannot be used are in the problems
        of the result.
    """
    found = Annotations(path, SILENCE)
    if meaning != "annotators":
        found.idle = find_idle(path, ".TextGrid")
    for folder, file in find_files(path, ".TextGrid", annotator):
        end, listed = read_tiers(file)
        name = name_file(found, file, folder)
        found.lengths[name] = max(end, found.lengths.get(name, 0.0))
        names = [tier for tier, _ in listed]
        if missing := [tier for tier in tiers if tier not in names]:
            raise InputError(f"no tier {missing[0]!r} among {names}", file=file, key="--tier")
        if meaning != "annotators":
            found.listened(Place(file), name, folder)
        for tier, texts in listed:
            if tiers and tier not in tiers:
                continue
            who = tier if meaning == "annotators" else folder
            found.listened(Place(file), name, who)
            for line, onset, offset, text in texts:
                if text:
                    label = tier if meaning == "classes" else text
                    found.marked(Place(file, line), name, who, label, (onset, offset))
    return found
