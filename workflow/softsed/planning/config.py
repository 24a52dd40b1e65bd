"""Validation of the config before anything is planned: all problems at once, each with its key.

Problems are of two kinds: values of one key that the schema does not allow, and keys or tables that contradict each
other. Each problem of the second kind would stop a job otherwise, some of them after all trainings. Snakemake's own
validation reports one problem of the first kind, above a hundred lines of schema.
"""

import difflib
import math
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from softsed.core.errors import InputError, Problems
from softsed.core.metadata import LONGEST_S, check_name, choose_classes, read_asked, read_classes
from softsed.core.tsv import read_number
from softsed.features.extract import hop_samples
from softsed.folds import OFFICIAL_NAMES, generate_folds, read_official

LONGEST_JOINT_S = 12  # longest window of the method joint; a copy of joint.LONGEST_S, whose import takes long
# YAML 1.1 reads 1e-3 as text because it has no decimal point. Snakemake reads values nested in --config as text.
TEXT_HINT = (
    " (the value is text: write 0.001 or 1.0e-3 without quotation marks, and nested values in a file for --configfile "
    "instead of --config)"
)
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # PyYAML's parser in C, if it was built, is much faster
MERGE = "tag:yaml.org,2002:merge"
DRAFT = jsonschema.Draft202012Validator


def _is_whole(_, value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)  # JSON Schema accepts 3.0, range() does not


def _is_number(_, value: object) -> bool:
    return _is_whole(_, value) or (isinstance(value, float) and math.isfinite(value))  # .nan is in any range


Validator = jsonschema.validators.extend(
    DRAFT, type_checker=DRAFT.TYPE_CHECKER.redefine_many({"integer": _is_whole, "number": _is_number})
)


@cache
def _read_schema(path: Path) -> dict:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def check_config(config: dict, schema: Path) -> None:
    """Check a config: each key against the schema, then keys against each other.

    Raises
    ------
    InputError
        With all problems of the first of these steps that has any: the key, its value, and what was expected.
    """
    _stop(_odd_keys(config))
    rules = _read_schema(schema)
    errors = sorted(Validator(rules).iter_errors(config), key=lambda error: list(map(str, error.absolute_path)))
    _stop(problem for error in errors for problem in _describe(error, rules))
    _stop(_relations(config))


def check_files(paths: Iterable[Path]) -> None:
    """Check that no config file contains a section twice: YAML would silently use the last one.

    Raises
    ------
    InputError
        With the file, the key, and both lines of each problem.
    """
    problems: list[InputError] = []
    for path in paths:
        try:
            waiting = [yaml.compose(path.read_text(encoding="utf-8"), Loader=LOADER)]
        except yaml.YAMLError:
            continue  # JSON that is not YAML; Snakemake has read it
        walked = set()
        for node in waiting:
            # An alias is the same node as its anchor.
            if isinstance(node, yaml.MappingNode) and id(node) not in walked:
                walked.add(id(node))
                seen: dict[str, yaml.Mark] = {}
                for key, value in node.value:
                    waiting.append(value)
                    if key.tag == MERGE:
                        continue  # "<<" may occur several times
                    mark, first = key.start_mark, seen.setdefault(key.value, key.start_mark)
                    if first is not mark:
                        problem = f"{key.value!r} is listed twice, first in line {first.line + 1}"
                        error = InputError(problem, file=path, line=mark.line + 1, remedy="Merge the two sections")
                        problems.append(error)
    _stop(problems)


def _stop(found: Iterable[InputError]) -> None:
    problems = Problems(shown=None)
    for error in found:
        problems.add("config", error)
    problems.raise_all("in the config (files and command line)")


def _odd_keys(section: object, path: str = "") -> Iterator[InputError]:
    """Yield keys that are not text, because YAML reads 1: and yes: as other types; the schema only describes text."""
    for name, value in section.items() if isinstance(section, dict) else ():
        if not isinstance(name, str):
            problem = f"YAML reads the key as {type(name).__name__}"
            yield InputError(problem, key=f"{path}{name}", remedy="Write it in quotation marks")
        yield from _odd_keys(value, f"{path}{name}.")


def _describe(error: jsonschema.ValidationError, schema: dict) -> Iterator[InputError]:
    """Yield the problems of an error of the schema, with the meaning of the key."""
    path = [str(part) for part in error.absolute_path]
    if error.validator == "additionalProperties":
        known = sorted(error.schema.get("properties") or error.schema.get("patternProperties", {}))
        for name in sorted(set(error.instance) - set(known)):
            near = difflib.get_close_matches(name, known, 1)
            hint: dict[str, Any] = (
                {"remedy": f"Use {near[0]!r} if you mean that key"} if near else {"expected": f"one of {known}"}
            )
            yield InputError("unknown key", key=".".join([*path, name]), **hint)
        return
    node, meaning = schema, ""
    for part in path:
        node = node.get("properties", {}).get(part) or node.get("additionalProperties") or node.get("items") or {}
        node = node if isinstance(node, dict) else {}
        meaning = node.get("description", meaning)
    message = error.message if len(error.message) < 300 else f"{error.message[:140]} ... {error.message[-140:]}"
    if error.validator == "type" and isinstance(error.instance, str):
        number = error.validator_value in ("number", "integer") and not math.isnan(read_number(error.instance))
        message += TEXT_HINT if number else ""
    remedy = f"Correct the value (meaning of the key: {' '.join(meaning.split()).rstrip('.')})" if meaning else None
    yield InputError(message, key=".".join(path) or "config", remedy=remedy)


