"""Metrics of one system: error rate and F1 in 1-s segments, and divergences from the reference (Sec. 3.2, Table 2).

Two operating points:

``0.5`` (the threshold of the config)
    Output above the threshold, against the hard labels. Curves named ``_h`` in Fig. 2.
``class-dependent``
    One threshold per class, the trimmed midrange of the soft labels of the fold's training recordings. It is applied to
    the output and to the soft reference (Sec. 4). Curves named ``_s``.

Conventions
-----------
- Counts and metrics are those of `segments`.
- All labelled seconds of all recordings count. A class that is not annotated in the scene has reference 0, as in the
  published files.
- F1 is in 0..1 here and in percent in the tables of the report.
"""

import json
import logging
import math

import numpy as np

from softsed.core.labels import harden
from softsed.core.options import add_options, build_parser
from softsed.core.thresholds import MIDRANGE, trimmed_midrange
from softsed.evaluate.divergence import kld_bernoulli, kld_time
from softsed.evaluate.inputs import FoldScores, read_inputs
from softsed.evaluate.segments import UNITS, count, jsonable, metrics_of

# Caption of Table 2: "the reference (binary for BCE, soft for MSE)". Baselines without a loss output soft values.
KLD_REFERENCE = {"bce": "hard", "mse": "soft", "none": "soft"}
KLD_UNIT = (
    "nats; kld_time: distributions along time, mean over classes; kld_bernoulli: summed over classes, mean per second"
)

logger = logging.getLogger(__name__)


def evaluate(
    folds: FoldScores,
    soft: dict[str, np.ndarray],
    hard: dict[str, np.ndarray],
    classes: list[str],
    *,
    config: dict,
) -> dict:
    """Evaluate one system on all folds.

    Parameters
    ----------
    folds : FoldScores
        Scores of the test recordings and names of the training recordings of each fold.
    soft, hard : dict of ndarray [seconds, classes]
        Labels of each recording: floats with nan for classes not annotated in the scene, and bool.
    classes : list of str
        The evaluated classes, the columns of all matrices.
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
        midrange = trimmed_midrange([soft[name] for name in training], config["trim"])
        thresholds[fold] = dict(zip(classes, midrange.tolist(), strict=True))
        if missing := [name for name, value in thresholds[fold].items() if math.isnan(value)]:
            logger.warning("%s: no positive training label of %s: not counted at %s", fold, missing, MIDRANGE)
        pairs = (
            [(hard[name], harden(output, config["threshold"])) for name, output in scores.items()],
            [(harden(soft[name], midrange), harden(output, midrange)) for name, output in scores.items()],
        )
        counts[fold] = [count([r for r, _ in found], [o for _, o in found], classes) for found in pairs]
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


EXAMPLE = """\
--system S_MSE_lin --run 1 --loss mse --scores results/demo/predictions/S_MSE_lin/run1/fold1.tsv
      --folds results/demo/folds/fold1.tsv --soft results/demo/labels/eq1/soft.tsv
      --hard results/demo/labels/eq1/hard.tsv --classes workflow/resources/classes.tsv
      --config '{"classes": "all", "threshold": 0.5, "trim": 10, "epsilon": 0.001}'
      --output results/demo/metrics/S_MSE_lin/run1.json\
"""


def main(argv: list[str] | None = None) -> None:
    """Evaluate one run of one system on all folds."""
    parser = build_parser("evaluate.system", main, example=EXAMPLE)
    add_options(parser, "system", "run", "scores", "folds", "soft", "hard", "classes")
    parser.add_argument(
        "--loss",
        choices=sorted(KLD_REFERENCE),
        required=True,
        help="training loss of the system; none: a baseline without training",
    )
    add_options(parser, config="section `evaluate` of the config, as JSON", output="metrics to write (JSON)")
    options = parser.parse_args(argv)
    tables = {"soft": options.soft, "hard": options.hard, "classes": options.classes}
    classes, folds, soft, hard = read_inputs(options.scores, options.folds, **tables, wanted=options.config["classes"])
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
