"""Trials: test the label estimators on simulated crowds with known true events.

A setting has an event length, a detection ability of the annotators, a number of opinions per window and a share of
spammers. For each setting, recordings with two classes that are often confused are drawn and annotated by the simulated
crowd (`softsed.data.simulate`, which is not the model of any estimator). Each estimator then makes labels from the same
opinions. A trial is one repetition of all settings. The random numbers of a setting follow from (seed, trial, setting),
so that a new setting does not change the others.
"""

import itertools
import json
import logging
from pathlib import Path
from typing import NamedTuple

import numpy as np

from softsed.core.binary_metrics import best_threshold, brier_score, calibration_error, f1_score, reliability
from softsed.core.labels import Event, harden, rasterise
from softsed.core.metadata import Recording
from softsed.core.opinions import Opinions
from softsed.core.options import add_options, build_parser, read_json
from softsed.data.simulate import EXAMPLE_CROWD, annotate, draw_pool
from softsed.labels.aggregate import ESTIMATORS
from softsed.labels.harden import EXPECTED_F1, expected_f1

CLASSES = ["one", "other"]
SCENE = "trial"
DURATION_SIGMA = 0.5  # log-standard deviation of the durations of events
SHORTEST_S = 0.3  # shortest event, in seconds
SNR_DB, SNR_STD_DB = -3, 4  # mean and standard deviation of levels relative to the background, as in the demo
# Mean pause after an event, longer after long events: about a tenth to a quarter of the seconds are active.
PAUSE_S, PAUSE_PER_LENGTH = 15, 2
KEYS = ("event_length_s", "detection", "opinions_per_window", "spammers")
METRICS = ("f1", "f1_at_half", "f1_best", "best_threshold", "brier", "calibration_error")
QUALITY = ["trial", *KEYS, "method", "active_share", *METRICS]
RELIABILITY = ["trial", *KEYS, "method", "bin", "cells", "soft_sum", "true_cells"]

logger = logging.getLogger(__name__)


class Setting(NamedTuple):
    """Kind of sounds and crowd. `detection` is a key of ``trials.detection`` in the config."""

    event_length_s: float
    detection: str
    opinions_per_window: int
    spammers: float


