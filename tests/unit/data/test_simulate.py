"""The simulated crowd: annotators, windows, and answers."""

import csv
import json
from dataclasses import replace
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pytest
from support.errors import refused
from support.tsv import as_options

from softsed.core.metadata import Recording
from softsed.data import simulate

ASKED = ["car", "large_vehicle", "footsteps"]
CONFIG = {
    "annotators": 30,
    "opinions_per_window": 5,
    "window_s": 10,
    "hop_s": 1,
    "spammers": 0.2,
    "spammer_rate": [0.2, 0.4],
    "criterion_s": 1.2,
    "criterion_sigma": 0.7,
    "habit_sigma": 1.0,
    "steepness": 1.2,
    "lapse": 0.12,
    "false_alarms": 0.2,
    "confusion": 0.1,
    "boundary_s": 0.3,
    "confused": [["car", "large_vehicle"]],
}
RECORDING = Recording("city_00", "city", 60.9)
NOTHING = (np.empty((0, 3)), np.empty(0, dtype=int))


def truth(*events: tuple[float, float, float, str]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([e[:3] for e in events], dtype=float), np.array([ASKED.index(e[3]) for e in events])


def ticks(events, **changes) -> np.ndarray:
    """Share of ticks per class, over 40 crowds."""
    config = CONFIG | changes
    pools = [simulate.draw_pool(config, seed=seed) for seed in range(40)]
    results = [
        simulate.annotate(RECORDING, events, ASKED, pool, config, seed=seed)[2].mean(axis=(0, 1))
        for seed, pool in enumerate(pools)
    ]
    return np.mean(results, axis=0)


def test_annotate_starts_windows_at_each_hop():
    starts, who, opinions = simulate.annotate(
        RECORDING, NOTHING, ASKED, simulate.draw_pool(CONFIG, seed=1), CONFIG, seed=1
    )
    assert starts.tolist() == list(range(51))  # T = 60
    assert who.shape == (51, 5)
    assert all(len(set(people)) == 5 for people in who.tolist())
    assert opinions.shape == (51, 5, 3)
    assert simulate.window_starts(10.0, window_s=10, hop_s=1).tolist() == [0]
    assert simulate.window_starts(31.0, window_s=10, hop_s=4).tolist() == [0, 4, 8, 12, 16, 20]


def test_overlap_with_a_louder_class_hides_an_event():
    car = (20, 30, 0, "car")
    beside, behind = (ticks(truth(car, (onset, onset + 10, 15, "footsteps")), confusion=0) for onset in (31, 20))
    assert behind[0] < beside[0] - 0.02
    assert behind[2] == pytest.approx(beside[2], abs=0.03)


def test_annotate_ignores_ends_of_windows():
    """One loud second at the very end of the recording, in its last window only, at 9 to 10 s of it."""
    last = truth((59, 60, 40, "car"))
    people = {"annotators": 30, "opinions_per_window": 30, "spammers": 0, "false_alarms": 0, "lapse": 0, "steepness": 5}
    recording = replace(RECORDING, duration_s=60.0)

    def ticked(**changes: float) -> np.ndarray:
        config = CONFIG | people | {"criterion_s": 0.1, "criterion_sigma": 0, "habit_sigma": 0} | changes
        pool = simulate.draw_pool(config, seed=1)
        _, who, opinions = simulate.annotate(recording, last, ASKED, pool, config, seed=1)
        assert not opinions[:-1, :, 0].any()  # no other window reaches it
        return opinions[-1, np.argsort(who[-1]), 0], pool.boundary_s

    answers, habits = ticked(boundary_s=0)
    assert answers.all()
    assert not habits.any()
    answers, habits = ticked(boundary_s=1)
    assert answers[habits < 0.7].all()
    assert not answers[habits > 1].any()
    assert 0 <= habits.min() < 0.1
    assert 1.9 < habits.max() <= 2


def test_louder_is_ticked_more_often():
    shares = [ticks(truth((20, 22, level, "car")))[0] for level in (-20, -5, 5, 20)]
    assert shares == sorted(shares)
    assert shares[-1] > shares[0] + 0.05


def test_longer_is_ticked_more_often():
    shares = [ticks(truth((20, 20 + length, 0, "car")))[0] for length in (0.5, 2, 8, 30)]
    assert shares == sorted(shares)
    assert shares[-1] > shares[0] + 0.1


def test_probability_grows_with_salience_and_saturates():
    pool = simulate.draw_pool(CONFIG | {"spammers": 0, "confusion": 0}, seed=1)
    heard = np.tile(np.array([0, 0.3, 1, 3, 10, 1e6])[:, None, None], (1, 30, 3))
    probability = simulate.tick_probability(
        heard,
        pool,
        np.tile(np.arange(30), (6, 1)),
        habit=np.ones((30, 3)),
        expected=np.zeros(3),
        similar=np.zeros((3, 3)),
        steepness=1.2,
    )
    assert np.all(np.diff(probability, axis=0) > 0)
    np.testing.assert_allclose(probability[0, :, 0], pool.false_alarms * simulate.UNEXPECTED)
    attentive = 1 - pool.lapse
    np.testing.assert_allclose(
        probability[-1, :, 0], attentive + pool.lapse * probability[0, :, 0], rtol=1e-4
    )  # limited by the annotator's lapses


def test_criterion_is_salience_noticed_half_the_time():
    config = CONFIG | {"spammers": 0, "lapse": 0, "false_alarms": 0, "criterion_sigma": 0}
    pool = simulate.draw_pool(config, seed=1)
    one = simulate.tick_probability(
        np.full((1, 1, 1), 1.2),
        pool,
        np.array([[0]]),
        habit=np.ones((30, 1)),
        expected=np.zeros(1),
        similar=np.zeros((1, 1)),
        steepness=3.0,
    )
    assert one.item() == pytest.approx(0.5)


def test_spammers_do_not_listen():
    """With the same random numbers, spammers give the same answers about silence and about noise."""
    pool = simulate.draw_pool(CONFIG, seed=1)
    loud = truth((0, 60, 30, "car"), (0, 60, 30, "footsteps"))
    _, who, silent = simulate.annotate(RECORDING, NOTHING, ASKED, pool, CONFIG, seed=1)
    _, same, noisy = simulate.annotate(RECORDING, loud, ASKED, pool, CONFIG, seed=1)
    np.testing.assert_array_equal(who, same)
    spam = pool.spammer[who]
    np.testing.assert_array_equal(silent[spam], noisy[spam])
    assert noisy[~spam][:, 0].mean() > silent[~spam][:, 0].mean() + 0.5
    everyone = ticks(NOTHING, spammers=1.0)
    np.testing.assert_allclose(everyone, 0.3, atol=0.03)  # the middle of spammer_rate


def test_number_of_spammers():
    for share, count in ((0, 0), (0.15, 4), (0.2, 6), (1, 30)):
        assert simulate.draw_pool(CONFIG | {"spammers": share}, seed=3).spammer.sum() == count


def test_draw_pool_is_stratified():
    """One annotator in each of thirty quantiles of every distribution: uniform, or normal in the logarithm."""
    for seed in range(5):
        pool = simulate.draw_pool(CONFIG, seed=seed)
        shares = {
            "spam_rate": (pool.spam_rate - 0.2) / 0.2,
            "criterion_s": [NormalDist(np.log(1.2), 0.7).cdf(np.log(value)) for value in pool.criterion_s],
            **{name: getattr(pool, name) / 2 / CONFIG[name] for name in ("lapse", "false_alarms", "boundary_s")},
        }
        orders = []
        for name, share in shares.items():
            quantile = np.floor(np.array(share) * 30)
            assert sorted(quantile) == list(range(30)), name
            orders.append(tuple(quantile))
        assert len(set(orders)) == len(orders)  # parameters are independent: a strict annotator may be attentive or not


def test_annotate_confuses_similar_classes_only():
    lorry = truth((10, 40, 10, "large_vehicle"))
    plain, confused = ticks(lorry, confusion=0), ticks(lorry, confusion=0.2)
    assert confused[0] > plain[0] + 0.1
    assert confused[2] == pytest.approx(plain[2])


def test_expected_classes_are_imagined_more_often():
    """False alarms alone (nobody notices anything): more for the class that fills the recording."""
    shares = ticks(truth((0, 60, 0, "footsteps")), lapse=0.5, criterion_s=1e9, spammers=0, confusion=0)
    assert shares[2] > 2 * shares[0]


def test_annotators_are_not_consistent_but_have_habits():
    """Over recordings with the same sounds, answers of an annotator vary more than by chance, but are not constant."""
    pool = simulate.draw_pool(CONFIG | {"spammers": 0, "criterion_sigma": 0}, seed=1)
    events = truth((0, 60, -12, "footsteps"))
    every = CONFIG | {"opinions_per_window": 30}
    shares = []
    for number in range(20):
        name = Recording(f"r{number}", "city", 60.0)
        _, who, opinions = simulate.annotate(name, events, ASKED, pool, every, seed=1)
        shares.append([opinions[:, :, 2][who == person].mean() for person in range(30)])
    shares = np.array(shares)
    chance = np.mean(shares * (1 - shares)) / 51
    assert shares.var(axis=0).mean() > 3 * chance
    assert np.mean((shares > 0.05) & (shares < 0.95)) > 0.5


def test_pool_and_recordings_are_independent():
    pool = simulate.draw_pool(CONFIG, seed=1)
    one = simulate.annotate(RECORDING, NOTHING, ASKED, pool, CONFIG, seed=1)
    for again, same in (
        (simulate.annotate(RECORDING, NOTHING, ASKED, pool, CONFIG, seed=1), True),
        (simulate.annotate(RECORDING, NOTHING, ASKED, pool, CONFIG, seed=2), False),
        (simulate.annotate(replace(RECORDING, name="x"), NOTHING, ASKED, pool, CONFIG, seed=1), False),
    ):
        assert np.array_equal(one[1], again[1]) == same
        assert np.array_equal(one[2], again[2]) == same


@pytest.fixture
def inputs(tmp_path) -> dict[str, str]:
    files = {
        "recordings": "recording\tscene\tduration_s\nc_00\tcity\t12.5\nc_01\tcity\t11.0\n",
        "classes": "class\ncar\nlarge_vehicle\nfootsteps\ndog\n",
        "scenes": "scene\tclass\n" + "".join(f"city\t{name}\n" for name in ASKED),
    }
    for name, text in files.items():
        (tmp_path / f"{name}.tsv").write_text(text)
    (tmp_path / "truth").mkdir()
    (tmp_path / "truth" / "c_00.tsv").write_text("onset\toffset\tlabel\tsnr_db\n1.000\t3.500\tcar\t4.00\n")
    (tmp_path / "truth" / "c_01.tsv").write_text("onset\toffset\tlabel\tsnr_db\n")
    paths = {name: str(tmp_path / f"{name}.tsv") for name in files}
    return paths | {
        "truth": str(tmp_path / "truth"),
        "config": json.dumps(CONFIG),
        "seed": "1",
        "opinions": str(tmp_path / "opinions.tsv"),
    }


def call(options: dict[str, str]) -> str:
    simulate.main(as_options(options))
    return Path(options["opinions"]).read_text()


def test_main_writes_zeros(inputs):
    rows = list(csv.DictReader(call(inputs).splitlines(), delimiter="\t"))
    assert list(rows[0]) == ["recording", "onset", "offset", "annotator", "class", "opinion"]
    assert len(rows) == (3 + 2) * 5 * 3
    assert {row["opinion"] for row in rows} == {"0", "1"}
    windows = {(row["recording"], row["onset"], row["offset"]) for row in rows}
    expected = {("c_00", "0", "10"), ("c_00", "1", "11"), ("c_00", "2", "12"), ("c_01", "0", "10"), ("c_01", "1", "11")}
    assert windows == expected
    answers = {}
    for row in rows:
        answers.setdefault((row["recording"], row["onset"], row["annotator"]), []).append(row["class"])
    assert len(answers) == 5 * 5
    assert all(names == ASKED for names in answers.values())


def test_same_seed_same_table(inputs):
    first = call(inputs)
    assert call(inputs) == first
    assert call(inputs | {"seed": "2"}) != first


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("1\t2\tdog\t0", "'dog' is not annotated"),
        ("2\t1\tcar\t0", "onset is '2', offset '1'"),
        ("1\t2\tcar\tloud", "'loud'"),
        ("1\t2\tcar\tnan", "snr_db 'nan'"),
    ],
)
def test_read_event_levels_refuses_bad_rows(inputs, line, message):
    (Path(inputs["truth"]) / "c_01.tsv").write_text(f"onset\toffset\tlabel\tsnr_db\n{line}\n")
    with refused(file="c_01.tsv", line=2, problem=message):
        call(inputs)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"window_s": 12}, "12, but"),
        ({"opinions_per_window": 31}, "31"),
        ({"confused": [["car", "lorry"]]}, "'lorry'"),
    ],
)
def test_main_refuses_bad_config(inputs, changes, message):
    with refused(key=f"data.demo.crowd.{next(iter(changes))}", problem=message):
        call(inputs | {"config": json.dumps(CONFIG | changes)})


