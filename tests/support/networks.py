"""Sizes of networks and settings of short trainings, and the distance of tensors, for the tests of the stage train."""

from torch import Tensor

PAPER = {
    "mel_bands": 64,
    "classes": 17,
    "filters": 128,
    "pooling": [5, 2, 2],
    "dropout": 0.2,
    "gru_units": 32,
    "gru_layers": 1,
    "dense": [32],
    "output": "linear",
}
# The smallest network, and the section `train` of trainings of a second.
SMALL = {"filters": 4, "pooling": [4, 4], "dropout": 0.1, "gru_units": 4, "gru_layers": 1, "dense": []}
TRAINING = {
    "model": SMALL,
    "output_bias": "class_mean",
    "implementation": "auto",
    "precision": "float32",
    "sequence_frames": 20,
    "batch_size": 4,
    "learning_rate": 0.01,
    "schedule": "plateau",
    "epochs": 12,
    "plateau_epochs": 3,
    "plateau_factor": 0.5,
    "patience": 6,
}


def distance(found: Tensor, expected: Tensor) -> float:
    """Return the norm of the difference divided by the norm of the expected values."""
    return ((found - expected).norm() / expected.norm()).item()
