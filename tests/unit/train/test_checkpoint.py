"""Checkpoints: a continued training ends with the same bits; of another training, damaged or half, they are ignored."""

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
    """A training with all that may change in one: weights, statistics, an optimiser with memory, random numbers."""

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
    """The file of a checkpoint after three steps, in a folder of its own."""
    path = tmp_path / "checkpoints" / "fold1.pt"
    Checkpoint(path, IDENTITY, 0).save(
        (0.5, {"w": torch.ones(2)}, 2, [{"epoch": 1}]), *Toy().step().step().step().parts
    )
    assert [file.name for file in path.parent.iterdir()] == ["fold1.pt"]
    return path


def load(path, toy, **changes):
    return Checkpoint(path, IDENTITY | changes, 0).load(*toy.parts)


def test_goes_on_as_if_nothing_had_happened(written):
    whole = Toy().step().step().step().step().step()
    toy = Toy()
    best, state, stale, history = load(written, toy)
    assert (best, stale, history) == (0.5, 2, [{"epoch": 1}])
    assert torch.equal(state["w"], torch.ones(2))
    torch.rand(5)
    load(written, toy)  # the generator of torch as well, whatever was drawn meanwhile
    assert torch.equal(toy.step().step().weights(), whole.weights())
    assert toy.optimiser.param_groups[0]["lr"] == whole.optimiser.param_groups[0]["lr"]


def test_on_another_kind_of_machine_it_goes_on_in_the_precision_it_began_in(written, caplog):
    toy = Toy()
    toy.model.precision = "bfloat16"
    assert load(written, toy)
    assert toy.model.precision == "float32"
    assert "goes on in float32, in which it began, and may be slow; delete it to begin anew in bfloat16" in caplog.text
    assert "threads" not in caplog.text


def test_nothing_to_continue(tmp_path, caplog):
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
def test_of_another_training_it_is_not_continued(written, caplog, changes, named):
    toy = Toy()
    with caplog.at_level(logging.INFO):
        assert load(written, toy, **changes) is None
    assert f"made with other {named}, hence ignored; training begins anew" in caplog.text
    assert torch.equal(toy.step().weights(), Toy().step().weights())


def test_a_damaged_file_is_ignored_with_a_warning(written, caplog):
    content = written.read_bytes()
    damaged = [content[:length] for length in range(0, len(content), 997)]
    damaged += [content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :] for at in range(0, len(content), 997)]
    for number, remains in enumerate(damaged, 1):
        written.write_bytes(remains)
        toy = Toy()
        assert load(written, toy) is None
        assert torch.equal(toy.weights(), Toy().weights())
        assert caplog.text.count("damaged, hence ignored; training begins anew") == number
    assert {record.levelname for record in caplog.records} == {"WARNING"}


def test_a_kill_while_writing_leaves_the_one_before(written, monkeypatch):
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


def test_a_full_disk_stops_no_training(written, monkeypatch, caplog):
    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    before = written.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint.os, "fsync", full)
        Checkpoint(written, IDENTITY, 0).save((), *Toy().parts)
    assert "not written, training goes on: [Errno 28] No space left on device" in caplog.text
    assert written.read_bytes() == before


def test_not_after_every_trivial_epoch(tmp_path, monkeypatch):
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


def test_the_hash_of_data_sees_type_shape_and_content():
    tensors = [torch.zeros(4), torch.zeros(2, 2), torch.zeros(4, dtype=torch.bfloat16), torch.tensor([0.0, 0, 0, 1e-9])]
    assert len({hash_of(tensor) for tensor in tensors}) == len(tensors)
    assert hash_of(*tensors) == hash_of(*[tensor.clone() for tensor in tensors]) != hash_of(*reversed(tensors))
    assert hash_of(torch.arange(6.0).reshape(2, 3).T) == hash_of(torch.arange(6.0).reshape(2, 3).T.contiguous())
