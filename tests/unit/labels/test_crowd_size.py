"""Labels from fewer annotators: what a draw keeps, comparisons worked by hand, the command."""

import json

import numpy as np
import pytest
from scipy.stats import spearmanr
from support.errors import refused
from support.tsv import OPINIONS, write_tables

from softsed.core import log
from softsed.core.errors import InputError
from softsed.core.opinions import Opinions
from softsed.core.tsv import read_table
from softsed.labels import aggregate, crowd_size, harden
from softsed.labels.crowd_size import Comparison, annotators_per_cell, correlation, draw, list_answer_sheets

pytestmark = pytest.mark.filterwarnings("error")


def crowd(sheets):
    """Opinions on two classes from (recording, onset, annotators)."""
    rng = np.random.default_rng(0)
    people = sorted({who for _, _, asked in sheets for who in asked})
    rows = [
        (window, people.index(who), label, int(rng.integers(2)))
        for window, (_, _, asked) in enumerate(sheets)
        for who in sorted(asked)
        for label in range(2)
    ]
    names, onsets = (np.array([sheet[index] for sheet in sheets]) for index in (0, 1))
    return Opinions(names, onsets, onsets + 10, people, ["c0", "c1"], *np.array(rows).T)


def people_of(opinions):
    """Return the annotators of each window."""
    found = {}
    for window, who in list_answer_sheets(opinions)[0]:
        found.setdefault(int(window), set()).add(opinions.annotators[who])
    return found


SAME = [("a", onset, "ABCDEFGH") for onset in range(6)]
MIXED = [("b", 0, "ABCD"), ("b", 1, "CDEF"), ("b", 2, "AH"), ("b", 3, "H")]


def test_draw_keeps_annotators_within_recording():
    drawn = [people_of(draw(crowd(SAME), 3, np.random.default_rng(seed))) for seed in range(20)]
    for windows in drawn:
        assert len(windows) == 6
        assert len(set(map(frozenset, windows.values()))) == 1
        assert len(windows[0]) == 3
    assert len({frozenset(windows[0]) for windows in drawn}) > 10  # and others each time


def test_draw_of_separate_windows():
    seen = set()
    for seed in range(20):
        windows = people_of(draw(crowd(MIXED), 2, np.random.default_rng(seed)))
        assert [len(windows[index]) for index in range(4)] == [2, 2, 2, 1]
        assert all(windows[index] <= set(MIXED[index][2]) for index in range(4))
        assert windows[2] == {"A", "H"}
        seen.add((frozenset(windows[0]), frozenset(windows[1])))
    assert len(seen) > 10


def test_draw_keeps_whole_answer_sheets():
    opinions = crowd(SAME + MIXED)
    whole = {
        (int(w), opinions.annotators[a], int(c)): int(o)
        for w, a, c, o in zip(opinions.window, opinions.annotator, opinions.label, opinions.opinion, strict=True)
    }
    part = draw(opinions, 3, np.random.default_rng(1))
    kept = {
        (int(w), part.annotators[a], int(c)): int(o)
        for w, a, c, o in zip(part.window, part.annotator, part.label, part.opinion, strict=True)
    }
    assert kept.items() <= whole.items()
    assert all((w, a, 1 - c) in kept for w, a, c in kept)
    assert sorted({a for _, a, _ in kept}) == part.annotators  # no annotator without an opinion
    np.testing.assert_array_equal(part.onset, opinions.onset)
    assert annotators_per_cell(part).tolist() == [3] * 12 + [3, 3, 3, 3, 2, 2, 1, 1]


def test_draw_is_uniform_over_annotators():
    count = dict.fromkeys("ABCDEFGH", 0)
    for seed in range(800):
        for who in people_of(draw(crowd(SAME), 2, np.random.default_rng(seed)))[0]:
            count[who] += 1
    assert min(count.values()) > 150
    assert max(count.values()) < 250  # 200 expected, standard deviation 12


