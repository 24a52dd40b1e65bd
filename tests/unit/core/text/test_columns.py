"""Names of columns that other data sets use."""

from pathlib import Path

import pytest
from support.errors import refused

from softsed.core.label_rows import HARD_COLUMNS
from softsed.core.opinions import OPINION_COLUMNS
from softsed.core.text.columns import SYNONYMS, describe_synonyms, name_columns

FILE = Path("t.tsv")


@pytest.mark.parametrize(
    "header",
    [
        ["filename", "onset", "offset", "event_label"],  # DESED, DCASE
        ["segment_id", "start_time_seconds", "end_time_seconds", "label"],  # AudioSet-strong
        ["File Name", "Begin Time (s)", "End Time (s)", "Category"],
        ["Recording", "Onset", "OFFSET", "Label"],
        ["file", "start", "end", "class"],
    ],
)
def test_headers_of_other_data_sets(header):
    assert name_columns(FILE, header, HARD_COLUMNS) == list(HARD_COLUMNS)


def test_header_of_opinions():
    header = ["audio_filename", "start", "stop", "annotator_id", "label", "answer", "note", "scene_label"]
    assert name_columns(FILE, header, OPINION_COLUMNS) == [*OPINION_COLUMNS, "note", "scene"]


def test_exact_name_comes_first():
    header = ["file", "recording", "event", "label", "class"]
    assert name_columns(FILE, header, ("recording", "label")) == header
    assert name_columns(FILE, ["class", "label"], ("class",)) == ["class", "label"]


def test_two_columns_of_one_meaning_are_refused():
    with refused(file="t.tsv", line=1, problem=["'file'", "'filename'", "'recording'"]):
        name_columns(FILE, ["file", "filename", "label"], ("recording", "label"))


def test_other_columns_keep_their_names():
    assert name_columns(FILE, ["file", "worker", "scene_label", "scene_name"], ("competence",)) == [
        *("file", "worker", "scene_label", "scene_name")
    ]


def test_no_synonym_is_another_column():
    """A table with both columns would be ambiguous; only label and class mean the same."""
    for name, synonyms in SYNONYMS.items():
        assert set(synonyms) & set(SYNONYMS) == {"label": {"class"}, "class": {"label"}}.get(name, set())
        assert len(set(synonyms)) == len(synonyms)


def test_description_names_synonyms_of_missing_columns():
    text = describe_synonyms(["recording", "competence"])
    assert "recording (filename, file, " in text
    assert "competence" not in text
    assert describe_synonyms(["competence"]) is None
