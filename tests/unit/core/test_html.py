"""Templates of pages and documents: escaped text, and errors for missing values."""

import pytest
from support.errors import refused

from softsed.core.html import escape_cell, format_code, render


def write(folder, **texts):
    """Write templates NAME.j2 into a folder, the page first."""
    paths = [folder / f"{name}.j2" for name in texts]
    for path, text in zip(paths, texts.values(), strict=True):
        path.write_text(text, encoding="utf-8")
    return paths


def test_render_escapes_text(tmp_path):
    templates = write(tmp_path, page="{{ text }}|{% include 'part.j2' %}", part="{{ text }}")
    assert render(templates, text="<b> & {{ text }}") == "&lt;b&gt; &amp; {{ text }}|&lt;b&gt; &amp; {{ text }}\n"


def test_render_json_cannot_end_the_script(tmp_path):
    text = render(write(tmp_path, page="{{ data | tojson }}"), data={"b": "</script>", "a": 1})
    assert text == '{"b":"\\u003c/script\\u003e","a":1}\n'  # in the order of the data


def test_render_nan_in_json(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        render(write(tmp_path, page="{{ data | tojson }}"), data=float("nan"))


def test_nouns_agree_with_their_numbers(tmp_path):
    text = "{{ 1 | count('run') }}, {{ '0' | count('run') }}, {{ 1 | count('class', 'classes') }}, "
    text += "{{ 1200 | count('class', 'classes') }}"
    assert render(write(tmp_path, page=text)) == "1 run, 0 runs, 1 class, 1,200 classes\n"


@pytest.mark.parametrize(
    ("text", "problem", "line"),
    [("{{ missing }}", "missing", None), ("{% include 'no.j2' %}", "no.j2", None), ("\n{% if %}", "Expected", 2)],
)
def test_template_that_does_not_fit_its_data(tmp_path, text, problem, line):
    with refused(file="page.j2", problem=problem, line=line):
        render(write(tmp_path, page=text))


def test_render_markdown_as_it_is(tmp_path):
    (tmp_path / "page.md.j2").write_text("{{ text }}\n\n", encoding="utf-8")
    assert render([tmp_path / "page.md.j2"], text="<b>") == "<b>\n"


def test_markdown_text_in_html(tmp_path):
    (tmp_path / "part.md.j2").write_text("`a_b` & {{ text }}\n", encoding="utf-8")
    (tmp_path / "page.html.j2").write_text("<p>{% filter code %}{% include 'part.md.j2' %}{% endfilter %}</p>")
    templates = [tmp_path / "page.html.j2", tmp_path / "part.md.j2"]
    assert render(templates, text="<b>") == "<p><code>a_b</code> &amp; &lt;b&gt;</p>\n"
    assert format_code("a `b` c") == "a <code>b</code> c"


def test_bars_and_control_characters_stay_in_the_cell():
    assert escape_cell("a|b\n# heading\x1b[0m\u2028") == "a\\|b # heading [0m "
