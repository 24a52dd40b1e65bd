"""Simulated annotators: their answers in overlapping windows of the demo, given the true events.

The procedure is that of the paper (Sec. 2.1): windows of 10 s start every second, and several annotators tick the
classes that they heard, out of the classes annotated in the scene. The annotators differ from the model of MACE (the
right answer with a fixed competence, otherwise a guess) on purpose: the answer of an honest annotator depends on how
audible a class is.

1. Loudness of a class at a moment: r / (1 + r), where r is the amplitude ratio between its events and everything that
   masks them (the background and the events of other classes at the same time). Energies add, also within a class. The
   loudness is 1/2 for equal amplitudes and at most 1.
2. Salience S of a class in a window, in seconds: its loudness, integrated over the part of the window to which the
   annotator attends. Each annotator ignores a few tenths of a second at both ends. A share of the salience is added
   to the classes that are often confused with the class (a child and an adult, a car and a lorry).
3. The annotator notices the class with probability (1 - lapse) S^n / (S^n + C^n), where n is the steepness. The
   criterion C, in seconds, belongs to the annotator, times a habit per class that stays the same within a recording
   ("does this count as footsteps?"). Therefore answers about overlapping windows are correlated.
4. A class that is not noticed is still ticked at the annotator's rate of false alarms. The rate rises with the share of
   the recording that the class fills, because people tick what they expect.

Spammers tick every class at a fixed rate, whatever the sound. The pool of annotators follows from the seed, and the
opinions on a recording from (seed, name). Therefore a new recording does not change the opinions on other recordings.
"""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import ndtri

from softsed.core.errors import InputError
from softsed.core.metadata import Recording, file_stem, read_asked, read_classes
from softsed.core.options import add_options, build_parser
from softsed.core.tsv import read_lines, read_number

# False alarms of a class that is absent from the recording, relative to a class that fills all of it.
UNEXPECTED = 0.2
SECTION = "data.demo.crowd"  # of the config, for errors

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Pool:
    """Annotators and their parameters: arrays [annotators], with the meaning given in the module docstring."""

    names: list[str]
    spammer: np.ndarray  # bool
    spam_rate: np.ndarray  # 0..1
    criterion_s: np.ndarray  # seconds
    lapse: np.ndarray  # 0..1
    false_alarms: np.ndarray  # 0..1
    confusion: np.ndarray  # 0..1, share of the salience
    boundary_s: np.ndarray  # seconds ignored at both ends of a window


def draw_pool(config: dict[str, Any], *, seed: int) -> Pool:
    """Draw the annotators.

    Rates with a mean m in the config (section ``data.demo.crowd``) are uniform over 0..2m; criteria are log-normal.
    Each parameter is stratified: one annotator falls into each of N quantiles, for N annotators. Without this, a pool
    of thirty annotators is so strict or so lenient that the soft labels depend more on the pool than on the sounds.
    """
    rng = np.random.default_rng([seed, 0])
    count = config["annotators"]
    low, high = config["spammer_rate"]

    def uniform() -> np.ndarray:
        return (rng.permutation(count) + rng.random(count)) / count

    return Pool(
        names=[f"a{number:0{len(str(count))}d}" for number in range(1, count + 1)],
        spammer=rng.permutation(count) < round(config["spammers"] * count),
        spam_rate=low + (high - low) * uniform(),
        criterion_s=config["criterion_s"] * np.exp(config["criterion_sigma"] * ndtri(uniform())),
        lapse=2 * config["lapse"] * uniform(),
        false_alarms=2 * config["false_alarms"] * uniform(),
        confusion=2 * config["confusion"] * uniform(),
        boundary_s=2 * config["boundary_s"] * uniform(),
    )


