"""The training loop: losses by hand, the best epoch is kept, same seed same weights even after kills."""

import logging
import math

import numpy as np
import pytest
import torch
from support.crowds import ask
from support.networks import SMALL, TRAINING

from softsed.train import loop
from softsed.train.augment import Augment, Level
from softsed.train.checkpoint import Checkpoint
from softsed.train.crowd.layer import CrowdLayer
from softsed.train.crowd.sequences import cut_opinions
from softsed.train.fast.network import NETWORKS, FastCRNN
from softsed.train.sequences import cut, find_spans


def test_loss_by_hand_counts_selected_elements():
    raw = torch.tensor([[[0.0, 2.0], [50.0, -50.0]]])
    targets = torch.tensor([[[1.0, 0.25], [0.0, 1.0]]])
    mask = torch.tensor([[[1.0], [0.0]]])
    mse = (0 - 1) ** 2 + (2 - 0.25) ** 2
    assert loop.masked_loss(raw, targets, mask, "mse").item() == pytest.approx(mse)
    p = 1 / (1 + math.exp(-2))
    bce = math.log(2) - (0.25 * math.log(p) + 0.75 * math.log(1 - p))
    assert loop.masked_loss(raw, targets, mask, "bce").item() == pytest.approx(bce)
    asked = torch.tensor([[[1.0, 0.0], [0.0, 0.0]]])
    assert loop.masked_loss(raw, targets, asked, "mse").item() == 1


def test_focal_loss_equals_a_scalar_loop():
    """Equation of Li et al., with |target - score| to the power 2, for soft labels."""
    rng = np.random.default_rng(0)
    raw, targets, weights = rng.normal(0, 3, (2, 5, 3)), rng.uniform(size=(2, 5, 3)), rng.uniform(size=(2, 5, 3))
    expected = 0
    for x, y, weight in zip(raw.flat, targets.flat, weights.flat, strict=True):
        score = 1 / (1 + math.exp(-x))
        expected += -weight * abs(y - score) ** 2 * ((1 - y) * math.log(1 - score) + y * math.log(score))
    found = loop.masked_loss(*(torch.from_numpy(values) for values in (raw, targets, weights)), "focal")
    assert found.item() == pytest.approx(expected)


def test_class_that_is_never_annotated_learns_nothing():
    torch.manual_seed(1)
    model = FastCRNN(mel_bands=16, classes=2, output="linear", **SMALL)
    before = model.dense[-1].weight.detach().clone()
    targets = [np.column_stack([np.ones(60), np.full(60, np.nan)])]
    data = cut([np.random.default_rng(0).normal(size=(60, 16))], targets, TRAINING["sequence_frames"])
    _, history = loop.fit(model, data, data, loss=loop.FrameLoss("mse"), config=TRAINING, seed=1)
    assert (model.dense[-1].weight[1] == before[1]).all()
    assert (model.dense[-1].weight[0] != before[0]).any()
    # The mean is over the elements that count: the loss of zeros would be 1.
    assert history[-1]["validation_loss"] < history[0]["validation_loss"] < 1.5


def toy(seed, count=12):
    """Recordings whose single class is active where the lower bands are loud."""
    rng = np.random.default_rng(seed)
    targets = [np.repeat(rng.integers(0, 2, (6, 1)), 10, axis=0).astype(float) for _ in range(count)]
    features = [y * np.linspace(2, 0, 16) + rng.normal(0, 0.3, (60, 16)) for y in targets]
    return cut(features, targets, TRAINING["sequence_frames"])


ALL = {"mixup": 0.2, "frequency_mask": 4, "time_mask_s": 0.5, "shift_s": 1, "gain_db": 6}


def augmentation(recordings):
    """Return all random changes, of the sequences of `toy`."""
    spans = find_spans([np.zeros((60, 1))] * recordings, TRAINING["sequence_frames"])
    return Augment(ALL, 10, spans, Level(2, True, torch.zeros(16), torch.ones(16)))


