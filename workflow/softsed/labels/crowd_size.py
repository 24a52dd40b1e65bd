"""How many annotators are enough: labels by some of them against labels by all, and against the truth where known.

Opinions are drawn from those there are, labels are made from the draw exactly as from all, and the two are compared
second by second. The few are among the many, so that a draw of nearly all agrees with all by construction: read the
curve for where it flattens. Against the truth there is no such bias.
"""

import argparse
import json
import logging
from dataclasses import replace
from pathlib import Path

import numpy as np

from softsed.core.binary_scores import best_threshold, brier_score, calibration_error, f1_score, reliability
from softsed.core.event_text import read_true_events, truth_file
from softsed.core.labels import harden, rasterise, read_active, read_soft
from softsed.core.opinions import Opinions, add_tables, read_tables
from softsed.core.tsv import read_table
from softsed.labels.aggregate import estimator
from softsed.labels.harden import choose_thresholds

AGAINST_ALL = ("f1", "difference", "correlation", "competence")
AGAINST_TRUTH = ("truth_f1", "truth_f1_best", "truth_brier", "truth_calibration_error")
COLUMNS = ("method", "annotators", "per_window", "draws")

logger = logging.getLogger(__name__)


def answered(opinions: Opinions) -> tuple[np.ndarray, np.ndarray]:
    """List who was asked about which window.

    Returns
    -------
    sheets : ndarray of int [sheets, 2]
        Window and annotator, sorted.
    rows : ndarray of int [opinions]
        The sheet that each opinion is on.
    """
    people = len(opinions.annotators)
    keys, rows = np.unique(opinions.window * people + opinions.annotator, return_inverse=True)
    return np.column_stack(np.divmod(keys, people)), rows


def per_window(opinions: Opinions) -> np.ndarray:
    """Count the annotators of each window: [windows]."""
    return np.bincount(answered(opinions)[0][:, 0])


