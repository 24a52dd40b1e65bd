"""Metrics as functions of the weights of the recordings, for jackknife intervals over recordings.

Counts are first summed over the seconds of each recording. A vector of weights leaves a recording out, and one matrix
product computes all leave-one-out values. Tests compare the values for weights of 1 with those of `evaluate.segments`
(sed_eval) and `evaluate.ranking` (sed_scores_eval).

Conventions
-----------
- ``weights`` is [resamples, recordings]. The value of a metric is [resamples], nan where the metric is not defined.
- Averages over classes leave out classes without a reference in the resample. A class that is never detected counts
  as 0.
"""

from collections.abc import Callable

import numpy as np

from softsed.evaluate.ranking import best_f1, concordances, partial_auc, threshold_steps

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


def jackknife_bias(values: np.ndarray, scenes: list[str]) -> float:
    """Estimate the bias of a metric from its value and its leave-one-out values [1 + recordings] (Jones, 1974).

    Returns
    -------
    float
        The sum over scenes h of (n_h - 1) (mean_h - value). Values that are nan are left out.
    """
    bias = 0.0
    for members in strata(scenes):
        known = values[1:][members][~np.isnan(values[1:][members])]
        if len(known):
            bias += (len(known) - 1) * float(known.mean() - values[0])
    return bias


def ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Divide elementwise; nan where the denominator is 0."""
    return np.divide(numerator, denominator, out=np.full(np.shape(numerator), np.nan), where=denominator > 0)


def mean_over_classes(values: np.ndarray) -> np.ndarray:
    """Average [resamples, classes] over the classes that are not nan; nan where all classes are nan."""
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
    """Return the metrics over all thresholds; see `softsed.evaluate.ranking`.

    Parameters
    ----------
    reference : list of ndarray of bool [seconds, classes]
    outputs : list of ndarray [seconds, classes]
        nan in cells that do not count.

    Returns
    -------
    dict
        f1_best_macro and mpauc in 0..1, both means over classes.
    """
    owner = np.repeat(np.arange(len(outputs)), [len(output) for output in outputs])
    active, values = np.concatenate(reference), np.concatenate(outputs)
    classes = []
    for column in range(values.shape[1]):
        known = ~np.isnan(values[:, column])
        order, last = threshold_steps(values[known, column])
        classes.append((owner[known][order], active[known, column][order], last))

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


def temporal_metrics(reference: list[np.ndarray], outputs: list[np.ndarray]) -> dict[str, Metric]:
    """Return the temporal skill, auroc_within in 0..1; see `softsed.evaluate.ranking`.

    Parameters
    ----------
    reference : list of ndarray [seconds, classes]
        Bool or levels; nan in seconds of classes that are not annotated in the scene.
    outputs : list of ndarray [seconds, classes]
    """
    skill = concordances(reference, outputs)  # [recordings, classes]
    known = ~np.isnan(skill)
    filled = np.where(known, skill, 0)
    return {"auroc_within": lambda w: mean_over_classes(ratio(w @ filled, w @ known.astype(float)))}


def error_metrics(reference: list[np.ndarray], outputs: list[np.ndarray], name: str) -> dict[str, Metric]:
    """Return the mean squared error of outputs, clipped to 0..1, over the cells that are not nan in the reference."""
    squares = [(np.clip(output, 0, 1) - levels) ** 2 for levels, output in zip(reference, outputs, strict=True)]
    sums = np.array([np.nansum(square) for square in squares])
    cells = np.array([np.count_nonzero(~np.isnan(square)) for square in squares], dtype=float)
    return {name: lambda w: ratio(w @ sums, w @ cells)}