def fit(seed=1, loss="mse", checkpoint=None, recordings=12, *, network=FastCRNN, augment=False, **changes):
    torch.manual_seed(seed)
    model = network(mel_bands=16, classes=1, output="linear" if loss == "mse" else "sigmoid", **SMALL)
    frame_loss = loop.FrameLoss(loss, augmentation(recordings) if augment else None)
    options = {"loss": frame_loss, "config": {**TRAINING, **changes}, "seed": seed, "checkpoint": checkpoint}
    return model, *loop.fit(model, toy(0, recordings), toy(1, 4), **options)


@pytest.mark.parametrize("loss", ["mse", "bce", "focal"])
def test_fit_keeps_the_best_epoch(loss):
    model, state, history = fit(loss=loss)
    losses = [row["validation_loss"] for row in history]
    assert min(losses) < 0.7 * losses[0]
    model.load_state_dict(state)
    again = loop.run_epoch(model, toy(1, 4), list(torch.arange(len(toy(1, 4))).split(4)), loop.FrameLoss(loss))
    assert again == pytest.approx(min(losses), rel=1e-5)


def test_weights_follow_from_the_seed():
    _, first, _ = fit(seed=1, epochs=3)
    _, second, _ = fit(seed=1, epochs=3)
    _, other, _ = fit(seed=2, epochs=3)
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)


def test_augmentation_changes_training_sequences_only():
    torch.manual_seed(0)
    model = FastCRNN(mel_bands=16, classes=1, output="linear", **SMALL).eval()
    data, batch, loss = toy(1, 4), torch.arange(4), loop.FrameLoss("mse", augmentation(4))
    plain, elements = loop.FrameLoss("mse")(model, data, batch)
    assert loss.eval()(model, data, batch) == (plain, elements)
    changed = loss.train()(model, data, batch)[0].item()
    assert changed != pytest.approx(plain.item(), rel=1e-3)
    assert loss(model, data, batch)[0].item() != changed


def test_learning_rate_falls_on_a_plateau():
    # The learning rate is so small that the loss changes by rounding only.
    _, _, history = fit(learning_rate=1e-12, epochs=40)
    assert len(history) < 40
    stale = len(history) - 1 - int(np.argmin([row["validation_loss"] for row in history]))
    assert stale == TRAINING["patience"]
    assert history[-1]["learning_rate"] < history[0]["learning_rate"]


def test_cycle_rate_by_hand():
    # Of 20 epochs, the first two rise. The rate of an epoch is that of its middle.
    rates = [loop.cycle_rate(epoch, 20, 0.36) for epoch in range(1, 21)]
    assert rates[:4] == pytest.approx([0.09, 0.27, 0.35, 0.33])
    assert rates[-2:] == pytest.approx([0.03, 0.01])
    assert loop.cycle_rate(1, 1, 0.36) == pytest.approx(0.2)


def test_cycle_trains_all_epochs_at_its_rates():
    # The loss does not improve in some epochs, after which the schedule plateau lowers the rate and stops.
    _, _, history = fit(schedule="cycle", **SHORT | {"epochs": 10, "plateau_epochs": 1, "patience": 1})
    assert [row["learning_rate"] for row in history] == [loop.cycle_rate(epoch, 10, 0.2) for epoch in range(1, 11)]
    losses = [row["validation_loss"] for row in history]
    assert losses != sorted(losses, reverse=True)