def test_draw_of_all_annotators_is_all_opinions():
    opinions = crowd(SAME + MIXED)
    part = draw(opinions, 8, np.random.default_rng(0))
    for name in ("window", "annotator", "label", "opinion"):
        np.testing.assert_array_equal(getattr(part, name), getattr(opinions, name))


def test_correlation_by_hand():
    assert correlation(np.array([1, 2, 3.0]), np.array([1, 10, 100.0]), ranks=True) == pytest.approx(1)
    assert correlation(np.array([0, 0, 1, 1.0]), np.array([0, 1, 0, 1.0]), ranks=False) == pytest.approx(0)
    for one, other in (([1, 1, 1.0], [1, 2, 3.0]), ([1, 2.0], [1, 2.0])):
        assert np.isnan(correlation(np.array(one), np.array(other), ranks=True))


def test_ranks_correlate_as_in_scipy():
    rng = np.random.default_rng(7)
    for values in (5, 1000):  # many equal ones, and few
        one, other = rng.integers(values, size=(2, 50)).astype(float)
        assert correlation(one, other, ranks=True) == pytest.approx(spearmanr(one, other).statistic)


def test_comparison_by_hand():
    nan = np.nan
    soft = {"r": np.array([[0.8, nan], [0.2, nan]]), "q": np.array([[nan, 0.6]])}
    hard = {"r": np.array([[True, False], [False, False]]), "q": np.array([[False, True]])}
    truth = {"r": np.array([[True, True], [True, False]]), "q": np.array([[False, False]])}  # r, class 2: not asked
    other = {"r": np.array([[0.6, nan], [0.6, nan]]), "q": np.array([[nan, 0.2]])}
    found = Comparison(soft, hard, {"A": 0.9, "B": 0.5, "C": 0.1}, truth, probabilities=True).measure(
        other, np.array([0.5, 0.5]), {"A": 0.3, "B": 0.2, "C": 0.1}
    )
    assert found["f1"] == 0.5  # active: first and last cell; drawn: first and second
    assert found["difference"] == pytest.approx((0.2 + 0.4 + 0.4) / 3)
    assert found["competence"] == pytest.approx(1)
    assert found["truth_f1"] == 1
    assert found["truth_brier"] == pytest.approx((0.16 + 0.16 + 0.04) / 3)
    assert found["truth_f1_best"] == 1
    assert found["truth_calibration_error"] == pytest.approx((0.4 + 0.4 + 0.2) / 3)
    same = Comparison(soft, hard, {"A": 1.0}, None, probabilities=False).measure(soft, np.array([0.5, 0.5]), {"A": 1.0})
    assert (same["f1"], same["difference"]) == (1, 0)
    assert same["correlation"] == pytest.approx(1)
    assert "truth_f1" not in same


CLASSES = ["car", "dog"]


@pytest.fixture
def labelled(tmp_path):
    """Opinions of twelve annotators, most of them right, on two recordings, with labels by eq. 1 from all opinions."""
    rng = np.random.default_rng(3)
    reliability = np.linspace(0.55, 0.95, 12)
    lines, truth = [OPINIONS], {}
    for name in ("r1", "r2"):
        active = np.repeat(rng.random((9, 2)) < 0.4, 5, axis=0)
        truth[name] = active
        for onset in range(len(active) - 2):
            heard = active[onset : onset + 3].any(axis=0)
            for who in range(12):
                said = np.where(rng.random(2) < reliability[who], heard, ~heard)
                lines += [
                    f"{name}\t{onset}\t{onset + 3}\tA{who:02}\t{label}\t{said[column]:d}"
                    for column, label in enumerate(CLASSES)
                ]
    texts = {
        "opinions": "\n".join(lines),
        "recordings": "recording\tscene\tduration_s\nr1\ts\t45\nr2\ts\t45",
        "classes": "class\ncar\ndog",
        "scenes": "scene\tclass\ns\tcar\ns\tdog",
    }
    tables = write_tables(tmp_path, texts)
    (tmp_path / "truth").mkdir()
    for name, active in truth.items():
        rows = [f"{t}\t{t + 1}\t{CLASSES[c]}\n" for t, c in np.argwhere(active)]
        (tmp_path / "truth" / f"{name}.txt").write_text("".join(rows), encoding="utf-8")
    return tmp_path, tables


