"""Exports of Label Studio: the same annotations in each of its formats, and exports that cannot be read."""

import csv
import io
import json

import pytest
from support.errors import refused

from softsed.tools.convert.label_studio import file_name, read_annotations

AUDIO = "/data/upload/3/0d93a737-yard_1.wav"


def region(start, end, *labels, control="label"):
    value = {"start": start, "end": end, "channel": 0, "labels": list(labels)}
    return {
        "original_length": 12.5,
        "value": value,
        "id": "x",
        "from_name": control,
        "to_name": "audio",
        "type": "labels",
    }


def choices(*names, control="heard"):
    return {"value": {"choices": list(names)}, "id": "x", "from_name": control, "to_name": "audio", "type": "choices"}


def annotation(number, who, *result, **more):
    return {"id": number, "completed_by": who, "was_cancelled": False, "result": list(result), **more}


def task(*annotations, audio=AUDIO, number=1):
    return {"id": number, "data": {"audio": audio, "site": "x"}, "annotations": list(annotations), "predictions": []}


REGIONS = [
    task(
        annotation(11, 1, region(2, 4.25, "dog"), region(5, 6, "car", "bus")),
        annotation(12, 2),
        annotation(13, 3, region(0, 1, "cat"), was_cancelled=True),
    ),
    task(audio="/data/upload/3/0d93a737-yard_2.wav", number=2),
]
EVENTS = {("1", 2, 4.25, "dog"), ("1", 5, 6, "car"), ("1", 5, 6, "bus"), ("2", 0, 0, "")}
TAGS = [task(annotation(11, 1, choices("dog")), annotation(12, 2, choices("dog", "car")), annotation(13, 3))]
HEARD = {("1", 0, float("inf"), name) for name in ("dog",)} | {("2", 0, float("inf"), name) for name in ("dog", "car")}
HEARD |= {("3", 0, 0, "")}


def pretty(results):
    """Write results as Label Studio does in JSON_MIN and CSV: one choice as text, several as an object."""
    values = [result["value"] for result in results]
    if len(values) == 1 and "choices" in values[0]:
        return values[0]["choices"][0] if len(values[0]["choices"]) == 1 else values[0]
    return values


def records(tasks):
    """Return one record per annotation, as in JSON_MIN; tasks without annotations have an empty one."""
    for one in tasks:
        for found in one["annotations"] or [{"id": None, "completed_by": None, "result": []}]:
            if not found.get("was_cancelled"):
                answers = {found["result"][0]["from_name"]: pretty(found["result"])} if found["result"] else {}
                own = {"id": one["id"], "annotator": found["completed_by"], "annotation_id": found["id"]}
                yield {**one["data"], **answers, **own, "lead_time": 3.2, "created_at": "2024-01-01T00:00:00Z"}


def table(tasks, separator):
    rows, file = list(records(tasks)), io.StringIO()
    names = sorted({name for row in rows for name in row})
    writer = csv.DictWriter(file, names, delimiter=separator, quoting=csv.QUOTE_NONNUMERIC)
    writer.writeheader()
    texts = (
        (name, value if isinstance(value, str | int | None) else json.dumps(value))
        for row in rows
        for name, value in row.items()
    )
    cells, width = list(texts), [len(row) for row in rows]
    for size in width:
        writer.writerow({name: "" if value is None else value for name, value in cells[:size]})
        del cells[:size]
    return file.getvalue()


FORMATS = {
    "json": json.dumps,
    "min": lambda tasks: json.dumps(list(records(tasks))),
    "csv": lambda tasks: table(tasks, ","),
    "tsv": lambda tasks: table(tasks, "\t"),
}


def read(tmp_path, text, mapping=None, annotator=None):
    (tmp_path / "export").write_text(text, encoding="utf-8")
    found = read_annotations(tmp_path / "export", mapping or {}, annotator)
    found.problems.raise_all("in the export", alone=True)
    return found


def rows(found):
    """Return the rows of marks, and those of annotators without any mark."""
    marks = {(row.annotator, row.onset, row.offset, row.label) for row in found.rows if row.label}
    people = {mark[0] for mark in marks}
    return marks | {(row.annotator, 0, 0, "") for row in found.rows if row.annotator not in people}


@pytest.mark.parametrize("name", FORMATS)
def test_regions_in_every_format(tmp_path, name):
    found = read(tmp_path, FORMATS[name](REGIONS))
    assert rows(found) == EVENTS
    assert {row.recording for row in found.rows} == {"yard_1"}
    assert not found.clips
    assert found.lengths == ({"yard_1": 12.5} if name == "json" else {})


@pytest.mark.parametrize("name", FORMATS)
def test_choices_in_every_format(tmp_path, name):
    found = read(tmp_path, FORMATS[name](TAGS))
    assert found.clips
    assert rows(found) == HEARD


