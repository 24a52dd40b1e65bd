"""Labels at the end of recordings of 9.97 s and 10 s."""

import math

import numpy as np
import pytest

from softsed.core.text.last_second import cut_offsets, split_ends


@pytest.mark.parametrize(
    ("offset", "length", "expected"),
    [
        (10, 9.97, 9),
        (9.97, 9.97, 9),
        (9.2, 9.97, 9),
        (9, 9.97, 9),
        (10, 10.0, 10),
        (11, 10.0, 10),
        (9.97, 10.003, 9),  # the audio has padding of a codec
        (9, 10.0, 9),
        (8.5, 9.97, 8.5),  # within the recording
        (10.1, 9.97, 10.1),  # more than a second after the last whole second
        (11, 9.97, 11),
        (12, math.nan, 12),
    ],
)
def test_ends_near_the_end_become_whole_seconds(offset, length, expected):
    assert cut_offsets(np.array([offset], float), np.array([length])).tolist() == [expected]


def test_an_unknown_end_stays_unknown():
    assert np.isnan(cut_offsets(np.array([np.nan]), np.array([9.97]))).all()


def test_length_from_cut_windows_cuts_alike():
    """Steps read only the whole seconds that the check has found, and must cut the same windows in the same way."""
    for length in (1.0, 5.0, 9.97, 10.0, 10.003):
        offset = np.arange(100, 1500) / 100
        ends = cut_offsets(offset, np.full(len(offset), length))
        accepted = (ends % 1 == 0) & (ends >= 1) & (ends <= length)
        for latest in np.unique(ends[accepted]):  # recordings whose last window ends there
            some = accepted & (ends <= latest)
            np.testing.assert_array_equal(cut_offsets(offset[some], np.full(some.sum(), latest)), ends[some])


@pytest.mark.parametrize(
    ("onset", "offset", "group"),
    [
        (1.2, 3.4, None),
        (0, 9.97, None),
        (8.9, 10.3, "over"),
        (9.25, 9.6, "outside"),
        (9.5, 10.5, "outside"),
        (10.1, 10.9, "outside"),
        (3, 11, "far"),
        (20, 21, "far"),
    ],
)
def test_labels_by_how_they_end(onset, offset, group):
    groups = split_ends(*(np.array([value], float) for value in (onset, offset, 9.97)))
    assert [name for name, found in zip(("far", "outside", "over"), groups, strict=True) if found[0]] == (
        [group] if group else []
    )
