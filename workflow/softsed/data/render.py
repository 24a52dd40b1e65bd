"""Rendered recordings of the demo: five scenes whose true events are known.

A recording is the background noise of its scene plus events of the six classes annotated in this scene. Events are
drawn from a specification (resources/demo_events.tsv, one row per scene and class):

- ``events_per_minute``, ``rate_cv``: mean rate, and coefficient of variation of the rate over recordings. The rate of a
  recording is the mean rate times a gamma-distributed factor, because recordings of a scene differ in how much happens.
  Along the recordings of a scene, in the order of the table, the number of events follows systematic sampling with a
  random start, and the factors follow an additive recurrence, which spreads them evenly over their distribution. A rare
  class is therefore rare, but not absent by chance.
- ``duration_s``, ``duration_sigma``: median in seconds and log-standard deviation of a log-normal duration.
- ``snr_db``, ``snr_std_db``: mean and standard deviation of the level of an event (root-mean-square over its duration,
  both channels) relative to the background of the recording (root-mean-square over its whole length).

resources/demo_backgrounds.tsv describes the noise of each scene: ``tilt_db`` (spectral slope in dB per octave), a broad
peak of ``hump_db`` at ``hump_hz``, and ``swing_db``, the standard deviation of slow level changes.

The content of a recording follows from (seed, name of the recording). Only the numbers of events also depend on the
recordings of the same scene listed before it. Therefore a recording appended to the table does not change the others.
Audio is 44.1 kHz, stereo, 16 bit. True events are a table ``onset offset label snr_db`` in seconds and dB.
"""

import logging
import wave
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.special import gammaincinv

from softsed.core.errors import InputError
from softsed.core.metadata import Recording, read_asked, read_classes
from softsed.core.options import add_options, build_parser
from softsed.core.tsv import read_lines
from softsed.data import demo_sounds
from softsed.data.demo_synthesis import RATE, band_gain, filtered

MIN_EVENT_S = 0.3  # a shorter event would be a click
MAX_COVER = 0.9  # largest share of a recording for one class, whose events never overlap
KNOT_S = 4.0  # seconds between independent levels of the background
BACKGROUND_HZ = 40, 16_000
GOLDEN = (5**0.5 - 1) / 2  # step of the additive recurrence: of all steps, the one that fills 0..1 most evenly
EVENT_COLUMNS = ("events_per_minute", "rate_cv", "duration_s", "duration_sigma", "snr_db", "snr_std_db")
BACKGROUND_COLUMNS = ("tilt_db", "hump_hz", "hump_db", "swing_db")

Specification = dict[tuple[str, ...], dict[str, float]]

logger = logging.getLogger(__name__)


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
        try:
            values = {name: float(row[name]) for name in columns}
        except ValueError as error:
            raise InputError(str(error), file=path, line=line, expected="a number") from error
        if not all(np.isfinite(list(values.values()))):
            raise InputError(f"the values are {values}", file=path, line=line, expected="finite numbers")
        if key in specification:
            raise InputError(f"{key} is listed twice", file=path, line=line)
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
    its duration times the mean rate times the quantile of a gamma distribution with mean 1 at frac(v + i * `GOLDEN`),
    where v is drawn once per scene and class.

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
    factors = gamma_quantiles((phase + GOLDEN * np.arange(len(scene))) % 1, row["rate_cv"])
    for other, factor in zip(scene, factors.tolist(), strict=True):
        end = start + factor * row["events_per_minute"] * other.duration_s / 60
        if other.name == recording.name:
            return int(end) - int(start)
        start = end
    raise InputError(f"recording {recording.name!r} is not in the table of recordings")


def gamma_quantiles(shares: np.ndarray, cv: float) -> np.ndarray:
    """Compute quantiles of the gamma distribution with mean 1 and coefficient of variation `cv`; ones for 0."""
    return gammaincinv(cv**-2, shares) * cv**2 if cv else np.ones_like(shares)


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
            raise InputError(problem, key="events_per_minute", remedy="Lower the value")
        gaps = rng.dirichlet(np.ones(count + 1)) * (recording.duration_s - durations.sum())
        onsets = np.cumsum(gaps[:-1]) + np.cumsum(durations) - durations
        levels = row["snr_db"] + row["snr_std_db"] * rng.standard_normal(count)
        events += [
            Sound(int(onset * 1000) / 1000, int((onset + duration) * 1000) / 1000, label, round(level, 2))
            for onset, duration, level in zip(onsets.tolist(), durations.tolist(), levels.tolist(), strict=True)
        ]
    return sorted(events)


