"""Convolutional blocks for CPUs: the outputs of PyTorch's modules with a fraction of their memory traffic.

A block is convolution, batch norm, ReLU, max pooling along frequency and dropout. On a CPU, the convolutions of the
later blocks are bound by arithmetic, and PyTorch's operations for everything else are bound by memory. The loops of
`softsed.train.fast.kernels` compute everything else in one pass forward (two with the norm's statistics) and two passes
backward:

- Pooling and ReLU are one maximum. A byte per output keeps the place of the maximum, which gets the gradient.
- Random numbers of dropout are computed where they are used, from a seed that PyTorch's generator draws.
- The norm is scaled instead of the outputs of dropout: ReLU and maximum preserve a factor.
- The first block has one input channel and the most positions. Mean and variance of its convolution follow from the
  mean and covariance of the nine numbers of a 3 x 3 patch. The norm is therefore part of the weights, and one pass
  computes pooled outputs from the input.

Tensors keep the filters last in memory (channels-last). On other devices, the blocks run PyTorch's operations.
"""

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

from softsed.train.fast import kernels


def working_type(x: Tensor) -> torch.dtype:
    """Return the type in which convolutions compute: the type of autocast if enabled, else the type of x."""
    return torch.get_autocast_dtype(x.device.type) if torch.is_autocast_enabled(x.device.type) else x.dtype


def as_array(x: Tensor) -> np.ndarray:
    """Return a tensor's memory as an array for the kernels: bfloat16 as uint16."""
    x = x.detach()
    return (x.view(torch.uint16) if x.dtype == torch.bfloat16 else x).numpy()


def as_rows(x: Tensor) -> np.ndarray:
    """Return a tensor [batch, filters, frames, bands] as an array [rows, bands, filters]."""
    return as_array(x.permute(0, 2, 3, 1).flatten(0, 1).contiguous())


def draw_dropped(dropout: float) -> tuple[int, int]:
    """Draw the seed of a dropout, and compute which 32-bit numbers drop a value: the numbers below the second."""
    seed = torch.empty((), dtype=torch.int64).random_().item() if dropout else 0
    return seed, min(round(dropout * 2**32), 2**32 - 1)


def empty_outputs(batch: int, frames: int, bands: int, filters: int, width: int, kind: torch.dtype) -> list[Tensor]:
    """Create the outputs of a block and the places of its maxima: [batch, frames, bands, filters]."""
    places = torch.int8 if width <= 128 else torch.int16
    return [torch.empty(batch, frames, bands, filters, dtype=dtype) for dtype in (kind, places)]


class ConvolvePool(torch.autograd.Function):
    """Convolution of one channel, max pooling, ReLU, dropout without scaling."""

    @staticmethod
    def forward(ctx, mel: Tensor, weights: Tensor, width: int, dropout: float, kind: torch.dtype) -> Tensor:
        """Compute mel [batch, frames, bands] and weights [10, filters] -> [batch, frames, bands // width, filters]."""
        (batch, frames, bands), filters = mel.shape, weights.shape[1]
        around = functional.pad(mel, (1, 1, 1, 1)).flatten(0, 1)
        y, index = empty_outputs(batch, frames, bands // width, filters, width, kind)
        arrays = [as_array(x) for x in (around, weights.contiguous())]
        outputs = [as_array(x.flatten(0, 1)) for x in (y, index)]
        loop = kernels.convolve_pool(width, filters)
        kernels.run(loop, batch * frames, frames, *arrays, *draw_dropped(dropout), *outputs)
        ctx.save_for_backward(around, index)
        ctx.width = width
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient: Tensor) -> tuple[None, Tensor, None, None, None]:
        around, index = ctx.saved_tensors
        batch, frames, _, filters = gradient.shape
        loop = kernels.convolve_pool_backward(ctx.width, filters)
        arrays = [as_array(x.flatten(0, 1)) for x in (gradient.contiguous(), index)]
        sums = sum(kernels.run(loop, batch * frames, frames, as_array(around), *arrays))
        return None, torch.from_numpy(sums).to(around.dtype), None, None, None


