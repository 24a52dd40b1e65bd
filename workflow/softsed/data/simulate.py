"""Simulated crowd: what annotators would tick in overlapping windows of the demo, given the true events.

The procedure is the paper's (Sec. 2.1): windows of 10 s start every second, and a few different annotators tick the
classes they heard, out of those asked in the scene. The people are invented, and deliberately not the model that MACE
assumes (the right answer with one's competence, else a guess): an honest annotator's answer depends on what there is
to hear.

1. Loudness of a class at a moment: how far it stands out from the background and from what else sounds then.
2. Salience S of a class in a window, in seconds: its loudness, integrated over the part of the window that the
   annotator attends to, which leaves out a few tenths of a second at either end, his own habit (`salience` has both
   formulae). A share of it adds to the salience of classes that are easily taken for it (a child for an adult, a car
   for a lorry).
3. The class is noticed with probability (1 - lapse) S^n / (S^n + C^n), n the steepness. The criterion C, in seconds,
   is the annotator's own, times a habit per class kept through one recording ("does this count as footsteps?"), so
   that answers about overlapping windows are tied together.
4. What is not noticed is ticked all the same at the annotator's rate of false alarms, the more often the more of the
   recording the class fills: people tick what they expect.

Spammers tick every class at a rate of their own, whatever the sound. The pool follows from the seed and the opinions
on a recording from (seed, name), so that adding a recording changes no other.
"""

import argparse
import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import ndtri

from softsed.core.errors import InputError
from softsed.core.metadata import Recording, read_asked, read_classes
from softsed.core.tsv import read_lines
from softsed.data.salience import salience

# False alarms of a class that fills none of the recording, relative to one that fills all of it.
UNEXPECTED = 0.2

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Pool:
    """The annotators: arrays [annotators]; see the module for the meaning."""

    names: list[str]
    spammer: np.ndarray  # bool
    spam_rate: np.ndarray  # 0..1
    criterion_s: np.ndarray  # seconds
    lapse: np.ndarray  # 0..1
    false_alarms: np.ndarray  # 0..1
    confusion: np.ndarray  # 0..1, share of the salience
    boundary_s: np.ndarray  # seconds unattended at either end of a window


def draw_pool(config: dict[str, Any], *, seed: int) -> Pool:
    """Draw the annotators: rates given as a mean m are uniform over 0..2m, criteria are log-normal.

    Each is drawn evenly (one annotator in each of as many quantiles), independently of the others: a pool of thirty
    left to chance alone is so strict or so lenient as a whole that soft labels differ more by it than by the sounds.
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


def read_truth(path: Path, asked: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Read the true events of a recording.

    Returns
    -------
    times_levels : ndarray [events, 3]
        Onset and offset in seconds, level over the background in dB.
    labels : ndarray of int [events]
        Index into `asked`.
    """
    values, labels = [], []
    for line, row in read_lines(path, ("onset", "offset", "label", "snr_db")):
        if row["label"] not in asked:
            raise InputError(f"{path}, line {line}: {row['label']!r} is not asked in this scene; asked are {asked}")
        try:
            onset, offset, level = (float(row[name]) for name in ("onset", "offset", "snr_db"))
        except ValueError as error:
            raise InputError(f"{path}, line {line}: expected numbers: {error}") from error
        if not 0 <= onset < offset < float("inf") or not np.isfinite(level):
            raise InputError(f"{path}, line {line}: expected 0 <= onset < offset and a finite level, got {row}")
        values.append((onset, offset, level))
        labels.append(asked.index(row["label"]))
    return np.array(values).reshape(-1, 3), np.array(labels, dtype=int)


def window_starts(duration_s: float, *, window_s: int, hop_s: int) -> np.ndarray:
    """List the starts of the windows, whole seconds: 0, hop, ... up to T - window, T the duration rounded down."""
    if duration_s < window_s:
        raise InputError(f"a recording of {duration_s} s is shorter than one window of {window_s} s")
    return np.arange(0, int(duration_s) - window_s + 1, hop_s)


