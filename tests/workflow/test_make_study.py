"""`make study` as in the README, at the sizes of the tiny experiment."""

import pytest
import yaml
from snakemake.utils import update_config
from support.project import STUDY, copy_project, make, planned
from support.tsv import read_rows

pytestmark = pytest.mark.slow


def test_study_with_other_numbers_of_runs(tmp_path):
    """The summary is printed, and a second call with more runs trains only these."""
    folder = copy_project(tmp_path / "project")
    path, tiny = folder / "workflow/study.yaml", folder / "tests/workflow/tiny.yaml"
    study = yaml.safe_load(path.read_text())
    update_config(study, yaml.safe_load(tiny.read_text()) | {"experiment": "study"})
    path.write_text(yaml.safe_dump(study, sort_keys=False))
    shown = make(folder, "study", "RUNS=1")
    assert "Results of study. " in shown
    assert shown.splitlines()[-1] == "report:  results/study/report"
    assert {row["runs"] for row in read_rows(folder / "results/study/report/table2.tsv")} == {"1"}
    assert planned(folder, "--config", "runs=1", configuration=STUDY) == {}
    # Four systems and three folds per run.
    assert planned(folder, "--config", "runs=2", configuration=STUDY)["train_system"] == 12
