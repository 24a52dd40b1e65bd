"""Code as a parameter: exactly the modules that a step imports."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from softsed.core import code_hash


def modules(stage):
    return {
        entry.split("@")[0].removeprefix("softsed/").removesuffix(".py").replace("/", ".")
        for entry in code_hash.code(stage)
    }


@pytest.mark.parametrize(
    "stage",
    [
        *("features.extract", "labels.aggregate", "train.system", "train.on_opinions", "predict.system"),
        *("report.table2", "report.figures"),
    ],
)
def test_closure_equals_the_loaded_modules(stage):
    script = f"import softsed.{stage}, sys; print(*[m for m in sys.modules if m.startswith('softsed.')])"
    workflow = Path(code_hash.__file__).parents[2]
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=workflow)
    expected = {name.removeprefix("softsed.") for name in loaded.stdout.split()} - code_hash.ASIDE
    expected = {name for name in expected if code_hash.module_path(name).exists()}  # packages are empty
    assert modules(stage) == expected


MODULES = sorted(
    ".".join(path.relative_to(code_hash.PACKAGE).with_suffix("").parts) for path in code_hash.PACKAGE.rglob("*.py")
)


@pytest.mark.parametrize("module", MODULES)
def test_imports_equal_those_of_the_parser(module):
    parsed = ast.parse(code_hash.module_path(module).read_text(encoding="utf-8"))
    imports = [node for node in ast.walk(parsed) if isinstance(node, ast.ImportFrom)]
    assert not any(node.level for node in imports)  # absolute imports only
    found = set()
    for node in imports:
        package, _, rest = node.module.partition(".")
        for alias in node.names if package == "softsed" else []:
            dotted = f"{rest}.{alias.name}".strip(".")
            found.add(dotted if code_hash.module_path(dotted).exists() else rest)
    assert code_hash.first_party_imports(module) == found


def test_packages_are_empty():
    """A package is executed on import but is not part of the closure of a step."""
    assert [path for path in code_hash.PACKAGE.rglob("__init__.py") if path.read_text()] == []


def test_report_stages_are_not_part_of_training():
    assert not {name.partition(".")[0] for name in modules("train.system")} - {"train", "features", "core"}


def test_opinion_modules_are_in_on_opinions_only():
    """An edit of the crowd layer, or of the reader of opinions, retrains no system on labels."""
    opinions = {"core.opinions", "labels.joint.dependence"}
    opinions |= {name for name in MODULES if name.startswith("train.crowd.") and not name.endswith("__init__")}
    assert opinions <= modules("train.on_opinions")
    for step in ("train.system", "predict.system", "predict.apply"):
        assert not opinions & modules(step)


def test_content_does_not_depend_on_times(tmp_path):
    (tmp_path / "labels").mkdir()
    for name in ("labels/a.txt", "labels/b.txt", "c.tsv"):
        (tmp_path / name).write_text("1")
    paths = tmp_path / "labels", tmp_path / "c.tsv"

    def content():
        code_hash.content.cache_clear()
        return code_hash.content(*paths)

    before = content()
    assert [entry.split("@")[0] for entry in before] == [str(path) for path in paths]
    (tmp_path / "labels/notes.md").write_text("not a label")
    assert content() == before
    (tmp_path / "labels/a.txt").write_text("2")
    os.utime(tmp_path / "labels/a.txt", (0, 0))
    assert content()[0] != before[0]
    assert content()[1] == before[1]
    (tmp_path / "labels/a.txt").rename(tmp_path / "labels/d.txt")
    (tmp_path / "labels/d.txt").write_text("1")
    assert content()[0] != before[0]


PROSE = b'''"""Module."""

import re  # a comment


def f(x):
    """Explain.

    # not a comment
    """
    # a comment
    text = """a string

    # with an empty line"""
    return f"{x}#{text}"  # end


class A:
    """Only this."""
'''
BARE = b'''import re
def f(x):
    text = """a string

    # with an empty line"""
    return f"{x}#{text}"
class A:'''


def test_code_text_cuts_prose_only():
    assert code_hash.code_text(PROSE.decode()) == BARE.decode()


@pytest.mark.parametrize(
    "edit",
    [
        (b"\n", b"\r\n"),
        (b"# a comment", b"# another"),
        (b"  # end", b""),
        (b"Explain.", "Erkläre, é.".encode()),
        (b"\n\n\nclass", b"\nclass"),
    ],
)
def test_module_hash_ignores_prose(tmp_path, edit):
    (tmp_path / "a.py").write_bytes(PROSE)
    (tmp_path / "b.py").write_bytes(PROSE.replace(*edit))
    assert code_hash.module_hash(tmp_path / "a.py") == code_hash.module_hash(tmp_path / "b.py")


@pytest.mark.parametrize(
    "edit", [(b"with an", b"with no"), (b"{x}#", b"{x}"), (b"string\n\n", b"string\n"), (b"re ", b"ast ")]
)
def test_module_hash_counts_code(tmp_path, edit):
    (tmp_path / "a.py").write_bytes(PROSE)
    (tmp_path / "b.py").write_bytes(PROSE.replace(*edit))
    assert code_hash.module_hash(tmp_path / "a.py") != code_hash.module_hash(tmp_path / "b.py")


def other_pythons():
    """List the interpreters of Python 3.11 and later on this machine, one per version."""
    folders = [Path(folder) for folder in os.environ["PATH"].split(os.pathsep)]
    folders += sorted(Path.home().glob(".pyenv/versions/3.*/bin"))
    found = {}
    for folder in folders:
        for program in folder.glob("python3.[1-9][0-9]"):
            command = [program, "-c", "import sys; print(sys.version_info[:2])"]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode == 0 and done.stdout >= "(3, 11)":
                found.setdefault(done.stdout.strip(), program)
    return found


def test_code_is_equal_on_other_pythons():
    """Code is cut by position, because the syntax tree and the tokens of an f-string differ between versions."""
    script = "import json; from softsed.core.code_hash import *; paths = sorted(PACKAGE.rglob('*.py'))\n"
    script += "print(json.dumps([code_text(path.read_text(encoding='utf-8')) for path in paths]))"
    environment = os.environ | {"PYTHONPATH": str(code_hash.PACKAGE.parent)}
    here = [code_hash.code_text(path.read_text(encoding="utf-8")) for path in sorted(code_hash.PACKAGE.rglob("*.py"))]
    pythons = other_pythons()
    assert f"(3, {sys.version_info.minor})" in pythons
    for program in pythons.values():
        done = subprocess.run([program, "-c", script], capture_output=True, text=True, check=True, env=environment)
        assert json.loads(done.stdout) == here, program
