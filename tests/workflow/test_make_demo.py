"""`make demo` as in the README, in a clone, and the required results in its tables."""

import pytest
from support.project import DEMO, planned
from support.published_labels import check_likeness
from support.tsv import read_rows

from softsed.tools.stages import STAGES

pytestmark = pytest.mark.slow


def rows(folder, name):
    return read_rows(folder / "results/demo/report" / f"{name}.tsv")


def test_ends_with_summary_and_paths(demo):
    """At most eight rows and 80 columns, with the values of Table 2; Snakemake's own lines are in its log only."""
    folder, shown = demo
    _, table, notes, paths = shown[shown.index("Results of demo.") :].split("\n\n")
    found = read_table2(folder)
    names = table.splitlines()[1:]
    assert len(names) == 8
    for line in names:
        system, threshold, error_rate, f1_micro, f1_macro, detected, _, classes, *gap = line.split()
        row = found[system, threshold]
        assert [error_rate, f1_micro, f1_macro] == [
            format(float(row[metric]), form)
            for metric, form in (("error_rate", ".2f"), ("f1_micro", ".1f"), ("f1_macro", ".1f"))
        ]
        assert [detected, classes] == [row["classes_detected"], row["classes_in_reference"]]
        baseline = max(float(found[name, threshold]["f1_macro"]) for name in ("scene_prior", "recording_prior"))
        assert gap == ["best"] or float(gap[0].rstrip("*")) == pytest.approx(
            float(row["f1_macro"]) - baseline, abs=0.06
        )
    assert max(map(len, [*table.splitlines(), *notes.splitlines(), *paths.splitlines()])) <= 80
    files = [line.split()[1] for line in paths.splitlines()[:3]]
    assert files == [f"results/demo/{name}" for name in ("page/index.html", "labels/page.html", "report.html")]
    for name in (*files, "results/demo/report/figure2.png", "results/demo/report/training.png"):
        assert (folder / name).stat().st_size > 10_000


def test_progress_has_a_line_per_stage(demo):
    """In a file; lines of the whole run come once per minute."""
    before = demo[1].partition("Results of demo.")[0]
    done = [line.split()[0] for line in before.splitlines() if line.endswith("jobs  done")]
    assert sorted(done) == sorted(STAGES)
    assert "Shell command" not in before
    assert "Finished jobid" not in before
    assert "Nothing to do" not in before
    assert len(before.splitlines()) < 100


def read_table2(folder):
    return {(row["system"], row["threshold"]): row for row in rows(folder, "table2")}


def test_soft_labels_detect_what_hard_labels_miss(demo):
    """The claim of the paper, at class-dependent thresholds: against the same reference, in this order."""
    table = read_table2(demo[0])
    macro = [
        float(table[system, "class-dependent"]["f1_macro"])
        for system in ("scene_prior", "H_BCE_sig", "S_BCE_sig", "S_MSE_lin")
    ]
    assert macro == sorted(macro)
    assert macro[-1] > macro[1] + 10
    assert float(table["S_MSE_lin", "class-dependent, all classes"]["classes_detected"]) >= 15


def test_only_systems_have_temporal_skill(demo):
    skill = {row["system"]: float(row["auroc_within"]) for row in rows(demo[0], "table2") if row["threshold"] == "0.5"}
    for system, value in skill.items():
        assert (value == 50) if system.endswith("_prior") else (value > 60), system


def test_s_mse_lin_is_above_both_baselines(demo):
    """With intervals that exclude 0 in temporal skill.

    ER at 0.5, F1_MO and mpAUC are better as well. The intervals of their differences from recording_prior, an oracle,
    contain 0, or are not valid (mpAUC, benchmarks/intervals.py).
    """
    gaps = {
        (row["against"], row["metric"], row["reference"]): row
        for row in rows(demo[0], "differences")
        if row["system"] == "S_MSE_lin" and row["threshold"] in ("0.5", "any")
    }
    for baseline in ("scene_prior", "recording_prior"):
        for reference in ("soft", "truth"):
            assert float(gaps[baseline, "auroc_within", reference]["low"]) > 10
        assert float(gaps[baseline, "mpauc", "hard"]["difference"]) > 0
        assert float(gaps[baseline, "f1_best_macro", "hard"]["difference"]) > 0
        assert float(gaps[baseline, "error_rate", "hard"]["difference"]) < 0
    assert float(gaps["scene_prior", "f1_best_macro", "hard"]["low"]) > 0


def test_trainings_beat_a_constant(demo):
    """All of H_BCE_sig and S_MSE_lin; with soft targets and cross-entropy up to two trainings of five do not."""
    found = {row["system"]: row for row in rows(demo[0], "convergence")}
    assert found["S_MSE_lin"]["above_constant"] == found["H_BCE_sig"]["above_constant"] == "0"
    assert int(found["S_BCE_sig"]["above_constant"]) <= 2
    # It was 0.7 % below the constant. Between seeds, the mean varies by as much.
    assert float(found["S_BCE_sig"]["validation_loss"]) < 1.02 * float(found["S_BCE_sig"]["constant_loss"])
    assert float(found["S_MSE_lin"]["validation_loss"]) < 0.75 * float(found["S_MSE_lin"]["constant_loss"])


def test_second_run_of_the_demo_has_no_jobs(demo):
    assert planned(demo[0], configuration=DEMO) == {}


def test_labels_resemble_the_published_ones(demo):
    found = {(row["statistic"], row["on"]): float(row["value"]) for row in rows(demo[0], "label_statistics")}
    check_likeness(found, crowds=1)
