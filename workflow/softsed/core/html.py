"""HTML pages from Jinja2 templates, in which text from input files is always escaped."""

from pathlib import Path

from jinja2 import DictLoader, Environment, StrictUndefined


def render(templates: list[Path], **values: object) -> str:
    """Render a page.

    Parameters
    ----------
    templates : list of Path
        The template of the page, then all templates that it extends, imports or includes. A template that is not
        listed is not found, so that the inputs of the rule are complete.
    **values
        Names that the templates use. The filter ``tojson`` writes a value as JSON that no text can end early.

    Returns
    -------
    str

    Raises
    ------
    jinja2.TemplateError
        If a template is not listed or a name is not defined.
    """
    texts = {path.name: path.read_text(encoding="utf-8") for path in templates}
    environment = Environment(
        loader=DictLoader(texts),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.policies["json.dumps_kwargs"] = {"allow_nan": False, "separators": (",", ":")}
    return environment.get_template(templates[0].name).render(values)
