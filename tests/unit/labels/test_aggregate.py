"""Eq. 1 against cases worked by hand and a plain loop; the table of opinions; the command."""

import json

import numpy as np
import pytest
from support.errors import refused
from support.tsv import write_opinions, write_tables

from softsed.core.errors import InputError
from softsed.core.labels import read_soft
from softsed.core.metadata import Recording
from softsed.core.opinions import read_opinions
from softsed.labels import aggregate
from softsed.labels.aggregate import competence, soft_labels

CLASSES = ["birds", "car", "people"]
ASKED = {"street": ["car", "people"], "park": ["birds"]}

pytestmark = pytest.mark.filterwarnings("error")


def recordings(**durations):
    """Return one recording per keyword: in the park for names that start with p, else in the street."""
    return {name: Recording(name, "park" if name[0] == "p" else "street", d) for name, d in durations.items()}


def ask(path, answers, table):
    """Read opinions given as (recording, onset, offset, annotator, ticked classes)."""
    rows = [
        (name, onset, offset, who, label, int(label in ticks))
        for name, onset, offset, who, ticks in answers
        for label in ASKED[table[name].scene]
    ]
    return read_opinions(write_opinions(path / "opinions.tsv", rows), CLASSES, asked=ASKED, recordings=table)


def random_crowd(path, rng, window=10):
    """Ask 8 annotators, 1 to 4 a window, about a street and a park recording; opinions, table and the rows asked."""
    table = recordings(s1=25.7, p1=19.2)
    answers = [
        (name, onset, onset + window, f"A{who}", [label for label in CLASSES if rng.uniform() < 0.4])
        for name, recording in table.items()
        for onset in range(int(recording.duration_s) - window + 1)
        for who in rng.permutation(8)[: rng.integers(1, 5)]
    ]
    return ask(path, answers, table), table, answers


def eq1_by_loops(answers, weights, table):
    """Eq. 1 as it is printed, one second, class and opinion after the other."""
    result = {}
    for name, recording in table.items():
        result[name] = np.full((int(recording.duration_s), len(CLASSES)), np.nan)
        for second in range(int(recording.duration_s)):
            for label in ASKED[recording.scene]:
                heard = [a for a in answers if a[0] == name and a[1] <= second < a[2]]
                votes = sum(weights[int(who[1:])] * (label in ticks) for *_, who, ticks in heard)
                total = sum(weights[int(who[1:])] for *_, who, _ in heard)
                result[name][second, CLASSES.index(label)] = votes / total
    return result


def test_soft_labels_of_reliable_minority(tmp_path):
    """The paper's own remark (Sec. 2.1): 2 of 5 annotators suffice if they are reliable. 1.8 / 2.4 = 0.75."""
    table = recordings(p1=10)
    answers = [("p1", 0, 10, f"A{who}", ["birds"] if who < 2 else []) for who in range(5)]
    opinions = ask(tmp_path, answers, table)
    weighted = soft_labels(opinions, np.array([0.9, 0.9, 0.2, 0.2, 0.2]), recordings=table)["p1"]
    np.testing.assert_allclose(weighted[:, 0], np.full(10, 0.75))
    counted = soft_labels(opinions, np.ones(5), recordings=table)["p1"]
    np.testing.assert_allclose(counted[:, 0], np.full(10, 0.4))


def test_soft_labels_pool_windows(tmp_path):
    """Second 1 lies in both windows: (0.5) / (0.5 + 0.25 + 0.25 + 0.5) = 1/3, while the mean of 1/1 and 0/1 is 1/2."""
    table = recordings(p1=3)
    answers = [
        ("p1", 0, 2, "A0", ["birds"]),
        ("p1", 1, 3, "A0", []),
        ("p1", 1, 3, "A1", []),
        ("p1", 1, 3, "A2", []),
    ]
    values = soft_labels(ask(tmp_path, answers, table), np.array([0.5, 0.25, 0.25]), recordings=table)
    np.testing.assert_allclose(values["p1"][:, 0], [1, 1 / 3, 0])


def test_edge_seconds_have_fewer_windows(tmp_path):
    """12 s, 10-s windows at 0, 1 and 2, ticked in the first only: 1/1, 1/2, then 1/3, and 0 from second 10 on."""
    table = recordings(p1=12.9)
    answers = [("p1", onset, onset + 10, "A0", ["birds"] if onset == 0 else []) for onset in range(3)]
    values = soft_labels(ask(tmp_path, answers, table), np.array([0.3]), recordings=table)["p1"][:, 0]
    np.testing.assert_allclose(values, [1, 1 / 2, *[1 / 3] * 8, 0, 0])
    assert not values[10:].any()  # exactly 0, which cumulative sums would miss


