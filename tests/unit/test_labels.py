"""Events and the two text formats."""

import numpy as np
import pytest

from softsed import labels
from softsed.classes import Recording
from softsed.crowd import Opinions, soft_labels
from softsed.errors import InputError
from softsed.labels import (
    Event,
    harden,
    rasterise,
    read_events,
    read_published,
    read_soft,
    to_events,
    write_events,
    write_soft,
)

CLASSES = ["birds_singing", "door opens/closes", "people talking"]

pytestmark = pytest.mark.filterwarnings("error")


def random_soft(seed, seconds=40):
    values = np.random.default_rng(seed).uniform(size=(seconds, 3))
    values[values < 0.3] = 0
    return values


def test_harden_is_strictly_above():
    soft = np.array([[0.5, 0.500001, np.nan], [0, 1, np.nan]])
    np.testing.assert_array_equal(harden(soft, 0.5), [[False, True, False], [False, True, False]])


def test_harden_with_a_threshold_for_each_class_where_nan_detects_nothing():
    soft = np.array([[0.2, 0.2, 1.0]])
    np.testing.assert_array_equal(harden(soft, np.array([0.1, 0.3, np.nan])), [[True, False, False]])


def test_events_merge_contiguous_seconds_up_to_both_ends():
    active = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 0], [1, 0, 0]], dtype=bool)
    expected = [Event(0, 2, "birds_singing"), Event(1, 3, "door opens/closes"), Event(3, 4, "birds_singing")]
    assert to_events(active, CLASSES) == expected


def test_events_sort_by_onset_then_by_class():
    active = np.array([[0, 1, 1], [1, 0, 1]], dtype=bool)
    order = [(event.onset, event.label) for event in to_events(active, CLASSES)]
    assert order == [(0, "door opens/closes"), (0, "people talking"), (1, "birds_singing")]


@pytest.mark.parametrize("seconds", [0, 1, 7])
def test_nothing_active_is_no_event(seconds):
    assert to_events(np.zeros((seconds, 3), dtype=bool), CLASSES) == []


@pytest.mark.parametrize("seed", range(5))
def test_events_and_matrix_are_inverse(seed):
    active = np.random.default_rng(seed).uniform(size=(60, 3)) < 0.5
    np.testing.assert_array_equal(rasterise(to_events(active, CLASSES), CLASSES, 60), active)


def test_rasterise_rounds_onset_down_and_offset_up():
    """As sed_eval does on its 1-s grid: every second that an event touches is active."""
    active = rasterise([Event(0.9, 1.1, CLASSES[0]), Event(2.0, 3.0, CLASSES[1])], CLASSES, 4)
    np.testing.assert_array_equal(active[:, 0], [True, True, False, False])
    np.testing.assert_array_equal(active[:, 1], [False, False, True, False])


@pytest.mark.parametrize("seed", range(3))
def test_soft_labels_survive_writing_and_reading(tmp_path, seed):
    values = random_soft(seed)
    values[:, 1] = np.nan
    write_soft(tmp_path / "a.txt", values, CLASSES)
    np.testing.assert_allclose(read_soft(tmp_path / "a.txt", CLASSES), values, atol=5e-7)  # 6 decimals


def test_a_class_asked_and_never_heard_stays_zero_not_nan(tmp_path):
    write_soft(tmp_path / "a.txt", np.array([[0.0, np.nan, 0.25]]), CLASSES)
    text = (tmp_path / "a.txt").read_text(encoding="utf-8")
    assert text == "0\t1\tbirds_singing\t0.000000\n0\t1\tpeople talking\t0.250000\n"
    np.testing.assert_array_equal(read_soft(tmp_path / "a.txt", CLASSES), [[0, np.nan, 0.25]])


def test_events_survive_writing_and_reading(tmp_path):
    events = to_events(harden(random_soft(4, seconds=300), 0.6), CLASSES)
    write_events(tmp_path / "a.txt", events)
    assert read_events(tmp_path / "a.txt", CLASSES) == events


def test_hard_format_is_whole_seconds(tmp_path):
    write_events(tmp_path / "a.txt", [Event(2, 11, "people talking")])
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == "2\t11\tpeople talking\n"


def test_an_empty_file_is_a_recording_without_events(tmp_path):
    write_events(tmp_path / "a.txt", [])
    assert read_events(tmp_path / "a.txt", CLASSES) == []


