"""Annotators of a fold, estimated from its training opinions; simulated crowds with known competence."""

import json

import numpy as np
import pytest
from support.crowds import ask
from support.errors import refused
from support.tsv import write_opinions

from softsed.labels import annotators
from softsed.labels.annotators import DETECTION, estimate_annotators

COMPETENCE, RATE = np.array([0.9, 0.8, 0.7, 0.6, 0, 0]), 0.3


def simulate(rng, names, seconds=200):
    """Simulate opinions by the model: events of 4 s, three annotators per window. Return also the active seconds."""
    marks, truth = {}, 0
    for name in names:
        active = np.zeros(seconds, dtype=bool)
        for onset in rng.integers(0, seconds - 6, seconds // 25):
            active[onset : onset + 4] = True
        marks[name], truth = np.repeat(active[:, None, None], len(COMPETENCE), axis=1), truth + active.sum()
    opinions, recordings = ask(marks, number=3, rng=rng)
    for row, (window, who) in enumerate(zip(opinions.window, opinions.annotator, strict=True)):
        name, onset, offset = opinions.recording[window], opinions.onset[window], opinions.offset[window]
        heard = rng.uniform() > (1 - DETECTION) ** marks[name][onset:offset, 0].sum()
        opinions.opinion[row] = heard if rng.uniform() < COMPETENCE[who] else rng.uniform() < RATE
    return opinions, recordings, truth


def test_estimates_agree_with_the_simulated_crowd():
    opinions, recordings, active_s = simulate(np.random.default_rng(2), "rs")
    found = estimate_annotators(opinions, recordings, 200)
    np.testing.assert_allclose(np.array(found["competence"])[:, 0], COMPETENCE, atol=0.2)
    np.testing.assert_allclose(np.array(found["tick_rate"])[4:, 0], RATE, atol=0.1)  # of the spammers
    assert found["active_s"][0] == pytest.approx(active_s, rel=0.3)
    assert found["annotators"] == opinions.annotators


def test_windows_longer_than_joint_can_use_are_refused():
    opinions, recordings = ask({"r": np.zeros((20, 1, 1), dtype=bool)}, window=13)
    with refused(key="systems", problem="13 s"):
        estimate_annotators(opinions, recordings, 200)


@pytest.fixture
def folder(tmp_path):
    """Write two recordings with opinions, the second one for validation by other annotators."""
    (tmp_path / "recordings.tsv").write_text("recording\tscene\tduration_s\na\ts\t30\nb\ts\t30\n")
    (tmp_path / "classes.tsv").write_text("class\ndog\n")
    (tmp_path / "scenes.tsv").write_text("scene\tclass\ns\tdog\n")
    (tmp_path / "fold1.tsv").write_text("recording\tscene\tpart\na\ts\ttrain\nb\ts\tvalidation\nc\ts\ttest\n")
    rows = [("a", start, start + 10, who, "dog", start % 2) for start in range(20) for who in ("Ann", "Bob")]
    rows += [("b", start, start + 10, "Eve", "dog", 1) for start in range(20)]
    write_opinions(tmp_path / "opinions.tsv", rows)
    return tmp_path


def run(folder):
    files = {name: folder / f"{name}.tsv" for name in ("opinions", "recordings", "classes", "scenes")}
    options = [text for name, file in files.items() for text in (f"--{name}", str(file))]
    options += ["--fold", str(folder / "fold1.tsv"), "--class-weight", "200", "--output", str(folder / "out.json")]
    annotators.main(options)
    return json.loads((folder / "out.json").read_text())


def test_opinions_on_other_parts_have_no_influence(folder):
    found = run(folder)
    assert found["annotators"] == ["Ann", "Bob"]
    assert np.shape(found["competence"]) == np.shape(found["tick_rate"]) == (2, 1)
    text = (folder / "opinions.tsv").read_text().splitlines(keepends=True)
    (folder / "opinions.tsv").write_text("".join(line for line in text if not line.startswith("b\t1")))
    assert run(folder) == found


def test_long_window_of_another_part_is_refused(folder):
    with (folder / "opinions.tsv").open("a") as file:
        file.write("b\t0\t13\tEve\tdog\t1\n")
    with refused(key="systems", problem="13 s", golden=False):
        run(folder)


def test_fold_without_training_opinions_is_refused(folder):
    text = (folder / "opinions.tsv").read_text().splitlines(keepends=True)
    (folder / "opinions.tsv").write_text("".join(line for line in text if not line.startswith("a\t")))
    with refused(file="fold1.tsv", problem="training"):
        run(folder)