def _relations(config: dict) -> Iterator[InputError]:
    """Yield keys that contradict each other in a config that follows the schema."""
    features, model = config["features"], config["train"]["model"]
    try:
        hop_samples(features)
    except InputError as error:
        error.key = error.key or "features.hop_s"
        yield error
    if not features["f_min"] < features["f_max"] <= features["sample_rate"] / 2:
        yield InputError(
            f"f_min {features['f_min']}, f_max {features['f_max']}, sample_rate {features['sample_rate']}",
            key="features",
            expected="f_min < f_max, and f_max at most half of sample_rate",
        )
    elif features["f_max"] - features["f_min"] < (bins := 4 * features["sample_rate"] / features["window"]):
        problem = f"f_min {features['f_min']} and f_max {features['f_max']} are too close"
        expected = f"a difference of at least {bins:g} Hz, four bins of a spectrum of this window"
        yield InputError(problem, key="features", expected=expected)
    if math.prod(model["pooling"]) > features["mel_bands"]:
        yield InputError(
            f"{model['pooling']} leaves none of the {features['mel_bands']} mel bands",
            key="train.model.pooling",
            expected="numbers whose product is at most features.mel_bands",
        )
    if not any(config["systems"].values()):
        yield InputError("all systems are null", key="systems", expected="one system or more")
    if config["folds"]["source"] == "official":
        wanted = [
            f"fold{n}_{part}.csv" for n in range(1, config["folds"]["number"] + 1) for part in OFFICIAL_NAMES.values()
        ]
        if missing := [name for name in wanted if name not in config["folds"]["official"]["sha256"]]:
            problem = f"{config['folds']['number']} folds, but folds.official.sha256 has no {missing[0]}"
            yield InputError(problem, key="folds.number")
    if "demo" in config["data"]:
        yield from _crowd(config["data"]["demo"]["crowd"], config)


def _crowd(crowd: dict, config: dict) -> Iterator[InputError]:
    """Yield keys of the simulated crowds of the demo and the trials that contradict each other."""
    where = "data.demo.crowd"
    low, high = crowd["spammer_rate"]
    trials = config.get("trials")
    if low > high:
        yield InputError(f"[{low}, {high}]", key=f"{where}.spammer_rate", expected="the lowest rate first")
    if crowd["hop_s"] > crowd["window_s"]:
        expected = f"at most window_s, {crowd['window_s']} s"
        yield InputError(f"{crowd['hop_s']} s", key=f"{where}.hop_s", expected=expected)
    asked = {f"{where}.opinions_per_window": [crowd["opinions_per_window"]]}
    if trials:
        asked["trials.opinions_per_window"] = trials["opinions_per_window"]
        if not crowd["window_s"] <= trials["duration_s"] <= LONGEST_S:
            expected = f"at least a window, {crowd['window_s']} s, and at most {LONGEST_S} s"
            yield InputError(f"{trials['duration_s']} s", key="trials.duration_s", expected=expected)
    for key, numbers in asked.items():
        if max(numbers) > crowd["annotators"]:
            expected = f"at most {crowd['annotators']}, the number of {where}.annotators"
            yield InputError(f"{max(numbers)} opinions per window", key=key, expected=expected)
    methods = {"trials.methods": trials["methods"] if trials else []}
    if config["data"]["source"] == "demo":
        labels, systems = config["labels"], config["systems"].items()
        methods |= {"labels.method": [labels["method"]], "labels.compare": labels["compare"]}
        methods |= {f"systems.{name}.method": [system.get("method")] for name, system in systems if system}
    if crowd["window_s"] > LONGEST_JOINT_S:
        for key in (key for key, named in methods.items() if "joint" in named):
            problem = f"the method joint cannot use windows of {crowd['window_s']} s ({where}.window_s)"
            yield InputError(problem, key=key, expected=f"windows of at most {LONGEST_JOINT_S} s")


def check_tables(config: dict, tables: dict[str, Path]) -> None:
    """Check the tables of recordings, classes and scenes against each other and the config.

    Parameters
    ----------
    config : dict
        Config that `check_config` accepts.
    tables : dict of Path
        The tables of recordings, classes and scenes.

    Raises
    ------
    InputError
        For the first problem: a class or scene that another table does not list, a name that cannot be that of a file,
        an unknown class in ``evaluate.classes`` or ``confused``, a scene with too few recordings for the folds, or
        lists of official folds that are not a cross-validation.
    """
    classes = read_classes(tables["classes"])
    recordings, _ = read_asked(tables["recordings"], tables["scenes"], classes)
    for name in recordings:
        check_name(name, tables["recordings"])
    choose_classes(tables["classes"], config["evaluate"]["classes"])
    pairs = config["data"].get("demo", {}).get("crowd", {}).get("confused", [])
    if config["data"]["source"] == "demo" and (unknown := {name for pair in pairs for name in pair} - set(classes)):
        problem, expected = f"no class {sorted(unknown)}", f"classes of {tables['classes']}"
        raise InputError(problem, key="data.demo.crowd.confused", expected=expected)
    folds = config["folds"]
    if folds["source"] == "generated":
        generate_folds(recordings, number=folds["number"], validation=folds["validation"], seed=0)
        return
    # Lists in a folder are checked here. Lists that are downloaded are checked after the download.
    folder = Path(folds["official"]["address"])
    if folder.is_dir():
        lists = [
            {part: folder / f"fold{fold}_{name}.csv" for part, name in OFFICIAL_NAMES.items()}
            for fold in range(1, folds["number"] + 1)
        ]
        read_official(lists, recordings)
