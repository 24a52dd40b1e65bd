"""Formats of recordings: their sampling rates, and channels that cancel each other.

Features have the same bands for all recordings. A recording at 8 kHz contains no sound above 4 kHz: the bands above are
empty, even while an event with such frequencies is active. A recording whose two channels have opposite polarity
becomes silence when the channels are averaged.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Recorded:
    """Format of one recording.

    Attributes
    ----------
    name : str
        Name of the recording.
    sample_rate : int
        Sampling rate of the file, in Hz.
    cancels : bool
        Whether the channels cancel when they are averaged.
    """

    name: str
    sample_rate: int
    cancels: bool


def describe(recordings: Iterable[Recorded], f_max: float) -> list[str]:
    """Describe problems of the recording formats, one line per kind; empty without problems.

    Parameters
    ----------
    recordings : iterable of Recorded
        Recordings of one dataset.
    f_max : float
        Highest frequency of the features, in Hz.
    """
    every = list(recordings)
    found = []
    if low := [one for one in every if one.sample_rate < 2 * f_max]:
        rate = min(one.sample_rate for one in low)
        one = low[0]
        found.append(
            f"{_count(low, every)} a sampling rate below {2 * f_max:g} Hz, twice the f_max of the features (first: "
            f"{one.name!r} at {one.sample_rate} Hz). Above half the sampling rate ({one.sample_rate / 2:g} Hz), their "
            f"bands are empty, so their scores are not reliable. Use recordings at {2 * f_max:g} Hz or more, or train "
            f"with features.f_max of at most {rate / 2:g}."
        )
    rates = Counter(one.sample_rate for one in every)
    if len(rates) > 1:
        first = {one.sample_rate: one.name for one in reversed(every)}
        counts = ", ".join(f"{rate} Hz ({count}, first: {first[rate]!r})" for rate, count in rates.most_common())
        found.append(
            f"The recordings have different sampling rates: {counts}. All are resampled, but a system may learn the "
            "rate instead of the sound. Check that each scene and class has recordings at every rate."
        )
    if cancelling := [one for one in every if one.cancels]:
        found.append(
            f"{_count(cancelling, every)} channels that cancel when they are averaged (first: {cancelling[0].name!r}): "
            "the mean has less than 5 % of their energy. Keep one channel of each, for example with "
            "`sox stereo.wav mono.wav remix 1`."
        )
    return found


def _count(some: list[Recorded], every: list[Recorded]) -> str:
    return f"{len(some)} of {len(every)} recordings {'has' if len(some) == 1 else 'have'}"


def to_table(recordings: Iterable[Recorded]) -> str:
    """Return the formats as a tab-separated table (recording, sample_rate, channels_cancel: 0 or 1)."""
    rows = "".join(f"{one.name}\t{one.sample_rate}\t{one.cancels:d}\n" for one in recordings)
    return "recording\tsample_rate\tchannels_cancel\n" + rows
