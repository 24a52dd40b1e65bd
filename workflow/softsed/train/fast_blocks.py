"""Convolutional blocks for CPUs: the outputs of PyTorch's modules with a third of their memory traffic.

A block is convolution, batch norm, ReLU, max pooling along frequency and dropout. On a CPU, the convolutions of the
later blocks are bound by the matrix units, and everything else is bound by memory. Three changes save memory traffic:

- Pooling, ReLU and dropout are one step, in this order. Maximum and ReLU are monotone, so their order does not matter.
  The output shows which value gets the gradient: the first of the pooled values that is equal to the output.
- The batch norm before dropout is scaled instead of the outputs of dropout. ReLU and maximum preserve a factor.
- The first block has one input channel and the most positions. Its convolution is a product with the 3 x 3 patches of
  the input. Mean and variance of its output follow from the mean and covariance of nine numbers, so the norm becomes
  part of the weights. Only pooled values are stored; the other values are computed again for the gradient.

Tensors keep the filters last in memory (channels-last): a row of a matrix is a position.
"""

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

ROWS = 2048  # positions per piece of the first block: a piece stays in the cache of a core (0.5 MB in bfloat16)
LEVELS = 256  # values of a random byte


def working_type(x: Tensor) -> torch.dtype:
    """Return the type in which convolutions compute: the type of autocast if enabled, else the type of x."""
    return torch.get_autocast_dtype(x.device.type) if torch.is_autocast_enabled(x.device.type) else x.dtype


def dropped_levels(dropout: float) -> int:
    """Return how many of the 256 values of a random byte drop a value: the share of dropout in 256ths."""
    return min(round(dropout * LEVELS), LEVELS - 1)


def draw_kept(shape: tuple[int, ...], dropped: int, device: torch.device) -> Tensor:
    """Draw which values dropout keeps, independently, with eight values per number of torch's generator.

    Parameters
    ----------
    shape : tuple of int
        Shape of the result.
    dropped : int
        Share of values to drop, in 256ths.
    device : torch.device
        Device of the result.

    Returns
    -------
    Tensor of uint8 [*shape]
        1 for kept values, 0 for dropped values.
    """
    count = torch.Size(shape).numel()
    numbers = torch.empty(-(-count // 8), dtype=torch.int64, device=device).random_(-(2**63), None)
    drawn = numbers.view(torch.uint8)[:count].view(shape)
    return drawn.clamp_(dropped - 1, dropped).sub_(dropped - 1)


def take_share(rest: Tensor, equal: Tensor) -> Tensor:
    """Turn `equal` into the gradient of one of the values of a maximum, and subtract this gradient from `rest`.

    `equal` is 1 where the value is the maximum, else 0. The first such value gets the whole gradient, as in PyTorch's
    max pooling. Call this function for each value except the last, whose gradient is the rest.
    """
    rest.sub_(equal.mul_(rest))
    return equal


class PoolReluDrop(torch.autograd.Function):
    """Max pooling along frequency, ReLU, dropout without scaling."""

    @staticmethod
    def forward(ctx, x: Tensor, kept: Tensor | None) -> Tensor:
        """Compute [..., width, filters] -> [..., filters]; `kept` has the shape of the output."""
        y = x.amax(-2).clamp_min_(0)
        if kept is not None:
            y.mul_(kept.to(y.dtype))
        ctx.save_for_backward(x, y)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None]:
        x, y = ctx.saved_tensors
        rest = torch.ops.aten.threshold_backward(gradient, y, 0)
        result = torch.empty_like(x)
        *shares, last = result.unbind(-2)
        for value, share in zip(x.unbind(-2), shares, strict=False):
            take_share(rest, torch.eq(value, y, out=share))
        last.copy_(rest)
        return result, None


class PatchesPoolReluDrop(torch.autograd.Function):
    """Convolution as a product with patches, then max pooling, ReLU and dropout without scaling."""

    @staticmethod
    def forward(ctx, patches: Tensor, weights: Tensor, kept: Tensor | None) -> Tensor:
        """Compute [width, positions, 10] x [10, filters] -> [positions, filters], the shape of `kept`."""
        y = patches.new_empty(patches.shape[1], weights.shape[1])
        for start in range(0, len(y), ROWS):
            rows = slice(start, start + ROWS)
            piece = torch.mm(patches[0, rows], weights, out=y[rows])
            for place in patches[1:, rows]:
                torch.maximum(piece, place @ weights, out=piece)
            piece.clamp_min_(0)
            if kept is not None:
                piece.mul_(kept[rows].to(y.dtype))
        ctx.save_for_backward(patches, weights, y)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient: Tensor) -> tuple[None, Tensor, None]:
        patches, weights, y = ctx.saved_tensors
        result = torch.zeros_like(weights, dtype=torch.promote_types(weights.dtype, torch.float32))
        pieces = zip(gradient.split(ROWS), y.split(ROWS), patches.split(ROWS, dim=1), strict=True)
        for upper, pooled, part in pieces:
            rest = torch.ops.aten.threshold_backward(upper, pooled, 0)
            for place in part[:-1]:
                result += place.T @ take_share(rest, (place @ weights).eq_(pooled))
            result += part[-1].T @ rest
        return None, result.to(weights.dtype), None


class Convolution(nn.Conv2d):
    """`torch.nn.Conv2d` with a bias."""

    bias: Tensor


