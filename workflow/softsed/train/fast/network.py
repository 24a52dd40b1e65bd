"""The choice between the network in PyTorch's own modules and the fast network for CPUs.

Both have the same weights under the same names, start from the same weights for the same seed, and compute the same
outputs and gradients except for rounding; tests hold them equal. Dropout is random, and each network draws its own
numbers. The fast network can be deleted once PyTorch's modules are as fast on a CPU (docs/performance.md).
"""

import torch
from torch import nn

from softsed.train.fast.blocks import Block, FirstBlock
from softsed.train.fast.gru import BidirectionalGRU
from softsed.train.network import CRNN


class FastCRNN(CRNN):
    """The network with convolutional blocks and a GRU that are fast on a CPU."""

    def make_blocks(self, filters: int, pooling: list[int], dropout: float) -> list[nn.Module]:
        """Create the convolutional blocks."""
        others = (Block(filters, filters, width, dropout) for width in pooling[1:])
        return [FirstBlock(filters, pooling[0], dropout), *others]

    def make_recurrent(self, inputs: int, units: int, layers: int) -> nn.GRU:
        """Create the GRU."""
        return BidirectionalGRU(inputs, units, layers)


NETWORKS = {"reference": CRNN, "fast": FastCRNN}


def choose_implementation(name: str, device: torch.device) -> str:
    """Return the implementation of a name, a key of `NETWORKS`.

    "auto" is "fast" on a CPU and "reference" elsewhere, because the fast network has not been measured on a GPU.
    """
    if name != "auto":
        return name
    return "fast" if device.type == "cpu" else "reference"