class NormPool(torch.autograd.Function):
    """Batch norm with given mean and variance, max pooling, ReLU, dropout without scaling."""

    @staticmethod
    def forward(ctx, x: Tensor, mean: Tensor, deviation: Tensor, weight: Tensor, bias: Tensor, *settings) -> Tensor:
        """Compute x [batch, filters, frames, bands] -> [batch, frames, bands // width, filters].

        Parameters
        ----------
        x : Tensor
            Input. Its memory is used for its gradient.
        mean, deviation, weight, bias : Tensor [filters]
            Mean and standard deviation of x, and parameters of the norm.
        settings : tuple of (int, float, bool)
            Width of the pooling, share of dropout, and whether mean and deviation depend on x.
        """
        width, dropout, depends = settings
        batch, filters, frames, bands = x.shape
        y, index = empty_outputs(batch, frames, bands // width, filters, width, x.dtype)
        norm = as_array(torch.stack([mean, weight / deviation, bias]))
        outputs = [as_array(part.flatten(0, 1)) for part in (y, index)]
        loop = kernels.norm_pool(width, filters)
        kernels.run(loop, batch * frames, as_rows(x), norm, *draw_dropped(dropout), *outputs)
        ctx.save_for_backward(x, index, mean, deviation, weight)
        ctx.width, ctx.depends = width, depends
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, index, mean, deviation, weight = ctx.saved_tensors
        batch, filters, frames, bands = x.shape
        rows, count = as_rows(x), batch * frames * bands
        arrays = [rows, *(as_array(part.flatten(0, 1).contiguous()) for part in (gradient, index))]
        parts = kernels.run(kernels.sum_gradients(filters), len(rows), ctx.width, *arrays, as_array(mean))
        by_bias, by_weight = torch.from_numpy(sum(parts))
        by_weight, scale = by_weight / deviation, weight / deviation
        constant, slope = (scale * part * (ctx.depends / count) for part in (by_bias, by_weight / deviation))
        norm = torch.stack([mean, scale, constant, slope]).to(mean.dtype)
        kernels.run(kernels.norm_pool_backward(filters), len(rows), ctx.width, *arrays, as_array(norm))
        torch.autograd.graph.increment_version(x)  # a second backward pass fails
        result = torch.from_numpy(rows).view(x.dtype).unflatten(0, (batch, frames)).permute(0, 3, 1, 2)
        return result, None, None, by_weight.to(weight.dtype), by_bias.to(weight.dtype), None, None, None


class Convolution(nn.Conv2d):
    """`torch.nn.Conv2d` with a bias."""

    bias: Tensor


class Norm(nn.BatchNorm2d):
    """`torch.nn.BatchNorm2d` with running statistics."""

    running_mean: Tensor
    running_var: Tensor
    num_batches_tracked: Tensor
    momentum: float

    @torch.no_grad()
    def track(self, mean: Tensor, var: Tensor, count: int) -> None:
        """Update the running statistics with mean and variance [filters] of `count` positions."""
        self.num_batches_tracked += 1
        self.running_mean.lerp_(mean.to(self.running_mean.dtype), self.momentum)
        self.running_var.lerp_((var * (count / (count - 1))).to(self.running_var.dtype), self.momentum)


class Block(nn.Module):
    """Convolution 3 x 3, batch norm, ReLU, max pooling along frequency, dropout.

    Parameters
    ----------
    channels, filters : int
        Channels of the input and of the output.
    width : int
        Width of the pooling in bands; bands that do not fill a window are left out.
    dropout : float
        Share of values to drop, from 0 to below 1.
    """

    def __init__(self, channels: int, filters: int, width: int, dropout: float) -> None:
        super().__init__()
        self.convolution = Convolution(channels, filters, kernel_size=3, padding=1)
        self.norm = Norm(filters)
        self.width, self.share = width, dropout
        self.to(memory_format=torch.channels_last)

    @property
    def dropout(self) -> float:
        """Share of values to drop now: 0 in evaluation."""
        return self.share if self.training else 0.0

    def scaled(self) -> tuple[Tensor, Tensor]:
        """Return weight and bias of the norm, scaled for dropout."""
        return self.norm.weight / (1 - self.dropout), self.norm.bias / (1 - self.dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Compute [batch, channels, frames, bands] -> [batch, filters, frames, bands // width]."""
        return self.forward_on_cpu(x) if x.device.type == "cpu" else self.forward_elsewhere(x)

    def forward_elsewhere(self, x: Tensor) -> Tensor:
        """Compute the block with PyTorch's operations."""
        x = functional.relu(self.norm(self.convolution(x)))
        return functional.dropout(functional.max_pool2d(x, (1, self.width)), self.share, self.training)

    def forward_on_cpu(self, x: Tensor) -> Tensor:
        """Compute the block with PyTorch's convolution and the kernels."""
        return self.norm_to_dropout(self.convolution(x))

    def norm_to_dropout(self, x: Tensor) -> Tensor:
        """Compute the block from the output of the convolution, whose memory is used for its gradient."""
        norm = self.norm
        mean, var = self.moments(x) if self.training else (norm.running_mean, norm.running_var)
        deviation = (var + norm.eps).sqrt()
        y = NormPool.apply(x, mean, deviation, *self.scaled(), self.width, self.dropout, self.training)
        return y.permute(0, 3, 1, 2)

    def moments(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Compute mean and variance of x per filter, and update the running statistics."""
        kind, rows = self.norm.weight.dtype, as_rows(x)
        shift = x.detach()[0, :, x.shape[2] // 2, x.shape[3] // 2].to(kind)  # any value is near the mean
        parts = kernels.run(kernels.sum_values(x.shape[1]), len(rows), rows, as_array(shift))
        count = len(rows) * rows.shape[1]
        first, second = torch.from_numpy(sum(parts)) / count
        mean, var = (shift + first).to(kind), (second - first * first).clamp_min(0).to(kind)
        self.norm.track(mean, var, count)
        return mean, var


class FirstBlock(Block):
    """A block whose input has one channel, with the norm folded into the convolution."""

    def __init__(self, filters: int, width: int, dropout: float) -> None:
        super().__init__(1, filters, width, dropout)

    def forward_on_cpu(self, x: Tensor) -> Tensor:
        """Compute the block with the kernels, or with PyTorch's operations if a gradient of x is needed."""
        if x.requires_grad:
            return self.forward_elsewhere(x)
        mel = x.squeeze(1).to(self.norm.weight.dtype)
        kind = working_type(mel)
        with torch.autocast("cpu", enabled=False):  # moments and folded weights: sums over all positions
            y = ConvolvePool.apply(mel, self.fold(mel), self.width, self.dropout, kind)
        return y.permute(0, 3, 1, 2)

    def fold(self, mel: Tensor) -> Tensor:
        """Fold the norm into the convolution: weights [10, filters] of a patch and of 1."""
        norm = self.norm
        mean, var = self.moments(mel) if self.training else (norm.running_mean, norm.running_var)
        weight, bias = self.scaled()
        scale = weight / (var + norm.eps).sqrt()
        kernel = self.convolution.weight.flatten(1) * scale.unsqueeze(1)
        return torch.cat([kernel, (bias + (self.convolution.bias - mean) * scale).unsqueeze(1)], dim=1).T

    def moments(self, mel: Tensor) -> tuple[Tensor, Tensor]:
        """Compute mean and variance [filters] of the convolution of mel [batch, frames, bands], with their gradients.

        The running statistics are updated.
        """
        batch, frames, bands = mel.shape
        around = as_array(functional.pad(mel, (1, 1, 1, 1)).flatten(0, 1))
        parts = kernels.run(kernels.sum_patches(bands), batch * frames, frames, around)
        sums = torch.from_numpy(sum(parts)) / mel.numel()
        mean, second = sums[9], sums[:9].triu() + sums[:9].triu(1).T
        kernel = self.convolution.weight.flatten(1)
        covariance = (second - mean.outer(mean)).to(kernel.dtype)
        outputs = kernel @ mean.to(kernel.dtype) + self.convolution.bias
        var = (kernel @ covariance * kernel).sum(1).clamp_min(0)  # rounding could make it negative
        self.norm.track(outputs, var, mel.numel())
        return outputs, var
