"""Training by the size of the data and of the network: time of an epoch and memory, at the paper's 20 ms.

Recordings are four minutes of noise. They are scaled and cut as for a training, a quarter for validation; an epoch is
the measured CPU time of a batch times the batches. Each size runs in a process of its own, all in turn, several times;
ratios are to 50 recordings and 128 filters, memory is the most of all runs. Files of features and labels are not read,
and no checkpoint is written.

    python benchmarks/scaling.py results/benchmarks/scaling.tsv
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import torch
from training import BATCH, FRAMES, MODEL, summary, write

from softsed.train.network import CRNN, choose_precision
from softsed.train.sequences import Scaler, cut
from softsed.train.system import run_epoch

RECORDING, FEW = (12_001, 12_000), 3  # frames of features and of labels, four minutes; batches that are timed
RECORDINGS, FILTERS = [10, 50, 250], [16, 32, 64, 128]
USUAL = (50, 128)
COLUMNS = ["recordings", "filters", "precision", "prepare_s", "epoch_s"]
COLUMNS += ["ratio", "ratio_least", "ratio_most", "memory_mb", "runs"]


def run_one(recordings: int, filters: int) -> dict:
    """Prepare the data of a training, and time batches of each part."""
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    features = [rng.standard_normal((RECORDING[0], MODEL["mel_bands"]), dtype=np.float32) for _ in range(recordings)]
    targets = [rng.random((RECORDING[1], MODEL["classes"]), dtype=np.float32) for _ in range(recordings)]
    start, held_out = time.process_time(), recordings // 4
    scaler = Scaler.fit(features[held_out:])
    validation, training = (
        cut(map(scaler, features[part]), targets[part], FRAMES) for part in (slice(held_out), slice(held_out, None))
    )
    prepared = time.process_time() - start
    precision = choose_precision("auto", torch.device("cpu"))
    model = CRNN(**{**MODEL, "filters": filters}, precision=precision)
    optimiser = torch.optim.Adam(model.parameters(), fused=True)
    del features  # as `softsed train.system` does
    epoch = 0.0
    for data, learner in ((training, optimiser), (validation, None)):
        batches = list(torch.randperm(len(data)).split(BATCH))
        run_epoch(model, data, batches[:1], "mse", learner)
        start = time.process_time()
        run_epoch(model, data, batches[:FEW], "mse", learner)
        epoch += (time.process_time() - start) / min(FEW, len(batches)) * len(data) / BATCH
    return {"precision": precision, "prepare_s": prepared, "epoch_s": epoch}


def measure(recordings: int, filters: int) -> dict:
    """Run one size in a process of its own: CPU time, and peak memory in MB."""
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parent.parent / "workflow")}
    command = [sys.executable, __file__, "--one", json.dumps([recordings, filters])]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    text = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"failed: {command}")
    return json.loads(text) | {"memory_mb": usage.ru_maxrss / 1024}


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
    sizes = [(count, USUAL[1]) for count in RECORDINGS] + [(USUAL[0], filters) for filters in FILTERS[:-1]]
    found = {size: [] for size in sizes}
    for _ in range(options.runs):
        for size, own in found.items():
            own.append(measure(*size))
    rows = []
    for size, own in found.items():
        ratios = [mine["epoch_s"] / usual["epoch_s"] for mine, usual in zip(own, found[USUAL], strict=True)]
        prepared, epoch = (statistics.median(one[key] for one in own) for key in ("prepare_s", "epoch_s"))
        memory = max(one["memory_mb"] for one in own)
        rows.append([*size, own[0]["precision"], prepared, epoch, *summary(ratios), memory, options.runs])
    write(options.output, COLUMNS, rows)


if __name__ == "__main__":
    main()
