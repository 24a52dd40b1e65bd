"""The whole workflow on a tiny experiment: every stage and its files; a second run has no jobs."""

import json

import numpy as np
import pytest
import torch
import yaml
from support.project import planned, snakemake
from support.tsv import read_rows

from softsed.core.labels import harden, read_hard, read_soft, to_events
from softsed.core.metadata import read_classes, read_fold, read_recordings, read_scenes
from softsed.core.scores import read_scores
from softsed.tools.progress import describe, read_run, remaining, seconds_per_job
from softsed.tools.watch import Messages

SYSTEMS = ["H_BCE_sig", "S_BCE_sig", "S_MSE_lin"]
JOINT = ["H_BCE_sig_joint"]  # trained on other labels than those of the reference, and therefore not in Table 2
PRIORS = ["scene_prior", "recording_prior"]


@pytest.fixture
def results(finished):
    return finished / "results" / "tiny"


def test_second_run_has_nothing_to_do(finished):
    assert planned(finished) == {}


def test_watch_shows_nothing_of_a_run_without_problems(finished):
    """All lines of Snakemake's log are routine, apart from the warnings of the steps, which are not in that log."""
    log = min(path for path in (finished / ".snakemake/log").iterdir() if "Select jobs" in path.read_text())
    messages = Messages()
    assert [line for line in log.read_text().splitlines() if messages.select(line)] == []


def test_progress_follows_the_log_of_the_run(finished):
    log = min(path for path in (finished / ".snakemake/log").iterdir() if "Select jobs" in path.read_text())
    text = log.read_text()
    whole, half = read_run(text), read_run(text[: text.index("(50%) done")])
    assert whole.ended
    assert not half.ended
    assert len(whole.finished) == sum(whole.planned.values()) > 100
    assert len(half.finished) == pytest.approx(len(whole.finished) / 2, abs=2)
    assert 0 < len(half.running) <= 2  # of two cores
    assert whole.running == {}
    assert whole.results == "results/tiny"
    times = seconds_per_job(finished / whole.results / "benchmarks", list(whole.planned))
    assert times.keys() == whole.planned.keys()
    left = whole.last - half.last
    assert left / 3 < remaining(half, times, half.last) < 3 * left
    assert "the run has ended" in describe(whole, times, whole.last)


def test_page_has_media_of_every_recording(finished, results):
    names = read_recordings(finished / "tests/workflow/tiny.tsv")
    expected = {f"{name}.{form}" for name in names for form in ("mp3", "webp")}
    assert {path.name for path in (results / "page/media").iterdir()} == expected
    page = (results / "page/index.html").read_text(encoding="utf-8")
    assert "S_MSE_lin" in page
    assert all(name in page for name in names)


def test_stages_have_folders_and_jobs_have_logs(results):
    stages = {"data", "labels", "features", "folds", "models", "predictions", "metrics", "report", "page"}
    stages |= {"logs", "benchmarks"}
    assert {path.name for path in results.iterdir()} == stages | {"provenance.jsonl"}
    logs = {path.relative_to(results / "logs").with_suffix("") for path in (results / "logs").rglob("*.log")}
    timed = {path.relative_to(results / "benchmarks").with_suffix("") for path in results.glob("benchmarks/**/*.tsv")}
    assert logs == timed
    assert len(logs) > 50


def test_labels_agree_with_opinions(finished, results):
    classes = read_classes(finished / "workflow/resources/classes.tsv")
    scenes = read_scenes(finished / "workflow/resources/scenes.tsv", classes)
    for name, recording in read_recordings(finished / "tests/workflow/tiny.tsv").items():
        for method in ("eq1", "joint"):
            soft = read_soft(results / "labels" / method / "soft.tsv", classes)[name]
            assert len(soft) == int(recording.duration_s)
            asked = {classes[column] for column in range(len(classes)) if soft[0, column] == soft[0, column]}
            assert asked == set(scenes[recording.scene])
            written = read_rows(results / "labels" / method / "thresholds.tsv")
            thresholds = np.array([float(row["threshold"]) for row in written])
            assert [row["class"] for row in written] == classes
            assert (thresholds == 0.5).all() == (method == "eq1")
            events = read_hard(results / "labels" / method / "hard.tsv", classes)[name]
            assert events == to_events(harden(soft, thresholds), classes)


def test_model_file_names_its_labels(results):
    for system, method in (("H_BCE_sig", "eq1"), ("H_BCE_sig_joint", "joint")):
        model = torch.load(results / "models" / system / "run1" / "fold1.pt", weights_only=True)
        assert model["system"] == {"labels": "hard", "loss": "bce", "output": "sigmoid", "method": method}


def test_every_recording_is_scored_once(finished, results):
    classes = read_classes(finished / "workflow/resources/classes.tsv")
    recordings = read_recordings(finished / "tests/workflow/tiny.tsv")
    for system in SYSTEMS + JOINT + PRIORS:
        runs = sorted(path.name for path in (results / "predictions" / system).iterdir())
        assert runs == (["run1"] if system in PRIORS else ["run1", "run2"])
        seen = []
        for fold in (1, 2, 3):
            scores = read_scores(results / "predictions" / system / "run1" / f"fold{fold}.tsv", classes)
            assert set(scores) == set(read_fold(results / "folds" / f"fold{fold}.tsv")["test"])
            assert all(len(matrix) == int(recordings[name].duration_s) for name, matrix in scores.items())
            seen += scores
        assert sorted(seen) == sorted(recordings)


