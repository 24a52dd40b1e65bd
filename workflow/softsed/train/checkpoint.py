"""Checkpoints of a training: a killed training continues with the same bits as an uninterrupted one.

Conventions
-----------
- A checkpoint is written between two epochs, if the last checkpoint is old enough. A kill by any signal at any time
  costs only the work since then. Nothing is written on SIGTERM: a long epoch would not end before SIGKILL, and after a
  short epoch little is lost.
- Only the same training continues a checkpoint: same code, settings, network implementation and data. Any other
  training ignores the checkpoint and starts from the beginning.
- If the machine chooses the precision, a continued training keeps the precision of its first epoch. A job that a
  cluster moves to another kind of node loses no work.
- The file is replaced as a whole and begins with the SHA-256 of its content. A damaged file is ignored.
- The training does not remove its checkpoint, because Snakemake deletes the model if it is killed before it has
  recorded the model, or if the prediction of the same submission fails. The Snakefile removes the checkpoints after a
  successful run.
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
        digest.update(tensor.detach().cpu().contiguous().view(torch.uint8).numpy().data)
    return digest.hexdigest()


def random_states(device: torch.device) -> list[Tensor]:
    """Return the states of torch's generators, that of the CPU first."""
    return [torch.get_rng_state()] + ([torch.cuda.get_rng_state(device)] if device.type == "cuda" else [])


def set_random_states(states: list[Tensor], device: torch.device) -> None:
    """Set torch's generators to the states that `random_states` returned."""
    torch.set_rng_state(states[0])
    if device.type == "cuda":
        torch.cuda.set_rng_state(states[1], device)


class Checkpoint:
    """The checkpoint of one training.

    Parameters
    ----------
    path : Path
        File of the checkpoint. Neither the file nor its folder need exist.
    identity : dict
        Everything on which the weights depend, except the machine and the number of threads: values of JSON by name.
    every_s : float
        Least number of seconds between two checkpoints; 0 writes one per epoch.
    """

    def __init__(self, path: Path, identity: dict, every_s: float) -> None:
        self.path, self.identity, self.every_s = path, identity, every_s
        self.half = path.with_name(f"{path.name}.part")
        self.half.unlink(missing_ok=True)  # left by a process that was killed while writing
        self.written = time.monotonic()

    def load(self, model: CRNN, optimiser: torch.optim.Optimizer, order: torch.Generator) -> tuple | None:
        """Restore everything that changes during a training, and the precision of the model.

        Parameters
        ----------
        model, optimiser, order : CRNN, Optimizer, Generator
            As at the start of the training. They stay unchanged if there is nothing to continue.

        Returns
        -------
        tuple or None
            The saved progress. None if there is no checkpoint of this training; the log has the reason.
        """
        if not self.path.exists():
            return None
        content = self.path.read_bytes()
        if hashlib.sha256(content[32:]).digest() != content[:32]:
            logger.warning("%s: the checkpoint is damaged; training starts from the beginning", self.path)
            return None
        try:
            saved = torch.load(io.BytesIO(content[32:]), map_location="cpu", weights_only=True)
        except pickle.UnpicklingError:  # the file contains more than tensors, numbers and text
            logger.warning("%s: not a checkpoint of a softsed training; training starts from the beginning", self.path)
            return None
        others = [name for name, value in self.identity.items() if saved["identity"].get(name) != value]
        if others:
            logger.info(
                "%s: checkpoint of a training with other %s; training starts from the beginning",
                *(self.path, ", ".join(others)),
            )
            return None
        if saved["threads"] != torch.get_num_threads():
            here = saved["threads"], torch.get_num_threads()
            logger.warning(
                "%s: started on %d threads, continued on %d: the weights differ in the last digits", self.path, *here
            )
        if saved["precision"] != model.precision:
            logger.warning(
                "%s: continues in %s, its first precision, and may be slow. To train in %s, delete the file",
                *(self.path, saved["precision"], model.precision),
            )
            model.precision = saved["precision"]
        model.load_state_dict(saved["model"])
        optimiser.load_state_dict(saved["optimiser"])
        order.set_state(saved["order"])
        set_random_states(saved["random"], next(model.parameters()).device)
        return saved["progress"]

    def save(self, progress: tuple, model: CRNN, optimiser: torch.optim.Optimizer, order: torch.Generator) -> None:
        """Write everything that changes during a training, if the last checkpoint is old enough.

        Parameters
        ----------
        progress : tuple
            State of the training loop: numbers, text and tensors in tuples, lists and dicts.
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
                os.fsync(file.fileno())  # before the rename, because a power failure may keep only one of the two
            self.half.replace(self.path)
        except OSError as error:
            logger.warning("%s: the checkpoint could not be written, training continues: %s", self.path, error)
        self.written = time.monotonic()
