"""Checks of a dataset: each problem is found with its place, all at once."""

import numpy as np
import pytest
import soundfile
from support.dataset import NAMES, hard_rows, opinion_rows, soft_rows
from support.tsv import HARD, OPINIONS, SOFT, write_rows

from softsed.core.audio import measure
from softsed.core.errors import InputError, Problems
from softsed.core.metadata import Recording
from softsed.core.options import TABLES
from softsed.data.dataset_checks import summarise
from softsed.data.infer_tables import infer_dataset


def found_in(data, kind, labels, **tables):
    """Return the problems of a dataset: file, line, problem with paths relative to the dataset."""
    problems = Problems()
    infer_dataset(data / "audio", labels, kind, {name: tables.get(name) for name in TABLES}, problems)
    assert len(problems) == len(list(problems))

    def local(text):
        return str(text).replace(f"{data}/", "")

    return [(local(error.file), error.line, local(error.problem)) for error in problems]


def expect(found, *expected):
    """Assert that each expected (file, line, part of the problem) is found, and nothing else."""
    for file, line, *parts in expected:
        matches = [one for one in found if one[:2] == (file, line) and all(part in one[2] for part in parts)]
        assert len(matches) == 1, ((file, line, *parts), found)
    assert len(found) == len(expected), found


def test_problems_of_soft_labels(data):
    rows = soft_rows()
    rows[2] = "a\t1\t2\tCar\t0.2"  # another spelling, so that 'car' lacks a second
    rows[4] = "a\t2\t3\tcar\t1.2"
    rows[6] = "b\t0\t1.5\tcar\t0.1"
    rows[7] = "b\t0\t1\ttap"
    rows[9] = "\t1\t2\ttap\t0.1"
    rows[12] = "c\tzero\t1\tcar\t0.1"
    rows += ["d\t0\t1\tcar\t0.3", "d\t4\t5\tcar\t0.3", "attic\t0\t1\tcar\t0.1"]
    found = found_in(data, "soft", write_rows(data / "soft.tsv", rows, SOFT))
    expect(
        found,
        ("soft.tsv", 4, "'Car' is spelled 'car' in soft.tsv, line 2"),
        ("soft.tsv", 6, "value is '1.2'"),
        ("soft.tsv", 8, "offset is '1.5'"),
        ("soft.tsv", 9, "4 tab-separated fields"),
        ("soft.tsv", 11, "recording is ''"),
        ("soft.tsv", 14, "onset is 'zero'"),
        ("soft.tsv", 26, "'car' at 0 s", "line 20"),
        ("soft.tsv", 27, "from 4 to 5 s", "'d' lasts 3.50 s (3 whole seconds)"),
        ("soft.tsv", 28, "'attic'"),
    )


@pytest.mark.parametrize(
    ("place", "row", "problem"),
    [
        (0, "a\t0\t1\tcar\t1.2", "value is '1.2'"),
        (2, "a\t1\t2\tCar\t0.2", "'Car' is spelled 'car'"),
        (4, "a\t4\t5\tcar\t0.2", "from 4 to 5 s"),
    ],
)
def test_missing_seconds_are_not_reported_rows(data, place, row, problem):
    """A row that is reported is not reported as missing too; missing rows of other recordings are."""
    rows = soft_rows()
    rows[place] = row
    del rows[8]
    found = found_in(data, "soft", write_rows(data / "soft.tsv", rows, SOFT))
    missing = ("soft.tsv", 8, "'car' in 'b' has no row for 1 of 3 seconds, first 1 to 2 s")
    expect(found, ("soft.tsv", place + 2, problem), missing)


@pytest.mark.parametrize(
    ("row", "problem"), [("a\t0\t1\ttap", "4 tab-separated fields"), ("\t0\t1\ttap\t0.1", "recording is ''")]
)
def test_missing_seconds_with_an_incomplete_row(data, row, problem):
    """A row with a wrong number of fields, or without a name, may belong to any recording."""
    rows = soft_rows()
    del rows[8]
    rows[1] = row
    expect(found_in(data, "soft", write_rows(data / "soft.tsv", rows, SOFT)), ("soft.tsv", 3, problem))


