"""Checks of a dataset: each problem is found with its place, all at once."""

import numpy as np
import pytest
import soundfile
from support.dataset import NAMES, hard_rows, opinion_rows, soft_rows
from support.tsv import HARD, OPINIONS, SOFT, write_rows

from softsed.core.audio import measure
from softsed.core.errors import InputError, Problems
from softsed.core.options import TABLES
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
    rows[12] = "c\tzero\t1\tcar\t0.1"
    rows += ["d\t0\t1\tcar\t0.3", "d\t3\t4\tcar\t0.3", "attic\t0\t1\tcar\t0.1"]
    found = found_in(data, "soft", write_rows(data / "soft.tsv", rows, SOFT))
    expect(
        found,
        ("soft.tsv", 4, "'Car' is spelled 'car' in soft.tsv, line 2"),
        ("soft.tsv", 6, "value '1.2'"),
        ("soft.tsv", 8, "offset '1.5'"),
        ("soft.tsv", 9, "4 tab-separated fields"),
        ("soft.tsv", 14, "onset 'zero'"),
        ("soft.tsv", 26, "'car' at 0 s", "line 20"),
        ("soft.tsv", 27, "from 3 to 4 s", "'d' lasts 3.50 s (3 whole seconds)"),
        ("soft.tsv", 28, "'attic'"),
        ("soft.tsv", 2, "2 of 3 s of 'car' in 'a'", "1 s"),
        ("soft.tsv", 2, "2 of 3 s of 'Car' in 'a'", "0 s"),
        ("soft.tsv", 10, "1 of 3 s of 'car' in 'b'", "0 s"),
        ("soft.tsv", 10, "1 of 3 s of 'tap' in 'b'", "0 s"),
        ("soft.tsv", 15, "1 of 3 s of 'car' in 'c'", "0 s"),
        ("soft.tsv", 20, "1 of 4 s of 'tap' in 'd'", "3 s"),
    )


def test_problems_of_hard_labels(data):
    rows = ["a\t0\t1.5\tdog_barking", "a\t2\t3.5\tdog barking", "c\t0\t9\tcar", "d\t0\t1\t "]
    classes = write_rows(data / "classes.tsv", ["car"], "class")
    found = found_in(data, "hard", write_rows(data / "hard.tsv", rows, HARD), classes=classes)
    expect(
        found,
        ("hard.tsv", 5, "label ''"),
        ("hard.tsv", None, "'b'"),
        ("hard.tsv", 2, "unknown class 'dog_barking'"),
        ("hard.tsv", 3, "'dog barking' is spelled 'dog_barking' in hard.tsv, line 2"),
        ("hard.tsv", 4, "from 0 to 9 s", "'c' lasts 3.50 s (3 whole seconds)"),
    )


def test_events_after_last_whole_second_are_problems(data):
    """They would be lost: a recording of 3.5 s has labels for 3 s."""
    rows = [*hard_rows(), "a\t3.6\t3.9\tcar", "b\t3\t3.5\tcar", "c\t2.9\t4\tcar"]
    expect(
        found_in(data, "hard", write_rows(data / "hard.tsv", rows, HARD)),
        ("hard.tsv", 7, "from 3.6 to 3.9 s", "'a'"),
        ("hard.tsv", 8, "from 3 to 3.5 s", "'b'"),
    )


def test_problems_of_opinions(data):
    rows = opinion_rows()
    rows[0] = "a\t0\t3.5\tx\tcar\t1"
    rows[1] = "a\t0\t3\tx\ttap\tyes"
    rows[5] = "b\t0\t4\tx\ttap\t1"
    rows[9] = "c\t0\t3\t\ttap\t1"
    rows.append("e\t0\t3\tx\tcar\t1")
    expect(
        found_in(data, "opinions", write_rows(data / "o.tsv", rows, OPINIONS)),
        ("o.tsv", 2, "'0' to '3.5'"),
        ("o.tsv", 3, "opinion is 'yes'"),
        ("o.tsv", 7, "up to 4 s", "'b'", "3.50 s"),
        ("o.tsv", 11, "no annotator"),
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
        "audio/short.wav: lasts 0.50 s",
        "audio/my {name}.wav: ",
        "recordings.tsv, line 5: no audio named 'e'",
        "recordings.tsv, line 6: scene of 'b' is 'street', but 'yard' before",
        "recordings.tsv, line 7: scene of 'c' is ''",
        "recordings.tsv: no scene of the recording 'd'",
        "soft.tsv: no labels of the recording 'short'",
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
    (data / "comma.tsv").write_text("recording,onset,offset,label\na,0,1,car\n")
    (data / "empty").mkdir()
    for kind, name, line, part in (
        ("hard", "comma.tsv", 1, "['recording,onset,offset,label']"),
        ("soft", "empty", None, "no .txt file"),
        ("soft", "nowhere.tsv", None, "cannot be read as text"),
    ):
        first, *others = found_in(data, kind, data / name)
        assert first[:2] == (name, line)
        assert part in first[2]
        assert [one[0] for one in others] == [name] * len(NAMES)  # no labels of the recordings


def test_scenes_table_must_list_labelled_classes(data):
    labels = write_rows(data / "soft.tsv", soft_rows(), SOFT)
    scenes = write_rows(data / "scenes.tsv", ["all\tcar"], "scene\tclass")
    expect(found_in(data, "soft", labels, scenes=scenes), ("scenes.tsv", None, "['tap']", "'all'"))
