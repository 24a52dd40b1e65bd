"""Tables of other programs: encodings, separators, quotes, and columns by name or mapping."""

import pytest
from support.errors import refused

from softsed.tools.convert.delimited import FIELDS, Table, read_mapping

ROWS = [["file", "class"], ["a.wav", "dog, small"], ["b.wav", "Vögel"]]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("separator", ["\t", ";", ","])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_table_of_any_encoding_and_separator(tmp_path, encoding, separator, end):
    text = end.join(separator.join(f'"{field}"' for field in row) for row in ROWS)
    (tmp_path / "t.csv").write_bytes(text.encode(encoding))
    table = Table.read(tmp_path / "t.csv")
    assert (table.header, table.rows) == (ROWS[0], [(2, ROWS[1]), (3, ROWS[2])])


def test_separator_is_that_of_other_tables(tmp_path):
    (tmp_path / "t.csv").write_text('file,"onset; s",class\na.wav,1,dog\n', encoding="utf-8")
    assert Table.read(tmp_path / "t.csv").header == ["file", "onset; s", "class"]


def test_spaces_blank_lines_and_short_rows(tmp_path):
    (tmp_path / "t.tsv").write_text("a\tb\tc\n\n x \t\u00a0y\n1\t2\t3\t\n", encoding="utf-8")
    assert Table.read(tmp_path / "t.tsv").rows == [(3, ["x", "y", ""]), (4, ["1", "2", "3"])]


@pytest.mark.parametrize(
    ("content", "line", "problem"),
    [
        (b"", None, "empty"),
        (b"a\tb\n1\t2\t3\n", 2, "3 fields"),
        (b"a\ta\n1\t2\n", 1, "listed twice"),
        (b"a\tb\n1\t\0\n", 2, "NUL"),
        (b"a\tb\n1\tV\xf6gel\n", None, "utf-8"),
    ],
)
def test_files_that_are_not_tables(tmp_path, content, line, problem):
    (tmp_path / "t.tsv").write_bytes(content)
    with refused(file="t.tsv", line=line, problem=problem):
        Table.read(tmp_path / "t.tsv")


def test_missing_file_is_named(tmp_path):
    with refused(file="t.tsv", problem="no such file"):
        Table.read(tmp_path / "t.tsv")


def columns(tmp_path, header, mapping=None, needed=("recording",)):
    (tmp_path / "t.csv").write_text(header + "\n", encoding="utf-8")
    table = Table.read(tmp_path / "t.csv")
    found = table.columns(mapping or {}, FIELDS, needed=needed)
    return {name: table.header[column] for name, column in found.items()}


@pytest.mark.parametrize(
    ("header", "names"),
    [
        ("recording,onset,offset,label", ["recording", "onset", "offset", "label"]),
        ("filename,onset,offset,event_label", ["filename", "onset", "offset", "event_label"]),
        (
            "segment_id,start_time_seconds,end_time_seconds,label",
            ["segment_id", "start_time_seconds", "end_time_seconds", "label"],
        ),
    ],
)
def test_columns_of_published_tables(tmp_path, header, names):
    assert list(columns(tmp_path, header).values()) == names


def test_softsed_name_wins_over_other_names(tmp_path):
    assert columns(tmp_path, "filename,recording,class,label") == {"recording": "recording", "label": "label"}


def test_mapping_wins_over_names(tmp_path):
    assert columns(tmp_path, "recording,clip", {"recording": "clip"}) == {"recording": "clip"}


@pytest.mark.parametrize(
    ("header", "mapping", "problem"),
    [
        ("sound,label", {}, ["recording", "'sound'"]),
        ("file,filename", {}, ["'filename'", "'file'"]),
        ("recording", {"label": "tag"}, "'tag'"),
    ],
)
def test_columns_that_are_missing_or_ambiguous(tmp_path, header, mapping, problem):
    with refused(file="t.csv", line=1, problem=problem):
        columns(tmp_path, header, mapping)


def test_mapping_of_the_command_line():
    assert read_mapping(["recording=file, label = Species", "onset=Begin Time (s)"], FIELDS) == {
        "recording": "file",
        "label": "Species",
        "onset": "Begin Time (s)",
    }


@pytest.mark.parametrize("text", ["label", "label=", "colour=red", ""])
def test_mapping_that_is_wrong(text):
    with refused(key="--map", problem=repr(text)):
        read_mapping([text], FIELDS)
