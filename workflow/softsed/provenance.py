"""Code and versions behind a result; for Snakemake, the string that tells that code changed.

Snakemake sees neither imports nor the modules behind a command. A rule therefore carries, as a parameter, one
``path@hash`` for every module its stage imports from this package. Parameters are compared by content, so an edited
module reruns exactly the stages that use it and the reason names the file, while `touch`, clone and checkout rerun
nothing. Modules as `input:` would miss code that is older than the outputs, such as a colleague's commit.
"""

import hashlib
import platform
import re
import subprocess
from functools import cache
from importlib import metadata
from pathlib import Path

PACKAGE = Path(__file__).parent
# What these modules do never reaches an output, so an edit reruns nothing: messages, and these hashes.
ASIDE = {"errors", "log", "provenance"}
# `from softsed.labels import harden`, `from softsed import log`. A pattern, since Python's own parser would take one
# fifteenth of every dry run for this; a test holds it to what that parser finds.
IMPORT = re.compile(rf"^ *from {PACKAGE.name}(?:\.(\w+) import| import (\w+(?:, \w+)*))", re.MULTILINE)


@cache
def first_party_imports(module: str) -> frozenset[str]:
    """Return the modules of this package that a module imports, anywhere in its text."""
    found = set()
    for imported, names in IMPORT.findall((PACKAGE / f"{module}.py").read_text(encoding="utf-8")):
        found |= {imported} if imported else set(names.split(", "))
    return frozenset(found)


def code(stage: str) -> list[str]:
    """List the modules a stage runs with a hash of their text.

    Parameters
    ----------
    stage : str
        Module of the stage, such as "train".

    Returns
    -------
    list of str
        ``softsed/train.py@0123456789ab``, sorted; line ends do not count, comments do.
    """
    modules, waiting = set(), {stage}
    while waiting:
        module = waiting.pop()
        modules.add(module)
        waiting |= first_party_imports(module) - modules - ASIDE
    return [f"{PACKAGE.name}/{module}.py@{text_hash(PACKAGE / f'{module}.py')}" for module in sorted(modules)]


@cache
def text_hash(path: Path) -> str:
    """Hash a text file, Windows and Unix line ends alike."""
    return hashlib.sha256(path.read_bytes().replace(b"\r\n", b"\n")).hexdigest()[:12]


@cache
def content(*paths: Path) -> list[str]:
    """List files, or folders of .txt files, with a hash of what is in them: ``my/soft.tsv@0123456789ab``.

    A parameter of the rules that read a person's own tables: Snakemake looks into an input only if it is newer than
    what was made of it, and a file that is moved, copied or unpacked into its place may be older.
    """
    listed = []
    for path in paths:
        digest = hashlib.sha256()
        for file in sorted(path.glob("*.txt")) if path.is_dir() else [path] * path.is_file():
            digest.update(f"{file.name} {hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
        listed.append(f"{path}@{digest.hexdigest()[:12]}")
    return listed


def commit() -> str | None:
    """Name the commit of the checkout, ending in "-dirty" where its code differs from it; None outside of one."""
    root = PACKAGE.parent.parent

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", "-C", root, *arguments], check=True, capture_output=True, text=True
        ).stdout.strip()

    try:
        edited = git("status", "--porcelain", "--", PACKAGE.parent.name, "Snakefile", "config.yaml")
        return git("rev-parse", "HEAD") + ("-dirty" if edited else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def versions(*packages: str) -> dict[str, str]:
    """Return the versions of Python and of the given packages."""
    return {"python": platform.python_version()} | {name: metadata.version(name) for name in packages}


def made(stage: str, *packages: str) -> dict:
    """Tell what a stage runs on: code and versions. Not the commit: the same training has the same bytes in any."""
    return {"code": code(stage), "versions": versions(*packages)}
