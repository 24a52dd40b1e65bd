"""The demo's truth, crowd and soft labels over several seeds, no audio: its labels resemble the published ones."""

import numpy as np
import pytest
import yaml
from support.project import ROOT
from support.published_labels import check_likeness

from softsed.core.binary_metrics import f1_score
from softsed.core.metadata import Recording, choose_classes, read_asked
from softsed.core.opinions import Opinions
from softsed.data import demo_events, simulate
from softsed.labels import aggregate
from softsed.labels.harden import expected_f1
from softsed.report.label_statistics import describe, to_series

CONFIG = yaml.safe_load((ROOT / "workflow/demo.yaml").read_text())
COUNTED = yaml.safe_load((ROOT / "config.yaml").read_text())["evaluate"]["classes"]
NAMES, EVALUATED = choose_classes(ROOT / "workflow/resources/classes.tsv", COUNTED)
RECORDINGS, ASKED = read_asked(ROOT / CONFIG["recordings"], ROOT / "workflow/resources/scenes.tsv", NAMES)
EVENTS = ROOT / CONFIG["data"]["demo"]["events"]
SEEDS = range(5)


def hold_truth(recording: Recording, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The events of a recording, as `simulate.read_event_levels` returns them from the file."""
    asked = ASKED[recording.scene]
    rows = demo_events.select(
        demo_events.read_specification(EVENTS, ("scene", "class"), demo_events.EVENT_COLUMNS),
        recording.scene,
        asked,
        EVENTS,
    )
    events = demo_events.schedule(recording, list(RECORDINGS.values()), rows, seed=seed)
    values = np.array([(e.onset, e.offset, e.snr_db) for e in events]).reshape(-1, 3)
    return values, np.array([asked.index(e.label) for e in events], dtype=int)


def collect(seed: int, **changes: float) -> tuple[Opinions, simulate.Pool]:
    """All opinions of one crowd, as `read_opinions` returns them from the file."""
    config = CONFIG["data"]["demo"]["crowd"] | changes
    pool = simulate.draw_pool(config, seed=seed)
    windows, answers = [], []
    for recording in RECORDINGS.values():
        asked = ASKED[recording.scene]
        starts, who, ticks = simulate.annotate(recording, hold_truth(recording, seed), asked, pool, config, seed=seed)
        columns = np.array([NAMES.index(name) for name in asked])
        window = len(windows) + np.arange(len(starts))[:, None, None]
        parts = np.broadcast_arrays(window, who[:, :, None], columns, ticks.astype(int))
        answers.append(np.stack([part.ravel() for part in parts]))
        windows += [(recording.name, start, start + config["window_s"]) for start in starts.tolist()]
    spans = (np.array(column) for column in zip(*windows, strict=True))
    return Opinions(*spans, pool.names, NAMES, *np.concatenate(answers, axis=1)), pool


@pytest.fixture(scope="module")
def crowds() -> list[tuple[dict, np.ndarray, simulate.Pool]]:
    """Statistics, competences and pool of each seed."""
    results = []
    scenes = [recording.scene for recording in RECORDINGS.values()]
    for seed in SEEDS:
        opinions, pool = collect(seed)
        config = {"competence": {"method": "vb", "restarts": 3, "iterations": 50}}
        weights, soft = aggregate.estimate_eq1(opinions, config, recordings=RECORDINGS, seed=seed)
        evaluated = [matrix[:, EVALUATED] for matrix in soft.values()]
        results.append((describe(to_series(evaluated, scenes)), weights, pool))
    return results


def test_labels_resemble_the_published_ones(crowds):
    every = [found for found, _, _ in crowds]
    for found in every:
        check_likeness(found, crowds=1)
    check_likeness({key: float(np.mean([found[key] for found in every])) for key in every[0]}, crowds=len(every))


def true_seconds(seed):
    """Return the true seconds of each recording [seconds, classes], nan for classes not annotated in the scene."""
    matrices = {name: np.full((int(r.duration_s), len(NAMES)), np.nan) for name, r in RECORDINGS.items()}
    for name, recording in RECORDINGS.items():
        asked = [NAMES.index(label) for label in ASKED[recording.scene]]
        matrices[name][:, asked] = 0
        for (onset, offset, _), label in zip(*hold_truth(recording, seed), strict=True):
            matrices[name][int(onset) : int(np.ceil(offset)), asked[label]] = 1
    return matrices


def between_recordings(seed, **changes):
    """Return the share of the variance of ground truth and soft labels that lies between recordings."""
    scenes = [recording.scene for recording in RECORDINGS.values()]
    opinions, _ = collect(seed, **changes)
    config = {"competence": {"method": "vb", "restarts": 1, "iterations": 50}}
    _, soft = aggregate.estimate_eq1(opinions, config, recordings=RECORDINGS, seed=seed)
    return [
        describe(to_series([matrix[:, EVALUATED] for matrix in found.values()], scenes))[
            "variance_between_recordings", "recordings"
        ]
        for found in (true_seconds(seed), soft)
    ]


def test_joint_labels_are_nearest_to_the_true_events():
    """Macro F1 of the hard labels against the true seconds, for one crowd: joint, then eq. 1, then majority."""
    opinions, _ = collect(0)
    truth = np.concatenate(list(true_seconds(0).values()))[:, EVALUATED]
    config = {"competence": {"method": "vb", "restarts": 3, "iterations": 50}}
    config |= {"target": "event", "class_weight": 200}
    macro = {}
    for method in ("joint", "eq1", "majority"):
        _, soft = aggregate.ESTIMATORS[method](opinions, config, recordings=RECORDINGS, seed=0)
        matrices = list(soft.values())
        thresholds = expected_f1(matrices) if method == "joint" else np.full(len(NAMES), 0.5)
        active = (np.nan_to_num(np.concatenate(matrices)) > thresholds)[:, EVALUATED]
        macro[method] = np.mean([f1_score(*pair) for pair in zip(active.T, truth.T == 1, strict=True)])
    assert macro["joint"] > macro["eq1"] > macro["majority"]


def test_recordings_differ_in_sound_not_in_habits():
    """What differs between recordings is audible, as far as possible: labels without habits differ as much."""
    for seed in (0, 1):
        (truth, labels), (_, without) = between_recordings(seed), between_recordings(seed, habit_sigma=0)
        assert truth > 0.08
        assert abs(labels - without) < 0.03


def test_spammers_weigh_little_but_are_not_removed(crowds):
    """As in the published labels, where however weights of .001 occur and here hardly any below .01."""
    for _, weights, pool in crowds:
        assert weights.min() > 0
        assert np.median(weights[pool.spammer]) < 0.2 * np.median(weights[~pool.spammer])
    assert np.median([weights.min() for _, weights, _ in crowds]) < 0.02
