"""Augmentation: each change against a direct formula or a property, and what it leaves unchanged."""

import math

import numpy as np
import pytest
import torch
from torch.distributions import Beta

from softsed.features.extract import make_filterbank, mel_energies
from softsed.features.inputs import BOTH, EMBEDDINGS, MEL, Both, FrontEnd
from softsed.train.augment import Augment, Level, choose_intervals, cover
from softsed.train.sequences import Scaler, Sequences, cut, find_spans

RATE, SLOW = 10, 2  # frames of mel energies and of embeddings per second
FRONT_ENDS = {kind: FrontEnd(kind, RATE, 0 if kind == MEL else SLOW) for kind in (MEL, EMBEDDINGS, BOTH)}


def numbered(seconds, length, kind=MEL):
    """Return sequences whose inputs and targets are number of the recording and time in seconds, and their spans."""

    def table(number, rate, last):
        return np.stack([np.full(last * rate, number), np.arange(1, last * rate + 1) / rate], axis=1)

    rate = FRONT_ENDS[kind].rate
    mel, embeddings = ([table(i + 1, r, last) for i, last in enumerate(seconds)] for r in (RATE, SLOW))
    features = {MEL: mel, EMBEDDINGS: embeddings, BOTH: list(map(Both, mel, embeddings))}[kind]
    targets = [table(i + 1, rate, last) for i, last in enumerate(seconds)]
    return cut(features, targets, length * rate), find_spans(targets, length * rate)


def random_sequences(number, frames=60, bands=16):
    return Sequences(torch.randn(number, frames, bands), torch.rand(number, frames, 3), torch.ones(number, frames, 3))


def test_spans_by_hand():
    spans = find_spans([np.zeros((n, 1)) for n in (7, 20, 1)], 5)
    assert spans.tolist() == [[0, 1], [0, 1], [2, 5], [2, 5], [2, 5], [2, 5], [6, 6]]


@pytest.mark.parametrize("kind", [MEL, EMBEDDINGS, BOTH])
def test_shift_moves_inputs_and_labels_together(kind):
    """Sequences lie within their recording, some whole seconds beside their place, and contain consecutive frames."""
    data, spans = numbered([12, 20, 3], 4, kind)
    rate = FRONT_ENDS[kind].rate
    augment = Augment({"shift_s": 3}, rate, spans)
    batch, seen = torch.arange(len(data)), set()
    torch.manual_seed(0)
    for _ in range(60):
        x, targets, mask = augment.take(data, batch)
        inputs = [x.mel, x.embeddings] if kind == BOTH else [x]
        for place in range(len(data)):
            counted = mask[place, :, 0] > 0
            assert (mask[place] == mask[place, :, :1]).all()
            recording, times = targets[place][counted].T.numpy()
            assert set(recording) == {1 if place < 3 else 2 if place < 8 else 3}
            np.testing.assert_allclose(np.diff(times), 1 / rate, rtol=1e-4)
            here = 4 * (place - spans[place, 0].item())
            shift = round(float(times[0] - 1 / rate - here), 3)
            assert shift == int(shift)
            seen.add((place, int(shift)))
            for one in inputs:
                of_sound = one[place][one[place][:, 0] > 0]
                step = rate if one.shape[1] == len(counted) else SLOW
                np.testing.assert_allclose(of_sound[:, 1], here + shift + np.arange(1, len(of_sound) + 1) / step)
                assert len(of_sound) * rate == counted.sum() * step
    # The first sequence of a recording cannot start earlier, the last cannot start later.
    allowed = {
        place: range(-3 * (place not in {0, 3, 8}), 1 + 3 * (place not in {2, 7, 8})) for place in range(len(data))
    }
    assert seen == {(place, shift) for place, shifts in allowed.items() for shift in shifts}


def test_mixup_equals_the_direct_formula():
    torch.manual_seed(4)
    data = random_sequences(5, frames=6)
    data.mask[1, 2:] = 0  # padding
    data.mask[:, :, 1] *= torch.rand(5, 6)
    augment = Augment({"mixup": 0.4}, RATE)
    state = torch.get_rng_state()
    x, targets, weights = augment.take(data, torch.tensor([4, 1, 0]))
    torch.set_rng_state(state)
    partners, share = torch.randperm(3).tolist(), Beta(0.4, 0.4).sample((3,)).double().numpy()
    assert partners != [0, 1, 2]
    plain_x, y, w = (table[[4, 1, 0]].double().numpy() for table in data.tensors())
    for i, j in enumerate(partners):
        np.testing.assert_allclose(x[i], share[i] * plain_x[i] + (1 - share[i]) * plain_x[j], atol=1e-6)
        for t, c in np.ndindex(6, 3):
            both = share[i] * w[i, t, c], (1 - share[i]) * w[j, t, c]
            expected = (both[0] * y[i, t, c] + both[1] * y[j, t, c]) / sum(both) if sum(both) else 0
            np.testing.assert_allclose(targets[i, t, c], expected, atol=1e-5)
            np.testing.assert_allclose(weights[i, t, c], sum(both), atol=1e-6)


def test_mixup_shares_follow_the_beta_distribution():
    """The inputs of one sequence are 0 and of the other 1, so that a mixed input is the share."""
    torch.manual_seed(0)
    data = random_sequences(2, frames=1)
    data.features[0], data.features[1] = 0.0, 1.0
    augment = Augment({"mixup": 0.2}, RATE)
    found = torch.cat([augment.take(data, torch.arange(2))[0][:, 0, 0] for _ in range(4000)])
    mixed = found[(found > 1e-3) & (found < 1 - 1e-3)]
    inside = float(Beta(0.2, 0.2).sample((100000,)).clamp(0, 1).sub(0.5).abs().lt(0.499).float().mean())
    assert len(mixed) / len(found) == pytest.approx(
        inside / 2, abs=0.02
    )  # half of the pairs are a sequence with itself


