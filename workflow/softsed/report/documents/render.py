"""Markdown documents of the report, rendered from its tables with Jinja2 templates.

The text stands in the templates, the numbers come from `report.documents.contents`.
"""

import json
from pathlib import Path

from softsed.core.errors import InputError
from softsed.core.html import render
from softsed.core.options import add_options, build_parser
from softsed.report.documents import contents
from softsed.report.documents.without_audio import WITHOUT_AUDIO

DOCUMENTS = contents.DOCUMENTS | {"without_audio": WITHOUT_AUDIO}

EXAMPLE = """\
label_statistics --tables results/demo/report/label_statistics.tsv
      --facts results/demo/report/label_statistics.json
      --templates workflow/softsed/report/documents/templates/label_statistics.md.j2
      workflow/softsed/report/documents/templates/_table.md.j2
      --experiment demo --method eq1 --output results/demo/report/label_statistics.md\
"""


def main(argv: list[str] | None = None) -> None:
    """Render a Markdown document of the report from its tables."""
    parser = build_parser("report.documents.render", main, example=EXAMPLE)
    parser.add_argument("document", choices=list(DOCUMENTS), help="document to render")
    parser.add_argument(
        "--tables",
        type=Path,
        nargs="+",
        required=True,
        help="tables that the document shows (TSV). "
        + "; ".join(f"{name}: {', '.join(document.tables)}" for name, document in DOCUMENTS.items()),
    )
    parser.add_argument(
        "--facts",
        type=Path,
        nargs="?",
        help="numbers for the text (JSON). table2: metrics of one system; truth: metrics of one system against the "
        "ground truth; label_statistics: numbers of recordings and series; without_audio: metrics of one baseline",
    )
    parser.add_argument(
        "--templates",
        type=Path,
        nargs="+",
        required=True,
        help="template of the document, then all templates that it includes",
    )
    add_options(parser, "experiment", "priors")
    parser.add_argument("--method", help="method of the labels that are the reference (for truth and label_statistics)")
    add_options(parser, output="document to write (Markdown)")
    options = parser.parse_args(argv)
    document, tables = DOCUMENTS[options.document], {path.stem: path for path in options.tables}
    if missing := [name for name in document.tables if name not in tables]:
        problem = f"the document {options.document!r} needs the tables {missing}"
        raise InputError(problem, key="--tables", expected=f"tables named {list(document.tables)}")
    for name in document.options:
        if getattr(options, name) is None:
            raise InputError(f"the document {options.document!r} needs this option", key=f"--{name}")
    if options.facts:
        options.facts = json.loads(options.facts.read_text(encoding="utf-8"))
    data = {"experiment": options.experiment, **document.contents(options, tables)}
    options.output.write_text(render(options.templates, **data), encoding="utf-8")
