"""Exports of Label Studio: JSON, JSON_MIN, CSV and TSV, with labelled regions of audio or choices about whole clips.

An annotation that was submitted without a region or choice means that its annotator heard nothing. Skipped tasks and
predictions are not annotations.
"""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path, PureWindowsPath
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

from softsed.core.errors import InputError
from softsed.core.text.cells import decode
from softsed.core.text.files import AUDIO, OTHER_AUDIO
from softsed.tools.convert.annotations import Annotations, Place
from softsed.tools.convert.delimited import Table

NAMES = ("labels", "choices", "timeserieslabels")  # keys of the names of classes in a result
REGION = {"start", "end", "channel", "original_length"}  # keys of a region that nobody gave a class
# Columns of JSON_MIN and CSV that are neither data of the task nor answers.
OWN = {"id", "annotator", "annotation_id", "created_at", "updated_at", "lead_time", "agreement", "history"}
UPLOADED = re.compile(r"[0-9a-f]{8}-")  # Label Studio puts this before the names of uploaded files
SILENCE = "submit an annotation of this task without a region"


class Answer(NamedTuple):
    """One result of an annotation: name of the control, names of classes (a region may have none), times if any."""

    control: str
    names: list[str]
    times: tuple[object, object] | None


class Annotation(NamedTuple):
    """One annotation of a task."""

    place: Place
    data: dict[str, Any]
    annotator: str
    answers: list[Answer]
    seconds: object


def _answer(control: str, value: Any) -> Answer | None:
    """Return a result as an answer; None for a result that is neither a region nor names of classes, such as text."""
    if not isinstance(value, dict):
        return None
    names = next((value[key] for key in NAMES if isinstance(value.get(key), list)), None)
    if names is None and not ("start" in value and set(value) <= REGION):
        return None
    names = names or []
    times = (value["start"], value.get("end")) if "start" in value else None
    return Answer(control, [" ".join(str(name).split()) for name in names], times)


def _tasks(path: Path, tasks: list[Any], chosen: str | None) -> Iterator[Annotation]:
    """Yield the annotations of an export as JSON or JSON_MIN."""
    for number, task in enumerate(tasks, start=1):
        if not isinstance(task, dict):
            problem = f"the task is {task!r:.50}"
            raise InputError(problem, file=path, key=f"task {number}", expected="an object with a task")
        listed = task.get("annotations", task.get("completions"))
        if not isinstance(listed, list):
            yield from _record(Place(path, key=f"task {number}"), task, chosen)
            continue
        for count, one in enumerate(listed, start=1):
            place = Place(path, key=f"task {number}, annotation {count}")
            results = one.get("result") or [] if isinstance(one, dict) else None
            if not isinstance(results, list) or not all(isinstance(result, dict) for result in results):
                raise InputError("not an annotation", **place._asdict(), expected="an object with a list 'result'")
            if one.get("was_cancelled") or one.get("skipped"):
                continue
            who = one.get("completed_by")
            if isinstance(who, dict):
                who = who.get("email") or who.get("username") or who.get("id")
            answers = [_answer(str(result.get("from_name")), result.get("value")) for result in results]
            data = task.get("data")
            seconds = next((result["original_length"] for result in results if "original_length" in result), None)
            yield Annotation(
                place, data if isinstance(data, dict) else {}, _text(who), list(filter(None, answers)), seconds
            )


def _record(place: Place, record: dict[str, Any], chosen: str | None) -> Iterator[Annotation]:
    """Yield the annotation of a record of JSON_MIN or CSV; none for a task without annotations."""
    if not _text(record.get("annotation_id")):
        return
    answers: list[Answer | None] = []
    for control in (key for key in record if key not in OWN):
        value = _parsed(record[control])
        if control == chosen and value and isinstance(value, str):
            answers.append(Answer(control, [value], None))
        answers += [_answer(control, one) for one in (value if isinstance(value, list) else [value])]
    yield Annotation(place, record, _text(record.get("annotator")), list(filter(None, answers)), None)


def _parsed(cell: object) -> object:
    """Return the content of a cell with JSON; any other cell as it is."""
    if isinstance(cell, str) and cell[:1] in ("[", "{"):
        with suppress(ValueError, RecursionError):
            return json.loads(cell)
    return cell


def _text(value: object) -> str:
    return "" if value is None else str(value).strip()


