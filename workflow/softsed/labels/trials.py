"""Trials of the label estimators where the truth is known: simulated crowds of many kinds, one table a trial.

Each setting is an event length, how well annotators hear, how many are asked about a window and how many of them spam.
Recordings of two classes that are easily confused are drawn, annotated by the simulated crowd (`annotators`, which is
not the model of any estimator), and every estimator makes labels of the same opinions. A trial is one drawing of all
settings; a setting draws from (seed, trial, setting), so that adding settings changes no other.
"""

import argparse
import itertools
import json
import logging
from pathlib import Path
from typing import NamedTuple

import numpy as np

from softsed.core.binary_scores import best_threshold, brier_score, calibration_error, f1_score, reliability
from softsed.core.labels import Event, harden, rasterise
from softsed.core.metadata import Recording
from softsed.core.opinions import Opinions
from softsed.data.simulate import annotate, draw_pool
from softsed.labels.aggregate import ESTIMATORS
from softsed.labels.harden import EXPECTED_F1, expected_f1

CLASSES = ["one", "other"]
SCENE = "trial"
DURATION_SIGMA = 0.5  # of the log-normal durations of events
SHORTEST_S = 0.3
SNR_DB, SNR_STD_DB = -3, 4  # levels of events over the background, as in the demo
# Mean pause after an event: longer after long events, so that about a tenth to a quarter of the seconds are active.
PAUSE_S, PAUSE_PER_LENGTH = 15, 2
KEYS = ("event_length_s", "detection", "opinions_per_window", "spammers")
SCORES = ("f1", "f1_at_half", "f1_best", "best_threshold", "brier", "calibration_error")
QUALITY = ["trial", *KEYS, "method", "active_share", *SCORES]
RELIABILITY = ["trial", *KEYS, "method", "bin", "cells", "soft_sum", "true_cells"]

logger = logging.getLogger(__name__)


class Setting(NamedTuple):
    """One kind of sound and crowd; `detection` is a name in the config."""

    event_length_s: float
    detection: str
    opinions_per_window: int
    spammers: float


