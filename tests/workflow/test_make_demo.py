"""`make demo` as the README has it, in a clone, and what its tables must show."""

import pytest
from support.project import DEMO, planned
from support.published_labels import check_likeness
from support.tsv import read_rows

pytestmark = pytest.mark.slow


def rows(folder, name):
    return read_rows(folder / "results/demo/report" / f"{name}.tsv")


def test_ends_with_the_tables_and_where_the_figures_are(demo):
    folder, shown = demo
    assert "| `S_MSE_lin` | class-dependent |" in shown
    assert "results/demo/report" in shown.splitlines()[-1]
    for name in ("report/figure2.png", "report/training.png", "report.html"):
        assert (folder / "results/demo" / name).stat().st_size > 10_000


def test_soft_labels_with_class_dependent_thresholds_find_what_hard_labels_miss(demo):
    table = {(row["system"], row["threshold"]): row for row in rows(demo[0], "table2")}
    soft, hard = table["S_MSE_lin", "class-dependent"], table["H_BCE_sig", "0.5"]
    assert int(soft["classes_detected"]) > int(hard["classes_detected"])
    assert float(soft["f1_macro"]) > float(hard["f1_macro"]) + 10
    # Against the same reference, and above what the scene alone gives.
    assert float(soft["f1_macro"]) > float(table["scene_prior", "class-dependent"]["f1_macro"]) + 5
    assert float(soft["f1_macro"]) > float(table["H_BCE_sig", "class-dependent"]["f1_macro"]) + 5


def test_nothing_is_left_to_do(demo):
    assert planned(demo[0], configuration=DEMO) == {}


def test_labels_resemble_the_published_ones(demo):
    found = {(row["statistic"], row["on"]): float(row["value"]) for row in rows(demo[0], "label_statistics")}
    check_likeness(found, crowds=1)


def test_joint_labels_beat_the_best_of_eq_1_where_events_are_short_and_are_close_to_it_elsewhere(demo):
    joint = [row for row in rows(demo[0], "label_quality") if row["method"] == "joint"]
    eq1 = {tuple(row.values())[:4]: row for row in rows(demo[0], "label_quality") if row["method"] == "eq1"}
    assert len(joint) == 4 * 3 * 3 + 4 * 2
    for row in joint:
        assert float(row["gain"]) > (0.01 if float(row["event_length_s"]) <= 4 else -0.03), row
        assert float(row["brier"]) < float(eq1[tuple(row.values())[:4]]["brier"]), row


def test_joint_labels_are_nearer_to_the_true_events_of_the_demo(demo):
    labels = {row["method"]: row for row in rows(demo[0], "truth") if row["system"] == "labels"}
    for score in ("f1_micro", "f1_macro"):
        assert float(labels["joint"][score]) > float(labels["eq1"][score]) > float(labels["majority"][score])