@pytest.mark.parametrize("window", [1, 3, 10])
def test_soft_labels_equal_eq1_by_loops(tmp_path, window):
    rng = np.random.default_rng(window)
    opinions, table, answers = random_crowd(tmp_path, rng, window)
    weights = rng.uniform(0.001, 1, size=8)
    expected = eq1_by_loops(answers, weights, table)
    actual = soft_labels(opinions, weights, recordings=table)
    assert list(actual) == ["s1", "p1"]
    for name in table:
        np.testing.assert_allclose(actual[name], expected[name], rtol=1e-12)  # nan where not asked, in both


def test_soft_labels_of_windows_of_different_lengths(tmp_path):
    table = recordings(p1=6)
    answers = [("p1", 0, 6, "A0", ["birds"]), ("p1", 2, 3, "A1", []), ("p1", 4, 6, "A1", [])]
    values = soft_labels(ask(tmp_path, answers, table), np.array([0.6, 0.2]), recordings=table)["p1"]
    np.testing.assert_allclose(values[:, 0], [1, 1, 0.75, 1, 0.75, 0.75])


@pytest.mark.parametrize("seed", range(5))
def test_values_lie_in_0_to_1_even_with_tiny_weights(tmp_path, seed):
    rng = np.random.default_rng(seed)
    opinions, table, _ = random_crowd(tmp_path, rng)
    weights = 10.0 ** rng.uniform(-300, 0, size=8)
    for values in soft_labels(opinions, weights, recordings=table).values():
        heard = values[~np.isnan(values)]
        assert heard.min() >= 0
        assert heard.max() <= 1


def test_scale_of_the_weights_has_no_influence(tmp_path):
    rng = np.random.default_rng(1)
    opinions, table, _ = random_crowd(tmp_path, rng)
    weights = rng.uniform(size=8)
    one, half = (soft_labels(opinions, w, recordings=table) for w in (weights, weights / 2))
    for name in table:
        np.testing.assert_array_equal(one[name], half[name])


@pytest.mark.parametrize("weight", [0.7, 0.0])
def test_soft_labels_of_equal_weights_are_means(tmp_path, weight):
    opinions, table, answers = random_crowd(tmp_path, np.random.default_rng(2))
    actual = soft_labels(opinions, np.full(8, weight), recordings=table)
    expected = eq1_by_loops(answers, np.ones(8), table)
    for name in table:
        np.testing.assert_allclose(actual[name], expected[name], rtol=1e-12)


def test_soft_labels_ignore_weight_0_beside_others(tmp_path):
    table = recordings(p1=2)
    answers = [("p1", 0, 1, "A0", ["birds"]), ("p1", 0, 1, "A1", []), ("p1", 1, 2, "A0", ["birds"])]
    values = soft_labels(ask(tmp_path, answers, table), np.array([0.0, 0.5]), recordings=table)["p1"]
    np.testing.assert_array_equal(values[:, 0], [0, 1])  # second 1 has only the annotator of weight 0


def test_classes_not_asked_are_nan(tmp_path):
    opinions, table, _ = random_crowd(tmp_path, np.random.default_rng(3))
    values = soft_labels(opinions, np.ones(8), recordings=table)
    assert np.isnan(values["s1"]).all(axis=0).tolist() == [True, False, False]
    assert np.isnan(values["p1"]).all(axis=0).tolist() == [False, True, True]


def test_seconds_without_opinion_have_no_label(tmp_path):
    table = recordings(p1=4, s1=2)
    opinions = ask(tmp_path, [("p1", 0, 2, "A0", ["birds"]), ("p1", 3, 4, "A0", [])], table)
    values = soft_labels(opinions, np.ones(1), recordings=table)
    np.testing.assert_array_equal(values["p1"][:, 0], [1, 1, np.nan, 0])
    assert np.isnan(values["s1"]).all()


@pytest.mark.parametrize("method", ["eq1", "majority"])
def test_classes_asked_of_different_people(tmp_path, method):
    """Both people who were asked about the dog in clip1 ticked it: 1, independent of questions to other people."""
    rows = [("clip1", 0, 10, who, "dog", 1) for who in "AB"] + [("clip1", 0, 10, who, "car", 0) for who in "CD"]
    rows += [("clip2", 0, 10, who, "dog", 0) for who in "AB"] + [("clip2", 0, 10, who, "car", 1) for who in "CD"]
    rows += [("clip3", 0, 10, "A", "dog", 1)]
    table = {name: Recording(name, "all", 10.0) for name in ("clip1", "clip2", "clip3")}
    path = write_opinions(tmp_path / "opinions.tsv", rows)
    opinions = read_opinions(path, ["car", "dog"], asked={"all": ["car", "dog"]}, recordings=table)
    config = {"competence": {"method": "vb", "restarts": 2, "iterations": 10}}
    _, soft = aggregate.ESTIMATORS[method](opinions, config, recordings=table, seed=0)
    found = [values[0].tolist() for values in soft.values()]
    np.testing.assert_array_equal(found, [[0, 1], [1, 0], [np.nan, 1]])