def command(folder, tables, method, *more):
    settings = {"method": "vb", "restarts": 2, "iterations": 20}
    config = ["--config", json.dumps({"method": method, "competence": settings})]
    made = ["--competence", str(folder / "competence.tsv"), "--soft", str(folder / "soft.tsv")]
    aggregate.main([*tables, *config, "--seed", "1", *made])
    hard = ["--hard", str(folder / "hard.tsv")]
    harden.main([*tables[2:6], *made[2:], *hard, "--threshold", "0.5", "--thresholds", str(folder / "t.tsv")])
    sizes = ["--threshold", "0.5", "--sizes", "9", "3", "12", "--draws", "4", "--seed", "1"]
    return ["measure", *tables, *config, *sizes, *made, *hard, "--output", str(folder / "size.tsv"), *more]


@pytest.mark.parametrize("method", ["eq1", "majority"])
def test_command(labelled, method):
    folder, tables = labelled
    arguments = command(folder, tables, method, "--truth", str(folder / "truth"))
    crowd_size.main(arguments)
    few, many, everybody = read_table(folder / "size.tsv", crowd_size.COLUMNS)  # there are only 12 annotators
    assert [row["annotators"] for row in (few, many, everybody)] == ["3", "9", "all"]
    assert [row["per_window"] for row in (few, many, everybody)] == ["3", "9", "12"]
    assert [row["draws"] for row in (few, many, everybody)] == ["4", "4", "1"]
    values = [[float(row[name]) for row in (few, many, everybody)] for name in ("f1", "correlation", "truth_f1")]
    assert values[0][0] < values[0][1] <= values[0][2] == 1
    assert values[1][0] < values[1][1] <= values[1][2] == 1
    assert values[2][0] < values[2][2] < 1
    assert float(few["difference"]) > float(many["difference"]) > float(everybody["difference"]) == 0
    assert float(many["f1_sd"]) < float(few["f1_sd"])
    assert everybody["f1_sd"] == ""
    first = (folder / "size.tsv").read_text(encoding="utf-8")
    crowd_size.main(arguments)
    assert (folder / "size.tsv").read_text(encoding="utf-8") == first  # the same seed, the same numbers


def test_truth_of_every_recording_or_none(labelled):
    folder, tables = labelled
    (folder / "truth/r2.txt").unlink()
    arguments = command(folder, tables, "majority", "--truth", str(folder / "truth"))
    with pytest.raises(InputError, match="no file of true events for 1 of 2 recordings, such as 'r2'"):
        crowd_size.main(arguments)


def test_main_without_truth_leaves_columns_empty(labelled):
    folder, tables = labelled
    crowd_size.main(command(folder, tables, "majority"))
    rows = read_table(folder / "size.tsv", crowd_size.COLUMNS)
    assert {row["truth_f1"] + row["truth_brier_sd"] for row in rows} == {""}
    both = [str(folder / "size.tsv")] * 2
    crowd_size.main(["collect", "--tables", *both, "--output", str(folder / "all.tsv")])
    assert read_table(folder / "all.tsv", crowd_size.COLUMNS) == rows * 2


def test_draws_report_the_time_left(labelled, caplog, monkeypatch):
    folder, tables = labelled
    for name in ("FIRST_S", "LEAST_S", "NEXT_S"):
        monkeypatch.setattr(log, name, 0)
    caplog.set_level("INFO")
    crowd_size.main(command(folder, tables, "majority"))
    lines = [record.message for record in caplog.records if getattr(record, "progress", False)]
    assert len(lines) == 7  # two sizes, four draws each; nothing after the last
    assert lines[0].startswith("crowd size, majority: draws: 1 of 8, about ")


def test_an_unknown_method_is_an_error(labelled):
    folder, tables = labelled
    arguments = command(folder, tables, "majority")
    arguments[arguments.index("--config") + 1] = '{"method": "median"}'
    with refused(key="labels.method", problem="'median'"):
        crowd_size.main(arguments)
