"""Tables in text, written and read without the package."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path


def read_rows(path: Path, header: Sequence[str] | None = None) -> list[dict[str, str]]:
    """Read a tab-separated table, one dictionary per row; `header` names the columns of a table without header."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, header, delimiter="\t"))


def write_rows(path: Path, rows: Iterable[Sequence[object]], header: Sequence[str] = ()) -> Path:
    """Write a tab-separated table with an optional header and return its path."""
    lines = [*([header] if header else []), *rows]
    path.write_text("".join("\t".join(map(str, row)) + "\n" for row in lines), encoding="utf-8")
    return path