def background(recording: Recording, row: dict[str, float], *, level_db: float, std_db: float, seed: int) -> np.ndarray:
    """Render the background noise of a recording.

    Parameters
    ----------
    recording : Recording
        Recording, which determines the length and the random numbers.
    row : dict
        Row of demo_backgrounds.tsv for the scene.
    level_db, std_db : float
        Mean and standard deviation, over recordings, of the root-mean-square level in dB re full scale.
    seed : int
        Seed of the demo.

    Returns
    -------
    ndarray [samples, 2]
        Left and right channel. They share a part of the noise, as two microphones in one place do.
    """
    rng = generator(seed, "background", recording.name)
    samples = round(recording.duration_s * RATE)
    tilt, octaves = row["tilt_db"] + 0.5 * rng.standard_normal(), 0.3 * rng.standard_normal()

    def gain(f: np.ndarray) -> np.ndarray:
        octave = np.log2(np.maximum(f, BACKGROUND_HZ[0]) / row["hump_hz"]) - octaves
        return 10 ** ((tilt * octave + row["hump_db"] * np.exp(-(octave**2) / 2)) / 20) * band_gain(f, *BACKGROUND_HZ)

    middle, side = (filtered(rng.standard_normal(samples, dtype=np.float32), gain) for _ in range(2))
    noise = np.stack([middle + 0.6 * side, middle - 0.6 * side], axis=1)
    knots = rng.standard_normal(int(recording.duration_s / KNOT_S) + 2) * row["swing_db"]
    swing = np.interp(np.arange(samples) / RATE, np.arange(len(knots)) * KNOT_S, knots)
    noise *= 10 ** (swing[:, None] / 20)
    level = 10 ** ((level_db + std_db * rng.standard_normal()) / 20)
    return noise * (level / np.sqrt(np.mean(noise**2)))


def mix(noise: np.ndarray, events: list[Sound], *, recording: str, seed: int) -> np.ndarray:
    """Add rendered events to a background [samples, 2]; each event has a random direction and moves slightly."""
    level = np.sqrt(np.mean(noise**2))
    mixture = noise.copy()
    for number, event in enumerate(events):
        rng = generator(seed, "sound", recording, str(number))
        first, last = round(event.onset * RATE), min(round(event.offset * RATE), len(noise))
        signal = demo_sounds.make(event.label, rng, last - first) * level * 10 ** (event.snr_db / 20)
        # Panning with constant power: cos^2 + sin^2 = 1. The factor sqrt(2) makes the mean power of the two channels
        # equal to the power of the signal.
        place = np.clip(rng.uniform(0.15, 0.85) + np.linspace(-0.1, 0.1, len(signal)) * rng.choice([-1, 1]), 0, 1)
        angle = place * np.pi / 2
        mixture[first:last] += np.sqrt(2) * signal[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return mixture


def write_wave(path: Path, signal: np.ndarray) -> None:
    """Write a signal [samples, 2] in -1..1 as 16-bit PCM; clip samples beyond full scale, with a warning."""
    clipped = int(np.sum(np.abs(signal) > 1))
    if clipped:
        logger.warning("%s: %d of %d samples clipped", path, clipped, signal.size)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(np.round(np.clip(signal, -1, 1) * 32767).astype("<i2").tobytes())


def main(argv: list[str] | None = None) -> None:
    """Render one recording of the demo and write its true events."""
    example = "--recording city_center_00 --recordings workflow/resources/demo.tsv --seed 1 "
    example += "--classes workflow/resources/classes.tsv --scenes workflow/resources/scenes.tsv "
    example += "--specification workflow/resources/demo_events.tsv "
    example += "--backgrounds workflow/resources/demo_backgrounds.tsv "
    example += """--config '{"background_dbfs": -42, "background_std_db": 2}' """
    example += "--audio results/demo/data/audio/city_center_00.wav --truth results/demo/data/truth/city_center_00.tsv"
    parser = build_parser("data.render", main, example=example)
    parser.add_argument("--recording", required=True, help="name of the recording, as in the table of recordings")
    add_options(parser, "recordings", "classes", "scenes", "seed", config="section `data.demo.level`, as JSON")
    parser.add_argument(
        "--specification", type=Path, required=True, help="table of rates, durations and levels of events"
    )
    parser.add_argument("--backgrounds", type=Path, required=True, help="table of the background noise of each scene")
    parser.add_argument("--audio", type=Path, required=True, help="audio to write (WAV)")
    parser.add_argument("--truth", type=Path, required=True, help="table of the true events to write")
    options = parser.parse_args(argv)
    recordings, annotated_in_scene = read_asked(options.recordings, options.scenes, read_classes(options.classes))
    if options.recording not in recordings:
        expected = f"one of {list(recordings)}"
        raise InputError(f"no recording {options.recording!r}", file=options.recordings, expected=expected)
    recording = recordings[options.recording]
    backgrounds = read_specification(options.backgrounds, ("scene",), BACKGROUND_COLUMNS)
    if (recording.scene,) not in backgrounds:
        problem = f"no row for scene {recording.scene!r} of recording {options.recording!r}"
        raise InputError(problem, file=options.backgrounds, remedy="Add one")
    specification = read_specification(options.specification, ("scene", "class"), EVENT_COLUMNS)
    rows = select(specification, recording.scene, annotated_in_scene[recording.scene], options.specification)

    events = schedule(recording, list(recordings.values()), rows, seed=options.seed)
    noise = background(
        recording,
        backgrounds[recording.scene,],
        level_db=options.config["background_dbfs"],
        std_db=options.config["background_std_db"],
        seed=options.seed,
    )
    write_wave(options.audio, mix(noise, events, recording=recording.name, seed=options.seed))
    lines = [f"{e.onset:.3f}\t{e.offset:.3f}\t{e.label}\t{e.snr_db:.2f}\n" for e in events]
    options.truth.write_text("onset\toffset\tlabel\tsnr_db\n" + "".join(lines), encoding="utf-8")
    logger.info("%s: %d events of %d classes", recording.name, len(events), len({e.label for e in events}))