def read_event_levels(path: Path, classes: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Read the true events of a recording with their levels (columns onset, offset, label, snr_db).

    Returns
    -------
    events : ndarray [events, 3]
        Onset and offset in seconds, level relative to the background in dB.
    labels : ndarray of int [events]
        Index of the class in `classes`, the classes annotated in the scene.

    Raises
    ------
    InputError
        If a row has another class, a value that is not a number, or no positive duration.
    """
    values, labels = [], []
    for line, row in read_lines(path, ("onset", "offset", "label", "snr_db")):
        if row["label"] not in classes:
            problem, expected = f"{row['label']!r} is not annotated in this scene", f"one of {classes}"
            raise InputError(problem, file=path, line=line, expected=expected)
        onset, offset, level = [read_number(row[name]) for name in ("onset", "offset", "snr_db")]
        if not 0 <= onset < offset < float("inf") or not np.isfinite(level):
            problem = f"onset is {row['onset']!r}, offset {row['offset']!r}, snr_db {row['snr_db']!r}"
            raise InputError(problem, file=path, line=line, expected="0 <= onset < offset and a finite level")
        values.append((onset, offset, level))
        labels.append(classes.index(row["label"]))
    return np.array(values).reshape(-1, 3), np.array(labels, dtype=int)


def salience(
    events: np.ndarray, labels: np.ndarray, starts: np.ndarray, stops: np.ndarray, *, classes: int
) -> np.ndarray:
    """Integrate the loudness of each class (step 1 in the module docstring) from `starts` to `stops`.

    Parameters
    ----------
    events : ndarray [events, 3]
        Onset and offset in seconds, 0 or more; level relative to the background in dB. Events may overlap.
    labels : ndarray of int [events]
        Class of each event, an index below `classes`.
    starts, stops : ndarray [...]
        Limits of the intervals in seconds. An interval whose stop is not after its start has salience 0.

    Returns
    -------
    ndarray [..., classes]
        Seconds times loudness.
    """
    onset, offset, level = events.T
    times = np.unique(np.concatenate([[0.0], onset, offset]))  # between two of these times nothing changes
    sounding = (onset <= times[:-1, None]) & (offset > times[:-1, None])  # [stretches, events]
    energy = (sounding * 10 ** (level / 10)) @ np.eye(classes)[labels]  # [stretches, classes]; background: 1
    amplitude, masker = np.sqrt(energy), np.sqrt(1 + energy @ (1 - np.eye(classes)))
    salient = np.diff(times)[:, None] * amplitude / (amplitude + masker)
    integral = np.concatenate([np.zeros((1, classes)), np.cumsum(salient, axis=0)])  # [times, classes]
    between = [np.interp(stops, times, column) - np.interp(starts, times, column) for column in integral.T]
    return np.maximum(np.stack(between, axis=-1), 0)


def window_starts(duration_s: float, *, window_s: int, hop_s: int) -> np.ndarray:
    """Return the starts of the windows in whole seconds: 0, hop, ... up to floor(duration) - window."""
    if duration_s < window_s:
        problem = f"the value is {window_s}, but a recording lasts only {duration_s} s"
        raise InputError(problem, key=f"{SECTION}.window_s", remedy="Lower the value")
    return np.arange(0, int(duration_s) - window_s + 1, hop_s)


def tick_probability(
    audible: np.ndarray,
    pool: Pool,
    who: np.ndarray,
    *,
    habit: np.ndarray,
    expected: np.ndarray,
    similar: np.ndarray,
    steepness: float,
) -> np.ndarray:
    """Compute the probability that each annotator ticks each class in each window.

    Parameters
    ----------
    audible : ndarray [windows, opinions, classes]
        Salience of each class in the part of the window that the annotator attends to, in seconds.
    pool : Pool
        Annotators.
    who : ndarray of int [windows, opinions]
        Annotators of each window, as indices into the pool.
    habit : ndarray [annotators, classes]
        Factor of the criterion in this recording, around 1.
    expected : ndarray [classes]
        Share of the recording that the class fills, 0..1.
    similar : ndarray [classes, classes]
        1 for two classes that are often confused, otherwise 0.
    steepness : float
        n in step 3 of the module docstring.

    Returns
    -------
    ndarray [windows, opinions, classes]
        Probability, 0..1; for spammers their fixed rate.
    """

    def per_opinion(values: np.ndarray) -> np.ndarray:
        return values[who][:, :, None]  # [windows, opinions, 1]

    felt = audible + per_opinion(pool.confusion) * (audible @ similar)
    criterion = per_opinion(pool.criterion_s) * habit[who]
    noticed = (1 - per_opinion(pool.lapse)) * felt**steepness / (felt**steepness + criterion**steepness)
    alarm = per_opinion(pool.false_alarms) * (UNEXPECTED + (1 - UNEXPECTED) * expected)
    honest = noticed + (1 - noticed) * alarm
    return np.where(per_opinion(pool.spammer), per_opinion(pool.spam_rate), honest)


def annotate(
    recording: Recording,
    truth: tuple[np.ndarray, np.ndarray],
    classes: list[str],
    pool: Pool,
    config: dict[str, Any],
    *,
    seed: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Simulate the opinions on one recording.

    Parameters
    ----------
    truth : tuple of ndarray
        Events with levels and their classes, as from `read_event_levels`.
    classes : list of str
        Classes annotated in the scene.
    pool : Pool
        Annotators, as from `draw_pool` with the same config.
    config : dict
        Section ``data.demo.crowd`` of the config.
    seed : int
        Seed of the opinions; combined with the name of the recording.

    Returns
    -------
    starts : ndarray of int [windows]
        Start of each window in seconds.
    who : ndarray of int [windows, opinions]
        Annotators of each window, as indices into the pool; all different within a window.
    opinions : ndarray of int8 [windows, opinions, classes]
        1 for a class that was ticked, otherwise 0.

    Raises
    ------
    InputError
        If the recording is shorter than a window, or there are fewer annotators than opinions per window.
    """
    rng = np.random.default_rng([seed, 1, *recording.name.encode()])
    people, per_window, window_s = len(pool.names), config["opinions_per_window"], config["window_s"]
    if not 1 <= per_window <= people:
        expected = f"1 to {people}, the number of annotators"
        raise InputError(f"the value is {per_window}", key=f"{SECTION}.opinions_per_window", expected=expected)
    events, labels = truth
    starts = window_starts(recording.duration_s, window_s=window_s, hop_s=config["hop_s"])
    who = rng.permuted(np.tile(np.arange(people), (len(starts), 1)), axis=1)[:, :per_window]
    similar = np.zeros((len(classes), len(classes)))
    for one, other in config["confused"]:
        if one in classes and other in classes:
            similar[classes.index(one), classes.index(other)] = similar[classes.index(other), classes.index(one)] = 1
    ignored = pool.boundary_s[who]  # [windows, opinions]
    first, last = starts[:, None] + ignored, starts[:, None] + window_s - ignored
    filled = np.bincount(labels, weights=events[:, 1] - events[:, 0], minlength=len(classes)) / recording.duration_s
    probability = tick_probability(
        salience(events, labels, first, last, classes=len(classes)),
        pool,
        who,
        habit=np.exp(config["habit_sigma"] * rng.standard_normal((people, len(classes)))),
        expected=np.minimum(filled, 1),
        similar=similar,
        steepness=config["steepness"],
    )
    return starts, who, (rng.random(probability.shape) < probability).astype(np.int8)


# A complete section `data.demo.crowd`, for the examples of --help.
EXAMPLE_CROWD = (
    '{"annotators": 30, "opinions_per_window": 5, "window_s": 10, "hop_s": 1, "spammers": 0.2, '
    '"spammer_rate": [0.2, 0.4], "criterion_s": 1.2, "criterion_sigma": 0.7, "habit_sigma": 1.0, "steepness": 1.2, '
    '"lapse": 0.12, "false_alarms": 0.2, "confusion": 0.1, "boundary_s": 0.3, "confused": []}'
)


def main(argv: list[str] | None = None) -> None:
    """Simulate the opinions of a crowd of annotators on all recordings of the demo."""
    example = "--truth results/demo/data/truth --recordings workflow/resources/demo.tsv "
    example += "--classes workflow/resources/classes.tsv --scenes workflow/resources/scenes.tsv "
    example += f"--config '{EXAMPLE_CROWD}' --seed 1 --opinions results/demo/data/opinions.tsv"
    parser = build_parser("data.simulate", main, example=example)
    add_options(parser, "recordings", "classes", "scenes", "seed", config="section `data.demo.crowd`, as JSON")
    parser.add_argument("--truth", type=Path, required=True, help="folder of the true events, RECORDING.tsv")
    parser.add_argument("--opinions", type=Path, required=True, help="table of opinions to write, zeros included")
    options = parser.parse_args(argv)
    config = options.config
    classes = read_classes(options.classes)
    recordings, annotated_in_scene = read_asked(options.recordings, options.scenes, classes)
    if unknown := {name for pair in config["confused"] for name in pair} - set(classes):
        raise InputError(f"unknown classes {sorted(unknown)}", key=f"{SECTION}.confused", expected=f"some of {classes}")
    pool = draw_pool(config, seed=options.seed)
    count = 0
    with options.opinions.open("w", encoding="utf-8") as file:
        file.write("recording\tonset\toffset\tannotator\tclass\topinion\n")
        for recording in recordings.values():
            names = annotated_in_scene[recording.scene]
            truth = read_event_levels(options.truth / f"{file_stem(recording.name)}.tsv", names)
            starts, who, opinions = annotate(recording, truth, names, pool, config, seed=options.seed)
            for start, people, ticks in zip(starts, who, opinions, strict=True):
                window = f"{recording.name}\t{start}\t{start + config['window_s']}"
                for person, answers in zip(people, ticks, strict=True):
                    for name, answer in zip(names, answers, strict=True):
                        file.write(f"{window}\t{pool.names[person]}\t{name}\t{answer}\n")
            count += opinions.size
    logger.info("%d opinions of %d annotators, %d of them spammers", count, len(pool.names), pool.spammer.sum())