def tick_probability(
    heard: np.ndarray,
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
    heard : ndarray [windows, opinions, classes]
        Salience in seconds.
    who : ndarray of int [windows, opinions]
        The annotators of each window, indices into the pool.
    habit : ndarray [annotators, classes]
        Factor on the criterion in this recording, around 1.
    expected : ndarray [classes]
        Share of the recording that the class fills, 0..1.
    similar : ndarray [classes, classes]
        1 for classes that are taken for one another, else 0.
    steepness : float
        n of the module's step 3.

    Returns
    -------
    ndarray [windows, opinions, classes]
        0..1; for spammers their own rate.
    """

    def per_opinion(values: np.ndarray) -> np.ndarray:
        return values[who][:, :, None]  # [windows, opinions, 1]

    felt = heard + per_opinion(pool.confusion) * (heard @ similar)
    criterion = per_opinion(pool.criterion_s) * habit[who]
    noticed = (1 - per_opinion(pool.lapse)) * felt**steepness / (felt**steepness + criterion**steepness)
    alarm = per_opinion(pool.false_alarms) * (UNEXPECTED + (1 - UNEXPECTED) * expected)
    honest = noticed + (1 - noticed) * alarm
    return np.where(per_opinion(pool.spammer), per_opinion(pool.spam_rate), honest)


def annotate(
    recording: Recording,
    truth: tuple[np.ndarray, np.ndarray],
    asked: list[str],
    pool: Pool,
    config: dict[str, Any],
    *,
    seed: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Collect the opinions on one recording.

    Returns
    -------
    starts : ndarray of int [windows]
        Seconds.
    who : ndarray of int [windows, opinions]
        Different annotators in each window.
    opinions : ndarray of int8 [windows, opinions, classes]
        1 where ticked.
    """
    rng = np.random.default_rng([seed, 1, *recording.name.encode()])
    people, asked_people, window_s = len(pool.names), config["opinions_per_window"], config["window_s"]
    if not 1 <= asked_people <= people:
        raise InputError(f"opinions_per_window is {asked_people}, expected 1 to the number of annotators, {people}")
    events, labels = truth
    starts = window_starts(recording.duration_s, window_s=window_s, hop_s=config["hop_s"])
    who = rng.permuted(np.tile(np.arange(people), (len(starts), 1)), axis=1)[:, :asked_people]
    similar = np.zeros((len(asked), len(asked)))
    for one, other in config["confused"]:
        if one in asked and other in asked:
            similar[asked.index(one), asked.index(other)] = similar[asked.index(other), asked.index(one)] = 1
    left_out = pool.boundary_s[who]  # [windows, opinions]
    first, last = starts[:, None] + left_out, starts[:, None] + window_s - left_out
    filled = np.bincount(labels, weights=events[:, 1] - events[:, 0], minlength=len(asked)) / recording.duration_s
    probability = tick_probability(
        salience(events, labels, first, last, classes=len(asked)),
        pool,
        who,
        habit=np.exp(config["habit_sigma"] * rng.standard_normal((people, len(asked)))),
        expected=np.minimum(filled, 1),
        similar=similar,
        steepness=config["steepness"],
    )
    return starts, who, (rng.random(probability.shape) < probability).astype(np.int8)


def main(argv: list[str] | None = None) -> None:
    """Write the opinions of the simulated crowd on all recordings, explicit zeros included."""
    parser = argparse.ArgumentParser(prog="softsed data.simulate", description="Simulate a crowd of annotators.")
    parser.add_argument("--truth", type=Path, required=True, help="folder with the truth of each recording, TSV")
    parser.add_argument("--recordings", type=Path, required=True, help="TSV recording, scene, duration_s")
    parser.add_argument("--classes", type=Path, required=True, help="table of classes")
    parser.add_argument("--scenes", type=Path, required=True, help="TSV scene, class")
    parser.add_argument("--config", type=json.loads, required=True, help="section `data.demo.crowd` as JSON")
    parser.add_argument("--seed", type=int, required=True, help="0 or more")
    parser.add_argument("--opinions", type=Path, required=True, help="TSV to write")
    options = parser.parse_args(argv)
    config = options.config
    classes = read_classes(options.classes)
    recordings, scenes = read_asked(options.recordings, options.scenes, classes)
    unknown = {name for pair in config["confused"] for name in pair} - set(classes)
    if unknown:
        raise InputError(f"confused: unknown classes {sorted(unknown)}; known are {classes}")
    pool = draw_pool(config, seed=options.seed)
    count = 0
    with options.opinions.open("w", encoding="utf-8") as file:
        file.write("recording\tonset\toffset\tannotator\tclass\topinion\n")
        for recording in recordings.values():
            asked = scenes[recording.scene]
            truth = read_truth(options.truth / f"{recording.name}.tsv", asked)
            starts, who, opinions = annotate(recording, truth, asked, pool, config, seed=options.seed)
            for start, people, ticks in zip(starts, who, opinions, strict=True):
                window = f"{recording.name}\t{start}\t{start + config['window_s']}"
                for person, answers in zip(people, ticks, strict=True):
                    for name, answer in zip(asked, answers, strict=True):
                        file.write(f"{window}\t{pool.names[person]}\t{name}\t{answer}\n")
            count += opinions.size
    logger.info("%d opinions of %d annotators, %d of them spammers", count, len(pool.names), pool.spammer.sum())
