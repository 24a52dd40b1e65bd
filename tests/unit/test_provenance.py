"""Code as a parameter: the modules a stage uses, no more and no less."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from softsed import provenance


def modules(stage):
    return {entry.split("@")[0].removeprefix("softsed/").removesuffix(".py") for entry in provenance.code(stage)}


@pytest.mark.parametrize("stage", ["features", "crowd", "train", "predict", "tables", "figures"])
def test_lists_what_the_interpreter_really_loads(stage):
    script = f"import softsed.{stage}, sys; print(*[m for m in sys.modules if m.startswith('softsed.')])"
    workflow = Path(provenance.__file__).parents[1]
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=workflow)
    expected = {name.removeprefix("softsed.") for name in loaded.stdout.split()} - provenance.ASIDE
    assert modules(stage) >= expected  # imports inside functions count as well
    assert modules(stage) <= expected | {"download"}


@pytest.mark.parametrize("module", sorted(path.stem for path in provenance.PACKAGE.glob("*.py")))
def test_finds_every_import_of_this_package_that_the_parser_finds(module):
    parsed = ast.parse((provenance.PACKAGE / f"{module}.py").read_text(encoding="utf-8"))
    imports = [node for node in ast.walk(parsed) if isinstance(node, ast.ImportFrom)]
    assert not any(node.level for node in imports)  # of this package by its name
    modules = {node.module.removeprefix("softsed.") for node in imports if node.module.startswith("softsed.")}
    modules |= {alias.name for node in imports if node.module == "softsed" for alias in node.names}
    assert provenance.first_party_imports(module) == modules


def test_report_stages_are_not_part_of_training():
    assert not modules("train") & {"tables", "figures", "evaluate", "features", "crowd", "maestro", "demo"}


def test_content_of_files_and_folders_whatever_their_times(tmp_path):
    (tmp_path / "labels").mkdir()
    for name in ("labels/a.txt", "labels/b.txt", "c.tsv"):
        (tmp_path / name).write_text("1")
    paths = tmp_path / "labels", tmp_path / "c.tsv"

    def content():
        provenance.content.cache_clear()
        return provenance.content(*paths)

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


def test_content_counts_and_line_ends_do_not(tmp_path):
    unix, windows, edited = tmp_path / "a.py", tmp_path / "b.py", tmp_path / "c.py"
    unix.write_bytes(b"x = 1\ny = 2\n")
    windows.write_bytes(b"x = 1\r\ny = 2\r\n")
    edited.write_bytes(b"x = 1\ny = 3\n")
    assert provenance.text_hash(unix) == provenance.text_hash(windows) != provenance.text_hash(edited)
