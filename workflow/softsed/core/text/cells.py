"""Lines of a text file as fields separated by tabs, also if the file has another encoding, separators and quotes.

Conventions
-----------
- UTF-8, or UTF-16 with a byte-order mark, which Excel writes as "Unicode Text".
- The first line that is not blank determines the separator of the file: a tab if it contains a tab, else the mark that
  splits the line into more fields, a semicolon or a comma, as in ``0,5;1,5;dog`` and ``0.5,1.5,dog;cat``.
- A field that begins with a quotation mark is quoted as `csv` and spreadsheets do it: ``"a ""b"" c"`` is ``a "b" c``.
  Quotation marks within a field are text. A quoted field that continues on another line is refused, because errors
  name lines.
- Spaces around a field are left out, also no-break spaces and spaces inside quotation marks.
"""

import csv
import re
import unicodedata
from pathlib import Path

from softsed.core.errors import InputError

SPACES = " \u00a0"
SEPARATORS = {"\t": "tab", ",": "comma", ";": "semicolon"}
FOR_EXCEL = re.compile(r'"?sep=(.|\\t)?"?[\t,;]*', re.IGNORECASE)  # the first line of some tables, before the header


def decode(path: Path) -> str:
    """Read a text file in UTF-8, or in UTF-16 with a byte-order mark; each line ends with a line feed.

    Raises
    ------
    InputError
        If the file cannot be read, has another encoding, contains a NUL character, or begins with ``sep=;``.
    """
    expected = "a text file in UTF-8, or in UTF-16 with a byte-order mark"
    try:
        data = Path(path).read_bytes()
        text = data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except FileNotFoundError as error:
        raise InputError("there is no such file", file=path, remedy="Correct the path or the link") from error
    except OSError as error:
        raise InputError(f"cannot be read as text: {error.strerror}", file=path, expected=expected) from error
    except UnicodeDecodeError as error:
        remedy = "Save the file as UTF-8 (Excel: CSV UTF-8), or run `iconv -f WINDOWS-1252 -t UTF-8 OLD > NEW`"
        raise InputError(f"cannot be read as text: {error}", file=path, expected=expected, remedy=remedy) from error
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise InputError("the line contains a NUL character", file=path, line=line, remedy="Save the file as UTF-8")
    if FOR_EXCEL.fullmatch(first := text.partition("\n")[0]):
        problem = f"the line {first!r} names a separator for Excel"
        raise InputError(problem, file=path, line=1, expected="the names of the columns", remedy="Remove this line")
    return text


def find_separator(text: str) -> str:
    """Return the separator of the fields, as the first line that is not blank determines it; a tab by default."""
    first = next((line for line in text.split("\n") if line.strip(SPACES)), "")
    found = [
        separator for separator in reversed(SEPARATORS) if separator in first
    ]  # the semicolon first: `max` returns the first of equal values
    if "\t" in found or not found:
        return "\t"
    begin = first[: csv.field_size_limit()]
    return max(found, key=lambda separator: len(next(csv.reader([begin], delimiter=separator, skipinitialspace=True))))


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
                    problem = "contains a tab" if "\t" in field else "begins with a quotation mark"
                    remedy = (
                        "Remove this character, because softsed writes tab-separated fields without quotation marks"
                    )
                    raise InputError(f"the field {field!r} {problem}", file=path, line=len(result) + 1, remedy=remedy)
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
    """Leave out spaces around fields; first look for any, because stripping half a million rows takes half a second."""
    padded = f"\n{text}\n"
    if not any(f"{space}{edge}" in padded or f"{edge}{space}" in padded for space in SPACES for edge in "\t\n"):
        return text
    return "\n".join(["\t".join([field.strip(SPACES) for field in line.split("\t")]) for line in text.split("\n")])
