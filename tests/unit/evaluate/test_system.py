"""Evaluation of a system: operating points, classes without labels, and the JSON file."""

import json
import math

import numpy as np
import pytest

from softsed.core.labels import harden, to_events, write_hard, write_soft
from softsed.core.scores import write_scores
from softsed.evaluate.system import evaluate, main

CLASSES = ["a", "b", "c"]
CONFIG = {"classes": ["a", "b"], "threshold": 0.5, "trim": 10, "epsilon": 1e-7}


def test_active_above_threshold_and_in_annotated_class():
    soft = {"r": np.array([[0.5, np.nan, 0.6], [0.51, np.nan, 0.0]]), "t": np.array([[0.4, 0.2, 0.4]])}
    hard = {name: harden(labels, 0.5) for name, labels in soft.items()}
    scores = {"r": np.array([[0.5, 0.2, 0.9], [0.9, 0.2, 0.5]])}
    result = evaluate({"fold1": (scores, ["t"])}, soft, hard, CLASSES, config=CONFIG)
    fixed, adapted = (result["pooled"]["operating_points"][point] for point in ("0.5", "class-dependent"))
    assert fixed["counts"] | {"tp": 2, "fp": 0, "fn": 0} == fixed["counts"]
    # thresholds .4, .2, .4: b has no reference in r and its output is not above .2; c at 1 s is a false alarm
    assert adapted["counts"] | {"tp": 3, "fp": 1, "fn": 0} == adapted["counts"]


def test_class_without_training_labels(caplog):
    soft = {"r": np.array([[0.9, 0.9, 0.9]]), "t": np.array([[0.4, 0.0, np.nan]])}
    hard = {name: harden(labels, 0.5) for name, labels in soft.items()}
    result = evaluate({"fold1": ({"r": np.ones((1, 3))}, ["t"])}, soft, hard, CLASSES, config=CONFIG)
    assert [math.isnan(v) for v in result["thresholds"]["class-dependent"]["fold1"].values()] == [False, True, True]
    found = result["pooled"]["operating_points"]["class-dependent"]
    assert (found["classes_in_reference"], found["classes_detected"], found["f1_micro"]) == (1, 1, 1)
    expected = "classes ['b', 'c'] do not count at class-dependent thresholds in fold1: "
    expected += "no training recording has a positive soft label of them"
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [("WARNING", expected)]


def test_all_classes_beside_the_evaluated():
    """Thresholds .3: a is evaluated, b and c are not; no second has a hard label of c, and b is missed."""
    soft = {"r": np.array([[0.9, 0.6, 0.4], [0.0, 0.0, 0.1]]), "t": np.full((1, 3), 0.3)}
    hard = {name: harden(labels, 0.5) for name, labels in soft.items()}
    scores = {"r": np.array([[0.9, 0.2, 0.35], [0.1, 0.1, 0.1]])}
    result = evaluate({"fold1": (scores, ["t"])}, soft, hard, CLASSES, config=CONFIG, chosen=[0])
    points = result["pooled"]["operating_points"]
    assert {point: list(found["class_wise"]) for point, found in points.items()} == {
        **{"0.5": ["a"], "class-dependent": ["a"]},
        "class-dependent, all classes": CLASSES,
    }
    found = points["class-dependent, all classes"]
    assert (found["classes_detected"], found["classes_in_reference"]) == (2, 3)
    assert found["f1_micro"] == pytest.approx(2 * 2 / (2 * 2 + 1))
    assert points["class-dependent"]["f1_micro"] == 1
    assert result["pooled"]["without_hard_labels"] == {"classes": ["c"], "classes_detected": ["c"]}
    thresholds = result["thresholds"]["class-dependent, all classes"]["fold1"]
    assert thresholds == dict.fromkeys(CLASSES, pytest.approx(0.3))


def test_classes_without_hard_labels_of_all_folds():
    """Class a has a hard label in the second fold only, so that it is not without hard labels in the first one."""
    soft = {"r": np.array([[0.4, 0.4, 0.0]]), "s": np.array([[0.9, 0.4, 0.0]]), "t": np.full((1, 3), 0.2)}
    hard = {name: harden(labels, 0.5) for name, labels in soft.items()}
    folds = {f"fold_{name}": ({name: np.array([[0.0, 0.0, 0.0]])}, ["t"]) for name in "rs"}
    result = evaluate(folds, soft, hard, CLASSES, config=CONFIG)
    for part in (result["pooled"], result["folds"]["fold_r"]):
        assert part["without_hard_labels"] == {"classes": ["b"], "classes_detected": []}
    assert list(result["thresholds"]) == ["0.5", "class-dependent"]  # nothing is doubled


def test_temporal_skill_against_both_labels():
    """Soft labels .1 < .4 < .8 have the scores 1, 0, 2: two of three pairs. The only hard second has the highest."""
    soft = {"r": np.array([[0.1], [0.4], [0.8]]), "t": np.array([[0.5]])}
    hard = {name: harden(labels, 0.5) for name, labels in soft.items()}
    scores = {"r": np.array([[1.0], [0.0], [2.0]])}
    found = evaluate({"fold1": (scores, ["t"])}, soft, hard, ["a"], config=CONFIG)["pooled"]["ranking"]
    assert found["soft"] == {"auroc_within": pytest.approx(2 / 3)}
    assert found["hard"] == {"f1_best_macro": 1, "mpauc": 1, "auroc_within": 1}


