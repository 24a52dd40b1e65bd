"""The page of results: numbers packed without loss, thresholds that compare as in Python, and text that stays text."""

import base64
import json
import re
import zlib

import numpy as np
import pytest
from support.page import CLASSES, HOSTILE, NAMES, PRIORS, SYSTEMS, make_page

from softsed.core.labels import harden
from softsed.report.page.build import MICRO, NOT_ASKED, curves, pack, page, whole_thresholds
from softsed.report.page.tables import intervals, rounded, sortable


def unpack(text, classes):
    return np.frombuffer(zlib.decompress(base64.b64decode(text)), "<i4").reshape(classes, -1).T


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make_page(tmp_path_factory.mktemp("page"), sound=False)


@pytest.fixture(scope="module")
def data(made):
    text = made.page.read_text(encoding="utf-8")
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)[1])


def test_scores_and_labels_are_in_the_page_with_all_their_digits(made, data):
    assert [row["name"] for row in data["recordings"]] == NAMES
    assert [row["fold"] for row in data["recordings"]] == [0, 0, 1, 1]
    soft, hard = unpack(data["soft"], 4), unpack(data["hard"], 4)
    for row in data["recordings"]:
        part = slice(row["start"], row["start"] + row["seconds"])
        expected = made.soft[row["name"]]
        np.testing.assert_array_equal(soft[part][~np.isnan(expected)] / MICRO, expected[~np.isnan(expected)])
        assert (soft[part][np.isnan(expected)] == NOT_ASKED).all()
        np.testing.assert_array_equal(hard[part], made.hard[row["name"]])
        for system in SYSTEMS:
            np.testing.assert_array_equal(
                unpack(data["scores"][system], 4)[part] / MICRO, made.scores[system][row["name"]]
            )


def test_whole_thresholds_are_exceeded_by_the_same_values():
    rng = np.random.default_rng(0)
    values = np.round(rng.random(2000), 6)
    # Thresholds on values, a hair beside them, and between them.
    thresholds = [*values[:500], *np.nextafter(values[:500], 2), *np.nextafter(values[:500], -1), *rng.random(500)]
    whole = np.round(values * MICRO).astype(int)
    for threshold, limit in zip(thresholds, whole_thresholds(np.array(thresholds)), strict=True):
        np.testing.assert_array_equal(whole > limit, harden(values, threshold))


def test_a_threshold_that_is_not_defined_has_none():
    assert whole_thresholds(np.array([np.nan, 0.5])) == [None, 500_000]


def test_pack_takes_matrices_one_after_the_other_class_by_class():
    text = pack([np.array([[0.1, -0.2]]), np.array([[0.3, np.nan], [1.5, 0.000001]])])
    assert unpack(text, 2).tolist() == [[100_000, -200_000], [300_000, NOT_ASKED], [1_500_000, 1]]


def test_what_is_filled_in_is_not_filled_in_again_and_cannot_end_the_script(tmp_path):
    template = tmp_path / "page.html"
    template.write_text("{{title}}|{{tables}}|{{styles}}|{{scripts}}|{{data}}")
    text = page([template], "{{data}} & <b>", "{{scripts}}", {"name": "</script>{{title}}"})
    assert text == '{{data}} &amp; &lt;b>|{{scripts}}|||{"name":"\\u003c/script>{{title}}"}'


def test_no_name_of_the_data_is_markup(made):
    text = made.page.read_text(encoding="utf-8")
    assert HOSTILE not in text
    assert CLASSES[2] not in text
    assert text.count("</script>") == 2


def test_nothing_is_loaded_from_elsewhere(made):
    text = made.page.read_text(encoding="utf-8")
    addresses = set(re.findall(r"https?://[^\s\"')]+", text))
    assert addresses == {"https://github.com/leeoniya/uPlot"}  # the vendored file's own heading


def test_curves_keep_gaps_and_the_order_of_the_tables():
    figure2 = [{"class": "car", "instances": "3", "a": "", "b": "1.5"}]
    training = [
        {"system": "a", "run": "1", "fold": fold, "train_loss": "2", "validation_loss": ""} for fold in ("2", "2", "1")
    ]
    found = curves(figure2, training)
    assert found["figure2"] == {"classes": ["car"], "instances": ["3"], "curves": {"a": [None], "b": [1.5]}}
    assert found["training"] == {
        "a": [{"train": [2, 2], "validation": [None, None]}, {"train": [2], "validation": [None]}]
    }


def test_a_table_marks_priors_and_escapes_cells():
    text = sortable(["System", "x<y"], [["scene_prior", "1"], ["<b>", "&"]], PRIORS)
    assert text.count("no audio") == text.count('<tr class="prior">') == 1
    assert "&lt;b&gt;" in text
    assert '<th scope="col">x&lt;y</th>' in text


def test_numbers_are_rounded_with_their_spread():
    rows = [{"system": "a", "f1": "12.345", "f1_std": "1.26"}, {"system": "b", "f1": "", "f1_std": ""}]
    text = rounded(rows, {"System": "system"}, [("F1", "f1", 1, "f1_std")], [])
    assert re.findall(r"<td[^>]*>(.*?)</td>", text) == ["a", "12.3 ± 1.3", "b", ""]


def test_intervals_make_a_row_a_system_and_threshold_and_a_column_a_score():
    row = {
        "system": "a",
        "threshold": "0.5",
        "score": "error_rate",
        "difference": "-0.123",
        "low": "-0.2",
        "high": "0.1",
    }
    rows = [row, row | {"score": "f1_macro", "difference": "2", "low": "1", "high": "3"}]
    rows.append(row | {"threshold": "any", "score": "mse", "difference": "", "low": "", "high": ""})
    first, second = intervals(rows, {"System": "system", "Threshold": "threshold"}, "difference", [])
    assert re.findall(r"<td[^>]*>(.*?)</td>", first) == ["a", "0.5", "-0.12 [-0.20, 0.10]", "", "+2.0 [1.0, 3.0]"]
    assert re.findall(r"<td[^>]*>(.*?)</td>", second) == ["a", "any", "", "", "", ""]
