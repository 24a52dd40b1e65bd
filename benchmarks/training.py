"""Training: an epoch of softsed against an epoch of two other training loops, on the same tensors.

| sizes | 64 mel bands, 17 classes, 128 filters, batches of 32 | compared with |
|---|---|---|
| paper | two GRU layers, sequences of 256 frames of 20 ms | a textbook's loop |
| dcase2023 | one GRU layer, sequences of 200 frames of 200 ms | the published baseline's loop |

The sizes of the second row are those of `workflow/dcase2023.yaml`, the baseline of DCASE 2023 Task 4B. Both loops
(`benchmarks/loops.py`) train the readable network in float32 and compute metrics with sed_eval in every epoch. softsed
computes only the validation loss, as its training does. bfloat16 is measured if the CPU has instructions for it. Four
batches of training and one of validation stand for an epoch. Each epoch is a process, and all kinds run in turn.

The ratios of a row compare it with the first row of the same sizes, threads and jobs: frames per second of wall time,
and CPU time, which other work on the machine disturbs less. Each process also measures the product of large matrices in
the same precision on as many threads, and `share_of_peak` is the arithmetic of the epoch as a share of it. The readable
network spends much of its time on new memory from the operating system. Its second row therefore has a glibc that keeps
freed memory, a setting from outside of Python.

On two cores the default takes about 12 minutes. `--runs` applies to one thread; two threads and two jobs side by side
are measured twice at most, and without the second row.

    python benchmarks/training.py results/benchmarks/training.tsv
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import torch
import yaml
from measure import ROOT, build_parser, package_environment, spread, write

from softsed.train.device import choose_precision
from softsed.train.fast.network import FastCRNN
from softsed.train.loop import FrameLoss, fit
from softsed.train.network import CRNN
from softsed.train.sequences import Sequences

MODEL = {"mel_bands": 64, "classes": 17, "filters": 128, "pooling": [5, 2, 2], "dropout": 0.2}
MODEL |= {"gru_units": 32, "gru_layers": 2, "dense": [32], "output": "linear"}
SMOKE = {"filters": 2, "gru_units": 2}  # changes of MODEL
FRAMES, BATCH, TRAINING, VALIDATION = 256, 32, 4, 1  # frames per sequence, sequences per batch, batches of each part
KEEPING = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": "100000000000"}
TEXTBOOK, KEPT, PUBLISHED = "reference", "reference, memory kept", "published baseline"
OURS = list(dict.fromkeys(["float32", choose_precision("auto", torch.device("cpu"))]))
COLUMNS = ["sizes", "network", "threads", "jobs", "frames_per_s", "ratio", "ratio_least", "ratio_most"]
COLUMNS += ["cpu_ratio", "cpu_least", "cpu_most", "core_gflops", "core_peak", "share_of_peak", "memory_mb", "runs"]


@dataclass(frozen=True)
class Sizes:
    """Parameters of the network, frames per sequence, and frames per second."""

    model: dict
    frames: int
    rate: int


SIZES = {"paper": Sizes(MODEL, FRAMES, 50), "dcase2023": Sizes(MODEL | {"gru_layers": 1}, 200, 5)}


@dataclass(frozen=True)
class Setting:
    """Kinds to measure in turn, the first of which the others are compared with."""

    sizes: str
    kinds: list[str]
    threads: int = 1  # per job
    jobs: int = 1  # side by side
    most_runs: int = 1000


SETTINGS = [
    Setting("paper", [TEXTBOOK, KEPT, *OURS]),
    Setting("dcase2023", [PUBLISHED, *OURS]),
    Setting("paper", [TEXTBOOK, *OURS], threads=2, most_runs=2),
    Setting("paper", [TEXTBOOK, *OURS], jobs=2, most_runs=2),
]
SMOKE_SETTINGS = [Setting("paper", [TEXTBOOK, "float32"]), Setting("dcase2023", [PUBLISHED, "float32"])]


def draw(batches: int, sizes: Sizes) -> Sequences:
    """Draw the features and labels of some batches.

    Levels of the labels are constant for 10 s, the length of a window, and one in ten exceeds 0.5. The seconds and the
    events above 0.5 are about as many as in the 11 evaluated classes of MAESTRO Real (11 % and 900 in 11,369 s).
    """
    sequences, stretch = batches * BATCH, 10 * sizes.rate
    levels = 0.5 / 0.9 * torch.rand(sequences, -(-sizes.frames // stretch), sizes.model["classes"])
    targets = levels.repeat_interleave(stretch, dim=1)[:, : sizes.frames].contiguous()
    features = torch.randn(sequences, sizes.frames, sizes.model["mel_bands"])
    return Sequences(features, targets, torch.ones_like(targets))


def operations(model: dict) -> tuple[float, float]:
    """Count additions and multiplications per frame, forward and backward, without the gradient of the input."""
    channels, bands, forward, backward = 1, model["mel_bands"], 0, 0
    for width in model["pooling"]:
        convolution = 2 * bands * 9 * channels * model["filters"]
        forward, backward = forward + convolution, backward + convolution * (1 if channels == 1 else 2)
        channels, bands = model["filters"], bands // width
    inputs, units = channels * bands, model["gru_units"]
    for _ in range(model["gru_layers"]):
        products = 12 * units * (inputs + units)
        forward, backward = forward + products, backward + 2 * products
        inputs = 2 * units
    return forward, backward


def matrix_peak(kind: str) -> float:
    """Measure the product of large matrices in GFLOP per second of CPU time, the best of many."""
    a, b = torch.randn(2, 1024, 1024, dtype=torch.bfloat16 if kind == "bfloat16" else torch.float32)
    best = float("inf")
    for _ in range(40):
        start = time.process_time()
        a @ b
        best = min(best, time.process_time() - start)
    return 2 * 1024**3 / best / 1e9


def run_one(kind: str, name: str, threads: int, smoke: bool) -> dict:
    """Train one epoch in this process, after a shorter epoch to warm up."""
    if kind not in OURS:  # a training of softsed does not import sed_eval, and its peak memory must not include it
        import loops  # noqa: PLC0415
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    sizes = SIZES[name]
    parameters = sizes.model | (SMOKE if smoke else {})
    batches = (1, 1) if smoke else (TRAINING, VALIDATION)
    first, data, held_out = (draw(count, sizes) for count in (1, *batches))
    config = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))["train"]
    config |= {"epochs": 1, "batch_size": BATCH}
    model = FastCRNN(**parameters, precision=kind) if kind in OURS else CRNN(**parameters)
    textbook = torch.optim.Adam(model.parameters())

    def epoch(data: Sequences, held_out: Sequences, weights: Path) -> None:
        if kind == TEXTBOOK:
            loops.train_textbook(model, data, textbook, batch=BATCH)
            loops.validate_textbook(model, held_out, batch=BATCH, rate=sizes.rate)
        elif kind == PUBLISHED:
            loops.fit_published(model, data, held_out, batch=BATCH, rate=sizes.rate, weights=weights)
        else:
            fit(model, data, held_out, loss=FrameLoss("mse"), config=config, seed=0)

    with tempfile.TemporaryDirectory() as scratch:
        epoch(first, first, Path(scratch) / "first.pt")
        before, start = os.times(), time.perf_counter()
        epoch(data, held_out, Path(scratch) / "weights.pt")
        seconds, after = time.perf_counter() - start, os.times()
    cpu = sum(after[:4]) - sum(before[:4])  # includes the worker of the DataLoader
    forward, backward = operations(parameters)
    frames = len(data) * sizes.frames, len(held_out) * sizes.frames
    return {
        "frames_per_s": sum(frames) / seconds,
        "cpu_s": cpu,
        "gflops": (frames[0] * (forward + backward) + frames[1] * forward) / cpu / 1e9,
        "peak_gflops": matrix_peak(kind),
    }


def measure(kind: str, setting: Setting, smoke: bool) -> dict:
    """Run processes side by side: the sum of their speeds, means of CPU times, peak memory of the largest."""
    environment = package_environment(**(KEEPING if kind == KEPT else {}))
    command = [sys.executable, __file__, "-", "--one"]
    command.append(json.dumps([TEXTBOOK if kind == KEPT else kind, setting.sizes, setting.threads, smoke]))
    processes = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(setting.jobs)
    ]
    found = []
    for process in processes:
        text = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            sys.exit(f"failed: {command}")
        found.append(json.loads(text) | {"memory_mb": usage.ru_maxrss / 1024})
    means = {key: statistics.mean(one[key] for one in found) for key in ("cpu_s", "gflops", "peak_gflops")}
    return means | {
        "frames_per_s": sum(one["frames_per_s"] for one in found),
        "memory_mb": max(one["memory_mb"] for one in found),
    }


def compare(setting: Setting, runs: int, smoke: bool) -> list[list]:
    """Measure all kinds in turn, and return one row per kind."""
    found: dict[str, list[dict]] = {kind: [] for kind in setting.kinds}
    for _ in range(runs):
        for kind, measured in found.items():
            measured.append(measure(kind, setting, smoke))
    rows = []
    for kind, runs_of_kind in found.items():
        pairs = list(zip(runs_of_kind, found[setting.kinds[0]], strict=True))
        speed = spread([one["frames_per_s"] / first["frames_per_s"] for one, first in pairs])
        cpu = spread([first["cpu_s"] / one["cpu_s"] for one, first in pairs])
        frames, gflops, memory = (
            statistics.median(one[key] for one in runs_of_kind) for key in ("frames_per_s", "gflops", "memory_mb")
        )
        peak = max(one["peak_gflops"] for one in runs_of_kind)
        row = [setting.sizes, kind, setting.threads, setting.jobs, frames, *speed, *cpu]
        rows.append([*row, gflops, peak, gflops / peak, memory, runs])
    return rows


def main() -> None:
    """Measure and write the table."""
    parser = build_parser(__doc__)
    parser.add_argument("--runs", type=int, default=5, help="measurements of each kind (default: 5)")
    parser.add_argument("--one", type=json.loads, help="epoch to measure in this process; used by the script itself")
    options = parser.parse_args()
    if options.one:
        sys.stdout.write(json.dumps(run_one(*options.one)))
        return
    rows = []
    for setting in SMOKE_SETTINGS if options.smoke else SETTINGS:
        rows += compare(setting, 1 if options.smoke else min(options.runs, setting.most_runs), options.smoke)
        write(options.output, COLUMNS, rows)


if __name__ == "__main__":
    main()
