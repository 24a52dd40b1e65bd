"""Copies of the project, and Snakemake called in them."""

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from softsed.tools.status import rules
from support.run import run

ROOT = Path(__file__).parents[2]

# The package of this checkout, whichever copy is installed, here and in the commands that tests start.
os.environ["PYTHONPATH"] = str(ROOT / "workflow")
os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
# One test per core (pytest -n) and one thread per test, because waiting threads keep a core busy.
os.environ["OMP_NUM_THREADS"] = "1"

DEMO = ["--configfile", "workflow/demo.yaml"]
STUDY = [*DEMO, "workflow/study.yaml"]
TINY = [*STUDY, "tests/workflow/tiny.yaml"]

# Before a command that the test interrupts (SIGINT): background processes of a shell ignore this signal.
INTERRUPTIBLE = ["env", "--default-signal=INT"]


def environment(*left_out: str) -> dict[str, str]:
    """Return the variables of this process without those of a make or of these tests."""
    names = {"MAKEFLAGS", "MAKELEVEL", "MFLAGS", "PYTHONPATH", *left_out}
    return {key: value for key, value in os.environ.items() if key not in names}


def copy_project(target: Path) -> Path:
    """Copy the files that git would commit now, without results."""
    for name in run(ROOT, "git", "ls-files", "--cached", "--others", "--exclude-standard").splitlines():
        if (ROOT / name).exists():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    return target


def snakemake(folder: Path, *arguments: str, configuration: list[str] = TINY, fails: bool = False) -> str:
    """Run Snakemake in a copy of the project and return all it prints."""
    command = ["snakemake", *configuration, "--cores", "2", "--max-jobs-per-timespan", "100/1s", *arguments]
    return run(folder, *command, fails=fails, environment=environment())


def planned(folder: Path, *arguments: str, configuration: list[str] = TINY) -> dict[str, int]:
    """Return the number of jobs per rule of a dry run, without `all`; empty if there is nothing to do."""
    shown = snakemake(folder, "--dry-run", *arguments, configuration=configuration)
    return rules(shown)


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """Return a folder that the first process of a run of pytest creates (pytest -n has several processes)."""
    root = factory.getbasetemp()
    folder = (root.parent if "PYTEST_XDIST_WORKER" in os.environ else root) / name
    done = folder.with_suffix(".done")
    with FileLock(folder.with_suffix(".lock")):
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            make(copy_project(folder))
            done.touch()
    return folder


def make(folder: Path, target: str, *variables: str) -> str:
    """Run a make target in the environment of the tests, and return its output."""
    venv = Path(sys.executable).parents[1]
    # The environment is complete: its marks are newer than the copied lock files.
    for name in ("workflow", "tests"):
        (venv / name).touch()
    return run(folder, "make", target, f"VENV={venv}", *variables, environment=environment("OMP_NUM_THREADS"))


def make_demo(folder: Path) -> None:
    """Run `make demo`, and write its output beside the folder."""
    folder.with_suffix(".txt").write_text(make(folder, "demo"), encoding="utf-8")
