"""Keys of a config that contradict each other, although the schema accepts each of them."""

import math
from collections.abc import Iterator
from pathlib import Path

from softsed.core.errors import InputError
from softsed.core.metadata import LONGEST_S
from softsed.core.options import DATASET_KINDS, TABLES
from softsed.features.extract import hop_samples
from softsed.folds import OFFICIAL_NAMES
from softsed.planning.choices import (
    EMBEDDINGS,
    EMBEDDINGS_KEY,
    LONGEST_JOINT_S,
    MEL,
    asked_methods,
    front_end_of,
    makes_labels,
    opinion_systems,
    refuses_windows,
    renders_demo,
    source_of,
    truth_systems,
)
from softsed.planning.patterns import pattern_error

OF_MODEL = ("sample_rate", "window_s")  # keys of features.embeddings beside `model`
OF_LABELS = ("augment.mixup", "augment.shift_s", "weight", "class_weights")  # keys of a system that need labels
OF_MEL = ("augment.frequency_mask", "augment.gain_db")  # and those that need mel energies
MAESTRO_REAL = Path("workflow/resources/maestro_real.tsv")  # the recordings of config.yaml


def find_contradictions(config: dict) -> Iterator[InputError]:
    """Yield the contradictions in a fixed order; where the source of the data is unclear, only those about it."""
    if sources := list(_sources(config)):
        yield from sources
        return
    yield from _labels(config)
    yield from _features(config)
    yield from _embeddings(config)
    yield from _training(config)
    if not any(config["systems"].values()):
        yield InputError("all systems are null", key="systems", expected="one system or more")
    folds = config["folds"]
    if folds["source"] == "official":
        wanted = [f"fold{n}_{part}.csv" for n in range(1, folds["number"] + 1) for part in OFFICIAL_NAMES.values()]
        if missing := [name for name in wanted if name not in folds["official"]["sha256"]]:
            problem = f"folds.number is {folds['number']}, but folds.official.sha256 lacks {missing[0]}"
            remedy = "Lower folds.number, or set folds.source to generated"
            yield InputError(problem, key="folds.number", remedy=remedy)
    if "demo" in config["data"]:
        yield from _crowd(config)


def _sources(config: dict) -> Iterator[InputError]:
    """Find keys that name two sources of the data, or a source without its labels or audio."""
    source = source_of(config)
    for name in (*TABLES, "audio", *DATASET_KINDS, "truth"):
        if error := pattern_error(name, config[name]):
            yield error
    if source in ("own", "opinions") and renders_demo(config):
        key = "audio" if source == "own" else "opinions"
        problem = f"{key}={config[key]} cannot be combined with the demo (data.demo.events)"
        remedy = f"Leave out workflow/demo.yaml or {key}. For trials, provide only data.demo.crowd"
        yield InputError(problem, key=key, remedy=remedy)
        return
    if source == "demo" and config["recordings"] and Path(config["recordings"]) == MAESTRO_REAL:
        yield InputError(
            "data.demo.events renders recordings, but recordings is the table of MAESTRO Real",
            key="recordings",
            expected="workflow/resources/demo.tsv or your table of recordings to render",
            remedy="For trials beside MAESTRO Real, provide only data.demo.crowd",
        )
    kinds = [kind for kind in DATASET_KINDS if config[kind]]
    if source == "own" and len(kinds) != 1:
        listed = f" together with {' and '.join(kinds)}" if kinds else ", but none of soft, hard and opinions"
        problem = f"audio is set{listed}"
        expected = f"exactly one of the keys {', '.join(DATASET_KINDS)} beside audio"
        yield InputError(problem, key="audio", expected=expected)
    elif source != "own" and (labels := [kind for kind in kinds if kind != "opinions"]):
        yield InputError(
            f"{' and '.join(labels)} {'are' if labels[1:] else 'is'} set, but audio is not",
            key=labels[0],
            expected="labels of your audio",
            remedy="Provide the folder of the audio with the key audio",
        )
    missing = [name for name in TABLES if config[name] is None]
    if source in ("demo", "maestro_real") and missing:
        remedy = "Set the path. softsed infers a table (null) only if audio or opinions is set"
        yield InputError("the value is null", key=missing[0], expected="the path of a table", remedy=remedy)
    if source == "opinions" and (config["recordings"] is None) != (config["scenes"] is None):
        given, other = ("recordings", "scenes") if config["recordings"] else ("scenes", "recordings")
        problem = f"{given} is a table, {other} is null"
        yield InputError(
            problem, key=other, expected="both or neither, because the table of recordings refers to scenes"
        )


