"""True events as hard label text or as the demo writes them."""

import pytest
from support.errors import refused

from softsed.core.errors import Problems
from softsed.core.event_text import read_label_rows, read_true_events, truth_files

CLASSES = ["car", "dog"]


def test_both_formats(tmp_path):
    (tmp_path / "own.txt").write_text("0.5\t2\tcar\n3\t4.25\tdog\n", encoding="utf-8")
    table = "onset\toffset\tlabel\tsnr_db\n0.5\t2\tcar\t6.0\n3\t4.25\tdog\t3.1\n"
    (tmp_path / "demo.tsv").write_text(table, encoding="utf-8")
    assert read_true_events(tmp_path / "own.txt", CLASSES) == [(0.5, 2, "car"), (3, 4.25, "dog")]
    assert read_true_events(tmp_path / "demo.tsv", CLASSES) == read_true_events(tmp_path / "own.txt", CLASSES)


@pytest.mark.parametrize("row", ["2\t2\tcar", "x\t2\tcar", "-1\t2\tcar", "1\tnan\tcar"])
def test_errors_name_file_and_line(tmp_path, row):
    (tmp_path / "own.txt").write_text(f"0\t1\tcar\n{row}\n", encoding="utf-8")
    (tmp_path / "demo.tsv").write_text(f"onset\toffset\tlabel\n0\t1\tcar\n{row}\n", encoding="utf-8")
    with refused(file="own.txt", line=2):
        read_true_events(tmp_path / "own.txt", CLASSES)
    with refused(file="demo.tsv", line=3):
        read_true_events(tmp_path / "demo.tsv", CLASSES)


def test_a_header_in_text_names_the_columns(tmp_path):
    (tmp_path / "a.txt").write_text("Onset\tOffset\tevent_label\n0.5\t2\tcar\n", encoding="utf-8")
    (tmp_path / "b.txt").write_text('"0.5",2,"car"\n', encoding="utf-8")
    (tmp_path / "c.csv").write_text("label,onset,offset\ncar,0.5,2\n", encoding="utf-8")
    for name in ("a.txt", "b.txt", "c.csv"):
        assert read_true_events(tmp_path / name, CLASSES) == [(0.5, 2, "car")]
    (tmp_path / "a.txt").write_text("onset\toffset\tlabel\n0\t1\tcat\n", encoding="utf-8")
    assert read_true_events(tmp_path / "a.txt", CLASSES) == []


def test_folder_without_hidden_files_and_audio_endings(tmp_path):
    """macOS writes ._a.txt on disks of other systems, and some programs write a.wav.txt."""
    for name in ("a.txt", "b.wav.txt", "c.TXT"):
        (tmp_path / name).write_text("0\t1\tcar\n")
    (tmp_path / "._a.txt").write_bytes(b"\x00\x05\x16\x07\x00")
    rows = read_label_rows(tmp_path, "hard", Problems(strict=True))
    assert rows.names == ["a", "b", "c"]
    assert rows.place(1) == {"file": tmp_path / "b.wav.txt", "line": 1}
    (tmp_path / "b.txt").touch()
    with refused(file="b.wav.txt", problem="b.txt"):
        read_label_rows(tmp_path, "hard", Problems(strict=True))


def one_truth_file(folder, name):
    return truth_files(folder, [name], Problems(strict=True))[name]


def test_truth_file_may_have_the_ending_of_audio(tmp_path):
    (tmp_path / "._r.txt").touch()
    (tmp_path / "r.wav.TXT").touch()
    (tmp_path / "s.wav.txt").touch()
    assert one_truth_file(tmp_path, "r") == tmp_path / "r.wav.TXT"
    assert one_truth_file(tmp_path, "s") == tmp_path / "s.wav.txt"


def test_true_events_of_other_classes_are_left_out(tmp_path):
    (tmp_path / "r.txt").write_text("0\t1\tcat\n1\t2\tdog\n", encoding="utf-8")
    assert read_true_events(tmp_path / "r.txt", CLASSES) == [(1, 2, "dog")]
    assert read_true_events(tmp_path / "r.txt", ["car"]) == []


def test_label_files_are_named_as_recordings(tmp_path):
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
    with refused(file="r.txt", problem="no such file"):
        read_true_events(tmp_path / "r.txt", CLASSES)
