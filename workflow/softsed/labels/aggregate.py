"""From opinions to soft labels: how far each annotator can be trusted (MACE) and what all of them say (eq. 1).

Conventions
-----------
- An opinion is one annotator's answer, 1 (ticked) or 0, about one class in one window of a recording. Windows start
  and end on whole seconds. In MAESTRO Real they last 10 s and start every second from 0 to T - 10, T = floor(duration),
  without padding, so that the seconds at the edges have fewer opinions than those inside.
- A competence is the probability, 0..1, that an annotator knows the answer instead of guessing. There is one an
  annotator, shared by all classes: MACE sees each (window, class) as one binary item.
"""

import argparse
import json
import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np

from softsed.core.errors import InputError
from softsed.core.labels import write_soft
from softsed.core.metadata import Recording
from softsed.core.opinions import Opinions, add_tables, read_tables
from softsed.labels.joint import joint_labels
from softsed.labels.mace import mace

logger = logging.getLogger(__name__)


def competence(opinions: Opinions, *, method: str, restarts: int, iterations: int, seed: int) -> np.ndarray:
    """Estimate one competence an annotator, shared by all classes: [annotators], 0..1.

    MACE over the binary items (window, class), with the annotator as the worker; parameters as in `mace`.
    """
    pairs = opinions.window * len(opinions.classes) + opinions.label
    items = np.unique(pairs, return_inverse=True)[1]
    return mace(
        items,
        opinions.annotator,
        opinions.opinion,
        n_items=int(items.max()) + 1,
        n_annotators=len(opinions.annotators),
        method=method,
        restarts=restarts,
        iterations=iterations,
        seed=seed,
    ).competence


def soft_labels(
    opinions: Opinions, weights: np.ndarray, *, recordings: dict[str, Recording], asked: dict[str, list[str]]
) -> dict[str, np.ndarray]:
    """Combine opinions, weighted by competence, into the activity of each second and class (eq. 1).

    a_t = sum_j theta_j v_j / sum_j theta_j, where j runs over all opinions of all windows that cover second t: one
    pooled ratio, not a mean of the ratios of the windows. Where all these weights are 0 the opinions count equally.

    Parameters
    ----------
    weights : ndarray [annotators]
        Competence theta, 0 or more.
    asked : dict
        Scene to the classes asked there.

    Returns
    -------
    dict of ndarray [seconds, classes]
        One matrix a recording, 0..1, nan for classes that were not asked.

    Raises
    ------
    InputError
        For a second of a recording without any opinion on a class that was asked.
    """
    seconds = [int(recording.duration_s) for recording in recordings.values()]
    starts = dict(zip(recordings, np.cumsum([0, *seconds]), strict=False))
    # Each window as many times as it has seconds, and the second, counted over all recordings, of each of these.
    length = opinions.offset - opinions.onset
    covering = np.repeat(np.arange(len(length)), length)
    within = np.arange(len(covering)) - np.repeat(np.cumsum(length) - length, length)
    first = np.array([starts[name] for name in opinions.recording]) + opinions.onset
    covered = first[covering] + within

    def pool(values: np.ndarray) -> np.ndarray:
        """Sum over the opinions that cover each second [all seconds, classes].

        Only additions: differences of cumulative sums would leave 1e-17 where eq. 1 says 0.
        """
        pooled = np.empty((sum(seconds), len(opinions.classes)))
        for column in range(len(opinions.classes)):
            mine = opinions.label == column
            by_window = np.bincount(opinions.window[mine], weights=values[mine], minlength=len(length))
            pooled[:, column] = np.bincount(covered, weights=by_window[covering], minlength=len(pooled))
        return pooled

    weight, tick = weights[opinions.annotator], opinions.opinion
    total, count = pool(weight), pool(np.ones_like(weight))
    active = np.where(total > 0, pool(weight * tick), pool(tick))
    divisor = np.where(total > 0, total, count)
    activity = np.divide(active, divisor, out=np.full(active.shape, np.nan), where=divisor > 0)
    result = {}
    for name, recording in recordings.items():
        wanted = [column for column, label in enumerate(opinions.classes) if label in asked[recording.scene]]
        values = activity[starts[name] : starts[name] + int(recording.duration_s), wanted]
        if np.isnan(values).any():
            second, column = np.argwhere(np.isnan(values))[0]
            raise InputError(
                f"recording {name!r}, second {second} to {second + 1}: no opinion on "
                f"{opinions.classes[wanted[column]]!r}; every second from 0 on needs a window that covers it: count "
                "onsets from the start of the recording, and name the parts between gaps as recordings of their own"
            )
        result[name] = np.full((len(values), len(opinions.classes)), np.nan)
        result[name][:, wanted] = values
    return result


