"""The CRNN of Sec. 3.1: three convolutional blocks, two bidirectional GRUs, one output a class and frame.

The paper names the layers and cites Adavanne et al. (ICASSP 2017) for the rest; every size it leaves open is a
parameter here and a key of the config, with the reason for its value beside the key.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn


def choose_device(name: str) -> torch.device:
    """Return the device of a name; "auto" is CUDA where there is one, else the CPU."""
    return torch.device(("cuda" if torch.cuda.is_available() else "cpu") if name == "auto" else name)


class CRNN(nn.Module):
    """Convolutional recurrent network for sound event detection.

    Parameters
    ----------
    mel_bands : int
        Bands of the input.
    classes : int
        Outputs a frame.
    filters : int
        Filters of each 3 x 3 convolution.
    pooling : list of int
        Max pooling along frequency after each convolution; its length is the number of blocks. Time is never pooled.
    dropout : float
        After each convolutional block, in 0..1.
    gru_units, gru_layers : int
        Units of each direction; the two directions are concatenated.
    dense : list of int
        Units of linear layers between the GRU and the output.
    output : {"sigmoid", "linear"}
        Activation of the last layer: probabilities, or linear regression (Sec. 3.1).
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
    ) -> None:
        super().__init__()
        blocks, channels, bands = [], 1, mel_bands
        for width in pooling:
            blocks += [
                nn.Conv2d(channels, filters, kernel_size=3, padding=1),
                nn.BatchNorm2d(filters),
                # Pooling before ReLU gives the same values as after it (both are monotone) with less to compute.
                nn.MaxPool2d((1, width)),
                nn.ReLU(),
                nn.Dropout(dropout),
            ]
            channels, bands = filters, bands // width
        # Filters last in memory: the same numbers, and convolutions a third faster on a CPU.
        self.convolutions = nn.Sequential(*blocks).to(memory_format=torch.channels_last)
        self.recurrent = nn.GRU(
            channels * bands, gru_units, num_layers=gru_layers, bidirectional=True, batch_first=True
        )
        sizes = [2 * gru_units, *dense, classes]
        self.dense = nn.Sequential(*(nn.Linear(before, after) for before, after in pairwise(sizes)))
        self.output = output
        self.reach = len(pooling)  # frames: one for each 3 x 3 convolution

    def forward(self, mel: Tensor) -> Tensor:
        """Compute what the loss sees: logits of a sigmoid output, or the linear outputs.

        Parameters
        ----------
        mel : Tensor [batch, frames, mel_bands]
            Normalised features.

        Returns
        -------
        Tensor [batch, frames, classes]
        """
        return self.recur(self.convolve(mel))

    def convolve(self, mel: Tensor) -> Tensor:
        """Compute the part of `forward` that hears `reach` frames on either side, and takes nearly all the memory."""
        x = self.convolutions(mel.unsqueeze(1))  # [batch, filters, frames, bands]
        return x.transpose(1, 2).flatten(2)  # [batch, frames, filters * bands]

    def recur(self, x: Tensor) -> Tensor:
        """Compute the rest, which hears the whole sequence in both directions."""
        x, _ = self.recurrent(x)  # [batch, frames, 2 * gru_units]
        return self.dense(x)  # [batch, frames, classes]

    def activate(self, raw: Tensor) -> Tensor:
        """Turn the output of `forward` into scores: probabilities, or the linear outputs as they are."""
        return torch.sigmoid(raw) if self.output == "sigmoid" else raw
