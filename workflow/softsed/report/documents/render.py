"""Markdown documents of the report, rendered from its tables with Jinja2 templates.

The templates contain the text, and the functions in `DOCUMENTS` provide the numbers.
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from softsed.core.errors import InputError
from softsed.core.html import render
from softsed.core.options import add_options, build_parser
from softsed.report.documents.contents import convergence, label_quality, label_statistics, table1
from softsed.report.documents.metrics import intervals, table2, truth
from softsed.report.documents.without_audio import without_audio


class Document(NamedTuple):
    """Function that provides the data of a document, and its input: names of tables, and options without a default."""

    contents: Callable[[argparse.Namespace, dict[str, Path]], dict]
    tables: tuple[str, ...]
    options: tuple[str, ...] = ()


DOCUMENTS = {
    "table1": Document(table1, ("table1", "paper_table1", "paper_recordings"), ("source",)),
    "table2": Document(table2, ("table2", "published_systems"), ("facts", "source")),
    "intervals": Document(intervals, ("intervals", "differences")),
    "truth": Document(truth, ("truth",), ("facts", "method")),
    "convergence": Document(convergence, ("convergence",)),
    "label_statistics": Document(label_statistics, ("label_statistics",), ("facts", "method")),
    "label_quality": Document(label_quality, ("label_quality",)),
    "without_audio": Document(
        without_audio, ("baselines", "baseline_differences", "table1", "published_systems"), ("facts", "source")
    ),
}

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
    parser.add_argument(
        "--source",
        help="source of the recordings (for table1, table2 and without_audio): maestro_real, which is compared with "
        "published metrics, or another",
    )
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
