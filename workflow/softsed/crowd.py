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
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path

import numpy as np
from scipy.special import digamma

from softsed.classes import Recording, read_classes, read_recordings, read_scenes
from softsed.errors import InputError
from softsed.labels import write_soft

COLUMNS = ("recording", "onset", "offset", "annotator", "class", "opinion")
# Variational Bayes: Beta(0.5, 0.5) on knowing, Dirichlet(10) on the strategy. EM: smoothing shared by the labels.
VB_KNOWING, VB_STRATEGY, EM_SMOOTHING = 0.5, 10.0, 0.01

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Opinions:
    """Opinions as arrays of indices, sorted by window, annotator and class, whatever the order in the file.

    Attributes
    ----------
    recording, onset, offset : ndarray [windows]
        Name of the recording; start and end of each window in whole seconds.
    annotators, classes : list of str
        Names, the annotators sorted.
    window, annotator, label, opinion : ndarray of int [opinions]
        Indices into the windows, `annotators` and `classes`; the answer, 0 or 1.
    """

    recording: np.ndarray
    onset: np.ndarray
    offset: np.ndarray
    annotators: list[str]
    classes: list[str]
    window: np.ndarray
    annotator: np.ndarray
    label: np.ndarray
    opinion: np.ndarray


@dataclass(frozen=True)
class Mace:
    """Result of MACE: competence [annotators], strategy [annotators, labels], posterior [items, labels].

    With variational Bayes the first two are exp(E[log p]), below the mean: a strategy then sums to less than 1.
    """

    competence: np.ndarray
    strategy: np.ndarray
    posterior: np.ndarray
    log_marginal_likelihood: float


def read_opinions(
    path: Path, classes: list[str], *, asked: dict[str, list[str]], recordings: dict[str, Recording]
) -> Opinions:
    """Read the table of opinions: ``recording onset offset annotator class opinion``, tab-separated with a header.

    Parameters
    ----------
    asked : dict
        Scene to the classes asked there. Who was asked about a window answers all of them: a class that was not
        ticked is a row with 0, because a missing row would count as never asked and raise the soft label.

    Raises
    ------
    InputError
        With file and line: an unknown recording, a window off the whole seconds or beyond the recording, a class not
        asked in the scene, an opinion other than 0 or 1, a repeated or missing row. Also for a table without opinions.
    """
    table = _read_columns(path)
    size = len(table["opinion"])

    def check(good: np.ndarray, problem: Callable[[int], str]) -> None:
        if not good.all():
            row = int(np.argmin(good))
            raise InputError(f"{path}, line {row + 2}: {problem(row)}")

    def indices(column: str, names: list[str]) -> np.ndarray:
        lookup = {name: index for index, name in enumerate(names)}
        return np.fromiter(map(lookup.get, table[column], repeat(-1)), dtype=np.int64, count=size)

    spans = list(map("\t".join, zip(table["recording"], table["onset"], table["offset"], strict=True)))
    parsed = {}
    for span in dict.fromkeys(spans):
        try:
            parsed[span] = _parse_window(*span.split("\t"), recordings)
        except InputError as error:
            raise InputError(f"{path}, line {spans.index(span) + 2}: {error}") from error
    windows = sorted(set(parsed.values()))
    lookup = {window: index for index, window in enumerate(windows)}
    window = np.fromiter((lookup[parsed[span]] for span in spans), dtype=np.int64, count=size)

    expected = [asked.get(recordings[name].scene, []) for name, _, _ in windows]
    allowed = np.array([[name in names for name in classes] + [False] for names in expected])  # last: unknown class
    annotators = sorted(set(table["annotator"]) - {""})
    annotator, label = indices("annotator", annotators), indices("class", classes)
    opinion = indices("opinion", ["0", "1"])
    check(
        allowed[window, label],
        lambda row: f"class {table['class'][row]!r} was not asked in this scene; asked were {expected[window[row]]}",
    )
    check(annotator >= 0, lambda _: "no annotator; every row needs a name or number of who was asked")
    check(opinion >= 0, lambda row: f"opinion is {table['opinion'][row]!r}, expected 0 or 1")

    sheet = window * len(annotators) + annotator  # one annotator's answers about one window
    key = sheet * len(classes) + label
    order = np.argsort(key, kind="stable")
    fresh = np.ones(size, dtype=bool)
    fresh[order[1:]] = np.diff(key[order]) > 0
    check(fresh, lambda row: f"repeats line {np.argmax(key == key[row]) + 2} (window, annotator and class)")
    _, inverse, number = np.unique(sheet, return_inverse=True, return_counts=True)
    answers = number[inverse]
    check(
        answers == allowed.sum(axis=1)[window],
        lambda row: (
            f"annotator {table['annotator'][row]!r} gives {answers[row]} opinions about this window, expected "
            f"one on each of {expected[window[row]]}: write a 0 for a class that was not ticked"
        ),
    )
    span_columns = (np.array(column) for column in zip(*windows, strict=True))
    rows = (array[order] for array in (window, annotator, label, opinion))
    return Opinions(*span_columns, annotators, list(classes), *rows)


