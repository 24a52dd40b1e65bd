"""Model files: other files are refused, and no pickled object is loaded."""

import io
import json
import os
import pickle
import sys
import zipfile

import numpy as np
import pytest
import torch
from support.embedders import Net, save_export, save_torchscript
from support.errors import refused

from softsed.features.embedding_models import FORCED, load_embedding_model


class Bomb:
    def __reduce__(self):
        return (print, ("executed",))


def replaced(source, target, change):
    """Copy an archive with its members changed by ``change(name, content)``; stored, as torch writes them."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))


def bomb():
    buffer = io.BytesIO()
    torch.save(Bomb(), buffer)
    return buffer.getvalue()


def pickled_weights(name, content):
    """Make each tensor of an archive a pickled object, as torch.export.save does for subclasses of tensors."""
    if name.endswith("weights_config.json"):
        found = json.loads(content)
        for entry in found["config"].values():
            entry["use_pickle"] = True
        return json.dumps(found)
    return bomb() if "/weights/weight_" in name else content


def opaque_constant(name, content):
    if name.endswith("constants_config.json"):
        return json.dumps({"config": {"c": {"path_name": "opaque_obj_0", "is_param": False, "use_pickle": True}}})
    return content


def sample_inputs(name, content):
    return bomb() if "sample_inputs" in name and name.endswith(".pt") else content


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("change", [pickled_weights, opaque_constant, sample_inputs])
def test_archive_with_pickled_objects_is_refused(tmp_path, change, capsys):
    honest = save_export(tmp_path / "honest.pt2", Net(), 800)
    load_embedding_model(honest)
    replaced(honest, tmp_path / "model.pt2", lambda name, content: content)
    load_embedding_model(tmp_path / "model.pt2")  # an unchanged copy is accepted
    changes = []

    def changed(name, content):
        found = change(name, content)
        changes.append(found != content)
        return found

    replaced(honest, tmp_path / "model.pt2", changed)
    assert any(changes)
    with refused(file="model.pt2", problem="cannot be loaded as a model", golden=False):
        load_embedding_model(tmp_path / "model.pt2")
    assert "executed" not in capsys.readouterr().out


def test_archive_with_compiled_code_is_refused(tmp_path):
    path = save_export(tmp_path / "model.pt2", Net(), 800)
    with zipfile.ZipFile(path, "a") as archive:
        root = archive.namelist()[0].split("/")[0]
        archive.writestr(f"{root}/data/aotinductor/model/model.so", b"code")
    with refused(file="model.pt2", problem="compiled code"):
        load_embedding_model(path)


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("ending", ["pt", "pt2", "onnx"])
def test_other_files_are_refused(tmp_path, ending, capsys):
    if ending == "onnx":
        pytest.importorskip("onnxruntime", reason="the library onnxruntime is not installed (envs/dev.lock)")
    path = tmp_path / f"model.{ending}"
    for content in (b"", b"no model", pickle.dumps(Bomb()), bomb()):
        path.write_bytes(content)
        with refused(file=path.name, problem="cannot be loaded as a model", golden=False):
            load_embedding_model(path)
    assert "executed" not in capsys.readouterr().out


def test_missing_files_and_other_endings_are_refused(tmp_path):
    with refused(file="missing.pt", problem="there is no such file"):
        load_embedding_model(tmp_path / "missing.pt")
    (tmp_path / "model.pth").touch()
    with refused(file="model.pth", problem="not a model"):
        load_embedding_model(tmp_path / "model.pth")


def test_missing_package_is_named_with_its_command(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    (tmp_path / "model.onnx").touch()
    with refused(file="model.onnx", problem="onnxruntime") as caught:
        load_embedding_model(tmp_path / "model.onnx")
    assert "`pip install onnxruntime`" in caught.value.remedy


def test_environment_is_as_before(tmp_path, monkeypatch):
    path = save_export(tmp_path / "model.pt2", Net(), 800)
    for value in (None, "0"):
        monkeypatch.delenv(FORCED, raising=False) if value is None else monkeypatch.setenv(FORCED, value)
        load_embedding_model(path)
        assert os.environ.get(FORCED) == value


def test_function_maps_numpy_to_numpy(tmp_path):
    run = load_embedding_model(save_torchscript(tmp_path / "model.pt", Net(), 800))
    windows = np.random.default_rng(0).normal(0, 1, (3, 800)).astype(np.float32)
    with torch.inference_mode():
        np.testing.assert_allclose(run(windows), Net()(torch.from_numpy(windows)), atol=1e-6)
