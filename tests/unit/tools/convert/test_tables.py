"""Tables of events: layouts of published datasets, silence, tags of clips, mapped columns."""

import pytest
from support.errors import refused

from softsed.tools.convert.tables import MAP, read_events

# The same two events and the silence of bob, in different layouts; the expected rows of each.
STRONG = "recording\tscene\tannotator\tonset\toffset\tlabel\na\tyard\tann\t1\t2.5\tdog\na\tyard\tbob\t\t\t\n"
DESED = "filename\tonset\toffset\tevent_label\na.wav\t1\t2.5\tdog\nb.wav\t\t\t\n"
AUDIOSET = "segment_id\tstart_time_seconds\tend_time_seconds\tlabel\n-x_30000\t1\t2.5\t/m/0bt9lr\n"
WEAK = "filename\tevent_labels\na.wav\tdog,car\nb.wav\tdog\n"
FSD = 'fname,labels,mids,split\n64760,"dog,car",/m/1,train\n'
OTHER = "Clip;Who;From;Length;What\na.wav;ann;1;1.5;dog\na.wav;bob;;;\n"
INFINITY = float("inf")


def rows(tmp_path, text, mapping=None, annotator=None):
    (tmp_path / "t.tsv").write_text(text, encoding="utf-8")
    found = read_events(tmp_path / "t.tsv", mapping or {}, annotator)
    found.problems.raise_all("in t.tsv", alone=True)
    return [(row.recording, row.annotator, row.onset, row.offset, row.label) for row in found.rows]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (STRONG, [("a", "ann", 1, 2.5, "dog"), ("a", "bob", 0, 0, "")]),
        (DESED, [("a", "annotator", 1, 2.5, "dog"), ("b", "annotator", 0, 0, "")]),
        (AUDIOSET, [("-x_30000", "annotator", 1, 2.5, "/m/0bt9lr")]),
        (WEAK, [(name, "annotator", 0, INFINITY, label) for name, label in (("a", "dog"), ("a", "car"), ("b", "dog"))]),
        (FSD, [("64760", "annotator", 0, INFINITY, label) for label in ("dog", "car")]),
    ],
)
def test_layouts_of_published_tables(tmp_path, text, expected):
    assert rows(tmp_path, text) == expected


def test_silence_at_one_time(tmp_path):
    assert rows(tmp_path, STRONG.replace("bob\t\t\t", "bob\t0.0\t0.0\t")) == rows(tmp_path, STRONG)


@pytest.mark.parametrize("empty", ["nan\tnan\tnan", "NaN\tNaN\t", "NA\tNA\tNA", "\t\tNaN"])
def test_unknown_values_are_empty_fields(tmp_path, empty):
    assert rows(tmp_path, STRONG.replace("bob\t\t\t", f"bob\t{empty}")) == rows(tmp_path, STRONG)


@pytest.mark.parametrize(("fields", "problem"), [("0\t10\t", "'0' to '10'"), ("-\t-\t-", "'-' to '-'")])
def test_silence_written_otherwise_has_a_remedy(tmp_path, fields, problem):
    with refused(file="t.tsv", line=3, problem=problem) as caught:
        rows(tmp_path, STRONG.replace("bob\t\t\t", f"bob\t{fields}"))
    assert "heard nothing, add a row with this recording and annotator, and empty onset" in caught.value.remedy


@pytest.mark.parametrize("name", ["present", "Present", "opinion", "answer", "value", "soft label"])
def test_table_of_answers_is_refused(tmp_path, name):
    text = AUDIOSET.replace("label\n", f"label\t{name}\n").replace("bt9lr\n", "bt9lr\tNOT_PRESENT\n")
    with refused(file="t.tsv", line=1, problem=repr(name)) as caught:
        rows(tmp_path, text)
    assert "recording, onset, offset, annotator, class, opinion" in caught.value.remedy


def test_column_of_answers_can_be_the_label(tmp_path):
    text = "filename\tonset\toffset\tanswer\na\t1\t2\tdog\n"
    assert [row[-1] for row in rows(tmp_path, text, {"label": "answer"})] == ["dog"]


