import pytest
from support.errors import refused

from softsed.core.errors import Problems
from softsed.core.metadata import file_stem
from softsed.core.text.recording_files import find_recording_files

ENDINGS = (".tsv", ".csv", ".txt")


def find(folder, recordings, problems):
    return find_recording_files(
        folder, recordings, problems, content="true events", endings=ENDINGS, remedy="Add the files"
    )


def find_one(folder, name):
    return find(folder, [name], Problems(strict=True))[name]


def test_file_may_have_the_ending_of_audio(tmp_path):
    for name in ("._r.txt", "r.wav.TXT", "s.wav.txt", "r.npy"):
        (tmp_path / name).touch()
    assert find_one(tmp_path, "r") == tmp_path / "r.wav.TXT"
    assert find_one(tmp_path, "s") == tmp_path / "s.wav.txt"


@pytest.mark.parametrize("second", ["r.csv", "r.txt", "r.wav.tsv", "r .txt"])
def test_recording_needs_exactly_one_file(tmp_path, second):
    with refused(file=tmp_path.name, problem="no file of true events for 1 of 1 recordings, such as 'r'", golden=False):
        find_one(tmp_path, "r")
    (tmp_path / "r.tsv").touch()
    assert find_one(tmp_path, "r") == tmp_path / "r.tsv"
    (tmp_path / second).touch()
    with refused(file=tmp_path.name, problem=["several files", "'r.tsv'", repr(second)], golden=False):
        find_one(tmp_path, "r")


def test_many_recordings_are_two_problems(tmp_path):
    for name in ("a.txt", "b.txt", "b.tsv", "c.txt", "c.csv", "x.txt"):
        (tmp_path / name).touch()
    problems = Problems()
    assert find(tmp_path, "abcde", problems) == {"a": tmp_path / "a.txt"}
    missing, several = problems
    assert "no file of true events for 2 of 5 recordings, such as 'd' and 'e'" in missing.problem
    assert "(the folder contains 'a.txt' and 'b.tsv')" in missing.problem
    assert missing.expected == "one file per recording: RECORDING.tsv, RECORDING.csv or RECORDING.txt"
    assert missing.remedy == "Add the files"
    assert "several files of true events for 2 of 5 recordings, such as 'b.tsv' and 'b.txt'" in several.problem


def test_a_missing_folder_contains_no_file(tmp_path):
    problems = Problems()
    assert find(tmp_path / "nowhere", "ab", problems) == {}
    assert "for 2 of 2 recordings" in str(problems)


@pytest.mark.parametrize("stem", ["Tür (1)", "Tu\u0308r (1)", "Tür (1) ", file_stem("Tür (1)")])
def test_names_may_have_special_characters(tmp_path, stem):
    """Files of a user, also in the Unicode form of macOS, and files of the demo."""
    (tmp_path / f"{stem}.txt").touch()
    assert find_one(tmp_path, "Tür (1)") == tmp_path / f"{stem}.txt"
