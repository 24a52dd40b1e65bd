"""Only invalidated steps: touch and copy rerun nothing, an edit reruns exactly what uses it and names it."""

import re

import pytest
from conftest import planned, snakemake

REPORTED = {"make_table2": 1, "make_figure2": 1, "make_truth": 1, "draw_figure": 1}
AFTER_TRAINING = {**REPORTED, "predict_system": 24, "evaluate_system": 6, "evaluate_truth": 8}
FROM_TRAINING = {**AFTER_TRAINING, "train_system": 24, "collect_histories": 1, "draw_figure": 2}
PRIORS_TOO = {"predict_prior": 6, "evaluate_system": 8, "evaluate_truth": 10}
FROM_HARD = {**FROM_TRAINING, "evaluate_system": 8, "make_table1": 1}
FROM_SOFT = {**FROM_HARD, **PRIORS_TOO, "harden_labels": 2, "evaluate_labels": 2, "make_label_statistics": 1}
CROWD = {"measure_crowd_size": 1, "collect_crowd_sizes": 1, "make_crowd_page": 1}
TRIALS = {"try_estimators": 2, "make_label_quality": 1, "draw_figure": 2}
ONE_SYSTEM = {"train_system": 6, "predict_system": 6, "evaluate_truth": 2, "collect_histories": 1}
ONE_SYSTEM |= {"make_truth": 1, "draw_figure": 1}


def test_touching_everything_reruns_nothing(project):
    for path in [*project.glob("workflow/**/*"), *project.glob("results/**/*"), project / "config.yaml"]:
        if path.is_file():
            path.touch()
    shown = snakemake(project, "--dry-run")
    assert "Nothing to be done" in shown
    assert "provenance" not in shown


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        ("figures", {"draw_figure": 4}),
        (
            "tables",
            {
                **REPORTED,
                **{"make_table1": 1, "collect_histories": 1, "make_label_statistics": 1, "make_label_quality": 1},
                "draw_figure": 4,
            },
        ),
        ("labelstats", {"make_label_statistics": 1}),
        ("labelquality", {"make_label_quality": 1, "draw_figure": 2}),
        ("trials", TRIALS),
        ("evaluate", {"evaluate_system": 8, "make_table2": 1, "make_figure2": 1, "draw_figure": 1}),
        ("truth", {"evaluate_truth": 10, "evaluate_labels": 2, "make_truth": 1}),
        ("truthtable", {"make_truth": 1}),
        ("segments", {**REPORTED, "evaluate_system": 8, "evaluate_truth": 10, "evaluate_labels": 2}),
        ("priors", {**REPORTED, "predict_prior": 6, "evaluate_system": 2, "evaluate_truth": 2}),
        ("predict", AFTER_TRAINING),
        ("train", FROM_TRAINING),
        ("features", {**FROM_TRAINING, "make_filterbank": 1, "extract_features": 6}),
        (
            "mace",
            {**TRIALS, **FROM_SOFT, **CROWD, "aggregate_opinions": 2, "measure_crowd_size": 2, "draw_figure": 4},
        ),
        ("agreement", {"measure_agreement": 1, "make_crowd_page": 1}),
        ("crowdsize", {**CROWD, "measure_crowd_size": 2}),
        ("crowdplots", {"make_crowd_page": 1}),
        ("log", {}),
    ],
)
def test_an_edited_module_reruns_its_users(project, module, expected):
    path = project / "workflow" / "softsed" / f"{module}.py"
    path.write_text(path.read_text() + "\n# edited\n")
    assert planned(project) == expected
    if expected:
        shown = snakemake(project, "--dry-run")
        assert re.search(rf"softsed/{module}\.py@", shown), "the reason does not name the module"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("report:\n  curves: [S_MSE_lin]", {"make_figure2": 1, "draw_figure": 1}),
        ("evaluate:\n  trim: 20", {**REPORTED, "evaluate_system": 8, "evaluate_truth": 10}),
        ("predict:\n  pooling: max", AFTER_TRAINING),
        ("train:\n  learning_rate: 0.5", FROM_TRAINING),
        # Only the system trained on hard labels is trained again.
        (
            "labels:\n  threshold: 0.4",
            {**TRIALS, **FROM_HARD, **ONE_SYSTEM, **CROWD, "harden_labels": 1, "evaluate_labels": 1, "draw_figure": 4},
        ),
        # Labels by another method, and a system trained on them, leave everything else alone.
        (
            "labels:\n  compare: [majority]",
            {**CROWD, "aggregate_opinions": 1, "harden_labels": 1, "evaluate_labels": 1, "make_truth": 1},
        ),
        (
            "labels:\n  joint:\n    threshold: 0.4",
            {**TRIALS, **ONE_SYSTEM, **CROWD, "harden_labels": 1, "evaluate_labels": 1, "draw_figure": 3},
        ),
        ("labels:\n  draws: 1", {**CROWD, "measure_crowd_size": 2}),
        ("systems:\n  other:\n    {labels: soft, loss: bce, output: sigmoid, method: joint}", ONE_SYSTEM),
        ("folds:\n  official:\n    address: https://mirror.example", {}),
        ("data:\n  maestro_real:\n    address: https://mirror.example", {}),
    ],
)
def test_an_edited_section_reruns_its_users(project, change, expected):
    (project / "change.yaml").write_text(change)
    configuration = ["--configfile", "workflow/demo.yaml", "tests/workflow/tiny.yaml", "change.yaml"]
    assert planned(project, configuration=configuration) == expected


def test_another_run_trains_only_that_run(project):
    configuration = ["--configfile", "workflow/demo.yaml", "tests/workflow/tiny.yaml", "--config", "runs=3"]
    expected = {"train_system": 12, "predict_system": 12, "evaluate_system": 3, "evaluate_truth": 4}
    expected |= {**REPORTED, "collect_histories": 1, "draw_figure": 2}
    assert planned(project, configuration=configuration) == expected


def test_device_threads_and_memory_compute_nothing(project):
    assert planned(project, "--set-resources", "train_system:device=cpu", "train_system:mem_mb=9999") == {}
    assert planned(project, "--set-threads", "train_system=2") == {}
