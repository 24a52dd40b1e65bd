"""Intervals of the metrics: spread over runs, 95 % intervals, and paired differences between systems.

Two sources of variation are separated. *Runs* differ in the seed of the training; their spread is a standard deviation.
*Recordings* are a sample of all possible recordings of the same scenes. Their contribution comes from the jackknife
within scenes (Jones, 1974), which leaves out one whole recording at a time, because the seconds of a recording are not
independent. The interval covers both sources if there are several runs: the value plus and minus a number of standard
errors from Student's distribution, with the degrees of freedom of the sum of the two variances (Satterthwaite, 1946).
Models and thresholds are not estimated again, so that the intervals do not cover the choice of training recordings.

Coverage is the share of intervals that contain the true value. `benchmarks/intervals.py` measures it in two settings of
500 simulated data sets of five scenes with five recordings (28 November 2026; percent):

================================================  =========  ============  =========
metric                                            jackknife  not extended  bootstrap
================================================  =========  ============  =========
error rate and micro F1 of a detector             93 to 97                 87 to 93
macro F1 of a detector                            92 to 93                 81 to 84
temporal skill and mpAUC of a detector            91 to 95
F1_MO of a detector                               93 to 97   90 to 95
difference between two detectors, all metrics     92 to 97                 86 to 91
F1_MO of the recording prior, and differences     92 to 93   79 to 85
macro F1 of the recording prior, and differences  76 to 86                 41 to 66
mpAUC of the recording prior, and differences     12 to 42
================================================  =========  ============  =========

The bootstrap is not used, because its percentile intervals are too narrow for scenes with few recordings. The best
macro F1 (F1_MO) is optimistic, because its thresholds are chosen on the evaluated recordings: the F1_MO of the
detectors was 1.7 to 2.2 percentage points too high. The intervals of F1_MO, also of its differences, are therefore
extended on the side of the bias that the jackknife estimates. The value itself remains the official one. For few
recordings, macro F1 and mpAUC of the recording prior are too low, because this baseline has only one score per
recording and class. The intervals of these two metrics are not corrected.

Two systems are compared on the same recordings, so that variation that is common to both systems cancels.
"""

import argparse
import logging
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from softsed.core.errors import Problems
from softsed.core.event_text import truth_files
from softsed.core.labels import harden, read_soft
from softsed.core.metadata import choose_classes, read_fold_scenes
from softsed.core.options import TRUTH_HELP, add_options, build_parser, read_json
from softsed.core.thresholds import MIDRANGE, trimmed_midrange
from softsed.evaluate.inputs import EvaluationInputs, read_inputs, scores_of_run
from softsed.evaluate.true_seconds import read_true_seconds
from softsed.report.jackknife import (
    Metric,
    error_metrics,
    jackknife_bias,
    jackknife_variance,
    leave_out,
    ranking_metrics,
    temporal_metrics,
    threshold_metrics,
)
from softsed.report.summary import SCALE
from softsed.report.tables import SCENE_KNOWN, write_frame

ANY = "any"  # in the column threshold: metrics without a threshold
HARD, SOFT, TRUTH = "hard", "soft", "truth"  # in the column reference
OPTIMISTIC = "f1_best_macro"  # its interval is extended by the estimated bias

METRICS = ["system", "threshold", "reference", "metric", "value", "low", "high", "run_std", "runs", "recordings"]
DIFFERENCES = ["system", "against", "threshold", "reference", "metric", "difference", "low", "high", "runs"]

logger = logging.getLogger(__name__)

Key = tuple[str, str, str]  # operating point, reference, metric


def metrics_of_run(inputs: EvaluationInputs, config: dict, order: list[str]) -> dict[Key, Metric]:
    """Return all metrics of one run of a system, as functions of the weights of the recordings.

    Parameters
    ----------
    inputs : EvaluationInputs
        Scores of the run, and labels.
    config : dict
        threshold (0..1) and trim (percent).
    order : list of str
        Test recordings in the order of the weights.
    """
    soft, hard = inputs.soft, inputs.hard
    outputs, midrange = {}, {}
    for scores, training in inputs.folds.values():
        thresholds = trimmed_midrange([soft[name] for name in training], config["trim"])
        for name, output in scores.items():
            outputs[name] = output
            midrange[name] = harden(soft[name], thresholds), harden(output, thresholds)
    fixed = {name: (hard[name], harden(outputs[name], config["threshold"])) for name in order}
    tested = [outputs[name] for name in order]
    annotated = {name: ~np.isnan(soft[name]) for name in order}
    tables: dict[tuple[str, str], dict[str, Metric]] = {}
    for point, reference, pairs in ((f"{config['threshold']:g}", HARD, fixed), (MIDRANGE, SOFT, midrange)):
        tables[point, reference] = threshold_metrics([pairs[name] for name in order])
        masked = [(active, output & annotated[name]) for name in order for active, output in [pairs[name]]]
        tables[point + SCENE_KNOWN, reference] = threshold_metrics(masked)
    tables[ANY, HARD] = binary_metrics([hard[name] for name in order], tested, [annotated[name] for name in order])
    levels = [soft[name] for name in order]
    tables[ANY, SOFT] = temporal_metrics(levels, tested) | error_metrics(levels, tested, "mse")
    return {(*place, name): metric for place, found in tables.items() for name, metric in found.items()}


