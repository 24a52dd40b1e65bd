"""What is wrong with a config, all of it, each with the key, before anything is planned.

Two kinds of mistakes: those of one key, which the schema describes, and those of keys and tables that do not go
together, each of which would otherwise show in a job, the last of them after all trainings. Snakemake's own validation
tells of one mistake of the first kind, above some hundred lines of schema.
"""

import difflib
import math
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import jsonschema
import yaml

from softsed.core.errors import InputError
from softsed.core.metadata import LONGEST_S, choose_classes, read_asked, read_classes
from softsed.core.tsv import read_number
from softsed.data.infer_tables import check_name
from softsed.features.extract import hop_samples
from softsed.folds import OFFICIAL_NAMES, generate_folds, read_official

LONGEST_JOINT_S = 12  # windows of the method joint (joint.LONGEST_S, whose import takes long)
# YAML 1.1 takes 1e-3 for text, which wants a point, and Snakemake whatever is nested in a value of --config.
TEXT_HINT = (
    " (it is written as text: write 0.001 or 1.0e-3, without quotation marks, and nested values in a file, with "
    "--configfile, rather than with --config)"
)
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the one in C where PyYAML was built with it: much faster
MERGE = "tag:yaml.org,2002:merge"
DRAFT = jsonschema.Draft202012Validator


def _is_whole(_, value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)  # not 3.0, which JSON Schema takes: range() does not


def _is_number(_, value: object) -> bool:
    return _is_whole(_, value) or (isinstance(value, float) and math.isfinite(value))  # YAML's .nan passes any range


Validator = jsonschema.validators.extend(
    DRAFT, type_checker=DRAFT.TYPE_CHECKER.redefine_many({"integer": _is_whole, "number": _is_number})
)


@cache
def _read_schema(path: Path) -> dict:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def check_config(config: dict, schema: Path) -> None:
    """Check the keys of a config, by the schema first, then those that have to go together.

    Raises
    ------
    InputError
        With all mistakes of a kind: the key, what was found, and what was expected.
    """
    _stop(list(_odd_keys(config)))
    rules = _read_schema(schema)
    errors = sorted(Validator(rules).iter_errors(config), key=lambda error: list(map(str, error.absolute_path)))
    problems = [text for error in errors for text in _describe(error, rules)]
    _stop(problems or list(_relations(config)))


def check_files(paths: Iterable[Path]) -> None:
    """Check that no section of a config file is there twice: of two the last would count, without a word.

    Raises
    ------
    InputError
        With the file, the key, and both lines.
    """
    problems = []
    for path in paths:
        try:
            waiting = [yaml.compose(path.read_text(encoding="utf-8"), Loader=LOADER)]
        except yaml.YAMLError:
            continue  # Snakemake has read it: JSON that is no YAML
        walked = set()
        for node in waiting:
            if isinstance(node, yaml.MappingNode) and id(node) not in walked:  # an alias is the node of its anchor
                walked.add(id(node))
                seen: dict[str, yaml.Mark] = {}
                for key, value in node.value:
                    waiting.append(value)
                    if key.tag == MERGE:
                        continue  # "<<" may be there several times
                    mark, first = key.start_mark, seen.setdefault(key.value, key.start_mark)
                    if first is not mark:
                        text = f"{path}, line {mark.line + 1}: {key.value!r} is there twice"
                        problems.append(f"{text}, first in line {first.line + 1}; merge the two")
    _stop(problems)


def _stop(problems: list[str]) -> None:
    if problems:
        lines = "\n".join(f"  {text}" for text in problems)
        raise InputError(f"{len(problems)} mistake(s) in the config, files and command line together:\n{lines}")


def _odd_keys(section: object, path: str = "") -> Iterator[str]:
    """Find keys that are not text, as YAML takes 1: and yes: to be; the schema speaks of text only."""
    for name, value in section.items() if isinstance(section, dict) else ():
        if not isinstance(name, str):
            yield f"{path}{name}: the key is taken for {type(name).__name__}; write it in quotation marks"
        yield from _odd_keys(value, f"{path}{name}.")


