"""Templates of pages: escaped text, and errors instead of gaps."""

import jinja2
import pytest

from softsed.core.html import render


def write(folder, **texts):
    """Write templates NAME.j2 into a folder, the page first."""
    paths = [folder / f"{name}.j2" for name in texts]
    for path, text in zip(paths, texts.values(), strict=True):
        path.write_text(text, encoding="utf-8")
    return paths


def test_render_escapes_text(tmp_path):
    templates = write(tmp_path, page="{{ text }}|{% include 'part.j2' %}", part="{{ text }}")
    assert render(templates, text="<b> & {{ text }}") == "&lt;b&gt; &amp; {{ text }}|&lt;b&gt; &amp; {{ text }}"


def test_render_json_cannot_end_the_script(tmp_path):
    text = render(write(tmp_path, page="{{ data | tojson }}"), data={"b": "</script>", "a": 1})
    assert text == '{"b":"\\u003c/script\\u003e","a":1}'  # in the order of the data


def test_render_nan_in_json(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        render(write(tmp_path, page="{{ data | tojson }}"), data=float("nan"))


def test_render_name_not_defined(tmp_path):
    with pytest.raises(jinja2.UndefinedError, match="text"):
        render(write(tmp_path, page="{{ text }}"))


def test_render_template_not_listed(tmp_path):
    (page, _) = write(tmp_path, page="{% include 'part.j2' %}", part="")
    with pytest.raises(jinja2.TemplateNotFound, match="part"):
        render([page])
