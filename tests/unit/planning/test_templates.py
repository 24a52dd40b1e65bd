"""Templates of pages and documents: the inputs of a rule are all templates that Jinja2 loads."""

import jinja2
import jinja2.meta
import pytest
from support.errors import refused
from support.project import ROOT

from softsed.planning.templates import REFERENCE, list_templates

TEMPLATES = sorted((ROOT / "workflow/softsed").rglob("*.j2"))


@pytest.mark.parametrize("path", TEMPLATES, ids=[path.name for path in TEMPLATES])
def test_references_are_those_of_jinja(path):
    text = path.read_text(encoding="utf-8")
    assert set(REFERENCE.findall(text)) == set(jinja2.meta.find_referenced_templates(jinja2.Environment().parse(text)))


def test_templates_of_templates(tmp_path):
    (tmp_path / "page.j2").write_text('{% extends "frame.j2" %}{% include "b.j2" %}')
    (tmp_path / "frame.j2").write_text('{% include "b.j2" %}{% from "c.j2" import x %}')
    (tmp_path / "b.j2").write_text("{# no other template #}")
    (tmp_path / "c.j2").write_text("")
    names = [tmp_path / f"{name}.j2" for name in ("page", "frame", "b", "c")]
    assert list_templates(str(tmp_path / "page.j2")) == [path.as_posix() for path in names]


def test_shared_folders(monkeypatch):
    monkeypatch.chdir(ROOT)
    page = "workflow/softsed/report/page/templates/index.html.j2"
    assert "workflow/softsed/core/templates/base.html.j2" in list_templates(page)


def test_template_that_does_not_exist(tmp_path):
    (tmp_path / "page.j2").write_text('{% include "other.j2" %}')
    with refused(file="page.j2", problem="other.j2"):
        list_templates(str(tmp_path / "page.j2"))
