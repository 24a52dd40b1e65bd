"""DVC records results of Snakemake without computing, pulls them into a clone, and restores those of an older commit.

On the real dvc.yaml, with the config files of a small experiment in place of the demo's, and real remotes: a folder,
and an HTTP server on this machine.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
import yaml
from support.config import DEMO, merged
from support.project import ROOT, copy_project, planned, snakemake
from support.run import git, run
from support.server import serve
from support.tsv import read_rows

from softsed.core.metadata import read_classes, read_fold
from softsed.core.scores import read_scores

SMALL = ["--configfile", "workflow/demo.yaml", "workflow/study.yaml", "tests/workflow/tiny.yaml", "small.yaml"]
SMALLER = "runs: 1\nsystems:\n  S_BCE_sig: null\n  H_BCE_sig_joint: null\n"  # of the tiny experiment: six trainings
EVERYTHING = ["--with-deps", "report@tiny"]
PRIORS = ["scene_prior", "recording_prior"]
AFTER_TRAINING = {"predict_system": 6, "evaluate_system": 2, "evaluate_ground_truth": 2}
TABLES = {
    "make_table2": 1,
    "make_class_curves": 1,
    "make_ground_truth_table": 1,
    "make_intervals": 1,
    "make_reliability": 1,
}
TABLES |= {"render_document": 3, "make_origin": 1, "build_page": 1}


@pytest.fixture(scope="module", autouse=True)
def _nothing_outside(tmp_path_factory):
    """Run Git and DVC without the configuration of this machine, and write no file outside the folders of the tests."""
    folder = tmp_path_factory.mktemp("configuration")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("GLOBAL_CONFIG_DIR", "SYSTEM_CONFIG_DIR", "SITE_CACHE_DIR"):
            patch.setenv(f"DVC_{name}", str(folder / name))
        patch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
        for role in ("AUTHOR", "COMMITTER"):
            patch.setenv(f"GIT_{role}_NAME", "test")
            patch.setenv(f"GIT_{role}_EMAIL", "test@localhost")
        patch.setenv("NO_PROXY", "127.0.0.1")
        patch.delenv("SNAKEMAKE_PROFILE", raising=False)
        patch.delenv("PYTHONPATH", raising=False)  # a copy of the project runs its own package
        yield


def dvc(folder, *arguments, **options):
    return run(folder, "dvc", *arguments, **options)


def commit(folder, message):
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", message)


def jobs(shown, rule):
    """Return how often a rule was planned, from the output of several calls of Snakemake."""
    return sum(int(count) for count in re.findall(rf"^{rule} +(\d+)$", shown, re.MULTILINE))


def clone(repository, target):
    git(target.parent, "clone", "--quiet", str(repository), str(target))
    return target


def metrics(folder):
    return json.loads((folder / "results/tiny/report/metrics.json").read_text())


def up_to_date(folder):
    """Assert that Snakemake, DVC and git report no change in a project."""
    shown = snakemake(folder, "--dry-run", configuration=SMALL)
    assert "Nothing to be done" in shown
    assert "provenance" not in shown
    assert "up to date" in dvc(folder, "status", "report@tiny")
    assert git(folder, "status", "--short") == ""
    return True


@pytest.fixture(scope="module")
def recorded(finished, tmp_path_factory):
    """A repository whose small experiment is recorded and pushed to a folder; and the output of the recording."""
    folder = Path(shutil.copytree(finished, tmp_path_factory.mktemp("dvc") / "recorded"))
    (folder / "small.yaml").write_text(SMALLER)
    text = (folder / "dvc.yaml").read_text()
    assert text.count("demo: workflow/demo.yaml\n") == 1
    files = f"{' '.join(SMALL[1:])} --cores 2 --max-jobs-per-timespan 100/1s"
    text = text.replace("demo: workflow/demo.yaml\n", f"tiny: {files}\n").replace("results/demo/", "results/tiny/")
    (folder / "dvc.yaml").write_text(text)
    for stage in ("models", "predictions", "metrics"):
        for system in (folder / "results/tiny" / stage).iterdir():
            for run_2 in system.glob("run2*"):
                shutil.rmtree(run_2) if run_2.is_dir() else run_2.unlink()
            if system.name in ("S_BCE_sig", "H_BCE_sig_joint"):
                shutil.rmtree(system)
    snakemake(folder, configuration=SMALL)
    git(folder, "init", "--quiet", "--initial-branch", "main")
    dvc(folder, "remote", "add", "--default", "store", str(folder.parent / "store"))
    commit(folder, "run")
    shown = dvc(folder, "repro", "report@tiny")
    changed = git(folder, "status", "--short")
    commit(folder, "recorded")
    dvc(folder, "push")
    return folder, shown, changed


@pytest.fixture(scope="module")
def repository(recorded):
    """The repository alone; tests must not change it."""
    return recorded[0]


@pytest.fixture
def pulled(repository, tmp_path):
    """A clone with all pushed files, which tests may change."""
    folder = clone(repository, tmp_path / "pulled")
    dvc(folder, "pull", *EVERYTHING)
    return folder


@pytest.fixture(scope="module")
def changed(repository, tmp_path_factory):
    """A clone with other predictions, recorded and committed."""
    folder = clone(repository, tmp_path_factory.mktemp("dvc") / "changed")
    dvc(folder, "pull", *EVERYTHING)
    text = (folder / "config.yaml").read_text()
    (folder / "config.yaml").write_text(text.replace("  pooling: mean", "  pooling: max"))
    snakemake(folder, configuration=SMALL)
    dvc(folder, "repro", "report@tiny")
    commit(folder, "maximum")
    return folder


def test_recording_computes_nothing(recorded):
    folder, shown, changed = recorded
    assert shown.count("Nothing to be done") == 4
    assert changed == "?? dvc.lock\n"
    assert up_to_date(folder)


def test_git_contains_only_tables_and_metrics(repository):
    kept = {Path(name).parts[2] for name in git(repository, "ls-files", "results/tiny").splitlines()}
    assert kept == {"report", "metrics"}
    assert git(repository, "ls-files", "--others", "--exclude-standard") == ""


def test_pulled_clone_has_nothing_to_do(repository, pulled):
    assert up_to_date(pulled)
    for name in ("data/audio/city_center_00.wav", "models/S_MSE_lin/run1/fold1.pt", "provenance.jsonl"):
        assert (pulled / "results/tiny" / name).read_bytes() == (repository / "results/tiny" / name).read_bytes()
    for path in [*pulled.glob("workflow/**/*"), *pulled.glob("results/**/*"), pulled / "config.yaml"]:
        path.touch()
    assert up_to_date(pulled)


def test_pulled_files_are_writable_copies(pulled):
    assert dvc(pulled, "config", "cache.type").split() == ["reflink,copy"]
    for path in (pulled / "results/tiny").glob("**/*"):
        assert not path.is_symlink()
        assert path.is_dir() or (path.stat().st_nlink == 1 and path.stat().st_mode & 0o200), path


@pytest.mark.slow
def test_plain_pull_brings_all_recorded_files(repository, tmp_path):
    folder = clone(repository, tmp_path / "clone")
    shown = dvc(folder, "pull", fails=True)
    assert set(re.findall(r"^results/(\w+)/", shown, re.MULTILINE)) == {"maestro_real"}
    assert up_to_date(folder)
    dvc(folder, "pull", "--allow-missing")


@pytest.mark.slow
def test_pull_over_http(repository, tmp_path):
    (tmp_path / "served").mkdir()
    with serve(tmp_path / "served") as server:
        remote = (("add", "web", server.address), ("modify", "web", "method", "PUT"))
        sender, receiver = clone(repository, tmp_path / "sender"), clone(repository, tmp_path / "receiver")
        dvc(sender, "pull", *EVERYTHING)
        for folder in (sender, receiver):
            for command, *arguments in remote:
                dvc(folder, "remote", command, "--local", *arguments)
        dvc(sender, "push", "--remote", "web")
        sent = {request.target for request in server.requests if request.method == "PUT"}
        assert len(sent) == len([path for path in (tmp_path / "served").rglob("*") if path.is_file()]) > 50
        dvc(receiver, "pull", "--remote", "web", *EVERYTHING)
        got = {request.target for request in server.requests if request.method == "GET" and request.status == 200}
        assert sent <= got
    assert up_to_date(receiver)


@pytest.mark.slow
def test_pulled_models_can_be_applied(repository, tmp_path):
    folder = clone(repository, tmp_path / "clone")
    dvc(folder, "pull", "models@tiny", "report@tiny")
    results = folder / "results/tiny"
    assert not (results / "data").exists()
    assert not (results / "features").exists()
    assert metrics(folder) == metrics(repository)
    assert planned(folder, "predict", "report", configuration=SMALL) == {}

    # The steps are called by hand, as for user-provided recordings. The recordings are those of the test, with known
    # scores.
    fold, model = repository / "results/tiny/folds/fold1.tsv", results / "models/S_MSE_lin/run1/fold1.pt"
    config = json.dumps(torch.load(model, weights_only=True)["features"])
    features, step = tmp_path / "features", (sys.executable, "-m", "softsed")
    features.mkdir()
    bank = ("--config", config, "--filterbank", str(tmp_path / "bank.npz"))
    package = str(folder / "workflow")
    run(folder, *step, "features.extract", *bank, PYTHONPATH=package)
    for name in read_fold(fold)["test"]:
        audio = repository / f"results/tiny/data/audio/{name}.wav"
        files = ("--audio", str(audio), "--output", str(features / f"{name}.npz"))
        run(folder, *step, "features.extract", *bank, *files, PYTHONPATH=package)
    inputs = (
        "--model",
        str(model),
        "--fold",
        str(fold),
        "--features",
        str(features),
        "--config",
        '{"pooling": "mean", "context": "recording"}',
    )
    run(folder, *step, "predict.system", *inputs, "--output", str(tmp_path / "scores.tsv"), PYTHONPATH=package)
    classes = list(read_classes(ROOT / "workflow/resources/classes.tsv"))
    found, expected = (
        read_scores(path, classes)
        for path in (tmp_path / "scores.tsv", results / "predictions/S_MSE_lin/run1/fold1.tsv")
    )
    assert set(found) == set(expected)
    for name, scores in expected.items():
        np.testing.assert_allclose(found[name], scores, atol=1e-6)


@pytest.mark.slow
def test_clone_without_results_runs_all_jobs(repository, tmp_path):
    folder = clone(repository, tmp_path / "clone")
    assert (folder / "results/tiny/report/table2.tsv").exists()
    asked = planned(folder, configuration=SMALL)
    everything = planned(folder, "--forceall", configuration=SMALL)
    assert asked == everything
    assert asked["train_system"] == 6
    shown = snakemake(folder, "--dry-run", "report", configuration=SMALL)
    assert "results/tiny/report exists, but its records (provenance.jsonl) are missing" in shown


@pytest.mark.slow
def test_commands_work_with_one_recorded_experiment(repository, tmp_path):
    folder = clone(repository, tmp_path / "clone")  # nothing pulled: metrics and tables are in git
    shown = dvc(folder, "metrics", "show", "--md")
    assert "S_MSE_lin.class-dependent.f1_macro" in shown
    dvc(folder, "metrics", "diff")
    dvc(folder, "params", "diff")
    dvc(folder, "status", "report@tiny")
    dvc(folder, "plots", "diff", "HEAD", "--out", str(tmp_path / "diff"))
    dvc(folder, "plots", "show", "--out", str(tmp_path / "plots"))
    page = (tmp_path / "plots/index.html").read_text()
    for field in ("Class-wise F1, demo", "Training, demo", "validation_loss", "S_MSE_lin_s"):
        assert field in page
    assert git(folder, "status", "--short") == ""


def test_plots_have_the_numbers_of_the_tables(repository):
    shown = dvc(repository, "plots", "show", "--json", "--out", str(repository.parent / "plots"))
    plots = json.loads(next(line for line in shown.splitlines() if line.startswith("{")))["data"]

    def table(name):
        return read_rows(repository / f"results/tiny/report/{name}.tsv")

    def drawn(plot, *keys):
        content = plots[plot][0]["content"]
        y = content["encoding"]["y"]["field"]
        return {(*(point[key] for key in keys), point["field"]): point[y] for point in content["data"]["values"]}

    curves = ["H_BCE_sig", "S_MSE_lin_h", "S_MSE_lin_s", "scene_prior_h", "scene_prior_s"]
    assert drawn("Class-wise F1, demo", "class") == {
        (row["class"], curve): row[curve] for row in table("figure2") for curve in curves
    }
    keys = ("system", "run", "fold", "epoch")
    assert drawn("Training, demo", *keys) == {
        (*(row[key] for key in keys), loss): row[loss]
        for row in table("training")
        for loss in ("train_loss", "validation_loss")
    }


@pytest.mark.slow
def test_changes_are_shown_by_key_and_metric(repository, changed):
    parameters = json.loads(dvc(changed, "params", "diff", "HEAD~1", "--json"))
    assert parameters == {"config.yaml": {"predict.pooling": {"old": "mean", "new": "max"}}}
    shown = dvc(changed, "metrics", "diff", "HEAD~1", "--json")
    found = json.loads(next(line for line in shown.splitlines() if line.startswith("{")))
    assert list(found) == ["results/tiny/report/metrics.json"]
    before, after = metrics(repository), metrics(changed)
    assert before != after
    for name, change in found["results/tiny/report/metrics.json"].items():
        # The threshold 0.5 has a point of its own.
        point = r"0\.5|class-dependent(?:, all classes)?"
        system, threshold, score = re.fullmatch(rf"(\w+)\.({point})\.(\w+)", name).groups()
        assert system not in PRIORS
        assert change["old"] == before[system][threshold][score]
        assert change["new"] == after[system][threshold][score]


@pytest.mark.slow
def test_checkout_restores_older_results(repository, changed, tmp_path):
    folder = Path(shutil.copytree(changed, tmp_path / "changed"))
    now = metrics(folder)
    predictions = "results/tiny/predictions/S_MSE_lin/run1/fold1.tsv"
    for commit_, expected, source in (("HEAD~1", metrics(repository), repository), ("main", now, changed)):
        git(folder, "checkout", "--quiet", commit_)
        assert planned(folder, configuration=SMALL) == AFTER_TRAINING | TABLES | {"draw_figure": 2}
        dvc(folder, "checkout", *EVERYTHING)
        assert up_to_date(folder)
        assert metrics(folder) == expected
        assert (folder / predictions).read_bytes() == (source / predictions).read_bytes()


def test_clone_notices_code_that_was_not_run(pulled):
    path = pulled / "workflow/softsed/report/table2.py"
    path.write_text(path.read_text() + "\nEDITED = True\n")
    os.utime(path, (0, 0))
    assert planned(pulled, configuration=SMALL)["make_table2"] == 1


@pytest.mark.slow
def test_profile_of_the_environment_is_used(pulled, tmp_path):
    (tmp_path / "profile").mkdir()
    (tmp_path / "profile" / "config.yaml").write_text("default-resources: [of_the_test=7]\n")
    (pulled / "results/tiny/report/table1.tsv").unlink()
    shown = dvc(pulled, "repro", "report@tiny", SNAKEMAKE_PROFILE=str(tmp_path / "profile"))
    assert jobs(shown, "make_table1") == 1
    assert "of_the_test=7" in shown
    assert "profiles/default" in shown
    (pulled / "results/tiny/report/table1.tsv").unlink()
    assert "of_the_test" not in dvc(pulled, "repro", "report@tiny")


def test_artifact_name_downloads_its_model(repository, tmp_path):
    folder = clone(repository, tmp_path / "clone")
    git(folder, "tag", "--annotate", "--message", "first", "demo-S_MSE_lin@v1.0.0")
    dvc(tmp_path, "artifacts", "get", str(folder), "demo-S_MSE_lin", "--out", "model")
    for fold in (1, 2, 3):
        got = (tmp_path / f"model/run1/fold{fold}.pt").read_bytes()
        assert got == (repository / f"results/tiny/models/S_MSE_lin/run1/fold{fold}.pt").read_bytes()


def test_dvc_yaml_lists_all_systems_and_curves():
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    artifacts = {}
    for experiment, systems, method in (
        ("demo", merged(DEMO)["systems"], config["labels"]["method"]),
        ("maestro_real", config["systems"], "published"),
    ):
        for name, system in systems.items():
            labels = [*(system[key] for key in ("labels", "loss", "output")), system.get("method", method)]
            labels += [system["mask"]] if "mask" in system else []
            artifacts[f"{experiment}-{name}"] = (f"results/{experiment}/models/{name}", labels)
    described = {"hard", "soft", "sigmoid", "linear", "binary cross-entropy", "mean squared error"}
    assert {name: (entry["path"], entry["labels"]) for name, entry in stages["artifacts"].items()} == artifacts
    for entry in stages["artifacts"].values():
        labels, loss, output, *_ = entry["labels"]
        said = {labels, {"bce": "binary cross-entropy", "mse": "mean squared error"}[loss], output}
        assert entry["type"] == "model"
        assert {word for word in described if word in entry["desc"]} == said
    curves = [curve.replace(":", "_") for curve in config["report"]["curves"]]
    figures = [plot for entry in stages["plots"] for plot in entry.values() if plot["template"] == "figure2"]
    assert [list(plot["y"].values()) for plot in figures] == [[curves]] * 2
    for experiment, file in stages["stages"]["data"]["foreach"].items():
        assert yaml.safe_load((ROOT / file).read_text())["experiment"] == experiment


@pytest.mark.slow
def test_unusable_records_are_named_in_a_warning(project):
    provenance = project / "results/tiny/provenance.jsonl"
    provenance.unlink()
    provenance.mkdir()
    (project / "results/tiny/report/table1.md").unlink()
    shown = snakemake(project)
    assert (
        shown.count("Cannot update the records of tiny: [Errno 21] Is a directory: 'results/tiny/provenance.jsonl'")
        == 2
    )
    assert planned(project) == {}
    provenance.rmdir()
    provenance.write_text("<<<<<<< HEAD\n")
    shown = snakemake(project, "--dry-run")
    assert "results/tiny/provenance.jsonl, line 1: the line is not a record" in shown
    assert "Nothing to be done" in shown


@pytest.mark.slow
def test_dvc_experiment_trains_only_changed_systems(repository, tmp_path):
    folder = Path(shutil.copytree(repository, tmp_path / "project"))
    unrecorded = folder / "results/maestro_real/models/S_MSE_lin/run1/fold1.pt"
    unrecorded.parent.mkdir(parents=True)
    unrecorded.write_text("days of training")
    change = "workflow/demo.yaml:train.learning_rate=0.01"
    shown = dvc(folder, "exp", "run", "--temp", "--name", "faster", "--set-param", change, "report@tiny")
    trained = {"train_system": 6, "make_training_curves": 1, "make_convergence_table": 1, "draw_figure": 3}
    trained |= {"render_document": 4}
    expected = AFTER_TRAINING | TABLES | trained
    assert {rule: jobs(shown, rule) for rule in expected} == expected
    assert jobs(shown, "total") == sum(expected.values()) + 2  # the targets of two stages: predict and all
    assert up_to_date(folder)
    found = json.loads(dvc(folder, "params", "diff", "faster", "--json"))
    assert list(found) == ["workflow/demo.yaml"]
    assert list(found["workflow/demo.yaml"]) == ["train.learning_rate"]
    assert found["workflow/demo.yaml"]["train.learning_rate"].items() >= {"old": 0.01, "new": 0.003}.items()
    # The experiment becomes a branch, because `dvc exp apply` would delete results that were never recorded.
    dvc(folder, "exp", "branch", "faster", "faster")
    git(folder, "checkout", "--quiet", "faster")
    dvc(folder, "checkout", *EVERYTHING)
    assert up_to_date(folder)
    assert metrics(folder) != metrics(repository)
    assert unrecorded.exists()


def kill_training(parent, model):
    """Kill the process that trains a model, as soon as there is one below a running process."""
    while parent.poll() is None:
        for process in psutil.Process(parent.pid).children(recursive=True):
            with suppress(psutil.Error):
                if model in process.cmdline() and "train.system" in process.cmdline():
                    process.kill()
                    return
        time.sleep(0.05)
    pytest.fail(f"no process trained {model}")


@pytest.mark.slow
def test_only_the_killed_training_is_repeated(repository, tmp_path):
    folder = Path(shutil.copytree(repository, tmp_path / "project"))
    path = folder / "workflow/demo.yaml"
    path.write_text(path.read_text().replace("learning_rate: 0.003", "learning_rate: 0.01"))
    killed = "results/tiny/models/H_BCE_sig/run1/fold2.pt"
    before = {path: path.read_bytes() for path in (folder / "results/tiny/models").rglob("*.pt")}
    with (
        (tmp_path / "log").open("w+") as log,
        subprocess.Popen(
            ["dvc", "repro", "report@tiny"], cwd=folder, stdout=log, stderr=subprocess.STDOUT
        ) as recording,
    ):
        kill_training(recording, killed)
        assert recording.wait() != 0
        log.seek(0)
        shown = log.read()
    assert jobs(shown, "train_system") == 6
    assert "Error in rule train_system" in shown
    assert not (folder / killed).exists()
    others = {path: path.read_bytes() for path in (folder / "results/tiny/models").rglob("*.pt")}
    assert len(others) == 5
    assert all(content != before[path] for path, content in others.items())
    assert planned(folder, "train", configuration=SMALL) == {"train": 1, "train_system": 1}

    shown = dvc(folder, "repro", "report@tiny")
    assert jobs(shown, "train_system") == 1
    assert {path: path.read_bytes() for path in others} == others
    commit(folder, "after all")
    assert up_to_date(folder)


def test_stages_of_the_copy_are_those_of_the_project(tmp_path):
    """The stages that the tests run are those of the repository: DVC reads them without complaint."""
    folder = copy_project(tmp_path)
    git(folder, "init", "--quiet")
    shown = dvc(folder, "stage", "list", "--names-only")
    stages = [
        f"{stage}@{name}" for stage in ("data", "features", "models", "report") for name in ("demo", "maestro_real")
    ]
    assert sorted(shown.split()) == sorted(stages)
