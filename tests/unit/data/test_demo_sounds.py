"""The procedural sounds: one recipe per class, each with its own spectrum or rhythm."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from softsed.core.metadata import read_classes
from softsed.data import demo_sounds
from softsed.data.demo_synthesis import RATE

RESOURCES = Path(__file__).parents[3] / "workflow" / "resources"


def features(signal: np.ndarray) -> np.ndarray:
    """Level in 15 bands in dB, its mean and its standard deviation over time: spectrum and rhythm."""
    frames = signal[: len(signal) // 2048 * 2048].reshape(-1, 2048) * np.hanning(2048)
    power = np.abs(np.fft.rfft(frames)) ** 2
    edges = np.geomspace(3, 700, 16).astype(int)
    bands = 10 * np.log10(np.stack([power[:, a:b].mean(axis=1) for a, b in pairwise(edges)]) + 1e-3)
    return np.concatenate([bands.mean(axis=1), bands.std(axis=1)])


def test_every_class_has_a_recipe():
    assert set(demo_sounds.RECIPES) == set(read_classes(RESOURCES / "classes.tsv"))


@pytest.mark.parametrize("name", demo_sounds.RECIPES)
@pytest.mark.parametrize("duration_s", [demo_sounds.SHORTEST_S, 5.0])
def test_unit_level_finite_and_faded(name, duration_s):
    signal = demo_sounds.make(name, np.random.default_rng(1), int(duration_s * RATE))
    assert signal.shape == (int(duration_s * RATE),)
    assert np.sqrt(np.mean(signal**2)) == pytest.approx(1, rel=1e-3)
    assert abs(signal[0]) < 1e-6
    assert abs(signal[-1]) < 1e-6


@pytest.mark.parametrize("name", demo_sounds.RECIPES)
def test_instances_follow_from_the_generator(name):
    first, again, other = (demo_sounds.make(name, np.random.default_rng(seed), RATE) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other)


def test_classes_sound_different():
    """The nearest class mean identifies nearly every instance that is not part of the means."""
    names = list(demo_sounds.RECIPES)

    def instances(seeds):
        draws = [
            [features(demo_sounds.make(name, np.random.default_rng(s), 2 * RATE)) for s in seeds] for name in names
        ]
        return np.array(draws)

    means = instances(range(6)).mean(axis=1)
    distance = np.sqrt(((means[:, None] - means[None]) ** 2).mean(axis=-1))
    assert distance[~np.eye(len(names), dtype=bool)].min() > 3  # dB
    fresh = instances(range(10, 14))
    nearest = ((fresh[:, :, None] - means) ** 2).mean(axis=-1).argmin(axis=-1)
    assert np.mean(nearest == np.arange(len(names))[:, None]) > 0.9


def test_metro_rises_and_falls():
    def centroids(name):
        signal = demo_sounds.make(name, np.random.default_rng(3), 6 * RATE)
        power = [np.abs(np.fft.rfft(part)) ** 2 for part in np.array_split(signal, 3)]
        return [np.sum(p * np.fft.rfftfreq(2 * RATE, 1 / RATE)) / p.sum() for p in power]

    low, middle, high = centroids("metro approaching")
    assert low < middle < high
    high, middle, low = centroids("metro leaving")
    assert low < middle < high
