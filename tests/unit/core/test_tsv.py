"""Text with tab-separated fields: ignored characters, and refused rows with their lines."""

import math
import resource

import pytest
from support.errors import refused

from softsed.core.tsv import atomic_write, read_columns, read_lines, read_number, read_table, read_text


def test_spaces_marks_and_line_ends_are_ignored(tmp_path):
    (tmp_path / "t.tsv").write_bytes("\ufeff a \tb\r\n people talking \t 1\r\n \t \r\n2\t\r\n\t \r\n \r\n".encode())
    assert read_text(tmp_path / "t.tsv") == ["a\tb", "people talking\t1", "\t", "2\t"]
    assert read_columns(tmp_path / "t.tsv", ("a",)) == {"a": ["people talking", "", "2"], "b": ["1", "", ""]}
    assert read_lines(tmp_path / "t.tsv", ("b",)) == [
        (2, {"a": "people talking", "b": "1"}),
        (3, {"a": "", "b": ""}),
        (4, {"a": "2", "b": ""}),
    ]


def test_file_of_tabs_and_blanks_is_empty(tmp_path):
    for content in ("", "\n", "\t\t\n \n\t", " "):
        (tmp_path / "t.tsv").write_text(content)
        assert read_text(tmp_path / "t.tsv") == []


def test_a_million_spaces_are_read_in_time(tmp_path):
    """A search that starts again at each space would take hours."""
    spaces = " " * 10**6
    (tmp_path / "t.tsv").write_text(f"a\tb{spaces}\n{spaces}x{spaces}y\t{spaces}1\n")
    assert read_text(tmp_path / "t.tsv") == ["a\tb", f"x{spaces}y\t1"]


def test_comma_separated_tables_with_quotes(tmp_path):
    """Line numbers are those of the file, and problems show its separator."""
    (tmp_path / "t.csv").write_text('filename,"event_label",note\n"audio/a.wav","dog, big",x\nb.flac,car,\n')
    expected = [{"recording": "a", "label": "dog, big", "note": "x"}, {"recording": "b", "label": "car", "note": ""}]
    columns = ("recording", "label")
    assert read_table(tmp_path / "t.csv", columns) == expected
    assert read_columns(tmp_path / "t.csv", columns) == {
        name: [row[name] for row in expected] for name in ("recording", "label", "note")
    }
    (tmp_path / "t.csv").write_text("filename,label\na.wav,dog\nb.wav,dog,car\n")
    for read in (read_table, read_columns):
        with refused(
            file="t.csv", line=3, problem=["3 comma-separated fields", "'b.wav,dog,car'"], expected="2 fields"
        ):
            read(tmp_path / "t.csv", columns)


def test_one_recording_with_two_names_is_refused(tmp_path):
    (tmp_path / "t.tsv").write_text("recording\tlabel\na.wav\tdog\nb\tdog\na\tcar\n")
    for read in (read_lines, read_columns):
        with refused(file="t.tsv", line=4, problem=["'a'", "'a.wav'", "line 2"]):
            read(tmp_path / "t.tsv", ("recording",))


def test_columns_without_a_name_may_be_several(tmp_path):
    (tmp_path / "t.tsv").write_text("a\t\t\n1\t\t\n")
    assert read_columns(tmp_path / "t.tsv", ("a",))["a"] == ["1"]
    assert read_lines(tmp_path / "t.tsv", ("a",)) == [(2, {"a": "1", "": ""})]


def test_spaces_at_line_ends_are_ignored(tmp_path):
    (tmp_path / "t.tsv").write_text("a\t \n  b c \t \t  d\n \n e")
    assert read_text(tmp_path / "t.tsv") == ["a\t", "b c\t\td", "", "e"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_encodings_and_line_ends_are_read(tmp_path, encoding, end):
    (tmp_path / "t.tsv").write_bytes(f"a\tb{end}Cafe\u0301\t1{end}".encode(encoding))
    assert read_text(tmp_path / "t.tsv") == ["a\tb", "Caf\u00e9\t1"]


def test_lines_are_those_of_an_editor(tmp_path):
    (tmp_path / "t.tsv").write_text("a\nx\v\f\x1c\x85\u2028y\nz\tz\n", encoding="utf-8")
    for read in (read_lines, read_columns):
        with refused(file="t.tsv", line=3, problem="2 tab-separated fields", expected="1 field"):
            read(tmp_path / "t.tsv", ("a",))


@pytest.mark.parametrize(
    ("content", "line", "problem"),
    [
        (b"", 1, ["['a']", "[]"]),
        (b"\n\n", 1, "['a']"),
        (b"b\n1\n", 1, ["['a']", "['b']"]),
        (b"a\tb\ta\n1\t2\t3\n", 1, ["['a']", "twice"]),
        (b"a\tb\n1\n", 2, ["1 tab-separated field", "'1'"]),
        (b"a\n1\n\x00\n", 3, "NUL"),
        ("a\n1\n".encode("utf-16-le"), 1, "NUL"),
        (b"\xff\xfea", None, "utf-16"),
        (b"sep=;\na\n1\n", 1, "'sep=;'"),
        ("a\nCafé\n".encode("latin-1"), None, "utf-8"),
    ],
)
def test_files_that_are_not_tables(tmp_path, content, line, problem):
    (tmp_path / "t.tsv").write_bytes(content)
    for read in (read_lines, read_columns):
        with refused(file="t.tsv", line=line, problem=problem):
            read(tmp_path / "t.tsv", ("a",))


def test_blank_lines_are_skipped_by_read_lines_only(tmp_path):
    (tmp_path / "t.tsv").write_text("a\tb\n\n1\t2\n")
    assert read_lines(tmp_path / "t.tsv", ("a",)) == [(3, {"a": "1", "b": "2"})]
    with refused(file="t.tsv", line=2, problem=["1 tab-separated field", "''"], expected="2 fields"):
        read_columns(tmp_path / "t.tsv", ("a",))


def test_numbers():
    assert [read_number(text) for text in ("1", " 0.5", "1e-3", "-2", "inf")] == [1, 0.5, 0.001, -2, math.inf]
    assert all(math.isnan(read_number(text)) for text in ("", "0_5", "0,5", "nan", "loud", "0x1"))


def test_no_break_spaces_are_ignored(tmp_path):
    (tmp_path / "t.tsv").write_text("a\tb\n\u00a0anna\tx \u00a0\nan\u00a0na\ty\n", encoding="utf-8")
    assert read_columns(tmp_path / "t.tsv", ("a", "b")) == {"a": ["anna", "an\u00a0na"], "b": ["x", "y"]}


def test_text_is_read_in_one_unicode_form(tmp_path):
    (tmp_path / "t.tsv").write_text("Mu\u0308ller\tb\nTu\u0308r \t1\n", encoding="utf-8")
    assert read_columns(tmp_path / "t.tsv", ("Müller", "b")) == {"Müller": ["Tür"], "b": ["1"]}


@pytest.mark.parametrize("data", ["é\r\n", b"\x00\r\n"])
def test_atomic_write_follows_links(tmp_path, data):
    target = tmp_path / "new" / "target"
    atomic_write(target, "before")
    (tmp_path / "link").symlink_to(target)
    atomic_write(tmp_path / "link", data)
    assert (tmp_path / "link").is_symlink()
    assert target.read_bytes() == (data if isinstance(data, bytes) else data.encode())
    assert list(target.parent.iterdir()) == [target]


def test_atomic_write_keeps_file_if_writing_fails(tmp_path):
    path = tmp_path / "t.tsv"
    atomic_write(path, "before")
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3, limit[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            atomic_write(path, b"longer than 3 bytes")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]
