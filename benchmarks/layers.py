"""Time of each layer in a training step of the fast network, and what bounds it.

CPU time on one core of forward and backward of each part alone, the minimum of several measurements. Parts that are
bound by arithmetic have GFLOP/s, to compare with the product of large matrices. The others have the GB/s of the bytes
that they must at least read and write, to compare with a copy between large arrays.

    python benchmarks/layers.py results/benchmarks/layers.tsv
"""

import time
from collections.abc import Callable

import torch
from measure import build_parser, write
from torch import Tensor
from training import BATCH, FRAMES, MODEL, SMOKE

from softsed.train.fast.network import FastCRNN

TIMES = 7
COLUMNS = ["precision", "part", "forward_ms", "backward_ms", "share", "gflop", "gflops", "gb", "gb_per_s"]


def least(step: Callable) -> float:
    """Measure CPU time in milliseconds, the minimum of several measurements."""
    best = float("inf")
    for _ in range(TIMES):
        start = time.process_time()
        step()
        best = min(best, time.process_time() - start)
    return best * 1e3


def both(layer: Callable, x: Tensor, weights: list[Tensor]) -> tuple[float, float, Tensor]:
    """Measure forward and backward of a layer, and return its output. A graph serves for one backward pass."""
    inputs = [*weights, x] if x.requires_grad else weights
    gradient = torch.randn_like(layer(x))
    forward = backward = float("inf")
    for _ in range(TIMES):
        start = time.process_time()
        y = layer(x)
        middle = time.process_time()
        torch.autograd.grad(y, inputs, gradient)
        forward, backward = min(forward, middle - start), min(backward, time.process_time() - middle)
    return forward * 1e3, backward * 1e3, y


def parts(precision: str, sizes: dict, batch: int) -> list[list]:
    """Measure one step in one precision: rows of part, forward, backward, GFLOP, GB."""
    model, rows = FastCRNN(**sizes, precision=precision), []
    x, size = torch.randn(batch, 1, FRAMES, sizes["mel_bands"]), 2 if precision == "bfloat16" else 4
    positions = x.numel()
    with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
        for number, block in enumerate(model.convolutions, start=1):
            filters = sizes["filters"]
            if number == 1:
                forward, backward, y = both(block, x, list(block.parameters()))
                flop = 2 * positions * 9 * filters  # of the convolution, whose output is computed but not stored
                rows.append(["block 1", forward, backward, 2 * flop / 1e9, None])
            else:
                convolution = block.convolution
                first, second, z = both(convolution, x, list(convolution.parameters()))
                flop = 3 * 2 * z.numel() * 9 * filters / 1e9
                rows.append([f"block {number}: convolution", first, second, flop, None])
                z = z.detach().requires_grad_()
                forward, backward, y = both(lambda z, b=block: b.norm_to_dropout(z), z, list(block.norm.parameters()))
                # Forward: z twice, y and the places of the maxima (one byte). Backward: z twice, its gradient, y's
                # gradient and the places twice.
                moved = ((2 + 3) * z.numel() + (1 + 2) * y.numel()) * size / 1e9 + (1 + 2) * y.numel() / 1e9
                rows.append([f"block {number}: norm to dropout", forward, backward, None, moved])
            x = y.detach().requires_grad_()
        x = x.permute(0, 2, 3, 1).flatten(2).detach().requires_grad_()
        forward, backward, _ = both(lambda x: model.recurrent(x)[0], x, list(model.recurrent.parameters()))
        units = sizes["gru_units"]
        products = sum(12 * units * (inputs + units) for inputs in (x.shape[-1], 2 * units))
        rows.append(["GRU", forward, backward, 3 * batch * FRAMES * products / 1e9, None])
    return rows


def main() -> None:
    """Measure and write the table."""
    options = build_parser(__doc__).parse_args()
    sizes, batch, length = (MODEL | SMOKE, 1, 2**16) if options.smoke else (MODEL, BATCH, 2**26)
    torch.set_num_threads(1)
    large = torch.randn(length)
    target = torch.empty_like(large)
    target.copy_(large)
    copied = 2 * large.numel() * 4 / 1e6 / least(lambda: target.copy_(large))
    table = []
    for precision in ("float32", "bfloat16"):
        rows = parts(precision, sizes, batch)
        total = sum(forward + backward for _, forward, backward, *_ in rows)
        for part, forward, backward, flop, moved in rows:
            spent = (forward + backward) / 1e3
            speeds = [flop or "", flop / spent if flop else "", moved or "", moved / spent if moved else ""]
            table.append([precision, part, forward, backward, spent * 1e3 / total, *speeds])
        square = torch.randn(1024, 1024, dtype=torch.bfloat16 if precision == "bfloat16" else torch.float32)
        peak = 2 * len(square) ** 3 / 1e6 / least(lambda square=square: square @ square)
        table.append([precision, "large matrices, copy", "", "", "", "", peak, "", copied])
    write(options.output, COLUMNS, table)


if __name__ == "__main__":
    main()