def test_any_columns_by_a_mapping(tmp_path):
    mapping = {"recording": "Clip", "annotator": "Who", "onset": "From", "duration": "Length", "label": "What"}
    assert rows(tmp_path, OTHER, mapping) == rows(tmp_path, STRONG)


def test_scene_of_rows(tmp_path):
    (tmp_path / "t.tsv").write_text(STRONG, encoding="utf-8")
    assert {row.scene for row in read_events(tmp_path / "t.tsv", {}, None).rows} == {"yard"}


def test_annotator_of_a_table_of_one_person(tmp_path):
    assert {row[1] for row in rows(tmp_path, DESED, annotator="ann")} == {"ann"}
    with refused(key="--annotator", problem=["'ann'", "'annotator'"]):
        rows(tmp_path, STRONG, annotator="ann")


def test_columns_without_use_are_named(tmp_path, caplog):
    team = DESED.replace("event_label", "event_label\tteam").replace("dog", "dog\t7")
    rows(tmp_path, team)
    assert "the column 'team' is not used. No column contains annotators" in caplog.text
    assert "--map annotator=COLUMN" in caplog.text
    caplog.clear()
    rows(tmp_path, team, annotator="ann")
    assert "'team' is not used" in caplog.text
    assert "contains annotators" not in caplog.text
    caplog.clear()
    rows(tmp_path, DESED)
    assert not caplog.text


def test_times_in_columns_without_use_are_pointed_out(tmp_path, caplog):
    """Without the columns of times, each label would silently count for its whole recording."""
    german = "Datei\tAnfang\tEnde\tKlasse\nyard_1.wav\t2.0\t4.0\tdog\n"
    with refused(line=1, problem="recording", remedy=MAP):
        rows(tmp_path, german)
    rows(tmp_path, german, {"recording": "Datei", "label": "Klasse"})
    assert "['Anfang', 'Ende'] are not used. No column contains times" in caplog.text
    caplog.clear()
    rows(tmp_path, german, {"recording": "Datei", "label": "Klasse", "onset": "Anfang", "offset": "Ende"})
    assert not caplog.text


@pytest.mark.parametrize(
    ("text", "mapping", "line", "problem"),
    [
        (STRONG.replace("1\t2.5\tdog", "\t\tdog"), {}, 2, "'' to ''"),
        (STRONG.replace("1\t2.5\tdog", "1\t2.5\t"), {}, 2, "no label"),
        (STRONG.replace("1\t2.5\tdog", "1\t\tdog"), {}, 2, "'1' to ''"),
        (STRONG.replace("\tann\t", "\t\t"), {}, 2, "no annotator"),
        (STRONG.replace("a\tyard\tann", "\tyard\tann"), {}, 2, "no recording"),
        (STRONG.replace("a\tyard\tbob", "a\t\tbob"), {}, 3, "no scene"),
        ("filename\tonset\tlabel\na\t1\tdog\n", {}, 1, "no offset"),
        ("filename\toffset\tlabel\na\t1\tdog\n", {}, 1, "none with the onset"),
        ("filename\tonset\toffset\tlength\tlabel\na\t1\t2\t1\tdog\n", {"duration": "length"}, 1, "two columns"),
        ("filename\tonset\toffset\na\t1\t2\n", {}, 1, "no column label"),
        ("filename\tonset\toffset\tlabel\ta\na\t1\t2\tdog\n", {"label": "x"}, 1, "'x'"),
    ],
)
def test_tables_that_are_refused(tmp_path, text, mapping, line, problem):
    with refused(file="t.tsv", line=line, problem=problem):
        rows(tmp_path, text, mapping)


def test_list_of_labels_can_be_chosen(tmp_path):
    text = "filename\tlabel\tlabels\na\tdog\tdog,car\n"
    assert [row[-1] for row in rows(tmp_path, text)] == ["dog"]
    assert [row[-1] for row in rows(tmp_path, text, {"labels": "labels"})] == ["dog", "car"]
