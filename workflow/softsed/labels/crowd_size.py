"""Number of annotators: compare labels from some annotators with labels from all, and with the ground truth if given.

Opinions are drawn from the existing ones, labels are estimated from the draw in the same way as from all opinions, and
both are compared second by second. A draw is a part of all opinions, so that a large draw agrees with all opinions by
construction. Therefore look for the number at which the curve becomes flat. The comparison with the ground truth has no
such bias.
"""

import argparse
import json
import logging
from dataclasses import replace
from pathlib import Path

import numpy as np

from softsed.core.binary_metrics import best_threshold, brier_score, calibration_error, f1_score, reliability
from softsed.core.errors import Problems
from softsed.core.event_text import read_true_events, truth_files
from softsed.core.labels import harden, rasterise, read_active, read_soft
from softsed.core.log import Remaining
from softsed.core.opinions import Opinions, read_tables
from softsed.core.options import TRUTH_HELP, add_command, add_options, build_parser
from softsed.core.tsv import read_table
from softsed.labels.aggregate import estimator
from softsed.labels.harden import choose_thresholds

AGAINST_ALL = ("f1", "difference", "correlation", "competence")
EXPECTED = ("expected_brier",)  # of labels that are probabilities
AGAINST_TRUTH = ("truth_f1", "truth_f1_best", "truth_brier", "truth_calibration_error")
COLUMNS = ("method", "annotators", "per_window", "draws")

logger = logging.getLogger(__name__)


def list_answer_sheets(opinions: Opinions) -> tuple[np.ndarray, np.ndarray]:
    """List the answer sheets: one per window and annotator, with the answers about all classes.

    Returns
    -------
    sheets : ndarray of int [sheets, 2]
        Window and annotator of each sheet, sorted.
    rows : ndarray of int [opinions]
        Index of the sheet to which each opinion belongs.
    """
    people = len(opinions.annotators)
    keys, rows = np.unique(opinions.window * people + opinions.annotator, return_inverse=True)
    return np.column_stack(np.divmod(keys, people)), rows


def annotators_per_cell(opinions: Opinions) -> np.ndarray:
    """Count the annotators of each window and class with opinions: ndarray of int [cells]."""
    return np.unique(opinions.window * len(opinions.classes) + opinions.label, return_counts=True)[1]


