"""Text files with tab-separated fields, read as people save them.

Conventions
-----------
- UTF-8, or UTF-16 with a byte-order mark. A byte-order mark, Windows line ends and spaces around a field (also no-break
  spaces) are ignored, because spreadsheets and web pages add them. Otherwise ``anna`` followed by a space would be
  a different annotator.
- A file whose first line has commas or semicolons and no tab is separated by them. Fields may be quoted. See
  `softsed.core.text.cells`.
- Columns may have the names of other data sets (`softsed.core.text.columns`). Values of the column ``recording`` lose
  folders and endings of audio files (`softsed.core.text.names`).
- A line ends where a text editor ends it, so that line numbers agree with the editor. A form feed or U+2028 does not
  end a line, although `str.splitlines` splits there.
- Text is read in the Unicode form NFC, because macOS writes names of files in another form.
- Numbers are those of Python, but without underscores: Python reads ``0_5`` as 5.
"""

import os
from collections import Counter
from collections.abc import Sequence
from itertools import repeat
from pathlib import Path

from softsed.core.errors import InputError, Problems, count
from softsed.core.text.cells import SEPARATORS, decode, find_separator, to_tabs
from softsed.core.text.columns import describe_synonyms, name_columns
from softsed.core.text.names import name_recordings

RECORDING = "recording"  # column whose values lose folders and endings of audio files


def read_text(path: Path) -> list[str]:
    """Read the lines of a text file as fields separated by tabs, spaces around fields removed.

    Lines at the end that contain only tabs and spaces are left out, because spreadsheets save cleared cells.

    Returns
    -------
    list of str
        Line n of the file, counted from 1, at index n - 1.

    Raises
    ------
    InputError
        If `decode` or `to_tabs` refuses the file.
    """
    text = to_tabs(decode(path), path)
    lines = text.rstrip("\n").split("\n")
    while lines and not lines[-1].strip("\t"):
        lines.pop()
    return lines


def read_header(path: Path, lines: list[str], columns: Sequence[str]) -> list[str]:
    """Return the column names in the first of `lines`, with the names of `columns` for columns that mean the same.

    Several columns may have no name, because spreadsheets save cleared columns.

    Raises
    ------
    InputError
        If one of `columns` is missing, a name is listed twice, or several columns mean one of `columns`.
    """
    header = lines[0].split("\t") if lines else []
    if twice := sorted(name for name, times in Counter(header).items() if name and times > 1):
        raise InputError(f"the columns {twice} are listed twice", file=path, line=1, expected="each name once")
    names = name_columns(path, header, columns)
    if missing := [name for name in columns if name not in names]:
        several = f"the columns {', '.join(columns)}, separated by tabs or commas"
        expected = several if len(columns) > 1 else f"the column {columns[0]}"
        problem, remedy = f"the header {header} lacks the columns {missing}", describe_synonyms(missing)
        if remedy and not {"class", "label"}.isdisjoint(columns):
            remedy += ". For a table of events, use `softsed convert table`"
        raise InputError(problem, file=path, line=1, expected=expected, remedy=remedy)
    return names


def _have_width(lines: list[str], width: int) -> bool:
    """Report whether all lines have `width` fields. A loop would be slow: there may be a million lines."""
    return set(map(str.count, lines, repeat("\t"))) <= {width - 1}


def wrong_width(path: Path, number: int, line: str, width: int) -> InputError:
    """Return the error about a line, with tabs between its fields, that has another number of fields than `width`."""
    separator = find_separator(decode(path))
    text, found = line.replace("\t", separator), line.count("\t") + 1
    problem = f"the line has {count(found, f'{SEPARATORS[separator]}-separated field')}: {text!r}"
    return InputError(problem, file=path, line=number, expected=count(width, "field"))


def read_lines(path: Path, columns: tuple[str, ...]) -> list[tuple[int, dict[str, str]]]:
    """Read a TSV file with a header, with line numbers; blank lines are skipped.

    Parameters
    ----------
    path : Path
        File to read.
    columns : tuple of str
        Required columns. Other columns are kept.

    Returns
    -------
    list of (int, dict)
        Line in the file, counted from 1, and one dictionary per row with values as text.

    Raises
    ------
    InputError
        If the file or a column is missing, a row has another number of fields than the header, or a recording is named
        in two ways.
    """
    lines = read_text(path)
    header = read_header(path, lines, columns)
    rows = []
    for number, line in enumerate(lines[1:], start=2):
        fields = line.split("\t")
        if not line:
            continue
        if len(fields) != len(header):
            raise wrong_width(path, number, line, len(header))
        rows.append((number, dict(zip(header, fields, strict=True))))
    if RECORDING in columns:
        texts, numbers = [row[RECORDING] for _, row in rows], [number for number, _ in rows]
        for (_, row), name in zip(rows, name_recordings(path, texts, numbers, Problems(strict=True)), strict=True):
            row[RECORDING] = name
    return rows


