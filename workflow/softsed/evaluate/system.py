"""Metrics of one system: error rate and F1 in 1-s segments, and divergences from the reference (Sec. 3.2, Table 2).

Two operating points:

``0.5`` (the threshold of the config)
    Output above the threshold, against the hard labels. Curves named ``_h`` in Fig. 2.
``class-dependent``
    One threshold a class, the trimmed midrange of the soft labels of the fold's training recordings, applied to the
    output and to the soft reference (Sec. 4). Curves named ``_s``.

Conventions
-----------
- Counts and metrics are those of `segments`.
- All labelled seconds of all recordings count. A class that was not asked has reference 0, as the published files read.
- F1 is in 0..1 here and in percent in tables.
"""

import argparse
import json
import logging
import math
from pathlib import Path

import numpy as np

from softsed.core.labels import harden
from softsed.core.thresholds import MIDRANGE, trimmed_midrange
from softsed.evaluate.divergence import kld_bernoulli, kld_time
from softsed.evaluate.inputs import read_scored
from softsed.evaluate.segments import UNITS, count, jsonable, metrics_of

# Caption of Table 2: "the reference (binary for BCE, soft for MSE)". Systems without a loss give soft values.
KLD_REFERENCE = {"bce": "hard", "mse": "soft", "none": "soft"}
KLD_UNIT = "nats; kld_time: distributions along time, mean over classes; kld_bernoulli: summed over classes, a second"

logger = logging.getLogger(__name__)


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


def main(argv: list[str] | None = None) -> None:
    """Evaluate one run of one system on all folds."""
    parser = argparse.ArgumentParser(prog="softsed evaluate.system", description=main.__doc__)
    parser.add_argument("--system", required=True, help="name, written into the output")
    parser.add_argument("--run", type=int, required=True, help="number, written into the output")
    parser.add_argument("--scores", type=Path, nargs="+", required=True, help="scores, one file a fold")
    parser.add_argument("--folds", type=Path, nargs="+", required=True, help="lists of the folds, in the same order")
    parser.add_argument("--soft", type=Path, required=True, help="soft labels")
    parser.add_argument("--hard", type=Path, required=True, help="hard labels")
    parser.add_argument("--classes", type=Path, required=True, help="table of classes")
    parser.add_argument("--loss", choices=sorted(KLD_REFERENCE), required=True, help="of the training; none: a prior")
    parser.add_argument("--config", type=json.loads, required=True, help="section `evaluate` as JSON")
    parser.add_argument("--output", type=Path, required=True, help="metrics as JSON, written")
    options = parser.parse_args(argv)
    tables = {"soft": options.soft, "hard": options.hard, "classes": options.classes}
    classes, folds, soft, hard = read_scored(options.scores, options.folds, **tables, wanted=options.config["classes"])
    result = {
        **{"system": options.system, "run": options.run, "loss": options.loss},
        **{
            "kld_reference": KLD_REFERENCE[options.loss],
            "units": UNITS | {"kld": KLD_UNIT},
            "config": options.config,
            "classes": classes,
        },
        **evaluate(folds, soft, hard, classes, config=options.config),
    }
    options.output.write_text(json.dumps(jsonable(result), indent=2, allow_nan=False) + "\n", encoding="utf-8")
    for point, found in result["pooled"]["operating_points"].items():
        values = found["error_rate"], 100 * found["f1_micro"], 100 * found["f1_macro"]
        logger.info(
            "%s, run %d, %s: ER %.2f, micro F1 %.2f %%, macro F1 %.2f %%", options.system, options.run, point, *values
        )
