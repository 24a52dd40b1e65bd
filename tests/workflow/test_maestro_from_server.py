"""MAESTRO Real from download to tables: archives of the published names and layout from a local server.

The labels are the published ones of 25 recordings where they are at hand, and those of the tiny demo in any case;
the audio is rendered from them, since the recordings themselves cannot be part of a test.
"""

import itertools
import shutil

import numpy as np
import pytest
import yaml
from support.maestro import publish, read_published
from support.project import ROOT, copy_project, planned, snakemake
from support.server import serve
from support.shared import shared
from support.tsv import read_rows

from softsed.core.metadata import read_classes, read_recordings, read_scenes


def run_from_server(folder, recordings, labels, folds):
    """Serve the recordings and run the whole workflow on them, with one broken connection on the way."""
    project = copy_project(folder / "project")
    classes = read_classes(project / "workflow/resources/classes.tsv")
    md5, hashes = publish(folder / "served", recordings, labels, folds, classes)
    table = "recording\tscene\tduration_s\n" + "".join(f"{n}\t{s}\t{d}\n" for n, s, d in recordings)
    (project / "recordings.tsv").write_text(table)
    with serve(folder / "served") as server:
        config = {
            "experiment": "served",
            "recordings": "recordings.tsv",
            "data": {"maestro_real": {"address": server.address, "archives": md5}},
            "folds": {"official": {"address": f"{server.address}/folds", "sha256": hashes}},
            "systems": {"S_BCE_sig": None},  # two systems run the same rules as three systems
            "features": {"hop_s": 0.1},  # coarse features, because this test checks the workflow and not the scores
            "train": {"model": {"filters": 2, "gru_units": 4, "gru_layers": 1}, "epochs": 1},
        }
        (project / "served.yaml").write_text(yaml.safe_dump(config))
        configuration = ["--configfile", "served.yaml"]
        server.drop_after, server.drops, server.drop_only = 100_000, 1, "development_audio"
        snakemake(project, configuration=configuration)
        archives = [request for request in server.requests if ".zip" in request.target]
        assert len(archives) == 3
        assert sum(request.range is not None for request in archives) == 1
    # The server has ended, because downloaded files are not requested again.
    assert planned(project, configuration=configuration) == {}
    return project, configuration


def read_report(results, name):
    return read_rows(results / "report" / f"{name}.tsv")


def count_instances(labels):
    """Contiguous seconds above 0.5 of each class of one recording: counted here, not by the package."""
    counts = {}
    for name in {label for _, label in labels}:
        active = [labels.get((second, name), 0) > 0.5 for second in range(1000)]
        counts[name] = sum(on for on, _ in itertools.groupby(active))
    return counts


def check_table1(project, results, recordings, labels):
    """Every cell of Table 1, and the totals, against the count of this file."""
    classes = read_classes(project / "workflow/resources/classes.tsv")
    asked = read_scenes(project / "workflow/resources/scenes.tsv", classes)
    table = {row["scene"]: row for row in read_report(results, "table1")}
    total = dict.fromkeys(classes, 0)
    for scene in {scene for _, scene, _ in recordings}:
        of_scene = [(name, duration) for name, place, duration in recordings if place == scene]
        counts = [count_instances(labels[name]) for name, _ in of_scene]
        for name in classes:
            count = sum(recording.get(name, 0) for recording in counts)
            assert table[scene][name] == (str(count) if name in asked[scene] else "-")
            total[name] += count
        assert int(table[scene]["files"]) == len(of_scene)
        assert float(table[scene]["minutes"]) == pytest.approx(sum(d for _, d in of_scene) / 60, abs=0.01)
    assert sum(total.values()) > 0
    assert {name: int(table["Total"][name]) for name in classes if table["Total"][name] != "-"} == {
        name: count for name, count in total.items() if table["Total"][name] != "-"
    }
    assert int(table["Total"]["files"]) == len(recordings)


@pytest.mark.long
def test_rendered_labels_of_the_demo(finished, tmp_path):
    """The same rules without the real labels, which CI has."""
    recordings = [
        (r.name, r.scene, r.duration_s) for r in read_recordings(finished / "tests/workflow/tiny.tsv").values()
    ]
    labels = {}
    for row in read_rows(finished / "results/tiny/labels/eq1/soft.tsv"):
        labels.setdefault(row["recording"], {})[int(row["onset"]), row["label"]] = float(row["value"])
    names = [name for name, _, _ in recordings]
    folds = {}
    for fold in range(1, 6):
        tested = names[fold - 1 : fold] if fold < 5 else names[4:]
        rest = [name for name in names if name not in tested]
        folds |= {(fold, "test"): tested, (fold, "val"): rest[:1], (fold, "train"): rest[1:]}
    project, _ = run_from_server(tmp_path, recordings, labels, folds)
    results = project / "results" / "served"
    check_table1(project, results, recordings, labels)
    assert len(read_report(results, "table2")) == 4 * 3  # systems, operating points


