"""The origin of results: hashes of the files, and what each model records of its training."""

import hashlib
import json

import pytest
import torch
from support.errors import refused
from support.run import git

from softsed.core import code_hash
from softsed.report import origin


def run(tmp_path, model):
    files = {
        "--data": tmp_path / "soft.tsv",
        "--metrics": tmp_path / "metrics.json",
        "--report": tmp_path / "soft.tsv",
        "--models": model,
    }
    options = [str(word) for pair in files.items() for word in pair]
    options += ["--experiment", "test", "--config", '{"seed": 1}', "--output", str(tmp_path / "origin.json")]
    origin.main(options)
    return json.loads((tmp_path / "origin.json").read_text())


@pytest.fixture
def files(tmp_path):
    (tmp_path / "soft.tsv").write_text("labels")
    (tmp_path / "metrics.json").write_text("{}")
    made = {"code": [], "versions": {"torch": "1"}, "device": "cpu", "threads": 1}
    model = {"state": {}, "system": {"loss": "mse"}, "seed": 7, "precision": "float32", "made": made}
    torch.save(model, tmp_path / "fold1.pt")
    return tmp_path


def test_hashes_config_and_trainings(files):
    found = run(files, files / "fold1.pt")
    assert found["config"] == {"seed": 1}
    assert found["data"] == {str(files / "soft.tsv"): hashlib.sha256(b"labels").hexdigest()}
    assert found["report"] == found["data"]
    assert found["metrics"] == {str(files / "metrics.json"): hashlib.sha256(b"{}").hexdigest()}
    assert found["models"].keys() == found["trainings"].keys() == {str(files / "fold1.pt")}
    training = found["trainings"][str(files / "fold1.pt")]
    assert (training["seed"], training["precision"], training["made"]["device"]) == (7, "float32", "cpu")
    assert (
        found["versions"]["torch"] == torch.__version__.split("+")[0] or torch.__version__ in found["versions"]["torch"]
    )


def test_file_that_is_not_a_model(files):
    with refused(file="soft.tsv", problem="not a model"):
        run(files, files / "soft.tsv")


def test_commit_of_checkout_with_edited_code(tmp_path, monkeypatch):
    package = tmp_path / "workflow" / "softsed"
    package.mkdir(parents=True)
    monkeypatch.setattr(code_hash, "PACKAGE", package)
    assert code_hash.commit() is None
    (package / "module.py").write_text("first")
    (tmp_path / "table.tsv").write_text("first")
    for command in (["init"], ["add", "."], ["commit", "--message=first"]):
        git(tmp_path, *command)
    head = git(tmp_path, "rev-parse", "HEAD").strip()
    (tmp_path / "table.tsv").write_text("results are tracked, too, and change in a run")
    assert code_hash.commit() == head
    (package / "module.py").write_text("edited")
    assert code_hash.commit() == f"{head}-dirty"