def list_settings(config: dict) -> list[Setting]:
    """List the settings: all event lengths, detections and numbers of opinions, at the first share of spammers.

    The other shares of spammers are tried with all event lengths at the middle detection and number of opinions.
    Detections are in the order of their criteria, from good ears to bad.
    """
    lengths, criteria, opinions, spammers = (config[key] for key in KEYS)
    detections = sorted(criteria, key=criteria.get)
    usual, middle, some = spammers[0], detections[len(detections) // 2], opinions[len(opinions) // 2]
    crossed = itertools.product(lengths, detections, opinions, [usual])
    varied = itertools.product(lengths, [middle], [some], spammers)
    return list(dict.fromkeys(Setting(*values) for values in (*crossed, *varied)))


def seed_of(setting: Setting, *numbers: int) -> list[int]:
    """Derive the seed of a setting from numbers, unlike that of any other setting."""
    return [*numbers, *repr(tuple(setting)).encode()]


def draw_events(rng: np.random.Generator, *, length_s: float, duration_s: float) -> np.ndarray:
    """Draw the events of a class: [events, 3], onset and offset in seconds, level over the background in dB."""
    pause = PAUSE_S + PAUSE_PER_LENGTH * length_s
    events, time = [], rng.exponential(pause)
    while True:
        scatter = DURATION_SIGMA * rng.standard_normal() - DURATION_SIGMA**2 / 2  # the mean of the lengths is length_s
        end = time + max(SHORTEST_S, length_s * np.exp(scatter))
        if end > duration_s:
            return np.array(events).reshape(-1, 3)
        events.append((time, end, rng.normal(SNR_DB, SNR_STD_DB)))
        time = end + rng.exponential(pause)


def simulate(
    setting: Setting, config: dict, crowd: dict, *, seed: list[int]
) -> tuple[Opinions, dict, dict[str, np.ndarray]]:
    """Draw recordings and opinions.

    Parameters
    ----------
    config : dict
        Section `trials`: recordings, duration_s, detection.
    crowd : dict
        Section `data.demo.crowd`: what the setting does not say.
    seed : list of int
        0 or more each.

    Returns
    -------
    opinions : Opinions
    recordings : dict of Recording
    truth : dict of ndarray of bool [seconds, classes]
        Seconds that an event touches.
    """
    rng = np.random.default_rng(seed)
    people = crowd | {
        "criterion_s": config["detection"][setting.detection],
        "opinions_per_window": setting.opinions_per_window,
        "spammers": setting.spammers,
        "confused": [CLASSES],
    }
    pool_seed, answer_seed = rng.integers(1 << 32, size=2).tolist()
    pool = draw_pool(people, seed=pool_seed)
    width = len(str(config["recordings"]))
    names = [f"r{number:0{width}d}" for number in range(1, config["recordings"] + 1)]
    recordings = {name: Recording(name, SCENE, float(config["duration_s"])) for name in names}
    truth, spans, rows = {}, [], []
    for recording in recordings.values():
        drawn = [draw_events(rng, length_s=setting.event_length_s, duration_s=recording.duration_s) for _ in CLASSES]
        events = np.concatenate(drawn)
        labels = np.repeat(np.arange(len(CLASSES)), [len(part) for part in drawn])
        listed = [(onset, offset, CLASSES[label]) for (onset, offset, _), label in zip(events, labels, strict=True)]
        truth[recording.name] = rasterise([Event(*event) for event in listed], CLASSES, int(recording.duration_s))
        starts, who, answers = annotate(recording, (events, labels), CLASSES, pool, people, seed=answer_seed)
        window, opinion, label = np.indices(answers.shape)
        rows.append((window + len(spans), who[window, opinion], label, answers))
        spans += [(recording.name, start, start + people["window_s"]) for start in starts.tolist()]
    flat = (np.concatenate([part[column].ravel() for part in rows]).astype(int) for column in range(4))
    columns = (np.array(column) for column in zip(*spans, strict=True))
    return Opinions(*columns, pool.names, CLASSES, *flat), recordings, truth


def judge(soft: np.ndarray, truth: np.ndarray, threshold: np.ndarray) -> tuple[dict[str, float], np.ndarray]:
    """Compare soft labels with the truth, both [seconds, classes]; the thresholds [classes] are the method's own.

    Returns
    -------
    scores : dict
        `SCORES`; f1_best uses one threshold for all classes, the best there is, which needs the truth.
    sums : ndarray
        As from `reliability`.
    """
    hard, flat, true = harden(soft, threshold).ravel(), soft.ravel(), truth.ravel()
    best, reached = best_threshold(flat, true)
    sums = reliability(flat, true)
    halved = f1_score(harden(flat, 0.5), true)
    values = f1_score(hard, true), halved, reached, best, brier_score(flat, true), calibration_error(sums)
    return dict(zip(SCORES, values, strict=True)), sums


def main(argv: list[str] | None = None) -> None:
    """Try the label estimators on simulated crowds of many kinds, once."""
    parser = argparse.ArgumentParser(prog="softsed labels.trials", description=main.__doc__)
    parser.add_argument("--trial", type=int, required=True, help="number of the trial, written into the tables")
    parser.add_argument("--config", type=json.loads, required=True, help="section `trials` as JSON")
    parser.add_argument("--crowd", type=json.loads, required=True, help="section `data.demo.crowd` as JSON")
    parser.add_argument("--methods", type=json.loads, required=True, help="JSON: method to `config`, `threshold`")
    parser.add_argument("--seed", type=int, required=True, help="0 or more")
    parser.add_argument("--quality", type=Path, required=True, help="table of scores, written")
    parser.add_argument("--reliability", type=Path, required=True, help="table of reliability, written")
    options = parser.parse_args(argv)
    quality, bins = [QUALITY], [RELIABILITY]
    for setting in list_settings(options.config):
        seed = seed_of(setting, options.seed)
        opinions, recordings, truth = simulate(setting, options.config, options.crowd, seed=seed)
        true = np.concatenate(list(truth.values()))
        for method, told in options.methods.items():
            estimated = ESTIMATORS[method](
                opinions, told["config"], recordings=recordings, asked={SCENE: CLASSES}, seed=options.seed
            )[1]
            soft = list(estimated.values())
            own = expected_f1(soft) if told["threshold"] == EXPECTED_F1 else np.full(len(CLASSES), told["threshold"])
            scores, sums = judge(np.concatenate(soft), true, own)
            kind = [options.trial, *setting, method]
            quality.append([*kind, f"{true.mean():.4f}", *(f"{scores[name]:.6f}" for name in SCORES)])
            bins += [[*kind, place, *(f"{value:.6g}" for value in column)] for place, column in enumerate(sums.T)]
            logger.info("%s, %s: %s", setting, method, {name: round(value, 3) for name, value in scores.items()})
    for path, rows in ((options.quality, quality), (options.reliability, bins)):
        path.write_text("".join("\t".join(map(str, row)) + "\n" for row in rows), encoding="utf-8")
