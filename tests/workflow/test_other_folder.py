"""Snakemake in another folder than that of the Snakefile, values that are not text, and results on another disk."""

import os
import shutil

import pytest
from support.project import copy_project, environment, planned, snakemake
from support.run import git, run
from support.tsv import write_opinions

from softsed.tools.status import rules

ONE_METHOD = "labels: {compare: [], crowd_sizes: [1], draws: 1, competence: {restarts: 1}}\n"


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Return a copy of the project in a folder with a space."""
    return copy_project(tmp_path_factory.mktemp("place") / "my softsed")


@pytest.fixture
def elsewhere(tmp_path):
    """Return a folder with opinions of three annotators, and true events of a class that is not annotated."""
    folder = tmp_path / "my data"
    (folder / "truth").mkdir(parents=True)
    rows = [
        (f"r{clip}", onset, onset + 5, who, label, (clip + onset) % 2)
        for clip in range(3)
        for onset in range(4)
        for who in "abc"
        for label in ("car", "dog")
    ]
    write_opinions(folder / "my opinions.tsv", rows)
    for clip in range(3):
        (folder / f"truth/r{clip}.txt").write_text("1\t2\tdog\n3\t4\tsiren\n")
    (folder / "one.yaml").write_text(ONE_METHOD)
    return folder


def configuration(folder, *entries):
    own = ["opinions=my opinions.tsv", "truth=truth", "experiment=mine"]
    return ["--configfile", str(folder / "one.yaml"), "--config", *own, *entries]


def test_results_are_in_the_working_directory(project, elsewhere):
    """True events that do not count do not stop the run, and a warning counts them."""
    own = configuration(elsewhere)
    shown = snakemake(elsewhere, "--snakefile", str(project / "Snakefile"), "labels", configuration=own)
    assert shown.count("3 of 6 true events do not count") == 1
    assert (elsewhere / "results/mine/labels/crowd_size.tsv").exists()
    assert (elsewhere / "results/mine/labels/page.html").exists()
    assert not (project / "results/mine").exists()
    shown = snakemake(project, "--directory", str(elsewhere), "--dry-run", "labels", configuration=own)
    assert rules(shown) == {}
    # An experiment on the tables of the workflow is planned as well.
    demo = ["--configfile", str(project / "workflow/demo.yaml")]
    arguments = ["--snakefile", str(project / "Snakefile"), "--dry-run"]
    assert planned(elsewhere, *arguments, configuration=demo) == planned(project, configuration=demo)


def test_config_of_the_folder_is_not_read(project, elsewhere):
    (elsewhere / "config.yaml").write_text("runs: 0\n")
    arguments = ["--snakefile", str(project / "Snakefile"), "--dry-run", "labels"]
    shown = snakemake(elsewhere, *arguments, configuration=configuration(elsewhere))
    assert "config.yaml is not read" in shown
    shown = snakemake(elsewhere, *arguments, configuration=["--configfile", "config.yaml"], fails=True)
    assert "runs: the value is 0. Expected a whole number (at least 1)" in shown


@pytest.mark.parametrize("snakefile", ["Snakefile", "workflow/apply.smk"])
def test_number_does_not_choose_another_folder(project, elsewhere, snakefile):
    for name in ("2023_05_12", "20230512"):
        (elsewhere / name).mkdir()
        (elsewhere / name / f"of_{name}.wav").touch()
    (elsewhere / "fold1.pt").touch()
    keys = {"Snakefile": "hard=truth", "workflow/apply.smk": "model=fold1.pt"}
    arguments = ["--snakefile", str(project / snakefile), "--dry-run", "--config", keys[snakefile]]
    shown = snakemake(elsewhere, *arguments, "audio=2023_05_12", configuration=[], fails=True)
    assert "audio: Snakemake reads 2023_05_12 as a number, 20230512" in shown
    assert "Write audio=./2023_05_12" in shown
    if snakefile != "Snakefile":
        shown = snakemake(elsewhere, *arguments, "audio=./2023_05_12", configuration=[])
        assert "of_2023_05_12" in shown
        assert "of_20230512" not in shown


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """Return a repository whose first DVC stage makes its folders without Snakemake."""
    for name in ("GLOBAL_CONFIG_DIR", "SYSTEM_CONFIG_DIR", "SITE_CACHE_DIR"):
        monkeypatch.setenv(f"DVC_{name}", str(tmp_path / name))
    folder = copy_project(tmp_path / "project")
    shutil.rmtree(folder / "results", ignore_errors=True)
    git(folder, "init", "--quiet")
    return folder


def use_script(folder):
    """Replace the command of the first stage by one that takes no time."""
    path = folder / "dvc.yaml"
    text = path.read_text()
    assert text.count("cmd: snakemake data labels folds --configfile") == 1
    path.write_text(text.replace("cmd: snakemake data labels folds --configfile", "cmd: sh make.sh"))
    lines = [f"mkdir -p results/demo/{name} && echo > results/demo/{name}/x\n" for name in ("data", "labels", "folds")]
    (folder / "make.sh").write_text("".join(lines))


def repro(folder, **more):
    return run(folder, "dvc", "repro", "data@demo", environment=environment(), **more)


def test_dvc_run_with_linked_results_stops_first(repository, tmp_path):
    """Snakemake would compute everything before DVC reports its own error about git."""
    (repository / "results").mkdir()
    (tmp_path / "disk").mkdir()
    (repository / "results/demo").symlink_to(tmp_path / "disk")
    shown = repro(repository, fails=True)
    assert "results/demo: the folder is a link" in shown
    assert "DVC records no results in a linked folder" in shown
    assert not os.listdir(tmp_path / "disk")
    use_script(repository)  # the reason for the refusal; if this changes, delete `places.check_links`
    assert "outside of git repository" in repro(repository, fails=True)


def test_dvc_records_results_whose_folders_are_links(repository, tmp_path):
    """The remedy that the message names."""
    use_script(repository)
    (repository / "results/demo").mkdir(parents=True)
    for name in ("data", "labels"):
        (tmp_path / "disk" / name).mkdir(parents=True)
        (repository / "results/demo" / name).symlink_to(tmp_path / "disk" / name)
    repro(repository)
    assert (tmp_path / "disk/data/x").exists()
    assert (repository / "results/demo/data").is_symlink()
    assert "up to date" in run(repository, "dvc", "status", "data@demo", environment=environment())
