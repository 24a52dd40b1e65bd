"""True events of the demo's recordings, drawn from a specification.

The specification is resources/demo_events.tsv, one row per scene and class:

- ``events_per_minute``, ``rate_cv``: mean rate, and coefficient of variation of the rate over recordings. The rate of a
  recording is the mean rate times a log-normal factor, because recordings of a scene differ in their number of events.
  Along the recordings of a scene, in the order of the table, the number of events follows systematic sampling with a
  random start, and the factors follow an additive recurrence, which spreads them evenly over their distribution. A rare
  class is therefore rare, but not absent by chance.
- ``duration_s``, ``duration_sigma``: median in seconds and log-standard deviation of a log-normal duration.
- ``snr_db``, ``snr_std_db``: mean and standard deviation of the level of an event (root-mean-square over its duration,
  both channels) relative to the background of the recording (root-mean-square over its whole length).

The events of a recording follow from (seed, name of the recording). Only their numbers also depend on the recordings of
the same scene listed before it. Therefore a recording appended to the table does not change the others.
"""

import math
from collections.abc import Iterable
from pathlib import Path
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from softsed.core.errors import InputError
from softsed.core.metadata import Recording
from softsed.core.tsv import read_lines, read_number
from softsed.data import demo_sounds

MIN_EVENT_S = 0.3  # a shorter event would be a click
MAX_COVER = 0.9  # largest share of a recording for one class, whose events never overlap
GOLDEN = (5**0.5 - 1) / 2  # step of the additive recurrence: of all steps, the one that fills 0..1 most evenly
EVENT_COLUMNS = ("events_per_minute", "rate_cv", "duration_s", "duration_sigma", "snr_db", "snr_std_db")

Specification = dict[tuple[str, ...], dict[str, float]]


class Sound(NamedTuple):
    """A true event: onset and offset in seconds (whole milliseconds), class, level relative to the background in dB."""

    onset: float
    offset: float
    label: str
    snr_db: float


def generator(seed: int, *names: str) -> np.random.Generator:
    """Derive a random generator from a seed and names, independent of what other generators draw."""
    return np.random.default_rng([seed, *"\t".join(names).encode()])


def read_specification(path: Path, keys: tuple[str, ...], columns: tuple[str, ...]) -> Specification:
    """Read a table of numbers.

    Parameters
    ----------
    path : Path
        Table with a header.
    keys, columns : tuple of str
        Columns that identify a row, and columns of numbers.

    Returns
    -------
    dict
        Fields of the keys -> {column: number}.

    Raises
    ------
    InputError
        If a column is missing, a field is not a finite number, or a key is listed twice.
    """
    specification: Specification = {}
    for line, row in read_lines(path, keys + columns):
        key = tuple(row[name] for name in keys)
        values = {name: read_number(row[name]) for name in columns}
        if wrong := next((name for name, value in values.items() if not math.isfinite(value)), None):
            raise InputError(f"{wrong} is {row[wrong]!r}", file=path, line=line, expected="a finite number")
        if key in specification:
            problem = f"the row of {', '.join(key)} is listed twice"
            raise InputError(problem, file=path, line=line, remedy="Remove one of the rows")
        specification[key] = values
    return specification


def select(specification: Specification, scene: str, classes: list[str], path: Path) -> dict[str, dict[str, float]]:
    """Return the rows of a scene in the order of `classes`, the classes annotated in the scene.

    Raises
    ------
    InputError
        If a class has no row, another class has a row, a number is out of range, or a class has no recipe.
    """
    rows = {name: values for (where, name), values in specification.items() if where == scene}
    if sorted(rows) != sorted(classes):
        expected = f"rows for the classes annotated in the scene, {sorted(classes)}"
        raise InputError(f"scene {scene!r} has rows for {sorted(rows)}", file=path, expected=expected)
    for name, values in rows.items():
        positive = values["duration_s"] > 0 and min(values[k] for k in EVENT_COLUMNS if k != "snr_db") >= 0
        if not positive or name not in demo_sounds.RECIPES:
            raise InputError(
                f"scene {scene!r}, class {name!r}: the values are {values}",
                file=path,
                expected="duration_s > 0, other numbers except snr_db >= 0, and a class with a recipe "
                f"({', '.join(demo_sounds.RECIPES)})",
            )
    return {name: rows[name] for name in classes}