def _labels(config: dict) -> Iterator[InputError]:
    """Find systems and methods whose opinions or true events the experiment lacks."""
    if (systems := opinion_systems(config)) and not makes_labels(config):
        yield InputError(
            f"{systems[0]} is trained on opinions, but this experiment has labels only",
            key=f"systems.{systems[0]}.labels",
            expected="hard or soft",
            remedy="Leave out the system, or provide opinions with the key opinions",
        )
    weighted = [name for name, system in config["systems"].items() if "weight" in (system or {})]
    if weighted and not makes_labels(config):
        yield InputError(
            f"{weighted[0]} is weighted by numbers of opinions, but this experiment has labels only",
            key=f"systems.{weighted[0]}.weight",
            remedy="Leave out the key, or provide opinions with the key opinions",
        )
    if (systems := truth_systems(config)) and not config["truth"] and source_of(config) != "demo":
        yield InputError(
            f"{systems[0]} is trained on the true events, but this experiment has none",
            key=f"systems.{systems[0]}.method",
            remedy="Leave out the system, or provide the true events with the key truth",
        )
    if (methods := asked_methods(config)) and not makes_labels(config):
        named = [f"systems.{name}.method" for name, system in config["systems"].items() if "method" in (system or {})]
        yield InputError(
            f"labels by {', '.join(dict.fromkeys(methods))} need opinions, but this experiment has labels only",
            key="labels.compare" if config["labels"]["compare"] else named[0],
            remedy="Leave out labels.compare and the key method of the systems",
        )


def _features(config: dict) -> Iterator[InputError]:
    """Find mel bands that do not fit the spectrum, and poolings that do not fit the mel bands."""
    features, pooling = config["features"], config["train"]["model"]["pooling"]
    try:
        hop_samples(features)
    except InputError as error:
        yield error
    low, high, rate = features["f_min"], features["f_max"], features["sample_rate"]
    if not low < high <= rate / 2:
        problem = f"f_min is {low}, f_max is {high}, sample_rate is {rate}"
        yield InputError(problem, key="features", expected="f_min < f_max, and f_max at most half of sample_rate")
    elif high - low < (bins := 4 * rate / features["window"]):
        problem = f"f_max - f_min is {high - low:g} Hz, below {bins:g} Hz (four bins of the spectrum)"
        yield InputError(
            problem, key="features", remedy="Raise features.f_max or features.window, or lower features.f_min"
        )
    if math.prod(pooling) > features["mel_bands"]:
        problem = f"the product of pooling {pooling}, {math.prod(pooling)}, exceeds {features['mel_bands']} mel bands"
        expected = "numbers whose product is at most features.mel_bands"
        yield InputError(problem, key="train.model.pooling", expected=expected)


def _embeddings(config: dict) -> Iterator[InputError]:
    """Find systems without embeddings, and settings of embeddings that contradict each other."""
    section = config["features"]["embeddings"]
    systems = {name: system for name, system in config["systems"].items() if system and front_end_of(system) != MEL}
    for name in (name for name in opinion_systems(config) if name in systems):
        problem = f"{name} is trained on opinions, but reads embeddings"
        remedy = "Leave out the key front_end, or train the system on hard or soft labels"
        yield InputError(problem, key=f"systems.{name}.front_end", expected=MEL, remedy=remedy)
    if section is None:
        if systems:
            problem = f"the systems {', '.join(systems)} read embeddings, but {EMBEDDINGS_KEY} is null"
            remedy = f"Set {EMBEDDINGS_KEY}, or use the front end mel"
            yield InputError(problem, key=f"systems.{next(iter(systems))}.front_end", remedy=remedy)
        return
    for key in ("folder", "model"):
        if error := pattern_error(f"{EMBEDDINGS_KEY}.{key}", section.get(key)):
            yield error
    if ("folder" in section) == ("model" in section):
        problem = "both folder and model are set" if "folder" in section else "neither folder nor model is set"
        yield InputError(problem, key=EMBEDDINGS_KEY, expected="one of them: files, or the model that makes them")
    elif "model" in section and (missing := [key for key in OF_MODEL if key not in section]):
        problem = f"the model needs {' and '.join(missing)}"
        yield InputError(
            problem, key=EMBEDDINGS_KEY, expected="the sampling rate (Hz) and the window (seconds) of the model"
        )