def list_settings(config: dict) -> list[Setting]:
    """List the settings of a trial.

    These are all combinations of event lengths, detections and numbers of opinions with the first share of spammers,
    and all combinations of event lengths and shares of spammers with the middle detection and number of opinions.
    Detections are sorted by their criterion, from sensitive to insensitive annotators.

    Parameters
    ----------
    config : dict
        Section ``trials`` of the config.
    """
    lengths, criteria, opinions, spammers = (config[key] for key in KEYS)
    detections = sorted(criteria, key=criteria.get)
    usual, middle, some = spammers[0], detections[len(detections) // 2], opinions[len(opinions) // 2]
    crossed = itertools.product(lengths, detections, opinions, [usual])
    varied = itertools.product(lengths, [middle], [some], spammers)
    return list(dict.fromkeys(Setting(*values) for values in (*crossed, *varied)))


def seed_of(setting: Setting, *numbers: int) -> list[int]:
    """Derive a seed from numbers and a setting; each setting has another seed."""
    return [*numbers, *repr(tuple(setting)).encode()]


def draw_events(rng: np.random.Generator, *, length_s: float, duration_s: float) -> np.ndarray:
    """Draw the events of one class in a recording.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of the random numbers.
    length_s, duration_s : float
        Mean length of an event and length of the recording, in seconds.

    Returns
    -------
    ndarray [events, 3]
        Onset and offset in seconds, level relative to the background in dB.
    """
    pause = PAUSE_S + PAUSE_PER_LENGTH * length_s
    events: list[tuple[float, float, float]] = []
    time = rng.exponential(pause)
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
    """Draw the recordings of a setting, and simulate opinions on them.

    Parameters
    ----------
    setting : Setting
        Kind of sounds and crowd.
    config : dict
        Section ``trials`` of the config: recordings, duration_s, detection.
    crowd : dict
        Section ``data.demo.crowd`` of the config, for the properties of the crowd that the setting does not define.
    seed : list of int
        Seed; numbers of 0 or more.

    Returns
    -------
    opinions : Opinions
        Opinions of the simulated crowd.
    recordings : dict of Recording
        Name -> recording.
    truth : dict of ndarray of bool [seconds, classes]
        Recording -> seconds that overlap an event.
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
    truth, rows = {}, []
    spans: list[tuple[str, int, int]] = []
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
    windows, annotators, asked, ticks = (
        np.concatenate([part[column].ravel() for part in rows]).astype(int) for column in range(4)
    )
    sources, onsets, offsets = (np.array(column) for column in zip(*spans, strict=True))
    opinions = Opinions(sources, onsets, offsets, pool.names, CLASSES, windows, annotators, asked, ticks)
    return opinions, recordings, truth


def judge(soft: np.ndarray, truth: np.ndarray, threshold: np.ndarray) -> tuple[dict[str, float], np.ndarray]:
    """Compare soft labels with the ground truth.

    Parameters
    ----------
    soft : ndarray [seconds, classes]
        Soft labels.
    truth : ndarray of bool [seconds, classes]
        Seconds with true events.
    threshold : ndarray [classes]
        Thresholds of the method.

    Returns
    -------
    metrics : dict of float
        Keys `METRICS`. f1_best uses the best threshold for all classes together, which requires the ground truth.
    sums : ndarray
        As from `softsed.core.binary_metrics.reliability`.
    """
    hard, flat, true = harden(soft, threshold).ravel(), soft.ravel(), truth.ravel()
    best, reached = best_threshold(flat, true)
    sums = reliability(flat, true)
    halved = f1_score(harden(flat, 0.5), true)
    values = f1_score(hard, true), halved, reached, best, brier_score(flat, true), calibration_error(sums)
    return dict(zip(METRICS, values, strict=True)), sums


def main(argv: list[str] | None = None) -> None:
    """Test the label estimators once on simulated crowds with known true events."""
    config = {"recordings": 2, "duration_s": 120, "event_length_s": [1, 5], "detection": {"high": 0.3, "low": 3.0}}
    config |= {"opinions_per_window": [3, 5], "spammers": [0.2]}
    methods = {
        "joint": {"config": {"method": "joint", "target": "event", "class_weight": 200}, "threshold": "expected_f1"}
    }
    example = f"--trial 1 --seed 1 --config '{json.dumps(config)}' --crowd '{EXAMPLE_CROWD}' "
    example += f"--methods '{json.dumps(methods)}' "
    example += "--quality results/demo/labels/trials/1.tsv --reliability results/demo/labels/trials/1.reliability.tsv"
    parser = build_parser("labels.trials", main, example=example)
    parser.add_argument("--trial", type=int, required=True, help="number of the trial (recorded in the tables)")
    add_options(parser, "seed", config="section `trials` of the config, as JSON")
    parser.add_argument("--crowd", type=read_json, required=True, help="section `data.demo.crowd`, as JSON")
    help_text = "JSON object: method to an object with `config` (as for labels.aggregate) and `threshold`"
    parser.add_argument("--methods", type=read_json, required=True, help=help_text)
    parser.add_argument("--quality", type=Path, required=True, help="table of metrics to write")
    parser.add_argument("--reliability", type=Path, required=True, help="table of reliability to write")
    options = parser.parse_args(argv)
    quality, bins = [QUALITY], [RELIABILITY]
    for setting in list_settings(options.config):
        seed = seed_of(setting, options.seed)
        opinions, recordings, truth = simulate(setting, options.config, options.crowd, seed=seed)
        true = np.concatenate(list(truth.values()))
        for method, keys in options.methods.items():
            estimated = ESTIMATORS[method](opinions, keys["config"], recordings=recordings, seed=options.seed)[1]
            soft = list(estimated.values())
            fixed = keys["threshold"] != EXPECTED_F1
            thresholds = np.full(len(CLASSES), keys["threshold"]) if fixed else expected_f1(soft)
            metrics, sums = judge(np.concatenate(soft), true, thresholds)
            kind = list(map(str, (options.trial, *setting, method)))
            quality.append([*kind, f"{true.mean():.4f}", *(f"{metrics[name]:.6f}" for name in METRICS)])
            bins += [[*kind, str(place), *(f"{value:.6g}" for value in column)] for place, column in enumerate(sums.T)]
            logger.info("%s, %s: %s", setting, method, {name: round(value, 3) for name, value in metrics.items()})
    for path, rows in ((options.quality, quality), (options.reliability, bins)):
        path.write_text("".join("\t".join(row) + "\n" for row in rows), encoding="utf-8")
