"""A dataset of one's own: every mistake is found, with its line, all at once; a good one becomes tables."""

import numpy as np
import pytest
import soundfile

from softsed import cli
from softsed.core.audio import measure
from softsed.core.errors import InputError
from softsed.core.labels import read_soft
from softsed.core.metadata import read_asked, read_classes
from softsed.labels.adopt import Problems, adopt, read_labels
from softsed.labels.adopt import main as take_over
from softsed.planning import validate

NAMES = ("a", "b", "c", "d")
SOFT = "recording\tonset\toffset\tlabel\tvalue"
HARD = "recording\tonset\toffset\tlabel"
OPINIONS = "recording\tonset\toffset\tannotator\tclass\topinion"


@pytest.fixture
def data(tmp_path):
    """Four recordings of 3.5 s."""
    (tmp_path / "audio").mkdir()
    for name in NAMES:
        soundfile.write(tmp_path / "audio" / f"{name}.flac", np.full(3500, 0.1), 1000)
    return tmp_path


def soft_rows(labels=("car", "tap"), seconds=3):
    return [f"{n}\t{t}\t{t + 1}\t{label}\t0.{t + 1}" for n in NAMES for t in range(seconds) for label in labels]


def hard_rows():
    return ["a\t0\t1.5\tcar", "a\t2\t3.5\ttap", "b\t\t\t", "c\t1\t2\tcar", "d\t0.2\t3\ttap"]


def opinion_rows():
    return [f"{n}\t0\t3\t{who}\t{label}\t1" for n in NAMES for who in "xy" for label in ("car", "tap")]


def write(path, header, rows):
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def problems(data, kind, labels, *, folds=2, **tables):
    """The lines of the message about a dataset, without paths before the names of files."""
    tables = {name: tables.get(name) for name in validate.TABLES}
    with pytest.raises(InputError) as caught:
        validate.check(data / "audio", labels, kind, tables, folds=folds, validation=0.5)
    first, *lines = str(caught.value).replace(f"{data}/", "").splitlines()
    assert first == f"{len(lines)} problem(s) in the dataset:"
    return lines


@pytest.mark.parametrize(
    ("kind", "header", "rows"),
    [("soft", SOFT, soft_rows()), ("hard", HARD, hard_rows()), ("opinions", OPINIONS, opinion_rows())],
)
def test_good_ones_become_tables(data, kind, header, rows):
    labels = write(data / "labels.tsv", header, rows)
    command = ["check", "--audio", str(data / "audio"), f"--{kind}", str(labels), "--folds", "2", "--validation", "0.5"]
    assert cli.main([*command, "--tables", str(data)]) == 0
    classes = read_classes(data / "classes.tsv")
    assert classes == ["car", "tap"]
    recordings, asked = read_asked(data / "recordings.tsv", data / "scenes.tsv", classes)
    assert tuple(recordings) == NAMES
    assert {one.duration_s for one in recordings.values()} == {3.5 if kind == "hard" else 3}
    assert asked == {"asked_1" if kind == "opinions" else "all": classes}


def test_all_that_is_wrong_with_soft_labels(data):
    rows = soft_rows()
    rows[2] = "a\t1\t2\tCar\t0.2"  # the same name in another spelling, and a second of 'car' less
    rows[4] = "a\t2\t3\tcar\t1.2"
    rows[6] = "b\t0\t1.5\tcar\t0.1"
    rows[7] = "b\t0\t1\ttap"
    rows[12] = "c\tzero\t1\tcar\t0.1"
    rows += ["d\t0\t1\tcar\t0.3", "d\t3\t4\tcar\t0.3", "attic\t0\t1\tcar\t0.1"]
    found = problems(data, "soft", write(data / "soft.tsv", SOFT, rows))
    for message in (
        "soft.tsv, line 4: class 'Car' is 'car' in",
        "soft.tsv, line 6: the soft label is 1.2; expected a value from 0 to 1",
        "soft.tsv, line 8: from 0 to 1.5 s; expected one whole second a row",
        "soft.tsv, line 9: 3 fields after the recording, expected onset offset label value",
        "soft.tsv, line 14: expected numbers, got ['zero', '1', 'car', '0.1']",
        "soft.tsv, line 26: 'car' at 0 s again, as in",
        "soft.tsv, line 27: from 3 to 4 s, but the recording 'd' lasts 3.50 s (3 whole seconds)",
        "soft.tsv, line 28: no audio named 'attic'",
        "soft.tsv, line 2 on: 2 of 3 s of 'car' in 'a' have no row, first 1 s; write zeros out, too",
    ):
        assert any(line.startswith(message) for line in found), message


