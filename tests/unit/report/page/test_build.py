"""The results page: numbers packed without loss, thresholds that compare as in Python, text that stays text."""

import base64
import html
import json
import re
import zlib

import numpy as np
import pandas as pd
import pytest
from support.page import CLASSES, HOSTILE, NAMES, SYSTEMS, TEMPLATES, build_page

from softsed.core.labels import harden
from softsed.core.metadata import file_stem
from softsed.report.display import THRESHOLDED, UNTHRESHOLDED
from softsed.report.page.build import (
    MICRO,
    NOT_LABELLED,
    describe_formats,
    intervals,
    origin_tables,
    pack,
    rounded,
    whole_thresholds,
)

NAN = float("nan")
SHOWN = THRESHOLDED + UNTHRESHOLDED


def unpack(text, classes):
    return np.frombuffer(zlib.decompress(base64.b64decode(text)), "<i4").reshape(classes, -1).T


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return build_page(tmp_path_factory.mktemp("page"), sound=False)


@pytest.fixture(scope="module")
def data(made):
    text = made.page.read_text(encoding="utf-8")
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)[1])


def test_page_data_keeps_all_digits(made, data):
    assert [row["name"] for row in data["recordings"]] == NAMES
    assert [row["file"] for row in data["recordings"]] == [file_stem(name) for name in NAMES]
    assert [row["fold"] for row in data["recordings"]] == [0, 0, 1, 1]
    soft, hard = unpack(data["soft"], 4), unpack(data["hard"], 4)
    for row in data["recordings"]:
        part = slice(row["start"], row["start"] + row["seconds"])
        expected = made.soft[row["name"]]
        np.testing.assert_array_equal(soft[part][~np.isnan(expected)] / MICRO, expected[~np.isnan(expected)])
        assert (soft[part][np.isnan(expected)] == NOT_LABELLED).all()
        np.testing.assert_array_equal(hard[part], made.hard[row["name"]])
        for system in SYSTEMS:
            counted = np.nan_to_num(made.scores[system][row["name"]], nan=NOT_LABELLED / MICRO)
            np.testing.assert_array_equal(unpack(data["scores"][system], 4)[part] / MICRO, counted)


def test_whole_thresholds_compare_like_floats():
    rng = np.random.default_rng(0)
    values = np.round(rng.random(2000), 6)
    # Thresholds on values, a hair beside them, and between them.
    thresholds = [*values[:500], *np.nextafter(values[:500], 2), *np.nextafter(values[:500], -1), *rng.random(500)]
    whole = np.round(values * MICRO).astype(int)
    for threshold, limit in zip(thresholds, whole_thresholds(np.array(thresholds)), strict=True):
        np.testing.assert_array_equal(whole > limit, harden(values, threshold))


def test_whole_thresholds_undefined():
    assert whole_thresholds(np.array([np.nan, 0.5])) == [None, 500_000]


def test_pack_order_of_matrices():
    text = pack([np.array([[0.1, -0.2]]), np.array([[0.3, np.nan], [1.5, 0.000001]])])
    assert unpack(text, 2).tolist() == [[100_000, -200_000], [300_000, NOT_LABELLED], [1_500_000, 1]]


def test_page_escapes_hostile_names(made):
    text = made.page.read_text(encoding="utf-8")
    assert HOSTILE not in text
    assert CLASSES[2] not in text
    assert text.count("</script>") == 2


def test_page_explains_intervals_and_differences(made):
    text = " ".join(made.page.read_text(encoding="utf-8").split())
    assert "Its intervals are extended by the bias" in text
    assert "A difference is larger than chance if its interval excludes 0." in text


def test_page_describes_systems(made):
    """Systems that differ in one key have different descriptions."""
    text = " ".join(made.page.read_text(encoding="utf-8").split())
    described = "soft labels, focal loss, augmented, weighted classes, weighted by numbers of opinions"
    assert f'net <span class="about">{described}</span>' in text


def test_page_of_several_runs_names_run_1(made, tmp_path):
    """The recordings show one run, beside tables of means over all runs."""
    pages = made.page, build_page(tmp_path, sound=False, runs=2).page
    assert [page.read_text(encoding="utf-8").count("the worst errors, are those of run 1") for page in pages] == [0, 1]


def test_page_warns_about_formats(made, tmp_path):
    """Both figures are on the page, and formats that fit the features are not mentioned."""
    text = html.unescape(made.page.read_text(encoding="utf-8"))
    assert "4 of 4 recordings have a sampling rate below 28000 Hz" in text
    assert "at 8000 Hz" in text
    table = tmp_path / "audio.tsv"
    table.write_text("recording\tsample_rate\tchannels_cancel\na\t44100\t0\nb\t44100\t1\n")
    (line,) = describe_formats(table, 14000)
    assert "'b'" in line
    table.write_text("recording\tsample_rate\tchannels_cancel\na\t44100\t0\n")
    assert describe_formats(table, 14000) == []


