"""Where the results come from: config, data, code, versions, and of each training seed, device and precision.

One file a report, `report/origin.json`, that goes with the tables. Its hashes are SHA-256 of whole files.
"""

import argparse
import hashlib
import json
from pathlib import Path

import torch

from softsed.core.code_hash import commit, versions
from softsed.core.errors import InputError

PACKAGES = ("numpy", "scipy", "soundfile", "soxr", "librosa", "torch", "sed_eval", "matplotlib", "snakemake")
KEPT = ("system", "seed", "precision", "made")  # of what a model file says


def file_hashes(paths: list[Path]) -> dict[str, str]:
    """Hash files: path -> SHA-256."""
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def training_of(path: Path) -> dict:
    """Read how a model was made; an InputError where the file is none of this project."""
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
        return {name: saved[name] for name in KEPT}
    except Exception as error:  # whatever torch meets in a file that is not a model, there is one thing to say
        raise InputError(f"{path}: not a model written by `softsed train.system`: {error}") from error


def main(argv: list[str] | None = None) -> None:
    """Write down where the results of an experiment come from."""
    parser = argparse.ArgumentParser(prog="softsed report.origin", description=main.__doc__)
    parser.add_argument("--experiment", required=True, help="name")
    parser.add_argument("--config", type=json.loads, required=True, help="the whole config as JSON")
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="tables that everything follows from")
    parser.add_argument("--models", type=Path, nargs="*", default=[], help="trained models")
    parser.add_argument("--metrics", type=Path, nargs="+", required=True, help="what was found")
    parser.add_argument("--report", type=Path, nargs="+", required=True, help="tables of the report")
    parser.add_argument("--output", type=Path, required=True, help="JSON, written")
    options = parser.parse_args(argv)
    content = {
        "experiment": options.experiment,
        "commit": commit(),
        "versions": versions(*PACKAGES),
        "config": options.config,
        "data": file_hashes(options.data),
        "models": file_hashes(options.models),
        "metrics": file_hashes(options.metrics),
        "report": file_hashes(options.report),
        "trainings": {str(path): training_of(path) for path in options.models},
    }
    options.output.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