def test_runs_differ_and_carry_their_seed(results):
    models = sorted((results / "models").rglob("*.pt"))
    saved = [torch.load(path, weights_only=True) for path in models]
    assert len({model["seed"] for model in saved}) == len(models) == len(SYSTEMS + JOINT) * 2 * 3
    assert len({path.read_text() for path in (results / "models").rglob("*.history.tsv")}) == len(models)


def test_table2_has_the_promised_columns_and_rows(results):
    table = read_rows(results / "report" / "table2.tsv")
    promised = (
        "system threshold error_rate f1_micro f1_macro kld_time kld_bernoulli paper_error_rate paper_f1 paper_kld"
    )
    assert list(table[0])[:10] == promised.split()
    points = ("0.5", "class-dependent", "class-dependent, all classes")
    expected = [(system, point) for system in SYSTEMS + PRIORS for point in points]
    assert [(row["system"], row["threshold"]) for row in table] == expected
    published = {(row["system"], row["threshold"]): row["paper_f1"] for row in table if row["paper_f1"]}
    assert float(published["S_MSE_lin", "0.5"]) == 70.82
    assert float(published["S_MSE_lin", "class-dependent"]) == 67.30
    assert len(published) == 4


def test_table2_equals_the_metrics_it_comes_from(results):
    table = {(row["system"], row["threshold"]): row for row in read_rows(results / "report" / "table2.tsv")}
    for system in SYSTEMS:
        runs = [json.loads((results / "metrics" / system / f"run{run}.json").read_text()) for run in (1, 2)]
        found = [run["pooled"]["operating_points"]["0.5"]["f1_micro"] for run in runs]
        assert float(table[system, "0.5"]["f1_micro"]) == pytest.approx(100 * sum(found) / 2, abs=1e-3)


def test_label_statistics_count_evaluated_classes(finished, results):
    classes = yaml.safe_load((finished / "config.yaml").read_text())["evaluate"]["classes"]
    values = [float(row["value"]) for row in read_rows(results / "labels/eq1/soft.tsv") if row["label"] in classes]
    found = {(row["statistic"], row["on"]): row for row in read_rows(results / "report" / "label_statistics.tsv")}
    assert float(found["nonzero", "recordings"]["value"]) == pytest.approx(
        sum(v > 0 for v in values) / len(values), rel=1e-5
    )
    assert float(found["nonzero", "recordings"]["published"]) == pytest.approx(0.984, abs=1e-3)
    weights = [float(row["competence"]) for row in read_rows(results / "labels/eq1/competence.tsv")]
    assert float(found["competence_least", "annotators"]["value"]) == pytest.approx(min(weights), rel=1e-5)
    assert "| nonzero |" in (results / "report" / "label_statistics.md").read_text()


def test_figure2_orders_classes_by_instances(finished, results):
    classes = yaml.safe_load((finished / "config.yaml").read_text())["evaluate"]["classes"]
    table = read_rows(results / "report" / "figure2.tsv")
    assert list(table[0])[:5] == ["class", "instances", "H_BCE_sig", "S_MSE_lin_h", "S_MSE_lin_s"]
    instances = [int(row["instances"]) for row in table]
    assert instances == sorted(instances, reverse=True)
    # The two scenes have no other classes; tests/unit/report/test_curve_tables.py has rows of other classes.
    assert len(classes) == 11
    assert sorted(row["class"] for row in table) == sorted(classes)
    for name in ("figure2", "training"):
        assert (results / "report" / f"{name}.svg").read_text().lstrip().startswith("<?xml")
        assert (results / "report" / f"{name}.png").read_bytes().startswith(b"\x89PNG")


def test_html_report_holds_tables_and_figures(project):
    snakemake(project, "--report", "results/tiny/report.html")
    page = (project / "results/tiny/report.html").read_text(encoding="utf-8")
    for name in ("table1.tsv", "table2.tsv", "label_statistics.tsv", "truth.tsv", "figure2.svg", "training.svg"):
        assert name in page
    for name in ("page/index.html", "labels/page.html", '"Labels"', '"Training"', '"Results"'):
        assert name in page
    assert "baselines without audio" in page
    assert planned(project) == {}


def test_same_seed_same_bytes(project, finished):
    model = "results/tiny/models/S_MSE_lin/run1/fold1.pt"
    scores = "results/tiny/predictions/S_MSE_lin/run1/fold1.tsv"
    snakemake(project, "--forcerun", "render_recording", "train_system", "--", scores)
    assert (project / scores).read_bytes() == (finished / scores).read_bytes()
    assert (project / model).stat().st_mtime > (finished / model).stat().st_mtime
    wave = "results/tiny/data/audio/city_center_01.wav"
    assert (project / wave).read_bytes() == (finished / wave).read_bytes()
