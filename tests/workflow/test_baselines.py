"""`snakemake baselines`: real numbers of MAESTRO Real from its labels alone, and no request for audio."""

import re
import shutil

import pytest
import yaml
from support.maestro import publish_annotations, read_published
from support.project import ROOT, copy_project, environment, planned, snakemake
from support.run import run
from support.server import serve
from support.shared import shared
from support.tsv import read_rows

from softsed.core.metadata import read_recordings

PLAN = {
    **{"fetch_archive": 1, "unpack_labels": 49, "adopt_labels": 1, "harden_labels": 1, "make_folds": 1},
    **{"predict_prior": 10, "evaluate_system": 2, "make_table1": 1, "make_baseline_intervals": 1},
    **{"render_document": 1, "render_baselines_document": 1, "baselines": 1},
}
# Metrics of the public labels on the official folds. Two other programs computed the same values.
KNOWN = {
    ("scene_prior", "0.5"): {"error_rate": 0.471, "f1_micro": 70.55, "f1_macro": 22.2},
    ("scene_prior", "class-dependent"): {"error_rate": 0.550, "f1_micro": 62.6, "f1_macro": 42.9},
    ("scene_prior", "any"): {"f1_best_macro": 37.5, "mpauc": 15.0},
    ("recording_prior", "0.5"): {"error_rate": 0.365, "f1_micro": 77.6, "f1_macro": 32.8},
    ("recording_prior", "class-dependent"): {"error_rate": 0.418, "f1_micro": 74.3, "f1_macro": 69.1},
    ("recording_prior", "any"): {"f1_best_macro": 53.5, "mpauc": 57.2},
}


def documented_commands():
    """Return the lines of the documentation that call the target, as a person would type them."""
    text = (ROOT / "docs/results.md").read_text(encoding="utf-8")
    return re.findall(r"^snakemake .*\bbaselines\b.*$", text, re.MULTILINE)


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """Return a project after the documented command, and the requests to a local server with the real labels."""
    folder, real = tmp_path_factory.mktemp("baselines"), shared("maestro_real")
    project = copy_project(folder / "project")
    recordings = read_recordings(project / "workflow/resources/maestro_real.tsv").values()
    labels = read_published(real / "soft_labels_all.tsv")
    md5 = publish_annotations(folder / "served", [(r.name, r.scene, r.duration_s) for r in recordings], labels)
    shutil.copytree(real / "development_folds", folder / "served/folds")
    config = yaml.safe_load((project / "config.yaml").read_text())
    with serve(folder / "served") as server:
        config["data"]["maestro_real"]["address"] = server.address
        config["data"]["maestro_real"]["archives"]["development_annotation"] |= md5["development_annotation"]
        config["folds"]["official"]["address"] = f"{server.address}/folds"
        (project / "config.yaml").write_text(yaml.safe_dump(config))
        assert planned(project, "baselines", configuration=[]) == PLAN
        for command in documented_commands():
            run(project, "bash", "-ec", command, environment=environment())
        snakemake(project, "results/maestro_real/report/label_statistics.tsv", configuration=[])
        return project, [request.target for request in server.requests]


@pytest.mark.slow
def test_metrics_are_the_known_ones(published):
    rows = read_rows(published[0] / "results/maestro_real/report/baselines.tsv")
    found: dict[tuple[str, str], dict[str, float]] = {}
    for row in rows:
        found.setdefault((row["system"], row["threshold"]), {})[row["metric"]] = float(row["value"])
    for key, values in KNOWN.items():
        for name, value in values.items():
            digits = 0.0005 if name == "error_rate" else 0.005 if value == 70.55 else 0.05
            assert found[key][name] == pytest.approx(value, abs=digits), (key, name)


@pytest.mark.slow
def test_only_annotations_and_folds_are_requested(published):
    project, requests = published
    names = sorted(request.partition("?")[0].rpartition("/")[2] for request in requests)
    folds = sorted(path.name for path in shared("maestro_real/development_folds").iterdir())
    assert names == sorted(["development_annotation.zip", *folds])
    assert not (project / "results/maestro_real/data/audio").exists()
    assert planned(project, "baselines", configuration=[]) == {}


@pytest.mark.slow
def test_document_shows_published_systems(published):
    page = (published[0] / "results/maestro_real/report/baselines.md").read_text()
    for text in (
        "| `scene_prior` | 49 | 0.471 | 70.55 |",
        "| H_BCE_sig | 75 | 0.44 | 70.60 |",
        "| DCASE 2023 Task 4B baseline | 49 | 0.487 | 70.34 |",
    ):
        assert text in page
    assert "better than every published system of this table in ER_m, F1_m, F1_MO." in page


@pytest.mark.slow
def test_published_statistics_arrive(published):
    """Download, adoption and statistics reproduce the table of published statistics from the published labels."""
    statistics = read_rows(published[0] / "results/maestro_real/report/label_statistics.tsv")
    assert len(statistics) == 24
    assert all(abs(float(row["difference"])) < 1e-5 for row in statistics)


def test_demo_needs_neither_features_nor_trainings(tmp_path):
    jobs = planned(copy_project(tmp_path / "project"), "baselines")
    assert jobs.keys() >= {"make_table1", "make_baseline_intervals", "render_baselines_document"}
    assert not jobs.keys() & {"extract_features", "train_system", "predict_system", "make_media"}
