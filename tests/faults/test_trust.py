"""Files from others are data: no reader executes anything in them."""

import hashlib
import io
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from support.errors import refused

from softsed import cli
from softsed.features.files import read_features
from softsed.predict.timeline import draw_timeline
from softsed.report import figures
from softsed.report.origin import training_of
from softsed.train.checkpoint import Checkpoint

CONFIG = '{"pooling": "mean", "context": "recording"}'


class Bomb:
    """An object that creates a folder when it is unpickled."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (str(self.mark),)


@pytest.fixture
def bomb(tmp_path):
    """Return a bomb that works; after the test, the folder that it would create must not exist."""
    mark = tmp_path / "executed"
    pickle.loads(pickle.dumps(Bomb(mark)))
    mark.rmdir()
    yield Bomb(mark)
    assert not mark.exists()


pytestmark = pytest.mark.filterwarnings("ignore:Detected pickle protocol")


@pytest.fixture(params=["torch", "old torch", "pickle"])
def model(request, bomb, tmp_path):
    """Write a model file with a bomb: in torch's format, in its format until 1.5, or as a bare pickle."""
    path = tmp_path / "fold1.pt"
    content = {"state": bomb, "parameters": {}, "system": {}, "seed": 1, "precision": "", "made": {}}
    if request.param == "pickle":
        path.write_bytes(pickle.dumps(content))
    else:
        torch.save(content, path, _use_new_zipfile_serialization=request.param == "torch")
    return path


def message(capsys, *command):
    """Return the error message of a command, without a traceback."""
    assert cli.main([str(part) for part in command]) == 1
    error = capsys.readouterr().err
    assert "Traceback" not in error
    return error


def test_apply_executes_nothing(model, tmp_path, capsys):
    outputs = {name: tmp_path / name for name in ("scores", "events", "timeline")}
    command = ["apply", "--models", model, "--filterbank", tmp_path / "bank.npz"]
    assert f"{model}: not a model of softsed" in message(capsys, *command)
    command += ["--audio", "x.wav", *(part for name, path in outputs.items() for part in (f"--{name}", path))]
    assert f"{model}: not a model of softsed" in message(capsys, *command)
    assert not any(path.exists() for path in outputs.values())


def test_predict_executes_nothing(model, tmp_path, capsys):
    command = ["predict.system", "--model", model, "--fold", "fold1.tsv", "--features", tmp_path, "--config", CONFIG]
    assert f"{model}: not a model" in message(capsys, *command, "--output", tmp_path / "scores.tsv")
    assert not (tmp_path / "scores.tsv").exists()


def test_origin_executes_nothing(model):
    with refused(problem="not a model", golden=False):
        training_of(model)


def test_checkpoint_executes_nothing(bomb, tmp_path, caplog):
    buffer = io.BytesIO()
    torch.save({"identity": {}, "model": bomb}, buffer)
    path = tmp_path / "fold1.pt"
    path.write_bytes(hashlib.sha256(buffer.getvalue()).digest() + buffer.getvalue())
    # The optimiser and the generator would fail if they were used.
    assert Checkpoint(path, {}, 0).load(torch.nn.Linear(1, 1), None, None) is None
    assert f"{path}: not a checkpoint of a softsed training" in caplog.text


def test_features_execute_nothing(bomb, tmp_path):
    path = tmp_path / "one.npz"
    np.savez(path, mel=np.array([bomb], dtype=object))
    with refused(file="one.npz", problem="not a softsed feature file"):
        read_features(path)


@pytest.mark.parametrize("name", ["$\\frac$", "$x_1$ and $", "%s {0}"])
def test_formula_in_a_name_is_text(tmp_path, name):
    """matplotlib reads text between two dollars as TeX, and a wrong formula would stop the step."""
    table, picture = tmp_path / "figure2.tsv", tmp_path / "out.svg"
    table.write_text(f"class\tinstances\tS_MSE_lin_s\n{name}\t3\t50\ncar\t2\t40\n")
    figures.main(["figure2", "--table", str(table), "--svg", str(picture), "--png", str(tmp_path / "out.png")])
    drawn = draw_timeline(np.zeros((3, 2)), [], [name, "car"], title=f"{name}.wav")
    drawn.savefig(tmp_path / "timeline.png")
    assert [label.get_text() for label in drawn.axes[0].get_yticklabels()] == [name.replace("_", " "), "car"]


def test_no_module_allows_pickles():
    """Each torch.load and np.load forbids pickles, and no other call unpickles or executes text.

    The exception is machine code that softsed has compiled, in a folder beside its own source or of the user.
    """
    folder = Path(cli.__file__).parent
    for path in folder.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert text.count("torch.load(") == text.count("weights_only=True"), path
        assert text.count("np.load(") == text.count("allow_pickle=False"), path
        assert text.count("yaml.load(") <= text.count("Loader=LOADER"), path  # LOADER is SafeLoader, in C or Python
        own_code = path.relative_to(folder) == Path("train/fast/compiled.py")
        assert text.count("pickle.load") == own_code, path
        for call in ("eval(", "exec(", "os.system(", "shell=True", "yaml.unsafe_load("):
            assert f" {call}" not in text, (path, call)
            assert f"({call}" not in text, (path, call)
