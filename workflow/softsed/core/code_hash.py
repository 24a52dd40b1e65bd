"""Hashes of code and of user-provided files. As parameters of rules, they decide whether a step reruns.

Snakemake tracks neither imports nor the modules that a command runs. Each rule therefore carries one ``path@hash`` per
module of its step's import closure as a parameter. Snakemake compares parameters by content: an edited module reruns
exactly the steps that import it, and the reason names the file. `touch`, a clone or a checkout rerun nothing. Modules
as `input:` would miss code that is older than the outputs, such as the commit of a colleague.

The hash ignores comments, docstrings, blank lines and line ends, so that prose can be improved without retraining.
"""

import ast
import hashlib
import io
import json
import os
import platform
import re
import subprocess
import tokenize
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from importlib import metadata
from pathlib import Path

PACKAGE = Path(__file__).parents[1]
# Modules that never influence an output, so that an edit reruns nothing: error messages, logging, options of commands
# (rules pass every option that influences an output), and this module.
ASIDE = {"core.errors", "core.log", "core.options", "core.code_hash"}
# `from softsed.train import network`, `from softsed.core.tsv import read_table`, `from softsed import folds`. A
# pattern, because Python's parser would take 7 % of the time of a dry run; a test compares both.
IMPORT = re.compile(rf"^ *from {PACKAGE.name}((?:\.\w+)*) import (?:\(|(\w[\w, ]*))", re.MULTILINE)
# Hashes of modules by the hash of their full text, because parsing all modules takes 0.7 s (two cores of a Zen 4).
CACHE = Path(".snakemake/softsed.code.json")
VERSION = b"1"  # version of `code_text`: hashes that another version has cached are not used
LAYOUT = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}


def module_path(module: str) -> Path:
    """Return the file of a module of this package, such as "train.system"."""
    return PACKAGE.joinpath(*module.split(".")).with_suffix(".py")


@cache
def first_party_imports(module: str) -> frozenset[str]:
    """Return the modules of this package that a module imports, anywhere in its text, such as "core.tsv"."""
    found = set()
    for package, names in IMPORT.findall(module_path(module).read_text(encoding="utf-8")):
        for name in names.split(","):
            dotted = f"{package}.{name.split(' as ')[0].strip()}".strip(".")
            found.add(dotted if module_path(dotted).exists() else package.strip("."))
    return frozenset(found)


def closure(step: str) -> list[str]:
    """List the modules that a step imports, sorted: with the step itself, without `ASIDE`."""
    modules, waiting = set(), {step}
    while waiting:
        module = waiting.pop()
        modules.add(module)
        waiting |= first_party_imports(module) - modules - ASIDE
    return sorted(modules)


def code(step: str) -> list[str]:
    """List the modules that a step imports with a hash of their code.

    Parameters
    ----------
    step : str
        Module of the step, such as "train.system".

    Returns
    -------
    list of str
        ``softsed/train/system.py@0123456789ab``, sorted.
    """
    paths = {module: module_path(module) for module in closure(step)}
    return [f"{path.relative_to(PACKAGE.parent)}@{module_hash(path)}" for path in paths.values()]


@cache
def module_hash(path: Path) -> str:
    """Hash the code of a module without comments, docstrings, blank lines and line ends."""
    text = path.read_bytes()
    digest = hashlib.sha256(VERSION + text).hexdigest()
    known = _cached()
    if digest not in known:
        known[digest] = hashlib.sha256(code_text(text.decode()).encode()).hexdigest()[:12]
        _keep(known)
    return known[digest]


def code_text(text: str) -> str:
    """Return the code of a module without comments, docstrings, blank lines, trailing spaces and line ends of Windows.

    The text is cut by position. The same text gives the same code on Python 3.11 and later, while the syntax tree and
    the tokens of an f-string differ between versions.
    """
    text = text.replace("\r\n", "\n")
    lines = text.split("\n")
    kept: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        row, column = token.start
        if token.type == tokenize.COMMENT:
            lines[row - 1] = lines[row - 1][:column].rstrip()  # nothing follows a comment on its line
        elif token.type not in LAYOUT:
            kept.update(range(row, token.end[0] + 1))
    for first, last in _docstrings(text):
        kept.difference_update(range(first, last + 1))
    return "\n".join(lines[row - 1] for row in sorted(kept))


def _docstrings(text: str) -> Iterator[tuple[int, int]]:
    """Yield the first and last line of each docstring that shares its lines with no other statement."""
    lines = text.encode().split(b"\n")  # positions of the syntax tree count bytes
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.body:
            found = node.body[0]
            if (
                isinstance(found, ast.Expr)
                and isinstance(found.value, ast.Constant)
                and isinstance(found.value.value, str)
            ):
                before = lines[found.lineno - 1][: found.col_offset]
                last = found.end_lineno or found.lineno
                after = lines[last - 1][found.end_col_offset :].strip()
                if not before.strip() and (not after or after.startswith(b"#")):
                    yield found.lineno, last


@cache
def _cached() -> dict[str, str]:
    with suppress(OSError, ValueError):
        return json.loads(CACHE.read_text(encoding="utf-8"))
    return {}


def _keep(hashes: dict[str, str]) -> None:
    """Replace the whole cache, because several jobs may write it at once; do nothing without Snakemake's folder."""
    if not CACHE.parent.is_dir():
        return
    part = CACHE.with_name(f".{CACHE.name}.{os.getpid()}.part")
    with suppress(OSError):
        part.write_text(json.dumps(hashes), encoding="utf-8")
        part.replace(CACHE)


@cache
def content(*paths: Path) -> list[str]:
    """List files, or folders of .txt files, with a hash of their content: ``my/soft.tsv@0123456789ab``.

    A parameter of the rules that read user-provided tables. Snakemake compares the content of an input only if it is
    newer than the output. A file that is moved, copied or unpacked into its place may be older.
    """
    from softsed.core.text.files import visible_files  # noqa: PLC0415  # only planning lists folders

    listed = []
    for path in paths:
        digest = hashlib.sha256()
        for file in visible_files(path, ".txt") if path.is_dir() else [path] * path.is_file():
            digest.update(f"{file.name} {hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
        listed.append(f"{path}@{digest.hexdigest()[:12]}")
    return listed


def commit() -> str | None:
    """Return the commit hash, with -dirty if code or config was edited; None outside a git checkout."""
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


def made(step: str, *packages: str) -> dict:
    """Return the code and package versions of a step, without the commit, so that equal trainings give equal files."""
    return {"code": code(step), "versions": versions(*packages)}
