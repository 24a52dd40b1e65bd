"""Text files with tab-separated fields, read as people save them and refused where they could mean something else.

Conventions
-----------
- UTF-8. A byte-order mark, line ends of Windows, and spaces around a field (no-break ones too) are no part of what was
  written: a spreadsheet or a page leaves them, and ``anna`` followed by a space would be one annotator more.
- A line ends where an editor ends it, so that line numbers are those that it shows; not at a form feed or U+2028, as
  `str.splitlines` has it.
- Quotation marks are part of the text.
- A number is what Python reads as one, but without underscores: ``0_5`` would be 5.
"""

import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from softsed.core.errors import InputError

SPACES = " \u00a0"


def read_text(path: Path) -> list[str]:
    """Read the lines of a text file, counted from 1 by whoever names them.

    Lines at the end that hold nothing but tabs and spaces are left out: a spreadsheet saves cells that were cleared.

    Raises
    ------
    InputError
        When the file cannot be read, is not UTF-8, or holds a NUL character, as text in UTF-16 does.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as text, expected UTF-8: {error}") from error
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise InputError(f"{path}, line {line}: a NUL character; expected text, save it as UTF-8")
    padded = f"\n{text}\n"
    if any(f"{space}{edge}" in padded or f"{edge}{space}" in padded for space in SPACES for edge in "\t\n"):
        stripped = ["\t".join([field.strip(SPACES) for field in line.split("\t")]) for line in text.split("\n")]
        text = "\n".join(stripped)  # only then: half a second for half a million rows
    lines = text.rstrip("\n").split("\n")
    while lines and not lines[-1].strip("\t"):
        lines.pop()
    return lines


def read_header(path: Path, lines: list[str], columns: tuple[str, ...]) -> list[str]:
    """Read the names of the columns; an InputError where one of `columns` is missing, or one is there twice.

    Columns without a name may be more than one: a spreadsheet saves columns that were cleared.
    """
    header = lines[0].split("\t") if lines else []
    if missing := [name for name in columns if name not in header]:
        raise InputError(f"{path}, line 1: no column {missing}; found {header}, tab-separated")
    if twice := sorted(name for name, times in Counter(header).items() if name and times > 1):
        raise InputError(f"{path}, line 1: the columns {twice} are there twice; expected every name once")
    return header


def read_lines(path: Path, columns: tuple[str, ...]) -> list[tuple[int, dict[str, str]]]:
    """Read a TSV file with a header, with line numbers for messages; blank lines are skipped.

    Parameters
    ----------
    columns : tuple of str
        The columns that must be there; others are kept.

    Returns
    -------
    list of (int, dict)
        The line in the file, counted from 1, and one dictionary a row, values as text.

    Raises
    ------
    InputError
        When the file is missing, a column is missing or a row has another number of fields.
    """
    lines = read_text(path)
    header = read_header(path, lines, columns)
    rows = []
    for number, line in enumerate(lines[1:], start=2):
        fields = line.split("\t")
        if not line:
            continue
        if len(fields) != len(header):
            raise InputError(f"{path}, line {number}: expected {len(header)} tab-separated fields, got {line!r}")
        rows.append((number, dict(zip(header, fields, strict=True))))
    return rows


def read_table(path: Path, columns: tuple[str, ...]) -> list[dict[str, str]]:
    """Read a TSV file with a header as `read_lines` does, without line numbers."""
    return [row for _, row in read_lines(path, columns)]


def read_columns(path: Path, columns: tuple[str, ...]) -> dict[str, list[str]]:
    """Read a large TSV file with a header as columns of text, the row at index i from line i + 2.

    One flat list of fields: half a million small lists or dictionaries would cost seconds.

    Parameters
    ----------
    columns : tuple of str
        The columns that must be there; others are kept.

    Returns
    -------
    dict of list of str
        One list a column, empty without rows.

    Raises
    ------
    InputError
        When the file is missing, a column is missing or a row has another number of fields, as a blank one has.
    """
    lines = read_text(path)
    header = read_header(path, lines, columns)
    del lines[0]
    for number, line in enumerate(lines, start=2):
        if line.count("\t") != len(header) - 1:
            raise InputError(f"{path}, line {number}: expected {len(header)} tab-separated fields, got {line!r}")
    fields = "\t".join(lines).split("\t") if lines else []
    return {name: fields[column :: len(header)] for column, name in enumerate(header)}


def spelling(name: str) -> str:
    """Return what names have in common that differ in case, spaces, underscores or how Unicode writes an accent."""
    return re.sub(r"[\s_-]+", " ", unicodedata.normalize("NFC", name).strip()).casefold()


def spelled_twice(names: Iterable[str], known: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield names that are a known or earlier one in another spelling, with that one; who knows both means both."""
    known = list(known)
    spellings: dict[str, str] = {}
    for name in (*known, *names):
        other = spellings.setdefault(spelling(name), name)
        if other != name and name not in known:
            yield name, other


def atomic_write(path: Path, data: str | bytes) -> None:
    """Write a whole file or none: a file that exists stays until the new one is complete.

    Parameters
    ----------
    path : Path
        File to write. A missing folder is created. A link is followed, so that the link itself stays.
    data : str or bytes
        Content. Text is written as UTF-8 with its own line ends.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    content = data.encode() if isinstance(data, str) else data
    path.parent.mkdir(parents=True, exist_ok=True)
    path = path.resolve()
    if path.exists() and not path.is_file():
        path.write_bytes(content)  # a device, such as /dev/stdout, cannot be replaced
        return
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(content)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def write_tsv(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> None:
    """Write rows as a table with a header. None becomes an empty field; floats have 6 significant digits."""

    def field(value: object) -> str:
        return "" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)

    lines = [columns, *([field(row[column]) for column in columns] for row in rows)]
    path.write_text("".join("\t".join(line) + "\n" for line in lines), encoding="utf-8")


def read_number(text: str) -> float:
    """Read a number; nan for what is none."""
    try:
        return float("nan") if "_" in text else float(text)
    except ValueError:
        return float("nan")
