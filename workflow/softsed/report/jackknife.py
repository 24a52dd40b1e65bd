"""Scores of a system as functions of how much each recording counts: for intervals over recordings by the jackknife.

Whatever is summed over seconds is first summed within recordings; leaving a recording out is a vector of weights, and
all of these are one matrix product. The values for weights of one are those of `evaluate` (sed_eval) and of
sed_scores_eval.

Conventions
-----------
- ``weights`` is [resamples, recordings], how much each recording counts; a score is [resamples], nan where it is not
  defined.
- ``f1_macro`` and what else is averaged over classes leaves out classes without a reference in the resample, and counts
  a class that is never detected as 0.
"""

from collections.abc import Callable

import numpy as np

MAX_FPR = 0.1  # up to which the receiver operating characteristic counts: more false alarms are of no use

Score = Callable[[np.ndarray], np.ndarray]  # weights -> score


def strata(scenes: list[str]) -> list[np.ndarray]:
    """Group recordings by scene, those that are alone in theirs together: the indices of each group."""
    members = [np.flatnonzero(np.array(scenes) == scene) for scene in dict.fromkeys(scenes)]
    single = [group for group in members if len(group) == 1]
    return [group for group in members if len(group) > 1] + ([np.concatenate(single)] if single else [])


def leave_out(scenes: list[str]) -> np.ndarray:
    """Leave out one recording at a time, for the jackknife: weights [recordings, recordings].

    The others of its scene weigh more, so that the scene weighs the same: how many recordings a scene has is part of
    the design of a data set.
    """
    weights = np.ones((len(scenes), len(scenes)))
    for members in strata(scenes):
        if len(members) > 1:
            weights[np.ix_(members, members)] = len(members) / (len(members) - 1)
            weights[members, members] = 0
    return weights


def jackknife_variance(values: np.ndarray, scenes: list[str]) -> tuple[float, int]:
    """Compute the variance of a score from its values without each recording [recordings] (Jones, 1974).

    Returns
    -------
    variance : float
        The sum over scenes h of (n_h - 1) / n_h sum_i (score_hi - mean_h)^2; values that are nan are left out.
    freedom : int
        Its degrees of freedom, the sum of n_h - 1.
    """
    variance, freedom = 0.0, 0
    for members in strata(scenes):
        known = values[members][~np.isnan(values[members])]
        if len(known):
            variance += (len(known) - 1) / len(known) * float(((known - known.mean()) ** 2).sum())
            freedom += len(known) - 1
    return variance, freedom


def ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Divide elementwise; nan where the denominator is 0."""
    return np.divide(numerator, denominator, out=np.full(np.shape(numerator), np.nan), where=denominator > 0)


def mean_over_classes(values: np.ndarray) -> np.ndarray:
    """Average [resamples, classes] over the classes that are not nan; nan where all are."""
    known = ~np.isnan(values)
    return ratio(np.where(known, values, 0).sum(axis=1), known.sum(axis=1))


def threshold_scores(pairs: list[tuple[np.ndarray, np.ndarray]]) -> dict[str, Score]:
    """Error rate and F1 at one operating point (Sec. 3.2; see `segments`).

    Parameters
    ----------
    pairs : list of (reference, output)
        Of each recording, ndarray of bool [seconds, classes].

    Returns
    -------
    dict
        error_rate; f1_micro and f1_macro in 0..1.
    """
    hits, misses, alarms = (
        np.array([((r == active) & (o == detected)).sum(axis=0) for r, o in pairs], dtype=float)
        for active, detected in ((True, True), (True, False), (False, True))
    )  # [recordings, classes]
    # Substitutions are misses and false alarms of the same second, so that errors are the larger of the two numbers.
    errors = np.array([np.maximum((r & ~o).sum(axis=1), (o & ~r).sum(axis=1)).sum() for r, o in pairs], dtype=float)

    def f1(w: np.ndarray, *, pooled: bool) -> np.ndarray:
        tp, fn, fp = (
            w @ (counts.sum(axis=1, keepdims=True) if pooled else counts) for counts in (hits, misses, alarms)
        )
        return np.where(tp + fn > 0, ratio(2 * tp, 2 * tp + fp + fn), np.nan)

    return {
        "error_rate": lambda w: ratio(w @ errors, w @ (hits + misses).sum(axis=1)),
        "f1_micro": lambda w: f1(w, pooled=True)[:, 0],
        "f1_macro": lambda w: mean_over_classes(f1(w, pooled=False)),
    }


def ranking_scores(reference: list[np.ndarray], outputs: list[np.ndarray]) -> dict[str, Score]:
    """Scores over all thresholds: best F1 of each class, and area under its ROC up to a false positive rate of 0.1.

    They tell how well seconds are ranked, whatever the scale of the output; the thresholds that reach the best F1 are
    chosen on the reference itself. Equal to `best_fscore` and `auroc` of sed_scores_eval, which scores DCASE tasks.

    Parameters
    ----------
    reference : list of ndarray of bool [seconds, classes]
    outputs : list of ndarray [seconds, classes]

    Returns
    -------
    dict
        f1_best_macro and mpauc in 0..1, both means over classes.
    """
    owner = np.repeat(np.arange(len(outputs)), [len(output) for output in outputs])
    active, values = np.concatenate(reference), np.concatenate(outputs)
    classes = []
    for column in range(values.shape[1]):
        order = np.argsort(-values[:, column], kind="stable")
        last = np.append(np.diff(values[order, column]) != 0, True)  # a threshold lies between different values only
        classes.append((owner[order], active[order, column], last))

    def over_classes(w: np.ndarray, score: Callable[[np.ndarray, np.ndarray], float]) -> np.ndarray:
        found = np.empty((len(w), len(classes)))
        for column, (recording, true, last) in enumerate(classes):
            for row, each in enumerate(w):
                weight = each[recording]
                found[row, column] = score(np.cumsum(weight * true)[last], np.cumsum(weight * ~true)[last])
        return mean_over_classes(found)

    return {
        "f1_best_macro": lambda w: over_classes(w, best_f1),
        "mpauc": lambda w: over_classes(w, partial_auc),
    }


def best_f1(hits: np.ndarray, alarms: np.ndarray) -> float:
    """Find the best F1 over thresholds from hits and false alarms above each, highest threshold first."""
    return float((2 * hits / np.maximum(hits + alarms + hits[-1], 1)).max()) if hits[-1] else float("nan")


def partial_auc(hits: np.ndarray, alarms: np.ndarray) -> float:
    """Compute the area under the ROC up to `MAX_FPR`, as a share of the greatest possible one; staircase, no chords."""
    if not hits[-1] or not alarms[-1]:
        return float("nan")
    rate = np.append(np.minimum(alarms / alarms[-1], MAX_FPR), MAX_FPR)
    return float((hits / hits[-1] * np.diff(rate)).sum() / MAX_FPR)


def error_scores(reference: list[np.ndarray], outputs: list[np.ndarray], name: str) -> dict[str, Score]:
    """Mean squared error of outputs, clipped to 0..1, over the cells that are not nan in the reference."""
    squares = [(np.clip(output, 0, 1) - levels) ** 2 for levels, output in zip(reference, outputs, strict=True)]
    sums = np.array([np.nansum(square) for square in squares])
    cells = np.array([np.count_nonzero(~np.isnan(square)) for square in squares], dtype=float)
    return {name: lambda w: ratio(w @ sums, w @ cells)}