class Norm(nn.BatchNorm2d):
    """`torch.nn.BatchNorm2d` with running statistics."""

    running_mean: Tensor
    running_var: Tensor
    num_batches_tracked: Tensor
    momentum: float


class Block(nn.Module):
    """Convolution 3 x 3, batch norm, ReLU, max pooling along frequency, dropout.

    Parameters
    ----------
    channels, filters : int
        Channels of the input and of the output.
    width : int
        Width of the pooling in bands; bands that do not fill a window are left out.
    dropout : float
        Share of values to drop, from 0 to below 1, rounded to 256ths.
    """

    def __init__(self, channels: int, filters: int, width: int, dropout: float) -> None:
        super().__init__()
        self.convolution = Convolution(channels, filters, kernel_size=3, padding=1)
        self.norm = Norm(filters)
        self.width, self.dropped = width, dropped_levels(dropout)
        self.to(memory_format=torch.channels_last)

    def scaled(self) -> tuple[Tensor, Tensor]:
        """Return weight and bias of the norm, scaled for dropout."""
        scale = LEVELS / (LEVELS - self.dropped) if self.training else 1.0
        return self.norm.weight * scale, self.norm.bias * scale

    def kept(self, shape: tuple[int, ...], device: torch.device) -> Tensor | None:
        """Draw which values dropout keeps; None if dropout drops nothing."""
        return draw_kept(shape, self.dropped, device) if self.training and self.dropped else None

    def forward(self, x: Tensor) -> Tensor:
        """Compute [batch, channels, frames, bands] -> [batch, filters, frames, bands // width]."""
        x = self.convolution(x)
        norm, training = self.norm, self.training
        if training:
            norm.num_batches_tracked += 1
        weight, bias = self.scaled()
        x = functional.batch_norm(
            x, norm.running_mean, norm.running_var, weight, bias, training, norm.momentum, norm.eps
        )
        batch, filters, frames, bands = x.shape
        bands //= self.width
        x = x.permute(0, 2, 3, 1)[:, :, : bands * self.width].unflatten(2, (bands, self.width))
        x = PoolReluDrop.apply(x, self.kept((batch, frames, bands, filters), x.device))
        return x.permute(0, 3, 1, 2)


class FirstBlock(Block):
    """A block whose input has one channel, with the norm folded into the convolution."""

    def __init__(self, filters: int, width: int, dropout: float) -> None:
        super().__init__(1, filters, width, dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Compute [batch, 1, frames, bands] -> [batch, filters, frames, bands // width], without a gradient of x."""
        mel = x.squeeze(1)
        batch, frames, bands = mel.shape
        pooled, kind = bands // self.width, working_type(mel)
        with torch.autocast(mel.device.type, enabled=False):  # moments and folded weights: sums over all positions
            patches = mel.new_ones(batch, frames, bands, 10)  # the tenth number is for the bias
            around = functional.pad(mel, (1, 1, 1, 1))
            for place in range(9):
                row, column = divmod(place, 3)
                patches[..., place] = around[:, row : row + frames, column : column + bands]
            weights = self.fold(patches).to(kind)
            windows = patches[:, :, : pooled * self.width].unflatten(2, (pooled, self.width))
            windows = windows.to(kind).movedim(3, 0).reshape(self.width, -1, 10)
            kept = self.kept((windows.shape[1], weights.shape[1]), mel.device)
            x = PatchesPoolReluDrop.apply(windows, weights, kept)
        return x.view(batch, frames, pooled, -1).permute(0, 3, 1, 2)

    def fold(self, patches: Tensor) -> Tensor:
        """Fold the norm into the convolution: weights [10, filters] of patches [batch, frames, bands, 10]."""
        norm = self.norm
        mean, var = self.moments(patches) if self.training else (norm.running_mean, norm.running_var)
        weight, bias = self.scaled()
        scale = weight / (var + norm.eps).sqrt()
        kernel = self.convolution.weight.flatten(1) * scale.unsqueeze(1)
        return torch.cat([kernel, (bias + (self.convolution.bias - mean) * scale).unsqueeze(1)], dim=1).T

    def moments(self, patches: Tensor) -> tuple[Tensor, Tensor]:
        """Compute mean and variance of the convolution's outputs from the patches, and update the running statistics.

        Parameters
        ----------
        patches : Tensor [batch, frames, bands, 10]
            The last of the ten numbers is 1.

        Returns
        -------
        mean, var : Tensor [filters]
        """
        count = patches.shape[:-1].numel()
        rows = patches.flatten(1, 2)
        products = (rows.transpose(1, 2) @ rows).double().sum(0) / count  # [10, 10]; summed in double precision
        mean, second = products[:9, 9], products[:9, :9]
        kernel = self.convolution.weight.flatten(1)
        covariance = (second - mean.outer(mean)).to(kernel.dtype)
        outputs = kernel @ mean.to(kernel.dtype) + self.convolution.bias
        var = (kernel @ covariance * kernel).sum(1).clamp_min(0)  # rounding could make it negative
        norm = self.norm
        with torch.no_grad():
            norm.num_batches_tracked += 1
            norm.running_mean.lerp_(outputs, norm.momentum)
            norm.running_var.lerp_(var * (count / (count - 1)), norm.momentum)
        return outputs, var
