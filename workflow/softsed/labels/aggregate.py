"""Soft labels from opinions: competence of the annotators (MACE), then eq. 1 (Sec. 2.1 of the paper).

The activity level of one class in segment t is

    a_t = sum_j (theta_j * v_j) / sum_j theta_j        (1)

where v_j is opinion j about the class, 1 or 0, and theta_j the competence of the annotator who gave it. `soft_labels`
computes eq. 1; `competence` estimates theta. A segment is one second here.

Conventions
-----------
- `softsed.core.opinions` defines opinions and windows.
- In MAESTRO Real, windows last 10 s and start every second from 0 to T - 10, T = floor(duration), without padding.
  Therefore the first and last seconds have fewer opinions than the seconds between them.
- A competence is the probability, 0..1, that an annotator knows the answer instead of guessing. Each annotator has one
  competence, shared by all classes: MACE treats each (window, class) as one binary item.
"""

import json
import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np

from softsed.core.errors import InputError
from softsed.core.labels import write_soft
from softsed.core.metadata import Recording
from softsed.core.opinions import Opinions, read_tables
from softsed.core.options import add_options, build_parser
from softsed.labels.joint.events import event_labels
from softsed.labels.joint.people import people_labels
from softsed.labels.mace import mace

logger = logging.getLogger(__name__)


def competence(opinions: Opinions, *, method: str, restarts: int, iterations: int, seed: int) -> np.ndarray:
    """Estimate the competence of each annotator by MACE.

    The items are the pairs (window, class), the labels 0 and 1. One competence per annotator is shared by all classes,
    as in the published labels.

    Parameters
    ----------
    opinions : Opinions
        Opinions of all annotators.
    method, restarts, iterations, seed
        As in `softsed.labels.mace.mace`.

    Returns
    -------
    ndarray [annotators]
        Competence theta, 0..1, in the order of ``opinions.annotators``.
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


def soft_labels(opinions: Opinions, weights: np.ndarray, *, recordings: dict[str, Recording]) -> dict[str, np.ndarray]:
    """Combine opinions, weighted by competence, into the activity level of each second and class (eq. 1).

    a_t = sum_j (theta_j * v_j) / sum_j theta_j

    For second t and one class, j runs over all opinions about the class in all windows that cover the second. The
    result is one ratio of pooled sums, not a mean of the ratios of the windows, as in the published labels. If
    all theta_j of a second are 0, its opinions count equally.

    Parameters
    ----------
    opinions : Opinions
        Opinions v_j.
    weights : ndarray [annotators]
        Competence theta of each annotator, 0 or more.
    recordings : dict of Recording
        Name -> recording, in the order of the result.

    Returns
    -------
    dict of ndarray [seconds, classes]
        Recording -> activity levels, 0..1; NaN for seconds and classes without any opinion.
    """
    seconds = [int(recording.duration_s) for recording in recordings.values()]
    starts = dict(zip(recordings, np.cumsum([0, *seconds]), strict=False))
    # All recordings lie on one axis of seconds. Each window covers `length` seconds: `covering` repeats its index for
    # each of these seconds, `covered` holds the position of the second on the axis.
    length = opinions.offset - opinions.onset
    covering = np.repeat(np.arange(len(length)), length)
    within = np.arange(len(covering)) - np.repeat(np.cumsum(length) - length, length)
    first = np.array([starts[name] for name in opinions.recording]) + opinions.onset
    covered = first[covering] + within

    def pool(values: np.ndarray) -> np.ndarray:
        """Sum one value per opinion over the windows that cover each second: [all seconds, classes].

        Values are summed first within each window, then over the windows of each second. A difference of cumulative
        sums would be shorter, but would leave rounding errors of 1e-17 where eq. 1 gives exactly 0.
        """
        pooled = np.empty((sum(seconds), len(opinions.classes)))
        for column in range(len(opinions.classes)):
            mine = opinions.label == column
            by_window = np.bincount(opinions.window[mine], weights=values[mine], minlength=len(length))
            pooled[:, column] = np.bincount(covered, weights=by_window[covering], minlength=len(pooled))
        return pooled

    theta, v = weights[opinions.annotator], opinions.opinion  # one per opinion
    total, count = pool(theta), pool(np.ones_like(theta))
    weighted = total > 0  # otherwise all weights are 0, and the plain mean is used
    numerator = np.where(weighted, pool(theta * v), pool(v))
    denominator = np.where(weighted, total, count)
    activity = np.divide(numerator, denominator, out=np.full(numerator.shape, np.nan), where=denominator > 0)  # eq. 1
    return {name: activity[starts[name] : starts[name] + int(one.duration_s)] for name, one in recordings.items()}


def estimate_eq1(
    opinions: Opinions, config: dict, *, recordings: dict[str, Recording], seed: int
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Estimate as in the paper: competence by MACE, then eq. 1.

    Parameters
    ----------
    opinions : Opinions
        Opinions of all annotators.
    config : dict
        ``method`` of the labels and ``competence`` (settings of MACE).
    recordings : dict of Recording
        As in `soft_labels`.
    seed : int
        Seed of the random restarts.

    Returns
    -------
    weights : ndarray [annotators]
        Competence of each annotator.
    soft : dict of ndarray [seconds, classes]
        Soft labels, as from `soft_labels`.
    """
    weights = competence(opinions, **config["competence"], seed=seed)
    return weights, soft_labels(opinions, weights, recordings=recordings)


