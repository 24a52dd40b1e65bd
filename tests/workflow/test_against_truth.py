"""The table against the true events: sed_eval computes every cell again from the source files.

Nothing here uses the package: events of the truth go to sed_eval as they are, outputs second by second.
"""

import json
import statistics
import warnings

import numpy as np
import pytest
import yaml
from sklearn.metrics import roc_auc_score
from support.project import TINY, planned, snakemake
from support.tsv import read_rows

with warnings.catch_warnings():
    warnings.simplefilter("ignore", UserWarning)
    from sed_eval.sound_event import SegmentBasedMetrics

RUNS = {"H_BCE_sig": 2, "S_BCE_sig": 2, "S_MSE_lin": 2, "H_BCE_sig_joint": 2, "scene_prior": 1, "recording_prior": 1}
FOLDS = ["fold1", "fold2", "fold3"]


@pytest.fixture(scope="module")
def results(finished):
    return finished / "results" / "tiny"


def by_recording(path, names):
    """The rows of a table of labels for each recording."""
    listed = {name: [] for name in names}
    for row in read_rows(path):
        listed[row["recording"]].append(row)
    return listed


@pytest.fixture(scope="module")
def known(finished, results):
    """Sources of the table: classes, folds, true events and soft labels by recording."""
    recordings = finished / "tests/workflow/tiny.tsv"
    classes = yaml.safe_load((finished / "config.yaml").read_text())["evaluate"]["classes"]
    folds = {fold: read_rows(results / "folds" / f"{fold}.tsv") for fold in FOLDS}
    names = [row["recording"] for row in folds["fold1"]]
    soft = {method: by_recording(results / f"labels/{method}/soft.tsv", names) for method in ("eq1", "joint")}
    return {
        "classes": classes,
        "seconds": {row["recording"]: int(float(row["duration_s"])) for row in read_rows(recordings)},
        "parts": {
            f: {p: [r["recording"] for r in t if r["part"] == p] for p in ("train", "test")} for f, t in folds.items()
        },
        "truth": {name: read_rows(results / "data" / "truth" / f"{name}.tsv") for name in names},
        "soft": soft,
    }


def count(known, active, names):
    """Error rate, micro and macro F1 (percent) and classes detected; active(name) gives (second, class) pairs."""
    metrics = SegmentBasedMetrics(known["classes"], time_resolution=1.0)
    for name in names:
        truth = [
            {"onset": float(e["onset"]), "offset": float(e["offset"]), "event_label": e["label"]}
            for e in known["truth"][name]
            if e["label"] in known["classes"]
        ]
        found = [{"onset": s, "offset": s + 1, "event_label": label} for s, label in active(name)]
        metrics.evaluate(truth, found, evaluated_length_seconds=known["seconds"][name])
    overall = metrics.results_overall_metrics()
    class_wise = [metrics.class_wise[label] for label in known["classes"]]
    present = [c for c in class_wise if c["Nref"] > 0]
    f1 = [2 * c["Ntp"] / (2 * c["Ntp"] + c["Nfp"] + c["Nfn"]) for c in present]
    tp, fp, fn = (sum(c[key] for c in class_wise) for key in ("Ntp", "Nfp", "Nfn"))
    return {
        "error_rate": overall["error_rate"]["error_rate"],
        "f1_micro": 200 * tp / (2 * tp + fp + fn),
        "f1_macro": 100 * statistics.fmean(f1),
        "classes_detected": sum(c["Ntp"] > 0 for c in class_wise),
        "classes_in_reference": len(present),
    }


def squared_error(known, value, names):
    """Mean over the asked cells; value(name, second, class)."""
    squares = []
    for name in names:
        true = {
            (second, e["label"])
            for e in known["truth"][name]
            for second in range(known["seconds"][name])
            if second < float(e["offset"]) and second + 1 > float(e["onset"])
        }
        for row in known["soft"]["eq1"][name]:
            if row["label"] in known["classes"]:
                cell = int(row["onset"]), row["label"]
                squares.append((min(max(value(name, *cell), 0), 1) - (cell in true)) ** 2)
    return statistics.fmean(squares)


def temporal_skill(known, value, names):
    """AUROC in percent within each recording and class by scikit-learn, mean over recordings, then over classes."""
    found = {}
    for name in names:
        for label in sorted({row["label"] for row in known["soft"]["eq1"][name]} & set(known["classes"])):
            events = [e for e in known["truth"][name] if e["label"] == label]
            seconds = range(known["seconds"][name])
            true = [any(s < float(e["offset"]) and s + 1 > float(e["onset"]) for e in events) for s in seconds]
            if 0 < sum(true) < len(true):
                scores = [value(name, second, label) for second in seconds]
                found.setdefault(label, []).append(100 * roc_auc_score(true, scores))
    return statistics.fmean(statistics.fmean(values) for values in found.values())


def midranges(known, method, fold):
    """(P10 + P90) / 2 of the positive soft labels of the training recordings, by class."""
    listed = {}
    for name in known["parts"][fold]["train"]:
        for row in known["soft"][method][name]:
            if float(row["value"]) > 0:
                listed.setdefault(row["label"], []).append(float(row["value"]))
    return {label: float(np.percentile(values, (10, 90)).mean()) for label, values in listed.items()}


def of_system(known, results, system, method, threshold):
    """All scores of a system at one operating point: pooled and by fold, for each run."""
    for run in range(1, RUNS[system] + 1):
        scores, active = {}, {}
        for fold in FOLDS:
            cut = dict.fromkeys(known["classes"], 0.5) if threshold == "0.5" else midranges(known, method, fold)
            for row in read_rows(results / f"predictions/{system}/run{run}/{fold}.tsv"):
                name, second = row["recording"], int(row["onset"])
                for label in known["classes"]:
                    scores[name, second, label] = float(row[label])
                    if float(row[label]) > cut.get(label, np.inf):
                        active.setdefault(name, []).append((second, label))
        yield lambda name, active=active: active.get(name, []), lambda *cell, scores=scores: scores[cell]


