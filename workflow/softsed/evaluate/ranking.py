"""Metrics without a threshold: how well scores order the seconds, over all recordings and within each recording.

Names of DCASE 2023 Task 4B are in brackets. All metrics are in 0..1 and do not change if all scores of a class are
scaled or shifted together.

``f1_best_macro`` (F1_MO)
    Mean over the classes of the F1 at the threshold with the highest F1, which is chosen with the reference.
``mpauc``
    Mean over the classes of the area under the receiver operating characteristic up to the false positive rate
    `MAX_FPR`, as a share of the largest possible area.
``auroc_within``
    Temporal skill. For one recording and class: the share of the pairs of seconds with different reference values that
    the scores order correctly, where equal scores count half. For a binary reference this is the area under the
    receiver operating characteristic (Hanley and McNeil, 1982), for soft labels the concordance index (Harrell et al.,
    1982). Mean over the recordings of a class that have such pairs, then over the classes. It is exactly 0.5 for scores
    that are constant within each recording, also if their values differ between recordings.

The first two metrics rank the seconds of all recordings together. Scores that depend only on the scene or on the
average of a recording therefore improve these metrics. Tests compare them with `best_fscore` and `auroc` of
sed_scores_eval. `report.jackknife` computes all three metrics for weighted recordings.
"""

import numpy as np

MAX_FPR = 0.1  # upper limit of the partial area: an output with more false alarms is of no practical use
DIRECT = 64  # seconds that are compared pair by pair, which is faster than sorting for so few

UNITS = {
    "f1_best_macro": "0..1, F1_MO: mean over classes of F1 at the best threshold of each class",
    "mpauc": f"0..1: mean over classes of the normalised area under the ROC up to a false positive rate of {MAX_FPR:g}",
    "auroc_within": "0..1, 0.5 for scores that are constant in time: share of pairs of seconds of one recording that "
    "the scores order as the reference does, mean over recordings, then over classes",
}


def threshold_steps(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sort the scores [seconds] of a class, the highest first.

    Returns
    -------
    order : ndarray of int [seconds]
    last : ndarray of bool [seconds]
        Whether a sorted score is the last of its value. Thresholds lie between different values.
    """
    order = np.argsort(-scores, kind="stable")
    return order, np.append(np.diff(scores[order]) != 0, True)[: len(scores)]


def best_f1(hits: np.ndarray, alarms: np.ndarray) -> float:
    """Find the best F1 from the hits and false alarms above each threshold, highest threshold first."""
    return float((2 * hits / np.maximum(hits + alarms + hits[-1], 1)).max()) if hits.any() else float("nan")


def partial_auc(hits: np.ndarray, alarms: np.ndarray) -> float:
    """Compute the area under the ROC (a step function) up to `MAX_FPR`, as a share of the largest possible area."""
    if not hits.any() or not alarms.any():
        return float("nan")
    rate = np.append(np.minimum(alarms / alarms[-1], MAX_FPR), MAX_FPR)
    return float((hits / hits[-1] * np.diff(rate)).sum() / MAX_FPR)


def rank_together(references: list[np.ndarray], outputs: list[np.ndarray]) -> dict[str, float]:
    """Compute the metrics that rank the seconds of all recordings together.

    Parameters
    ----------
    references : list of ndarray of bool [seconds, classes]
        One matrix per recording.
    outputs : list of ndarray [seconds, classes]
        Scores, in the same order and of the same shapes; nan in cells that do not count.

    Returns
    -------
    dict
        f1_best_macro and mpauc in 0..1, means over the classes in the reference; nan without any.
    """
    active, scores = np.concatenate(references), np.concatenate(outputs)
    found = []
    for column in range(scores.shape[1]):
        known = ~np.isnan(scores[:, column])
        order, last = threshold_steps(scores[known, column])
        true = active[known, column][order]
        steps = np.cumsum(true)[last], np.cumsum(~true)[last]
        found.append((best_f1(*steps), partial_auc(*steps)))
    return dict(zip(("f1_best_macro", "mpauc"), map(mean_of_defined, np.array(found).T), strict=True))


def auroc_within(references: list[np.ndarray], outputs: list[np.ndarray]) -> float:
    """Compute the temporal skill, in 0..1.

    Parameters
    ----------
    references : list of ndarray [seconds, classes]
        Bool or levels; nan in seconds of classes that are not annotated in the scene.
    outputs : list of ndarray [seconds, classes]
        Scores, in the same order and of the same shapes; nan in cells that do not count.

    Returns
    -------
    float
        nan if no recording has two different reference values of one class.
    """
    return mean_of_defined([mean_of_defined(column) for column in concordances(references, outputs).T])


def concordances(references: list[np.ndarray], outputs: list[np.ndarray]) -> np.ndarray:
    """Compute the `concordance` of each recording and class: ndarray [recordings, classes]; see `auroc_within`."""
    return np.array(
        [
            [concordance(*columns) for columns in zip(reference.T, output.T, strict=True)]
            for reference, output in zip(references, outputs, strict=True)
        ]
    )


def concordance(reference: np.ndarray, scores: np.ndarray) -> float:
    """Compute the share of pairs of seconds that the scores order as the reference does.

    Parameters
    ----------
    reference, scores : ndarray [seconds]
        Bool or levels, and scores. Pairs of equal reference values and seconds with nan do not count.

    Returns
    -------
    float
        In 0..1, where equal scores count half; nan without two different reference values.
    """
    known = ~(np.isnan(reference) | np.isnan(scores))
    order = np.argsort(reference[known], kind="stable")
    levels = reference[known][order].astype(float)
    _, sizes = np.unique(levels, return_counts=True)
    pairs = (len(levels) ** 2 - (sizes**2).sum()) / 2
    return ordered_pairs(levels, scores[known][order]) / float(pairs) if pairs else float("nan")


def ordered_pairs(levels: np.ndarray, scores: np.ndarray) -> float:
    """Count the pairs of seconds with increasing levels in which the scores increase; equal scores count half.

    Parameters
    ----------
    levels, scores : ndarray [seconds]
        Sorted by level. Short arrays are compared pair by pair. Longer arrays are split between two levels: the halves
        are compared by sorting one of them, and each half is split again, in O(n log n) for a binary reference and
        O(n log^2 n) in general.
    """
    if not len(levels) or levels[0] == levels[-1]:
        return 0.0
    if len(levels) <= DIRECT:
        increases = (scores[:, None] < scores) + (scores[:, None] == scores) / 2
        return float(increases[levels[:, None] < levels].sum())
    start, end = np.searchsorted(levels, levels[len(levels) // 2]), np.searchsorted(levels, levels[0], "right")
    split = int(start or end)  # where the middle level begins, or else where the first level ends
    lower = np.sort(scores[:split])
    between = sum(float(np.searchsorted(lower, scores[split:], side).sum()) for side in ("left", "right")) / 2
    return between + ordered_pairs(levels[:split], scores[:split]) + ordered_pairs(levels[split:], scores[split:])


def mean_of_defined(values: np.ndarray | list[float]) -> float:
    """Average the values that are not nan; nan without any."""
    known = np.asarray(values, dtype=float)
    known = known[~np.isnan(known)]
    return float(known.mean()) if len(known) else float("nan")