def test_problems_of_hard_labels(data):
    rows = ["a\t0\t1.5\tdog_barking", "a\t2\t3.5\tdog barking", "c\t0\t9\tcar", "d\t0\t1\t "]
    classes = write_rows(data / "classes.tsv", ["car"], "class")
    found = found_in(data, "hard", write_rows(data / "hard.tsv", rows, HARD), classes=classes)
    expect(
        found,
        ("hard.tsv", 5, "label is ''"),
        ("hard.tsv", None, "'b'"),
        ("hard.tsv", 2, "unknown class 'dog_barking'"),
        ("hard.tsv", 3, "'dog barking' is spelled 'dog_barking' in hard.tsv, line 2"),
        ("hard.tsv", 4, "from 0 to 9 s", "'c' lasts 3.50 s (3 whole seconds)"),
    )


def test_labels_of_the_last_partial_second(data, caplog):
    """A recording of 3.5 s has labels for 3 s: later labels are cut or left out, and counted in one line."""
    rows = [*hard_rows(), "a\t3.1\t3.4\tcar", "b\t3\t3.5\tcar", "c\t2.9\t4.3\tcar", "d\t3.6\t4.1\tcar"]
    assert found_in(data, "hard", write_rows(data / "hard.tsv", rows, HARD)) == []
    (message,) = caplog.messages
    assert " 0.80 s after" in message
    assert message.count("hard.tsv") == 1
    assert "1 of 8 labels ends" in message
    assert "line 9: only 0 to 3 s count of 'c', which lasts 3.50 s" in message
    assert "3 of 8 labels start" in message
    assert "line 7: " in message


def test_soft_rows_of_the_last_partial_second(data, caplog):
    rows = [*soft_rows(), *(f"{name}\t3\t4\t{label}\t1" for name in "ab" for label in ("car", "tap"))]
    problems = Problems()
    soft = write_rows(data / "soft.tsv", rows, SOFT)
    recordings, _, _ = infer_dataset(data / "audio", soft, "soft", dict.fromkeys(TABLES), problems)
    assert not list(problems)
    assert {one.duration_s for one in recordings.values()} == {3}
    assert "4 of 28 labels start" in caplog.text
    assert "in line 26" in caplog.text


@pytest.mark.parametrize("offset", ["4", "3.5"])
def test_windows_may_end_with_the_audio(data, caplog, offset):
    rows = [row.replace("\t0\t3\t", f"\t0\t{offset}\t") for row in opinion_rows()]
    problems = Problems()
    table = write_rows(data / "o.tsv", rows, OPINIONS)
    recordings, _, _ = infer_dataset(data / "audio", table, "opinions", dict.fromkeys(TABLES), problems)
    assert not list(problems)
    assert {one.duration_s for one in recordings.values()} == {3}
    assert "4 of 4 windows" in caplog.text
    assert f"line 2: 0 to {offset} s of 'a' becomes 0 to 3 s" in caplog.text


def test_link_without_a_file_is_one_problem(data):
    """A link to a missing file is the only problem, even if no recording has its name."""
    (data / "hard").mkdir()
    for name in NAMES:
        (data / f"hard/{name}.txt").write_text("0\t1\tcar\n")
    (data / "hard/z.txt").symlink_to("annex/z.txt")
    expect(found_in(data, "hard", data / "hard"), ("hard/z.txt", None, "no such file"))


def test_names_without_zeros_are_one_problem(tmp_path):
    (tmp_path / "audio").mkdir()
    for number in range(1, 6):
        soundfile.write(tmp_path / f"audio/{number:03}.wav", np.full(3500, 0.1), 1000)
    rows = [f"{number}\t0\t1\tcar" for number in range(1, 6)]
    expect(
        found_in(tmp_path, "hard", write_rows(tmp_path / "hard.tsv", rows, HARD)),
        ("hard.tsv", 2, "5 recordings are spelled differently", "'1' is '001' there"),
    )


