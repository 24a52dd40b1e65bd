"""Descriptions of formats: which recordings are named, with which figures, and when there is nothing to report."""

import pytest

from softsed.features.recorded import Recorded, describe, to_table


def recordings(*rates, cancelling=()):
    return [Recorded(f"r{index}", rate, index in cancelling) for index, rate in enumerate(rates)]


@pytest.mark.parametrize(
    ("every", "f_max"), [([], 14000), (recordings(44100, 44100), 14000), (recordings(28000), 14000)]
)
def test_describe_is_empty_without_problems(every, f_max):
    assert describe(every, f_max) == []


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 27999])
def test_describe_low_rates_with_both_figures(rate):
    (line,) = describe(recordings(rate, rate), 14000)
    assert line.startswith("2 of 2 recordings have a sampling rate below 28000 Hz")
    assert f"first: 'r0' at {rate} Hz). Above half the sampling rate ({rate / 2:g} Hz)" in line
    assert f"features.f_max of at most {rate / 2:g}." in line


def test_describe_counts_different_rates():
    low, rates = describe(recordings(44100, 16000, 44100, 8000), 14000)
    assert low.startswith("2 of 4 recordings have")
    assert "first: 'r1' at 16000 Hz" in low
    assert "features.f_max of at most 4000." in low  # of the lowest rate, so that it fits all recordings
    assert "44100 Hz (2, first: 'r0'), 16000 Hz (1, first: 'r1'), 8000 Hz (1, first: 'r3')" in rates


def test_describe_names_channels_that_cancel():
    (line,) = describe(recordings(44100, 44100, 44100, cancelling=[2]), 14000)
    assert line.startswith("1 of 3 recordings has channels that cancel")
    assert "first: 'r2'" in line


def test_to_table_has_one_row_per_recording():
    table = to_table(recordings(8000, 44100, cancelling=[1]))
    assert table == "recording\tsample_rate\tchannels_cancel\nr0\t8000\t0\nr1\t44100\t1\n"