def draw(opinions: Opinions, number: int, rng: np.random.Generator) -> Opinions:
    """Draw the opinions of a given number of annotators per window and class.

    If the same annotators judged all windows of a recording, annotators are drawn for the whole recording. Otherwise,
    annotators are drawn for each window separately. Where annotators of a window were asked about different classes,
    each class gets the given number of those who were asked about it.

    Parameters
    ----------
    opinions : Opinions
        Opinions of all annotators.
    number : int
        Annotators per window and class. Windows with fewer annotators keep all of them.
    rng : numpy.random.Generator
        Source of the random numbers.

    Returns
    -------
    Opinions
        Opinions that were drawn, with the annotators who have at least one of them.
    """
    sheets, rows = list_answer_sheets(opinions)
    window, who = sheets.T
    _, place = np.unique(opinions.recording, return_inverse=True)
    recording = place[window]
    pairs, pair = np.unique(recording * len(opinions.annotators) + who, return_inverse=True)
    windows, people = np.bincount(place), np.bincount(pairs // len(opinions.annotators))
    complete = np.bincount(recording) == windows * people
    lot = np.where(complete[recording], rng.random(len(pairs))[pair], rng.random(len(sheets)))
    cell = opinions.window * len(opinions.classes) + opinions.label
    order = np.lexsort((lot[rows], cell))
    rank = np.empty(len(cell), dtype=np.int64)
    rank[order] = np.arange(len(cell)) - np.searchsorted(cell[order], cell[order])
    kept = rank < number
    left, annotator = np.unique(opinions.annotator[kept], return_inverse=True)
    return replace(
        opinions,
        annotators=[opinions.annotators[index] for index in left],
        annotator=annotator,
        **{name: getattr(opinions, name)[kept] for name in ("window", "label", "opinion")},
    )


def correlation(one: np.ndarray, other: np.ndarray, *, ranks: bool) -> float:
    """Return Spearman's (`ranks`) or Pearson's correlation of two series; NaN if one is constant or shorter than 3."""
    if len(one) < 3 or np.ptp(one) == 0 or np.ptp(other) == 0:
        return float("nan")
    if ranks:
        one, other = rank(one), rank(other)
    return float(np.corrcoef(one, other)[0, 1])


def rank(values: np.ndarray) -> np.ndarray:
    """Rank values [n] from 1, the smallest; equal values share their mean rank.

    As scipy.stats.rankdata, whose import takes longer than this step.
    """
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    return (count.cumsum() - (count - 1) / 2)[place]


def pooled(values: dict[str, np.ndarray], like: dict[str, np.ndarray]) -> np.ndarray:
    """Concatenate the cells of all recordings that are not NaN in `like`: classes annotated in the scene."""
    return np.concatenate([values[name][~np.isnan(cells)] for name, cells in like.items()])


class Comparison:
    """Reference for labels from a draw: labels from all opinions, and the ground truth if given.

    Parameters
    ----------
    soft, hard : dict of ndarray [seconds, classes]
        Recording -> labels from all opinions.
    competence : dict of float
        Annotator -> competence from all opinions.
    truth : dict of ndarray of bool [seconds, classes] or None
        Recording -> seconds with true events.
    probabilities : bool
        Whether soft labels are probabilities, so that p (1 - p) is the expected Brier score.
    """

    def __init__(
        self,
        soft: dict[str, np.ndarray],
        hard: dict[str, np.ndarray],
        competence: dict[str, float],
        truth: dict[str, np.ndarray] | None,
        *,
        probabilities: bool,
    ) -> None:
        self.probabilities = probabilities
        self.soft, self.competence = soft, competence
        self.cells, self.active = pooled(soft, soft), pooled(hard, soft)
        self.truth = None if truth is None else pooled(truth, soft)

    def measure(self, soft: dict[str, np.ndarray], thresholds: np.ndarray, competence: dict[str, float]) -> dict:
        """Compare labels from a draw with labels from all opinions and with the ground truth.

        Parameters
        ----------
        soft : dict of ndarray [seconds, classes]
            Recording -> soft labels from the draw.
        thresholds : ndarray [classes]
            Thresholds of the hard labels.
        competence : dict of float
            Annotator -> competence from the draw.

        Returns
        -------
        dict of float
            Over all seconds and annotated classes: F1 of the hard labels, mean absolute difference and correlation of
            the soft labels, rank correlation of the competences. With ground truth also F1 at the thresholds of the
            method and at the best threshold, Brier score and calibration error of the soft labels. If soft labels are
            probabilities also the expected Brier score. NaN if undefined.
        """
        cells = pooled(soft, self.soft)
        active = pooled({name: harden(values, thresholds) for name, values in soft.items()}, self.soft)
        pairs = [[competence[name], self.competence[name]] for name in competence]
        found = {
            "f1": f1_score(active, self.active),
            "difference": float(np.abs(cells - self.cells).mean()),
            "correlation": correlation(cells, self.cells, ranks=False),
            "competence": correlation(*np.array(pairs).T, ranks=True),
        }
        if self.probabilities:
            found["expected_brier"] = float(np.nanmean(cells * (1 - cells)))
        if self.truth is not None:
            found["truth_f1"] = f1_score(active, self.truth)
            found["truth_f1_best"] = best_threshold(cells, self.truth)[1]
            found["truth_brier"] = brier_score(cells, self.truth)
            found["truth_calibration_error"] = calibration_error(reliability(cells, self.truth))
        return found


def row(method: str, annotators: int | str, mean: float, found: list[dict]) -> str:
    """Format a row of the table: mean and sample standard deviation over draws; empty if undefined."""
    cells = [method, str(annotators), f"{mean:.4g}", str(len(found))]
    for name in (*AGAINST_ALL, *EXPECTED, *AGAINST_TRUTH):
        values = np.array([measured.get(name, np.nan) for measured in found])
        values = values[~np.isnan(values)]
        cells.append(f"{values.mean():.4f}" if len(values) else "")
        cells.append(f"{values.std(ddof=1):.4f}" if len(values) > 1 else "")
    return "\t".join(cells) + "\n"


def header() -> str:
    """Format the header of the table."""
    names = [text for name in (*AGAINST_ALL, *EXPECTED, *AGAINST_TRUTH) for text in (name, f"{name}_sd")]
    return "\t".join((*COLUMNS, *names)) + "\n"


def measure(options: argparse.Namespace) -> str:
    """Estimate labels from draws of each size, compare them, and format the table of one method."""
    method = options.config["method"]
    estimate = estimator(method)
    opinions, recordings = read_tables(options)
    classes = opinions.classes
    soft_of_all = read_soft(options.soft, classes, list(recordings))
    hard = read_active(options.hard, soft_of_all, classes)
    competence_of_all = {
        row["annotator"]: float(row["competence"]) for row in read_table(options.competence, ("competence",))
    }
    truth = None
    if options.truth:
        files = truth_files(options.truth, recordings, Problems(strict=True))
        events = {name: read_true_events(path, classes) for name, path in files.items()}
        truth = {name: rasterise(events[name], classes, len(soft_of_all[name])) for name in recordings}
    comparison = Comparison(soft_of_all, hard, competence_of_all, truth, probabilities=method == "joint")
    available = annotators_per_cell(opinions)
    table = header()
    sizes = sorted(size for size in set(options.sizes) if size < available.max())
    remaining = Remaining(logger, f"crowd size, {method}: draws", len(sizes) * options.draws)
    for size in sizes:
        found = []
        for index in range(options.draws):
            rng = np.random.default_rng([options.seed, size, index])
            part = draw(opinions, size, rng)
            weights, soft = estimate(part, options.config, recordings=recordings, seed=options.seed)
            soft = {
                name: values.round(6) for name, values in soft.items()
            }  # as in the file of labels from all opinions
            thresholds = choose_thresholds(options.threshold, list(soft.values()), classes)
            competence = dict(zip(part.annotators, weights, strict=True))
            found.append(comparison.measure(soft, thresholds, competence))
            logger.info("%s, %d annotators, draw %d: %s", method, size, index + 1, found[-1])
            remaining.advance()
        table += row(method, size, np.minimum(available, size).mean(), found)
    thresholds = choose_thresholds(options.threshold, list(soft_of_all.values()), classes)
    found = [comparison.measure(soft_of_all, thresholds, competence_of_all)]
    return table + row(method, "all", available.mean(), found)


def main(argv: list[str] | None = None) -> None:
    """Measure how labels depend on the number of annotators, or collect the tables of several methods."""
    config = {"method": "eq1", "competence": {"method": "vb", "restarts": 10, "iterations": 50}}
    labels = "results/demo/labels/eq1"
    example = "--opinions results/demo/data/opinions.tsv --recordings workflow/resources/demo.tsv "
    example += "--classes workflow/resources/classes.tsv --scenes workflow/resources/scenes.tsv "
    example += f"--config '{json.dumps(config)}' --threshold 0.5 --sizes 2 3 4 --draws 10 --seed 1 "
    example += f"--soft {labels}/soft.tsv --hard {labels}/hard.tsv --competence {labels}/competence.tsv "
    example += f"--truth results/demo/data/truth --output {labels}/crowd_size.tsv"
    parser = build_parser("labels.crowd_size", main, example=f"measure {example}")
    commands = parser.add_subparsers(dest="command", required=True)
    summary = "Compare labels from random draws of annotators with labels from all opinions, for one method"
    one = add_command(commands, "measure", summary, example=example)
    add_options(one, "opinions", "unticked", "recordings", "classes", "scenes")
    texts = {"config": "`method` and its keys in the section `labels`, as JSON", "seed": "seed of draws and method"}
    add_options(one, **texts, soft="soft labels from all opinions", hard="hard labels from all opinions")
    one.add_argument("--threshold", required=True, help="threshold of the hard labels, as for `labels.harden`")
    one.add_argument("--sizes", type=int, nargs="+", required=True, help="numbers of annotators per window")
    one.add_argument("--draws", type=int, required=True, help="random draws per number of annotators")
    one.add_argument("--competence", type=Path, required=True, help="table of competences from all opinions")
    one.add_argument("--truth", type=Path, help=TRUTH_HELP)
    example = f"--tables {labels}/crowd_size.tsv --output results/demo/labels/crowd_size.tsv"
    collect = add_command(commands, "collect", "Join the tables of several methods", example=example)
    collect.add_argument("--tables", type=Path, nargs="+", required=True, help="tables written by `measure`")
    for command in (one, collect):
        add_options(command, output="table to write")
    options = parser.parse_args(argv)
    if options.command == "measure":
        table = measure(options)
    else:
        rows = [found for path in options.tables for found in read_table(path, COLUMNS)]
        table = header() + "".join("\t".join(found.values()) + "\n" for found in rows)
    options.output.write_text(table, encoding="utf-8")
