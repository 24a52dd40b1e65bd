"""What is worth how much where the true events are known: systems, priors and the labels themselves against the truth.

Table 2 compares systems with the labels they are trained on. Labels made by another method are another reference, and
all of them are wrong somewhere. Here everything has one reference: the seconds that a true event touches.

Conventions
-----------
- Onsets are rounded down and offsets up to whole seconds, as sed_eval does. Only labelled seconds count.
- The operating points of a system are those of `evaluate`, the threshold of the config and class-dependent thresholds
  from the soft labels the system was trained on, but both have the true seconds as reference. A class without a
  class-dependent threshold is not detected, and its true seconds are misses. As in `evaluate`, a class that was not
  asked in the scene has no true seconds, and detecting it is a false alarm.
- Labels are scored as a system is, on the test recordings of each fold: hard labels at the threshold that made them.
- ``mse`` is the mean squared difference of scores or soft labels, clipped to 0..1, from the true seconds (0 or 1), over
  the classes that were asked in the scene of the recording (for probabilities, the Brier score).
"""

import argparse
import json
import logging
import math
from pathlib import Path
from typing import NamedTuple

import numpy as np

from softsed.core.errors import InputError
from softsed.core.event_text import read_true_events, truth_file
from softsed.core.labels import harden, rasterise, read_active, read_soft
from softsed.core.metadata import choose_classes, read_fold
from softsed.core.thresholds import MIDRANGE, trimmed_midrange
from softsed.evaluate.inputs import cut_to, read_tested, recordings_of
from softsed.evaluate.segments import UNITS, count, jsonable, metrics_of

FAR = 10  # times the labelled seconds; milliseconds end far beyond
MSE_UNIT = "mean squared difference from the true seconds, over the classes asked, 0..1"

logger = logging.getLogger(__name__)


class Tested(NamedTuple):
    """One test recording; all arrays are [seconds, classes]."""

    truth: np.ndarray  # bool
    levels: np.ndarray  # scores or soft labels, nan where the class was not asked
    active: dict[str, np.ndarray]  # bool, at each operating point


def read_truth(path: Path, soft: np.ndarray, classes: list[str]) -> np.ndarray:
    """Read the true seconds of a recording.

    Parameters
    ----------
    soft : ndarray [seconds, classes]
        Its soft labels, which tell how many seconds are labelled and, by nan, which classes were not asked.

    Returns
    -------
    ndarray of bool [seconds, classes]

    Raises
    ------
    InputError
        When a class has a true event and was not asked: nobody can be right about it. Also where all events begin
        beyond the labels, some of them so far that they must be in another unit. Others are left out, which the log
        says.
    """
    events, seconds = read_true_events(path, classes), len(soft)
    last = max((event.offset for event in events), default=0)
    if last > FAR * seconds and all(event.onset == 0 or event.onset >= seconds for event in events):
        raise InputError(
            f"{path}: true events until {last:g} s, but the labels of the recording cover {seconds} s, in which none "
            "begins; expected seconds, of these at least one"
        )
    if late := sum(event.onset >= seconds for event in events):
        logger.warning("%s: %d of %d true events begin after the %d s with labels", path, late, len(events), seconds)
    asked = [name for column, name in enumerate(classes) if not np.isnan(soft[:, column]).all()]
    if beyond := sorted({event.label for event in events} - set(asked)):
        raise InputError(f"{path}: true events of {beyond}, which the scene was not asked for; asked are {asked}")
    return rasterise(events, classes, seconds)


def evaluate_truth(folds: dict[str, list[Tested]], classes: list[str]) -> dict:
    """Compare with the true seconds.

    Parameters
    ----------
    folds : dict
        The test recordings of each fold, at least one a fold, all with the same operating points.
    classes : list of str
        The classes that count, the columns of all arrays.

    Returns
    -------
    dict
        recordings, seconds, pooled and folds; the last two hold operating_points (as `metrics_of`) and mse (nan where
        no class was asked).
    """

    def summarise(tested: list[Tested]) -> dict:
        points = {
            point: metrics_of(count([r.truth for r in tested], [r.active[point] for r in tested], classes), classes)
            for point in tested[0].active
        }
        squares = [(np.clip(r.levels, 0, 1) - r.truth) ** 2 for r in tested]
        known = np.concatenate([square[~np.isnan(square)] for square in squares])
        return {"operating_points": points, "mse": float(known.mean()) if len(known) else math.nan}

    everything = [recording for tested in folds.values() for recording in tested]
    return {
        "recordings": len(everything),
        "seconds": sum(len(recording.truth) for recording in everything),
        "pooled": summarise(everything),
        "folds": {fold: summarise(tested) for fold, tested in folds.items()},
    }


