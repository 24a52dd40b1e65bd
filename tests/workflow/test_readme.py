"""The commands of the documentation on results of the demo, word for word."""

import re
import shutil

import pytest
import yaml
from support.project import ROOT
from support.run import run


def blocks() -> list[str]:
    """Return the blocks of commands that use results of the demo, in the order of the documents."""
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))]
    found = [block for text in texts for block in re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)]
    return [block for block in found if re.search(r"^(?!dvc).*\bresults/demo/", block, re.MULTILINE)]


def check_commands(folder, recordings: int) -> None:
    """Run all blocks in a project with results of the demo, and look for what they promise."""
    (folder / "FOLDER").mkdir()
    shutil.copy(folder / "results/demo/data/audio/city_center_01.wav", folder / "FOLDER/mine.wav")
    commands = blocks()
    assert len(commands) >= 3
    for block in commands:
        run(folder, "bash", "-ec", block)
    assert (folder / "results/apply/FOLDER/timelines/mine.png").exists()
    assert "S_MSE_lin" in (folder / "results/mine/report/table2.md").read_text()
    assert (folder / "results/apply/city_center_00/events/city_center_00.txt").exists()
    for name in ("events", "predicted", "scores"):
        assert len(list((folder / name).iterdir())) == recordings


@pytest.mark.slow
def test_documented_commands_run(finished, tmp_path):
    """With the results of the tiny experiment in place of the demo's, and few short trainings."""
    folder = shutil.copytree(finished, tmp_path / "project", ignore=shutil.ignore_patterns(".snakemake"))
    (folder / "results/tiny").rename(folder / "results/demo")
    small = yaml.safe_load((folder / "workflow/small.yaml").read_text())
    small["train"] |= {"epochs": 2, "model": {"filters": 2, "gru_units": 4, "gru_layers": 1}}
    small |= {"folds": {"number": 3}, "systems": {"S_BCE_sig": None}}
    (folder / "workflow/small.yaml").write_text(yaml.safe_dump(small))
    check_commands(folder, recordings=6)


@pytest.mark.long
def test_documented_commands_run_on_the_demo(demo, tmp_path):
    """With the sizes of the documents: nine minutes."""
    check_commands(shutil.copytree(demo[0], tmp_path / "project"), recordings=25)