def truth_metrics(inputs: EvaluationInputs, truth: dict[str, np.ndarray], order: list[str]) -> dict[Key, Metric]:
    """Return the metrics of one run of a system against the true seconds, as functions of the weights.

    Parameters
    ----------
    inputs : EvaluationInputs
        Scores of the run, and labels, which name the classes annotated in each scene.
    truth : dict of ndarray of bool [seconds, classes]
        True seconds of each test recording.
    order : list of str
        Test recordings in the order of the weights.
    """
    outputs = {name: output for scores, _ in inputs.folds.values() for name, output in scores.items()}
    annotated = [~np.isnan(inputs.soft[name]) for name in order]
    known = [truth[name] & ~np.isnan(outputs[name]) for name in order]
    found = binary_metrics(known, [outputs[name] for name in order], annotated)
    return {(ANY, TRUTH, name): metric for name, metric in found.items()}


def binary_metrics(
    reference: list[np.ndarray], outputs: list[np.ndarray], annotated: list[np.ndarray]
) -> dict[str, Metric]:
    """Return the metrics without a threshold against a binary reference.

    Parameters
    ----------
    reference, annotated : list of ndarray of bool [seconds, classes]
        Active seconds, and whether the class is annotated in the scene, which is required for the Brier score.
    outputs : list of ndarray [seconds, classes]
    """
    known = [np.where(mask, active, np.nan) for active, mask in zip(reference, annotated, strict=True)]
    return (
        ranking_metrics(reference, outputs)
        | temporal_metrics(reference, outputs)
        | error_metrics(known, outputs, "brier")
    )


def resample(runs: list[dict[Key, Metric]], scenes: list[str]) -> dict[Key, np.ndarray]:
    """Compute the metrics of every run of a system on all recordings, and without each recording.

    Parameters
    ----------
    runs : list of dict
        Metrics of each run; see `metrics_of_run`.
    scenes : list of str
        Scene of each recording.

    Returns
    -------
    dict of ndarray [runs, 1 + recordings]
        The first column has the values on all recordings.
    """
    weights = np.concatenate([np.ones((1, len(scenes))), leave_out(scenes)])
    return {key: np.stack([run[key](weights) for run in runs]) * SCALE.get(key[2], 1) for key in runs[0]}


def interval(
    values: np.ndarray, scenes: list[str], spreads: list[tuple[float, int]], *, biased: bool = False
) -> tuple[float | None, float | None, float | None]:
    """Compute value, lower and upper end of the 95 % interval; None if not defined.

    Parameters
    ----------
    values : ndarray [1 + recordings]
        A row of `resample`, or a mean or difference of such rows.
    scenes : list of str
        Scene of each recording.
    spreads : list of (float, int)
        Variances and degrees of freedom of the runs; see `spread_of`.
    biased : bool, optional
        Extend the interval by the estimated bias: downwards if the value is estimated to be too high.
    """
    if np.isnan(values[0]) or np.isnan(values[1:]).all():
        return None, None, None
    parts = [
        (variance, freedom) for variance, freedom in [jackknife_variance(values[1:], scenes), *spreads] if variance
    ]
    total = sum(variance for variance, _ in parts)
    width = 0.0
    if total:
        freedom = total**2 / sum(variance**2 / freedom for variance, freedom in parts)
        width = stdtrit(freedom, 0.975) * np.sqrt(total)
    bias = jackknife_bias(values, scenes) if biased else 0.0
    return float(values[0]), float(values[0] - width - max(bias, 0)), float(values[0] + width - min(bias, 0))


def spread_of(values: np.ndarray) -> list[tuple[float, int]]:
    """Compute variance and degrees of freedom of the mean over runs [runs, ...]; an empty list for a single run."""
    runs = len(values)
    return [(float(values[:, 0].var(ddof=1)) / runs, runs - 1)] if runs > 1 else []


def metric_rows(systems: dict[str, dict[Key, np.ndarray]], scenes: list[str]) -> list[dict]:
    """List means over runs with their intervals, one row per system and metric with the columns `METRICS`."""
    rows = []
    for system, found in systems.items():
        for (point, reference, metric), values in found.items():
            means, biased = values.mean(axis=0), metric == OPTIMISTIC
            value, low, high = interval(means, scenes, spread_of(values), biased=biased)
            std = float(values[:, 0].std(ddof=1)) if len(values) > 1 else None
            row: dict[str, object] = {"system": system, "threshold": point, "reference": reference, "metric": metric}
            row |= {"value": value, "low": low, "high": high, "run_std": std}
            rows.append(row | {"runs": len(values), "recordings": len(scenes)})
    return rows


