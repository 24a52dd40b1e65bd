"""Sequences with opinions: every window lies within one sequence, with the frames of its seconds."""

import numpy as np
import pytest
import torch
from support.crowds import ask
from support.errors import refused

from softsed.train.crowd.sequences import choose_starts, cut_opinions

RATE = 5


def cut(opinions, names, *, length, seconds, annotators=None, frames=None):
    features = [np.repeat(np.arange(frames or s * RATE), 2).reshape(-1, 2).astype(float) for s in seconds]
    return cut_opinions(
        features,
        names,
        opinions,
        weights=np.arange(1.0, len(opinions.opinion) + 1),
        annotators=opinions.annotators if annotators is None else annotators,
        inactive={name: np.ones((s, len(opinions.classes))) for name, s in zip(names, seconds, strict=True)},
        rate=RATE,
        length=length,
    )


@pytest.mark.parametrize(("seconds", "length", "longest"), [(40, 40, 10), (41, 40, 10), (120, 40, 10), (7, 9, 3)])
def test_every_window_lies_within_a_sequence(seconds, length, longest):
    starts = choose_starts(seconds, length, longest)
    assert starts[0] == 0
    assert (np.diff(starts) > 0).all()
    assert starts[-1] + length >= seconds
    assert starts[-1] == max(0, seconds - length)
    for onset in range(seconds - longest + 1):
        assert any(start <= onset and onset + longest <= start + length for start in starts)


def test_opinions_keep_window_answer_and_weight():
    rng = np.random.default_rng(0)
    opinions, _ = ask({"r": rng.uniform(size=(17, 2, 2)) < 0.3, "s": rng.uniform(size=(6, 2, 2)) < 0.5}, window=4)
    data = cut(opinions, ["s", "r"], length=8, seconds=[6, 17])
    assert data.features.shape == (1 + 3, 8 * RATE, 2)
    found = []
    for place, opinion in zip(*data.opinions_of(torch.arange(len(data))), strict=True):
        onset, offset = data.onset[opinion], data.offset[opinion]
        frames = data.features[place, onset * RATE : offset * RATE, 0]  # contain their number in the recording
        name = "s" if place == 0 else "r"
        assert torch.equal(frames, torch.arange(int(frames[0]), int(frames[0]) + len(frames), dtype=torch.float32))
        row = (name, int(frames[0]) // RATE, int(frames[-1] + 1) // RATE)
        row += (opinions.annotators[data.annotator[opinion]], opinions.classes[data.label[opinion]])
        found.append((*row, int(data.answer[opinion]), float(data.weight[opinion])))
    expected = [(*row, float(number)) for number, row in enumerate(opinions.rows(), start=1)]
    assert sorted(found) == sorted(expected)


def test_each_second_counts_once_as_inactive():
    opinions, _ = ask({"r": np.zeros((17, 1, 2), dtype=bool)}, window=4)
    data = cut(opinions, ["r"], length=8, seconds=[17])
    assert data.inactive.sum() == 17 * 2
    assert len(data) == 3


def test_short_recording_is_padded():
    opinions, _ = ask({"r": np.zeros((6, 1, 1), dtype=bool), "s": np.zeros((9, 1, 1), dtype=bool)}, window=4)
    data = cut(opinions, ["r", "s"], length=9, seconds=[6, 9])
    assert (data.features[0, 6 * RATE :] == 0).all()
    assert data.inactive[0].sum() == 6


def test_opinions_of_chosen_sequences_only():
    opinions, _ = ask({name: np.zeros((8, 2, 1), dtype=bool) for name in "rst"}, window=4)
    data = cut(opinions, ["r", "s", "t"], length=8, seconds=[8] * 3)
    place, opinion = data.opinions_of(torch.tensor([2, 0]))
    assert place.tolist() == [0] * 10 + [1] * 10
    assert opinion.tolist() == [*range(20, 30), *range(10)]


def test_opinions_on_other_recordings_are_left_out():
    opinions, _ = ask({name: np.zeros((8, 2, 1), dtype=bool) for name in "rs"}, window=4)
    assert len(cut(opinions, ["s"], length=8, seconds=[8]).weight) == 10


def test_unknown_annotators_share_the_last_number():
    opinions, _ = ask({"r": np.zeros((8, 3, 1), dtype=bool)}, window=4)
    data = cut(opinions, ["r"], length=8, seconds=[8], annotators=["A02"])
    assert data.annotator.tolist() == [1, 1, 0] * 5


def test_window_longer_than_a_sequence_is_refused():
    opinions, _ = ask({"r": np.zeros((12, 1, 1), dtype=bool)}, window=10)
    with refused(key="train.sequence_frames", problem=["10 s", "8 s"]):
        cut(opinions, ["r"], length=8, seconds=[12])


def test_recording_shorter_than_opinions_is_refused():
    opinions, _ = ask({"r": np.zeros((12, 1, 1), dtype=bool)}, window=4)
    with refused(problem=["recording r", "12 s", "only 11"]):
        cut(opinions, ["r"], length=8, seconds=[12], frames=11 * RATE)


def test_opinions_are_listed_on_the_device_of_the_data(monkeypatch):
    """Batches stay on the CPU when the data are on a GPU; the device "meta" stands for it."""
    opinions, _ = ask({"r": np.zeros((17, 1, 2), dtype=bool)}, window=4)
    data = cut(opinions, ["r"], length=8, seconds=[17]).to(torch.device("meta"))

    def repeat(values, number):
        assert values.device == number.device == data.first.device
        return torch.empty(5, dtype=torch.int64, device=number.device)

    monkeypatch.setattr(torch, "repeat_interleave", repeat)
    _, opinion = data.opinions_of(torch.tensor([0, 1]))
    assert opinion.device == data.first.device