def score_system(options: argparse.Namespace, names: list[str], chosen: list[int]) -> tuple[dict, dict]:
    """Read the scores of a system and apply both thresholds: the test recordings of each fold, and the thresholds."""
    classes = [names[i] for i in chosen]
    fixed = options.config["threshold"]
    folds = {}
    thresholds: dict = {f"{fixed:g}": fixed, MIDRANGE: {}}
    tested = read_tested(options.scores, options.folds, names)
    soft = read_soft(options.soft, names, recordings_of(tested))
    for fold, (scores, training) in tested.items():
        own = trimmed_midrange([soft[name][:, chosen] for name in training], options.config["trim"])
        thresholds[MIDRANGE][fold] = dict(zip(classes, own.tolist(), strict=True))
        folds[fold] = []
        for name, values in scores.items():
            truth = read_truth(truth_file(options.truth, name), soft[name], names)
            output = cut_to(len(truth), values, name)[:, chosen]
            levels = np.where(np.isnan(soft[name][:, chosen]), np.nan, output)
            active = {f"{fixed:g}": harden(output, fixed), MIDRANGE: harden(output, own)}
            folds[fold].append(Tested(truth[:, chosen], levels, active))
    return folds, thresholds


def score_labels(options: argparse.Namespace, names: list[str], chosen: list[int]) -> tuple[dict, dict]:
    """Read labels as if a system had said them: the test recordings of each fold, and the threshold."""
    tested = {path.stem: read_fold(path)["test"] for path in options.folds}
    soft = read_soft(options.soft, names, [name for listed in tested.values() for name in listed])
    hard = read_active(options.hard, soft, names)
    folds = {fold: [] for fold in tested}
    for fold, listed in tested.items():
        for name in listed:
            truth = read_truth(truth_file(options.truth, name), soft[name], names)
            active = {options.threshold: hard[name][:, chosen]}
            folds[fold].append(Tested(truth[:, chosen], soft[name][:, chosen], active))
    return folds, {options.threshold: options.threshold}


def main(argv: list[str] | None = None) -> None:
    """Score one run of one system, or the labels by one method, against the true events."""
    parser = argparse.ArgumentParser(prog="softsed evaluate.ground_truth", description=main.__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    system = commands.add_parser("system", help="scores of a system or prior")
    system.add_argument("--system", required=True, help="name, written into the output")
    system.add_argument("--run", type=int, required=True, help="number, written into the output")
    system.add_argument("--scores", type=Path, nargs="+", required=True, help="scores, one file a fold")
    labels = commands.add_parser("labels", help="labels by one method")
    labels.add_argument("--hard", type=Path, required=True, help="hard labels")
    labels.add_argument("--threshold", required=True, help="that made them hard, written into the output")
    for command in (system, labels):
        command.add_argument("--folds", type=Path, nargs="+", required=True, help="lists of the folds")
        command.add_argument("--soft", type=Path, required=True, help="soft labels; a system's: trained on")
        command.add_argument(
            "--truth", type=Path, required=True, help="folder of RECORDING.tsv or .txt, the true events"
        )
        command.add_argument("--classes", type=Path, required=True, help="table of classes")
        command.add_argument(
            "--training",
            type=json.loads,
            required=True,
            help="JSON: the method of the labels; a system's: labels, loss, output",
        )
        command.add_argument(
            "--config", type=json.loads, required=True, help="JSON: classes; a system's: threshold, trim"
        )
        command.add_argument("--output", type=Path, required=True, help="metrics as JSON, written")
    options = parser.parse_args(argv)
    names, chosen = choose_classes(options.classes, options.config["classes"])
    classes = [names[i] for i in chosen]
    folds, thresholds = {"system": score_system, "labels": score_labels}[options.command](options, names, chosen)
    result = {
        "system": options.system if options.command == "system" else "labels",
        "run": options.run if options.command == "system" else 1,
        **{"training": options.training, "units": UNITS | {"mse": MSE_UNIT}, "config": options.config},
        **{"classes": classes, "thresholds": thresholds},
        **evaluate_truth(folds, classes),
    }
    options.output.write_text(json.dumps(jsonable(result), indent=2, allow_nan=False) + "\n", encoding="utf-8")
    for point, found in result["pooled"]["operating_points"].items():
        values = found["error_rate"], 100 * found["f1_micro"], 100 * found["f1_macro"], result["pooled"]["mse"]
        logger.info(
            "%s (%s), %s: ER %.2f, micro F1 %.2f %%, macro F1 %.2f %%, MSE %.4f",
            *(result["system"], options.training["method"], point, *values),
        )
