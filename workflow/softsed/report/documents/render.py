"""Markdown documents of the report, rendered from its tables with Jinja2 templates.

The text stands in the templates, the numbers come from `report.documents.contents`.
"""

import re
from pathlib import Path

import jinja2

from softsed.core.errors import InputError
from softsed.core.options import add_options, build_parser
from softsed.report.documents.contents import DOCUMENTS

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def escape_cell(text: object) -> str:
    """Escape bars, which end a cell of a Markdown table, and replace control characters by spaces."""
    return CONTROL.sub(" ", str(text)).replace("|", "\\|")


def build_environment(templates: list[Path]) -> jinja2.Environment:
    """Create the environment of the given templates, which refer to each other by file name.

    HTML templates escape all text; Markdown templates escape the cells of tables with the filter `cell`. Data that a
    template uses and does not get is an error.
    """
    environment = jinja2.Environment(
        loader=jinja2.DictLoader({path.name: path.read_text(encoding="utf-8") for path in templates}),
        autoescape=jinja2.select_autoescape(["html", "html.j2"], default=False),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["cell"] = escape_cell
    return environment


def render(environment: jinja2.Environment, name: str, data: dict) -> str:
    """Render a document, with one line end at its end.

    Raises
    ------
    InputError
        If there is no such template, if it has a syntax error, or if it uses data that it does not get.
    """
    try:
        return environment.get_template(name).render(data).strip("\n") + "\n"
    except jinja2.TemplateError as error:
        line = getattr(error, "lineno", None)
        raise InputError(f"the template cannot be rendered: {error}", file=name, line=line) from error


EXAMPLE = """\
--documents results/demo/report/label_quality.md --tables results/demo/report/label_quality.tsv
      --templates workflow/softsed/report/documents/templates/label_quality.md.j2
      workflow/softsed/report/documents/templates/_table.md.j2
      --metrics results/demo/metrics/S_MSE_lin/run1.json --counts results/demo/report/label_statistics.json
      --paper-events workflow/resources/paper_table1.tsv --paper-recordings workflow/resources/paper_recordings.tsv
      --experiment demo --method eq1 --priors scene_prior recording_prior\
"""


def main(argv: list[str] | None = None) -> None:
    """Render the Markdown documents of the report from its tables."""
    parser = build_parser("report.documents.render", main, example=EXAMPLE)
    parser.add_argument(
        "--documents", type=Path, nargs="+", required=True, help=f"documents to write: {', '.join(DOCUMENTS)} (.md)"
    )
    parser.add_argument(
        "--templates", type=Path, nargs="+", required=True, help="templates of the documents and of their parts"
    )
    parser.add_argument(
        "--tables", type=Path, nargs="+", required=True, help="tables of the report, named like the documents"
    )
    parser.add_argument("--metrics", type=Path, required=True, help="metrics of one system, for facts about the data")
    parser.add_argument(
        "--truth", type=Path, nargs="?", help="metrics of one system against the ground truth (for truth.md)"
    )
    parser.add_argument("--counts", type=Path, required=True, help="numbers of recordings and series (JSON)")
    parser.add_argument(
        "--paper-events", type=Path, required=True, help="Table 1 of the paper: scene, class, instances"
    )
    parser.add_argument(
        "--paper-recordings", type=Path, required=True, help="Table 1 of the paper: scene, files, minutes"
    )
    add_options(parser, "experiment", "priors")
    parser.add_argument("--method", required=True, help="method of the labels that are the reference")
    options = parser.parse_args(argv)
    environment = build_environment(options.templates)
    tables = {path.stem: path for path in options.tables}
    for path in options.documents:
        if path.stem not in DOCUMENTS:
            raise InputError(f"there is no document {path.name!r}", key="--documents", expected=f"{list(DOCUMENTS)}")
        data = {"experiment": options.experiment, **DOCUMENTS[path.stem](options, tables)}
        path.write_text(render(environment, f"{path.stem}.md.j2", data), encoding="utf-8")
