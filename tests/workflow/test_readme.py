"""The section of the README about one's own recordings, word for word, on what `make demo` made."""

import re
import shutil
import subprocess

import pytest
from support.project import ROOT


def commands():
    """The blocks of commands of the section."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    section = text.split("## Use it on your own recordings\n")[1].split("\n## ")[0]
    return re.findall(r"```sh\n(.*?)```", section, re.DOTALL)


@pytest.mark.slow
def test_one_s_own_recordings_as_the_readme_says(demo, tmp_path):
    folder = shutil.copytree(demo[0], tmp_path / "project")
    apply, train, export = commands()
    (folder / "FOLDER").mkdir()
    shutil.copy(folder / "results/demo/data/audio/metro_station_02.wav", folder / "FOLDER/mine.wav")
    for block in (apply, train, export):
        done = subprocess.run(["bash", "-ec", block], cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    assert (folder / "results/apply/FOLDER/timelines/mine.png").exists()
    assert "S_MSE_lin" in (folder / "results/mine/report/table2.md").read_text()
    assert (folder / "results/apply/city_center_00/events/city_center_00.txt").exists()
    for name in ("events", "predicted", "scores"):
        assert len(list((folder / name).iterdir())) == 25