def test_order_of_the_rows_changes_nothing(tmp_path):
    rng = np.random.default_rng(4)
    opinions, table, _ = random_crowd(tmp_path, rng)
    header, *lines = (tmp_path / "opinions.tsv").read_text(encoding="utf-8").splitlines()
    shuffled = tmp_path / "shuffled.tsv"
    shuffled.write_text("\n".join([header, *rng.permutation(lines)]), encoding="utf-8")
    again = read_opinions(shuffled, CLASSES, asked=ASKED, recordings=table)
    for field in ("recording", "onset", "offset", "window", "annotator", "label", "opinion"):
        np.testing.assert_array_equal(getattr(again, field), getattr(opinions, field))
    settings = {"method": "vb", "restarts": 2, "iterations": 10, "seed": 1}
    np.testing.assert_array_equal(competence(again, **settings), competence(opinions, **settings))


def simulated(path, rng, theta):
    """Annotators who know the truth with probability theta, and otherwise tick at random, in two scenes."""
    table = recordings(s1=120, p1=120)
    truth = {(name, onset): {c for c in CLASSES if rng.uniform() < 0.4} for name in table for onset in range(111)}
    answers = []
    for (name, onset), present in truth.items():
        for who in rng.permutation(len(theta))[:5]:
            ticks = [c for c in CLASSES if (c in present if rng.uniform() < theta[who] else rng.uniform() < 0.3)]
            answers.append((name, onset, onset + 10, f"A{who}", ticks))
    return ask(path, answers, table), table


@pytest.mark.parametrize("method", ["vb", "em"])
def test_competence_identifies_spammers(tmp_path, method):
    theta = np.array([0.95, 0.9, 0.85, 0.8, 0.7, 0.6, 0.0, 0.0])
    opinions, _ = simulated(tmp_path, np.random.default_rng(5), theta)
    weights = competence(opinions, method=method, restarts=10, iterations=50, seed=0)
    assert weights.shape == (8,)
    assert np.abs(weights - theta).max() < 0.15
    assert weights[6:].max() < 0.15


def command(tmp_path, config):
    resources = {
        "recordings": "recording\tscene\tduration_s\n" + "s1\tstreet\t120\np1\tpark\t120\n",
        "classes": "class\n" + "".join(f"{name}\n" for name in CLASSES),
        "scenes": "scene\tclass\n" + "".join(f"{scene}\t{c}\n" for scene, names in ASKED.items() for c in names),
    }
    arguments = ["--opinions", str(tmp_path / "opinions.tsv"), "--config", json.dumps(config), "--seed", "3"]
    outputs = ["--competence", str(tmp_path / "out/competence.tsv"), "--soft", str(tmp_path / "out/soft.tsv")]
    return [*arguments, *write_tables(tmp_path, resources), *outputs]


CONFIG = {"competence": {"iterations": 50, "method": "vb", "restarts": 3}, "method": "eq1"}


def test_command_writes_competences_and_soft_labels(tmp_path):
    opinions, table = simulated(tmp_path, np.random.default_rng(6), np.linspace(0, 0.9, 12))
    aggregate.main(command(tmp_path, CONFIG))
    header, *rows = [row.split("\t") for row in (tmp_path / "out/competence.tsv").read_text("utf-8").splitlines()]
    assert header == ["annotator", "competence", "opinions"]
    assert [row[0] for row in rows] == sorted(f"A{who}" for who in range(12))
    weights = competence(opinions, **CONFIG["competence"], seed=3)
    np.testing.assert_allclose([float(row[1]) for row in rows], weights, atol=5e-7)
    assert sum(int(row[2]) for row in rows) == len(opinions.opinion)
    expected = soft_labels(opinions, weights, recordings=table)
    found = read_soft(tmp_path / "out/soft.tsv", CLASSES)
    assert list(found) == list(table)
    for name in table:
        np.testing.assert_allclose(found[name], expected[name], atol=5e-7)


def test_main_refuses_unknown_method(tmp_path):
    with refused(key="labels.method", problem="'median'", expected="one of ['eq1', 'joint', 'majority']"):
        aggregate.main(command(tmp_path, {**CONFIG, "method": "median"}))


def test_command_rejects_a_scene_without_classes(tmp_path):
    arguments = command(tmp_path, CONFIG)
    (tmp_path / "scenes.tsv").write_text("scene\tclass\nstreet\tcar\n", encoding="utf-8")
    with pytest.raises(InputError, match="'p1' has the scene 'park'"):
        aggregate.main(arguments)
