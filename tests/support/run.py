"""Commands run in a folder."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path


def run(
    folder: Path, *command: str | Path, fails: bool = False, environment: Mapping[str, str] = os.environ, **more: str
) -> str:
    """Run a command in a folder, with further environment variables, and return its output."""
    done = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        cwd=folder,
        env={**environment, **more},
    )
    assert (done.returncode != 0) == fails, done.stdout
    return done.stdout


def git(folder: Path, *arguments: str) -> str:
    """Run git with a test user, and without the configuration of this machine."""
    names = {f"GIT_{role}_{key}": "test" for role in ("AUTHOR", "COMMITTER") for key in ("NAME", "EMAIL")}
    return run(folder, "git", *arguments, GIT_CONFIG_GLOBAL=os.devnull, **names)
