"""Training at the paper's size on a GPU: frames per second, memory, and whether the same is learned.

This script has not been run on a GPU. On a GPU machine it takes six minutes at most.

Every row of the table is one kind of training, measured for some seconds in processes of its own:

- `loop`: the textbook's (`benchmarks/loops.py`), with which all rows are compared, or softsed's.
- `network`: the readable network in PyTorch's own modules (reference), or the fast network for CPUs (fast).
- `precision`: float32, TF32, or bfloat16 by PyTorch's autocast.
- `mode`: eager, or compiled by `torch.compile`, or compiled with CUDA graphs (mode "reduce-overhead").
- `jobs`: trainings side by side on the same device. Frames per second and memory are sums over the jobs.
- `gpu_memory_mb`: the most memory that PyTorch reserved, without the memory of the CUDA context.

Rows of the loop "five seeds" train a small problem with five seeds, and have the mean, least and most of the best
validation losses. `as_on_cpu` is yes if the mean lies between the least and the most of the CPU.

The most important rows are first, and the table is written after each row. `problem` has the first line of the error if
a row cannot be measured. Rows for which the time budget leaves no time are listed with this reason.

    python benchmarks/accelerator.py results/benchmarks/accelerator.tsv
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
import yaml
from loops import train_textbook, validate_textbook
from measure import ROOT, build_parser, package_environment, write
from training import BATCH, MODEL, SIZES, SMOKE, draw

from softsed.core.errors import InputError
from softsed.train.device import choose_device
from softsed.train.fast.network import NETWORKS
from softsed.train.loop import FrameLoss, fit, run_epoch
from softsed.train.network import CRNN
from softsed.train.sequences import Sequences

TEXTBOOK, SOFTSED, SEEDS = "textbook", "softsed", "five seeds"
COMPILED, GRAPHS = "torch.compile", "torch.compile, CUDA graphs"
COLUMNS = ["loop", "network", "precision", "mode", "jobs", "frames_per_s", "ratio", "gpu_memory_mb"]
COLUMNS += ["validation_loss", "loss_least", "loss_most", "as_on_cpu", "problem"]
TRAINING, VALIDATION, MEASURED_S = 16, 4, 5.0  # batches of an epoch, least seconds of a measurement
ROW_S = 90.0  # most seconds of a row
SMALL: dict = MODEL | {"filters": 8, "gru_units": 8, "classes": 4, "dense": [8]}  # the problem of the five seeds
SMALL_EPOCHS, SMALL_FRAMES = 20, 50


@dataclass(frozen=True)
class Row:
    """What to measure: the first five columns."""

    loop: str
    network: str
    precision: str
    mode: str = "eager"
    jobs: int = 1


ON_CPU = Row(SEEDS, "fast", "float32", "on the CPU")
# All rows are compared with the first row, and those of the five seeds with the row on the CPU.
ROWS = [
    Row(TEXTBOOK, "reference", "float32"),
    Row(SOFTSED, "reference", "bfloat16"),
    Row(SOFTSED, "reference", "float32"),
    Row(SOFTSED, "fast", "bfloat16"),
    Row(SOFTSED, "fast", "float32"),
    Row(SOFTSED, "reference", "TF32"),
    ON_CPU,
    Row(SEEDS, "reference", "float32"),
    Row(SEEDS, "reference", "bfloat16"),
    Row(SOFTSED, "reference", "bfloat16", jobs=4),
    Row(SOFTSED, "reference", "bfloat16", jobs=2),
    Row(SOFTSED, "reference", "bfloat16", GRAPHS),
    Row(SOFTSED, "reference", "bfloat16", COMPILED),
    Row(SEEDS, "reference", "TF32"),
    Row(SEEDS, "fast", "bfloat16"),
    Row(SOFTSED, "fast", "TF32"),
    Row(SOFTSED, "reference", "float32", jobs=4),
    Row(SOFTSED, "reference", "float32", jobs=2),
    Row(SOFTSED, "fast", "bfloat16", jobs=4),
    Row(TEXTBOOK, "reference", "float32", jobs=4),
    Row(SOFTSED, "reference", "float32", GRAPHS),
    Row(SOFTSED, "reference", "TF32", COMPILED),
    Row(SOFTSED, "fast", "bfloat16", COMPILED),
]
SMOKE_ROWS = [
    Row(TEXTBOOK, "reference", "float32"),
    ON_CPU,
    Row(SEEDS, "reference", "bfloat16"),
    Row(SOFTSED, "fast", "bfloat16", jobs=2),
    Row(SOFTSED, "reference", "TF32"),
]


def prepare(row: Row, name: str) -> torch.device:
    """Choose the device, and allow TF32 if the row measures it."""
    device = choose_device("cpu" if row == ON_CPU else name)
    if row.precision == "TF32":
        if device.type != "cuda":
            raise InputError(f"TF32 does not exist on {device.type}", expected="a CUDA device")
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    return device


def build(row: Row, sizes: dict, device: torch.device) -> CRNN:
    """Create the network of a row."""
    precision = "bfloat16" if row.precision == "bfloat16" else "float32"
    model = NETWORKS[row.network](**sizes, precision=precision).to(device)
    if row.mode in (COMPILED, GRAPHS):
        model.compile(mode="reduce-overhead" if row.mode == GRAPHS else None)
    return model


def time_epochs(row: Row, device: torch.device, meet: Callable, smoke: bool) -> dict:
    """Train for some seconds, after an epoch to warm up, once the jobs side by side are ready."""
    sizes, batches = SIZES["paper"], (1, 1) if smoke else (TRAINING, VALIDATION)
    training, held_out = (draw(count, sizes) for count in batches)
    if row.loop == SOFTSED:  # the textbook's loop keeps its data in the memory of the CPU
        training, held_out = training.to(device), held_out.to(device)
    model = build(row, sizes.model | (SMOKE if smoke else {}), device)
    optimiser = torch.optim.Adam(model.parameters(), fused=row.loop == SOFTSED)

    def epoch() -> None:
        if row.loop == SOFTSED:
            run_epoch(model, training, list(torch.randperm(len(training)).split(BATCH)), FrameLoss("mse"), optimiser)
            run_epoch(model, held_out, list(torch.arange(len(held_out)).split(BATCH)), FrameLoss("mse"))
        else:
            train_textbook(model, training, optimiser, batch=BATCH)
            validate_textbook(model, held_out, batch=BATCH, rate=sizes.rate)

    epoch()
    meet()
    start, epochs = time.perf_counter(), 0
    while (seconds := time.perf_counter() - start) < (0 if smoke else MEASURED_S) or not epochs:
        epoch()  # ends with a loss on the CPU, so that nothing is left to do on the device
        epochs += 1
    memory = torch.cuda.max_memory_reserved(device) / 2**20 if device.type == "cuda" else None
    return {"frames_per_s": epochs * sum(batches) * BATCH * sizes.frames / seconds, "gpu_memory_mb": memory}


def draw_small(sequences: int) -> Sequences:
    """Draw a small problem: labels of 5 frames that raise the energy of 16 bands each, in noise."""
    levels = torch.rand(sequences, SMALL_FRAMES // 5, SMALL["classes"]).repeat_interleave(5, dim=1)
    features = levels.repeat_interleave(SMALL["mel_bands"] // SMALL["classes"], dim=2) + torch.randn(
        sequences, SMALL_FRAMES, SMALL["mel_bands"]
    )
    return Sequences(features, levels, torch.ones_like(levels))


def train_seeds(row: Row, device: torch.device, smoke: bool) -> dict:
    """Train the small problem with five seeds, and return the best validation loss of each."""
    config = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))["train"]
    config |= {"epochs": 1 if smoke else SMALL_EPOCHS, "batch_size": 8, "learning_rate": 0.01}
    torch.manual_seed(0)
    training, held_out = (draw_small(count).to(device) for count in (32, 16))
    losses = []
    for seed in range(5):
        torch.manual_seed(seed)
        model = build(row, SMALL, device)
        _, history = fit(model, training, held_out, loss=FrameLoss("mse"), config=config, seed=seed)
        losses.append(min(epoch["validation_loss"] for epoch in history))
    return {"losses": losses}


def run_one(row: Row, device: str, folder: str, smoke: bool) -> dict:
    """Measure a row in this process: values by column, or the first line of the error as `problem`."""

    def report() -> None:
        (Path(folder) / f"{os.getpid()}.ready").touch()

    def meet() -> None:
        report()
        while len(list(Path(folder).iterdir())) < row.jobs:
            time.sleep(0.01)

    torch.set_num_threads(1)
    try:
        used = prepare(row, device)
        return train_seeds(row, used, smoke) if row.loop == SEEDS else time_epochs(row, used, meet, smoke)
    except Exception as error:  # whatever a device, a driver or a compiler raises becomes a row of the table
        report()  # so that the other jobs do not wait for this one
        lines = str(error).strip().splitlines() or [""]
        return {"problem": f"{type(error).__name__}: {lines[0]}"}


def measure(row: Row, device: str, limit_s: float, smoke: bool) -> dict:
    """Run the jobs of a row side by side, and end all of them after the limit."""
    end = time.monotonic() + limit_s
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, __file__, "-", "--one", json.dumps([asdict(row), device, folder, smoke])]
        streams: dict = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
        environment = package_environment(OMP_NUM_THREADS="1")
        processes = [subprocess.Popen(command, env=environment, **streams) for _ in range(row.jobs)]
        try:
            printed = [process.communicate(timeout=max(end - time.monotonic(), 0))[0] for process in processes]
        except subprocess.TimeoutExpired:
            printed = []
        statuses = [process.poll() for process in processes]
        for process in processes:
            process.kill()
            process.communicate()
    if crashed := [status for status in statuses if status]:
        return {"problem": f"the process ended with status {crashed[0]}"}
    if not printed:
        return {"problem": f"not finished after {limit_s:.3g} s"}
    found = [json.loads(text.splitlines()[-1]) for text in printed]  # compilers may print lines before
    problems = [one["problem"] for one in found if "problem" in one]
    if problems:
        return {"problem": problems[0]}
    if row.loop == SEEDS:
        return found[0]
    memory = [one["gpu_memory_mb"] for one in found]
    return {
        "frames_per_s": sum(one["frames_per_s"] for one in found),
        "gpu_memory_mb": None if None in memory else sum(memory),
    }


def list_cells(row: Row, found: dict, first: dict, on_cpu: dict) -> list:
    """List the cells of a row of the table, from its measurement and those of two other rows."""
    speed, losses = found.get("frames_per_s"), found.get("losses")
    ratio = speed / first["frames_per_s"] if speed and "frames_per_s" in first else None
    cells = [*asdict(row).values(), speed, ratio, found.get("gpu_memory_mb")]
    if not losses:
        return [*cells, None, None, None, None, found.get("problem")]
    mean, same = statistics.mean(losses), None
    if "losses" in on_cpu:
        same = "yes" if min(on_cpu["losses"]) <= mean <= max(on_cpu["losses"]) else "no"
    return [*cells, mean, min(losses), max(losses), same, None]


def main() -> None:
    """Measure and write the table."""
    parser = build_parser(__doc__)
    parser.add_argument("--device", default="cuda", help="cuda, cuda:N or cpu (default: cuda; with --smoke always cpu)")
    parser.add_argument("--budget", type=float, default=330, metavar="SECONDS", help="time of all rows (default: 330)")
    parser.add_argument("--one", type=json.loads, help="row to measure in this process; used by the script itself")
    options = parser.parse_args()
    if options.one:
        row, *arguments = options.one
        sys.stdout.write(json.dumps(run_one(Row(**row), *arguments)))
        return
    device = "cpu" if options.smoke else options.device
    try:
        choose_device(device)
    except InputError as error:
        sys.exit(str(error))
    end = time.monotonic() + options.budget
    measured: dict[Row, dict] = {}
    for row in SMOKE_ROWS if options.smoke else ROWS:
        left = min(ROW_S, end - time.monotonic())
        nothing = {"problem": f"no time left of {options.budget:.0f} s"}
        measured[row] = measure(row, device, left, options.smoke) if left > 0 else nothing
        first, on_cpu = measured[ROWS[0]], measured.get(ON_CPU, {})
        table = [list_cells(done, found, first, on_cpu) for done, found in measured.items()]
        write(options.output, COLUMNS, table)


if __name__ == "__main__":
    main()
