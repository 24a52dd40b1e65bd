"""The command line: one stage, one module; a message instead of a traceback for bad input."""

import subprocess
import sys

import pytest

from softsed import cli
from softsed.tools import status


@pytest.mark.parametrize("step", [*cli.COMMANDS, *cli.steps()])
def test_command_explains_itself(step, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main([step, "--help"])
    assert ended.value.code == 0
    assert step in cli.COMMANDS.values() or f"softsed {step}" in capsys.readouterr().out


def test_bad_input_is_one_message_and_exit_code_1(tmp_path, capsys):
    log = tmp_path / "logs" / "step.log"
    command = ["--log", str(log), "labels.harden", "--threshold", "0.5"]
    command += ["--soft", str(tmp_path), "--hard", str(tmp_path), "--thresholds", str(tmp_path / "thresholds.tsv")]
    command += ["--recordings", "nowhere.tsv", "--classes", "nowhere.tsv"]
    assert cli.main(command) == 1
    error = capsys.readouterr().err
    assert error.startswith("softsed labels.harden: nowhere.tsv: cannot be read")
    assert "Traceback" not in error
    assert "nowhere.tsv" in log.read_text()


def test_features_does_not_wait_for_torch():
    script = "import sys, softsed.cli, softsed.features.extract; print(*{'torch', 'pandas'} & set(sys.modules))"
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == ""


@pytest.mark.parametrize(
    "error",
    [
        MemoryError("Unable to allocate 4 GiB"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: 9 bytes\nmore"),
    ],
)
def test_too_little_memory_is_no_fault_of_the_program(monkeypatch, capsys, error):
    def greedy(_):
        raise error

    monkeypatch.setattr(status, "main", greedy)
    assert cli.main(["status"]) == 1
    shown = capsys.readouterr().err
    assert "softsed status: out of memory: " in shown
    assert "Run fewer jobs at once (--cores); on a cluster give it more" in shown
    assert "Traceback" not in shown
    assert "report" not in shown
