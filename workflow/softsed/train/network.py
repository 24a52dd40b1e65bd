"""The CRNN of Sec. 3.1: convolutional blocks, bidirectional GRUs, and one output per frame and class.

The paper names the layers and cites Adavanne et al. (ICASSP 2017) for the rest. Every size that the paper leaves open
is a parameter here and a key of the config section ``train``, with the reason for its value beside the key.

Beyond the paper, the network reads embeddings of a pretrained model instead of mel energies, or both. A linear layer
projects embeddings to as many numbers as the convolutions have filters. With both, adaptive average pooling along time
brings the embeddings to the frames of the mel energies, and the GRUs read both side by side. This is the late fusion
``pool1d`` of the baseline of DCASE 2024 Task 4.

`softsed.train.fast.network` has the same weights and computes the same outputs faster on a CPU.
"""

import math
from collections import OrderedDict
from itertools import pairwise

import torch
from torch import Tensor, nn

from softsed.core.errors import InputError
from softsed.features.inputs import Both


class CRNN(nn.Module):
    """Convolutional recurrent network for sound event detection.

    Parameters
    ----------
    mel_bands : int
        Mel bands of the input; 0 for embeddings alone.
    classes : int
        Outputs per frame.
    filters : int
        Filters of each 3 x 3 convolution.
    pooling : list of int
        Widths of the max pooling along frequency, one per convolutional block. Time is never pooled.
    dropout : float
        Share of values dropped after each convolutional block, and of the embeddings, from 0 to below 1.
    gru_units, gru_layers : int
        Units of each direction, and layers. The outputs of the two directions are concatenated.
    dense : list of int
        Units of the linear layers between the GRU and the output layer.
    output : {"sigmoid", "linear"}
        Activation of the output layer: probabilities, or linear regression (Sec. 3.1).
    dimensions : int
        Dimensions of the embeddings; 0 for mel energies alone.
    precision : {"float32", "bfloat16"}
        Type in which products are computed. Weights, statistics of the batch norm and outputs are float32.

    Raises
    ------
    InputError
        If the pooling leaves no mel band.
    """

    def __init__(
        self,
        *,
        mel_bands: int,
        classes: int,
        filters: int,
        pooling: list[int],
        dropout: float,
        gru_units: int,
        gru_layers: int,
        dense: list[int],
        output: str,
        dimensions: int = 0,
        precision: str = "float32",
    ) -> None:
        super().__init__()
        bands = mel_bands
        for width in pooling:
            bands //= width  # bands that do not fill a window are left out
        if mel_bands and not bands:
            raise InputError(
                f"the product of pooling {pooling}, {math.prod(pooling)}, exceeds {mel_bands} mel bands",
                key="train.model.pooling",
                expected=f"numbers whose product is at most {mel_bands}",
            )
        self.convolutions = nn.Sequential(*(self.make_blocks(filters, pooling, dropout) if mel_bands else []))
        layers = [nn.Dropout(dropout), nn.Linear(dimensions, filters)] if dimensions else []
        self.projection = nn.Sequential(*layers)
        self.recurrent = self.make_recurrent(filters * (bands + bool(dimensions)), gru_units, gru_layers)
        sizes = [2 * gru_units, *dense, classes]
        self.dense = nn.Sequential(*(nn.Linear(before, after) for before, after in pairwise(sizes)))
        self.output, self.precision = output, precision
        self.reach = len(pooling)  # frames on either side that an output of `convolve` depends on

    def make_blocks(self, filters: int, pooling: list[int], dropout: float) -> list[nn.Module]:
        """Create the blocks: [batch, channels, frames, bands] -> [batch, filters, frames, bands // width]."""
        return [
            nn.Sequential(
                OrderedDict(
                    convolution=nn.Conv2d(filters if number else 1, filters, kernel_size=3, padding=1),
                    norm=nn.BatchNorm2d(filters),
                    relu=nn.ReLU(),
                    pooling=nn.MaxPool2d((1, width)),
                    dropout=nn.Dropout(dropout),
                )
            )
            for number, width in enumerate(pooling)
        ]

    def make_recurrent(self, inputs: int, units: int, layers: int) -> nn.GRU:
        """Create the GRU: [batch, frames, inputs] -> [batch, frames, 2 * units]."""
        return nn.GRU(inputs, units, num_layers=layers, bidirectional=True, batch_first=True)

    @torch.no_grad()
    def start_at(self, bias: Tensor) -> None:
        """Set the bias [classes] of the output layer, from which a training starts."""
        self.dense[-1].bias.copy_(bias)

    def forward(self, x: Tensor | Both) -> Tensor:
        """Compute the input of the loss: logits of a sigmoid output, or the linear outputs.

        Parameters
        ----------
        x : Tensor [batch, frames, mel_bands or dimensions] or Both
            Normalised mel energies, embeddings, or both.

        Returns
        -------
        Tensor [batch, frames, classes]
        """
        if isinstance(x, Both):
            return self.recur(self.fuse(self.convolve(x.mel), x.embeddings))
        return self.recur(self.convolve(x) if len(self.convolutions) else self.project(x))

    def convolve(self, mel: Tensor) -> Tensor:
        """Compute the convolutional part: [batch, frames, mel_bands] -> [batch, frames, bands * filters].

        Each frame depends on `reach` frames on either side. This part takes nearly all the memory.
        """
        with self.autocast(mel):
            x = self.convolutions(mel.unsqueeze(1))  # [batch, filters, frames, bands]
        return x.permute(0, 2, 3, 1).flatten(2)

    def project(self, embeddings: Tensor) -> Tensor:
        """Compute the linear projection: [batch, frames, dimensions] -> [batch, frames, filters]."""
        with self.autocast(embeddings):
            return self.projection(embeddings)

    def fuse(self, convolved: Tensor, embeddings: Tensor) -> Tensor:
        """Join the output of `convolve` with embeddings of the same seconds, [batch, fewer frames, dimensions]."""
        projected = self.project(embeddings).transpose(1, 2)  # [batch, filters, fewer frames]
        pooled = nn.functional.adaptive_avg_pool1d(projected, convolved.shape[1])
        return torch.cat([convolved, pooled.transpose(1, 2)], dim=-1)

    def recur(self, x: Tensor) -> Tensor:
        """Compute the recurrent part and the output layer, which depend on all frames of the sequence."""
        with self.autocast(x):
            x, _ = self.recurrent(x)  # [batch, frames, 2 * gru_units]
        x = x.to(next(self.dense.parameters()).dtype)  # PyTorch's GRU returns the type of autocast
        return self.dense(x)  # [batch, frames, classes]

    def autocast(self, x: Tensor) -> torch.autocast:
        """Return the context in which products are computed in the network's precision."""
        return torch.autocast(x.device.type, torch.bfloat16, enabled=self.precision == "bfloat16")

    def activate(self, raw: Tensor) -> Tensor:
        """Convert the output of `forward` to scores: probabilities, or the linear outputs as they are."""
        return torch.sigmoid(raw) if self.output == "sigmoid" else raw