def _training(config: dict) -> Iterator[InputError]:
    """Find augmentation and weights that do not fit the labels or the input of a system."""
    bands, opinions = config["features"]["mel_bands"], opinion_systems(config)
    for name, system in config["systems"].items():
        keys = {
            **(system or {}),
            **{f"augment.{key}": value for key, value in (system or {}).get("augment", {}).items()},
        }
        for key in (key for key in OF_LABELS if key in keys and name in opinions):
            problem = f"{name} is trained on opinions, but {key} needs labels"
            remedy = "Leave out the key, or train the system on hard or soft labels"
            yield InputError(problem, key=f"systems.{name}.{key}", remedy=remedy)
        for key in (key for key in OF_MEL if key in keys and front_end_of(keys) == EMBEDDINGS):
            problem = f"{name} reads embeddings alone, which {key} does not change"
            remedy = "Leave out the key, or use the front end mel or both"
            yield InputError(problem, key=f"systems.{name}.{key}", remedy=remedy)
        if (widest := keys.get("augment.frequency_mask", 0)) > bands:
            problem = f"frequency_mask is {widest}, but there are {bands} mel bands"
            expected = "at most features.mel_bands"
            yield InputError(problem, key=f"systems.{name}.augment.frequency_mask", expected=expected)
        if "augment.mixup" in keys and config["train"]["batch_size"] == 1 and name not in opinions:
            problem = f"{name} mixes sequences of a batch, but train.batch_size is 1"
            remedy = "Leave out the key, or raise train.batch_size"
            yield InputError(problem, key=f"systems.{name}.augment.mixup", remedy=remedy)


def _crowd(config: dict) -> Iterator[InputError]:
    """Find contradictions in the simulated crowd, which annotates the demo and the trials."""
    crowd, trials, where = config["data"]["demo"]["crowd"], config.get("trials"), "data.demo.crowd"
    low, high = crowd["spammer_rate"]
    if low > high:
        yield InputError(
            f"spammer_rate is [{low}, {high}]", key=f"{where}.spammer_rate", expected="the lowest rate first"
        )
    if crowd["hop_s"] > crowd["window_s"]:
        expected = f"at most window_s, {crowd['window_s']} s"
        yield InputError(f"hop_s is {crowd['hop_s']} s", key=f"{where}.hop_s", expected=expected)
    asked = {f"{where}.opinions_per_window": [crowd["opinions_per_window"]]}
    if trials:
        asked["trials.opinions_per_window"] = trials["opinions_per_window"]
        if not crowd["window_s"] <= trials["duration_s"] <= LONGEST_S:
            expected = f"the length of a window, {crowd['window_s']} s, to {LONGEST_S} s"
            yield InputError(f"duration_s is {trials['duration_s']} s", key="trials.duration_s", expected=expected)
    for key, numbers in asked.items():
        if max(numbers) > crowd["annotators"]:
            expected = f"at most {crowd['annotators']}, the number {where}.annotators"
            yield InputError(f"opinions_per_window is {max(numbers)}", key=key, expected=expected)
    labels = config["labels"]
    methods = {"trials.methods": trials["methods"] if trials else []}
    if source_of(config) == "demo":
        methods |= {"labels.method": [labels["method"]], "labels.compare": labels["compare"]}
        methods |= {f"systems.{name}.method": [one.get("method")] for name, one in config["systems"].items() if one}
    if source_of(config) == "demo" and crowd["window_s"] > LONGEST_JOINT_S:
        for name in opinion_systems(config):
            problem = f"{name} is trained on opinions on windows of {crowd['window_s']} s ({where}.window_s)"
            expected = f"windows of at most {LONGEST_JOINT_S} s"
            yield InputError(problem, key=f"systems.{name}.labels", expected=expected)
    if refuses_windows(labels, crowd["window_s"]):
        for key in (key for key, named in methods.items() if "joint" in named):
            problem = f"joint with the target event cannot use windows of {crowd['window_s']} s ({where}.window_s)"
            yield InputError(problem, key=key, expected=f"windows of at most {LONGEST_JOINT_S} s")
