"""The whole workflow in a checkout whose path contains spaces and letters beyond ASCII, without network requests."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.project import ROOT, copy_project, planned
from support.run import run
from support.server import serve
from support.tiny import write_noise, write_sizes

GUARD = Path(__file__).parent / "guard"


@pytest.fixture
def asked(tmp_path, monkeypatch):
    """Return the file to which all later Python processes write their network requests."""
    log = tmp_path / "network.txt"
    monkeypatch.setenv("PYTHONPATH", f"{GUARD}{os.pathsep}{os.environ['PYTHONPATH']}")
    monkeypatch.setenv("NETWORK_LOG", str(log))
    return log


def test_guard_records_requests(asked, tmp_path):
    with serve(tmp_path) as server:
        port = server.address.split(":")[-1]
        script = f"import requests; requests.get('{server.address}/x')"
        run(tmp_path, sys.executable, "-c", script)
    assert f"('127.0.0.1', {port})" in asked.read_text()


def own(folder):
    """A dataset in folders with spaces and umlauts."""
    for kind in ("söunds", "läbels"):
        (folder / f"my {kind}").mkdir()
    write_noise(folder / "my söunds", [f"r{index}" for index in range(6)])
    for index in range(6):
        (folder / f"my läbels/r{index}.txt").write_text(f"{index}\t{index + 3}\tVögel\n", encoding="utf-8")
    write_sizes(folder / "my sizes.yaml")
    return ["--configfile", "my sizes.yaml", "--config", "audio=my söunds", "hard=my läbels", "experiment=mine"]


@pytest.mark.slow
def test_workflow_in_unusual_folder_without_network(asked, tmp_path):
    folder = copy_project(tmp_path / "mein Projekt (älter) 'β' $HOME; & #1")
    (folder / "fewer.yaml").write_text("runs: 1\nsystems: {S_BCE_sig: null, H_BCE_sig_joint: null}\n")
    tiny = ["--configfile", "workflow/demo.yaml", "workflow/study.yaml", "tests/workflow/tiny.yaml", "fewer.yaml"]
    cut = ["unshare", "--net", *([] if os.geteuid() == 0 else ["--map-root-user"])]
    cut = cut if subprocess.run([*cut, "true"], check=False, capture_output=True).returncode == 0 else []
    run(folder, *cut, "snakemake", *tiny, "--cores", "2")
    run(folder, *cut, "snakemake", *tiny, "--cores", "1", "--report", "report.html")
    assert planned(folder, configuration=tiny) == {}
    mine = own(folder)
    targets = ["labels", "results/mine/models/S_MSE_lin/run1/fold1.pt"]
    run(folder, *cut, "snakemake", "--cores", "2", *targets, *mine)
    shutil.copytree(folder / "results/mine/models/S_MSE_lin/run1", folder / "mödels dir/run 1")
    apply = ["--snakefile", "workflow/apply.smk", "--config", "audio=my söunds", "model=mödels dir/run 1"]
    run(folder, *cut, "snakemake", "--cores", "2", *apply, "output=öut put")
    assert len(list((folder / "öut put/events").iterdir())) == 6
    assert not asked.exists(), asked.read_text()


def test_dvc_makes_no_network_request(tmp_path):
    """By default DVC reports every command to its makers, and `dvc version` looks for a newer version."""
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    shutil.copytree(ROOT / ".dvc", tmp_path / ".dvc", ignore=shutil.ignore_patterns("tmp", "cache", "config.local"))
    left_out = ("CI", "DVC_TEST", "DVC_NO_ANALYTICS")
    variables = {key: value for key, value in os.environ.items() if key not in left_out}
    variables |= dict.fromkeys(("DVC_ANALYTICS_ENDPOINT", "DVC_UPDATER_ENDPOINT"), "http://127.0.0.1:9")

    def spawned():
        command = ["dvc", "version", "-v"]
        done = subprocess.run(command, cwd=tmp_path, env=variables, check=True, capture_output=True, text=True)
        return set(re.findall(r"Trying to spawn \['daemon', '(\w+)'", done.stdout + done.stderr))

    assert spawned() == set()
    (tmp_path / ".dvc/config.local").write_text("[core]\nanalytics = true\ncheck_update = true\n")
    assert spawned() == {"analytics", "updater"}


def test_user_folders_are_planned_without_network(asked, tmp_path):
    folder = copy_project(tmp_path / "Ö 1")
    assert "my söunds/r0.wav" in run(folder, "snakemake", "--cores", "1", "--dry-run", *own(folder))
    assert not asked.exists(), asked.read_text()
