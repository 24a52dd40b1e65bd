"""Segments of one second: counts of hits and errors by sed_eval, and error rate and F1 from them (Sec. 3.2).

Segments are the whole seconds of a recording; sed_eval counts them recording by recording. Counts are summed over the
recordings of a fold, and over all folds for the pooled result. Metrics are computed from these sums. F1 is in 0..1. A
metric without a reference is nan, null in JSON. This module is the source of ER and F1 in all tables.
`report.jackknife` computes both for weighted recordings, and tests compare the two modules.
"""

import math
import warnings
from dataclasses import dataclass, fields

import numpy as np

from softsed.core.labels import to_events

with warnings.catch_warnings():
    warnings.simplefilter("ignore", UserWarning)  # dcase_util, a dependency of sed_eval, uses deprecated pkg_resources
    from sed_eval.sound_event import SegmentBasedMetrics

UNITS = {
    "error_rate": "(substitutions + deletions + insertions) / reference, in 1-s segments",
    "f1": "0..1; micro: counts summed over classes; macro: mean over classes in the reference, undetected ones as 0",
    "counts": "seconds; tp hits, fp false alarms, fn misses, n_ref active in the reference",
    "null": "not defined: nothing in the reference, or (threshold) no positive soft label in the training recordings",
}


@dataclass(frozen=True)
class Counts:
    """Seconds counted by sed_eval; counts of recordings and folds are added. Arrays are [classes]."""

    substitutions: int
    deletions: int
    insertions: int
    tp: np.ndarray
    fp: np.ndarray
    fn: np.ndarray

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(*(getattr(self, field.name) + getattr(other, field.name) for field in fields(self)))


def count(references: list[np.ndarray], outputs: list[np.ndarray], classes: list[str]) -> Counts:
    """Count hits and errors in segments of one second with sed_eval.

    Parameters
    ----------
    references, outputs : list of ndarray of bool [seconds, classes]
        One matrix per recording, in the same order and of the same shapes.
    classes : list of str

    Returns
    -------
    Counts
        All zero without recordings.
    """
    metrics = SegmentBasedMetrics(classes, time_resolution=1.0)
    for pair in zip(references, outputs, strict=True):
        events = [
            [{"onset": event.onset, "offset": event.offset, "event_label": event.label} for event in found]
            for found in (to_events(active, classes) for active in pair)
        ]
        metrics.evaluate(*events, evaluated_length_seconds=len(pair[0]))
    substitutions, deletions, insertions = (int(metrics.overall[key]) for key in "SDI")
    tp, fp, fn = (np.array([int(metrics.class_wise[c][key]) for c in classes]) for key in ("Ntp", "Nfp", "Nfn"))
    return Counts(substitutions, deletions, insertions, tp, fp, fn)


def metrics_of(counts: Counts, classes: list[str]) -> dict:
    """Compute error rate and F1 from counts.

    F1 = 2 TP / (2 TP + FP + FN) and ER = (S + D + I) / N, N the active seconds of the reference (Mesaros et al. 2016).
    The macro average of sed_eval leaves out classes without any output, so that the average increases if a class is
    never detected. Here such a class counts as 0. Classes without a reference are left out.

    Returns
    -------
    dict
        error_rate, f1_micro, f1_macro (all nan when the reference is empty), classes_detected (at least one hit),
        classes_in_reference, counts, and class_wise: f1 (nan without reference), tp, fp, fn, n_ref.
    """
    table = {
        name: {"tp": tp, "fp": fp, "fn": fn, "n_ref": tp + fn}
        for name, tp, fp, fn in zip(classes, counts.tp.tolist(), counts.fp.tolist(), counts.fn.tolist(), strict=True)
    }
    total = {key: sum(row[key] for row in table.values()) for key in ("tp", "fp", "fn", "n_ref")}
    errors = {name: getattr(counts, name) for name in ("substitutions", "deletions", "insertions")}
    class_wise = {name: {"f1": f1_of(row), **row} for name, row in table.items()}
    present = [row["f1"] for row in class_wise.values() if row["n_ref"]]
    return {
        "error_rate": sum(errors.values()) / total["n_ref"] if present else math.nan,
        "f1_micro": f1_of(total),
        "f1_macro": sum(present) / len(present) if present else math.nan,
        "classes_detected": sum(row["tp"] > 0 for row in table.values()),
        "classes_in_reference": len(present),
        "counts": total | errors,
        "class_wise": class_wise,
    }


def f1_of(row: dict[str, int]) -> float:
    """Compute F1 from tp, fp, fn: 0 without a hit, nan without a reference."""
    return 2 * row["tp"] / (2 * row["tp"] + row["fp"] + row["fn"]) if row["n_ref"] else math.nan


def jsonable(value: object) -> object:
    """Round floats to 6 significant digits and replace nan by None, in nested dictionaries."""
    if isinstance(value, dict):
        return {key: jsonable(item) for key, item in value.items()}
    if isinstance(value, float):
        return None if math.isnan(value) else float(f"{value:.6g}")
    return value
