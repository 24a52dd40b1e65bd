"""Contradicting keys, with both values; the limits themselves are accepted."""

import pytest
import yaml
from support.config import DEMO, SCHEMA, STUDY, merged
from support.errors import compare

from softsed.planning.config import check_config
from softsed.planning.contradictions import find_contradictions

NO_SYSTEM = yaml.safe_dump({"systems": dict.fromkeys(merged(DEMO, STUDY)["systems"])})
CROWD = "systems: {mine: {labels: opinions, loss: crowd, output: sigmoid}}"
AUGMENTED = "systems: {mine: {labels: soft, loss: mse, output: linear, %s}}"
READ = "systems: {S_MSE_lin: {front_end: both}, S_BCE_sig: {front_end: embeddings}}"
OF_DEMO = [
    (NO_SYSTEM, "systems", "null"),
    ("features: {f_min: 100, f_max: 100.5}", "features", "10 Hz"),
    ("features: {f_min: 15000}", "features", ["f_min is 15000", "f_max is 14000"]),
    ("features: {sample_rate: 16000}", "features", ["f_max is 14000", "sample_rate is 16000"]),
    ("train: {model: {pooling: [5, 5, 5]}}", "train.model.pooling", ["[5, 5, 5]", "64"]),
    ("folds: {source: official, number: 6}", "folds.number", ["6", "fold6_train.csv"]),
    ("data: {demo: {crowd: {opinions_per_window: 31}}}", "data.demo.crowd.opinions_per_window", "31"),
    ("trials: {opinions_per_window: [3, 40]}", "trials.opinions_per_window", "40"),
    ("trials: {duration_s: 10}\ndata: {demo: {crowd: {window_s: 12}}}", "trials.duration_s", "10"),
    ("trials: {duration_s: 3000000}", "trials.duration_s", "3000000"),
    ("data: {demo: {crowd: {window_s: 20}}}", "systems.S_MSE_lin_joint.method", "20"),
    ("data: {demo: {crowd: {window_s: 20}}}", "trials.methods", "20"),
    ("data: {demo: {crowd: {hop_s: 11}}}", "data.demo.crowd.hop_s", "11"),
    (CROWD + "\ndata: {demo: {crowd: {window_s: 13}}}", "systems.mine.labels", "13"),
    ("data: {demo: {crowd: {spammer_rate: [0.6, 0.2]}}}", "data.demo.crowd.spammer_rate", "[0.6, 0.2]"),
    # sources of the data
    ("opinions: x.tsv", "opinions", "opinions=x.tsv cannot be combined with the demo"),
    ("{audio: folder, soft: x.tsv}", "audio", "audio=folder cannot be combined with the demo"),
    ("soft: x.tsv", "soft", "soft is set, but audio is not"),
    ("{soft: x.tsv, hard: y}", "soft", "soft and hard are set, but audio is not"),
    ("truth: '{folder}'", "truth", "{folder}"),
    ("recordings: a<b", "recordings", "a<b"),
    ("{scenes: null, classes: null}", "classes", "null"),
    ("features: {hop_s: 1.0e-12}", "features.hop_s", "1e-12 s"),
    ("features: {hop_s: 0.03}", "features.hop_s", "0.03 s"),
    # embeddings
    (CROWD.replace("loss", "front_end: both, loss"), "systems.mine.front_end", "mine is trained on opinions"),
    (READ, "systems.S_BCE_sig.front_end", "S_BCE_sig, S_MSE_lin read embeddings"),
    ("features: {embeddings: {hop_s: 1.0}}", "features.embeddings", "neither"),
    # augmentation and weights
    *(
        (CROWD.replace("output", f"{keys}, output"), f"systems.mine.{key}", ["mine is trained on opinions", key])
        for keys, key in (
            ("augment: {mixup: 0.2}", "augment.mixup"),
            ("augment: {gain_db: 6, shift_s: 1}", "augment.shift_s"),
            ("weight: opinions", "weight"),
            ("class_weights: balanced", "class_weights"),
        )
    ),
    *(
        (AUGMENTED % f"front_end: embeddings, augment: {{mixup: 0.2, {key}: 1}}", f"systems.mine.augment.{key}", key)
        for key in ("frequency_mask", "gain_db")
    ),
    (AUGMENTED % "augment: {mixup: 1}" + "\ntrain: {batch_size: 1}", "systems.mine.augment.mixup", "batch_size is 1"),
    (AUGMENTED % "augment: {frequency_mask: 65}", "systems.mine.augment.frequency_mask", ["65", "64 mel bands"]),
    ("features: {embeddings: {folder: x, model: x.pt, hop_s: 1.0}}", "features.embeddings", "both"),
    ("features: {embeddings: {model: x.pt, hop_s: 1.0}}", "features.embeddings", "sample_rate and window_s"),
    ("features: {embeddings: {folder: 'a{b}', hop_s: 1.0}}", "features.embeddings.folder", "a{b}"),
]
OF_MAESTRO_REAL = [
    ("labels: {compare: [majority]}", "labels.compare", "majority"),
    (CROWD, "systems.mine.labels", "mine"),
    (AUGMENTED % "weight: opinions", "systems.mine.weight", "mine is weighted by numbers of opinions"),
    ("systems: {mine: {labels: soft, loss: mse, output: linear, method: truth}}", "systems.mine.method", "mine"),
    ("systems: {S_MSE_lin: {method: joint}}", "systems.S_MSE_lin.method", "joint"),
    ("audio: folder", "audio", "none of soft, hard and opinions"),
    ("{audio: folder, soft: a, hard: b, opinions: c}", "audio", "soft and hard and opinions"),
    ("{opinions: x.tsv, scenes: null}", "scenes", ["recordings", "scenes"]),
    ("{audio: folder, soft: x.tsv, labels: {compare: [joint]}}", "labels.compare", "joint"),
]