def test_all_that_is_wrong_with_hard_labels(data):
    rows = ["a\t0\t1.5\tdog_barking", "a\t2\t3.5\tdog barking", "b\t1\t1\tcar", "c\t0\t9\tcar", "d\t0\t1\t "]
    del rows[2]
    classes = write(data / "classes.tsv", "class", ["car"])
    found = problems(data, "hard", write(data / "hard.tsv", HARD, rows), classes=classes)
    assert found == [
        "hard.tsv, line 5: no label; write the name of the class",
        "hard.tsv: no labels of the recording 'b'; add them or leave the audio out",
        "hard.tsv, line 2: unknown class 'dog_barking'; known are ['car']; correct or add it",
        "hard.tsv, line 3: class 'dog barking' is 'dog_barking' in hard.tsv, line 2; write one of them everywhere",
        "hard.tsv, line 4: from 0 to 9 s, but the recording 'c' lasts 3.50 s (3 whole seconds); correct or leave out",
    ]


def test_events_after_the_last_whole_second_are_named_since_they_would_be_lost(data):
    rows = [*hard_rows(), "a\t3.6\t3.9\tcar", "b\t3\t3.5\tcar", "c\t2.9\t4\tcar"]
    assert problems(data, "hard", write(data / "hard.tsv", HARD, rows)) == [
        f"hard.tsv, line {line}: from {span} s, but the recording {name!r} lasts 3.50 s (3 whole seconds); "
        "correct or leave out"
        for line, span, name in ((7, "3.6 to 3.9", "a"), (8, "3 to 3.5", "b"))
    ]


def test_all_that_is_wrong_with_opinions(data):
    rows = opinion_rows()
    rows[0] = "a\t0\t3.5\tx\tcar\t1"
    rows[1] = "a\t0\t3\tx\ttap\tyes"
    rows[5] = "b\t0\t4\tx\ttap\t1"
    rows[9] = "c\t0\t3\t\ttap\t1"
    rows.append("e\t0\t3\tx\tcar\t1")
    found = problems(data, "opinions", write(data / "opinions.tsv", OPINIONS, rows))
    for message in (
        "opinions.tsv, line 2: window from '0' to '3.5'; expected whole seconds",
        "opinions.tsv, line 3: the opinion is 'yes'; expected 0 or 1",
        "opinions.tsv, line 7: window up to 4 s, but the recording 'b' lasts 3.50 s",
        "opinions.tsv, line 11: annotator and class need a name",
        "opinions.tsv, line 18: no audio named 'e'",
    ):
        assert any(line.startswith(message) for line in found), message
    # What only the whole shows: a second nobody was asked about.
    found = problems(
        data, "opinions", write(data / "o.tsv", OPINIONS, [row.replace("\t0\t", "\t1\t") for row in opinion_rows()])
    )
    assert "recording 'a', second 0 to 1: no opinion" in found[0]


