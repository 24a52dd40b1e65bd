"""How sure the results are: spread over runs, bootstrap intervals over recordings, and paired differences of systems.

Two kinds of chance are kept apart. *Runs* differ in the seed of the training: their standard deviation. *Recordings*
are a sample of what could have been recorded: within each scene they are drawn anew with replacement, a thousand times,
and the middle 95 % of the scores are the interval (bootstrap; Efron, 1979). Recordings are drawn whole, since their
seconds depend on one another; models and thresholds stay as they are, so that what other training recordings would
change is not in it. Scores over all thresholds are higher on draws, which repeat some recordings and lack others, so
that their interval is that of the jackknife instead: the value and 1.96 standard errors to either side.

Two systems are compared on the same draws: what makes a drawing hard for both cancels. The difference to the priors,
which never hear the audio, is the skill of a system.
"""

import argparse
import json
import logging
from pathlib import Path

import numpy as np

from softsed.intervalpage import TOLD, intervals_page
from softsed.labels import harden
from softsed.resampling import Score, draw, error_scores, jackknife_error, leave_out, ranking_scores, threshold_scores
from softsed.tables import write_tsv
from softsed.tested import read_scored, scores_of_run
from softsed.textfiles import read_table
from softsed.thresholds import MIDRANGE, trimmed_midrange

RESAMPLES = 1000
PERCENT = (2.5, 97.5)
NORMAL = 1.96  # standard errors to either side of a value that hold 95 %
RANKING = ("f1_best_macro", "mpauc")  # by the jackknife
ANY = "any"  # the threshold of scores that have none
SCALE = {"f1_micro": 100, "f1_macro": 100, "f1_best_macro": 100, "mpauc": 100}  # percent

SCORES = ["system", "threshold", "score", "value", "low", "high", "run_std", "runs", "recordings", "resamples"]
DIFFERENCES = ["system", "against", "threshold", "score", "difference", "low", "high"]

logger = logging.getLogger(__name__)

Key = tuple[str, str]  # operating point, score


def scores_of(
    folds: dict[str, tuple[dict[str, np.ndarray], list[str]]],
    soft: dict[str, np.ndarray],
    hard: dict[str, np.ndarray],
    config: dict,
    order: list[str],
) -> dict[Key, Score]:
    """Everything that is scored of one run of a system, as functions of the weights of the recordings.

    Parameters
    ----------
    folds : dict
        For each fold the scores of its test recordings, ndarray [seconds, classes], and its training recordings.
    soft, hard : dict of ndarray [seconds, classes]
        Labels of each recording: floats with nan where not asked, and bool.
    config : dict
        threshold (0..1) and trim (percent).
    order : list of str
        The test recordings, in the order of the weights.
    """
    outputs, midrange = {}, {}
    for scores, training in folds.values():
        own = trimmed_midrange([soft[name] for name in training], config["trim"])
        for name, output in scores.items():
            outputs[name] = output
            midrange[name] = harden(soft[name], own), harden(output, own)
    fixed = {name: (hard[name], harden(outputs[name], config["threshold"])) for name in order}
    tested = [outputs[name] for name in order]
    asked = [np.where(np.isnan(soft[name]), np.nan, hard[name]) for name in order]
    tables = {}
    for point, pairs in ((f"{config['threshold']:g}", fixed), (MIDRANGE, midrange)):
        tables[point] = threshold_scores([pairs[name] for name in order])
        told = [(reference, output & ~np.isnan(soft[name])) for name in order for reference, output in [pairs[name]]]
        tables[point + TOLD] = threshold_scores(told)
    tables |= {
        ANY: ranking_scores([hard[name] for name in order], tested)
        | error_scores(asked, tested, "brier")
        | error_scores([soft[name] for name in order], tested, "mse"),
    }
    return {(point, name): score for point, found in tables.items() for name, score in found.items()}


def resample(runs: list[dict[Key, Score]], scenes: list[str], seed: int) -> dict[Key, np.ndarray]:
    """Score every run of a system on every draw, or with one recording less, as its interval needs.

    Parameters
    ----------
    scenes : list of str
        Of the recordings.
    seed : int
        The same draws the recordings of every system.

    Returns
    -------
    dict of ndarray [runs, 1 + resamples] or [runs, 1 + recordings]
        The first column is for each recording once.
    """
    once = np.ones((1, len(scenes)))
    draws, fewer = (np.concatenate([once, rows]) for rows in (draw(scenes, RESAMPLES, seed), leave_out(scenes)))
    return {
        key: np.stack([run[key](fewer if key[1] in RANKING else draws) for run in runs]) * SCALE.get(key[1], 1)
        for key in runs[0]
    }


