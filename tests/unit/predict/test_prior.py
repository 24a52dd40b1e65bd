"""The two baselines without audio: means by hand, no leak of test labels, and real labels."""

import csv

import numpy as np
import pytest
from support.errors import refused
from support.shared import shared

from softsed.core.labels import write_soft
from softsed.core.scores import read_scores
from softsed.evaluate.divergence import kld_bernoulli
from softsed.predict.prior import main, mean_label, recording_prior, scene_prior

SCENES = {"a0": "a", "a1": "a", "a2": "a", "b0": "b", "b1": "b"}
PARTS = {"a0": "train", "a1": "validation", "a2": "test", "b0": "train", "b1": "test"}


def labels():
    nan = np.nan
    return {  # the third class is not annotated in scene a, the first not in scene b
        "a0": np.array([[0.2, 0.0, nan], [0.4, 0.0, nan], [0.6, 0.3, nan]]),
        "a1": np.array([[1.0, 0.3, nan]]),
        "a2": np.array([[0.9, 0.8, nan], [0.7, 0.0, nan]]),
        "b0": np.array([[nan, 0.5, 0.0]]),
        "b1": np.array([[nan, 0.0, 1.0]] * 5),
    }


def test_scene_prior_is_the_mean_of_other_recordings():
    scores = scene_prior(SCENES, PARTS, labels())
    assert list(scores) == ["a2", "b1"]
    np.testing.assert_allclose(scores["a2"], [[0.55, 0.15, 0]] * 2)  # (0.2 + 0.4 + 0.6 + 1) / 4, (0.3 + 0.3) / 4
    np.testing.assert_allclose(scores["b1"], [[0, 0.5, 0]] * 5)


def test_scene_prior_does_not_use_test_labels():
    changed = labels()
    changed["a2"][:] = 0.123
    np.testing.assert_array_equal(scene_prior(SCENES, PARTS, changed)["a2"], scene_prior(SCENES, PARTS, labels())["a2"])


def test_scene_without_training_recordings_is_refused():
    with refused(key="folds", problem="scenes ['b']"):
        scene_prior(SCENES, PARTS | {"b0": "test"}, labels())


def test_recording_prior_is_the_mean_of_its_recording():
    scores = recording_prior(PARTS, labels())
    np.testing.assert_allclose(scores["a2"], [[0.8, 0.4, 0]] * 2)
    np.testing.assert_allclose(scores["b1"], [[0, 0, 1]] * 5)


def test_no_constant_has_a_lower_divergence():
    rng = np.random.default_rng(3)
    soft = rng.beta(0.6, 0.9, size=(200, 4))
    best = kld_bernoulli(soft, np.tile(mean_label([soft]), (200, 1)), epsilon=1e-7)
    for constant in rng.random((50, 4)):
        assert best <= kld_bernoulli(soft, np.tile(constant, (200, 1)), epsilon=1e-7)


@pytest.mark.parametrize("kind", ["scene_prior", "recording_prior"])
def test_command_scores_the_test_recordings(tmp_path, kind):
    classes = ["x", "y", "z"]
    (tmp_path / "classes.tsv").write_text("class\nx\ny\nz\n")
    rows = "".join(f"{name}\t{SCENES[name]}\t{part}\n" for name, part in PARTS.items())
    (tmp_path / "fold1.tsv").write_text("recording\tscene\tpart\n" + rows)
    write_soft(tmp_path / "soft.tsv", labels(), classes)
    main(
        [
            *("--kind", kind, "--fold", str(tmp_path / "fold1.tsv"), "--soft", str(tmp_path / "soft.tsv")),
            *("--classes", str(tmp_path / "classes.tsv"), "--output", str(tmp_path / "scores.tsv")),
        ]
    )
    expected = scene_prior(SCENES, PARTS, labels()) if kind == "scene_prior" else recording_prior(PARTS, labels())
    scores = read_scores(tmp_path / "scores.tsv", classes)
    assert list(scores) == list(expected)
    for name, values in expected.items():
        np.testing.assert_allclose(scores[name], values, atol=1e-6)


def test_scene_prior_of_real_labels_has_known_metrics():
    """Expected values: loops in plain Python over the TSV, means of the training and validation recordings.

    Training recordings alone would give F1 .632 and ER .547, and a leak of the test labels .654 and .493.
    """
    real = shared("maestro_real")
    found: dict[str, list[list[float]]] = {}
    with (real / "soft_labels.tsv").open() as file:
        for row in list(csv.reader(file, delimiter="\t"))[1:]:
            found.setdefault(row[0].removesuffix(".wav"), []).append([float(value) for value in row[3:]])
    soft = {name: np.array(values) for name, values in found.items()}
    scenes = {name: name[:-3] for name in soft}
    reference, output = [], []
    for fold in range(1, 6):
        parts = {}
        for part in ("train", "val", "test"):
            lines = (real / "development_folds" / f"fold{fold}_{part}.csv").read_text().split()[1:]
            parts |= {line.split("/")[1]: part for line in lines if line.split("/")[1] in soft}
        for name, scores in scene_prior(scenes, parts, soft).items():
            reference.append(soft[name] > 0.5)
            output.append(scores > 0.5)
    r, o = np.concatenate(reference), np.concatenate(output)
    assert len(reference) == len(soft) == 25
    both, n_ref, n_sys = (r & o).sum(axis=1), r.sum(axis=1), o.sum(axis=1)
    f1 = 2 * both.sum() / (n_ref.sum() + n_sys.sum())
    error_rate = (np.maximum(n_ref, n_sys) - both).sum() / n_ref.sum()  # S + D + I of a segment
    assert f1 == pytest.approx(0.6244, abs=1e-3)
    assert error_rate == pytest.approx(0.5327, abs=1e-3)
    detected = (r & o).any(axis=0).sum()
    assert detected < r.any(axis=0).sum() / 2  # the baseline detects less than half of the classes
