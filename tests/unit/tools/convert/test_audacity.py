"""Labels exported by Audacity, with and without frequency limits."""

import pytest
from support.errors import refused

from softsed.tools.convert.audacity import read_labels


def write(folder, **files):
    for name, text in files.items():
        path = folder / "ann" / f"{name}.txt"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def marks(annotations):
    rows = annotations.rows
    return [(row.recording, row.annotator, row.onset, row.offset, row.label) for row in rows if row.label]


def test_labels_with_frequency_limits(tmp_path, caplog):
    text = "0.500000\t2.250000\tdog\n\\\t1200.000000\t3400.500000\n4.000000\t4.000000\tcar\n"
    found = read_labels(write(tmp_path, yard=text), None)
    assert marks(found) == [("yard", "ann", 0.5, 2.25, "dog"), ("yard", "ann", 4, 4, "car")]
    assert "limits of 1 label are not used" in caplog.text


def test_empty_file_states_silence(tmp_path, caplog):
    found = read_labels(write(tmp_path, yard=""), None)
    assert [(row.recording, row.annotator, row.label) for row in found.rows] == [("yard", "ann", "")]
    assert not caplog.text


def test_name_with_audio_ending(tmp_path):
    assert {row.recording for row in read_labels(write(tmp_path, **{"yard.wav": ""}), None).rows} == {"yard"}


def test_two_files_about_one_recording_are_refused(tmp_path):
    found = read_labels(write(tmp_path, **{"yard": "1\t2\tdog\n", "yard.wav": "5\t6\tcat\n"}), None)
    with refused(file="ann/yard.wav.txt", problem="yard.txt"):
        found.problems.raise_all("in the folder", alone=True)


def test_label_without_text_has_a_remedy(tmp_path):
    found = read_labels(write(tmp_path, yard="0\t10\n"), None)
    with refused(file="ann/yard.txt", line=1, problem="no label") as caught:
        found.problems.raise_all("in the folder", alone=True)
    assert "heard nothing, add an empty file" in caught.value.remedy


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("1.0\t2.0", "no label"),
        ("1.0\t2.0\t", "no label"),
        ("1,0\t2,0\tdog", "'1,0' to '2,0'"),
        ("dog\t1.0\t2.0", "'dog' to '1.0'"),
        ("1.0 2.0 dog", "1 field between tabs"),
        ("1.0\t2.0\tdog\tsmall", "4 fields between tabs"),
    ],
)
def test_lines_that_are_no_labels(tmp_path, line, problem):
    found = read_labels(write(tmp_path, yard=f"0\t1\tdog\n{line}\n"), None)
    with refused(file="ann/yard.txt", line=2, problem=problem):
        found.problems.raise_all("in the folder", alone=True)
