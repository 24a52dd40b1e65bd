"""Selection tables of Raven: views, columns of labels, tables about several recordings."""

import pytest
from support.errors import refused

from softsed.tools.convert.raven import read_selections

HEADER = "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)"


def write(folder, rows, *, more="\tAnnotation", name="yard.Table.1.selections.txt"):
    path = folder / "ann" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(f"{row}\n" for row in (HEADER + more, *rows)), encoding="utf-8")
    return folder


def marks(annotations):
    return {(row.recording, row.annotator, row.onset, row.offset, row.label) for row in annotations.rows if row.label}


def test_selection_in_two_views_is_one_event(tmp_path, caplog):
    rows = [f"1\t{view} 1\t1\t0.5\t2.25\t100.0\t900.0\tdog" for view in ("Waveform", "Spectrogram")]
    assert marks(read_selections(write(tmp_path, rows), {}, None)) == {("yard", "ann", 0.5, 2.25, "dog")}
    assert not caplog.text  # the same limits everywhere are those of the view


def test_frequency_limits_are_not_used(tmp_path, caplog):
    rows = [f"{n}\tSpectrogram 1\t1\t{n}\t{n + 1}\t100.0\t{900 + n}\tdog" for n in range(3)]
    read_selections(write(tmp_path, rows), {}, None)
    assert "limits of 3 selections are not used" in caplog.text


@pytest.mark.parametrize("name", ["yard.Table.2.selections.txt", "yard.selections.txt", "yard.wav.txt", "yard.txt"])
def test_table_without_selection_states_silence(tmp_path, name):
    found = read_selections(write(tmp_path, [], name=name), {}, None)
    assert [(row.recording, row.annotator, row.label) for row in found.rows] == [("yard", "ann", "")]


def test_two_tables_of_a_recording_are_joined(tmp_path):
    for number in (1, 2):
        write(tmp_path, [f"1\tS\t1\t{number}\t9\t0\t9\towl"], name=f"yard.Table.{number}.selections.txt")
    found = read_selections(tmp_path, {}, None)
    assert marks(found) == {("yard", "ann", number, 9, "owl") for number in (1, 2)}
    assert not found.problems


def test_two_names_of_a_recording_are_refused(tmp_path):
    for name in ("yard.txt", "yard.wav.selections.txt"):
        write(tmp_path, [], name=name)
    with refused(file="yard.wav.selections.txt", problem="yard.txt"):
        read_selections(tmp_path, {}, None).problems.raise_all("in it", alone=True)


def test_table_about_several_recordings(tmp_path):
    """Begin Time counts through all files; File Offset counts within each file."""
    more = "\tBegin File\tFile Offset (s)\tSpecies"
    rows = [
        "1\tSpectrogram 1\t1\t5.0\t6.5\t0\t9\ta.wav\t5.0\towl",
        "2\tSpectrogram 1\t1\t65.0\t67.0\t0\t9\tb.wav\t5.0\tjay",
    ]
    assert marks(read_selections(write(tmp_path, rows, more=more), {}, None)) == {
        ("a", "ann", 5, 6.5, "owl"),
        ("b", "ann", 5, 7, "jay"),
    }


def test_path_of_the_sound_file(tmp_path):
    rows = ["1\tSpectrogram 1\t1\t1\t2\t0\t9\tC:\\sounds\\a.wav\towl"]
    found = read_selections(write(tmp_path, rows, more="\tBegin Path\tSpecies"), {}, None)
    assert marks(found) == {("a", "ann", 1, 2, "owl")}


def test_column_of_labels_is_chosen(tmp_path):
    folder = write(tmp_path, ["1\tSpectrogram 1\t1\t1\t2\t0\t9\towl\thoot"], more="\tSpecies\tAnnotation")
    with refused(line=1, problem="several columns"):
        read_selections(folder, {}, None)
    assert marks(read_selections(folder, {"label": "Species"}, None)) == {("yard", "ann", 1, 2, "owl")}


@pytest.mark.parametrize(
    ("more", "row", "line", "problem"),
    [
        ("\tAnnotation", "1\tS\t1\t1\t2\t0\t9", 2, "no label"),
        ("\tAnnotation", "1\tS\t1\tx\t2\t0\t9\towl", 2, "'x' to '2'"),
        ("\tRemark", "1\tS\t1\t1\t2\t0\t9\towl", 1, "no column label"),
        (
            "\tAnnotation\tBegin File",
            "1\tS\t1\t1\t2\t0\t9\towl\ta.wav\n2\tS\t1\t1\t2\t0\t9\towl\tb.wav",
            1,
            "2 recordings",
        ),
    ],
)
def test_tables_that_are_refused(tmp_path, more, row, line, problem):
    with refused(file="selections.txt", line=line, problem=problem):
        read_selections(write(tmp_path, [row], more=more), {}, None).problems.raise_all("in it", alone=True)


def test_other_table_is_refused(tmp_path):
    (tmp_path / "a.txt").write_text("onset\toffset\n1\t2\n", encoding="utf-8")
    with refused(file="a.txt", line=1, problem="Begin Time (s)"):
        read_selections(tmp_path, {}, None)
