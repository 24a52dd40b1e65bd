"""Code as a parameter: the modules a stage uses, no more and no less."""

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


def test_report_stages_are_not_part_of_training():
    assert not modules("train") & {"tables", "figures", "evaluate", "features", "crowd", "maestro", "demo"}


def test_content_counts_and_line_ends_do_not(tmp_path):
    unix, windows, edited = tmp_path / "a.py", tmp_path / "b.py", tmp_path / "c.py"
    unix.write_bytes(b"x = 1\ny = 2\n")
    windows.write_bytes(b"x = 1\r\ny = 2\r\n")
    edited.write_bytes(b"x = 1\ny = 3\n")
    assert provenance.text_hash(unix) == provenance.text_hash(windows) != provenance.text_hash(edited)