def difference_rows(systems: dict[str, dict[Key, np.ndarray]], scenes: list[str], priors: list[str]) -> list[dict]:
    """List differences, one row per pair and metric with the columns `DIFFERENCES`.

    Each detector is compared with the baselines without audio and with the detectors listed before it, in the metrics
    that both have. ``runs`` is the smaller number of runs of the two detectors. Baselines do not depend on a seed.
    """
    detectors = [system for system in systems if system not in priors]
    rows = []
    for place, system in enumerate(detectors):
        for against in [*priors, *detectors[:place]]:
            for key, values in systems[system].items():
                if key not in systems[against]:
                    continue
                others = systems[against][key]
                gap = values.mean(axis=0) - others.mean(axis=0)
                spreads = spread_of(values) + spread_of(others)
                difference, low, high = interval(gap, scenes, spreads, biased=key[2] == OPTIMISTIC)
                row: dict[str, object] = {"system": system, "against": against}
                row |= dict(zip(("threshold", "reference", "metric"), key, strict=True))
                row |= {"difference": difference, "low": low, "high": high}
                rows.append(row | {"runs": len(values) if against in priors else min(len(values), len(others))})
    return rows


EXAMPLE = """\
--predictions results/demo/predictions --systems '{"S_MSE_lin": [1], "scene_prior": [1]}' --priors scene_prior
      --folds results/demo/folds/fold1.tsv --soft results/demo/labels/eq1/soft.tsv
      --hard results/demo/labels/eq1/hard.tsv --classes workflow/resources/classes.tsv
      --truth results/demo/data/truth --only-truth '{"S_MSE_lin_joint": [1]}'
      --config '{"classes": "all", "threshold": 0.5, "trim": 10}' --metrics results/demo/report/intervals.tsv
      --differences results/demo/report/differences.tsv\
"""


def main(argv: list[str] | None = None) -> None:
    """Compute the metrics of all systems with intervals, and the differences between systems."""
    parser = build_parser("report.intervals", main, example=EXAMPLE)
    add_options(parser, "predictions")
    parser.add_argument("--systems", type=read_json, required=True, help="numbers of the runs by system, as JSON")
    add_options(
        parser, "priors", "folds", "soft", "hard", "classes", config="section `evaluate` of the config, as JSON"
    )
    parser.add_argument("--truth", type=Path, help=TRUTH_HELP)
    parser.add_argument(
        "--only-truth",
        type=read_json,
        default={},
        help="runs by system, as JSON, of further systems that only have metrics against the true events",
    )
    parser.add_argument("--metrics", type=Path, required=True, help="table of metrics to write")
    parser.add_argument("--differences", type=Path, required=True, help="table of differences to write")
    options = parser.parse_args(argv)
    scene_of = {name: scene for path in options.folds for name, scene in read_fold_scenes(path).items()}
    tables = {"soft": options.soft, "hard": options.hard, "classes": options.classes}
    truth: dict[str, np.ndarray] = {}
    found: dict[str, dict[Key, np.ndarray]] = {}
    for system, runs in [*options.systems.items(), *options.only_truth.items()]:
        functions = []
        for run in runs:
            files = scores_of_run(options.predictions, system, run, options.folds)
            inputs = read_inputs(files, options.folds, **tables, wanted=options.config["classes"])
            order = [name for scores, _ in inputs.folds.values() for name in scores]
            metrics = metrics_of_run(inputs, options.config, order) if system in options.systems else {}
            if options.truth:
                truth = truth or read_truth(options, order)
                metrics |= truth_metrics(inputs, truth, order)
            functions.append(metrics)
        scenes = [scene_of[name] for name in order]
        found[system] = resample(functions, scenes)
        logger.info("%s: %d runs, %d recordings, and each recording left out", system, len(runs), len(order))
    write_frame(options.metrics, pd.DataFrame(metric_rows(found, scenes), columns=METRICS))
    differences = difference_rows(found, scenes, options.priors)
    write_frame(options.differences, pd.DataFrame(differences, columns=DIFFERENCES))


def read_truth(options: argparse.Namespace, recordings: list[str]) -> dict[str, np.ndarray]:
    """Read the true seconds of the evaluated classes, ndarray of bool [seconds, classes] per recording."""
    names, chosen = choose_classes(options.classes, options.config["classes"])
    soft = read_soft(options.soft, names, recordings)
    files = truth_files(options.truth, recordings, Problems(strict=True))
    return {name: read_true_seconds(path, soft[name], names)[:, chosen] for name, path in files.items()}
