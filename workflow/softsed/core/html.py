"""Render HTML pages and Markdown documents from Jinja2 templates, with escaped text and errors for missing values."""

import re
from collections.abc import Iterable
from pathlib import Path

import jinja2
from markupsafe import Markup, escape

from softsed.core.errors import InputError, count

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def escape_cell(text: object) -> str:
    """Escape bars, which end a cell of a Markdown table, and replace control characters by spaces."""
    return CONTROL.sub(" ", str(text)).replace("|", "\\|")


def format_code(text: str) -> Markup:
    """Escape a Markdown text for HTML; `names in backticks` become code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(str(text)))))


def render(templates: Iterable[Path], **values: object) -> str:
    """Render a page or a document.

    Parameters
    ----------
    templates : iterable of Path
        The template of the page, then all templates that it extends, imports or includes, which refer to each other by
        file name. A template that is not listed is not found, so that the inputs of the rule are complete.
    **values
        Names that the templates use. The filter ``tojson`` writes a value as JSON in which no text can end the script.
        HTML templates (any name that does not end in ``.md.j2``) escape all text. Markdown templates escape the cells
        of tables with the filter ``cell``. HTML templates include Markdown text in a block of the filter ``code``.

    Returns
    -------
    str
        The text, which ends with one line feed.

    Raises
    ------
    InputError
        If a template is not listed or has a syntax error, or if a name is not defined.
    """
    page, *parts = templates
    environment = jinja2.Environment(
        loader=jinja2.DictLoader({path.name: path.read_text(encoding="utf-8") for path in (page, *parts)}),
        autoescape=jinja2.select_autoescape([], disabled_extensions=["md.j2"], default=True),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {"allow_nan": False, "separators": (",", ":")}
    environment.filters.update(cell=escape_cell, code=format_code, count=count)
    try:
        return environment.get_template(page.name).render(values).strip("\n") + "\n"
    except jinja2.TemplateError as error:
        line = getattr(error, "lineno", None)
        missing = isinstance(error, jinja2.TemplateNotFound)
        reason = f"the template {str(error)!r} is missing" if missing else str(error)
        raise InputError(f"the template cannot be rendered: {reason}", file=page, line=line) from error
