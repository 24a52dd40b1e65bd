"""What there is to hear: hand-worked loudness, masking and integrals."""

import numpy as np

from softsed.data.salience import salience

CLASSES = ["car", "large_vehicle", "footsteps"]
NOTHING = (np.empty((0, 3)), np.empty(0, dtype=int))


def truth(*events: tuple[float, float, float, str]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([e[:3] for e in events], dtype=float), np.array([CLASSES.index(e[3]) for e in events])


def test_salience_by_hand():
    events, labels = truth((5, 8, 0, "car"), (9, 12, 200, "car"), (30, 31, 0, "footsteps"))
    starts = np.array([0, 7, 20, 21])
    heard = salience(events, labels, starts, starts + 10, classes=3)
    # 3 s at loudness 1/2 plus 1 s at (nearly) 1; then 1 s at 1/2 plus 3 s at 1; nothing; 1 s at 1/2.
    np.testing.assert_allclose(heard, [[2.5, 0, 0], [3.5, 0, 0], [0, 0, 0], [0, 0, 0.5]], atol=1e-6)


def test_salience_of_one_event_behind_another_by_hand():
    """Energies of the others add to the background's 1: 3 at 4.77 dB, 8 at 9.03 dB, so that maskers are 1, 2 and 3."""
    steps = 10 * np.log10([4, 3, 8])
    events, labels = truth((0, 10, steps[0], "car"), (4, 6, steps[1], "large_vehicle"), (8, 20, steps[2], "footsteps"))
    heard = salience(events, labels, np.array([0, 0, 4, 8]), np.array([10, 4, 6, 10]), classes=3)
    # The car, amplitude 2: alone 2/3, behind the lorry 2/4, behind the footsteps 2/5.
    np.testing.assert_allclose(heard[:, 0], [6 * 2 / 3 + 2 / 2 + 2 * 2 / 5, 4 * 2 / 3, 2 / 2, 2 * 2 / 5])
    behind = np.sqrt(3) / (np.sqrt(3) + np.sqrt(1 + 4))  # the lorry behind the car
    np.testing.assert_allclose(heard[:, 1], [2 * behind, 0, 2 * behind, 0])


def test_events_of_one_class_add_up_and_do_not_mask_one_another():
    twice = salience(*truth((0, 4, 0, "car"), (0, 4, 0, "car")), np.zeros(1), np.full(1, 10), classes=3)
    once = salience(*truth((0, 4, 10 * np.log10(2), "car")), np.zeros(1), np.full(1, 10), classes=3)
    np.testing.assert_allclose(twice, once)


def test_nothing_is_heard_in_silence_outside_events_and_backwards():
    assert salience(*NOTHING, np.array([0, 5]), np.array([10, 15]), classes=2).tolist() == [[0, 0], [0, 0]]
    rng = np.random.default_rng(1)
    onsets = rng.uniform(0, 40, 50)
    events = np.stack([onsets, onsets + rng.uniform(0.1, 5, 50), rng.normal(0, 10, 50)], axis=1)
    starts = rng.uniform(-5, 60, (40, 25))
    heard = salience(events, rng.integers(0, 3, 50), starts, starts + rng.normal(0, 3, (40, 25)), classes=3)
    assert heard.shape == (40, 25, 3)
    assert heard.min() == 0
    late = salience(events, rng.integers(0, 3, 50), np.array([50.0]), np.array([60.0]), classes=3)
    assert not late.any()
