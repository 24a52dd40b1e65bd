"""All mistakes of a config, each with its key, before anything is planned.

The schema describes each key alone. `softsed.planning.contradictions` finds keys that contradict each other, and
`check_tables` finds tables that do not fit. Without this check, a job would report these mistakes later, some of them
after all trainings.
Snakemake's own validation reports a single mistake of one key, above some hundred lines of schema.
"""

import difflib
import json
import math
import re
from collections.abc import Iterable, Iterator
from datetime import date
from functools import cache
from pathlib import Path

import jsonschema
import yaml

from softsed.core.errors import InputError, Problems
from softsed.core.metadata import choose_classes, read_asked, read_classes
from softsed.core.tsv import read_number
from softsed.folds import OFFICIAL_NAMES, read_official
from softsed.planning.choices import source_of
from softsed.planning.contradictions import find_contradictions
from softsed.planning.fold_numbers import check_folds
from softsed.planning.ground_truth import check_truth

# YAML 1.1 reads 1e-3 as text because it has no decimal point, and Snakemake reads nested values of --config as text.
TEXT_HINT = (
    " (it is text: write 0.001 or 1.0e-3 without quotation marks, and give nested values in a file with --configfile, "
    "not with --config)"
)
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # PyYAML's parser in C, if it was built, is much faster
SHOWN = 5  # names in a mistake about several keys
LONGEST = 200  # characters of a value in a mistake
# Words for the types and limits of the schema, in the order of a message.
TYPES = {
    **{"integer": "a whole number", "number": "a number", "string": "text", "boolean": "true or false"},
    **{"array": "a list", "object": "a section", "null": "null"},
}
LIMITS = {
    **{"minimum": "at least {}", "exclusiveMinimum": "more than {}"},
    **{"maximum": "at most {}", "exclusiveMaximum": "less than {}", "multipleOf": "a multiple of {}"},
    **{
        "minLength": "not empty",
        "minProperties": "not empty",
        "minItems": "not empty",
        "uniqueItems": "each entry once",
    },
}
# YAML 1.1 does not read 007, 1_000, 12:30, 2024-05-01 and yes as text.
UNQUOTED = (bool, int, float, date)
UNQUOTED_HINT = " (write text that YAML reads as a number, date or truth value in quotation marks in the file)"
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
    return yaml.load(path.read_text(encoding="utf-8"), Loader=LOADER)


def check_config(config: dict, schema: Path) -> None:
    """Check all keys of a config.

    Raises
    ------
    InputError
        With all mistakes that `find_mistakes` finds.
    """
    _raise_all(find_mistakes(config, schema))


def find_mistakes(config: dict, schema: Path) -> list[InputError]:
    """List the mistakes of a config: keys that are not text, then violations of the schema, then contradicting keys.

    Each kind is looked for only if there is no mistake of the kind before. The order of the mistakes is fixed.
    """
    rules = _read_schema(schema)
    if found := list(_odd_keys(config)):
        return found
    errors = sorted(Validator(rules).iter_errors(config), key=lambda error: list(map(str, error.absolute_path)))
    sections = [name for name in rules["required"] if name not in config]
    if len(sections) > SHOWN:  # one cause, whose consequences are all other mistakes
        remedy = "Run without --replace-workflow-config, and restore config.yaml if it was edited"
        problem = f"{len(sections)} keys are missing: {_listed(sections)}"
        return [InputError(problem, key="config", expected="all keys of config.yaml", remedy=remedy)]
    # One mistake for all missing keys of a section.
    mistakes = {str(mistake): mistake for error in errors for mistake in _describe(error, rules)}
    return list(mistakes.values()) or list(find_contradictions(config))