def _is_audio(value: object) -> bool:
    return isinstance(value, str) and bool(AUDIO.fullmatch(file_name(value)) or OTHER_AUDIO.fullmatch(file_name(value)))


def file_name(address: str) -> str:
    """Return the name of an audio file from its address in a task: a path, a URL, or a file stored by Label Studio."""
    path = address
    if "://" in address or address.startswith("/data/"):
        with suppress(ValueError):  # not a URL: a name with brackets, for example
            parts = urlsplit(address)
            local = parse_qs(parts.query).get("d") if parts.path.endswith("/local-files/") else None
            path = local[0] if local else unquote(parts.path)
    name = PureWindowsPath(path).name
    return UPLOADED.sub("", name, count=1) if "/upload/" in path and UPLOADED.match(name) else name


def read_annotations(path: Path, mapping: Mapping[str, str], annotator: str | None) -> Annotations:
    """Read an export.

    Parameters
    ----------
    path : Path
        JSON, or a table (CSV, TSV).
    mapping : mapping of str
        ``recording`` to the key of the audio in the data of a task, ``label`` to the name of the control. Each is found
        by its content if there is only one.
    annotator : str or None
        Annotator of annotations without one.

    Raises
    ------
    InputError
        If the file is not an export, or if several keys or controls could be read. Annotations that cannot be used are
        in the problems of the result.
    """
    listed = list(_read(path, mapping.get("label")))
    controls = list(dict.fromkeys(answer.control for one in listed for answer in one.answers if answer.names))
    chosen = mapping.get("label", controls[0] if controls else None)
    if "label" not in mapping and len(controls) > 1:
        problem, remedy = f"several controls have classes: {controls}", f"Choose one, as in --map label={controls[0]}"
        raise InputError(problem, file=path, remedy=remedy)
    if chosen is None or (controls and chosen not in controls):
        problem = f"no answers of the control {chosen!r} among {controls}" if chosen else "no region and no choice"
        remedy = "If choices are in a column of text, pass --map label=COLUMN"
        raise InputError(problem, file=path, expected="annotations with labels or choices", remedy=remedy)
    if "label" not in mapping:  # again, because a cell with one choice is text, and only the control decides what it is
        listed = list(_read(path, chosen))
    found = Annotations(path, SILENCE)
    used = [[answer for answer in one.answers if answer.control == chosen] for one in listed]
    found.clips = any(answers for answers in used) and not any(answer.times for answers in used for answer in answers)
    for one, answers in zip(listed, used, strict=True):
        keys = [mapping["recording"]] if "recording" in mapping else [k for k, v in one.data.items() if _is_audio(v)]
        address = one.data.get(keys[0]) if len(keys) == 1 else None
        if not isinstance(address, str) or not address:
            problem = f"{'several keys' if len(keys) > 1 else 'no key'} with audio among {list(one.data)}"
            found.report("audio", one.place, problem, expected="one audio file", remedy="Pass --map recording=KEY")
            continue
        name = found.name(one.place, address, file_name(address))
        who = one.annotator or annotator or ""
        if not found.listened(one.place, name, who):
            continue
        if isinstance(one.seconds, int | float) and one.seconds > 0:
            found.lengths[name] = float(one.seconds)
        for answer in answers:
            if not answer.names and answer.times:
                found.marked(one.place, name, who, "", answer.times)
            for label in answer.names:
                if found.clips:
                    found.marked(one.place, name, who, label)
                else:
                    found.marked(one.place, name, who, label, answer.times or ("", ""))
    return found


def _read(path: Path, chosen: str | None) -> Iterator[Annotation]:
    text = decode(path)
    if text.lstrip()[:1] not in ("[", "{"):
        table = Table.read(path)
        if missing := [name for name in ("annotation_id", "annotator") if name not in table.header]:
            problem, expected = f"no column {missing} among {table.header}", "an export of Label Studio as CSV or TSV"
            raise InputError(problem, file=path, line=1, expected=expected)
        for line, fields in table.rows:
            yield from _record(Place(path, line), dict(zip(table.header, fields, strict=True)), chosen)
        return
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        place = Place(path, getattr(error, "lineno", None))
        raise InputError(f"cannot be read as JSON: {error}", **place._asdict(), expected="an export") from error
    yield from _tasks(path, content if isinstance(content, list) else [content], chosen)