@pytest.mark.slow
def test_published_labels(tmp_path):
    real = shared("maestro_real")
    labels = read_published(real / "soft_labels.tsv")
    durations = {row["filename"]: float(row["duration"]) for row in read_rows(real / "durations.tsv")}
    recordings = [(name, name[:-3], durations[name]) for name in labels]
    assert len(recordings) == 25
    folds = {}
    for path in (real / "development_folds").glob("fold*.csv"):
        fold, part = path.stem.removeprefix("fold").split("_")
        names = [line.split("/")[-1] for line in path.read_text().splitlines()[1:]]
        folds[int(fold), part] = [name for name in names if name in labels]
    project, _ = run_from_server(tmp_path, recordings, labels, folds)
    results = project / "results" / "served"
    check_table1(project, results, recordings, labels)


@pytest.mark.long
def test_dataset_of_the_size_of_maestro_real(tmp_path):
    """49 recordings of 20 s with their names, and five folds: the jobs of a run, and the jobs after an edit."""
    classes = read_classes(ROOT / "workflow/resources/classes.tsv")
    asked = read_scenes(ROOT / "workflow/resources/scenes.tsv", classes)
    listed = read_recordings(ROOT / "workflow/resources/maestro_real.tsv").values()
    recordings = [(recording.name, recording.scene, 20.5) for recording in listed]
    rng = np.random.default_rng(0)
    labels = {
        name: {(second, label): float(level) for label in asked[scene] for second, level in enumerate(rng.random(20))}
        for name, scene, _ in recordings
    }
    names = [name for name, _, _ in recordings]
    folds = {}
    for fold in range(1, 6):
        parts = {"test": fold, "val": fold % 5 + 1}
        for part, index in parts.items():
            folds[fold, part] = names[index - 1 :: 5]
        folds[fold, "train"] = [name for i, name in enumerate(names) if i % 5 + 1 not in parts.values()]
    project, configuration = run_from_server(tmp_path, recordings, labels, folds)
    results = project / "results/served"
    assert len(list((results / "models").rglob("*.pt"))) == 10
    assert len(list((results / "features").glob("*.npz"))) == 49

    # The archives may be deleted. For another recording they are fetched again, and only this recording is unpacked.
    shutil.rmtree(project / "results/archives")
    (project / "mirror.yaml").write_text("data:\n  maestro_real:\n    address: https://mirror.example\n")
    assert planned(project, configuration=[*configuration, "mirror.yaml"]) == {}
    after = {
        "train_system": 10,
        "predict_system": 10,
        "evaluate_system": 4,
        "make_training_curves": 1,
        "make_convergence_table": 1,
        "draw_figure": 3,
    }
    after |= {"make_table2": 1, "make_class_curves": 1, "make_intervals": 1, "make_reliability": 1, "make_origin": 1}
    after |= {"render_document": 3, "build_page": 1}
    from_labels = {
        **after,
        "harden_labels": 1,
        "predict_prior": 10,
        "make_table1": 1,
        "make_label_statistics": 1,
        "render_document": 5,
    }
    table = project / "recordings.tsv"
    before = table.read_text()
    table.write_text(before + "city_center_99\tcity_center\t20.5\n")
    new = {"unpack_recording": 1, "unpack_labels": 1, "extract_features": 1, "make_media": 1}
    expected = {**from_labels, **new, "write_manifest": 1, "adopt_labels": 1, "make_folds": 1}
    assert planned(project, configuration=configuration) == expected
    again = planned(project, "--forcerun", "fetch_archive", "--", configuration=configuration)
    assert again == {**expected, "fetch_archive": 2}
    table.write_text(before)
    assert planned(project, configuration=configuration) == {}

    # One annotation, and one recording.
    with (results / "data/published/cafe_restaurant_00.txt").open("a") as file:
        file.write("\n")
    assert planned(project, configuration=configuration) == {**from_labels, "adopt_labels": 1}
    with (results / "data/audio/cafe_restaurant_00.wav").open("ab") as file:
        file.write(b"x")
    expected = {**from_labels, "adopt_labels": 1, "extract_features": 1, "make_media": 1, "write_manifest": 1}
    assert planned(project, configuration=configuration) == expected
