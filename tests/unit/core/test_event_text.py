"""True events as hard label text or as the demo writes them."""

import pytest
from support.errors import refused

from softsed.core.errors import Problems
from softsed.core.event_text import read_label_rows, read_true_events, truth_file
from softsed.core.metadata import file_stem

CLASSES = ["car", "dog"]


def test_both_formats(tmp_path):
    (tmp_path / "own.txt").write_text("0.5\t2\tcar\n3\t4.25\tdog\n", encoding="utf-8")
    table = "onset\toffset\tlabel\tsnr_db\n0.5\t2\tcar\t6.0\n3\t4.25\tdog\t3.1\n"
    (tmp_path / "demo.tsv").write_text(table, encoding="utf-8")
    assert read_true_events(tmp_path / "own.txt", CLASSES) == [(0.5, 2, "car"), (3, 4.25, "dog")]
    assert read_true_events(tmp_path / "demo.tsv", CLASSES) == read_true_events(tmp_path / "own.txt", CLASSES)


@pytest.mark.parametrize("row", ["2\t2\tcar", "x\t2\tcar", "1\t2\tcat", "-1\t2\tcar", "1\tnan\tcar"])
def test_errors_name_file_and_line(tmp_path, row):
    (tmp_path / "own.txt").write_text(f"0\t1\tcar\n{row}\n", encoding="utf-8")
    (tmp_path / "demo.tsv").write_text(f"onset\toffset\tlabel\n0\t1\tcar\n{row}\n", encoding="utf-8")
    with refused(file="own.txt", line=2):
        read_true_events(tmp_path / "own.txt", CLASSES)
    with refused(file="demo.tsv", line=3):
        read_true_events(tmp_path / "demo.tsv", CLASSES)


def test_truth_file_needs_exactly_one(tmp_path):
    for number in ("no file", None, "two files"):
        if number:
            with refused(file=tmp_path.name, problem=["'r'", number]) as caught:
                truth_file(tmp_path, "r")
            assert "r.tsv" in caught.value.expected
            assert "r.txt" in caught.value.expected
        else:
            assert truth_file(tmp_path, "r") == tmp_path / "r.txt"
        (tmp_path / ("r.txt" if number else "r.tsv")).touch()


@pytest.mark.parametrize("stem", ["Tür (1)", "Tu\u0308r (1)", "Tür (1) ", file_stem("Tür (1)")])
def test_truth_file_of_special_characters(tmp_path, stem):
    """Files of a user, also in the Unicode form of macOS, and files of the demo."""
    (tmp_path / f"{stem}.txt").touch()
    assert truth_file(tmp_path, "Tür (1)") == tmp_path / f"{stem}.txt"


def test_label_files_are_named_as_tables_name_recordings(tmp_path):
    for name in ("Tu\u0308r (1)", "-x", " a b "):
        (tmp_path / f"{name}.txt").write_text("0\t1\tcar\n")
    problems = Problems()
    assert read_label_rows(tmp_path, "hard", problems).names == ["a b", "-x", "Tür (1)"]
    assert not problems
    (tmp_path / "Tür (1).txt").touch()
    read_label_rows(tmp_path, "hard", problems)
    (error,) = problems
    assert error.file == tmp_path / "Tür (1).txt"
    assert "Tu\u0308r (1).txt" in error.problem


def test_a_recording_without_truth(tmp_path):
    with refused(file="r.txt", problem="cannot be read"):
        read_true_events(tmp_path / "r.txt", CLASSES)