def test_summary_of_one_is_singular():
    found = summarise("soft", {"a": Recording("a", "all", 60.0)}, ["car"], {"all": ["car"]})
    assert found == "no errors: 1 recording (1.0 min) in 1 scene, 1 class: car"


@pytest.mark.parametrize("kind", ["soft", "hard", "opinions"])
def test_names_of_files_name_recordings(data, kind):
    """DESED and DCASE name the file; names with folders, quotes and commas are the same."""
    header, rows = {
        "soft": (SOFT, soft_rows()),
        "hard": (HARD, hard_rows()),
        "opinions": (OPINIONS, opinion_rows()),
    }[kind]
    quoted = [",".join(f'"{cell}"' for cell in f"audio/{row[0]}.wav{row[1:]}".split("\t")) for row in rows]
    header = header.replace("recording", "filename").replace("label", "event_label").replace("\t", ",")
    assert found_in(data, kind, write_rows(data / "labels.csv", quoted, header)) == []


def test_other_spellings_are_named(data):
    rows = [*opinion_rows(), "a\t0\t3\t X \ttap\t1", "B\t0\t3\tz\ttap\t1", "a\t0\t3\tz\t'Tap'\t1"]
    expect(
        found_in(data, "opinions", write_rows(data / "o.tsv", rows, OPINIONS)),
        ("o.tsv", 18, "annotator 'X' is spelled 'x'", "line 2"),
        ("o.tsv", 19, "recording 'B' is spelled 'b'"),
        ("o.tsv", 20, "class \"'Tap'\" is spelled 'tap'", "line 3"),
    )
    rows = [f"{name}\t{scene}" for name, scene in zip(NAMES, ("yard", "Yard", "yard", "street"), strict=True)]
    scenes = write_rows(data / "recordings.tsv", rows, "recording\tscene")
    expect(
        found_in(data, "hard", write_rows(data / "hard.tsv", hard_rows(), HARD), recordings=scenes),
        ("recordings.tsv", 3, "scene 'Yard' is spelled 'yard'", "line 2"),
    )


def test_problems_of_opinions(data):
    rows = opinion_rows()
    rows[0] = "a\t0.5\t3\tx\tcar\t1"
    rows[1] = "a\t0\t3\tx\ttap\tyes"
    rows[5] = "b\t0\t5\tx\ttap\t1"
    rows[9] = "c\t0\t3\t\ttap\t1"
    rows[10] = "\t0\t3\tx\ttap\t1"
    rows.append("e\t0\t3\tx\tcar\t1")
    expect(
        found_in(data, "opinions", write_rows(data / "o.tsv", rows, OPINIONS)),
        ("o.tsv", 2, "'0.5' to '3'"),
        ("o.tsv", 3, "opinion is 'yes'"),
        ("o.tsv", 7, "ends at 5 s", "'b'", "3.50 s"),
        ("o.tsv", 11, "no annotator"),
        ("o.tsv", 12, "no recording"),
        ("o.tsv", 18, "no audio named 'e'"),
    )


