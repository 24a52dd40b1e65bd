"""Rendering: each document has its templates, and options that a document needs are checked."""

import pytest
from support.errors import refused
from support.project import ROOT

from softsed.core.html import render
from softsed.planning.templates import list_templates
from softsed.report.documents.columns import text_frame
from softsed.report.documents.render import DOCUMENTS, main

FOLDER = ROOT / "workflow/softsed/report/documents/templates"


def test_documents_have_templates_with_used_parts(monkeypatch):
    monkeypatch.chdir(ROOT)
    names = {path.name for path in FOLDER.iterdir()}
    assert {name for name in names if not name.startswith("_")} == {f"{name}.md.j2" for name in DOCUMENTS}
    used = {path for name in DOCUMENTS for path in list_templates(str(FOLDER / f"{name}.md.j2"))}
    assert {path.rpartition("/")[2] for path in used} >= names


def test_table_aligns_first_column_left(tmp_path):
    table = text_frame([("class", ["car", "dog"]), ("F1", ["1", ""]), ("F1", ["3", "4"])])
    (tmp_path / "page.md.j2").write_text('{% from "_table.md.j2" import table %}\n{{ table(data) }}\nend')
    text = render([tmp_path / "page.md.j2", FOLDER / "_table.md.j2"], data=table)
    assert text == "| class | F1 | F1 |\n| :-- | --: | --: |\n| car | 1 | 3 |\n| dog |  | 4 |\n\nend\n"


@pytest.mark.parametrize(
    ("document", "key", "problem"),
    [
        ("table2", "--tables", "published_systems"),
        ("truth", "--facts", "truth"),
        ("table1", "--source", "table1"),
    ],
)
def test_document_without_an_input(tmp_path, document, key, problem):
    tables = [f"{name}.tsv" for name in DOCUMENTS[document].tables if key != "--tables" or name == document]
    options = [document, "--tables", *tables, "--templates", str(FOLDER / f"{document}.md.j2")]
    with refused(key=key, problem=problem):
        main([*options, "--experiment", "demo", "--output", str(tmp_path / "page.md")])