def count_events(
    recording: Recording, recordings: list[Recording], label: str, row: dict[str, float], *, seed: int
) -> int:
    """Return the number of events of a class in a recording, by systematic sampling along the scene.

    With E_i the expected number of events in the first i recordings of the scene, recording i has
    floor(E_i + u) - floor(E_{i-1} + u) events, where u is uniform in 0..1 and drawn once per scene and class. The count
    differs from its expectation by less than one, over any run of recordings. The expected number of recording i is
    its duration times the mean rate times the quantile of a log-normal distribution with mean 1 at
    frac(v + i * `GOLDEN`), where v is drawn once per scene and class.

    Parameters
    ----------
    recording : Recording
    recordings : list of Recording
        All recordings, in the order of the table.
    label : str
    row : dict
        events_per_minute and rate_cv of the class in the scene.
    seed : int

    Raises
    ------
    InputError
        If the recording is not in the list.
    """
    start, phase = generator(seed, "count", recording.scene, label).random(2)
    scene = [other for other in recordings if other.scene == recording.scene]
    factors = rate_factors(((phase + GOLDEN * number) % 1 for number in range(len(scene))), row["rate_cv"])
    for other, factor in zip(scene, factors, strict=True):
        end = start + factor * row["events_per_minute"] * other.duration_s / 60
        if other.name == recording.name:
            return int(end) - int(start)
        start = end
    raise InputError(f"recording {recording.name!r} is not in the table of recordings")


def rate_factors(shares: Iterable[float], cv: float) -> list[float]:
    """Compute quantiles of the log-normal distribution with mean 1 and coefficient of variation `cv`."""
    sigma = math.sqrt(math.log1p(cv**2))
    return [math.exp(sigma * NormalDist().inv_cdf(share) - sigma**2 / 2) for share in shares]


def schedule(
    recording: Recording, recordings: list[Recording], specification: dict[str, dict[str, float]], *, seed: int
) -> list[Sound]:
    """Draw the events of a recording.

    Parameters
    ----------
    recording : Recording
        Recording whose events are drawn.
    recordings : list of Recording
        All recordings, in the order of the table.
    specification : dict
        Class -> row of demo_events.tsv, for the classes annotated in the scene.
    seed : int
        Seed of the demo.

    Returns
    -------
    list of Sound
        Events sorted by onset. Events of the same class do not overlap. Empty if no class has an event.
    """
    events = []
    for label, row in specification.items():
        rng = generator(seed, "events", recording.name, label)
        count = count_events(recording, recordings, label, row, seed=seed)
        if not count:
            continue
        durations = np.maximum(
            row["duration_s"] * np.exp(row["duration_sigma"] * rng.standard_normal(count)), MIN_EVENT_S
        )
        durations *= min(1, MAX_COVER * recording.duration_s / durations.sum())
        if durations.min() < demo_sounds.SHORTEST_S:
            problem = f"{count} events of {label!r} do not fit into recording {recording.name!r}"
            raise InputError(
                problem, key="events_per_minute", remedy="Lower this number in the specification of the events"
            )
        gaps = rng.dirichlet(np.ones(count + 1)) * (recording.duration_s - durations.sum())
        onsets = np.cumsum(gaps[:-1]) + np.cumsum(durations) - durations
        levels = row["snr_db"] + row["snr_std_db"] * rng.standard_normal(count)
        events += [
            Sound(int(onset * 1000) / 1000, int((onset + duration) * 1000) / 1000, label, round(level, 2))
            for onset, duration, level in zip(onsets.tolist(), durations.tolist(), levels.tolist(), strict=True)
        ]
    return sorted(events)
