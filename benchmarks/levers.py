"""What each measure gave: the textbook's training step, changed into ours one step at a time.

CPU time of a step on one core, least of several, at the sizes of `benchmarks/training.py`. Run by hand:

    python benchmarks/levers.py levers.tsv
"""

import argparse
import time
from pathlib import Path

import torch
from textbook import Textbook
from torch import Tensor, nn
from training import BATCH, FRAMES, MODEL, write

from softsed.train.fast_blocks import LEVELS, Block, FirstBlock, draw_kept, dropped_levels
from softsed.train.network import CRNN

TIMES = 7


class CheapDropout(nn.Module):
    """Dropout whose masks are drawn eight at a time."""

    def forward(self, x: Tensor) -> Tensor:
        dropped = dropped_levels(MODEL["dropout"])
        rows = x.permute(0, 2, 3, 1)  # as it lies in memory
        kept = draw_kept(rows.shape, dropped, rows.device).to(rows.dtype) * (LEVELS / (LEVELS - dropped))
        return (rows * kept).permute(0, 3, 1, 2)


def channels_last(model: Textbook) -> Textbook:
    model.convolutions.to(memory_format=torch.channels_last)
    return model


def pooled_first(model: Textbook) -> Textbook:
    layers = list(channels_last(model).convolutions)
    for start in range(0, len(layers), 5):
        layers[start + 2 : start + 4] = reversed(layers[start + 2 : start + 4])
    model.convolutions = nn.Sequential(*layers)
    return model


def cheap_masks(model: Textbook) -> Textbook:
    model.convolutions = nn.Sequential(
        *(CheapDropout() if isinstance(layer, nn.Dropout) else layer for layer in pooled_first(model).convolutions)
    )
    return model


class Squeeze(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.squeeze(1)


def folded_first(model: Textbook) -> Textbook:
    first = FirstBlock(MODEL["filters"], MODEL["pooling"][0], MODEL["dropout"])
    model.convolutions = nn.Sequential(Squeeze(), first, *list(cheap_masks(model).convolutions)[5:])
    return model


def one_step(model: Textbook) -> Textbook:
    later = [Block(MODEL["filters"], MODEL["filters"], width, MODEL["dropout"]) for width in MODEL["pooling"][1:]]
    model.convolutions = nn.Sequential(*list(folded_first(model).convolutions)[:2], *later)
    return model


LEVERS = {
    "textbook": lambda model: model,
    "channels-last": channels_last,
    "pooling before ReLU": pooled_first,
    "dropout masks eight at a time": cheap_masks,
    "first block's norm folded, pooled in cache": folded_first,
    "pooling, ReLU and dropout in one step": one_step,
    "GRU: both directions in one step (all of ours)": lambda _: CRNN(**MODEL),
}


def step_seconds(model: nn.Module, precision: torch.dtype, mel: Tensor, targets: Tensor) -> float:
    """Measure the CPU time of forward and backward: the least of several."""
    model.precision = str(precision).removeprefix("torch.")  # ours turns autocast on and off itself
    best = float("inf")
    for _ in range(TIMES):
        start = time.process_time()
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == torch.bfloat16):
            raw = model(mel)
        model.zero_grad()
        nn.functional.mse_loss(raw.float(), targets).backward()
        best = min(best, time.process_time() - start)
    return best


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    mel, targets = torch.randn(BATCH, FRAMES, MODEL["mel_bands"]), torch.rand(BATCH, FRAMES, MODEL["classes"])
    rows = []
    for name, change in LEVERS.items():
        seconds = [
            step_seconds(change(Textbook(**MODEL)), kind, mel, targets) for kind in (torch.float32, torch.bfloat16)
        ]
        rows.append([name, *seconds])
    first = rows[0][1]
    rows = [[name, single, first / single, half, first / half] for name, single, half in rows]
    write(options.output, ["with", "float32_s", "times", "bfloat16_s", "times"], rows)


if __name__ == "__main__":
    main()
