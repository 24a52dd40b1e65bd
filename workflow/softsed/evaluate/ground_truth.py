"""Metrics against the ground truth: systems, baselines without audio, and the labels themselves.

Table 2 compares systems with labels, and labels made by different methods are different references. Here the reference
of all rows is the same: the seconds that a true event overlaps.

Conventions
-----------
- True seconds are those of `true_seconds`. Only the cells defined in `softsed.evaluate.inputs` count, so that systems
  and labels are compared on the same seconds and classes.
- The operating points of a system are those of `evaluate.system`: the threshold of the config, and class-dependent
  thresholds from the soft labels that the system was trained on. A class without a class-dependent threshold is not
  detected, and its true seconds are misses. A class that is not annotated in the scene has no true seconds, and its
  detection is a false alarm.
- Labels are evaluated like a system, on the test recordings of each fold, with the hard labels as output.
- Metrics without a threshold are those of `ranking`. Soft labels are scores here, with 0 for classes that are not
  annotated in the scene.
- ``mse`` is the mean squared difference between scores or soft labels, clipped to 0..1, and the true seconds (0 or 1),
  over the classes annotated in the scene. For probabilities this is the Brier score.
"""

import argparse
import json
import logging
import math
from pathlib import Path
from typing import NamedTuple

import numpy as np

from softsed.core.errors import Problems
from softsed.core.event_text import truth_files
from softsed.core.labels import harden, read_active, read_soft
from softsed.core.metadata import choose_classes, read_fold
from softsed.core.options import TRUTH_HELP, add_command, add_options, build_parser, read_json
from softsed.core.thresholds import MIDRANGE, trimmed_midrange
from softsed.evaluate.inputs import annotated_in_scenes, limit_to_labels, read_fold_scores, recordings_of
from softsed.evaluate.ranking import UNITS as RANKING_UNITS
from softsed.evaluate.ranking import auroc_within, rank_together
from softsed.evaluate.segments import UNITS, count, jsonable, metrics_of
from softsed.evaluate.true_seconds import count_left_out, read_true_seconds

MSE_UNIT = "mean squared difference from the true seconds, over the classes annotated in the scene, 0..1"

logger = logging.getLogger(__name__)


class EvaluatedRecording(NamedTuple):
    """Truth and output of one test recording; all arrays are [seconds, classes]."""

    truth: np.ndarray  # bool; False in cells that do not count
    scores: np.ndarray  # scores or soft labels; nan in cells that do not count
    labelled: np.ndarray  # bool, whether the cell has a label
    active: dict[str, np.ndarray]  # bool, by operating point
    left_out: int = 0  # true events of classes that are not annotated in the scene


def compare_with_truth(folds: dict[str, list[EvaluatedRecording]], classes: list[str]) -> dict:
    """Compute metrics against the true seconds.

    Parameters
    ----------
    folds : dict
        The test recordings of each fold, at least one per fold, all with the same operating points.
    classes : list of str
        The evaluated classes, the columns of all arrays.

    Returns
    -------
    dict
        recordings, seconds, left_out (number of true events that do not count), pooled and folds. The last two contain
        operating_points (see `metrics_of`), ranking (see `softsed.evaluate.ranking`) and mse, which is nan if no class
        is annotated in the scene.
    """

    def summarise(tested: list[EvaluatedRecording]) -> dict:
        points = {
            point: metrics_of(count([r.truth for r in tested], [r.active[point] for r in tested], classes), classes)
            for point in tested[0].active
        }
        truth, scores = [r.truth for r in tested], [r.scores for r in tested]
        known = np.concatenate([((np.clip(r.scores, 0, 1) - r.truth) ** 2)[r.labelled] for r in tested])
        return {
            "operating_points": points,
            "ranking": rank_together(truth, scores) | {"auroc_within": auroc_within(truth, scores)},
            "mse": float(known.mean()) if len(known) else math.nan,
        }

    everything = [recording for tested in folds.values() for recording in tested]
    return {
        "recordings": len(everything),
        "seconds": sum(len(recording.truth) for recording in everything),
        "left_out": sum(recording.left_out for recording in everything),
        "pooled": summarise(everything),
        "folds": {fold: summarise(tested) for fold, tested in folds.items()},
    }


def read_system(options: argparse.Namespace, names: list[str], chosen: list[int]) -> tuple[dict, dict]:
    """Read the test recordings of each fold with the output of a system at both thresholds, and the thresholds."""
    classes = [names[i] for i in chosen]
    fixed = options.config["threshold"]
    folds: dict[str, list[EvaluatedRecording]] = {}
    thresholds: dict = {f"{fixed:g}": fixed, MIDRANGE: {}}
    found = read_fold_scores(options.scores, options.folds, names)
    soft = read_soft(options.soft, names, recordings_of(found))
    annotated = annotated_in_scenes(soft, options.folds)
    tested = [name for scores, _ in found.values() for name in scores]
    files = truth_files(options.truth, tested, Problems(strict=True))
    for fold, (scores, training) in found.items():
        midrange = trimmed_midrange([soft[name][:, chosen] for name in training], options.config["trim"])
        thresholds[MIDRANGE][fold] = dict(zip(classes, midrange.tolist(), strict=True))
        folds[fold] = []
        for name, values in scores.items():
            truth = read_true_seconds(files[name], soft[name], names)[:, chosen]
            left_out = count_left_out(files[name], annotated[name], names)
            output = limit_to_labels(values, soft[name], annotated[name], name)[:, chosen]
            labelled = ~np.isnan(soft[name][:, chosen])
            active = {f"{fixed:g}": harden(output, fixed), MIDRANGE: harden(output, midrange)}
            folds[fold].append(EvaluatedRecording(truth, output, labelled, active, left_out))
    return folds, thresholds