@pytest.mark.parametrize(
    ("changes", "key", "problem"),
    [
        *(([DEMO, STUDY, change], *rest) for change, *rest in OF_DEMO),
        *(([change], *rest) for change, *rest in OF_MAESTRO_REAL),
    ],
)
def test_contradiction_has_key_and_values(changes, key, problem):
    texts = [problem] if isinstance(problem, str) else problem
    contradictions = list(find_contradictions(merged(*changes)))
    found = [one for one in contradictions if one.key == key and all(text in one.problem for text in texts)]
    assert len(found) == 1, [str(one) for one in contradictions]
    compare(str(found[0]))


@pytest.mark.parametrize(
    "change",
    [
        "features: {f_max: 22050}",  # half the sampling rate of 44100 Hz
        "features: {f_min: 100, f_max: 187}",  # four bins of 44100 / 2048 Hz are 86.1 Hz
        "train: {model: {pooling: [4, 4, 4]}}",  # 64 mel bands
        "data: {demo: {crowd: {opinions_per_window: 30}}}",
        "data: {demo: {crowd: {window_s: 12}}}\ntrials: {duration_s: 12}",
        "data: {demo: {crowd: {hop_s: 10}}}",  # as long as a window
        "data: {demo: {crowd: {spammer_rate: [0.2, 0.2]}}}",
        "trials: {duration_s: 2592000}",  # 30 days
        CROWD,
        CROWD.replace("output", "augment: {frequency_mask: 64, time_mask_s: 0.5, gain_db: 3}, output"),
        AUGMENTED % "augment: {mixup: 0.2, shift_s: 5}, weight: opinions, class_weights: balanced",
        AUGMENTED % "augment: {mixup: 0.2}" + "\ntrain: {batch_size: 2}",
        "systems: {mine: {labels: soft, loss: mse, output: linear, method: truth}}",
    ],
)
def test_limits_are_accepted(change):
    check_config(merged(DEMO, STUDY, change), SCHEMA)


def test_contradictions_have_a_fixed_order():
    change = "{audio: a, soft: 'x{', hard: y, truth: 'z<', scenes: 's>'}"
    assert [error.key for error in find_contradictions(merged(change))] == ["scenes", "soft", "truth", "audio"]


def test_unclear_source_hides_other_contradictions():
    unclear, other = "soft: x.tsv", "train: {model: {pooling: [5, 5, 5]}}"
    assert [error.key for error in find_contradictions(merged(unclear, other))] == ["soft"]
    assert [error.key for error in find_contradictions(merged(other))] == ["train.model.pooling"]


@pytest.mark.parametrize("kind", ["soft", "hard", "opinions"])
def test_audio_with_one_kind_of_labels_is_accepted(kind):
    assert list(find_contradictions(merged(f"{{audio: folder, {kind}: labels, recordings: null, scenes: null}}"))) == []


def test_long_windows_are_fine_without_joint():
    change = "{data: {demo: {crowd: {window_s: 20}}}, labels: {compare: [majority]}, trials: {methods: [eq1]}}"
    joint = [name for name in merged(DEMO, STUDY)["systems"] if name.endswith("_joint")]
    without = yaml.safe_dump({"systems": dict.fromkeys(joint)})
    assert list(find_contradictions(merged(DEMO, STUDY, change, without))) == []