def test_audio_scenes_and_folds(data):
    labels = write(data / "soft.tsv", SOFT, soft_rows())
    (data / "audio/text.wav").write_text("no audio")
    soundfile.write(data / "audio/short.wav", np.zeros(500), 1000)
    soundfile.write(data / "audio/my name.wav", np.zeros(3000), 1000)
    (data / "audio/a.wav").write_text("twice")
    scenes = write(data / "recordings.tsv", "recording\tscene", ["a\tyard", "b\tyard", "c\tyard", "e\tyard"])
    found = problems(data, "soft", labels, recordings=scenes, folds=3)
    for message in (
        "audio/a.wav: audio/a.flac has the same name but for its ending; rename one",
        "audio/text.wav: cannot be read as audio",
        "audio/short.wav: lasts 0.50 s, expected 1 s or more",
        "audio/my name.wav: rename it with letters",
        "recordings.tsv, line 5: no audio named 'e'",
        "recordings.tsv: no scene of the recording 'd'; add a row",
        "soft.tsv: no labels of the recording 'my name'",
    ):
        assert any(line.startswith(message) for line in found), message
    for name in ("text.wav", "short.wav", "my name.wav", "a.wav"):
        (data / "audio" / name).unlink()
    assert problems(data, "soft", labels, folds=5) == [
        "scene 'all' has 4 recordings, too few for 5 folds, each of which tests one or more: add recordings, lower "
        "`folds: number:` in the config, or merge scenes (one scene: leave `recordings` out)"
    ]
    rng = np.random.default_rng(0)
    soundfile.write(data / "audio/d.flac", rng.normal(0, 0.1, 200_000), 1000)
    whole = (data / "audio/d.flac").read_bytes()
    (data / "audio/d.flac").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"d\.flac"):
        measure(data / "audio/d.flac")


def test_a_table_that_is_none_and_a_folder_without_labels(data):
    (data / "comma.tsv").write_text("recording,onset,offset,label\na,0,1,car\n")
    assert (
        "comma.tsv, line 1: the columns are ['recording,onset,offset,label']"
        in problems(data, "hard", data / "comma.tsv")[0]
    )
    (data / "empty").mkdir()
    assert "no file RECORDING.txt" in problems(data, "soft", data / "empty")[0]
    assert "cannot be read as text" in problems(data, "soft", data / "nowhere.tsv")[0]


def test_of_very_many_mistakes_the_first_are_shown(data):
    rows = [row.replace("0.", "7.") for row in soft_rows()]
    labels = write(data / "soft.tsv", SOFT, rows)
    with pytest.raises(InputError) as caught:
        validate.check(data / "audio", labels, "soft", dict.fromkeys(validate.TABLES), folds=2, validation=0.5)
    assert "24 problem(s)" in str(caught.value)
    assert "... and 14 more of this kind (values)" in str(caught.value)


def test_folders_of_text(data):
    """Zeros are left out in soft text, an empty file is a recording without events, part of a second is all of it."""
    for name in ("soft", "hard"):
        (data / name).mkdir()
        for recording in NAMES:
            (data / name / f"{recording}.txt").touch()
    (data / "soft/a.txt").write_text("1\t2\tcar\t0.25\n0\t1\ttap\t1.000000031\n")
    (data / "hard/a.txt").write_text("0.5\t1.2\tcar\n2.9\t3.5\ttap\n")
    expected = {"soft": [[0, 1], [0.25, 0], [0, 0]], "hard": [[1, 0], [1, 0], [0, 1]]}
    for kind, values in expected.items():
        validate.main(
            [
                "--audio",
                str(data / "audio"),
                f"--{kind}",
                str(data / kind),
                "--folds",
                "2",
                "--validation",
                "0.5",
                "--tables",
                str(data),
            ]
        )
        tables = [text for name in validate.TABLES for text in (f"--{name}", str(data / f"{name}.tsv"))]
        take_over(["--kind", kind, "--labels", str(data / kind), *tables, "--soft", str(data / "out.tsv")])
        found = read_soft(data / "out.tsv", ["car", "tap"])
        np.testing.assert_array_equal(found["a"], values)
        assert all(not found[name].any() and found[name].shape == (3, 2) for name in "bcd")