@pytest.mark.parametrize("log", [True, False])
@pytest.mark.parametrize("power", [1, 2, 0.6])
def test_gain_equals_that_of_a_louder_recording(log, power):
    """Doubled samples, which are 6.02 dB louder, have the changed mel energies."""
    config = {"sample_rate": 8000, "window": 512, "hop_s": 0.1, "mel_bands": 12, "f_min": 50, "f_max": 4000}
    config |= {"power": power, "log": log, "log_floor": 1e-10}
    signal = np.random.default_rng(0).normal(0, 0.1, 16000).astype(np.float32)
    filterbank = make_filterbank(config)
    mel, louder = (mel_energies([factor * signal], filterbank, config) for factor in (1, 2))
    scaler = Scaler.fit([mel])
    level = Level(power, log, torch.from_numpy(scaler.mean), torch.from_numpy(scaler.std))
    found = level.change(torch.from_numpy(scaler(mel))[None], torch.tensor([20 * math.log10(2)]))[0]
    np.testing.assert_allclose(found, scaler(louder), rtol=1e-3, atol=1e-3)
    assert np.abs(found.numpy() - scaler(mel)).min() > 0.01


def test_gain_is_uniform_and_leaves_padding():
    torch.manual_seed(0)
    data = random_sequences(1000, frames=3, bands=2)
    data.features[:, 2] = 0
    scaler = Scaler(np.float32([1, 2]), np.float32([0.5, 4]))
    features = {"mel_bands": 2, "power": 2, "log": True}
    augment = Augment.create({"gain_db": 6}, FRONT_ENDS[MEL], features, scaler)
    moved = (augment.change(data.features) - data.features)[:, :2] * torch.tensor([0.5, 4]) * 10 / math.log(10)
    assert torch.allclose(moved, moved[:, :1, :1].expand_as(moved), atol=1e-4)
    assert (augment.change(data.features)[:, 2] == 0).all()
    assert moved.abs().max() <= 6.001
    np.testing.assert_allclose(np.quantile(moved[:, 0, 0], [0.1, 0.5, 0.9]), [-4.8, 0, 4.8], atol=0.4)


def test_gain_leaves_embeddings_unchanged():
    x = Both(torch.randn(4, 40, 3), torch.randn(4, 8, 5))
    scaler = Scaler(np.zeros(8, np.float32), np.ones(8, np.float32))
    augment = Augment.create({"gain_db": 6}, FRONT_ENDS[BOTH], {"mel_bands": 3, "power": 2, "log": True}, scaler)
    changed = augment.change(x)
    assert torch.equal(changed.embeddings, x.embeddings)
    assert not torch.equal(changed.mel, x.mel)


def test_cover_equals_a_loop_over_cells():
    starts, ends = choose_intervals(20, 3, 1.3, 6.0)
    assert starts.min() >= 0
    assert ends.max() <= 6
    assert 0.9 < (ends - starts).max() < 1.3
    found = cover(starts, ends, 60, 10)
    for place in range(20):
        for cell in range(60):
            centre = (cell + 0.5) / 10
            inside = any(low <= centre < high for low, high in zip(starts[place], ends[place], strict=True))
            assert found[place, cell] == inside


def test_frequency_mask_hides_bands_of_all_frames():
    torch.manual_seed(0)
    x = torch.randn(500, 5, 64)
    hidden = Augment({"frequency_mask": 8}, RATE).change(x) == 0
    assert (hidden == hidden[:, :1]).all()
    numbers = hidden[:, 0].sum(dim=1)
    assert numbers.max() <= 16
    assert numbers.float().mean() == pytest.approx(8, abs=1)  # two masks of 4 bands on average, which may overlap
    assert hidden[:, 0].float().mean(dim=0).min() > 0  # every band
    masks = (hidden[:, 0].int().diff(dim=1, prepend=torch.zeros(500, 1, dtype=torch.int)) == 1).sum(dim=1)
    assert masks.max() == 2


def test_time_mask_hides_the_same_seconds_of_both():
    torch.manual_seed(0)
    x = Both(torch.randn(50, 30 * RATE, 4), torch.randn(50, 30 * SLOW, 3))
    changed = Augment({"time_mask_s": 3.0}, RATE).change(x)
    mel, embeddings = (one == 0 for one in (changed.mel, changed.embeddings))
    assert (mel == mel[..., :1]).all()
    assert (embeddings == embeddings[..., :1]).all()
    # A frame of the embeddings has the centre of two frames of the mel energies.
    pairs = mel[..., 0].unflatten(1, (-1, RATE // SLOW))
    assert (pairs[..., 2] == embeddings[..., 0]).all()
    share = mel.float().mean().item()
    assert 0.2 < share < 6 * 1.5 / 30  # six masks of 1.5 s on average, some of which overlap


def test_masks_leave_labels_unchanged():
    data = random_sequences(6)
    _, targets, mask = Augment({"frequency_mask": 8, "time_mask_s": 1.0}, RATE).take(data, torch.tensor([3, 1]))
    assert torch.equal(targets, data.targets[[3, 1]])
    assert torch.equal(mask, data.mask[[3, 1]])


def test_system_without_augmentation_has_none():
    assert Augment.create(None, FRONT_ENDS[MEL], {}, Scaler(np.zeros(1), np.ones(1))) is None
