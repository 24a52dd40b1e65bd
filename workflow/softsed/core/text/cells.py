"""Lines of a text file as fields separated by tabs, also if the file has other separators and quotation marks.

Conventions
-----------
- The first line that is not blank chooses the separator of the file: a tab, else a comma, else a semicolon.
- A field that begins with a quotation mark is quoted as `csv` and spreadsheets do it: ``"a ""b"" c"`` is ``a "b" c``.
  Quotation marks within a field are text. A quoted field that continues on another line is refused, because errors
  name lines.
- Spaces around a field are left out, also no-break spaces and spaces inside quotation marks.
"""

import csv
from pathlib import Path

from softsed.core.errors import InputError

SPACES = " \u00a0"
SEPARATORS = {"\t": "tab", ",": "comma", ";": "semicolon"}


def find_separator(text: str) -> str:
    """Return the separator of the fields: the first of `SEPARATORS` in the first line that is not blank."""
    first = next((line for line in text.split("\n") if line.strip(SPACES)), "")
    return next((separator for separator in SEPARATORS if separator in first), "\t")


def to_tabs(text: str, path: Path) -> str:
    """Return a text with fields that are separated by tabs, not quoted and without spaces around them.

    Parameters
    ----------
    text : str
        Content of a file, as Python reads it with universal line ends.
    path : Path
        The file, for errors.

    Raises
    ------
    InputError
        With file and line: a quotation mark that is not closed, text after it, a tab inside a field, or a field whose
        text begins with a quotation mark.
    """
    separator = find_separator(text)
    text = _strip(text)
    if separator == "\t" and "\t" + '"' not in text and "\n" + '"' not in text and not text.startswith('"'):
        return text
    lines = text.split("\n")
    rows = csv.reader(lines, delimiter=separator, strict=True, skipinitialspace=True)
    result: list[str] = []
    try:
        for row in rows:
            fields = [field.strip(SPACES) for field in row]
            if rows.line_num > len(result) + 1:
                raise InputError(
                    "a quoted field continues on the next line",
                    file=path,
                    line=len(result) + 1,
                    expected="a quotation mark at its end",
                    remedy="Close the quotation mark, or remove the line end inside the field",
                )
            for field in fields:
                if "\t" in field or field.startswith('"'):
                    problem = "a tab inside" if "\t" in field else "a quotation mark at the beginning of"
                    remedy = "Remove it, because softsed writes tab-separated fields without quotation marks"
                    raise InputError(f"{problem} the field {field!r}", file=path, line=len(result) + 1, remedy=remedy)
            result.append("\t".join(fields))
    except csv.Error as error:
        raise InputError(
            f"a quotation mark is not closed, or text follows it ({error})",
            file=path,
            line=len(result) + 1,
            expected='quoted fields such as "dog" or "a ""big"" dog"',
        ) from error
    return "\n".join(result)


def _strip(text: str) -> str:
    """Leave out spaces around fields, if there are any: this takes half a second for half a million rows."""
    padded = f"\n{text}\n"
    if not any(f"{space}{edge}" in padded or f"{edge}{space}" in padded for space in SPACES for edge in "\t\n"):
        return text
    return "\n".join(["\t".join([field.strip(SPACES) for field in line.split("\t")]) for line in text.split("\n")])
