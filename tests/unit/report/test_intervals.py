import json

import numpy as np
import pytest
from scipy import stats
from support.tsv import read_rows

from softsed.core.event_text import write_events
from softsed.core.labels import harden, to_events, write_hard, write_soft
from softsed.core.scores import write_scores
from softsed.evaluate import ground_truth
from softsed.evaluate import system as evaluate
from softsed.report import intervals
from softsed.report.intervals import MIDRANGE, difference_rows, interval, metric_rows, spread_of
from softsed.report.jackknife import leave_out, ranking_metrics, threshold_metrics

CLASSES = ["a", "b", "c"]
CONFIG = {"classes": "all", "threshold": 0.5, "trim": 10, "epsilon": 0.001}
SYSTEMS = {"better": [1, 2], "worse": [1], "prior": [1]}
OTHERS = {"other": [1]}  # with labels by another method


@pytest.fixture
def folder(tmp_path):
    """Eight recordings of two scenes in two folds, two systems and a prior."""
    rng = np.random.default_rng(0)
    names = [f"{scene}_{i}" for i in range(4) for scene in ("s", "t")]
    (tmp_path / "truth").mkdir()
    soft = {name: rng.random((40, 3)).round(3) for name in names}
    for name in names:
        soft[name][:, 2 if name[0] == "s" else 1] = np.nan
        write_events(tmp_path / "truth" / f"{name}.txt", to_events(harden(soft[name], 0.8), CLASSES))
    write_soft(tmp_path / "soft.tsv", soft, CLASSES)
    write_hard(tmp_path / "hard.tsv", {n: to_events(harden(v, 0.5), CLASSES) for n, v in soft.items()})
    (tmp_path / "classes.tsv").write_text("class\n" + "".join(f"{name}\n" for name in CLASSES))
    for fold in (1, 2):
        parts = [(n, "test" if i % 2 == fold - 1 else "validation" if i < 2 else "train") for i, n in enumerate(names)]
        rows = "".join(f"{name}\t{name[0]}\t{part}\n" for name, part in parts)
        (tmp_path / f"fold{fold}.tsv").write_text("recording\tscene\tpart\n" + rows)
        tested = [name for name, part in parts if part == "test"]
        for system, runs in (SYSTEMS | OTHERS).items():
            for run in runs:
                path = tmp_path / f"predictions/{system}/run{run}/fold{fold}.tsv"
                path.parent.mkdir(parents=True, exist_ok=True)
                noise = {"better": 0.1, "worse": 0.6, "prior": 3, "other": 0.3}[system]
                levels = {n: np.nan_to_num(soft[n]) + rng.normal(0, noise, (40, 3)) for n in tested}
                write_scores(path, levels, CLASSES)
    return tmp_path


def run(folder, *more):
    arguments = {
        "--predictions": folder / "predictions",
        "--systems": json.dumps(SYSTEMS),
        **{"--priors": "prior", "--soft": folder / "soft.tsv", "--hard": folder / "hard.tsv"},
        **{"--classes": folder / "classes.tsv", "--config": json.dumps(CONFIG)},
        **{"--metrics": folder / "intervals.tsv", "--differences": folder / "differences.tsv"},
    }
    folds = ["--folds", str(folder / "fold1.tsv"), str(folder / "fold2.tsv")]
    intervals.main([str(word) for pair in arguments.items() for word in pair] + folds + list(more))
    return [read_rows(folder / f"{name}.tsv") for name in ("intervals", "differences")]


def test_values_equal_those_of_evaluate(folder):
    metrics, _ = run(folder)
    found = {(r["system"], r["threshold"], r["reference"], r["metric"]): float(r["value"]) for r in metrics}
    assert len(found) == len(metrics)
    folds = [str(folder / f"fold{fold}.tsv") for fold in (1, 2)]
    for system, runs in SYSTEMS.items():
        pooled = []
        for number in runs:
            files = [str(folder / f"predictions/{system}/run{number}/fold{fold}.tsv") for fold in (1, 2)]
            options = ["--system", system, "--run", str(number), "--scores", *files, "--folds", *folds]
            options += ["--soft", str(folder / "soft.tsv"), "--hard", str(folder / "hard.tsv"), "--loss", "mse"]
            options += ["--classes", str(folder / "classes.tsv"), "--config", json.dumps(CONFIG)]
            evaluate.main([*options, "--output", str(folder / "metrics.json")])
            pooled.append(json.loads((folder / "metrics.json").read_text())["pooled"])
        for point, reference in (("0.5", "hard"), (MIDRANGE, "soft")):
            for name, scale in (("error_rate", 1), ("f1_micro", 100), ("f1_macro", 100)):
                expected = scale * np.mean([part["operating_points"][point][name] for part in pooled])
                assert found[system, point, reference, name] == pytest.approx(expected, rel=1e-4)
        for reference, name in (
            ("hard", "f1_best_macro"),
            ("hard", "mpauc"),
            ("hard", "auroc_within"),
            ("soft", "auroc_within"),
        ):
            expected = 100 * np.mean([part["ranking"][reference][name] for part in pooled])
            assert found[system, "any", reference, name] == pytest.approx(expected, rel=1e-4)