def _describe(error: jsonschema.ValidationError, schema: dict) -> Iterator[str]:
    """Put a mistake into words: the key and what the schema says about it."""
    path = [str(part) for part in error.absolute_path]
    if error.validator == "additionalProperties":
        known = sorted(error.schema.get("properties") or error.schema.get("patternProperties", {}))
        for name in sorted(set(error.instance) - set(known)):
            near = difflib.get_close_matches(name, known, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"expected one of {known}"
            yield f"{'.'.join([*path, name])}: there is no such key; {hint}"
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
    yield f"{'.'.join(path) or 'config'}: {message}" + (f"; meaning: {' '.join(meaning.split())}" if meaning else "")


def _relations(config: dict) -> Iterator[str]:
    """Find keys that do not go together in a config that the schema has found good."""
    features, model = config["features"], config["train"]["model"]
    try:
        hop_samples(features)
    except InputError as error:
        yield str(error)
    if not features["f_min"] < features["f_max"] <= features["sample_rate"] / 2:
        yield (
            f"features: f_min {features['f_min']}, f_max {features['f_max']}, sample_rate {features['sample_rate']}; "
            "expected f_min < f_max, and f_max at most half of sample_rate"
        )
    elif features["f_max"] - features["f_min"] < (bins := 4 * features["sample_rate"] / features["window"]):
        yield f"features: f_min and f_max are less than {bins:g} Hz apart, four bins of a spectrum of that window"
    if math.prod(model["pooling"]) > features["mel_bands"]:
        yield (
            f"train.model.pooling: {model['pooling']} leaves none of {features['mel_bands']} mel bands; "
            "expected numbers whose product is at most features.mel_bands"
        )
    if not any(config["systems"].values()):
        yield "systems: all are null; expected one or more"
    if config["folds"]["source"] == "official":
        wanted = [
            f"fold{n}_{part}.csv" for n in range(1, config["folds"]["number"] + 1) for part in OFFICIAL_NAMES.values()
        ]
        if missing := [name for name in wanted if name not in config["folds"]["official"]["sha256"]]:
            yield f"folds.number: {config['folds']['number']}, but folds.official.sha256 has no {missing[0]}"
    if "demo" in config["data"]:
        yield from _crowd(config["data"]["demo"]["crowd"], config)


def _crowd(crowd: dict, config: dict) -> Iterator[str]:
    """Find what does not go together in the simulated crowd, of the demo and of the trials."""
    where, low, high = "data.demo.crowd", *crowd["spammer_rate"]
    trials = config.get("trials")
    if low > high:
        yield f"{where}.spammer_rate: [{low}, {high}]; expected the lowest first"
    if crowd["hop_s"] > crowd["window_s"]:
        yield f"{where}.hop_s: {crowd['hop_s']} s, expected at most window_s, {crowd['window_s']} s"
    asked = {f"{where}.opinions_per_window": [crowd["opinions_per_window"]]}
    if trials:
        asked["trials.opinions_per_window"] = trials["opinions_per_window"]
        if not crowd["window_s"] <= trials["duration_s"] <= LONGEST_S:
            yield f"trials.duration_s: {trials['duration_s']}, expected a window, {crowd['window_s']}, to {LONGEST_S} s"
    for key, numbers in asked.items():
        if max(numbers) > crowd["annotators"]:
            yield f"{key}: {max(numbers)}, expected at most {crowd['annotators']}, all of {where}.annotators"
    methods = {"trials.methods": trials["methods"] if trials else []}
    if config["data"]["source"] == "demo":
        labels, systems = config["labels"], config["systems"].items()
        methods |= {"labels.method": [labels["method"]], "labels.compare": labels["compare"]}
        methods |= {f"systems.{name}.method": [system.get("method")] for name, system in systems if system}
    if crowd["window_s"] > LONGEST_JOINT_S:
        for key in (key for key, named in methods.items() if "joint" in named):
            yield f"{key}: joint takes windows of up to {LONGEST_JOINT_S} s, {where}.window_s is {crowd['window_s']}"


def check_tables(config: dict, tables: dict[str, Path]) -> None:
    """Check that tables that are there before anything runs fit each other and the config.

    Parameters
    ----------
    config : dict
        As `check_config` has found it good.
    tables : dict of Path
        The tables of recordings, classes and scenes.

    Raises
    ------
    InputError
        With file and line: classes or scenes of one table that another does not have, names that cannot be those of
        files, classes to be evaluated or confused that there are not, scenes too small for the folds, lists of folds
        in a folder that are no cross-validation.
    """
    classes = read_classes(tables["classes"])
    recordings, _ = read_asked(tables["recordings"], tables["scenes"], classes)
    for name in recordings:
        check_name(name, str(tables["recordings"]))
    choose_classes(tables["classes"], config["evaluate"]["classes"])
    pairs = config["data"].get("demo", {}).get("crowd", {}).get("confused", [])
    if config["data"]["source"] == "demo" and (unknown := {name for pair in pairs for name in pair} - set(classes)):
        raise InputError(f"data.demo.crowd.confused: no class {sorted(unknown)} in {tables['classes']}")
    folds = config["folds"]
    if folds["source"] == "generated":
        generate_folds(recordings, number=folds["number"], validation=folds["validation"], seed=0)
        return
    folder = Path(folds["official"]["address"])
    if folder.is_dir():  # lists that are fetched are checked when they are there
        lists = [
            {part: folder / f"fold{fold}_{name}.csv" for part, name in OFFICIAL_NAMES.items()}
            for fold in range(1, folds["number"] + 1)
        ]
        read_official(lists, recordings)