def test_published_rows_that_are_missing_are_zero_where_asked(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"\xef\xbb\xbf1\t2\tpeople talking\t1.000000031\r\n\r\n0.0\t1.0\tpeople talking\t0.25\r\n")
    values = read_published(path, CLASSES, asked=["birds_singing", "people talking"], seconds=3)
    np.testing.assert_array_equal(values, [[0, np.nan, 0.25], [0, np.nan, 1], [0, np.nan, 0]])


def test_published_file_without_rows_is_silence(tmp_path):
    (tmp_path / "a.txt").touch()
    values = read_published(tmp_path / "a.txt", CLASSES, asked=CLASSES[:1], seconds=2)
    np.testing.assert_array_equal(values, [[0, np.nan, np.nan]] * 2)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("1\t2\tpeople talking", "expected 4 tab-separated fields"),
        ("1 2 people 0.5", "expected 4 tab-separated fields"),
        ("1\t2\tpeople_talking\t0.5", "unknown class 'people_talking'"),
        ("1\t2\tdoor opens/closes\t0.5", "was not asked in this scene"),
        ("1\tx\tpeople talking\t0.5", "must be seconds"),
        ("2\t1\tpeople talking\t0.5", "expected 0 <= onset < offset"),
        ("-1\t0\tpeople talking\t0.5", "expected 0 <= onset < offset"),
        ("nan\t1\tpeople talking\t0.5", "expected 0 <= onset < offset"),
        ("1\t3\tpeople talking\t0.5", "one whole second"),
        ("0.5\t1.5\tpeople talking\t0.5", "one whole second"),
        ("3\t4\tpeople talking\t0.5", "beyond the 3 s"),
        ("1\t2\tpeople talking\t1.00001", "soft label in 0..1, got '1.00001'"),
        ("1\t2\tpeople talking\t-0.1", "soft label in 0..1"),
        ("1\t2\tpeople talking\tnan", "soft label in 0..1"),
        ("1\t2\tpeople talking\tloud", "soft label in 0..1, got 'loud'"),
        ("0\t1\tpeople talking\t0.5", "given twice"),
    ],
)
def test_errors_in_published_labels_name_file_and_line(tmp_path, line, message):
    path = tmp_path / "cafe.txt"
    path.write_text(f"0\t1\tpeople talking\t0.5\n{line}\n", encoding="utf-8")
    with pytest.raises(InputError, match=rf"cafe\.txt, line 2: .*{message}"):
        read_published(path, CLASSES, asked=["birds_singing", "people talking"], seconds=3)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no soft label"),
        ("0\t1\tbirds_singing\t0\n1\t2\tbirds_singing\t0\n0\t1\tpeople talking\t1\n", "3 rows for 2 s and 2 classes"),
        ("0\t1\tbirds_singing\t0\n0\t1\tbirds_singing\t0\n1\t2\tpeople talking\t1\n1\t2\tpeople talking\t1\n", "twice"),
    ],
)
def test_own_soft_labels_must_be_complete(tmp_path, text, message):
    (tmp_path / "cafe.txt").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=rf"cafe\.txt.*{message}"):
        read_soft(tmp_path / "cafe.txt", CLASSES)


def test_errors_in_hard_labels_name_file_and_line(tmp_path):
    (tmp_path / "cafe.txt").write_text("0\t1\tbirds_singing\n0\t1\tbirds\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"cafe\.txt, line 2: unknown class 'birds'"):
        read_events(tmp_path / "cafe.txt", CLASSES)


def test_a_missing_file_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match=r"none\.txt: cannot be read"):
        read_events(tmp_path / "none.txt", CLASSES)


@pytest.mark.parametrize("length", [1, 2, 5, 12])
def test_windows_dilate_events_by_8_seconds(length):
    """10-s windows every second and perfect annotators: an event of 1 s becomes a hard label of 9 s.

    A window is ticked when it touches the event. Second s is covered by the windows that start at s - 9..s; more than
    half of them touch the event up to 4 s before its first and after its last second.
    """
    seconds, onset = 60, 25
    starts = np.arange(seconds - 9)
    touches = (starts < onset + length) & (starts + 10 > onset)
    zeros = np.zeros(len(starts), dtype=int)
    opinions = Opinions(
        recording=np.full(len(starts), "p1"),
        onset=starts,
        offset=starts + 10,
        annotators=["A"],
        classes=["birds"],
        window=np.arange(len(starts)),
        annotator=zeros,
        label=zeros,
        opinion=touches.astype(int),
    )
    table = {"p1": Recording("p1", "park", 60.4)}
    soft = soft_labels(opinions, np.ones(1), recordings=table, asked={"park": ["birds"]})["p1"]
    assert to_events(harden(soft, 0.5), ["birds"]) == [Event(onset - 4, onset + length + 4, "birds")]