def test_intervals_contain_values_and_pair_systems(folder):
    metrics, differences = run(folder)
    for row in metrics:
        assert float(row["low"]) <= float(row["value"]) <= float(row["high"]), row
        assert (row["run_std"] != "") == (row["system"] == "better")
    pairs = {(row["system"], row["against"]) for row in differences}
    assert pairs == {("better", "prior"), ("worse", "prior"), ("worse", "better")}
    gap = {(r["system"], r["against"], r["threshold"], r["metric"]): r for r in differences}
    value = {(r["system"], r["threshold"], r["metric"]): float(r["value"]) for r in metrics}
    row = gap["better", "prior", "0.5", "f1_micro"]
    expected = value["better", "0.5", "f1_micro"] - value["prior", "0.5", "f1_micro"]
    assert float(row["difference"]) == pytest.approx(expected, abs=1e-3)
    assert float(row["low"]) > 0
    assert float(gap["worse", "better", "any", "mse"]["low"]) > 0
    runs = {(row["system"], row["against"]): row["runs"] for row in differences}
    assert runs == {("better", "prior"): "2", ("worse", "prior"): "1", ("worse", "better"): "1"}
    # With the scene known, classes that are not annotated are not detected: fewer false alarms, and no hit is lost.
    for system in ("worse", "prior"):
        assert value[system, "0.5, scene known", "error_rate"] < value[system, "0.5", "error_rate"]


def test_metrics_against_truth_equal_those_of_evaluate(folder):
    """Also for a system with labels by another method, which has no other metrics."""
    metrics, differences = run(folder, "--truth", str(folder / "truth"), "--only-truth", json.dumps(OTHERS))
    found = {(r["system"], r["metric"]): float(r["value"]) for r in metrics if r["reference"] == "truth"}
    assert {name for system, name in found if system == "other"} == {"f1_best_macro", "mpauc", "auroc_within", "brier"}
    assert {row["reference"] for row in metrics if row["system"] == "other"} == {"truth"}
    folds = [str(folder / f"fold{fold}.tsv") for fold in (1, 2)]
    for system in ("other", "worse"):
        files = [str(folder / f"predictions/{system}/run1/fold{fold}.tsv") for fold in (1, 2)]
        options = ["system", "--system", system, "--run", "1", "--scores", *files, "--folds", *folds]
        options += ["--soft", str(folder / "soft.tsv"), "--truth", str(folder / "truth")]
        options += ["--training", json.dumps({"method": "any"})]
        options += ["--classes", str(folder / "classes.tsv"), "--config", json.dumps(CONFIG)]
        ground_truth.main([*options, "--output", str(folder / "truth.json")])
        pooled = json.loads((folder / "truth.json").read_text())["pooled"]
        for name, expected in pooled["ranking"].items():
            assert found[system, name] == pytest.approx(100 * expected, rel=1e-4), name
        assert found[system, "brier"] == pytest.approx(pooled["mse"], rel=1e-4)
    pairs = {(row["system"], row["against"]) for row in differences if row["reference"] == "truth"}
    assert {("other", against) for against in ("prior", "better", "worse")} <= pairs
    assert {row["reference"] for row in differences if row["system"] == "other"} == {"truth"}


def test_pairing_removes_shared_variation():
    """Two systems that differ by a constant on every draw have wide intervals and a difference of width 0."""
    shared = np.linspace(0.2, 0.8, 101)
    systems = {
        name: {("0.5", "hard", "f1_micro"): (shared + gain)[None]} for name, gain in (("one", 0.0), ("two", 0.1))
    }
    wide, _ = metric_rows(systems, ["s"] * 100)
    assert wide["high"] - wide["low"] > 5
    (row,) = difference_rows(systems, ["s"] * 100, [])
    assert (row["low"], row["difference"], row["high"]) == pytest.approx((0.1, 0.1, 0.1))


def without_each(values):
    """Return a mean and the means with one value left out, in the order of `resample`."""
    return np.concatenate([[values.mean()], (values.sum() - values) / (len(values) - 1)])


