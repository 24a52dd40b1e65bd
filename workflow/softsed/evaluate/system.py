"""Metrics of one system: error rate and F1 in 1-s segments, and divergences from the reference (Sec. 3.2, Table 2).

Operating points:

``0.5`` (the threshold of the config)
    Output above the threshold, against the hard labels. Curves named ``_h`` in Fig. 2.
``class-dependent``
    One threshold per class, the trimmed midrange of the soft labels of the fold's training recordings. It is applied to
    the output and to the soft reference (Sec. 4). Curves named ``_s``.
``class-dependent, all classes``
    The same over all classes, if the config evaluates only some. The paper claims that class-dependent thresholds
    detect all classes, also those that have no hard labels (Sec. 4).

Conventions
-----------
- Counts and metrics are those of `segments`, metrics without a threshold those of `ranking`. The temporal skill
  (`auroc_within`) has two references, the soft and the hard labels.
- All labelled seconds of all recordings count. A class that is not annotated in the scene has reference 0, as in the
  published files.
- F1 is in 0..1 here and in percent in the tables of the report.
"""

import json
import logging
import math

import numpy as np

from softsed.core.labels import harden
from softsed.core.metadata import choose_classes
from softsed.core.options import add_options, build_parser
from softsed.core.thresholds import ALL_CLASSES, MIDRANGE, trimmed_midrange
from softsed.evaluate.divergence import kld_bernoulli, kld_time
from softsed.evaluate.inputs import FoldScores, read_inputs
from softsed.evaluate.ranking import UNITS as RANKING_UNITS
from softsed.evaluate.ranking import auroc_within, rank_together
from softsed.evaluate.segments import UNITS, Counts, count, jsonable, metrics_of

# Caption of Table 2: "the reference (binary for BCE, soft for MSE)". Baselines without a loss output soft values.
KLD_REFERENCE = {"bce": "hard", "focal": "hard", "mse": "soft", "crowd": "soft", "none": "soft"}
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
    chosen: list[int] | None = None,
) -> dict:
    """Evaluate one system on all folds.

    Parameters
    ----------
    folds : FoldScores
        Scores of the test recordings and names of the training recordings of each fold.
    soft, hard : dict of ndarray [seconds, classes]
        Labels of each recording: floats with nan for classes not annotated in the scene, and bool.
    classes : list of str
        All classes, the columns of all matrices.
    config : dict
        threshold (0..1), trim (percent), epsilon.
    chosen : list of int, optional
        Columns of the evaluated classes; by default all. If classes are left out, the operating point `ALL_CLASSES`
        is added.

    Returns
    -------
    dict
        recordings, seconds, thresholds, pooled and folds, as in the JSON file. ``without_hard_labels`` of pooled and
        folds lists the classes with a reference at class-dependent thresholds but no hard label in any test recording,
        and which of these classes are detected.
    """
    chosen = list(range(len(classes))) if chosen is None else chosen
    fixed = f"{config['threshold']:g}"
    columns = {fixed: chosen, MIDRANGE: chosen}
    if len(chosen) < len(classes):
        columns[ALL_CLASSES] = list(range(len(classes)))
    names = {point: [classes[column] for column in found] for point, found in columns.items()}
    counts: dict[str, dict[str, Counts]] = {}
    thresholds: dict = {fixed: config["threshold"]} | {point: {} for point in names if point != fixed}
    for fold, (scores, training) in folds.items():
        midrange = trimmed_midrange([soft[name] for name in training], config["trim"])
        for point in thresholds.keys() - {fixed}:
            thresholds[point][fold] = {classes[column]: float(midrange[column]) for column in columns[point]}
        if missing := [name for name, value in zip(classes, midrange, strict=True) if math.isnan(value)]:
            text = "classes %s do not count at %s thresholds in %s: "
            text += "no training recording has a positive soft label of them"
            logger.warning(text, missing, MIDRANGE, fold)
        hardened = [(hard[name], harden(output, config["threshold"])) for name, output in scores.items()]
        adapted = [(harden(soft[name], midrange), harden(output, midrange)) for name, output in scores.items()]
        counts[fold] = {}
        for point, found in columns.items():
            pairs = hardened if point == fixed else adapted
            references, detected = ([pair[place][:, found] for pair in pairs] for place in (0, 1))
            counts[fold][point] = count(references, detected, names[point])
    outputs = {name: output for scores, _ in folds.values() for name, output in scores.items()}
    labelled = np.any([hard[name].any(axis=0) for name in outputs], axis=0)

    def summarise(parts: list[str]) -> dict:
        points = {}
        for point in columns:
            first, *others = (counts[part][point] for part in parts)
            points[point] = metrics_of(sum(others, first), names[point])
        tested = [name for part in parts for name in folds[part][0]]
        scores, active, levels = ([table[name][:, chosen] for name in tested] for table in (outputs, hard, soft))
        references = {"hard": np.concatenate(active).astype(float), "soft": np.nan_to_num(np.concatenate(levels))}
        widest = list(points.values())[-1]["class_wise"]
        silent = [name for name, row in widest.items() if row["n_ref"] and not labelled[classes.index(name)]]
        return {
            "operating_points": points,
            "kld": {
                kind: {
                    f.__name__: f(reference, np.concatenate(scores), epsilon=config["epsilon"])
                    for f in (kld_time, kld_bernoulli)
                }
                for kind, reference in references.items()
            },
            "ranking": {
                "hard": rank_together(active, scores) | {"auroc_within": auroc_within(active, scores)},
                "soft": {"auroc_within": auroc_within(levels, scores)},
            },
            "without_hard_labels": {
                "classes": silent,
                "classes_detected": [name for name in silent if widest[name]["tp"]],
            },
        }

    return {
        "recordings": len(outputs),
        "seconds": sum(len(output) for output in outputs.values()),
        "thresholds": thresholds,
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
    classes, folds, soft, hard = read_inputs(options.scores, options.folds, **tables, wanted="all")
    _, chosen = choose_classes(options.classes, options.config["classes"])
    result = {
        **{"system": options.system, "run": options.run, "loss": options.loss},
        **{
            "kld_reference": KLD_REFERENCE[options.loss],
            "units": UNITS | RANKING_UNITS | {"kld": KLD_UNIT},
            "config": options.config,
            "classes": [classes[column] for column in chosen],
        },
        **evaluate(folds, soft, hard, classes, config=options.config, chosen=chosen),
    }
    options.output.write_text(json.dumps(jsonable(result), indent=2, allow_nan=False) + "\n", encoding="utf-8")
    for point, found in result["pooled"]["operating_points"].items():
        values = found["error_rate"], 100 * found["f1_micro"], 100 * found["f1_macro"]
        logger.info(
            "%s, run %d, %s: ER %.2f, micro F1 %.2f %%, macro F1 %.2f %%", options.system, options.run, point, *values
        )
    ranking = result["pooled"]["ranking"]
    best, skill = 100 * ranking["hard"]["f1_best_macro"], 100 * ranking["soft"]["auroc_within"]
    logger.info("%s: best macro F1 (F1_MO) %.2f %%, AUROC within recordings %.1f %%", options.system, best, skill)
