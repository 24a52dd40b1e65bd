"""Sequences: none crosses a recording, no frame is lost; targets of each kind of labels."""

import numpy as np
import torch
from support.errors import refused

from softsed.core.labels import to_events, write_hard, write_soft
from softsed.train.sequences import Scaler, cut, frame_targets, read_targets


def test_cut_keeps_each_frame_once_per_recording():
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


def test_frames_have_the_label_of_their_second():
    targets = np.array([[0.1], [0.9]])
    np.testing.assert_array_equal(frame_targets("a", 3, targets, 4)[:, 0], [0.1] * 4 + [0.9] * 4)
    with refused(problem=("recording a", "4 s", "only 3 s")):
        frame_targets("a", 3, np.zeros((4, 1)), 4)


def test_scaler_normalises_all_but_a_constant_band():
    frames = np.random.default_rng(0).normal([3, -2, 5], [2, 0.5, 0], (1000, 3))
    scaled = Scaler.fit([frames[:300], frames[300:]])(frames)
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(scaled.std(axis=0), [1, 1, 0], atol=1e-5)


def test_targets_are_those_of_the_system(tmp_path):
    classes = ["a", "b", "c"]
    soft = np.array([[0.2, np.nan, 0.7], [0.6, np.nan, 0.5]])
    write_soft(tmp_path / "soft.tsv", {"r": soft, "other": 0 * soft}, classes)
    write_hard(tmp_path / "hard.tsv", {"r": to_events(soft > 0.5, classes), "other": []})
    tables = {"soft": tmp_path / "soft.tsv", "hard": tmp_path / "hard.tsv", "classes": classes}
    np.testing.assert_allclose(read_targets(["r"], kind="soft", **tables)["r"], [[0.2, 0, 0.7], [0.6, 0, 0.5]])
    np.testing.assert_array_equal(read_targets(["r"], kind="hard", **tables)["r"], [[0, 0, 1], [1, 0, 0]])
    assert list(read_targets(["other", "r"], kind="soft", **tables)) == ["other", "r"]
    with refused(key="--hard"):
        read_targets(["r"], kind="hard", **{**tables, "hard": None})
    tables["asked_only"] = True
    np.testing.assert_allclose(read_targets(["r"], kind="soft", **tables)["r"], soft)
    np.testing.assert_array_equal(read_targets(["r"], kind="hard", **tables)["r"], [[0, np.nan, 1], [1, np.nan, 0]])


def test_mask_leaves_out_nan_and_padding():
    targets = np.array([[0.2, np.nan], [0.6, np.nan], [0.5, np.nan]])
    data = cut([np.ones((3, 4))], [targets], 2)
    assert data.mask.tolist() == [[[1, 0], [1, 0]], [[1, 0], [0, 0]]]
    assert data.targets[..., 1].tolist() == [[0, 0], [0, 0]]
