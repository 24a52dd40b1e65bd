"""Tables as other programs write them, with line breaks inside quoted fields and rows that leave out empty fields."""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from softsed.core.errors import InputError
from softsed.core.text.cells import SPACES, decode, find_separator
from softsed.core.text.columns import describe_synonyms, name_columns

# What a table of events may contain. `name_columns` finds each by the names that other programs and data sets use. The
# exceptions are lists of labels (FSD50K, DESED), and the duration, which is the length of the recording in some tables.
FIELDS = ("recording", "scene", "annotator", "onset", "offset", "duration", "label", "labels")
LISTS = ("labels", "event_labels")


@dataclass(frozen=True)
class Table:
    """A table with a header.

    Attributes
    ----------
    path : Path
    header : list of str
    rows : list of (int, list of str)
        Line in the file, counted from 1, and as many fields as the header has, without spaces around them.
    """

    path: Path
    header: list[str]
    rows: list[tuple[int, list[str]]]

    @classmethod
    def read(cls, path: Path) -> "Table":
        """Read a table whose header chooses the separator, see `find_separator`.

        Quotation marks around a field are removed. Unlike in tables of this project, a field may contain line breaks.
        Blank lines are skipped. A row may leave out its last, empty fields.

        Raises
        ------
        InputError
            If the file cannot be read, a name is listed twice in the header, or a row has more fields than the header.
        """
        text = decode(path)
        try:
            reader = csv.reader(io.StringIO(text), delimiter=find_separator(text))
            lines = [(reader.line_num, [field.strip(SPACES) for field in fields]) for fields in reader]
        except csv.Error as error:
            raise InputError(f"cannot be read as a table: {error}", file=path) from error
        lines = [(number, fields) for number, fields in lines if any(fields)]
        if not lines:
            raise InputError("the file is empty", file=path, expected="a table with a header")
        number, header = lines.pop(0)
        if twice := sorted(name for name, times in Counter(header).items() if name and times > 1):
            raise InputError(f"the columns {twice} are listed twice", file=path, line=number, expected="each name once")
        rows = []
        for line, fields in lines:
            if any(fields[len(header) :]):
                problem = f"the line has {len(fields)} fields: {fields}"
                raise InputError(problem, file=path, line=line, expected=f"{len(header)}, as the header has")
            rows.append((line, (fields + [""] * len(header))[: len(header)]))
        return cls(path, header, rows)

    def columns(
        self,
        mapping: Mapping[str, str],
        fields: Sequence[str],
        *,
        needed: Sequence[str] = (),
        remedy: str | None = None,
    ) -> dict[str, int]:
        """Find the columns of some fields: those of a mapping, all others by their names.

        Parameters
        ----------
        mapping : mapping of str
            Field to the name of its column.
        fields : sequence of str
            Names of fields, such as those in `FIELDS`.
        needed : sequence of str
            Fields without which the table cannot be used.
        remedy : str, optional
            What to do if one of these fields has no column. By default, the remedy names synonyms.

        Returns
        -------
        dict of int
            Field to the index of its column, for the fields that have a column.

        Raises
        ------
        InputError
            If a column of the mapping or of a needed field is missing, or several columns could be a field.
        """
        for name in mapping.values():
            if name not in self.header:
                problem = f"no column {name!r} among {self.header}"
                expected = "FIELD=COLUMN with a column of the file"
                raise InputError(problem, file=self.path, line=1, key="--map", expected=expected)
        free = ["" if name in mapping.values() else name for name in self.header]
        free = ["labels" if name in LISTS else name for name in free]
        names = name_columns(self.path, free, [name for name in fields if name not in (*mapping, "duration", "labels")])
        found = {name: self.header.index(column) for name, column in mapping.items()}
        found |= {name: names.index(name) for name in fields if name in names and name not in (*mapping, "duration")}
        for name in needed:
            if name not in found:
                problem = f"no column {name} among {self.header}"
                advice = remedy or describe_synonyms([name])
                raise InputError(problem, file=self.path, line=1, expected=f"a column {name}", remedy=advice)
        return found


def read_mapping(texts: Iterable[str], allowed: Iterable[str]) -> dict[str, str]:
    """Read ``--map``: pairs FIELD=COLUMN, separated by commas; an InputError for a field that is not allowed."""
    mapping = {}
    for pair in (pair for text in texts for pair in text.split(",")):
        name, equals, column = (part.strip() for part in pair.partition("="))
        if not (equals and column) or name not in allowed:
            expected = f"FIELD=COLUMN with a field of {', '.join(allowed)}"
            raise InputError(f"{pair!r} does not name the column of a field", key="--map", expected=expected)
        mapping[name] = column
    return mapping
