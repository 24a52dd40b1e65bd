"""Training: an epoch of softsed against an epoch of a plain training loop, on the same tensors.

Sizes are the paper's: 64 mel bands, 17 classes, 128 filters, sequences of 256 frames, batches of 32. A few batches
stand for an epoch. The reference is the readable network (`train: implementation: reference`) in float32, in the loop
of the published baseline: a `DataLoader` with one worker, Adam, and validation scored with sed_eval in every epoch.
Each epoch is a process, and all kinds run in turn several times. Compare the ratios to the reference: frames per
second, and CPU time, which other work on the machine disturbs less. Each process also measures the product of large
matrices in the same precision on as many threads, and the table has the arithmetic of the epoch as a share of it.
bfloat16 is measured if the CPU has instructions for it. The reference spends much of its time on fresh memory from the
operating system, so a second reference runs with a glibc that keeps freed memory, a setting from outside of Python.

    python benchmarks/training.py results/benchmarks/training.tsv
"""

import json
import os
import statistics
import subprocess
import sys
import time
import warnings

import torch
from measure import build_parser, package_environment, spread, write
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

from softsed.train.device import choose_precision
from softsed.train.fast_network import FastCRNN
from softsed.train.loop import FrameLoss, masked_loss, run_epoch
from softsed.train.network import CRNN
from softsed.train.sequences import Sequences

with warnings.catch_warnings():
    warnings.simplefilter("ignore", UserWarning)  # dcase_util announces the end of pkg_resources
    from sed_eval.sound_event import SegmentBasedMetrics

MODEL = {"mel_bands": 64, "classes": 17, "filters": 128, "pooling": [5, 2, 2], "dropout": 0.2}
MODEL |= {"gru_units": 32, "gru_layers": 2, "dense": [32], "output": "linear"}
SMOKE = {"filters": 2, "gru_units": 2}  # changes of MODEL
FRAMES, BATCH, TRAINING, VALIDATION = 256, 32, 4, 1  # frames per sequence, sequences per batch, batches of each part
FRAMES_PER_SECOND = 50
KEEPING = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": "100000000000"}
REFERENCE, KEPT = "reference", "reference, memory kept"
KINDS = list(dict.fromkeys([REFERENCE, KEPT, "float32", choose_precision("auto", torch.device("cpu"))]))
SETTINGS = [(1, 1), (2, 1), (1, 2)]  # threads per job, jobs side by side
COLUMNS = ["network", "threads", "jobs", "frames_per_s", "ratio", "ratio_least", "ratio_most"]
COLUMNS += ["cpu_ratio", "cpu_least", "cpu_most", "core_gflops", "core_peak", "share_of_peak", "memory_mb", "runs"]


def draw(batches: int) -> Sequences:
    """Draw the features and labels of some batches."""
    shape = (batches * BATCH, FRAMES)
    features, targets = torch.randn(*shape, MODEL["mel_bands"]), torch.rand(*shape, MODEL["classes"])
    return Sequences(features, targets, torch.ones_like(targets))


def load(data: Sequences, *, shuffle: bool) -> DataLoader:
    """Serve sequences with one worker."""
    tensors = TensorDataset(data.features, data.targets, data.mask)
    return DataLoader(tensors, batch_size=BATCH, shuffle=shuffle, num_workers=1)


def train_plainly(model: CRNN, data: Sequences, optimiser: torch.optim.Optimizer) -> None:
    """Pass over the data once, with updates of the weights."""
    model.train()
    for features, targets, mask in load(data, shuffle=True):
        loss = masked_loss(model.activate(model(features)), targets, mask, "mse") / mask.sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()


@torch.no_grad()
def validate_plainly(model: CRNN, data: Sequences) -> float:
    """Compute the loss, and return the error rate of sed_eval."""
    model.eval()
    start, total, events = 0, 0.0, ([], [])  # of the reference and of the system
    for features, targets, mask in load(data, shuffle=False):
        scores = model.activate(model(features))
        total += masked_loss(scores, targets, mask, "mse").item()
        for pair in zip(targets, scores, strict=True):
            seconds = len(targets[0]) // FRAMES_PER_SECOND
            for values, found in zip(pair, events, strict=True):
                pooled = values[: seconds * FRAMES_PER_SECOND].unflatten(0, (seconds, -1)).mean(1)
                found.extend(to_events(pooled > 0.5, start))
            start += seconds
    metrics = SegmentBasedMetrics([str(label) for label in range(data.targets.shape[-1])], time_resolution=1.0)
    metrics.evaluate(*events, evaluated_length_seconds=start)
    return metrics.results_overall_metrics()["error_rate"]["error_rate"]