def test_interval_of_mean_is_that_of_the_textbook():
    values = np.random.default_rng(1).normal(0, 1, 12)
    expected = stats.t.interval(0.95, 11, loc=values.mean(), scale=stats.sem(values))
    value, *found = interval(without_each(values), ["s"] * 12, [])
    assert value == pytest.approx(values.mean())
    assert found == pytest.approx(expected)


def test_runs_widen_interval_as_in_welchs_test():
    """With a variance of the runs, its degrees of freedom are those of Welch's test of two samples."""
    rng = np.random.default_rng(2)
    recordings, runs = rng.normal(0, 1, 9), rng.normal(0, 2, 4)
    expected = stats.ttest_ind(recordings, runs, equal_var=False).confidence_interval(0.95)
    _, low, high = interval(without_each(recordings), ["s"] * 9, spread_of(runs[:, None]))
    assert high - low == pytest.approx(expected.high - expected.low)
    assert spread_of(runs[:1, None]) == []


def test_intervals_cover_true_macro_f1():
    """Of 200 data sets of five scenes with five recordings, with rare and missed classes, 95 % cover the true value."""
    rng = np.random.default_rng(3)

    def recording(scene):
        reference, output = np.zeros((2, 60, 8), bool)
        for label in range(scene, scene + 4):
            reference[:, label] = rng.random(60) < rng.beta(0.5, 2)
            hit = rng.random(60) < rng.beta(2, 2) * (1 if label % 2 else 0.4)
            output[:, label] = np.where(reference[:, label], hit, rng.random(60) < 0.05)
        return reference, output

    def macro_f1(pairs, weights):
        return threshold_metrics(pairs)["f1_macro"](weights)

    true = macro_f1([recording(scene) for scene in range(5) for _ in range(800)], np.ones((1, 4000)))[0]
    scenes = [str(scene) for scene in range(5) for _ in range(5)]
    weights = np.concatenate([np.ones((1, 25)), leave_out(scenes)])
    covered = 0
    for _ in range(200):
        values = macro_f1([recording(int(scene)) for scene in scenes], weights)
        _, low, high = interval(values, scenes, [])
        covered += low <= true <= high
    assert 0.9 * 200 <= covered <= 0.99 * 200


def test_intervals_cover_true_best_macro_f1():
    """Of 150 data sets as above, 140 extended intervals cover the true value, and 137 that are not extended."""
    rng = np.random.default_rng(4)

    def recording(scene):
        reference, output = np.zeros((60, 8), bool), rng.normal(0, 1, (60, 8))
        for label in range(scene, scene + 4):
            reference[:, label] = rng.random(60) < rng.beta(0.5, 2) * (0.4 if label % 2 else 1)
            output[:, label] += 0.8 + rng.normal(0, 0.4)
            output[:, label] += rng.normal(1.2 if label % 2 else 0.6, 0.4) * reference[:, label]
        return reference, output.round(2)

    def best_f1(recordings, weights):
        return ranking_metrics(*map(list, zip(*recordings, strict=True)))["f1_best_macro"](weights)

    true = best_f1([recording(scene) for scene in range(5) for _ in range(400)], np.ones((1, 2000)))[0]
    scenes = [str(scene) for scene in range(5) for _ in range(5)]
    weights = np.concatenate([np.ones((1, 25)), leave_out(scenes)])
    covered = 0
    for _ in range(150):
        values = best_f1([recording(int(scene)) for scene in scenes], weights)
        _, low, high = interval(values, scenes, [], biased=True)
        covered += low <= true <= high
    assert covered >= 138


def test_bias_extends_interval_on_one_side():
    values = without_each(np.random.default_rng(7).normal(0, 1, 8))
    value, low, high = interval(values, ["s"] * 8, [])
    values[1:] += 0.1  # the value is estimated to be 7 x 0.1 too high
    assert interval(values, ["s"] * 8, [], biased=True) == pytest.approx((value, low - 0.7, high))


def test_difference_of_best_macro_f1_is_extended():
    """Only the first system is biased, so that the bias does not cancel."""
    values = without_each(np.random.default_rng(8).normal(0.5, 0.1, 8))
    biased = values + np.array([0, *[0.01] * 8])
    keys = [("any", "hard", name) for name in ("f1_best_macro", "mpauc")]
    systems = {"prior": dict.fromkeys(keys, values[None] / 2), "one": dict.fromkeys(keys, biased[None])}
    best, area = difference_rows(systems, ["s"] * 8, ["prior"])
    assert (best["difference"], best["high"]) == pytest.approx((area["difference"], area["high"]))
    assert best["low"] == pytest.approx(area["low"] - 7 * 0.01)


def test_undefined_values_have_no_interval():
    assert interval(np.array([np.nan, 1.0]), ["s"], []) == (None, None, None)
    assert interval(np.array([1.0, np.nan]), ["s"], []) == (None, None, None)