def of_labels(known, results, method):
    """The labels by one method at their own threshold, one run."""
    active = {}
    for name, events in by_recording(results / f"labels/{method}/hard.tsv", known["truth"]).items():
        for event in events:
            if event["label"] in known["classes"]:
                seconds = range(int(event["onset"]), int(event["offset"]))
                active.setdefault(name, []).extend((second, event["label"]) for second in seconds)
    values = {
        (name, int(row["onset"]), row["label"]): float(row["value"])
        for name, table in known["soft"][method].items()
        for row in table
    }
    yield lambda name: active.get(name, []), lambda *cell: values[cell]


def test_every_cell(known, results):
    table = read_rows(results / "report" / "truth.tsv")
    points = [("labels", "eq1", "0.5"), ("labels", "joint", "expected_f1")]
    methods = {system: "joint" if system.endswith("_joint") else "eq1" for system in RUNS}
    points += [(s, m, t) for s, m in methods.items() for t in ("0.5", "class-dependent")]
    assert sorted((row["system"], row["method"], row["threshold"]) for row in table) == sorted(points)
    everyone = [name for fold in FOLDS for name in known["parts"][fold]["test"]]
    assert sorted(everyone) == sorted(known["truth"])
    computed = {}
    for row in table:
        key = row["system"], row["method"], row["threshold"]
        labels = row["system"] == "labels"
        runs = list(of_labels(known, results, row["method"]) if labels else of_system(known, results, *key))
        pooled = [count(known, active, everyone) for active, _ in runs]
        by_fold = [[count(known, active, known["parts"][f]["test"]) for f in FOLDS] for active, _ in runs]
        folds = [found for run in by_fold for found in run]
        computed[key] = pooled, folds
        for name in ("error_rate", "f1_micro", "f1_macro", "classes_detected", "classes_in_reference"):
            assert float(row[name]) == pytest.approx(statistics.fmean(p[name] for p in pooled), rel=1e-5), (key, name)
        for name in ("error_rate", "f1_micro", "f1_macro"):
            expected = statistics.stdev(found[name] for found in folds)
            assert float(row[f"{name}_std"]) == pytest.approx(expected, rel=1e-4, abs=1e-5), (key, name)
        skill = [temporal_skill(known, value, everyone) for _, value in runs]
        assert float(row["auroc_within"]) == pytest.approx(statistics.fmean(skill), rel=1e-4)
        mse = [squared_error(known, value, everyone) for _, value in runs]
        assert float(row["mse"]) == pytest.approx(statistics.fmean(mse), rel=1e-4)
        mse = [squared_error(known, value, known["parts"][f]["test"]) for _, value in runs for f in FOLDS]
        assert float(row["mse_std"]) == pytest.approx(statistics.stdev(mse), rel=1e-3)
    compared = {
        ("labels", "joint", "expected_f1"): ("labels", "eq1", "0.5"),
        **{("H_BCE_sig_joint", "joint", t): ("H_BCE_sig", "eq1", t) for t in ("0.5", "class-dependent")},
    }
    for row in table:
        key = row["system"], row["method"], row["threshold"]
        if key not in compared:
            assert {row["against"], row["f1_macro_gain"], row["f1_micro_gain_std"]} == {""}
            continue
        mine, other = computed[key], computed[compared[key]]
        for name in ("f1_micro", "f1_macro"):
            pooled, folds = (
                [a[name] - b[name] for a, b in zip(*pair, strict=True)] for pair in zip(mine, other, strict=True)
            )
            assert float(row[f"{name}_gain"]) == pytest.approx(statistics.fmean(pooled), rel=1e-4, abs=1e-4)
            assert float(row[f"{name}_gain_std"]) == pytest.approx(statistics.stdev(folds), rel=1e-4, abs=1e-4)


def test_page_and_metrics_describe_their_content(results):
    page = (results / "report" / "truth.md").read_text(encoding="utf-8")
    assert "`H_BCE_sig_joint` | joint | class-dependent" in page
    assert "The references of Table 2 are\nlabels" in page
    found = json.loads((results / "metrics/H_BCE_sig_joint/run2.truth.json").read_text())
    assert found["training"] == {"labels": "hard", "loss": "bce", "output": "sigmoid", "method": "joint"}
    assert not (results / "metrics/H_BCE_sig_joint/run2.json").exists()  # the reference would be other labels


def test_user_folder_of_true_events(project):
    """The demo's true events as hard label text give the same table."""
    (project / "mine").mkdir()
    for path in (project / "results/tiny/data/truth").iterdir():
        events = [f"{row['onset']}\t{row['offset']}\t{row['label']}\n" for row in read_rows(path)]
        (project / "mine" / f"{path.stem}.txt").write_text("".join(events))
    table = project / "results/tiny/report/truth.tsv"
    before = table.read_text()
    configuration = [*TINY, "--config", "truth=mine"]
    expected = {
        "evaluate_ground_truth": 10,
        "evaluate_ground_truth_labels": 2,
        "make_ground_truth_table": 1,
        "make_intervals": 1,
        "make_origin": 1,
        "build_page": 1,
    }
    expected |= {"render_document": 2, "measure_crowd_size": 2, "collect_crowd_sizes": 1, "make_crowd_page": 1}
    assert planned(project, configuration=configuration) == expected
    table.write_text("")
    snakemake(project, configuration=configuration)
    assert table.read_text() == before
