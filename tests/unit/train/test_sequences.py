"""Sequences: nothing crosses a recording, nothing is lost, and the scaler sees training frames only."""

import numpy as np
import pytest
import torch

from softsed.core.errors import InputError
from softsed.core.labels import to_events, write_hard, write_soft
from softsed.train.sequences import Scaler, cut, frame_targets, frames_per_second, read_targets


def test_no_sequence_crosses_a_recording_and_every_frame_is_kept_once():
    lengths, width = [7, 20, 1, 10], 5
    features = [np.stack([np.full(n, i), np.arange(n)], axis=1).astype(float) for i, n in enumerate(lengths)]
    targets = [np.full((n, 3), i / 10) for i, n in enumerate(lengths)]
    data = cut(features, targets, width)
    assert data.features.shape == (2 + 4 + 1 + 2, width, 2)
    kept = []
    for x, y, mask in zip(data.features, data.targets, data.mask[..., 0].bool(), strict=True):
        recording = x[mask][:, 0]
        assert len(recording.unique()) == 1
        assert torch.allclose(y[mask], recording[0] / 10)
        assert not x[~mask].any()
        kept += [(int(r), int(t)) for r, t in x[mask]]
    assert sorted(kept) == [(i, t) for i, n in enumerate(lengths) for t in range(n)]
    assert len(kept) == sum(lengths)


def test_frames_take_the_label_of_their_second_and_the_rest_is_left_out():
    targets = np.array([[0.1], [0.9]])
    features = np.zeros((3 * 4 + 1, 2))  # three seconds at 4 frames a second
    np.testing.assert_array_equal(frame_targets("a", features, targets, 4)[:, 0], [0.1] * 4 + [0.9] * 4)
    with pytest.raises(InputError, match=r"a: the labels cover 4 s, the audio only 3"):
        frame_targets("a", features, np.zeros((4, 1)), 4)


def test_scaler_normalises_and_survives_a_constant_band():
    frames = np.random.default_rng(0).normal([3, -2, 5], [2, 0.5, 0], (1000, 3))
    scaled = Scaler.fit([frames[:300], frames[300:]])(frames)
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(scaled.std(axis=0), [1, 1, 0], atol=1e-5)


def test_targets_are_what_the_system_asks_for(tmp_path):
    classes = ["a", "b", "c"]
    soft = np.array([[0.2, np.nan, 0.7], [0.6, np.nan, 0.5]])
    write_soft(tmp_path / "soft.tsv", {"r": soft, "other": 0 * soft}, classes)
    write_hard(tmp_path / "hard.tsv", {"r": to_events(soft > 0.5, classes), "other": []})
    tables = {"soft": tmp_path / "soft.tsv", "hard": tmp_path / "hard.tsv", "classes": classes}
    np.testing.assert_allclose(read_targets(["r"], kind="soft", **tables)["r"], [[0.2, 0, 0.7], [0.6, 0, 0.5]])
    np.testing.assert_array_equal(read_targets(["r"], kind="hard", **tables)["r"], [[0, 0, 1], [1, 0, 0]])
    assert list(read_targets(["other", "r"], kind="soft", **tables)) == ["other", "r"]
    tables["asked_only"] = True
    np.testing.assert_allclose(read_targets(["r"], kind="soft", **tables)["r"], soft)
    np.testing.assert_array_equal(read_targets(["r"], kind="hard", **tables)["r"], [[0, np.nan, 1], [1, np.nan, 0]])


def test_what_was_not_asked_and_filling_do_not_count():
    targets = np.array([[0.2, np.nan], [0.6, np.nan], [0.5, np.nan]])
    data = cut([np.ones((3, 4))], [targets], 2)
    assert data.mask.tolist() == [[[1, 0], [1, 0]], [[1, 0], [0, 0]]]
    assert data.targets[..., 1].tolist() == [[0, 0], [0, 0]]


@pytest.mark.parametrize(("hop_s", "rate"), [(0.02, 50), (0.04, 25), (0.2, 5)])
def test_frames_per_second(hop_s, rate):
    assert frames_per_second({"hop_s": hop_s}) == rate