def estimate_eq1(
    opinions: Opinions, config: dict, *, recordings: dict[str, Recording], asked: dict[str, list[str]], seed: int
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Estimate as the paper does: competence by MACE, then eq. 1. Returns both."""
    weights = competence(opinions, **config["competence"], seed=seed)
    return weights, soft_labels(opinions, weights, recordings=recordings, asked=asked)


def estimate_majority(
    opinions: Opinions, config: dict, *, recordings: dict[str, Recording], asked: dict[str, list[str]], seed: int
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Count every opinion alike: above 0.5 is the majority vote. Competence by MACE is reported, not used."""
    weights = competence(opinions, **config["competence"], seed=seed)
    return weights, soft_labels(opinions, np.ones_like(weights), recordings=recordings, asked=asked)


def estimate_joint(
    opinions: Opinions, config: dict, *, recordings: dict[str, Recording], asked: dict[str, list[str]], seed: int
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Infer the seconds jointly with competence, see `joint`, and claim no more than people said.

    A label is the probability that the second is active, but at most the share of ticks around it (eq. 1 with the
    competences of `joint`): the model takes what some heard for a sound that others missed, even where most people,
    asked all the time, disagree. MACE, its settings and the seed play no part.
    """
    everybody = np.ones(len(opinions.annotators))
    soft_labels(opinions, everybody, recordings=recordings, asked=asked)  # raises before the slow part, not after it
    weights, active = joint_labels(opinions, recordings=recordings, asked=asked)
    shares = soft_labels(opinions, weights, recordings=recordings, asked=asked)
    return weights, {name: np.minimum(active[name], share) for name, share in shares.items()}


# `labels: method:` in the config -> a function of this signature: from opinions to competences and soft labels.
ESTIMATORS = {"eq1": estimate_eq1, "majority": estimate_majority, "joint": estimate_joint}


def estimator(method: str) -> Callable:
    """Look up the function of a method; an InputError for one that there is not."""
    if method not in ESTIMATORS:
        raise InputError(f"unknown method {method!r} of making soft labels; expected one of {sorted(ESTIMATORS)}")
    return ESTIMATORS[method]


def main(argv: list[str] | None = None) -> None:
    """Estimate competences and soft labels from a table of opinions."""
    parser = argparse.ArgumentParser(prog="softsed labels.aggregate", description=main.__doc__)
    add_tables(parser)
    parser.add_argument("--config", type=json.loads, required=True, help="JSON: `method` and `competence` of `labels`")
    parser.add_argument("--seed", type=int, required=True, help="of the random restarts")
    parser.add_argument("--competence", type=Path, required=True, help="table of competences, written")
    parser.add_argument("--soft", type=Path, required=True, help="soft labels, written")
    options = parser.parse_args(argv)
    estimate = estimator(options.config["method"])
    opinions, recordings, asked = read_tables(options)
    weights, soft = estimate(opinions, options.config, recordings=recordings, asked=asked, seed=options.seed)
    logger.info(
        "%d opinions of %d annotators: competence %.3f to %.3f",
        len(opinions.opinion),
        len(weights),
        weights.min(),
        weights.max(),
    )
    counts = np.bincount(opinions.annotator)
    rows = zip(opinions.annotators, weights, counts, strict=True)
    table = "".join(f"{name}\t{weight:.6f}\t{count}\n" for name, weight, count in rows)
    options.competence.parent.mkdir(parents=True, exist_ok=True)
    options.competence.write_text("annotator\tcompetence\topinions\n" + table, encoding="utf-8")
    write_soft(options.soft, soft, opinions.classes)