def test_main_refuses_unknown_scene(inputs):
    Path(inputs["recordings"]).write_text("recording\tscene\tduration_s\nb_00\tbus\t12.5\n")
    with refused(problem=["'b_00'", "'bus'"]):
        call(inputs)


def test_salience_by_hand():
    events, labels = truth((5, 8, 0, "car"), (9, 12, 200, "car"), (30, 31, 0, "footsteps"))
    starts = np.array([0, 7, 20, 21])
    heard = simulate.salience(events, labels, starts, starts + 10, classes=3)
    # 3 s at loudness 1/2 plus 1 s at (nearly) 1; then 1 s at 1/2 plus 3 s at 1; nothing; 1 s at 1/2.
    np.testing.assert_allclose(heard, [[2.5, 0, 0], [3.5, 0, 0], [0, 0, 0], [0, 0, 0.5]], atol=1e-6)


def test_salience_of_masked_event_by_hand():
    """Energies of the others add to the background's 1: 3 at 4.77 dB, 8 at 9.03 dB, so that maskers are 1, 2 and 3."""
    steps = 10 * np.log10([4, 3, 8])
    events, labels = truth((0, 10, steps[0], "car"), (4, 6, steps[1], "large_vehicle"), (8, 20, steps[2], "footsteps"))
    heard = simulate.salience(events, labels, np.array([0, 0, 4, 8]), np.array([10, 4, 6, 10]), classes=3)
    # The car, amplitude 2: alone 2/3, behind the lorry 2/4, behind the footsteps 2/5.
    np.testing.assert_allclose(heard[:, 0], [6 * 2 / 3 + 2 / 2 + 2 * 2 / 5, 4 * 2 / 3, 2 / 2, 2 * 2 / 5])
    behind = np.sqrt(3) / (np.sqrt(3) + np.sqrt(1 + 4))  # the lorry behind the car
    np.testing.assert_allclose(heard[:, 1], [2 * behind, 0, 2 * behind, 0])


def test_salience_adds_events_of_one_class():
    twice = simulate.salience(*truth((0, 4, 0, "car"), (0, 4, 0, "car")), np.zeros(1), np.full(1, 10), classes=3)
    once = simulate.salience(*truth((0, 4, 10 * np.log10(2), "car")), np.zeros(1), np.full(1, 10), classes=3)
    np.testing.assert_allclose(twice, once)


def test_salience_is_zero_without_sound():
    assert simulate.salience(*NOTHING, np.array([0, 5]), np.array([10, 15]), classes=2).tolist() == [[0, 0], [0, 0]]
    rng = np.random.default_rng(1)
    onsets = rng.uniform(0, 40, 50)
    events = np.stack([onsets, onsets + rng.uniform(0.1, 5, 50), rng.normal(0, 10, 50)], axis=1)
    starts = rng.uniform(-5, 60, (40, 25))
    heard = simulate.salience(events, rng.integers(0, 3, 50), starts, starts + rng.normal(0, 3, (40, 25)), classes=3)
    assert heard.shape == (40, 25, 3)
    assert heard.min() == 0
    late = simulate.salience(events, rng.integers(0, 3, 50), np.array([50.0]), np.array([60.0]), classes=3)
    assert not late.any()