def _read_columns(path: Path) -> dict[str, list[str]]:
    """Read the columns as text. One flat list of fields: half a million small lists would cost seconds."""
    try:
        text = Path(path).read_text(encoding="utf-8-sig").rstrip("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as a tab-separated table: {error}") from error
    first, *lines = text.split("\n")
    header = first.split("\t")
    if missing := [name for name in COLUMNS if name not in header]:
        raise InputError(f"{path}, line 1: no column {missing}; found {header}, tab-separated")
    if not lines:
        raise InputError(f"{path}: no opinions; expected a row for each window, annotator and class asked")
    for number, line in enumerate(lines, start=2):
        if line.count("\t") != len(header) - 1:
            raise InputError(f"{path}, line {number}: expected {len(header)} tab-separated fields, got {line!r}")
    fields = "\t".join(lines).split("\t")
    return {name: fields[column :: len(header)] for column, name in enumerate(header)}


def _parse_window(name: str, start: str, end: str, recordings: dict[str, Recording]) -> tuple[str, int, int]:
    if name not in recordings:
        raise InputError(f"recording {name!r} is not in the table of recordings; check its spelling")
    try:
        onset, offset = float(start), float(end)
    except ValueError:
        onset = offset = float("nan")
    if not (onset.is_integer() and offset.is_integer() and 0 <= onset < offset):
        raise InputError(f"window from {start!r} to {end!r}, expected whole seconds, 0 <= onset < offset")
    duration = recordings[name].duration_s
    if offset > duration:
        raise InputError(f"window from {start} to {end} s ends after the recording, which lasts {duration} s")
    return name, int(onset), int(offset)


