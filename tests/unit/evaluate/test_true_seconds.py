"""True events as seconds: both formats, rounding, and errors in true events."""

import logging

import numpy as np
import pytest
from support.errors import refused

from softsed.core.event_text import read_true_events
from softsed.core.labels import Event
from softsed.evaluate.true_seconds import count_left_out, read_true_seconds

CLASSES = ["a", "b", "c"]

pytestmark = pytest.mark.filterwarnings("error")


def test_both_formats_of_true_events_agree(tmp_path):
    (tmp_path / "r.tsv").write_text("onset\toffset\tlabel\tsnr_db\n0.25\t1.5\ta\t6\n2\t3\tc\t0\n")
    (tmp_path / "r.txt").write_text("0.25\t1.5\ta\n2\t3\tc\n")
    expected = [Event(0.25, 1.5, "a"), Event(2, 3, "c")]
    assert read_true_events(tmp_path / "r.tsv", CLASSES) == expected
    assert read_true_events(tmp_path / "r.txt", CLASSES) == expected


def test_overlapped_seconds_within_labels_are_true(tmp_path):
    (tmp_path / "r.txt").write_text("0.9\t1.1\ta\n2.5\t9\tc\n")
    found = read_true_seconds(tmp_path / "r.txt", np.zeros((4, 3)), CLASSES)
    np.testing.assert_array_equal(found, np.array([[1, 0, 0], [1, 0, 0], [0, 0, 1], [0, 0, 1]], bool))


@pytest.mark.parametrize(("row", "problem"), [("1\tx\ta", "x"), ("2\t1\ta", "2"), ("nan\t1\ta", "nan")])
def test_bad_true_event(tmp_path, row, problem):
    (tmp_path / "r.tsv").write_text(f"onset\toffset\tlabel\n0\t1\ta\n{row}\n")
    with refused(golden=False) as caught:  # the message is that of core.labels
        read_true_seconds(tmp_path / "r.tsv", np.array([[0, np.nan, 0.5]]), CLASSES)
    assert "r.tsv, line 3" in str(caught.value)
    assert problem in str(caught.value)


def test_events_of_classes_not_annotated_are_left_out(tmp_path):
    """Class b is not annotated in the scene, and the class siren is annotated in no scene."""
    (tmp_path / "r.tsv").write_text("onset\toffset\tlabel\n0\t1\ta\n0\t1\tb\n0\t1\tsiren\n")
    found = read_true_seconds(tmp_path / "r.tsv", np.array([[0, np.nan, 0.5]]), CLASSES)
    assert found.tolist() == [[True, False, False]]


def test_cells_without_a_label_have_no_true_event(tmp_path):
    """Class b is annotated in the scene, but not in this recording, and class a not in its second second."""
    (tmp_path / "r.tsv").write_text("onset\toffset\tlabel\n0\t2\ta\n0\t1\tb\n0\t1\tc\n0\t1\tsiren\n")
    soft = np.array([[0, np.nan, np.nan], [np.nan, np.nan, np.nan]])
    found = read_true_seconds(tmp_path / "r.tsv", soft, CLASSES)
    assert found.tolist() == [[True, False, False], [False, False, False]]
    annotated = np.array([True, True, False])  # in the scene
    assert count_left_out(tmp_path / "r.tsv", annotated, CLASSES) == 2


def test_events_in_milliseconds_and_after_labels(tmp_path, caplog):
    path, soft = tmp_path / "r.txt", np.zeros((10, 3))
    path.write_text("1000\t2500\ta\n")
    with refused(file="r.txt", line=1, problem=["2500 s", "10 s"], expected="onset and offset in seconds"):
        read_true_seconds(path, soft, CLASSES)
    path.write_text("1\t2\ta\n4000\t5000\ta\n")  # of a long recording, labelled at its beginning
    assert read_true_seconds(path, soft, CLASSES).sum() == 1
    path.write_text("1\t2\ta\n10\t12\ta\n9.5\t30\tb\n")
    with caplog.at_level(logging.INFO):
        assert read_true_seconds(path, soft, CLASSES).sum(axis=0).tolist() == [1, 1, 0]
    assert "r.txt: 1 true event begins after the 10 s with labels and does not count" in caplog.text
