"""Metrics of one system: error rate and F1 in 1-s segments, and divergences from the reference (Sec. 3.2, Table 2).

Two operating points:

``0.5`` (the threshold of the config)
    Output above the threshold, against the hard labels. Curves named ``_h`` in Fig. 2.
``class-dependent``
    One threshold a class, the trimmed midrange of the soft labels of the fold's training recordings, applied to the
    output and to the soft reference (Sec. 4). Curves named ``_s``.

Conventions
-----------
- Segments are the whole seconds of a recording; sed_eval counts them recording by recording. Counts are summed over
  the recordings of a fold, and over the folds for the pooled result; metrics come from the sums.
- All labelled seconds of all recordings count. A class that was not asked has reference 0, as the published files read.
- F1 is in 0..1 here and in percent in tables. Whatever needs a reference and has none is nan, null in JSON.
"""

import argparse
import json
import logging
import math
import warnings
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from softsed.classes import read_classes, read_fold
from softsed.divergence import kld_bernoulli, kld_time
from softsed.errors import InputError
from softsed.labels import harden, rasterise, read_events, read_soft, to_events
from softsed.scores import read_scores
from softsed.thresholds import MIDRANGE, trimmed_midrange

with warnings.catch_warnings():
    warnings.simplefilter("ignore", UserWarning)  # dcase_util, which sed_eval needs, announces the end of pkg_resources
    from sed_eval.sound_event import SegmentBasedMetrics

# Caption of Table 2: "the reference (binary for BCE, soft for MSE)". Systems without a loss give soft values.
KLD_REFERENCE = {"bce": "hard", "mse": "soft", "none": "soft"}
UNITS = {
    "error_rate": "(substitutions + deletions + insertions) / reference, in 1-s segments",
    "f1": "0..1; micro: counts summed over classes; macro: mean over classes in the reference, undetected ones as 0",
    "counts": "seconds; tp hits, fp false alarms, fn misses, n_ref active in the reference",
    "kld": "nats; kld_time: distributions along time, mean over classes; kld_bernoulli: summed over classes, a second",
    "null": "not defined: nothing in the reference, or (threshold) no positive soft label in the training recordings",
}

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Counts:
    """Seconds counted by sed_eval; those of recordings and folds add up. Arrays are [classes]."""

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
        One matrix a recording, in the same order and of the same shapes.
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
    overall = (int(metrics.overall[key]) for key in "SDI")
    class_wise = (np.array([int(metrics.class_wise[c][key]) for c in classes]) for key in ("Ntp", "Nfp", "Nfn"))
    return Counts(*overall, *class_wise)