@pytest.mark.parametrize("name", ["min", "csv"])
def test_single_choices_need_their_column(tmp_path, name):
    """If nobody chose two classes, the answers are text like the data of the tasks."""
    single = FORMATS[name]([task(annotation(11, 1, choices("dog")), annotation(12, 2))])
    with refused(file="export", problem="no region and no choice"):
        read(tmp_path, single)
    assert rows(read(tmp_path, single, {"label": "heard"})) == {("1", 0, float("inf"), "dog"), ("2", 0, 0, "")}


def test_annotators_are_emails_of_their_accounts(tmp_path):
    accounts = [{"id": 1, "email": "a@x.org"}, {"id": 2, "email": ""}]
    found = read(tmp_path, json.dumps([task(*(annotation(11, who, region(0, 1, "dog")) for who in accounts))]))
    assert {row.annotator for row in found.rows} == {"a@x.org", "2"}


def test_annotation_without_annotator(tmp_path):
    text = json.dumps([task(annotation(11, None, region(0, 1, "dog")))])
    with refused(file="export", key="task 1, annotation 1", problem="no annotator"):
        read(tmp_path, text)
    assert {row.annotator for row in read(tmp_path, text, annotator="ann").rows} == {"ann"}


def test_several_controls_need_a_choice(tmp_path):
    text = json.dumps([task(annotation(11, 1, region(0, 1, "dog"), choices("noisy", control="quality")))])
    with refused(file="export", problem=["'label'", "'quality'"]):
        read(tmp_path, text)
    assert rows(read(tmp_path, text, {"label": "label"})) == {("1", 0, 1, "dog")}
    assert rows(read(tmp_path, text, {"label": "quality"})) == {("1", 0, float("inf"), "noisy")}
    with refused(file="export", problem="'x'"):
        read(tmp_path, text, {"label": "x"})


def test_results_without_classes_are_ignored(tmp_path):
    remark = {"value": {"text": ["windy"]}, "from_name": "remark", "to_name": "audio", "type": "textarea"}
    assert rows(read(tmp_path, json.dumps([task(annotation(11, 1, remark, region(0, 1, "dog")))]))) == {
        ("1", 0, 1, "dog")
    }


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("empty", [{"labels": []}, {}])
def test_region_without_a_class_is_refused(tmp_path, name, empty):
    bare = region(3, 4)
    bare["value"] = {"start": 3, "end": 4, "channel": 0, **empty}
    tasks = [task(annotation(11, 1, region(2, 4, "dog")), annotation(12, 2, bare))]
    with refused(file="export", problem="no label for the event from 3 to 4"):
        read(tmp_path, FORMATS[name](tasks))


def test_several_audio_files_in_a_task_need_a_choice(tmp_path):
    one = task(annotation(11, 1, region(0, 1, "dog")))
    one["data"]["other"] = "b.wav"
    with refused(file="export", key="task 1, annotation 1", problem="several keys"):
        read(tmp_path, json.dumps([one]))
    assert {row.recording for row in read(tmp_path, json.dumps([one]), {"recording": "other"}).rows} == {"b"}


def test_two_files_of_one_name_are_refused(tmp_path):
    tasks = [task(annotation(n, 1, region(0, 1, "dog")), audio=f"s3://{n}/a.wav", number=n) for n in (1, 2)]
    with refused(file="export", key="task 2, annotation 1", problem=["s3://2/a.wav", "s3://1/a.wav"]):
        read(tmp_path, json.dumps(tasks))


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("[{", {"line": 1, "problem": "JSON"}),
        ("[1]", {"key": "task 1"}),
        ('[{"annotations": [{"result": 3}]}]', {"key": "task 1, annotation 1"}),
        ("[]", {"problem": "no region and no choice"}),
        ("audio,label\na.wav,dog\n", {"line": 1, "problem": "annotation_id"}),
        (
            json.dumps([task(annotation(1, 1, region(4, 2, "dog")))]),
            {"key": "task 1, annotation 1", "problem": "4 to 2"},
        ),
        (
            json.dumps([task(annotation(1, 1, region(1, 2, "dog")), audio="a.txt")]),
            {"key": "task 1, annotation 1", "problem": "no key with audio"},
        ),
    ],
)
def test_exports_that_are_refused(tmp_path, text, parts):
    with refused(file="export", **parts):
        read(tmp_path, text)


@pytest.mark.parametrize(
    ("address", "name"),
    [
        (AUDIO, "yard_1.wav"),
        ("/data/upload/3/yard_1.wav", "yard_1.wav"),
        ("/data/local-files/?d=set/yard%201.wav", "yard 1.wav"),
        ("s3://bucket/set/yard_1.wav", "yard_1.wav"),
        ("https://x.org/yard_1.wav?X-Amz-Signature=0d93a737", "yard_1.wav"),
        ("http://[x/yard.wav", "yard.wav"),
        ("C:\\set\\yard_1.wav", "yard_1.wav"),
        ("yard #2?.wav", "yard #2?.wav"),
    ],
)
def test_name_of_the_audio_file(address, name):
    assert file_name(address) == name
