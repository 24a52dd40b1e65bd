"""Rendered recordings of the demo: five scenes whose true events are known.

A recording is the background noise of its scene plus events of the six classes annotated in this scene
(`softsed.data.demo_events`).

resources/demo_backgrounds.tsv describes the noise of each scene: ``tilt_db`` (spectral slope in dB per octave), a broad
peak of ``hump_db`` at ``hump_hz``, and ``swing_db``, the standard deviation of slow level changes.

The content of a recording follows from (seed, name of the recording). Only the numbers of events also depend on the
recordings of the same scene listed before it. Therefore a recording appended to the table does not change the others.
Audio is 44.1 kHz, stereo, 16 bit. True events are a table ``onset offset label snr_db`` in seconds and dB.
"""

import logging
import wave
from pathlib import Path

import numpy as np

from softsed.core.errors import InputError
from softsed.core.metadata import Recording, read_asked, read_classes
from softsed.core.options import add_options, build_parser
from softsed.data import demo_sounds
from softsed.data.demo_events import EVENT_COLUMNS, Sound, generator, read_specification, schedule, select
from softsed.data.demo_synthesis import RATE, band_gain, filtered

KNOT_S = 4.0  # seconds between independent levels of the background
BACKGROUND_HZ = 40, 16_000
BACKGROUND_COLUMNS = ("tilt_db", "hump_hz", "hump_db", "swing_db")


logger = logging.getLogger(__name__)


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
    tilt, octaves = row["tilt_db"] + 0.25 * rng.standard_normal(), 0.15 * rng.standard_normal()

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
        raise InputError(f"unknown recording {options.recording!r}", file=options.recordings, expected=expected)
    recording = recordings[options.recording]
    backgrounds = read_specification(options.backgrounds, ("scene",), BACKGROUND_COLUMNS)
    if (recording.scene,) not in backgrounds:
        problem = f"no row for scene {recording.scene!r} of recording {options.recording!r}"
        raise InputError(problem, file=options.backgrounds, remedy="Add a row")
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
