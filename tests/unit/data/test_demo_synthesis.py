"""Building blocks of the procedural sounds: levels, bands, frequencies and places."""

import numpy as np
import pytest

from softsed.data.demo_synthesis import RATE, band_gain, cycles, filtered, noise, place, regular, seconds, tone, voice


def test_seconds_and_cycles_of_constant_frequency():
    assert seconds(RATE + 1)[-1] == 1
    np.testing.assert_allclose(cycles(5.0, RATE)[-1], 5)


def test_tone_has_its_frequency():
    spectrum = np.abs(np.fft.rfft(tone(1000, RATE)))
    assert spectrum.argmax() == 1000


def test_noise_has_unit_level_in_its_band():
    signal = noise(np.random.default_rng(1), RATE, 500, 1000)
    assert np.sqrt(np.mean(signal**2)) == pytest.approx(1, rel=1e-3)
    power = np.abs(np.fft.rfft(signal)) ** 2
    assert power[250:2001].sum() > 0.99 * power.sum()  # one octave beyond both limits


def test_place_adds_pieces_and_cuts_the_last():
    starts = np.array([1, 2, 4]) / RATE + 1e-9
    assert place(5, starts, [np.ones(2)] * 3).tolist() == [0, 1, 2, 1, 1]


@pytest.mark.parametrize("samples", [10, 3 * RATE])
def test_regular_has_one_start_per_period(samples):
    starts = regular(np.random.default_rng(2), samples, 2.0, 0.5)
    assert len(starts) == max(1, samples * 2 // RATE)
    assert ((starts * 2) % 1 <= 0.5).all()


def test_voice_is_finite_and_higher_for_a_higher_pitch():
    signals = [voice(np.random.default_rng(3), 2 * RATE, pitch=p, tract=1.0, speed=4.0) for p in (100, 300)]
    frequencies = np.arange(RATE + 1) / 2
    centroids = [np.average(frequencies, weights=np.abs(np.fft.rfft(signal)) ** 2) for signal in signals]
    assert all(np.isfinite(signal).all() for signal in signals)
    assert centroids[0] < centroids[1]


def test_filter_passes_its_band_only():
    inside, outside = (filtered(tone(f, RATE), lambda f: band_gain(f, 500, 2000)) for f in (1000, 8000))
    assert np.std(inside) == pytest.approx(np.sqrt(0.5), rel=0.01)
    assert np.std(outside) < 0.01  # 48 dB down
