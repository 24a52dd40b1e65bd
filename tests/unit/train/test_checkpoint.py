"""Checkpoints: a continued training ends with the same bits; other, damaged and half files are ignored."""

import errno
import logging

import pytest
import torch
from torch import nn

from softsed.train import checkpoint
from softsed.train.checkpoint import Checkpoint, hash_of

IDENTITY = {
    "code": ["softsed/train/system.py@0123456789ab"],
    "config": {"learning_rate": 0.01, "pooling": [5, 2]},
    "seed": 3,
}


class Toy:
    """A training with everything that may change: weights, statistics, an optimiser with state, random numbers."""

    def __init__(self):
        torch.manual_seed(0)
        self.model = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Dropout(0.5))
        self.model.precision = "float32"
        self.optimiser = torch.optim.Adam(self.model.parameters(), lr=0.1)
        self.order = torch.Generator().manual_seed(1)
        self.parts = (self.model, self.optimiser, self.order)

    def step(self):
        x = torch.randn(16, 4, generator=self.order)
        self.optimiser.zero_grad()
        (self.model(x) ** 2).sum().backward()
        self.optimiser.step()
        self.optimiser.param_groups[0]["lr"] *= 0.9
        return self

    def weights(self):
        return torch.cat([value.flatten() for value in self.model.state_dict().values()])


@pytest.fixture
def written(tmp_path):
    """Return the file of a checkpoint after three steps, the only file of its folder."""
    path = tmp_path / "checkpoints" / "fold1.pt"
    Checkpoint(path, IDENTITY, 0).save(
        (0.5, {"w": torch.ones(2)}, 2, [{"epoch": 1}]), *Toy().step().step().step().parts
    )
    assert [file.name for file in path.parent.iterdir()] == ["fold1.pt"]
    return path


def load(path, toy, **changes):
    return Checkpoint(path, IDENTITY | changes, 0).load(*toy.parts)


def test_load_restores_the_whole_training(written):
    whole = Toy().step().step().step().step().step()
    toy = Toy()
    best, state, stale, history = load(written, toy)
    assert (best, stale, history) == (0.5, 2, [{"epoch": 1}])
    assert torch.equal(state["w"], torch.ones(2))
    torch.rand(5)
    load(written, toy)  # restores torch's generator as well
    assert torch.equal(toy.step().step().weights(), whole.weights())
    assert toy.optimiser.param_groups[0]["lr"] == whole.optimiser.param_groups[0]["lr"]


def test_load_keeps_the_first_precision(written, caplog):
    """A training that moves to another kind of machine continues in the precision of its first epoch."""
    toy = Toy()
    toy.model.precision = "bfloat16"
    assert load(written, toy)
    assert toy.model.precision == "float32"
    assert (
        "continues in float32, its first precision, and may be slow. To train in bfloat16, delete the file"
        in caplog.text
    )
    assert "threads" not in caplog.text


def test_load_without_a_file_changes_nothing(tmp_path, caplog):
    toy = Toy()
    assert load(tmp_path / "none" / "fold1.pt", toy) is None
    assert torch.equal(toy.weights(), Toy().weights())
    assert caplog.text == ""


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"seed": 4}, "seed"),
        ({"config": {"learning_rate": 0.02, "pooling": [5, 2]}}, "config"),
        ({"code": ["softsed/train/system.py@ba9876543210"], "seed": 4}, "code, seed"),
    ],
)
def test_load_ignores_another_training(written, caplog, changes, named):
    toy = Toy()
    with caplog.at_level(logging.INFO):
        assert load(written, toy, **changes) is None
    assert f"training with other {named}; training starts from the beginning" in caplog.text
    assert torch.equal(toy.step().weights(), Toy().step().weights())


def test_load_ignores_a_damaged_file(written, caplog):
    content = written.read_bytes()
    damaged = [content[:length] for length in range(0, len(content), 997)]
    damaged += [content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :] for at in range(0, len(content), 997)]
    for number, remains in enumerate(damaged, 1):
        written.write_bytes(remains)
        toy = Toy()
        assert load(written, toy) is None
        assert torch.equal(toy.weights(), Toy().weights())
        assert caplog.text.count("the checkpoint is damaged; training starts from the beginning") == number
    assert {record.levelname for record in caplog.records} == {"WARNING"}


def test_save_killed_keeps_the_previous_file(written, monkeypatch):
    before = written.read_bytes()

    def kill(_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint.os, "fsync", kill)
        with pytest.raises(KeyboardInterrupt):
            Checkpoint(written, IDENTITY, 0).save((), *Toy().parts)
    assert written.read_bytes() == before
    assert len(list(written.parent.iterdir())) == 2
    assert load(written, Toy())
    assert [file.name for file in written.parent.iterdir()] == ["fold1.pt"]


def test_save_on_a_full_disk_only_warns(written, monkeypatch, caplog):
    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    before = written.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint.os, "fsync", full)
        Checkpoint(written, IDENTITY, 0).save((), *Toy().parts)
    assert "could not be written, training continues: [Errno 28] No space left on device" in caplog.text
    assert written.read_bytes() == before


def test_save_waits_between_checkpoints(tmp_path, monkeypatch):
    now = 1000.0
    monkeypatch.setattr(checkpoint.time, "monotonic", lambda: now)
    saved, toy = Checkpoint(tmp_path / "fold1.pt", IDENTITY, 60), Toy()
    epochs = []
    for epoch in range(1, 11):
        now += 25
        saved.save((epoch,), *toy.parts)
        if (found := load(tmp_path / "fold1.pt", Toy())) and found[0] not in epochs:
            epochs += found
    assert epochs == [3, 6, 9]


def test_hash_of_data_depends_on_type_and_shape():
    tensors = [torch.zeros(4), torch.zeros(2, 2), torch.zeros(4, dtype=torch.bfloat16), torch.tensor([0.0, 0, 0, 1e-9])]
    assert len({hash_of(tensor) for tensor in tensors}) == len(tensors)
    assert hash_of(*tensors) == hash_of(*[tensor.clone() for tensor in tensors]) != hash_of(*reversed(tensors))
    assert hash_of(torch.arange(6.0).reshape(2, 3).T) == hash_of(torch.arange(6.0).reshape(2, 3).T.contiguous())
