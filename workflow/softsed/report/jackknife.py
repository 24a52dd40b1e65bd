"""Metrics as functions of the weights of the recordings, for jackknife intervals over recordings.

Counts are first summed over the seconds of each recording. Leaving a recording out is a vector of weights, and all
leave-one-out values are one matrix product. With weights of 1 the values equal those of `evaluate.segments` (sed_eval)
and of sed_scores_eval, by test.

Conventions
-----------
- ``weights`` is [resamples, recordings]. The value of a metric is [resamples], nan where the metric is not defined.
- Averages over classes leave out classes without a reference in the resample. A class that is never detected counts
  as 0.
"""

from collections.abc import Callable

import numpy as np

MAX_FPR = 0.1  # upper limit of the partial area: an output with more false alarms is of no practical use

Metric = Callable[[np.ndarray], np.ndarray]  # weights -> values


def strata(scenes: list[str]) -> list[np.ndarray]:
    """Group the indices of recordings by scene; recordings that are the only ones of their scenes form one group."""
    members = [np.flatnonzero(np.array(scenes) == scene) for scene in dict.fromkeys(scenes)]
    single = [group for group in members if len(group) == 1]
    return [group for group in members if len(group) > 1] + ([np.concatenate(single)] if single else [])


def leave_out(scenes: list[str]) -> np.ndarray:
    """Compute the weights [recordings, recordings] that leave out one recording at a time.

    The weights of the other recordings of the scene increase, so that the total weight of the scene stays the same:
    the number of recordings per scene is part of the design of a data set.
    """
    weights = np.ones((len(scenes), len(scenes)))
    for members in strata(scenes):
        if len(members) > 1:
            weights[np.ix_(members, members)] = len(members) / (len(members) - 1)
            weights[members, members] = 0
    return weights


def jackknife_variance(values: np.ndarray, scenes: list[str]) -> tuple[float, int]:
    """Compute the variance of a metric from its leave-one-out values [recordings] (Jones, 1974).

    Returns
    -------
    variance : float
        The sum over scenes h of (n_h - 1) / n_h sum_i (value_hi - mean_h)^2. Values that are nan are left out.
    freedom : int
        Degrees of freedom of the variance, the sum of n_h - 1.
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


def threshold_metrics(pairs: list[tuple[np.ndarray, np.ndarray]]) -> dict[str, Metric]:
    """Return error rate and F1 at one operating point (Sec. 3.2; see `evaluate.segments`).

    Parameters
    ----------
    pairs : list of (reference, output)
        One pair of ndarray of bool [seconds, classes] per recording.

    Returns
    -------
    dict
        error_rate; f1_micro and f1_macro in 0..1.
    """
    hits, misses, alarms = (
        np.array([((r == active) & (o == detected)).sum(axis=0) for r, o in pairs], dtype=float)
        for active, detected in ((True, True), (True, False), (False, True))
    )  # [recordings, classes]
    # A miss and a false alarm in the same second are one substitution, so the errors are the larger of the two counts.
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


def ranking_metrics(reference: list[np.ndarray], outputs: list[np.ndarray]) -> dict[str, Metric]:
    """Return metrics over all thresholds: best F1 of each class, and area under its ROC up to `MAX_FPR`.

    The metrics measure how well an output ranks the seconds and do not depend on its scale. The thresholds of the best
    F1 are chosen with the reference. Equal to `best_fscore` and `auroc` of sed_scores_eval, by test.

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
        last = np.append(np.diff(values[order, column]) != 0, True)  # thresholds lie between different values
        classes.append((owner[order], active[order, column], last))

    def over_classes(w: np.ndarray, metric: Callable[[np.ndarray, np.ndarray], float]) -> np.ndarray:
        found = np.empty((len(w), len(classes)))
        for column, (recording, true, last) in enumerate(classes):
            for row, each in enumerate(w):
                weight = each[recording]
                found[row, column] = metric(np.cumsum(weight * true)[last], np.cumsum(weight * ~true)[last])
        return mean_over_classes(found)

    return {
        "f1_best_macro": lambda w: over_classes(w, best_f1),
        "mpauc": lambda w: over_classes(w, partial_auc),
    }


def best_f1(hits: np.ndarray, alarms: np.ndarray) -> float:
    """Find the best F1 from the hits and false alarms above each threshold, highest threshold first."""
    return float((2 * hits / np.maximum(hits + alarms + hits[-1], 1)).max()) if hits[-1] else float("nan")


def partial_auc(hits: np.ndarray, alarms: np.ndarray) -> float:
    """Compute the area under the ROC (a step function) up to `MAX_FPR`, as a share of the largest possible area."""
    if not hits[-1] or not alarms[-1]:
        return float("nan")
    rate = np.append(np.minimum(alarms / alarms[-1], MAX_FPR), MAX_FPR)
    return float((hits / hits[-1] * np.diff(rate)).sum() / MAX_FPR)


def error_metrics(reference: list[np.ndarray], outputs: list[np.ndarray], name: str) -> dict[str, Metric]:
    """Return the mean squared error of outputs, clipped to 0..1, over the cells that are not nan in the reference."""
    squares = [(np.clip(output, 0, 1) - levels) ** 2 for levels, output in zip(reference, outputs, strict=True)]
    sums = np.array([np.nansum(square) for square in squares])
    cells = np.array([np.count_nonzero(~np.isnan(square)) for square in squares], dtype=float)
    return {name: lambda w: ratio(w @ sums, w @ cells)}