def test_plateau_equals_the_scheduler_of_torch():
    """PyTorch's own scheduler in the plain loop gives the same losses to the last bit."""
    _, _, history = fit(**SHORT)
    torch.manual_seed(1)
    model = FastCRNN(mel_bands=16, classes=1, output="linear", **SMALL)
    optimiser = torch.optim.Adam(model.parameters(), lr=SHORT["learning_rate"], fused=True)
    # The parameter patience of this scheduler is the number of epochs that change nothing yet.
    settings = {"patience": SHORT["plateau_epochs"] - 1, "factor": TRAINING["plateau_factor"], "threshold": 0}
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimiser, **settings)
    training, validation = toy(0, SHORT["recordings"]), toy(1, 4)
    order, fixed = torch.Generator().manual_seed(1), torch.arange(len(validation)).split(TRAINING["batch_size"])
    for row in history:
        batches = torch.randperm(len(training), generator=order).split(TRAINING["batch_size"])
        assert row["learning_rate"] == optimiser.param_groups[0]["lr"]
        assert row["train_loss"] == loop.run_epoch(model, training, batches, loop.FrameLoss("mse"), optimiser)
        assert row["validation_loss"] == loop.run_epoch(model, validation, fixed, loop.FrameLoss("mse"))
        scheduler.step(row["validation_loss"])


def test_loss_that_is_not_finite_stops_the_training():
    with pytest.raises(FloatingPointError, match="epoch 1: the loss is not finite"):
        fit(learning_rate=1e30)


def interrupt(monkeypatch, after, outcome):
    """Replace the result of a pass over the data, of which an epoch has two, by an exception or a loss."""
    original, passes = loop.run_epoch, iter(range(1, 1000))

    def run_epoch(*arguments):
        loss = original(*arguments)
        if next(passes) < after:
            return loss
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    monkeypatch.setattr(loop, "run_epoch", run_epoch)


def same(one, other):
    """Report whether weights are equal bit by bit, and losses to the last digit."""
    (_, state, history), (_, other_state, other_history) = one, other
    return history == other_history and all(torch.equal(state[name], other_state[name]) for name in state)


# With these settings the learning rate falls and training stops early, so a checkpoint has to contain all of both.
SHORT = {"recordings": 2, "learning_rate": 0.2, "epochs": 30, "plateau_epochs": 2, "patience": 5}


def stopped(monkeypatch, path, after, outcome, **changes):
    """Start or continue a training that is interrupted, and return the exception."""
    with monkeypatch.context() as patch:
        interrupt(patch, after, outcome)
        try:
            fit(checkpoint=Checkpoint(path, {}, 0), **SHORT | changes)
        except (KeyboardInterrupt, FloatingPointError) as error:
            return error
    return None


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
@pytest.mark.parametrize(
    "schedule",
    [{}, {"schedule": "cycle", "epochs": 8}, {"schedule": "cycle", "epochs": 8, "augment": True}],
    ids=["plateau", "cycle", "augment"],
)
def test_training_killed_at_any_pass_ends_the_same(tmp_path, monkeypatch, network, schedule):
    changes = {"network": network, **schedule}
    whole = fit(**SHORT | changes)
    epochs = len(whole[2])
    assert epochs > 5
    assert len({row["learning_rate"] for row in whole[2]}) > 1
    for after in (1, 2, 3, 7, 2 * epochs - 1, 2 * epochs):
        path = tmp_path / f"after{after}.pt"
        assert stopped(monkeypatch, path, after, KeyboardInterrupt(), **changes)
        assert path.exists() == (after > 2)
        assert same(fit(checkpoint=Checkpoint(path, {}, 0), **SHORT | changes), whole)
    # A training that has ended and is called again, as when the model is lost, computes at most one epoch.
    with monkeypatch.context() as patch:
        interrupt(patch, 3, AssertionError("more than one epoch"))
        assert same(fit(checkpoint=Checkpoint(path, {}, 0), **SHORT | changes), whole)


