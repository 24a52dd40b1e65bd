"""Table 2: metrics with known means and standard deviations, beside the paper's."""

import json
import statistics
from pathlib import Path

import pytest
from support.errors import refused

from softsed.core.tsv import read_table
from softsed.report.table2 import COLUMNS

POINTS = ("0.5", "class-dependent", "class-dependent, all classes")


@pytest.fixture
def rows(files, table2):
    return read_table(table2(*files), tuple(COLUMNS))


def test_columns_and_rows_in_order(rows):
    assert list(rows[0])[:10] == [
        *("system", "threshold", "error_rate", "f1_micro", "f1_macro", "kld_time", "kld_bernoulli"),
        *("paper_error_rate", "paper_f1", "paper_kld"),
    ]
    systems = ("H_BCE_sig", "my_system", "S_MSE_lin", "scene_prior")
    assert [(row["system"], row["threshold"]) for row in rows] == [(s, p) for s in systems for p in POINTS]


def test_means_over_runs_and_deviations_over_folds(rows):
    row = rows[0]
    assert float(row["error_rate"]) == pytest.approx(0.41)
    assert float(row["f1_micro"]) == pytest.approx(69)
    assert float(row["error_rate_std"]) == pytest.approx(statistics.stdev([0.3, 0.5, 0.32, 0.52]), rel=1e-5)
    assert float(row["f1_micro_std"]) == pytest.approx(statistics.stdev([80, 60, 78, 58]), rel=1e-5)
    assert (row["runs"], row["classes_detected"], row["classes_evaluated"]) == ("2", "1", "3")
    assert row["classes_in_reference"] == "2"


def test_metrics_without_threshold_in_first_row(rows):
    names = ("f1_best_macro", "mpauc", "auroc_within", "auroc_within_hard")
    assert [float(rows[0][name]) for name in names] == pytest.approx([44, 30, 64, 74])  # two runs, .02 apart
    assert float(rows[0]["auroc_within_std"]) == pytest.approx(statistics.stdev([75, 55, 73, 53]), rel=1e-5)
    assert {row[name] for row in rows if row["threshold"] != "0.5" for name in names} == {""}


def test_classes_beyond_the_evaluated(rows):
    """Announcement is detected, shopping cart is not. Announcement has no hard labels; the second run misses it."""
    names = ("classes_evaluated", "other_classes", "other_classes_detected")
    names += ("without_hard_labels", "without_hard_labels_detected")
    assert [rows[2][name] for name in names] == ["5", "2", "1", "1", "0.5"]
    assert {row[name] for row in rows if row["threshold"] != POINTS[2] for name in names[1:]} == {""}


def test_without_other_classes(undefined, table2):
    """Where all classes are evaluated, the class-dependent rows have the number of classes without hard labels."""
    path = Path(undefined[1][0])
    found = json.loads(path.read_text())
    for part in (found["pooled"], *found["folds"].values()):
        del part["operating_points"][POINTS[2]]
    path.write_text(json.dumps(found))
    rows = read_table(table2(*undefined), tuple(COLUMNS))
    assert [row["threshold"] for row in rows] == list(POINTS[:2])
    assert [row["without_hard_labels"] for row in rows] == ["", "1"]
    assert {row["other_classes"] for row in rows} == {""}


def test_divergence_row_has_reference_of_caption(rows):
    assert [row["kld_reference"] for row in rows[::3]] == ["hard", "soft", "soft", "soft"]
    assert [float(row["kld_time"]) for row in rows[::3]] == pytest.approx([3.01, 1, 1, 1.05])
    assert [float(row["kld_bernoulli"]) for row in rows[::3]] == pytest.approx([4, 2, 2, 2])
    assert {row["kld_time"] + row["kld_bernoulli"] + row["paper_kld"] for row in rows if row["threshold"] != "0.5"} == {
        ""
    }


def test_divergence_against_both_references(rows):
    expected = {
        "kld_time_soft": [1.01, 1, 1, 1.05],
        "kld_bernoulli_soft": [2] * 4,
        "kld_time_hard": [3.01, 3, 3, 3.05],
        "kld_bernoulli_hard": [4] * 4,
    }
    for name, values in expected.items():
        assert [float(row[name]) for row in rows[::3]] == pytest.approx(values)
        assert {row[name] for row in rows if row["threshold"] != "0.5"} == {""}


def test_paper_joined_by_system_and_threshold(rows):
    rows = {(row["system"], row["threshold"]): row for row in rows}
    published = [rows["H_BCE_sig", "0.5"][name] for name in ("paper_error_rate", "paper_f1", "paper_kld")]
    assert [float(text) for text in published] == [0.44, 70.60, 3.710]
    assert float(rows["S_MSE_lin", "class-dependent"]["paper_f1"]) == 67.30
    for key in (("H_BCE_sig", "class-dependent"), ("my_system", "0.5"), ("scene_prior", "0.5")):
        assert rows[key]["paper_error_rate"] == ""


def test_json_has_defined_values_of_the_table(rows, files):
    found = json.loads((files[0] / "metrics.json").read_text())
    assert [(system, threshold) for system in found for threshold in found[system]] == [
        (row["system"], row["threshold"]) for row in rows
    ]
    names = ("error_rate", "f1_micro", "f1_macro", "kld_time", "kld_bernoulli", "classes_detected")
    names += ("f1_best_macro", "mpauc", "auroc_within")
    for row in rows:
        expected = {name: float(row[name]) for name in names if row[name]}
        assert found[row["system"]][row["threshold"]] == expected
        assert {"error_rate", "f1_micro", "f1_macro"} <= set(expected)


def test_undefined_values_are_empty_cells(undefined, table2):
    rows = read_table(table2(*undefined), tuple(COLUMNS))
    assert {rows[0][name] for name in ("error_rate", "f1_micro_std", "f1_macro", "kld_time")} == {""}
    assert json.loads((undefined[0] / "metrics.json").read_text())["my_system"]["0.5"] == {
        **{"classes_detected": 1, "f1_best_macro": 45, "mpauc": 30, "auroc_within": 65}
    }


def test_file_without_metrics(tmp_path, table2):
    (tmp_path / "a.json").write_text("[1]")
    with refused(file="a.json", problem="not a file of metrics"):
        table2(tmp_path, [str(tmp_path / "a.json")])


def test_metrics_files_stay_unchanged(files, table2):
    before = [Path(path).read_bytes() for path in files[1]]
    table2(*files)
    assert [Path(path).read_bytes() for path in files[1]] == before
