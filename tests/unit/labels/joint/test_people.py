"""Labels of the marks of most people: crowds with known marks, and cases at the limits."""

from dataclasses import replace

import numpy as np
import pytest
from support.crowds import ask, hear

from softsed.core.binary_metrics import best_threshold, brier_score, f1_score
from softsed.labels.aggregate import ESTIMATORS, soft_labels
from softsed.labels.joint import people
from softsed.labels.joint.people import people_labels

COLUMNS = ("window", "annotator", "label", "opinion")

pytestmark = pytest.mark.filterwarnings("error")


def select(opinions, kept):
    """Keep some of the opinions, or put them into another order."""
    return replace(opinions, **{name: getattr(opinions, name)[kept] for name in COLUMNS})


def eq1(opinions, recordings):
    return soft_labels(opinions, np.ones(len(opinions.annotators)), recordings=recordings)


@pytest.mark.parametrize("ticking", ["ten", "one"])
def test_ten_opinions_of_one_count_less_than_of_ten(ticking):
    """Ten windows contain the second. Ten annotators answer one each, another one answers all and disagrees."""
    marks = np.zeros((19, 11, 1), dtype=bool)
    marks[9, slice(10) if ticking == "ten" else 10] = True
    opinions, recordings = ask({"r": marks})
    opinions = select(opinions, (opinions.annotator == 10) | (opinions.annotator == opinions.window))
    assert eq1(opinions, recordings)["r"][9, 0] == 0.5
    found = people_labels(opinions, recordings=recordings)[1]["r"][9, 0]
    assert found > 0.9 if ticking == "ten" else found < 0.1


def test_majority_of_annotators_with_own_marks():
    """Perfect annotators, five of twelve per window, whose marks differ as those of LEAD do."""
    rng = np.random.default_rng(0)
    drawn = {name: hear(rng, 150, 12, classes=2) for name in "abc"}
    opinions, recordings = ask({name: marks for name, (marks, _) in drawn.items()}, number=5, rng=rng)
    truth = np.concatenate([share > 0.5 for _, share in drawn.values()]).ravel()
    competence, soft = people_labels(opinions, recordings=recordings)
    found, dilated = (np.concatenate(list(s.values())).ravel() for s in (soft, eq1(opinions, recordings)))
    assert competence.min() > 0.9
    assert f1_score(found > 0.5, truth) > best_threshold(dilated, truth)[1] + 0.1
    assert brier_score(found, truth) < 0.3 * brier_score(dilated, truth)


def test_spammers_have_low_competence_in_any_order(monkeypatch):
    """Neither the order of the rows nor the blocks, with recordings of other lengths, change the result."""
    rng = np.random.default_rng(1)
    drawn = {name: hear(rng, seconds, 8, classes=2)[0] for name, seconds in {"a": 80, "b": 30, "c": 120}.items()}
    opinions, recordings = ask(drawn, number=5, rng=rng)
    spam = rng.uniform(size=len(opinions.opinion)) < 0.3
    opinions = replace(opinions, opinion=np.where(opinions.annotator < 2, spam, opinions.opinion))
    competence, soft = people_labels(opinions, recordings=recordings)
    assert competence[:2].max() < 0.7
    assert competence[2:].min() > 0.9
    monkeypatch.setattr(people, "CELLS", 1)  # one block per length
    shuffled = select(opinions, rng.permutation(len(opinions.opinion)))
    again, same = people_labels(shuffled, recordings=recordings)
    np.testing.assert_allclose(again, competence, rtol=1e-5)
    for name in soft:
        np.testing.assert_allclose(same[name], soft[name], atol=1e-4)


def test_people_label_follows_two_of_five():
    """Two of five tick all windows, so that most people would not mark the seconds."""
    marks = np.zeros((60, 5, 1), dtype=bool)
    marks[:, :2] = True
    opinions, recordings = ask({"r": marks})
    soft = people_labels(opinions, recordings=recordings)[1]["r"]
    assert soft[15:45].min() > 0.1
    assert soft.max() < 0.5


def test_people_labels_of_long_windows():
    marks = np.zeros((150, 5, 1), dtype=bool)
    marks[60:70] = True
    opinions, recordings = ask({"r": marks}, window=30)
    soft = people_labels(opinions, recordings=recordings)[1]["r"][:, 0]
    assert eq1(opinions, recordings)["r"][46:83].min() > 0.5  # 37 s instead of 10
    assert soft[60:70].min() > 0.5
    assert (soft > 0.5).sum() <= 12


@pytest.mark.parametrize("class_weight", [0, 200, np.inf])
@pytest.mark.parametrize("annotators", [1, 3])
@pytest.mark.parametrize("answer", [0, 1])
def test_unanimous_people_even_one(class_weight, annotators, answer):
    """The first annotator never answers the second class; the last window ends after the last whole second."""
    marks = np.full((31, annotators, 2), answer == 1)
    opinions, recordings = ask({"r": marks}, window=10)
    opinions = select(opinions, (opinions.annotator > 0) | (opinions.label == 0))
    recordings = {"r": replace(recordings["r"], duration_s=30.4)}
    competence, soft = people_labels(opinions, recordings=recordings, class_weight=class_weight)
    assert soft["r"].shape == (30, 2)
    assert ((soft["r"][:, 0] > 0.5) == answer).all()
    assert np.isnan(soft["r"][:, 1]).all() == (annotators == 1)
    assert ((competence > 0) & (competence < 1)).all()


def test_people_labels_of_seconds_between_windows():
    """Second 2 lies between two windows: its neighbours decide. The method `joint` leaves it without a label."""
    opinions, recordings = ask({"r": np.ones((5, 3, 2), dtype=bool)}, window=2, hop=3)
    opinions = select(opinions, opinions.label == 0)
    soft = people_labels(opinions, recordings=recordings)[1]["r"]
    assert soft[2, 0] > 0.9
    config = {"target": "people", "class_weight": 200}
    soft = ESTIMATORS["joint"](opinions, config, recordings=recordings, seed=0)[1]["r"]
    assert np.isnan(soft[:, 0]).tolist() == [False, False, True, False, False]
    assert np.isnan(soft[:, 1]).all()