def fit_opinions(checkpoint=None, augment=None):
    """Train on the answers of three annotators, one of whom ticks at random. Return also the learned competence."""
    rng = np.random.default_rng(4)
    active = rng.uniform(size=(2, 20, 1, 1)) < 0.2
    marks = {name: np.repeat(one, 3, axis=1) for name, one in zip("rs", active, strict=True)}
    for one in marks.values():
        one[:, 2] = rng.uniform(size=one[:, 2].shape) < 0.2
    opinions, _ = ask(marks, window=3)
    features = [np.repeat(2.0 * one[:, 0], 5, axis=0) * np.ones(16) + rng.normal(0, 0.3, (100, 16)) for one in active]
    train, validation = (
        cut_opinions(
            [features[place]],
            [name],
            opinions,
            weights=np.ones(len(opinions.opinion)),
            annotators=opinions.annotators,
            inactive={name: np.zeros((20, 1))},
            rate=5,
            length=8,
        )
        for place, name in enumerate("rs")
    )
    torch.manual_seed(2)
    model = FastCRNN(mel_bands=16, classes=1, output="sigmoid", **SMALL)
    crowd = {"competence": [[0.7]] * 3, "tick_rate": [[0.4]] * 3, "false_alarm": [0.02], "detection": 0.3}
    loss = CrowdLayer(crowd | {"annotators": opinions.annotators}, total=float(train.weight.sum()), augment=augment)
    config = {**TRAINING, "learning_rate": 0.5, "epochs": 20}
    trained = loop.fit(model, train, validation, loss=loss, config=config, seed=2, checkpoint=checkpoint)
    return model, *trained, loss.crowd()[0].detach()


def test_crowd_is_left_as_after_the_best_epoch(monkeypatch):
    """The annotators' parameters belong to the weights that are kept, not to those of the last epoch."""
    kept = []
    original = loop.run_epoch
    monkeypatch.setattr(
        loop, "run_epoch", lambda *given: (original(*given), kept.append(given[3].crowd()[0].detach()))[0]
    )
    _, _, history, competence = fit_opinions()
    best = int(np.argmin([row["validation_loss"] for row in history]))
    assert best < len(history) - 1
    assert torch.equal(competence, kept[2 * best + 1])
    assert not torch.equal(competence, kept[-1])


@pytest.mark.parametrize("augment", [None, Augment({"frequency_mask": 4, "time_mask_s": 0.5}, 5)])
def test_killed_crowd_training_ends_with_equal_bits(tmp_path, monkeypatch, augment):
    *whole, competence = fit_opinions(augment=augment)
    for after in (2, 3, 8, 2 * len(whole[2])):
        path = tmp_path / f"after{after}.pt"
        with monkeypatch.context() as patch:
            interrupt(patch, after, KeyboardInterrupt())
            with pytest.raises(KeyboardInterrupt):
                fit_opinions(Checkpoint(path, {}, 0), augment)
        *continued, found = fit_opinions(Checkpoint(path, {}, 0), augment)
        assert same(continued, whole)
        assert torch.equal(found, competence)


@pytest.mark.parametrize("after", [9, 10])
@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_loss_that_is_not_finite_keeps_the_checkpoint(tmp_path, monkeypatch, caplog, after, loss):
    path = tmp_path / "fold1.pt"
    assert "epoch 5: the loss is not finite" in str(stopped(monkeypatch, path, after, loss))
    # The same training stops again, at once.
    with caplog.at_level(logging.INFO):
        assert "epoch 5: the loss is not finite" in str(stopped(monkeypatch, path, after - 8, loss))
    assert f"continuing after epoch 4, from {path}" in caplog.text
    assert same(fit(checkpoint=Checkpoint(path, {}, 0), **SHORT), fit(**SHORT))


def test_mean_loss_is_over_frames_not_batches():
    torch.manual_seed(0)
    model = FastCRNN(mel_bands=16, classes=1, output="linear", **SMALL)
    data = toy(3)
    whole = loop.run_epoch(model, data, [torch.arange(len(data))], loop.FrameLoss("mse"))
    uneven = loop.run_epoch(model, data, list(torch.arange(len(data)).split(5)), loop.FrameLoss("mse"))
    assert whole == pytest.approx(uneven, rel=1e-5)
