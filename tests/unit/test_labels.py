"""Thresholds, events and the two text formats."""

import csv
import statistics

import numpy as np
import pytest
from conftest import SHARED

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
    trimmed_midrange,
    write_events,
    write_soft,
)

REAL = SHARED / "maestro_real" / "soft_labels.tsv"
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


def test_trimmed_midrange_by_hand():
    """Values .1 to 1.1 in steps of .1: P10 = .2 and P90 = 1.0 lie on values, and their mean is .6.

    One outlier instead of the largest value moves the 0 % midrange but not the trimmed one.
    """
    column = np.arange(1, 12) / 10
    np.testing.assert_allclose(trimmed_midrange([column[:, None]], 10), [0.6])
    outlier = np.where(column == 1.1, 50.0, column)[:, None]
    np.testing.assert_allclose(trimmed_midrange([outlier], 10), [0.6])
    np.testing.assert_allclose(trimmed_midrange([outlier], 0), [25.05])


def test_trimmed_midrange_takes_listed_values_of_all_recordings():
    """Zeros (not listed as published) and nan (not asked) do not count; recordings are pooled, not averaged."""
    first = np.array([[0.2, 0.0], [0.0, 0.0], [0.4, 0.0]])
    second = np.array([[0.6, np.nan], [0.8, np.nan], [1.0, np.nan]])
    # .2 .4 .6 .8 1: P25 = .4, P75 = .8. Nothing is listed for the second class.
    np.testing.assert_allclose(trimmed_midrange([first, second], 25), [0.6, np.nan])
    np.testing.assert_allclose(trimmed_midrange([second, first], 25), [0.6, np.nan])


@pytest.mark.skipif(not REAL.is_file(), reason="published labels of MAESTRO Real are not beside the repository")
def test_trimmed_midrange_of_25_real_recordings_equals_percentiles_of_the_standard_library():
    """Deciles of the listed values, those above zero: P10 and P90 are the first and the last of nine cuts."""
    matrices: dict[str, list[list[float]]] = {}
    with REAL.open(encoding="utf-8", newline="") as file:
        for name, _, _, *values in list(csv.reader(file, delimiter="\t"))[1:]:
            matrices.setdefault(name, []).append([float(value) for value in values])
    assert len(matrices) == 25
    expected = []
    for column in zip(*(row for rows in matrices.values() for row in rows), strict=True):
        cuts = statistics.quantiles([value for value in column if value > 0], n=10, method="inclusive")
        expected.append((cuts[0] + cuts[-1]) / 2)
    actual = trimmed_midrange([np.array(rows) for rows in matrices.values()], 10)
    np.testing.assert_allclose(actual, expected, rtol=1e-12)


def test_trimmed_midrange_of_no_recording_is_an_error():
    with pytest.raises(InputError, match="no recording to take class-dependent thresholds from"):
        trimmed_midrange([], 10)


def test_trimmed_midrange_of_hard_labels_is_the_one_value():
    np.testing.assert_array_equal(trimmed_midrange([np.array([[0.0], [1.0], [1.0]])], 10), [1])


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
    labels.main(["harden", *common, "--threshold", "0.5", "--hard", str(tmp_path / "hard")])
    assert (tmp_path / "hard/r1.txt").read_text(encoding="utf-8") == "1\t3\tpeople talking\n"
    assert (tmp_path / "hard/r2.txt").read_text(encoding="utf-8") == ""
    write_soft(tmp_path / "soft/r2.txt", np.zeros((1, 3)), CLASSES)
    with pytest.raises(InputError, match=r"r2\.txt: 1 s of labels, expected 2 s as in .*recordings\.tsv"):
        labels.main(["harden", *common, "--threshold", "0.5", "--hard", str(tmp_path / "hard")])
