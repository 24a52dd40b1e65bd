"""Origin of the results: config, commit, versions, hashes of all files, and settings of each training.

One file per report, `report/origin.json`. Hashes are SHA-256 of whole files.
"""

import hashlib
import json
from pathlib import Path

import torch

from softsed.core.code_hash import commit, versions
from softsed.core.errors import InputError
from softsed.core.options import add_options, build_parser

PACKAGES = ("numpy", "scipy", "soundfile", "soxr", "librosa", "torch", "sed_eval", "matplotlib", "snakemake")
KEPT = ("system", "seed", "precision", "made")  # keys of a model file


def file_hashes(paths: list[Path]) -> dict[str, str]:
    """Compute the SHA-256 of each file, by path."""
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def training_of(path: Path) -> dict:
    """Read system, seed, precision, code and versions of a model; InputError if the file is not a softsed model."""
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
        return {name: saved[name] for name in KEPT}
    except Exception as error:  # torch raises many kinds of exceptions for a file that is not a model
        # The message of torch is left out: it recommends loading the file without `weights_only`.
        problem = f"not a model of softsed ({type(error).__name__})"
        raise InputError(problem, file=path, remedy="Use a model in results/EXPERIMENT/models") from error


EXAMPLE = """\
--experiment demo --config '{"seed": 1}' --data results/demo/labels/eq1/soft.tsv
      --models results/demo/models/S_MSE_lin/run1/fold1.pt --metrics results/demo/metrics/S_MSE_lin/run1.json
      --report results/demo/report/table2.tsv --output results/demo/report/origin.json\
"""


def main(argv: list[str] | None = None) -> None:
    """Record the origin of the results of an experiment."""
    parser = build_parser("report.origin", main, example=EXAMPLE)
    add_options(parser, "experiment", config="the whole config, as JSON")
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="tables that all results depend on")
    parser.add_argument("--models", type=Path, nargs="*", default=[], help="trained models")
    parser.add_argument("--metrics", type=Path, nargs="+", required=True, help="metrics of all systems (JSON)")
    parser.add_argument("--report", type=Path, nargs="+", required=True, help="tables of the report")
    add_options(parser, output="origin to write (JSON)")
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
