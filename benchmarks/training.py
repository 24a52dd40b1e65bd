"""Training: an epoch of ours against an epoch of the textbook's loop, on the same tensors.

Sizes are the paper's: 64 mel bands, 17 classes, 128 filters, sequences of 256 frames, batches of 32; a few batches
stand for an epoch. The reference is `benchmarks/textbook.py`. Each epoch runs in a process of its own, all kinds in
turn, several times; what counts is the ratio to the reference beside it, in frames a second and in CPU time (which
other work on the machine disturbs less). Every process also measures what its cores reach in a product of large
matrices, in the same precision and on as many threads, and gives its arithmetic as a share of that. bfloat16 is
measured where the CPU has instructions for it. A good part of the reference's time is the operating system handing out
fresh memory, so it is measured a second time with glibc told to keep what is freed, which takes settings from outside
of Python.

    python benchmarks/training.py results/benchmarks/training.tsv
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import torch
from textbook import Textbook, train_epoch, validate

from softsed.train.network import CRNN, choose_precision
from softsed.train.sequences import Sequences
from softsed.train.system import run_epoch

MODEL = {"mel_bands": 64, "classes": 17, "filters": 128, "pooling": [5, 2, 2], "dropout": 0.2}
MODEL |= {"gru_units": 32, "gru_layers": 2, "dense": [32], "output": "linear"}
FRAMES, BATCH, TRAINING, VALIDATION = 256, 32, 4, 1  # frames a sequence, sequences a batch, batches of each part
KEEPING = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": "100000000000"}
KEPT = "textbook, memory kept"
KINDS = list(dict.fromkeys(["textbook", KEPT, "float32", choose_precision("auto", torch.device("cpu"))]))
SETTINGS = [(1, 1), (2, 1), (1, 2)]  # threads a job, jobs side by side
COLUMNS = ["network", "threads", "jobs", "frames_per_s", "ratio", "ratio_least", "ratio_most"]
COLUMNS += ["cpu_ratio", "cpu_least", "cpu_most", "core_gflops", "core_peak", "share_of_peak", "memory_mb", "runs"]


def draw(batches: int) -> Sequences:
    """Draw features and labels of so many batches."""
    shape = (batches * BATCH, FRAMES)
    features, targets = torch.randn(*shape, MODEL["mel_bands"]), torch.rand(*shape, MODEL["classes"])
    return Sequences(features, targets, torch.ones_like(targets))


def operations(model: dict) -> tuple[float, float]:
    """Count additions and multiplications a frame, forward and backward (no gradient of the input is needed)."""
    channels, bands, forward, backward = 1, model["mel_bands"], 0, 0
    for width in model["pooling"]:
        convolution = 2 * bands * 9 * channels * model["filters"]
        forward, backward = forward + convolution, backward + convolution * (1 if channels == 1 else 2)
        channels, bands = model["filters"], bands // width
    inputs, units = channels * bands, model["gru_units"]
    for _ in range(model["gru_layers"]):
        forward, backward = (value + times * 12 * units * (inputs + units) for value, times in
                             ((forward, 1), (backward, 2)))  # fmt: skip
        inputs = 2 * units
    return forward, backward


def matrix_peak(kind: str) -> float:
    """Measure the product of large matrices, in GFLOP a second of CPU time: the best of many."""
    a, b = torch.randn(2, 1024, 1024, dtype=torch.bfloat16 if kind == "bfloat16" else torch.float32)
    best = float("inf")
    for _ in range(40):
        start = time.process_time()
        a @ b
        best = min(best, time.process_time() - start)
    return 2 * 1024**3 / best / 1e9


def run_one(kind: str, threads: int, training: int, validation: int, changes: dict) -> dict:
    """Train one epoch in this process, after one batch that warms up."""
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    sizes = {**MODEL, **changes}
    first, data, held_out = draw(1), draw(training), draw(validation)
    model = Textbook(**sizes) if kind == "textbook" else CRNN(**sizes, precision=kind)
    optimiser = torch.optim.Adam(model.parameters(), fused=kind != "textbook")

    def epoch(data: Sequences, held_out: Sequences) -> None:
        if kind == "textbook":
            train_epoch(model, data, BATCH, "mse", optimiser)
            validate(model, held_out, BATCH, "mse")
        else:
            run_epoch(model, data, list(torch.randperm(len(data)).split(BATCH)), "mse", optimiser)
            run_epoch(model, held_out, list(torch.arange(len(held_out)).split(BATCH)), "mse")

    epoch(first, first)
    before, start = os.times(), time.perf_counter()
    epoch(data, held_out)
    seconds, after = time.perf_counter() - start, os.times()
    cpu = sum(after[:4]) - sum(before[:4])  # with the worker's
    forward, backward = operations(sizes)
    frames = len(data) * FRAMES, len(held_out) * FRAMES
    return {
        "frames_per_s": sum(frames) / seconds,
        "cpu_s": cpu,
        "gflops": (frames[0] * (forward + backward) + frames[1] * forward) / cpu / 1e9,
        "peak_gflops": matrix_peak(kind),
    }


def measure(kind: str, threads: int, jobs: int = 1, *, batches=(TRAINING, VALIDATION), changes=None) -> dict:
    """Run processes side by side: the sum of their speeds, means of what concerns CPU time, memory of one."""
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parent.parent / "workflow")}
    if kind == KEPT:
        kind, environment = "textbook", environment | KEEPING
    command = [sys.executable, __file__, "--one", json.dumps([kind, threads, *batches, changes or {}])]
    processes = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(jobs)]
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


def summary(values: list[float]) -> list[float]:
    """Return median, least and most."""
    return [statistics.median(values), min(values), max(values)]


def compare(threads: int, jobs: int, runs: int) -> list[list]:
    """Measure all kinds in turn; one row each."""
    found = {kind: [] for kind in KINDS}
    for _ in range(runs):
        for kind in KINDS:
            found[kind].append(measure(kind, threads, jobs))
    rows = []
    for kind, own in found.items():
        pairs = list(zip(own, found["textbook"], strict=True))
        speed = summary([mine["frames_per_s"] / theirs["frames_per_s"] for mine, theirs in pairs])
        cpu = summary([theirs["cpu_s"] / mine["cpu_s"] for mine, theirs in pairs])
        frames, gflops, memory = (
            statistics.median(one[key] for one in own) for key in ("frames_per_s", "gflops", "memory_mb")
        )
        peak = max(one["peak_gflops"] for one in own)
        rows.append([kind, threads, jobs, frames, *speed, *cpu, gflops, peak, gflops / peak, memory, runs])
    return rows


def write(output: Path, columns: list[str], rows: list[list]) -> None:
    """Write a table, and show it."""
    lines = [columns, *([f"{value:.4g}" if isinstance(value, float) else str(value) for value in row] for row in rows)]
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text("".join("\t".join(line) + "\n" for line in lines), encoding="utf-8")
    sys.stdout.write(output.read_text(encoding="utf-8"))


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=Path, nargs="?")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--one", type=json.loads, help="what a process measures; used by the program itself")
    options = parser.parse_args()
    if options.one:
        sys.stdout.write(json.dumps(run_one(*options.one)))
        return
    rows = []
    for threads, jobs in SETTINGS:
        rows += compare(threads, jobs, options.runs)
        write(options.output, COLUMNS, rows)


if __name__ == "__main__":
    main()
