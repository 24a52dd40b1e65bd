"""The CRNN of Sec. 3.1: three convolutional blocks, two bidirectional GRUs, one output a class and frame.

The paper names the layers and cites Adavanne et al. (ICASSP 2017) for the rest; every size it leaves open is a
parameter here and a key of the config, with the reason for its value beside the key.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn

from softsed.core.errors import InputError
from softsed.train.fast_blocks import Block, FirstBlock
from softsed.train.fast_gru import BidirectionalGRU


def choose_device(name: str) -> torch.device:
    """Return the device of a name; "auto" is CUDA where there is one, else the CPU.

    Products on CUDA are made to be of float32 where the model's precision says so, not of TF32. An InputError where
    there is no such device.
    """
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    try:
        device = torch.device(("cuda" if torch.cuda.is_available() else "cpu") if name == "auto" else name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:  # the latter of a torch without CUDA
        reason = str(error).partition("\n")[0]
        raise InputError(f"device {name!r}: {reason}; expected auto, cpu, cuda or cuda:N") from error
    return device


def choose_precision(name: str, device: torch.device) -> str:
    """Return what convolutions compute in: "float32" or "bfloat16".

    "auto" is bfloat16 on a CPU with instructions for products of bfloat16 (AVX512-BF16, AMX, Arm's BF16), which are
    twice to many times as fast as those of float32, and float32 elsewhere: without such instructions bfloat16 is
    slower, and on a GPU nothing has been measured.
    """
    if name != "auto":
        return name
    found = torch.cpu.get_capabilities()
    units = any(found.get(unit, False) for unit in ("avx512_bf16", "amx_bf16", "bf16"))
    return "bfloat16" if device.type == "cpu" and units else "float32"


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
    precision : {"float32", "bfloat16"}
        What products are computed in. Weights, sums of the batch norm, states of the GRU and outputs are float32.
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
        precision: str = "float32",
    ) -> None:
        super().__init__()
        bands = mel_bands
        blocks = []
        for width in pooling:
            blocks.append(Block(filters, filters, width, dropout) if blocks else FirstBlock(filters, width, dropout))
            bands //= width
        if not bands:
            raise InputError(f"pooling {pooling} leaves none of {mel_bands} mel bands; choose smaller numbers")
        self.convolutions = nn.Sequential(*blocks)
        self.recurrent = BidirectionalGRU(filters * bands, gru_units, gru_layers)
        sizes = [2 * gru_units, *dense, classes]
        self.dense = nn.Sequential(*(nn.Linear(before, after) for before, after in pairwise(sizes)))
        self.output, self.precision = output, precision
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
        with self.autocast(mel):
            x = self.convolutions(mel)  # [batch, filters, frames, bands]
        return x.permute(0, 2, 3, 1).flatten(2)  # [batch, frames, bands * filters], as it lies in memory

    def recur(self, x: Tensor) -> Tensor:
        """Compute the rest, which hears the whole sequence in both directions."""
        with self.autocast(x):
            x = self.recurrent(x)  # [batch, frames, 2 * gru_units]
        x = x.to(self.dense[0].weight.dtype)  # cuDNN's GRU gives what autocast computes in
        return self.dense(x)  # [batch, frames, classes]

    def autocast(self, x: Tensor) -> torch.autocast:
        """Return the context in which products are computed in the model's precision."""
        return torch.autocast(x.device.type, torch.bfloat16, enabled=self.precision == "bfloat16")

    def activate(self, raw: Tensor) -> Tensor:
        """Turn the output of `forward` into scores: probabilities, or the linear outputs as they are."""
        return torch.sigmoid(raw) if self.output == "sigmoid" else raw