def metrics_of(counts: Counts, classes: list[str]) -> dict:
    """Compute error rate and F1 from counts.

    F1 = 2 TP / (2 TP + FP + FN) and ER = (S + D + I) / N, N the active seconds of the reference (Mesaros et al. 2016).
    sed_eval's own macro average skips classes without any output, so that a class that is never detected would raise
    it; here such a class counts 0. Classes without a reference are left out.

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


def evaluate(
    folds: dict[str, tuple[dict[str, np.ndarray], list[str]]],
    soft: dict[str, np.ndarray],
    hard: dict[str, np.ndarray],
    classes: list[str],
    *,
    config: dict,
) -> dict:
    """Evaluate one system on all folds.

    Parameters
    ----------
    folds : dict
        For each fold the scores of its test recordings, ndarray [seconds, classes], and its training recordings.
    soft, hard : dict of ndarray [seconds, classes]
        Labels of each recording: floats with nan where not asked, and bool.
    classes : list of str
        The classes evaluated, the columns of all matrices.
    config : dict
        threshold (0..1), trim (percent), epsilon.

    Returns
    -------
    dict
        recordings, seconds, thresholds, pooled and folds, as in the JSON file.
    """
    points = f"{config['threshold']:g}", MIDRANGE
    counts, values, thresholds = {}, {}, {}
    for fold, (scores, training) in folds.items():
        own = trimmed_midrange([soft[name] for name in training], config["trim"])
        thresholds[fold] = dict(zip(classes, own.tolist(), strict=True))
        if missing := [name for name, value in thresholds[fold].items() if math.isnan(value)]:
            logger.warning("%s: no positive training label of %s: not counted at %s", fold, missing, MIDRANGE)
        pairs = (
            [(hard[name], harden(output, config["threshold"])) for name, output in scores.items()],
            [(harden(soft[name], own), harden(output, own)) for name, output in scores.items()],
        )
        counts[fold] = [count(*zip(*pair, strict=True), classes) for pair in pairs]
        values[fold] = [(hard[name].astype(float), np.nan_to_num(soft[name]), scores[name]) for name in scores]

    def summarise(names: list[str]) -> dict:
        sums = [sum(c[1:], c[0]) for c in zip(*(counts[name] for name in names), strict=True)]
        rows = [row for name in names for row in values[name]]
        binary, levels, output = (np.concatenate(matrices) for matrices in zip(*rows, strict=True))
        return {
            "operating_points": {point: metrics_of(c, classes) for point, c in zip(points, sums, strict=True)},
            "kld": {
                kind: {f.__name__: f(reference, output, epsilon=config["epsilon"]) for f in (kld_time, kld_bernoulli)}
                for kind, reference in (("hard", binary), ("soft", levels))
            },
        }

    outputs = [output for scores, _ in folds.values() for output in scores.values()]
    return {
        "recordings": len(outputs),
        "seconds": sum(len(output) for output in outputs),
        "thresholds": {points[0]: config["threshold"], MIDRANGE: thresholds},
        "pooled": summarise(list(folds)),
        "folds": {fold: summarise([fold]) for fold in folds},
    }


def jsonable(value: object) -> object:
    """Round floats to 6 significant digits and turn nan into None, all the way down."""
    if isinstance(value, dict):
        return {key: jsonable(item) for key, item in value.items()}
    if isinstance(value, float):
        return None if math.isnan(value) else float(f"{value:.6g}")
    return value


def main(argv: list[str] | None = None) -> None:
    """Evaluate one run of one system on all folds."""
    parser = argparse.ArgumentParser(prog="softsed evaluate", description=main.__doc__)
    parser.add_argument("--system", required=True, help="name, written into the output")
    parser.add_argument("--run", type=int, required=True, help="number, written into the output")
    parser.add_argument("--scores", type=Path, nargs="+", required=True, help="scores, one file a fold")
    parser.add_argument("--folds", type=Path, nargs="+", required=True, help="lists of the folds, in the same order")
    parser.add_argument("--soft", type=Path, required=True, help="folder of soft labels")
    parser.add_argument("--hard", type=Path, required=True, help="folder of hard labels")
    parser.add_argument("--classes", type=Path, required=True, help="table of classes")
    parser.add_argument("--loss", choices=sorted(KLD_REFERENCE), required=True, help="of the training; none: a prior")
    parser.add_argument("--config", type=json.loads, required=True, help="section `evaluate` as JSON")
    parser.add_argument("--output", type=Path, required=True, help="metrics as JSON, written")
    options = parser.parse_args(argv)
    known = read_classes(options.classes)
    names = list(known)
    chosen = [i for i, name in enumerate(names) if known[name] or options.config["classes"] == "all"]
    classes = [names[i] for i in chosen]
    if [path.stem for path in options.scores] != [path.stem for path in options.folds]:
        raise InputError(f"scores {options.scores} do not match folds {options.folds}; name both alike, in order")

    folds, soft, hard = {}, {}, {}
    for path, fold_path in zip(options.scores, options.folds, strict=True):
        parts, scores = read_fold(fold_path), read_scores(path, names)
        if set(scores) != set(parts["test"]):
            raise InputError(f"{path}: scores of {sorted(scores)}; {fold_path} tests {sorted(parts['test'])}")
        for name in parts["train"] + parts["test"]:
            if name not in soft:
                soft[name] = read_soft(options.soft / f"{name}.txt", names)[:, chosen]
                events = read_events(options.hard / f"{name}.txt", names)
                hard[name] = rasterise(events, names, len(soft[name]))[:, chosen]
        for name in parts["test"]:
            given, labelled = len(scores[name]), len(soft[name])
            if given < labelled:
                raise InputError(f"{path}: {name} has {given} s of scores, {labelled} s of labels; predict it anew")
            if given > labelled:
                logger.warning("%s: %d s of scores, only the %d s with labels count", name, given, labelled)
        tested = {name: scores[name][: len(soft[name]), chosen] for name in parts["test"]}
        folds[fold_path.stem] = tested, parts["train"]
    result = {
        **{"system": options.system, "run": options.run, "loss": options.loss},
        **{"kld_reference": KLD_REFERENCE[options.loss], "units": UNITS, "config": options.config, "classes": classes},
        **evaluate(folds, soft, hard, classes, config=options.config),
    }
    options.output.write_text(json.dumps(jsonable(result), indent=2, allow_nan=False) + "\n", encoding="utf-8")
    for point, found in result["pooled"]["operating_points"].items():
        values = found["error_rate"], 100 * found["f1_micro"], 100 * found["f1_macro"]
        logger.info(
            "%s, run %d, %s: ER %.2f, micro F1 %.2f %%, macro F1 %.2f %%", options.system, options.run, point, *values
        )