def mace(
    items: np.ndarray,
    annotators: np.ndarray,
    labels: np.ndarray,
    *,
    n_items: int,
    n_annotators: int,
    n_labels: int = 2,
    method: str = "vb",
    restarts: int = 10,
    iterations: int = 50,
    seed: int,
) -> Mace:
    """Estimate whom to trust: multi-annotator competence estimation (Hovy et al., NAACL 2013).

    The true label of an item is uniform. Annotator j knows it with probability theta_j, his competence, and gives it;
    otherwise he draws a label from his own strategy xi_j.

    Parameters
    ----------
    items, annotators, labels : ndarray of int [annotations]
        One annotation a row, indices from 0, in any order: the order has no influence on the result.
    method : {"vb", "em"}
        Variational Bayes with Beta(0.5, 0.5) on knowing and Dirichlet(10) on the strategy, or EM smoothed by
        0.01 / `n_labels`.
    restarts, iterations : int
        Random initialisations, of which the one with the best log marginal likelihood is kept, and steps of each.

    Returns
    -------
    Mace
        Items without annotation have a uniform posterior; annotators without one have the competence of the prior.
        The likelihood of variational Bayes uses exp(E[log p]) in place of p and so is no true probability.

    Raises
    ------
    InputError
        When there is no annotation, restart or iteration, or the method is unknown.
    """
    if method not in ("vb", "em"):
        raise InputError(f"unknown competence method {method!r}; expected vb or em")
    if not len(items) or restarts < 1 or iterations < 1:
        raise InputError(f"{len(items)} annotations, {restarts} restarts, {iterations} iterations: expected 1 or more")
    order = np.lexsort((labels, annotators, items))  # sums of floats depend on their order
    cell = labels[order] * n_items + items[order]
    choice = labels[order] * n_annotators + annotators[order]
    counts = np.bincount(choice, minlength=n_labels * n_annotators).reshape(n_labels, n_annotators)
    # In VB digamma stands where EM takes the logarithm of the same smoothed counts.
    log_mean = digamma if method == "vb" else np.log
    smoothing = EM_SMOOTHING / n_labels
    knowing, guessing = (VB_KNOWING, VB_STRATEGY) if method == "vb" else (smoothing, smoothing)

    rng = np.random.default_rng(seed)
    best = Mace(np.empty(0), np.empty(0), np.empty(0), -np.inf)
    for restart in range(restarts):
        # Expected annotations that come from knowing: at first about half, so that neither explanation is favoured.
        known = counts * rng.uniform(0.4, 0.6, size=counts.shape)  # [labels, annotators]
        for _ in range(iterations + 1):
            guessed = np.maximum(counts - known, 0)
            total = log_mean(counts.sum(axis=0) + 2 * knowing)
            log_know = log_mean(known.sum(axis=0) + knowing) - total
            log_strategy = log_mean(guessed + guessing) - log_mean(guessed.sum(axis=0) + n_labels * guessing)
            log_guess = log_mean(guessed.sum(axis=0) + knowing) - total + log_strategy

            # How much more likely an annotation is when it equals the truth: [labels, annotators], above 0.
            gain = np.logaddexp(log_know, log_guess) - log_guess
            score = np.bincount(cell, weights=gain.ravel()[choice], minlength=n_labels * n_items)
            score = score.reshape(n_labels, n_items)
            top = score.max(axis=0)
            posterior = np.exp(score - top)
            mass = posterior.sum(axis=0)
            posterior /= mass
            likelihood = (top + np.log(mass)).sum() - n_items * np.log(n_labels) + (counts * log_guess).sum()
            true = np.bincount(choice, weights=posterior.ravel()[cell], minlength=n_labels * n_annotators)
            known = -np.expm1(-gain) * true.reshape(n_labels, n_annotators)
        logger.info("MACE (%s), restart %d: log marginal likelihood %.4f", method, restart + 1, likelihood)
        if likelihood > best.log_marginal_likelihood:
            best = Mace(np.exp(log_know), np.exp(log_strategy).T, posterior.T, float(likelihood))
    return best


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
                f"{opinions.classes[wanted[column]]!r}; every second needs a window that covers it"
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


# `labels: method:` in the config -> a function of this signature: from opinions to competences and soft labels.
ESTIMATORS = {"eq1": estimate_eq1}


def main(argv: list[str] | None = None) -> None:
    """Estimate competences and soft labels from a table of opinions."""
    parser = argparse.ArgumentParser(prog="softsed crowd", description=main.__doc__)
    parser.add_argument("--opinions", type=Path, required=True, help="table of opinions")
    parser.add_argument("--recordings", type=Path, required=True, help="table of recordings")
    parser.add_argument("--classes", type=Path, required=True, help="table of classes")
    parser.add_argument("--scenes", type=Path, required=True, help="table of the classes asked in each scene")
    parser.add_argument("--config", type=json.loads, required=True, help="section `labels` of the config, as JSON")
    parser.add_argument("--seed", type=int, required=True, help="of the random restarts")
    parser.add_argument("--competence", type=Path, required=True, help="table of competences, written")
    parser.add_argument("--soft", type=Path, required=True, help="folder of the soft labels, written")
    options = parser.parse_args(argv)
    classes = list(read_classes(options.classes))
    asked = read_scenes(options.scenes, classes)
    recordings = read_recordings(options.recordings)
    for name, recording in recordings.items():
        if recording.scene not in asked:
            raise InputError(f"{options.recordings}: {name}: scene {recording.scene!r} is not in {options.scenes}")
    method = options.config["method"]
    if method not in ESTIMATORS:
        raise InputError(f"unknown method {method!r} of making soft labels; expected one of {sorted(ESTIMATORS)}")
    opinions = read_opinions(options.opinions, classes, asked=asked, recordings=recordings)
    weights, soft = ESTIMATORS[method](opinions, options.config, recordings=recordings, asked=asked, seed=options.seed)
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
    options.soft.mkdir(parents=True, exist_ok=True)
    for name, values in soft.items():
        write_soft(options.soft / f"{name}.txt", values, classes)