def tables(tmp_path):
    texts = {
        "recordings": "recording\tscene\tduration_s\nr1\tpark\t3.9\nr2\tpark\t2.0\n",
        "classes": "class\tevaluated\n" + "".join(f"{name}\tyes\n" for name in CLASSES),
        "scenes": "scene\tclass\npark\tbirds_singing\npark\tpeople talking\n",
    }
    for name, text in texts.items():
        (tmp_path / f"{name}.tsv").write_text(text, encoding="utf-8")
    for folder in ("published", "soft", "hard"):
        (tmp_path / folder).mkdir()
    return {name: str(tmp_path / f"{name}.tsv") for name in texts}


def test_command_adopts_published_labels_and_hardens_them(tmp_path):
    table = tables(tmp_path)
    (tmp_path / "published/r1.txt").write_text("1\t2\tpeople talking\t0.75\n2\t3\tpeople talking\t0.6\n", "utf-8")
    (tmp_path / "published/r2.txt").touch()
    common = ["--recordings", table["recordings"], "--classes", table["classes"], "--soft", str(tmp_path / "soft")]
    labels.main(["adopt", *common, "--scenes", table["scenes"], "--published", str(tmp_path / "published")])
    np.testing.assert_array_equal(
        read_soft(tmp_path / "soft/r1.txt", CLASSES), [[0, np.nan, 0], [0, np.nan, 0.75], [0, np.nan, 0.6]]
    )
    np.testing.assert_array_equal(read_soft(tmp_path / "soft/r2.txt", CLASSES), [[0, np.nan, 0]] * 2)
    harden_ = ["harden", *common, "--hard", str(tmp_path / "hard"), "--thresholds", str(tmp_path / "thresholds.tsv")]
    labels.main([*harden_, "--threshold", "0.5"])
    assert (tmp_path / "hard/r1.txt").read_text(encoding="utf-8") == "1\t3\tpeople talking\n"
    assert (tmp_path / "hard/r2.txt").read_text(encoding="utf-8") == ""
    fixed = "class\tthreshold\n" + "".join(f"{name}\t0.5\n" for name in CLASSES)
    assert (tmp_path / "thresholds.tsv").read_text(encoding="utf-8") == fixed
    with pytest.raises(InputError, match="threshold 'half': expected a number or 'expected_f1'"):
        labels.main([*harden_, "--threshold", "half"])
    write_soft(tmp_path / "soft/r2.txt", np.zeros((1, 3)), CLASSES)
    with pytest.raises(InputError, match=r"r2\.txt: 1 s of labels, expected 2 s as in .*recordings\.tsv"):
        labels.main([*harden_, "--threshold", "0.5"])


def test_command_finds_the_threshold_of_the_highest_expected_f1(tmp_path):
    """People: .9, .6, 0 and .1, .4, mass 2. Two active give F = 3 / 4, three 3.8 / 5 = .76, four 4 / 6: t = .38."""
    table = tables(tmp_path)
    write_soft(tmp_path / "soft/r1.txt", np.array([[0, np.nan, 0.9], [0, np.nan, 0.6], [0, np.nan, 0]]), CLASSES)
    write_soft(tmp_path / "soft/r2.txt", np.array([[0, np.nan, 0.1], [0, np.nan, 0.4]]), CLASSES)
    labels.main(
        [
            *("harden", "--recordings", table["recordings"], "--classes", table["classes"]),
            *("--soft", str(tmp_path / "soft"), "--hard", str(tmp_path / "hard")),
            *("--threshold", "expected_f1", "--thresholds", str(tmp_path / "thresholds.tsv")),
        ]
    )
    found = (tmp_path / "thresholds.tsv").read_text(encoding="utf-8")
    assert found == "class\tthreshold\nbirds_singing\t1\ndoor opens/closes\t1\npeople talking\t0.38\n"
    assert (tmp_path / "hard/r1.txt").read_text(encoding="utf-8") == "0\t2\tpeople talking\n"
    assert (tmp_path / "hard/r2.txt").read_text(encoding="utf-8") == "1\t2\tpeople talking\n"