def interval(values: np.ndarray, score: str, scenes: list[str]) -> tuple[float | None, float | None, float | None]:
    """Value and 95 % interval, of a row of `resample`; None where not defined. Draws without a score do not count."""
    value, others = values[0], values[1:]
    if np.isnan(value) or np.isnan(others).all():
        return None, None, None
    if score in RANKING:
        error = NORMAL * jackknife_error(others, scenes)
        low, high = value - error, value + error
    else:
        low, high = np.percentile(others[~np.isnan(others)], PERCENT)
    return float(value), float(low), float(high)


def score_rows(systems: dict[str, dict[Key, np.ndarray]], scenes: list[str]) -> list[dict]:
    """One row a system and score, columns `SCORES` but the last two: means over runs, intervals of these means."""
    rows = []
    for system, found in systems.items():
        for (point, score), values in found.items():
            value, low, high = interval(values.mean(axis=0), score, scenes)
            spread = float(values[:, 0].std(ddof=1)) if len(values) > 1 else None
            row = {"system": system, "threshold": point, "score": score, "value": value, "low": low, "high": high}
            rows.append(row | {"run_std": spread, "runs": len(values)})
    return rows


def difference_rows(systems: dict[str, dict[Key, np.ndarray]], scenes: list[str], priors: list[str]) -> list[dict]:
    """One row a pair and score, columns `DIFFERENCES`: each detector against the priors and those listed before it."""
    detectors = [system for system in systems if system not in priors]
    rows = []
    for place, system in enumerate(detectors):
        for against in [*priors, *detectors[:place]]:
            for (point, score), values in systems[system].items():
                gap = values.mean(axis=0) - systems[against][point, score].mean(axis=0)
                difference, low, high = interval(gap, score, scenes)
                row = {"system": system, "against": against, "threshold": point, "score": score}
                rows.append(row | {"difference": difference, "low": low, "high": high})
    return rows


def main(argv: list[str] | None = None) -> None:
    """Compare systems, with intervals."""
    parser = argparse.ArgumentParser(prog="softsed intervals", description=main.__doc__)
    parser.add_argument("--predictions", type=Path, required=True, help="folder of SYSTEM/runN/FOLD.tsv, scores")
    parser.add_argument("--systems", type=json.loads, required=True, help="JSON: the runs of each system")
    parser.add_argument("--priors", nargs="*", default=[], help="those of the systems that never hear the audio")
    parser.add_argument("--folds", type=Path, nargs="+", required=True, help="lists of the folds")
    parser.add_argument("--soft", type=Path, required=True, help="soft labels")
    parser.add_argument("--hard", type=Path, required=True, help="hard labels")
    parser.add_argument("--classes", type=Path, required=True, help="table of classes")
    parser.add_argument("--config", type=json.loads, required=True, help="section `evaluate` as JSON")
    parser.add_argument("--seed", type=int, required=True, help="of the draws")
    parser.add_argument("--experiment", required=True, help="name for the caption")
    parser.add_argument("--scores", type=Path, required=True, help="table of scores, written")
    parser.add_argument("--differences", type=Path, required=True, help="table of differences, written")
    parser.add_argument("--markdown", type=Path, required=True, help="page, written")
    options = parser.parse_args(argv)
    listed = [row for path in options.folds for row in read_table(path, ("recording", "scene"))]
    scene_of = {row["recording"]: row["scene"] for row in listed}
    tables = {"soft": options.soft, "hard": options.hard, "classes": options.classes}
    found: dict[str, dict[Key, np.ndarray]] = {}
    for system, runs in options.systems.items():
        functions = []
        for run in runs:
            files = scores_of_run(options.predictions, system, run, options.folds)
            _, folds, soft, hard = read_scored(files, options.folds, **tables, wanted=options.config["classes"])
            order = [name for scores, _ in folds.values() for name in scores]
            functions.append(scores_of(folds, soft, hard, options.config, order))
        scenes = [scene_of[name] for name in order]
        found[system] = resample(functions, scenes, options.seed)
        logger.info("%s: %d runs scored on %d draws of %d recordings", system, len(runs), RESAMPLES, len(order))
    scores = [row | {"recordings": len(order), "resamples": RESAMPLES} for row in score_rows(found, scenes)]
    differences = difference_rows(found, scenes, options.priors)
    write_tsv(options.scores, SCORES, scores)
    write_tsv(options.differences, DIFFERENCES, differences)
    text = intervals_page(scores, differences, options.priors, experiment=options.experiment)
    options.markdown.write_text(text, encoding="utf-8")