def read_labels(options: argparse.Namespace, names: list[str], chosen: list[int]) -> tuple[dict, dict]:
    """Read the test recordings of each fold with their labels as the output, and the threshold of the hard labels."""
    tests = {path.stem: read_fold(path)["test"] for path in options.folds}
    tested = [name for listed in tests.values() for name in listed]
    soft = read_soft(options.soft, names, tested)
    files = truth_files(options.truth, tested, Problems(strict=True))
    hard = read_active(options.hard, soft, names)
    annotated = annotated_in_scenes(soft, options.folds)
    folds: dict[str, list[EvaluatedRecording]] = {fold: [] for fold in tests}
    for fold, listed in tests.items():
        for name in listed:
            truth = read_true_seconds(files[name], soft[name], names)[:, chosen]
            left_out = count_left_out(files[name], annotated[name], names)
            output = limit_to_labels(np.nan_to_num(soft[name]), soft[name], annotated[name], name)[:, chosen]
            labelled = ~np.isnan(soft[name][:, chosen])
            active = {options.threshold: hard[name][:, chosen]}
            folds[fold].append(EvaluatedRecording(truth, output, labelled, active, left_out))
    return folds, {options.threshold: options.threshold}


EXAMPLE = """\
--system S_MSE_lin --run 1 --scores results/demo/predictions/S_MSE_lin/run1/fold1.tsv
      --folds results/demo/folds/fold1.tsv --soft results/demo/labels/eq1/soft.tsv --truth results/demo/data/truth
      --classes workflow/resources/classes.tsv --training '{"method": "eq1"}'
      --config '{"classes": "all", "threshold": 0.5, "trim": 10}'
      --output results/demo/metrics/S_MSE_lin/run1.truth.json\
"""
EXAMPLE_LABELS = """\
--hard results/demo/labels/eq1/hard.tsv --threshold 0.5 --folds results/demo/folds/fold1.tsv
      --soft results/demo/labels/eq1/soft.tsv --truth results/demo/data/truth --classes workflow/resources/classes.tsv
      --training '{"method": "eq1"}' --config '{"classes": "all"}' --output results/demo/metrics/labels/eq1.truth.json\
"""


def main(argv: list[str] | None = None) -> None:
    """Evaluate one run of a system, or the labels by one method, against the true events."""
    parser = build_parser("evaluate.ground_truth", main, example=f"system {EXAMPLE}")
    commands = parser.add_subparsers(dest="command", required=True)
    summary = "Evaluate the scores of a system or of a baseline without audio"
    system = add_command(commands, "system", summary, example=EXAMPLE)
    add_options(system, "system", "run", "scores", soft="soft labels, for the class-dependent thresholds of the system")
    labels = add_command(commands, "labels", "Evaluate the labels by one method", example=EXAMPLE_LABELS)
    add_options(labels, "soft", "hard")
    labels.add_argument(
        "--threshold", required=True, help="threshold that produced the hard labels (recorded in the output)"
    )
    recorded = "labels, their method, loss and output of the system, as JSON (recorded in the output)"
    settings = "keys classes, threshold and trim of the section `evaluate`, as JSON"
    for command, training, config in (
        (system, recorded, settings),
        (
            labels,
            "method of the labels, as JSON (recorded in the output)",
            "key classes of the section `evaluate`, as JSON",
        ),
    ):
        add_options(command, "folds")
        command.add_argument("--truth", type=Path, required=True, help=TRUTH_HELP)
        add_options(command, "classes")
        command.add_argument("--training", type=read_json, required=True, help=training)
        add_options(command, config=config, output="metrics to write (JSON)")
    options = parser.parse_args(argv)
    names, chosen = choose_classes(options.classes, options.config["classes"])
    classes = [names[i] for i in chosen]
    folds, thresholds = {"system": read_system, "labels": read_labels}[options.command](options, names, chosen)
    result = {
        "system": options.system if options.command == "system" else "labels",
        "run": options.run if options.command == "system" else 1,
        **{"training": options.training, "units": UNITS | RANKING_UNITS | {"mse": MSE_UNIT}, "config": options.config},
        **{"classes": classes, "thresholds": thresholds},
        **compare_with_truth(folds, classes),
    }
    options.output.write_text(json.dumps(jsonable(result), indent=2, allow_nan=False) + "\n", encoding="utf-8")
    for point, found in result["pooled"]["operating_points"].items():
        values = found["error_rate"], 100 * found["f1_micro"], 100 * found["f1_macro"], result["pooled"]["mse"]
        logger.info(
            "%s (%s), %s: ER %.2f, micro F1 %.2f %%, macro F1 %.2f %%, MSE %.4f",
            *(result["system"], options.training["method"], point, *values),
        )
    skill = 100 * result["pooled"]["ranking"]["auroc_within"]
    logger.info("%s (%s): AUROC within recordings %.1f %%", result["system"], options.training["method"], skill)