def read_table(path: Path, columns: tuple[str, ...]) -> list[dict[str, str]]:
    """Read a TSV file with a header as `read_lines` does, without line numbers."""
    return [row for _, row in read_lines(path, columns)]


def read_columns(path: Path, columns: tuple[str, ...]) -> dict[str, list[str]]:
    """Read a large TSV file with a header as columns of text. The row at index i is line i + 2.

    The fields are split as one flat list, because half a million small lists or dictionaries take seconds.

    Parameters
    ----------
    path : Path
        File to read.
    columns : tuple of str
        Required columns. Other columns are kept.

    Returns
    -------
    dict of list of str
        One list per column; empty lists for a table without rows.

    Raises
    ------
    InputError
        If the file or a column is missing, a row (also a blank one) has another number of fields than the header, or a
        recording is named in two ways.
    """
    lines = read_text(path)
    header = read_header(path, lines, columns)
    del lines[0]
    if not _have_width(lines, len(header)):
        number, line = next(one for one in enumerate(lines, start=2) if not _have_width([one[1]], len(header)))
        raise wrong_width(path, number, line, len(header))
    fields = "\t".join(lines).split("\t") if lines else []
    table = {name: fields[column :: len(header)] for column, name in enumerate(header)}
    if RECORDING in columns:
        numbers = range(2, len(lines) + 2)
        table[RECORDING] = name_recordings(path, table[RECORDING], numbers, Problems(strict=True))
    return table


def read_fields(
    path: Path, columns: tuple[str, ...], problems: Problems, *, header: bool, bare: bool
) -> tuple[list[list[str]], Sequence[int]]:
    """Read columns of a table as people write it; rows that cannot be used are reported and left out.

    Blank lines are skipped. A row may leave out empty fields at its end, or have additional empty fields there.

    Parameters
    ----------
    path : Path
        File to read.
    columns : tuple of str
        Columns to return: the names in the header or, without a header, the fields of a row.
    problems : Problems
        Receives the file, header or rows that cannot be read.
    header : bool
        Whether the first line names the columns. A first line that names all of `columns` does so in any case.
    bare : bool
        Whether a row may consist of its first field only.

    Returns
    -------
    fields : list of list of str
        One list of text per column.
    lines : sequence of int
        Line of each row, counted from 1.
    """
    empty: list[list[str]] = [[] for _ in columns]
    try:
        lines = read_text(path)
        header = header or _names_all(path, lines, columns)
        names = read_header(path, lines, columns) if header else list(columns)
    except InputError as error:
        problems.add("file", error)
        return empty, []
    start, width = (2 if header else 1), len(names)
    places = [names.index(name) for name in columns]
    fields, numbers = _select(path, lines[start - 1 :], problems, width=width, start=start, places=places, bare=bare)
    if RECORDING in columns:
        column = columns.index(RECORDING)
        fields[column] = name_recordings(path, fields[column], numbers, problems)
    return fields, numbers


def _names_all(path: Path, lines: list[str], columns: tuple[str, ...]) -> bool:
    """Report whether the first line names all `columns`, which are more than one."""
    return bool(lines) and set(columns) <= set(name_columns(path, lines[0].split("\t"), columns))


def _select(
    path: Path, lines: list[str], problems: Problems, *, width: int, start: int, places: list[int], bare: bool
) -> tuple[list[list[str]], Sequence[int]]:
    """Return the fields at `places` and the numbers of lines, the first of which is `start`, for `read_fields`."""
    if _have_width(lines, width):
        flat = "\t".join(lines).split("\t") if lines else []
        fields = [flat[place::width] for place in places]
        if "" not in fields[0]:
            return fields, range(start, start + len(lines))
    rows: list[list[str]] = []
    numbers: list[int] = []
    for number, line in enumerate(lines, start=start):
        parts = line.split("\t")
        if not any(parts):
            continue
        incomplete = len(parts) <= max(places) and not (bare and not any(parts[1:]))
        if incomplete or any(parts[width:]):
            problems.add("fields", wrong_width(path, number, line, width))
            continue
        rows.append([parts[place] if place < len(parts) else "" for place in places])
        numbers.append(number)
    return [list(column) for column in zip(*rows, strict=True)] or [[] for _ in places], numbers


def atomic_write(path: Path, data: str | bytes) -> None:
    """Write a whole file or none: a file that exists stays until the new one is complete.

    Parameters
    ----------
    path : Path
        File to write. A missing folder is created. If the path is a link, the file behind the link is replaced.
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


def read_number(text: str) -> float:
    """Read a number; nan if the text is not a number."""
    try:
        return float("nan") if "_" in text else float(text)
    except ValueError:
        return float("nan")
