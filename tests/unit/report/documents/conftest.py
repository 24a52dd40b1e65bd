"""A function that renders a document of the report from tables in a folder."""

import pytest
from support.project import ROOT

from softsed.planning.templates import list_templates
from softsed.report.documents.render import DOCUMENTS, main

RESOURCES = ROOT / "workflow" / "resources"
TEMPLATES = "workflow/softsed/report/documents/templates"


@pytest.fixture
def document(tmp_path, monkeypatch):
    """Return a function that renders a document from the tables and facts in the folder."""
    monkeypatch.chdir(ROOT)

    def write(name, *, experiment="dcase2023", source="maestro_real", facts=None, priors=("scene_prior",)):
        tables = [RESOURCES / f"{table}.tsv" for table in DOCUMENTS[name].tables if table.startswith(("paper", "pub"))]
        options = [name, "--tables", *map(str, [*tmp_path.glob("*.tsv"), *tables])]
        options += ["--facts", str(tmp_path / facts)] if facts else []
        options += ["--templates", *list_templates(f"{TEMPLATES}/{name}.md.j2")]
        options += ["--experiment", experiment, "--source", source, "--method", "eq1", "--priors", *priors]
        main([*options, "--output", str(tmp_path / f"{name}.md")])
        return (tmp_path / f"{name}.md").read_text(encoding="utf-8")

    return write