def to_events(active: Tensor, start: int) -> list[dict]:
    """List the events of active seconds [seconds, classes] in the format of sed_eval."""
    return [
        {"event_label": str(label), "event_onset": float(start + second), "event_offset": float(start + second + 1)}
        for second, label in active.nonzero().tolist()
    ]


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


def run_one(kind: str, threads: int, training: int, validation: int, changes: dict) -> dict:
    """Train one epoch in this process, after one batch to warm up."""
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    sizes = {**MODEL, **changes}
    first, data, held_out = draw(1), draw(training), draw(validation)
    model = CRNN(**sizes) if kind == REFERENCE else FastCRNN(**sizes, precision=kind)
    optimiser = torch.optim.Adam(model.parameters(), fused=kind != REFERENCE)

    def epoch(data: Sequences, held_out: Sequences) -> None:
        if kind == REFERENCE:
            train_plainly(model, data, optimiser)
            validate_plainly(model, held_out)
        else:
            run_epoch(model, data, list(torch.randperm(len(data)).split(BATCH)), FrameLoss("mse"), optimiser)
            run_epoch(model, held_out, list(torch.arange(len(held_out)).split(BATCH)), FrameLoss("mse"))

    epoch(first, first)
    before, start = os.times(), time.perf_counter()
    epoch(data, held_out)
    seconds, after = time.perf_counter() - start, os.times()
    cpu = sum(after[:4]) - sum(before[:4])  # includes the worker of the DataLoader
    forward, backward = operations(sizes)
    frames = len(data) * FRAMES, len(held_out) * FRAMES
    return {
        "frames_per_s": sum(frames) / seconds,
        "cpu_s": cpu,
        "gflops": (frames[0] * (forward + backward) + frames[1] * forward) / cpu / 1e9,
        "peak_gflops": matrix_peak(kind),
    }


def measure(kind: str, threads: int, jobs: int, smoke: bool) -> dict:
    """Run processes side by side: the sum of their speeds, means of CPU times, peak memory of the largest."""
    changes, batches = (SMOKE, (1, 1)) if smoke else ({}, (TRAINING, VALIDATION))
    environment = package_environment(**(KEEPING if kind == KEPT else {}))
    command = [sys.executable, __file__, "-", "--one"]
    command.append(json.dumps([REFERENCE if kind == KEPT else kind, threads, *batches, changes]))
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


def compare(threads: int, jobs: int, runs: int, smoke: bool) -> list[list]:
    """Measure all kinds in turn, and return one row per kind."""
    found: dict[str, list[dict]] = {kind: [] for kind in ((REFERENCE, "float32") if smoke else KINDS)}
    for _ in range(runs):
        for kind, measured in found.items():
            measured.append(measure(kind, threads, jobs, smoke))
    rows = []
    for kind, runs_of_kind in found.items():
        pairs = list(zip(runs_of_kind, found[REFERENCE], strict=True))
        speed = spread([one["frames_per_s"] / reference["frames_per_s"] for one, reference in pairs])
        cpu = spread([reference["cpu_s"] / one["cpu_s"] for one, reference in pairs])
        frames, gflops, memory = (
            statistics.median(one[key] for one in runs_of_kind) for key in ("frames_per_s", "gflops", "memory_mb")
        )
        peak = max(one["peak_gflops"] for one in runs_of_kind)
        rows.append([kind, threads, jobs, frames, *speed, *cpu, gflops, peak, gflops / peak, memory, runs])
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
    for threads, jobs in [(1, 1)] if options.smoke else SETTINGS:
        rows += compare(threads, jobs, 1 if options.smoke else options.runs, options.smoke)
        write(options.output, COLUMNS, rows)


if __name__ == "__main__":
    main()