def estimate_majority(
    opinions: Opinions, config: dict, *, recordings: dict[str, Recording], seed: int
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Count all opinions equally, so that a soft label above 0.5 is a majority vote.

    Parameters and results are those of `estimate_eq1`. The competence by MACE is returned but not used.
    """
    weights = competence(opinions, **config["competence"], seed=seed)
    return weights, soft_labels(opinions, np.ones_like(weights), recordings=recordings)


def estimate_joint(
    opinions: Opinions, config: dict, *, recordings: dict[str, Recording], seed: int
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Infer labels and competence together, from a model of how annotators answer.

    Parameters and results are those of `estimate_eq1`, except for the config; MACE, its settings and the seed are not
    used. Seconds without any opinion about the class are NaN, as in eq. 1.

    Parameters
    ----------
    opinions, recordings, seed
        As in `estimate_eq1`.
    config : dict
        ``target``: "event" for the probability that the class is active (`softsed.labels.joint.events`), "people" for
        the probability that most people would mark it (`softsed.labels.joint.people`). ``class_weight``: as in both.
    """
    infer = {"event": event_labels, "people": people_labels}[config["target"]]
    weights, soft = infer(opinions, recordings=recordings, class_weight=config["class_weight"])
    shares = soft_labels(opinions, np.ones_like(weights), recordings=recordings)
    return weights, {name: np.where(np.isnan(share), np.nan, soft[name]) for name, share in shares.items()}


# Value of `labels.method` in the config -> function with the signature of `estimate_eq1`. Add a method here.
ESTIMATORS = {"eq1": estimate_eq1, "majority": estimate_majority, "joint": estimate_joint}


def estimator(method: str) -> Callable:
    """Return the function of a label method; raise an InputError for an unknown method."""
    if method not in ESTIMATORS:
        expected = f"one of {sorted(ESTIMATORS)}"
        raise InputError(f"unknown method {method!r}", key="labels.method", expected=expected)
    return ESTIMATORS[method]


def main(argv: list[str] | None = None) -> None:
    """Estimate competence and soft labels from a table of opinions."""
    config = {"method": "eq1", "competence": {"method": "vb", "restarts": 10, "iterations": 50}}
    example = "--opinions results/demo/data/opinions.tsv --recordings workflow/resources/demo.tsv "
    example += "--classes workflow/resources/classes.tsv --scenes workflow/resources/scenes.tsv "
    example += f"--config '{json.dumps(config)}' --seed 1 "
    example += "--competence results/demo/labels/eq1/competence.tsv --soft results/demo/labels/eq1/soft.tsv"
    parser = build_parser("labels.aggregate", main, example=example)
    add_options(parser, "opinions", "unticked", "recordings", "classes", "scenes")
    texts = {"config": "`method` and its keys in the section `labels`, as JSON"}
    add_options(parser, **texts, seed="seed of the random restarts of MACE", soft="table of soft labels to write")
    help_text = "table to write (annotator, competence, opinions)"
    parser.add_argument("--competence", type=Path, required=True, help=help_text)
    options = parser.parse_args(argv)
    estimate = estimator(options.config["method"])
    opinions, recordings = read_tables(options)
    weights, soft = estimate(opinions, options.config, recordings=recordings, seed=options.seed)
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
