"""Sizes of the paper's network, and the distance of tensors, for the tests of the networks."""

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


def distance(found: Tensor, expected: Tensor) -> float:
    """Return the norm of the difference divided by the norm of the expected values."""
    return ((found - expected).norm() / expected.norm()).item()
