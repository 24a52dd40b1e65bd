"""Mistakes in the config of a run: all are reported, in a few lines, before anything is planned."""

from pathlib import Path

import pytest
from support.project import STUDY, copy_project, snakemake


@pytest.fixture(scope="module")
def fresh(tmp_path_factory):
    """A copy of the project without results."""
    return copy_project(tmp_path_factory.mktemp("config"))


def names(folder):
    return {path.relative_to(folder) for path in Path(folder).rglob("*") if ".snakemake" not in path.parts}


def test_all_config_mistakes_are_reported_at_once(fresh):
    (fresh / "wrong.yaml").write_text("trian: {epochs: 3}\ntrain: {epochs: many}\ntrials: {spammers: [2]}\nruns: 0\n")
    before = names(fresh)
    shown = snakemake(fresh, configuration=[*STUDY, "wrong.yaml"], fails=True)
    assert "4 problems in the config" in shown
    for key in (
        "runs: the value is 0",
        "train.epochs: the value is 'many'",
        "trials.spammers.0: the value is 2",
        "trian: there is no such key",
    ):
        assert f"\n  {key}" in shown
    assert "Traceback" not in shown
    assert len(shown.splitlines()) < 20
    assert names(fresh) == before


def test_invalid_values_on_the_command_line(fresh):
    nonsense = ["seed=abc", "runs=2.0", "trian=1", "experiment=", "predict={pooling: 3}", "train={epochs: 3}"]
    shown = snakemake(fresh, "--dry-run", configuration=["--config", *nonsense], fails=True)
    for message in (
        "seed: the value is 'abc'",
        "runs: the value is 2.0",
        "trian: there is no such key. Expected 'train', the most similar key.",
        "experiment: the value is null",
        "predict.pooling: the value is '3'. Expected mean or max",
        "train.epochs: the value is '3' (it is text: write 0.001 or 1.0e-3",
    ):
        assert message in shown
    assert "Traceback" not in shown


def test_missing_true_events_are_refused(fresh):
    shown = snakemake(fresh, "--dry-run", configuration=["--config", "truth=nowhere"], fails=True)
    assert "truth: there is no file or folder 'nowhere'" in shown


def test_null_system_leaves_its_curves_out(fresh):
    (fresh / "null.yaml").write_text("systems: {S_MSE_lin: null}\n")
    shown = snakemake(fresh, "--dry-run", configuration=["--configfile", "workflow/demo.yaml", "null.yaml"])
    assert "S_MSE_lin:h, S_MSE_lin:s left out of report.curves" in shown
    assert "models/S_MSE_lin/" not in shown
