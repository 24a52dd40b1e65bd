"""Rows at the end of their recordings, and names in two spellings."""

from pathlib import Path

import pytest
from support.errors import refused

from softsed.tools.convert.annotations import Place, Row
from softsed.tools.convert.checks import check_ends, check_spelling, without_late

SOURCE = Path("events.tsv")
LENGTHS = {"r": 9.97}


def event(onset, offset, line=2, **names):
    return Row(
        Place(SOURCE, line),
        **{"recording": "r", "annotator": "ann", "label": "dog"} | names,
        onset=onset,
        offset=offset,
    )


def test_end_up_to_a_second_late_is_accepted():
    check_ends([event(1, 9.97), event(1, 10.9)], LENGTHS, SOURCE)
    with refused(golden=False, file="events.tsv", line=3, problem="from 1 to 11 s"):
        check_ends([event(1, 2), event(1, 11, line=3)], LENGTHS, SOURCE)


def test_events_without_a_whole_second_are_left_out(caplog):
    kept = without_late([event(1, 2), event(9.2, 9.9), event(8.5, 10.5)], LENGTHS, SOURCE)
    assert [(row.onset, row.offset) for row in kept] == [(1, 2), (8.5, 10.5)]
    assert "1 event is in the last, partial second" in caplog.text
    assert "1 event ends after its recording and is cut" in caplog.text


@pytest.mark.parametrize("what", ["recording", "annotator", "label", "scene"])
def test_two_spellings_of_a_name(what):
    rows = [event(0, 1, **{what: "Anna 1"}), event(0, 1, line=3, **{what: "anna_1"})]
    with refused(golden=False, file="events.tsv", line=3, problem=[what, "'anna_1'", "'Anna 1'"]):
        check_spelling(rows)
