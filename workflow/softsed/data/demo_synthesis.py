"""Building blocks of the procedural sounds: filtered noise, tones, sequences of short pieces, and a voice.

Filters multiply the FFT of a whole signal, because importing scipy.signal takes longer than rendering.
Units: samples at 44.1 kHz, frequencies in Hz, times in seconds.
"""

from collections.abc import Callable

import numpy as np

RATE = 44_100  # Hz, as in MAESTRO Real
FFT_BLOCK = 8192  # lengths are padded to a multiple, because numpy's FFT is several times slower for large primes
VOWELS_HZ = ((730, 1090, 2440), (270, 2290, 3010), (300, 870, 2240))  # a, i, u of men: Peterson and Barney (1952)


def filtered(signal: np.ndarray, gain: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Multiply the spectrum of a signal [samples] by gain(frequencies in Hz)."""
    length = -(-len(signal) // FFT_BLOCK) * FFT_BLOCK
    frequencies = np.fft.rfftfreq(length, 1 / RATE).astype(np.float32)
    return np.fft.irfft(np.fft.rfft(signal, length) * gain(frequencies), length)[: len(signal)]


def band_gain(frequencies: np.ndarray, low: float, high: float) -> np.ndarray:
    """Return the gain of a band-pass filter, low..high Hz, that falls by 24 dB per octave outside (4th order)."""
    safe = np.maximum(frequencies, 1)  # the gain below 1 Hz is practically 0, and its power would overflow
    return 1 / np.sqrt((1 + (low / safe) ** 8) * (1 + (safe / high) ** 8))


def noise(rng: np.random.Generator, samples: int, low: float, high: float) -> np.ndarray:
    """Draw noise [samples] in the band low..high Hz with unit root-mean-square."""
    signal = filtered(rng.standard_normal(samples, dtype=np.float32), lambda f: band_gain(f, low, high))
    return signal / np.sqrt(np.mean(signal**2) + 1e-12)


def seconds(samples: int) -> np.ndarray:
    """Return the time of each sample in seconds."""
    return np.arange(samples, dtype=np.float32) / RATE


def cycles(frequency: np.ndarray | float, samples: int) -> np.ndarray:
    """Integrate a frequency, constant or one per sample, to a phase in cycles [samples]."""
    return np.cumsum(np.broadcast_to(np.asarray(frequency, dtype=float) / RATE, samples))


def tone(frequency: np.ndarray | float, samples: int) -> np.ndarray:
    """Return a sine [samples] whose frequency is constant or given per sample."""
    return np.sin(2 * np.pi * cycles(frequency, samples))


def place(samples: int, starts_s: np.ndarray, pieces: list[np.ndarray]) -> np.ndarray:
    """Add short pieces at their start times to silence [samples]; cut them at the end of the signal."""
    signal = np.zeros(samples)
    for start_s, piece in zip(starts_s, pieces, strict=True):
        start = int(start_s * RATE)
        part = piece[: max(0, samples - start)]
        signal[start : start + len(part)] += part
    return signal


def regular(rng: np.random.Generator, samples: int, per_second: float, jitter: float) -> np.ndarray:
    """Return start times at a regular rate, each delayed by up to `jitter` periods; at least one."""
    count = max(1, int(samples / RATE * per_second))
    return (np.arange(count) + jitter * rng.random(count)) / per_second


def voice(rng: np.random.Generator, samples: int, *, pitch: float, tract: float, speed: float) -> np.ndarray:
    """Synthesise vowels: a sawtooth filtered by formants, with a random vowel, level and pitch per syllable.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of the random parameters. Some syllables are silent.
    samples : int
        Length of the signal.
    pitch : float
        Median fundamental frequency in Hz.
    tract : float
        Factor of the formants of a man; above 1 for a shorter vocal tract.
    speed : float
        Syllables per second.

    Returns
    -------
    ndarray [samples]
    """
    syllable = seconds(samples) * speed
    index = syllable.astype(int)
    within = syllable - index  # 0..1 in each syllable
    count = index[-1] + 1
    level = rng.uniform(0.4, 1, count) * (rng.random(count) > 0.15)
    glide = rng.uniform(0.85, 1.2, count)[index] * (1.08 - 0.16 * within)
    envelope = level[index] * np.sin(np.pi * within) ** 0.7  # 0 between syllables, where the vowel changes
    source = (2 * (cycles(pitch * glide, samples) % 1) - 1) * envelope
    spoken = rng.integers(len(VOWELS_HZ), size=count)[index]
    signal = np.zeros(samples)
    for vowel, formants in enumerate(VOWELS_HZ):

        def resonances(f: np.ndarray, formants: tuple[int, ...] = formants) -> np.ndarray:
            curves = (1 / (1 + ((f - tract * centre) / (60 + 0.06 * centre)) ** 2) for centre in formants)
            return sum(curves, start=np.zeros_like(f))

        signal += filtered(np.where(spoken == vowel, source, 0), resonances)
    return signal + 0.04 * noise(rng, samples, 3000, 7000) * level[index] * (within < 0.2)