def test_divergence_of_class_not_annotated():
    soft = {"r": np.array([[0.5, np.nan, 0.5]]), "t": np.full((1, 3), 0.5)}
    hard = {name: harden(labels, 0.4) for name, labels in soft.items()}
    scores = {"r": np.full((1, 3), 0.5)}
    found = evaluate({"fold1": (scores, ["t"])}, soft, hard, CLASSES, config=CONFIG)["pooled"]["kld"]
    assert found["soft"]["kld_bernoulli"] == pytest.approx(math.log(2))  # b alone: 0 against 0.5
    assert found["hard"]["kld_bernoulli"] == pytest.approx(3 * math.log(2))
    assert found["soft"]["kld_time"] == 0  # one second: both distributions are 1


def test_unlabelled_seconds_change_no_metric():
    """Seconds without any label give the metrics of recordings without these seconds."""
    rng = np.random.default_rng(5)
    soft = {name: rng.random((40, 3)) for name in "rst"}
    kept = {name: rng.random(40) < 0.7 for name in soft}
    scores = {name: np.clip(soft[name] + rng.normal(0, 0.3, (40, 3)), 0, 1) for name in "rs"}
    cut = {name: values[kept[name]] for name, values in soft.items()}
    hard = {name: harden(values, 0.5) for name, values in cut.items()}
    expected = evaluate({"fold1": ({n: scores[n][kept[n]] for n in scores}, ["t"])}, cut, hard, CLASSES, config=CONFIG)
    for name, mask in kept.items():
        soft[name][~mask] = np.nan
    hard = {name: harden(values, 0.5) for name, values in soft.items()}
    limited = {n: np.where(np.isnan(soft[n]), np.nan, scores[n]) for n in scores}
    found = evaluate({"fold1": (limited, ["t"])}, soft, hard, CLASSES, config=CONFIG)
    for part in ("operating_points", "ranking", "without_hard_labels"):
        assert found["pooled"][part] == expected["pooled"][part]
    for kind, values in expected["pooled"]["kld"].items():
        assert found["pooled"]["kld"][kind] == pytest.approx(values)


@pytest.fixture
def folder(tmp_path):
    """Two folds of one recording each, random labels; c is not evaluated, and b is not annotated in r1."""
    rng = np.random.default_rng(0)
    labels = {}
    for name in ("folds", "scores"):
        (tmp_path / name).mkdir()
    (tmp_path / "classes.tsv").write_text("class\na\nb\nc\n")
    for fold, (test, train) in enumerate((("r1", "r2"), ("r2", "r1")), start=1):
        soft = rng.random((30, 3))
        if test == "r1":
            soft[:, 1] = np.nan
        labels[test] = soft
        rows = f"recording\tscene\tpart\n{test}\ts\ttest\n{train}\ts\ttrain\nr3\ts\tvalidation\n"
        (tmp_path / "folds" / f"fold{fold}.tsv").write_text(rows)
        scores = np.nan_to_num(soft) + rng.normal(0, 0.1, soft.shape)
        write_scores(tmp_path / "scores" / f"fold{fold}.tsv", {test: scores}, CLASSES)
    write_soft(tmp_path / "soft.tsv", labels, CLASSES)
    write_hard(tmp_path / "hard.tsv", {name: to_events(harden(soft, 0.5), CLASSES) for name, soft in labels.items()})
    return tmp_path


def run(folder, *, config=CONFIG, loss="mse"):
    main(
        [
            *("--system", "S_MSE_lin", "--run", "2", "--soft", str(folder / "soft.tsv")),
            *("--hard", str(folder / "hard.tsv")),
            *("--scores", str(folder / "scores" / "fold1.tsv"), str(folder / "scores" / "fold2.tsv")),
            *("--folds", *(str(folder / "folds" / f"{fold}.tsv") for fold in ("fold1", "fold2"))),
            *("--classes", str(folder / "classes.tsv"), "--loss", loss, "--config", json.dumps(config)),
            *("--output", str(folder / "run2.json")),
        ]
    )
    return json.loads((folder / "run2.json").read_text())


def test_json_has_units_and_thresholds(folder):
    found = run(folder)
    assert (found["system"], found["run"], found["kld_reference"]) == ("S_MSE_lin", 2, "soft")
    assert found["classes"] == ["a", "b"]
    assert found["config"] == CONFIG
    assert (found["recordings"], found["seconds"]) == (2, 60)
    assert found["thresholds"]["0.5"] == 0.5
    assert list(found["folds"]) == list(found["thresholds"]["class-dependent"]) == ["fold1", "fold2"]
    assert found["thresholds"]["class-dependent"]["fold2"]["b"] is None  # trained on r1, where b is not annotated
    assert found["folds"]["fold1"]["operating_points"]["0.5"]["class_wise"]["b"]["f1"] is None
    assert found["pooled"]["operating_points"]["0.5"]["f1_micro"] > 0.8
    ranking = {"f1_best_macro", "mpauc", "auroc_within"}
    assert {"error_rate", "f1", "counts", "kld", "null"} | ranking == set(found["units"])


def test_all_classes_on_request(folder):
    found = run(folder, config=CONFIG | {"classes": "all"})
    assert found["classes"] == CLASSES
    assert list(found["pooled"]["operating_points"]) == ["0.5", "class-dependent"]


def test_all_classes_are_those_of_a_config_with_all(folder):
    """The operating point beyond the evaluated classes equals the one of a config that evaluates all classes."""
    beyond = run(folder)["pooled"]["operating_points"]["class-dependent, all classes"]
    everything = run(folder, config=CONFIG | {"classes": "all"})["pooled"]["operating_points"]["class-dependent"]
    assert beyond == everything


@pytest.mark.parametrize(("loss", "reference"), [("bce", "hard"), ("mse", "soft"), ("none", "soft")])
def test_divergence_reference_of_caption_of_table2(folder, loss, reference):
    assert run(folder, loss=loss)["kld_reference"] == reference


def test_same_input_same_bytes(folder):
    run(folder)
    first = (folder / "run2.json").read_bytes()
    run(folder)
    assert (folder / "run2.json").read_bytes() == first
