"""Agreement against a published example, cases by hand and what holds for chance and perfection."""

import itertools

import numpy as np
import pytest
from support.tsv import OPINIONS, write_tables

from softsed.core.opinions import Opinions
from softsed.labels import agreement
from softsed.labels.agreement import agreement_with_others, alpha

pytestmark = pytest.mark.filterwarnings("error")


def opinions(answers):
    """Opinions from an array [annotators, windows, classes] of 0, 1 and nan."""
    people, windows, classes = answers.shape
    who, window, label = np.nonzero(~np.isnan(answers))
    order = np.lexsort((label, who, window))
    who, window, label = who[order], window[order], label[order]
    return Opinions(
        np.array(["r"] * windows),
        np.arange(windows),
        np.arange(windows) + 10,
        [f"A{index}" for index in range(people)],
        [f"c{index}" for index in range(classes)],
        window,
        who,
        label,
        answers[who, window, label].astype(int),
    )


def everything(one):
    return np.ones(len(one.opinion), dtype=bool)


def test_alpha_of_krippendorffs_own_binary_example():
    """Two observers, ten units: 0.095 (Krippendorff, "Computing Krippendorff's Alpha-Reliability", 2011, part A)."""
    meg = [0, 1, 0, 0, 0, 0, 0, 0, 1, 0]
    owen = [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]
    one = opinions(np.array([meg, owen], dtype=float)[:, :, None])
    assert alpha(one, everything(one)) == pytest.approx(0.095, abs=5e-4)


def alpha_by_pairs(answers):
    """1 - D_o / D_e from all pairs of answers, as the definition says, without a table of coincidences."""
    units = [unit[~np.isnan(unit)] for unit in answers.T]
    units = [unit for unit in units if len(unit) > 1]
    observed = sum(sum(a != b for a, b in itertools.permutations(unit.tolist(), 2)) / (len(unit) - 1) for unit in units)
    values = np.concatenate(units)
    pairs = itertools.permutations(values.tolist(), 2)
    expected = sum(a != b for a, b in pairs) / (len(values) - 1)
    return 1 - observed / expected


@pytest.mark.parametrize("seed", range(5))
def test_alpha_equals_its_definition(seed):
    rng = np.random.default_rng(seed)
    answers = (rng.random((6, 15, 1)) < rng.random((1, 15, 1))).astype(float)
    answers[rng.random(answers.shape) < 0.4] = np.nan
    one = opinions(answers)
    assert alpha(one, everything(one)) == pytest.approx(alpha_by_pairs(answers[:, :, 0]), rel=1e-12)


def test_alpha_of_perfect_agreement_and_of_chance():
    rng = np.random.default_rng(1)
    truth = rng.random((1, 2000, 1)) < 0.3
    one = opinions(np.repeat(truth, 4, axis=0).astype(float))
    assert alpha(one, everything(one)) == 1
    one = opinions((rng.random((4, 2000, 1)) < 0.3).astype(float))
    assert alpha(one, everything(one)) == pytest.approx(0, abs=0.03)


@pytest.mark.parametrize(
    "answers",
    [
        np.zeros((3, 4, 1)),  # nobody ticked
        np.ones((3, 4, 1)),
        np.array([[[1], [np.nan]], [[np.nan], [0]]]),  # no window with two opinions
        np.array([[[1], [1]], [[1], [np.nan]], [[np.nan], [np.nan]]]),
        np.array([[[1], [1], [0]], [[1], [1], [np.nan]]]),  # the only 0 has nothing to pair with
    ],
)
def test_alpha_is_not_defined(answers):
    one = opinions(answers)
    assert np.isnan(alpha(one, everything(one)))


def test_agreement_with_others_by_hand():
    a = [1, 1, 0, 0]
    one = opinions(np.array([a, a], dtype=float)[:, :, None])
    np.testing.assert_allclose(agreement_with_others(one), [1, 1])
    one = opinions(np.array([a, [0, 0, 1, 1]], dtype=float)[:, :, None])
    np.testing.assert_allclose(agreement_with_others(one), [-1, -1])  # observed 1, expected 1/2
    # A differs from the share 1/2 by 1/2 in 4 windows. Expected: A ticks 1/2, the others 1/2: 1/2.
    one = opinions(np.array([a, [1, 0, 1, 0], [0, 1, 0, 1]], dtype=float)[:, :, None])
    assert agreement_with_others(one)[0] == pytest.approx(0)


def test_agreement_with_others_finds_spammers():
    rng = np.random.default_rng(2)
    heard = rng.random((600, 3)) < [0.1, 0.3, 0.6]
    answers = np.array([np.where(rng.random(heard.shape) < 0.9, heard, ~heard) for _ in range(6)], dtype=float)
    answers[5] = rng.random(heard.shape) < 0.3
    values = agreement_with_others(opinions(answers))
    assert values[:5].min() > 0.4
    assert abs(values[5]) < 0.06
    constant = answers.copy()
    constant[5] = 0  # constant answers contain no information, although most of them are right
    assert agreement_with_others(opinions(constant))[5] == pytest.approx(0, abs=1e-12)


def test_agreement_with_others_may_be_undefined():
    assert np.isnan(agreement_with_others(opinions(np.ones((1, 3, 1))))).all()
    assert np.isnan(agreement_with_others(opinions(np.zeros((2, 3, 1))))).all()


def test_command_writes_both_tables(tmp_path):
    lines = [OPINIONS]
    ticks = {"A": {"car": [1, 0, 1], "dog": [0, 0, 0]}, "B": {"car": [1, 0, 0], "dog": [0, 0, 0]}}
    for who, answers in ticks.items():
        for name, values in answers.items():
            lines += [f"r\t{onset}\t{onset + 2}\t{who}\t{name}\t{value}" for onset, value in enumerate(values)]
    texts = {
        "opinions": "\n".join(lines),
        "recordings": "recording\tscene\tduration_s\nr\ts\t4",
        "classes": "class\nbird\ncar\ndog",
        "scenes": "scene\tclass\ns\tcar\ns\tdog",
    }
    arguments = write_tables(tmp_path, texts)
    paths = [tmp_path / "agreement.tsv", tmp_path / "annotators.tsv"]
    agreement.main([*arguments, "--agreement", str(paths[0]), "--annotators", str(paths[1])])
    # car: one of three pairs differs, observed 2 of 6; expected with 3 ticks of 6: 2 * 3 * 3 / 5 = 18/5 of 6.
    assert [row.split("\t") for row in paths[0].read_text(encoding="utf-8").splitlines()] == [
        ["class", "alpha", "ticks", "opinions", "windows", "annotators"],
        ["car", f"{1 - 2 / (18 / 5):.4f}", "0.5000", "6", "3", "2"],
        ["dog", "", "0.0000", "6", "3", "2"],  # and no row for bird, which was not asked
        ["all classes", f"{1 - 2 / (2 * 3 * 9 / 11):.4f}", "0.2500", "12", "3", "2"],
    ]
    # A ticks 2 of 3, B 1 of 3: expected 2/3 * 2/3 + 1/3 * 1/3 = 5/9, observed 1/3.
    value = f"{1 - (1 / 3) / (5 / 9):.4f}"
    assert [row.split("\t") for row in paths[1].read_text(encoding="utf-8").splitlines()[1:]] == [
        ["A", "6", "0.3333", value],
        ["B", "6", "0.1667", value],
    ]