def check_files(paths: Iterable[Path]) -> None:
    """Check that no section of a config file occurs twice: YAML would use the last one without a warning.

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
                        problem = f"the section occurs twice, first in line {first.line + 1}"
                        place = {"file": path, "line": mark.line + 1, "key": key.value}
                        problems.append(InputError(problem, **place, remedy="Merge the two sections"))
    _raise_all(problems)


def _raise_all(mistakes: list[InputError]) -> None:
    """Raise the only mistake, or one error with all of them."""
    problems = Problems(shown=None)
    for mistake in mistakes:
        problems.add("config", mistake)
    problems.raise_all("in the config (all files and the command line together)", alone=True)


def _odd_keys(section: object, path: str = "") -> Iterator[InputError]:
    """Find keys that YAML does not read as text, such as ``1:`` and ``yes:``; the schema describes text only."""
    for name, value in section.items() if isinstance(section, dict) else ():
        if not isinstance(name, str):
            problem = f"YAML reads the key as {type(name).__name__}"
            yield InputError(problem, key=f"{path}{name}", remedy="Write it in quotation marks")
        yield from _odd_keys(value, f"{path}{name}.")


def _listed(names: list[str], word: str = "and") -> str:
    """Return the names with a word before the last one. Of many names, only the first are listed."""
    *first, last = names if len(names) <= SHOWN else [*names[:SHOWN], f"{len(names) - SHOWN} more"]
    return f"{', '.join(first)} {word} {last}" if first else last


def _describe(error: jsonschema.ValidationError, schema: dict) -> Iterator[InputError]:
    """Turn an error of the schema into mistakes with the key and its meaning."""
    path = [str(part) for part in error.absolute_path]
    if error.validator == "additionalProperties":
        known = sorted(error.schema.get("properties", {}))
        patterns = error.schema.get("patternProperties", {})
        unknown = sorted(name for name in {*error.instance} - {*known} if not any(re.search(p, name) for p in patterns))
        if len(unknown) > SHOWN and not path:
            remedy = "Check whether the file given with --configfile is a config of softsed"
            problem = f"there are no such keys: {_listed(unknown)}"
            expected = f"keys such as {_listed(known)}"
            yield InputError(problem, key="config", expected=expected, remedy=remedy)
            return
        for name in unknown:
            near = difflib.get_close_matches(name, known, 1)
            expected = f"{near[0]!r}, the most similar key" if near else f"one of {known or error.schema['title']}"
            yield InputError("there is no such key", key=".".join([*path, name]), expected=expected)
        return
    node, meaning = schema, ""
    for part in path:
        node = node.get("properties", {}).get(part) or node.get("additionalProperties") or node.get("items") or {}
        node = node if isinstance(node, dict) else {}
        meaning = node.get("description", meaning)
    problem, accepted = _compare(error)
    meant = f"Meaning of the key: {' '.join(meaning.split()).rstrip('.')}" if meaning else None
    yield InputError(problem, key=".".join(path) or "config", expected=accepted, remedy=meant)


def _compare(error: jsonschema.ValidationError) -> tuple[str, str | None]:
    """Return the problem of an error of the schema, and the values that the schema accepts."""
    value, rule = error.instance, error.validator_value
    if error.validator == "required":
        return f"the section has no {_listed([name for name in rule if name not in value], 'or')}", None
    if error.validator == "dependentRequired":
        given = [name for name in rule if name in value]
        missing = [name for name in rule if name not in value]
        return f"the section has {_listed(given)}, but no {_listed(missing, 'or')}", f"{_listed(list(rule))} together"
    if error.validator == "not":
        return f"the name {value!r} is reserved", f"a name other than {_listed(rule['enum'])}"
    text = json.dumps(value) if value is None or isinstance(value, bool) else repr(value)  # null, true, false
    text = text if len(text) <= LONGEST else f"{text[: LONGEST // 2]} ... {text[-LONGEST // 2 :]}"
    problem = f"the {'name' if 'propertyNames' in error.absolute_schema_path else 'value'} is {text}"
    if error.validator == "type" and "string" in rule and isinstance(value, UNQUOTED):
        problem += UNQUOTED_HINT
    if error.validator == "type" and rule in ("number", "integer") and isinstance(value, str):
        problem += "" if math.isnan(read_number(value)) else TEXT_HINT
    if isinstance(value, float) and not math.isfinite(value):
        problem += " (not a finite number)"
    return problem, describe_values(error.schema)


def describe_values(rule: dict) -> str:
    """Describe the values that a part of the schema accepts: by its title, or by its values, types and limits."""
    if "title" in rule:
        return rule["title"]
    if names := rule.get("enum") or ([rule["const"]] if "const" in rule else []):
        return _listed(names, "or")
    kinds = [rule["type"]] if isinstance(rule["type"], str) else rule["type"]
    limits = ", ".join(text.format(rule[key]) for key, text in LIMITS.items() if key in rule)
    first, *others = (TYPES[kind] for kind in kinds)
    return " or ".join([f"{first} ({limits})" if limits else first, *others])


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
    recordings, asked = read_asked(tables["recordings"], tables["scenes"], classes)
    choose_classes(tables["classes"], config["evaluate"]["classes"])
    problems = Problems()
    if config["truth"]:
        check_truth(Path(config["truth"]), recordings, classes, asked, problems)
    pairs = config["data"].get("demo", {}).get("crowd", {}).get("confused", [])
    if source_of(config) == "demo" and (unknown := {name for pair in pairs for name in pair} - set(classes)):
        problem, expected = f"unknown classes {sorted(unknown)}", f"classes of {tables['classes']}"
        raise InputError(problem, key="data.demo.crowd.confused", expected=expected)
    folds = config["folds"]
    if folds["source"] == "generated":
        check_folds(recordings, folds["number"], folds["validation"], problems)
    problems.raise_all("in the tables and true events", alone=True)
    if folds["source"] == "generated":
        return
    # Lists in a folder are checked here. Lists that are downloaded are checked after the download.
    folder = Path(folds["official"]["address"])
    if folder.is_dir():
        lists = [
            {part: folder / f"fold{fold}_{name}.csv" for part, name in OFFICIAL_NAMES.items()}
            for fold in range(1, folds["number"] + 1)
        ]
        read_official(lists, recordings)