def draw(opinions: Opinions, number: int, rng: np.random.Generator) -> Opinions:
    """Draw the answers of so many annotators about every window; a window that has fewer keeps all.

    Where the same people answered all windows of a recording, people are drawn, for the whole recording; elsewhere
    each window is drawn by itself. Annotators who are not drawn anywhere are left out.
    """
    sheets, rows = answered(opinions)
    window, who = sheets.T
    _, place = np.unique(opinions.recording, return_inverse=True)
    recording = place[window]
    pairs, pair = np.unique(recording * len(opinions.annotators) + who, return_inverse=True)
    windows, people = np.bincount(place), np.bincount(pairs // len(opinions.annotators))
    complete = np.bincount(recording) == windows * people
    lot = np.where(complete[recording], rng.random(len(pairs))[pair], rng.random(len(sheets)))
    order = np.lexsort((lot, window))
    rank = np.empty(len(sheets), dtype=np.int64)
    rank[order] = np.arange(len(sheets)) - np.searchsorted(window, window)[order]
    kept = (rank < number)[rows]
    left, annotator = np.unique(opinions.annotator[kept], return_inverse=True)
    return replace(
        opinions,
        annotators=[opinions.annotators[index] for index in left],
        annotator=annotator,
        **{name: getattr(opinions, name)[kept] for name in ("window", "label", "opinion")},
    )


def correlation(one: np.ndarray, other: np.ndarray, *, ranks: bool) -> float:
    """Correlate two series, by Spearman or Pearson; nan where one of them is constant or shorter than 3."""
    if len(one) < 3 or np.ptp(one) == 0 or np.ptp(other) == 0:
        return float("nan")
    if ranks:
        one, other = rank(one), rank(other)
    return float(np.corrcoef(one, other)[0, 1])


def rank(values: np.ndarray) -> np.ndarray:
    """Rank values [n] from the least, 1; equal ones share their mean rank. Importing scipy.stats takes too long."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    return (count.cumsum() - (count - 1) / 2)[place]


def pooled(values: dict[str, np.ndarray], like: dict[str, np.ndarray]) -> np.ndarray:
    """Line up the asked cells of all recordings: those that are not nan in `like`."""
    return np.concatenate([values[name][~np.isnan(cells)] for name, cells in like.items()])


class Comparison:
    """What labels from a draw are compared with: the labels from all opinions, and the truth or None."""

    def __init__(
        self,
        soft: dict[str, np.ndarray],
        hard: dict[str, np.ndarray],
        competence: dict[str, float],
        truth: dict[str, np.ndarray] | None,
    ) -> None:
        self.soft, self.competence = soft, competence
        self.cells, self.active = pooled(soft, soft), pooled(hard, soft)
        self.truth = None if truth is None else pooled(truth, soft)

    def measure(self, soft: dict[str, np.ndarray], thresholds: np.ndarray, competence: dict[str, float]) -> dict:
        """Compare labels with those from all opinions and with the truth.

        Parameters
        ----------
        soft : dict of ndarray [seconds, classes]
            For every recording.
        thresholds : ndarray [classes]
            Of the hard labels.
        competence : dict of float
            Annotator to competence; compared over these.

        Returns
        -------
        dict of float
            f1 of the hard labels, mean absolute difference and correlation of the soft labels, rank correlation of
            the competences; against the truth F1 at the method's thresholds and at the best there is, Brier score and
            calibration error of the soft labels; over all asked
            seconds and classes; nan where not defined.
        """
        cells = pooled(soft, self.soft)
        active = pooled({name: harden(values, thresholds) for name, values in soft.items()}, self.soft)
        trusted = [[competence[name], self.competence[name]] for name in competence]
        found = {
            "f1": f1_score(active, self.active),
            "difference": float(np.abs(cells - self.cells).mean()),
            "correlation": correlation(cells, self.cells, ranks=False),
            "competence": correlation(*np.array(trusted).T, ranks=True),
        }
        if self.truth is not None:
            found["truth_f1"] = f1_score(active, self.truth)
            found["truth_f1_best"] = best_threshold(cells, self.truth)[1]
            found["truth_brier"] = brier_score(cells, self.truth)
            found["truth_calibration_error"] = calibration_error(reliability(cells, self.truth))
        return found


def row(method: str, annotators: int | str, mean: float, found: list[dict]) -> str:
    """Write a row of the table: mean and sample standard deviation over draws; empty where not defined."""
    cells = [method, str(annotators), f"{mean:.4g}", str(len(found))]
    for name in (*AGAINST_ALL, *AGAINST_TRUTH):
        values = np.array([measured.get(name, np.nan) for measured in found])
        values = values[~np.isnan(values)]
        cells.append(f"{values.mean():.4f}" if len(values) else "")
        cells.append(f"{values.std(ddof=1):.4f}" if len(values) > 1 else "")
    return "\t".join(cells) + "\n"


def header() -> str:
    """Write the header of the table."""
    names = [text for name in (*AGAINST_ALL, *AGAINST_TRUTH) for text in (name, f"{name}_sd")]
    return "\t".join((*COLUMNS, *names)) + "\n"


def measure(options: argparse.Namespace) -> str:
    """Make labels from draws of every size and compare them: the table of one method."""
    method = options.config["method"]
    estimate = estimator(method)
    opinions, recordings, asked = read_tables(options)
    classes = opinions.classes
    everything = read_soft(options.soft, classes, list(recordings))
    hard = read_active(options.hard, everything, classes)
    trusted = {who["annotator"]: float(who["competence"]) for who in read_table(options.competence, ("competence",))}
    truth = None
    if options.truth:
        heard = {name: read_true_events(truth_file(options.truth, name), classes) for name in recordings}
        truth = {name: rasterise(heard[name], classes, len(everything[name])) for name in recordings}
    comparison = Comparison(everything, hard, trusted, truth)
    available = per_window(opinions)
    table = header()
    for size in sorted(set(options.sizes)):
        if size >= available.max():
            continue
        found = []
        for index in range(options.draws):
            rng = np.random.default_rng([options.seed, size, index])
            part = draw(opinions, size, rng)
            weights, soft = estimate(part, options.config, recordings=recordings, asked=asked, seed=options.seed)
            soft = {name: values.round(6) for name, values in soft.items()}  # as in the files of those from all
            thresholds = choose_thresholds(options.threshold, list(soft.values()), classes)
            competence = dict(zip(part.annotators, weights, strict=True))
            found.append(comparison.measure(soft, thresholds, competence))
            logger.info("%s, %d annotators, draw %d: %s", method, size, index + 1, found[-1])
        table += row(method, size, np.minimum(available, size).mean(), found)
    thresholds = choose_thresholds(options.threshold, list(everything.values()), classes)
    return table + row(method, "all", available.mean(), [comparison.measure(everything, thresholds, trusted)])


def main(argv: list[str] | None = None) -> None:
    """Measure how labels depend on the number of annotators, or collect the tables of several methods."""
    parser = argparse.ArgumentParser(prog="softsed labels.crowd_size", description=main.__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("measure", help="labels from draws against labels from all, for one method")
    add_tables(one)
    one.add_argument("--config", type=json.loads, required=True, help="JSON: `method` and what it reads of `labels`")
    one.add_argument("--threshold", required=True, help="of the hard labels, as `labels harden` takes it")
    one.add_argument("--sizes", type=int, nargs="+", required=True, help="numbers of annotators a window")
    one.add_argument("--draws", type=int, required=True, help="draws of each")
    one.add_argument("--seed", type=int, required=True, help="of the draws and the method")
    one.add_argument("--soft", type=Path, required=True, help="soft labels from all opinions")
    one.add_argument("--hard", type=Path, required=True, help="hard labels from all opinions")
    one.add_argument("--competence", type=Path, required=True, help="table of competences from all opinions")
    one.add_argument("--truth", type=Path, help="folder of RECORDING.tsv or .txt, the true events, where known")
    all_ = commands.add_parser("collect", help="the tables of several methods -> one")
    all_.add_argument("--tables", type=Path, nargs="+", required=True, help="tables of `measure`")
    for command in (one, all_):
        command.add_argument("--output", type=Path, required=True, help="table, written")
    options = parser.parse_args(argv)
    if options.command == "measure":
        table = measure(options)
    else:
        rows = [found for path in options.tables for found in read_table(path, COLUMNS)]
        table = header() + "".join("\t".join(found.values()) + "\n" for found in rows)
    options.output.write_text(table, encoding="utf-8")
