"""A user's mistake stops the workflow before anything is computed, with a message that states a remedy.

The checks of a config are tested in tests/unit/planning.
"""

import re
import sys

import pytest
from support.project import TINY, snakemake
from support.run import run


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("trian:\n  epochs: 3", "trian"),
        ("recordings: nowhere.tsv", "nowhere.tsv"),
        ("report:\n  curves: ['S_MSE_lni:s']", "the curve 'S_MSE_lni:s' is not of a system"),
    ],
)
def test_config_mistakes_stop_the_run(project, change, message):
    (project / "change.yaml").write_text(change)
    configuration = [
        "--configfile",
        "workflow/demo.yaml",
        "workflow/study.yaml",
        "tests/workflow/tiny.yaml",
        "change.yaml",
    ]
    assert message in snakemake(project, "--dry-run", configuration=configuration, fails=True)


def test_published_labels_refuse_label_methods(project):
    (project / "change.yaml").write_text("systems:\n  S_MSE_lin:\n    method: joint")
    shown = snakemake(project, "--dry-run", configuration=["--configfile", "change.yaml"], fails=True)
    assert "systems.S_MSE_lin.method: labels by joint need opinions, but this experiment has labels only" in shown


def test_unknown_target_is_refused(project):
    shown = snakemake(project, "--dry-run", "results/tiny/models/S_MSE_lin/run1/fold9.pt", fails=True)
    assert "MissingRuleException" in shown


def test_unknown_recording_is_refused(project):
    shown = snakemake(project, "--dry-run", "results/tiny/features/typo.npz", fails=True)
    assert "tests/workflow/tiny.tsv: there is no recording 'typo'" in shown


def test_unreadable_audio_stops_later_jobs(project):
    (project / "results/tiny/data/audio/city_center_00.wav").write_text("not audio")
    shown = snakemake(project, fails=True)
    assert "results/tiny/data/audio/city_center_00.wav: cannot be read as audio" in shown
    assert "Traceback" not in shown
    assert not (project / "results/tiny/features/city_center_00.npz").exists()


def test_watch_shows_error_and_log_of_a_failed_job(project):
    """The exit status is that of Snakemake."""
    (project / "results/tiny/data/audio/city_center_00.wav").write_text("not audio")
    command = [sys.executable, "-m", "softsed", "watch", "snakemake", *TINY, "--cores", "2"]
    shown = run(project, *command, fails=True)
    assert "results/tiny/data/audio/city_center_00.wav: cannot be read as audio" in shown
    assert "    log: results/tiny/logs/extract_features/city_center_00.log" in shown
    assert re.search(r"^The log of Snakemake is .*\.snakemake/log/.*\.snakemake\.log\.$", shown, re.MULTILINE)
    assert "last lines of" not in shown  # the job has written its error to the terminal
    assert "Shell command" not in shown
