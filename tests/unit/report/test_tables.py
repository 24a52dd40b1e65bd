"""Tables as data frames: text that looks like numbers, empty cells, and the format of numbers."""

import pandas as pd
from support.errors import refused

from softsed.report.tables import arrange_by_class, format_counts, read_frame, read_metrics_table, write_frame

NAN = float("nan")


def test_text_survives_reading_and_writing(tmp_path):
    path = tmp_path / "a.tsv"
    text = 'class\tvalue\nNA\t1\nquo"ted\t\n1e5\t-2.5\nnull\tnan\n0.50\t1e-07\n'
    path.write_text(text)
    frame = read_frame(path, text=("class",), numbers=("value",))
    assert frame["class"].tolist() == ["NA", 'quo"ted', "1e5", "null", "0.50"]
    assert frame["value"].isna().tolist() == [False, True, False, True, False]
    write_frame(path, frame)
    assert path.read_text() == text.replace("\tnan\n", "\t\n")


def test_numbers_have_six_digits_and_integers_all(tmp_path):
    frame = pd.DataFrame({"n": [12345678], "x": [1 / 3], "y": [2.0], "z": [None]})
    write_frame(tmp_path / "a.tsv", frame)
    assert (tmp_path / "a.tsv").read_bytes() == b"n\tx\ty\tz\n12345678\t0.333333\t2\t\n"


def test_table_without_rows(tmp_path):
    (tmp_path / "a.tsv").write_text("class\tvalue\n")
    frame = read_frame(tmp_path / "a.tsv", text=("class",), numbers=("value",))
    assert list(frame) == ["class", "value"]
    assert frame.empty


def test_cell_that_is_not_a_number(tmp_path):
    (tmp_path / "a.tsv").write_text("class\tvalue\ncar\tmany\n")
    with refused(file="a.tsv", problem=["'value'", "many"]):
        read_frame(tmp_path / "a.tsv", text=("class",), numbers=("value",))


def test_total_of_counts():
    counts = pd.DataFrame({"car": [1.0, NAN], "dog": [NAN, NAN], "files": [2, 3], "minutes": [1.5, 2.25]})
    table = format_counts(counts.set_axis(["x", "y"]))
    assert table.to_numpy().tolist() == [
        ["x", "1", "-", "2", "1.50"],
        ["y", "-", "-", "3", "2.25"],
        ["Total", "1", "-", "5", "3.75"],
    ]


def test_classes_become_rows_if_many():
    """More than 20 classes: rows, the most frequent first, a class without a count after classes with 0 events."""
    counts = pd.DataFrame({f"c{i}": [float(i % 7), 1.0] for i in range(19)} | {"never asked": [NAN, NAN]}, ["x", "y"])
    few = format_counts(counts.assign(files=2, minutes=1.5))
    assert arrange_by_class(few) is few
    many = arrange_by_class(format_counts(counts.assign(most=[9, NAN], files=2, minutes=1.5)))
    assert list(many) == ["class", "x", "y", "Total"]
    rows = many.to_numpy().tolist()
    assert rows[:3] == [["most", "9", "-", "9"], ["c6", "6", "1", "7"], ["c13", "6", "1", "7"]]
    assert rows[-3:] == [["never asked", "-", "-", "-"], ["files", "2", "2", "4"], ["minutes", "1.50", "1.50", "3.00"]]


def test_metrics_table_has_numbers_and_text(tmp_path):
    (tmp_path / "intervals.tsv").write_text(
        "system\tthreshold\treference\tmetric\tvalue\nNA\t0.50\tsoft\tmse\t0.50\n", encoding="utf-8"
    )
    assert read_metrics_table(tmp_path / "intervals.tsv").to_dict("list") == {
        **{"system": ["NA"], "threshold": ["0.50"], "reference": ["soft"], "metric": ["mse"], "value": [0.5]}
    }
