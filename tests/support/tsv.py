"""Tables in text, written and read without the package, and the options that pass them to a command."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

SOFT = "recording\tonset\toffset\tlabel\tvalue"
HARD = "recording\tonset\toffset\tlabel"
OPINIONS = "recording\tonset\toffset\tannotator\tclass\topinion"


def read_rows(path: Path, header: Sequence[str] | None = None) -> list[dict[str, str]]:
    """Read a tab-separated table, one dictionary per row; `header` names the columns of a table without header."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, header, delimiter="\t"))


def write_rows(path: Path, rows: Iterable[str | Sequence[object]], header: str | Sequence[str] = ()) -> Path:
    """Write a tab-separated table with an optional header and return its path; a row may be a line of text."""
    lines = [*([header] if header else []), *rows]
    texts = (line if isinstance(line, str) else "\t".join(map(str, line)) for line in lines)
    path.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    return path


def write_opinions(path: Path, rows: Iterable[str | Sequence[object]], header: str = OPINIONS) -> Path:
    """Write a table of opinions and return its path."""
    return write_rows(path, rows, header)


def as_options(values: Mapping[str, object]) -> list[str]:
    """Return options of a command, ``--NAME VALUE`` for each value."""
    return [text for name, value in values.items() for text in (f"--{name}", str(value))]


def write_tables(folder: Path, texts: Mapping[str, str]) -> list[str]:
    """Write each text into NAME.tsv in a folder, and return the files as options."""
    for name, text in texts.items():
        write_rows(folder / f"{name}.tsv", text.splitlines())
    return as_options({name: folder / f"{name}.tsv" for name in texts})


def read_answers(rows: Iterable[str]) -> dict[tuple[str, int, int, str, str], int]:
    """Return a table of opinions, line by line, as answers: (recording, onset, offset, annotator, class) to 0 or 1."""
    header, *lines = rows
    assert header.startswith(OPINIONS)
    fields = [line.rstrip("\n").split("\t") for line in lines]
    return {(f[0], int(f[1]), int(f[2]), f[3], f[4]): int(f[5]) for f in fields}
