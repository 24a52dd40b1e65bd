"""Rendering: templates that do not fit their data fail, and text from tables stays in its cell."""

import pytest
from support.errors import refused
from support.project import ROOT

from softsed.report.documents.contents import DOCUMENTS, text_frame
from softsed.report.documents.render import build_environment, escape_cell, main, render

FOLDER = ROOT / "workflow/softsed/report/documents/templates"
TEMPLATES = sorted(FOLDER.glob("*.j2"))


def rendered(tmp_path, text, **data):
    (tmp_path / "page.md.j2").write_text(text)
    return render(build_environment([tmp_path / "page.md.j2", FOLDER / "_table.md.j2"]), "page.md.j2", data)


def test_each_document_has_a_template_and_parts_are_used():
    names = {path.name for path in TEMPLATES}
    assert {name for name in names if not name.startswith("_")} == {f"{name}.md.j2" for name in DOCUMENTS}
    text = "".join(path.read_text(encoding="utf-8") for path in TEMPLATES)
    assert all(f'"{name}"' in text for name in names if name.startswith("_"))


def test_table_aligns_first_column_left(tmp_path):
    table = text_frame([("class", ["car", "dog"]), ("F1", ["1", ""]), ("F1", ["3", "4"])])
    text = rendered(tmp_path, '{% from "_table.md.j2" import table %}\n{{ table(data) }}\nend', data=table)
    assert text == "| class | F1 | F1 |\n| :-- | --: | --: |\n| car | 1 | 3 |\n| dog |  | 4 |\n\nend\n"


def test_bars_and_control_characters_stay_in_the_cell():
    assert escape_cell("a|b\n# heading\x1b[0m\u2028") == "a\\|b # heading [0m "


def test_html_templates_escape_text(tmp_path):
    (tmp_path / "page.html.j2").write_text("<p>{{ name }}</p>")
    environment = build_environment([tmp_path / "page.html.j2"])
    assert render(environment, "page.html.j2", {"name": "<b>"}) == "<p>&lt;b&gt;</p>\n"


@pytest.mark.parametrize(
    ("text", "problem"), [("{{ missing }}", "missing"), ('{% include "no.md.j2" %}', "no.md.j2"), ("{% if %}", "")]
)
def test_template_that_does_not_fit_its_data(tmp_path, text, problem):
    with refused(file="page.md.j2", problem=problem):
        rendered(tmp_path, text)


def test_unknown_document(tmp_path):
    options = ["--documents", str(tmp_path / "table9.md"), "--templates", str(TEMPLATES[0]), "--tables", "table9.tsv"]
    options += ["--metrics", "m.json", "--counts", "c.json", "--paper-events", "e.tsv", "--paper-recordings", "r.tsv"]
    with refused(key="--documents", problem="table9.md"):
        main([*options, "--experiment", "demo", "--method", "eq1"])
