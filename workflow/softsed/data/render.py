"""The demo data set: rendered recordings of five scenes whose events are known.

A recording is a background noise typical of its scene plus events of the six classes that the scene is asked about,
drawn from a specification (resources/demo_events.tsv, one row a scene and class):

- ``events_per_minute``: mean rate. The number of events is not left to chance alone: along the recordings of a scene,
  in the order of the table, events are dealt out evenly (systematic sampling with a random start), so that a class of
  rate 0.6 is heard in three of five one-minute recordings, never in none. It is rare, not absent.
- ``duration_s``, ``duration_sigma``: median and log-standard deviation of a log-normal duration in seconds.
- ``snr_db``, ``snr_std_db``: mean and standard deviation of the level of the event (root-mean-square over its
  duration, both channels) over the background of the recording (root-mean-square over its whole length).

resources/demo_backgrounds.tsv describes the noise of each scene: ``tilt_db`` (spectral slope, dB an octave), a broad
``hump_hz`` of ``hump_db``, and ``swing_db``, the standard deviation of slow level changes.

Everything a recording holds follows from (seed, recording name); only the number of events also depends on the
recordings of the same scene listed before it. Appending a recording to the table therefore changes no other.
Audio is 44.1 kHz, stereo, 16 bit; the truth is TSV ``onset offset label snr_db`` in seconds and dB.
"""

import argparse
import json
import logging
import wave
from pathlib import Path
from typing import NamedTuple

import numpy as np

from softsed.core.errors import InputError
from softsed.core.metadata import Recording, read_asked, read_classes
from softsed.core.tsv import read_lines
from softsed.data import demo_sounds
from softsed.data.demo_synthesis import RATE, band_gain, filtered

MIN_EVENT_S = 0.3  # shorter ones would be a click
MAX_COVER = 0.9  # share of a recording that one class may fill: its events never overlap one another
KNOT_S = 4.0  # distance of the independent levels of the background, seconds
BACKGROUND_HZ = 40, 16_000
EVENT_COLUMNS = ("events_per_minute", "duration_s", "duration_sigma", "snr_db", "snr_std_db")
BACKGROUND_COLUMNS = ("tilt_db", "hump_hz", "hump_db", "swing_db")

Specification = dict[tuple[str, ...], dict[str, float]]

logger = logging.getLogger(__name__)


class Sound(NamedTuple):
    """An event of the truth: seconds (whole milliseconds), class, level over the background in dB."""

    onset: float
    offset: float
    label: str
    snr_db: float


def generator(seed: int, *names: str) -> np.random.Generator:
    """Derive a random generator from a seed and names: the same names give the same numbers, whatever else is drawn."""
    return np.random.default_rng([seed, *"\t".join(names).encode()])


def read_specification(path: Path, keys: tuple[str, ...], columns: tuple[str, ...]) -> Specification:
    """Read a table of numbers as {key fields: {column: number}}.

    Raises
    ------
    InputError
        A missing column, a field that is not a finite number, or a key that is listed twice.
    """
    specification: Specification = {}
    for line, row in read_lines(path, keys + columns):
        key = tuple(row[name] for name in keys)
        try:
            values = {name: float(row[name]) for name in columns}
        except ValueError as error:
            raise InputError(f"{path}, line {line}: expected a number: {error}") from error
        if not all(np.isfinite(list(values.values()))):
            raise InputError(f"{path}, line {line}: expected finite numbers, got {values}")
        if key in specification:
            raise InputError(f"{path}, line {line}: {key} is listed twice")
        specification[key] = values
    return specification


def select(specification: Specification, scene: str, asked: list[str], path: Path) -> dict[str, dict[str, float]]:
    """Take the rows of a scene, in the order of `asked`; every asked class needs one and no other may have one."""
    rows = {name: values for (where, name), values in specification.items() if where == scene}
    if sorted(rows) != sorted(asked):
        raise InputError(f"{path}: {scene!r} has rows for {sorted(rows)}, expected the asked classes {sorted(asked)}")
    for name, values in rows.items():
        positive = values["duration_s"] > 0 and min(values[k] for k in EVENT_COLUMNS if k != "snr_db") >= 0
        if not positive or name not in demo_sounds.RECIPES:
            raise InputError(
                f"{path}: {scene}, {name!r}: {values}: expected duration_s > 0, other numbers but snr_db >= 0 "
                f"and a class with a recipe ({', '.join(demo_sounds.RECIPES)})"
            )
    return {name: rows[name] for name in asked}


def count_events(recording: Recording, recordings: list[Recording], label: str, *, per_minute: float, seed: int) -> int:
    """Deal out the events of a class along the recordings of the scene.

    With E the expected number of events up to and including a recording, the recording gets
    floor(E_i + u) - floor(E_i-1 + u), u uniform in 0..1, one a scene and class: an unbiased count that differs from
    its expectation by less than one, over any run of recordings.
    """
    start = generator(seed, "count", recording.scene, label).random()
    for other in recordings:
        if other.scene != recording.scene:
            continue
        end = start + per_minute * other.duration_s / 60
        if other.name == recording.name:
            return int(end) - int(start)
        start = end
    raise InputError(f"recording {recording.name!r} is not in the table of recordings")