def test_a_soft_table_tells_itself_what_was_asked(data):
    rows = [row for row in soft_rows() if not (row.startswith("b") and "tap" in row)]
    labels = write(data / "soft.tsv", SOFT, rows)
    recordings, classes, asked = validate.check(
        data / "audio", labels, "soft", dict.fromkeys(validate.TABLES), folds=2, validation=0.5
    )
    found = adopt(read_labels(labels, "soft", Problems()), recordings, asked, classes)
    assert np.isnan(found["b"][:, 1]).all()
    np.testing.assert_allclose(found["a"], [[0.1, 0.1], [0.2, 0.2], [0.3, 0.3]])


@pytest.mark.parametrize("kind", ["soft", "hard"])
def test_classes_of_the_table_that_never_come_up_were_asked(data, kind):
    """In labels without zeros nothing else can be meant; a table of scenes says it otherwise, a scene at a time."""
    (data / "text").mkdir()
    for name in NAMES:
        (data / f"text/{name}.txt").touch()
    (data / "text/a.txt").write_text("1\t2\tcar\t0.25\n" if kind == "soft" else "1\t2\tcar\n")
    tables = dict.fromkeys(validate.TABLES) | {"classes": write(data / "classes.tsv", "class", ["wind", "car", "tap"])}

    def examined():
        recordings, classes, asked = validate.check(
            data / "audio", data / "text", kind, tables, folds=0, validation=0.5
        )
        assert classes == ["wind", "car", "tap"]
        return asked, adopt(read_labels(data / "text", kind, Problems()), recordings, asked, classes)

    asked, found = examined()
    assert asked == {"all": ["wind", "car", "tap"]}
    np.testing.assert_array_equal(found["a"], [[0, 0, 0], [0, 0.25 if kind == "soft" else 1, 0], [0, 0, 0]])
    assert not found["b"].any()
    scenes = [f"{name}\t{scene}" for name, scene in zip(NAMES, ("street", "street", "home", "home"), strict=True)]
    tables["recordings"] = write(data / "recordings.tsv", "recording\tscene", scenes)
    tables["scenes"] = write(data / "scenes.tsv", "scene\tclass", ["street\tcar", "street\twind", "home\ttap"])
    asked, found = examined()
    assert asked == {"street": ["wind", "car"], "home": ["tap"]}
    assert np.isnan(found["a"][:, 2]).all()
    assert np.isnan(found["c"][:, :2]).all()


def test_a_table_of_scenes_must_hold_what_has_labels(data):
    labels = write(data / "soft.tsv", SOFT, soft_rows())
    scenes = write(data / "scenes.tsv", "scene\tclass", ["all\tcar"])
    assert problems(data, "soft", labels, scenes=scenes) == [
        "scenes.tsv: ['tap'] have labels in the scene 'all'; add them there or correct these"
    ]


def test_the_command_exits_with_1(data, capsys):
    labels = write(data / "soft.tsv", SOFT, soft_rows())
    assert cli.main(["check", "--audio", str(data / "audio"), "--soft", str(labels)]) == 1
    assert "too few for 5 folds" in capsys.readouterr().err


def test_a_recording_that_is_no_longer_here_is_named_though_the_dataset_was_checked_before(data):
    labels = write(data / "labels.tsv", SOFT, soft_rows())
    main = ["check", "--audio", str(data / "audio"), "--soft", str(labels), "--folds", "2", "--tables", str(data)]
    assert cli.main(main) == 0
    again = {"audio": data / "audio", "labels": labels, "kind": "soft", "tables": dict.fromkeys(validate.TABLES)}
    again |= {"folds": 2, "validation": 0.25, "evaluated": "all"}
    validate.check_before(data / "recordings.tsv", **again)
    (data / "audio/e.wav").symlink_to("annex/e.wav")
    with pytest.raises(InputError, match=r"e\.wav: a link to a file that is not here"):
        validate.check_before(data / "recordings.tsv", **again)
