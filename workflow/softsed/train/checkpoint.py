"""Checkpoints of a training: what it takes to go on after a kill as if nothing had happened, to the same bits.

Conventions
-----------
- A checkpoint is written between two epochs, once the last one is old enough. A kill, at whatever moment and by
  whatever signal, costs what has been computed since. Nothing is written on SIGTERM: where an epoch is longer than the
  half minute between that and SIGKILL it would come too late, where it is shorter little is saved.
- It is continued by the same training only: same code, settings and data. Any other begins anew.
- Where precision is chosen by the machine, a training goes on in the one it began in: a job that a cluster moves to
  another kind of node loses nothing.
- The file is replaced whole, and begins with the SHA-256 of the rest: a damaged one is ignored.
- The training does not remove it. Snakemake deletes the model again when it is killed before it has recorded the model,
  or when the prediction in the same submission fails; the Snakefile removes checkpoints when a run has ended well.
"""

import hashlib
import io
import logging
import os
import pickle
import time
from pathlib import Path

import torch
from torch import Tensor

from softsed.train.network import CRNN

logger = logging.getLogger(__name__)


def hash_of(*tensors: Tensor) -> str:
    """Hash type, shape and content of tensors."""
    digest = hashlib.sha256()
    for tensor in tensors:
        digest.update(f"{tensor.dtype} {list(tensor.shape)} ".encode())
        digest.update(tensor.detach().cpu().contiguous().view(torch.uint8).numpy())
    return digest.hexdigest()


def random_states(device: torch.device) -> list[Tensor]:
    """Return the states of torch's generators, that of the CPU first."""
    return [torch.get_rng_state()] + ([torch.cuda.get_rng_state(device)] if device.type == "cuda" else [])


def set_random_states(states: list[Tensor], device: torch.device) -> None:
    """Put torch's generators into the states that `random_states` returned."""
    torch.set_rng_state(states[0])
    if device.type == "cuda":
        torch.cuda.set_rng_state(states[1], device)


class Checkpoint:
    """The checkpoint of one training.

    Parameters
    ----------
    path : Path
        The file; it need not exist, nor its folder.
    identity : dict
        All that the weights depend on but the machine and the number of threads, by name; values that JSON knows.
    every_s : float
        Seconds from one checkpoint to the next, at least; 0 writes one every epoch.
    """

    def __init__(self, path: Path, identity: dict, every_s: float) -> None:
        self.path, self.identity, self.every_s = path, identity, every_s
        self.half = path.with_name(f"{path.name}.part")
        self.half.unlink(missing_ok=True)  # of a process that was killed while it wrote
        self.written = time.monotonic()

    def load(self, model: CRNN, optimiser: torch.optim.Optimizer, order: torch.Generator) -> tuple | None:
        """Put everything that changes in a training, and the model's precision, into the state of the checkpoint.

        Parameters
        ----------
        model, optimiser, order : CRNN, Optimizer, Generator
            As at the beginning of the training; not touched if there is nothing to continue.

        Returns
        -------
        tuple or None
            The progress that was saved; None, said in the log, where there is no checkpoint of this training.
        """
        if not self.path.exists():
            return None
        content = self.path.read_bytes()
        if hashlib.sha256(content[32:]).digest() != content[:32]:
            logger.warning("%s: damaged, hence ignored; training begins anew", self.path)
            return None
        try:
            saved = torch.load(io.BytesIO(content[32:]), map_location="cpu", weights_only=True)
        except pickle.UnpicklingError:  # more than tensors, numbers and text: none of ours
            logger.warning("%s: not written by `softsed train.system`, hence ignored; training begins anew", self.path)
            return None
        others = [name for name, value in self.identity.items() if saved["identity"].get(name) != value]
        if others:
            logger.info("%s: made with other %s, hence ignored; training begins anew", self.path, ", ".join(others))
            return None
        if saved["threads"] != torch.get_num_threads():
            here = saved["threads"], torch.get_num_threads()
            logger.warning("%s: begun on %d threads, here %d: weights differ in the last digits", self.path, *here)
        if saved["precision"] != model.precision:
            logger.warning(
                "%s: goes on in %s, in which it began, and may be slow; delete it to begin anew in %s",
                *(self.path, saved["precision"], model.precision),
            )
            model.precision = saved["precision"]
        model.load_state_dict(saved["model"])
        optimiser.load_state_dict(saved["optimiser"])
        order.set_state(saved["order"])
        set_random_states(saved["random"], next(model.parameters()).device)
        return saved["progress"]

    def save(self, progress: tuple, model: CRNN, optimiser: torch.optim.Optimizer, order: torch.Generator) -> None:
        """Write everything that changes in a training, if the last checkpoint is old enough.

        Parameters
        ----------
        progress : tuple
            What the training loop itself remembers: numbers, text and tensors in tuples, lists and dicts.
        model, optimiser, order : CRNN, Optimizer, Generator
            As in `load`.
        """
        if time.monotonic() - self.written < self.every_s:
            return
        buffer = io.BytesIO()
        parts = {
            "identity": self.identity,
            "progress": progress,
            "precision": model.precision,
            "threads": torch.get_num_threads(),
            "model": model.state_dict(),
            "optimiser": optimiser.state_dict(),
            "order": order.get_state(),
            "random": random_states(next(model.parameters()).device),
        }
        torch.save(parts, buffer)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.half.open("wb") as file:
                file.write(hashlib.sha256(buffer.getbuffer()).digest())
                file.write(buffer.getbuffer())
                file.flush()
                os.fsync(file.fileno())  # before the name: a node that loses power may write them in either order
            self.half.replace(self.path)
        except OSError as error:
            logger.warning("%s: not written, training goes on: %s", self.path, error)
        self.written = time.monotonic()