def schedule(
    recording: Recording, recordings: list[Recording], specification: dict[str, dict[str, float]], *, seed: int
) -> list[Sound]:
    """Draw the events of a recording.

    Parameters
    ----------
    specification : dict
        {class: row of demo_events.tsv} for the classes asked in the scene.

    Returns
    -------
    list of Sound
        Sorted by onset; events of one class do not overlap; empty when no class has an event.
    """
    events = []
    for label, row in specification.items():
        rng = generator(seed, "events", recording.name, label)
        count = count_events(recording, recordings, label, per_minute=row["events_per_minute"], seed=seed)
        if not count:
            continue
        durations = np.maximum(
            row["duration_s"] * np.exp(row["duration_sigma"] * rng.standard_normal(count)), MIN_EVENT_S
        )
        durations *= min(1, MAX_COVER * recording.duration_s / durations.sum())
        if durations.min() < demo_sounds.SHORTEST_S:
            raise InputError(f"{recording.name}: {count} events of {label!r} do not fit; lower events_per_minute")
        gaps = rng.dirichlet(np.ones(count + 1)) * (recording.duration_s - durations.sum())
        onsets = np.cumsum(gaps[:-1]) + np.cumsum(durations) - durations
        levels = row["snr_db"] + row["snr_std_db"] * rng.standard_normal(count)
        events += [
            Sound(int(onset * 1000) / 1000, int((onset + duration) * 1000) / 1000, label, round(level, 2))
            for onset, duration, level in zip(onsets.tolist(), durations.tolist(), levels.tolist(), strict=True)
        ]
    return sorted(events)


def background(recording: Recording, row: dict[str, float], *, level_db: float, std_db: float, seed: int) -> np.ndarray:
    """Render the noise of a scene.

    Parameters
    ----------
    row : dict
        Row of demo_backgrounds.tsv.
    level_db, std_db : float
        Mean and standard deviation, over recordings, of the root-mean-square level in dB re full scale.

    Returns
    -------
    ndarray [samples, 2]
        Left and right share part of the noise, as two microphones at one place do.
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
    """Add rendered events to a background [samples, 2]; each comes from its own direction and moves a little."""
    level = np.sqrt(np.mean(noise**2))
    mixture = noise.copy()
    for number, event in enumerate(events):
        rng = generator(seed, "sound", recording, str(number))
        first, last = round(event.onset * RATE), min(round(event.offset * RATE), len(noise))
        signal = demo_sounds.make(event.label, rng, last - first) * level * 10 ** (event.snr_db / 20)
        # Constant power: cos^2 + sin^2 = 1, times 2 so that the mean over the channels is the power of the signal.
        place = np.clip(rng.uniform(0.15, 0.85) + np.linspace(-0.1, 0.1, len(signal)) * rng.choice([-1, 1]), 0, 1)
        angle = place * np.pi / 2
        mixture[first:last] += np.sqrt(2) * signal[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return mixture


def write_wave(path: Path, signal: np.ndarray) -> None:
    """Write [samples, 2] in -1..1 as 16-bit PCM; what exceeds full scale is clipped, with a warning."""
    clipped = int(np.sum(np.abs(signal) > 1))
    if clipped:
        logger.warning("%s: %d of %d samples clipped", path, clipped, signal.size)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(np.round(np.clip(signal, -1, 1) * 32767).astype("<i2").tobytes())


def main(argv: list[str] | None = None) -> None:
    """Render one recording of the demo and write its truth."""
    parser = argparse.ArgumentParser(prog="softsed data.render", description="Render one recording of the demo.")
    parser.add_argument("--recording", required=True, help="name in the table of recordings")
    parser.add_argument("--recordings", type=Path, required=True, help="TSV recording, scene, duration_s")
    parser.add_argument("--classes", type=Path, required=True, help="table of classes")
    parser.add_argument("--scenes", type=Path, required=True, help="TSV scene, class")
    parser.add_argument("--specification", type=Path, required=True, help="TSV of rates, durations and levels")
    parser.add_argument("--backgrounds", type=Path, required=True, help="TSV of the noise of each scene")
    parser.add_argument("--config", type=json.loads, required=True, help="JSON: background_dbfs, background_std_db")
    parser.add_argument("--seed", type=int, required=True, help="0 or more")
    parser.add_argument("--audio", type=Path, required=True, help="WAV to write")
    parser.add_argument("--truth", type=Path, required=True, help="TSV to write")
    options = parser.parse_args(argv)
    recordings, asked = read_asked(options.recordings, options.scenes, read_classes(options.classes))
    if options.recording not in recordings:
        raise InputError(f"{options.recordings}: no recording {options.recording!r}; known are {list(recordings)}")
    recording = recordings[options.recording]
    backgrounds = read_specification(options.backgrounds, ("scene",), BACKGROUND_COLUMNS)
    if (recording.scene,) not in backgrounds:
        raise InputError(f"{options.backgrounds}: no row for scene {recording.scene!r} of {options.recording}; add one")
    rows = read_specification(options.specification, ("scene", "class"), EVENT_COLUMNS)
    rows = select(rows, recording.scene, asked[recording.scene], options.specification)

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