def test_problems_of_audio_and_scenes(data):
    labels = write_rows(data / "soft.tsv", soft_rows(), SOFT)
    (data / "audio/text.wav").write_text("no audio")
    soundfile.write(data / "audio/short.wav", np.zeros(500), 1000)
    soundfile.write(data / "audio/my {name}.wav", np.zeros(3000), 1000)
    (data / "audio/a.wav").write_text("twice")
    rows = ["a\tyard", "b\tyard", "c\tyard", "e\tyard", "b\tstreet", "c\t"]
    scenes = write_rows(data / "recordings.tsv", rows, "recording\tscene")
    problems = Problems()
    infer_dataset(data / "audio", labels, "soft", dict.fromkeys(TABLES) | {"recordings": scenes}, problems)
    found = [str(error).replace(f"{data}/", "") for error in problems]
    for message in (
        "audio/a.wav: audio/a.flac has the same name except for its ending",
        "audio/text.wav: cannot be read as audio",
        "audio/short.wav: the recording lasts 0.50 s",
        "audio/my {name}.wav: ",
        "recordings.tsv, line 5: no audio named 'e'",
        "recordings.tsv, line 6: recording 'b' has the scene 'street', but the scene 'yard' in an earlier row",
        "recordings.tsv, line 7: recording 'c' has the scene ''",
        "recordings.tsv: no scene for the recordings 'd', 'short' and 1 more",
        "soft.tsv: no labels for the recordings 'short', 'text'",
    ):
        assert sum(line.startswith(message) for line in found) == 1, (message, found)


def test_truncated_audio_is_named(data):
    rng = np.random.default_rng(0)
    soundfile.write(data / "audio/d.flac", rng.normal(0, 0.1, 200_000), 1000)
    whole = (data / "audio/d.flac").read_bytes()
    (data / "audio/d.flac").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"d\.flac"):
        measure(data / "audio/d.flac")


def test_files_without_labels_are_problems(data):
    (data / "spaces.tsv").write_text("recording onset offset label\na 0 1 car\n")
    (data / "empty").mkdir()
    for kind, name, line, part in (
        ("hard", "spaces.tsv", 1, "['recording onset offset label']"),
        ("soft", "empty", None, "no .txt file"),
        ("soft", "nowhere.tsv", None, "no such file"),
    ):
        (found,) = found_in(data, kind, data / name)  # recordings without labels are a consequence
        assert found[:2] == (name, line)
        assert part in found[2]


@pytest.mark.parametrize(
    ("kind", "spell", "remedy"),
    [
        ("soft", "{}_take", "Correct the names"),
        ("hard", "audio of {}", "Correct the names"),
        ("opinions", " {} -x", "Correct the names"),
    ],
)
def test_names_without_any_match_are_one_problem(data, kind, spell, remedy):
    """One cause, such as an ending or the wrong folder, is one problem with two names of each side."""
    formats = {"soft": (SOFT, soft_rows()), "hard": (HARD, hard_rows()), "opinions": (OPINIONS, opinion_rows())}
    header, rows = formats[kind]
    renamed = [spell.format(row[0]) + row[1:] for row in rows]
    problems = Problems()
    table = write_rows(data / "table.tsv", renamed, header)
    infer_dataset(data / "audio", table, kind, dict.fromkeys(TABLES), problems)
    (error,) = problems.found["names"]
    assert "no audio" not in problems.found
    assert "no labels" not in problems.found
    assert (error.file, error.line) == (table, 2)
    first, second = (repr(spell.format(name).strip()) for name in "ab")
    assert f"contains 'a', 'b' and 2 more; the labels are for {first}, {second} and 2 more" in error.problem
    assert remedy in error.remedy


def test_some_unmatched_names_are_one_problem_per_side(data):
    rows = [row for row in soft_rows() if row[0] != "d"] + [f"{name}\t0\t1\tcar\t0.5" for name in ("w", "x", "y")]
    problems = Problems()
    infer_dataset(data / "audio", write_rows(data / "s.tsv", rows, SOFT), "soft", dict.fromkeys(TABLES), problems)
    (extra,), (bare,) = problems.found["no audio"], problems.found["no labels"]
    assert extra.problem.startswith("no audio named 'w', 'x' and 1 more in ")
    assert extra.line == 20
    assert bare.problem.startswith("no labels for the recording 'd' of ")


def test_scenes_table_must_list_labelled_classes(data):
    labels = write_rows(data / "soft.tsv", soft_rows(), SOFT)
    scenes = write_rows(data / "scenes.tsv", ["all\tcar"], "scene\tclass")
    expect(found_in(data, "soft", labels, scenes=scenes), ("scenes.tsv", None, "['tap']", "'all'"))