def test_page_without_external_addresses(made):
    text = made.page.read_text(encoding="utf-8")
    addresses = set(re.findall(r"https?://[^\s\"')]+", text))
    assert addresses == {"https://github.com/leeoniya/uPlot"}  # in the licence comment of the vendored file


def test_page_templates_all_listed():
    """The tests, as the rule, pass every template of the folder."""
    folder = TEMPLATES[0].parent
    assert {path for path in TEMPLATES if path.parent == folder} == set(folder.iterdir())


def test_page_lists_all_classes_in_tables(tmp_path, monkeypatch):
    names = [f"sound {i}" for i in range(50)]
    monkeypatch.setattr("support.page.CLASSES", names)
    text = " ".join(build_page(tmp_path, sound=False).page.read_text(encoding="utf-8").split())
    assert "The figure shows the 40 most frequent of 50 classes." in text
    table = re.findall(r'<table class="sortable">.*?</table>', text)[-1]
    assert re.findall(r'<td class="text">(.*?)</td>', table) == names
    assert re.findall(r"<td>(.*?)</td>", table)[:3] == ["3", "50.0", "20.0"]


def test_rounded_with_standard_deviation():
    columns = {"system": ["a", "b"], "f1_micro": [12.345, NAN], "f1_micro_std": [1.26, NAN], "mse": [0.1, 2.0]}
    columns |= {"classes_detected": [6, NAN], "classes_in_reference": [11, NAN]}
    shown = rounded(pd.DataFrame(columns))
    assert [row["classes_detected"] for row in shown] == ["6 of 11", ""]
    assert [(row["system"], row["f1_micro"], row["mse"]) for row in shown] == [
        ("a", "12.3 ± 1.3", "0.100"),
        ("b", "", "2.000"),
    ]


def interval_rows(value, **columns):
    """Rows of a table of intervals: two metrics of system b, one undefined metric of system a."""
    row = {"system": "b", **columns, "threshold": "0.5", "reference": "hard", "metric": "error_rate"}
    row |= {value: -0.123, "low": -0.2, "high": 0.1}
    undefined = row | {"system": "a", "threshold": "any", "reference": "soft", "metric": "mse", value: NAN, "low": NAN}
    hidden = undefined | {"reference": "hard", "metric": "auroc_within"}
    return pd.DataFrame([row, row | {"metric": "f1_macro", value: 2.0, "low": 1.0, "high": 3.0}, undefined, hidden])


def test_intervals_of_differences():
    first, second = intervals(interval_rows("difference", against="p"), "difference", SHOWN)
    assert (first["system"], first["against"], first["threshold"]) == ("b", "p", "0.5")
    assert (first["error_rate"], first["f1_micro"]) == ("-0.12 [-0.20, 0.10]", "")
    assert first["f1_macro"] == "+2.0 [1.0, 3.0]"
    assert (second["system"], second["threshold"], second["mse"]) == ("a", "any", "")
    assert second["auroc_within"] == ""  # against the hard labels, which the page does not show


def test_intervals_of_metrics_with_runs():
    first, _ = intervals(interval_rows("value", run_std=0.05), "value", SHOWN)
    assert (first["error_rate"], first["f1_macro"]) == ("-0.12 ± 0.05 [-0.20, 0.10]", "2.0 ± 0.1 [1.0, 3.0]")


def test_intervals_of_empty_table():
    assert intervals(interval_rows("difference", against="p")[:0], "difference", SHOWN) == []


def test_origin_tables_of_training():
    made = {"seed": 7, "precision": "float32", "made": {"device": "cpu", "threads": 2, "code": []}}
    origin = {"versions": {"torch": "1"}, "trainings": {"results/x/models/net/run1/fold2.pt": made}}
    found = origin_tables(origin | {kind: {kind: "ab"} for kind in ("data", "models", "metrics", "report")})
    training = {"system": "net", "run": "run1", "fold": "fold2", "seed": 7, "precision": "float32"}
    assert found["trainings"] == [training | {"device": "cpu", "threads": 2}]
    assert found["software"] == [{"software": "torch", "version": "1"}]
    assert [row["file"] for row in found["hashes"]] == ["data", "models", "metrics", "report"]


def test_page_marks_baselines(made):
    text = made.page.read_text(encoding="utf-8")
    tables = re.findall(r'<table class="sortable">.*?</table>', text, re.DOTALL)
    # Table 2, scores, differences, ground truth, table 1, origin, class-wise F1
    expected = [*(1, 1), *(1, 0), *(0, 0), *(1, 1, 0), 0, *(0, 0, 0), 0]
    assert [table.count('<tr class="prior">') for table in tables] == expected
    assert [table.count("no audio") for table in tables] == expected
    assert '<td class="text">&lt;i&gt;linear&lt;/i&gt;</td>' in tables[0]
