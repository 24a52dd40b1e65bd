"""profiles/slurm on a real cluster: results of a local run, even if jobs are killed, cancelled or lose their node."""

import os
import re
import shutil
import signal
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.cluster import PACKAGES, Cluster, missing_programs, wait_until
from support.project import DEMO, TINY, copy_project, planned, snakemake

pytestmark = [
    pytest.mark.slurm,
    pytest.mark.skipif(
        bool(missing_programs()),
        reason=f"no SLURM here ({', '.join(missing_programs())} not found). With Debian's packages this runs: "
        f"apt-get install --no-install-recommends {PACKAGES}",
    ),
]

PROFILE = ["--profile", "profiles/slurm"]
# Changed values of the profile: shorter times before and between status queries, so that the tests take seconds.
POLLING = ["--slurm-init-seconds-before-status-checks", "2", "--seconds-between-status-checks", "2"]
SUBMITTED = r"has been submitted with SLURM jobid (\d+)"

TRAINED = [
    "results/tiny/models/S_MSE_lin/run1/fold1.pt",
    "results/tiny/models/S_MSE_lin/run1/fold1.history.tsv",
    "results/tiny/predictions/S_MSE_lin/run1/fold1.tsv",
]
TRAINING_LOG = "results/tiny/logs/train_system/S_MSE_lin_run1_fold1.log"
# A training long enough to be caught in the middle, with a checkpoint every epoch.
LONGER = "train: {epochs: 500, patience: 500}\n"
OFTEN = ["--set-resources", "train_system:checkpoint_s=0"]


@pytest.fixture(scope="module")
def cluster():
    with Cluster() as running:
        yield running


@contextmanager
def submitted(cluster: Cluster, folder: Path, *arguments: str, configuration: list[str] = TINY):
    """Start Snakemake and yield the file with its output; at the end, wait until it ends without an error."""
    printed = folder / "printed.txt"
    variables = {key: value for key, value in cluster.environment.items() if key != "PYTHONPATH"}
    command = ["snakemake", *arguments, *PROFILE, *POLLING, *configuration]
    with printed.open("w", encoding="utf-8") as file:
        run = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT, cwd=folder, env=variables)
    try:
        yield printed
        assert run.wait() == 0, printed.read_text(encoding="utf-8")
    finally:
        if run.poll() is None:
            run.kill()  # after SIGINT it would wait for its jobs
            run.wait()
            cluster.cancel()


def numbers(printed: Path) -> list[str]:
    """Return SLURM's numbers of the submissions."""
    return re.findall(SUBMITTED, printed.read_text(encoding="utf-8"))


def contents(folder: Path, names: list[str]) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in names}


def results(folder: Path, experiment: str) -> dict[str, bytes]:
    """Return every table and text of an experiment, without logs and times."""
    root = folder / "results" / experiment
    paths = [path for path in root.rglob("*") if path.suffix in (".tsv", ".md", ".txt", ".json")]
    names = {path: path.relative_to(root) for path in paths}
    return {str(name): path.read_bytes() for path, name in names.items() if name.parts[0] not in ("logs", "benchmarks")}


@pytest.mark.long
def test_demo_equals_a_local_run(cluster, demo, tmp_path):
    folder = copy_project(tmp_path / "demo")
    with submitted(cluster, folder, configuration=DEMO) as printed:
        pass
    found, expected = results(folder, "demo"), results(demo[0], "demo")
    assert {"report/table1.tsv", "report/table2.tsv", "report/truth.tsv", "report/intervals.md"} <= set(expected)
    assert found.keys() == expected.keys()
    assert [name for name in expected if found[name] != expected[name]] == []
    # Jobs are submitted in groups: 15 trainings with their predictions, and 10 groups of other jobs.
    assert len(numbers(printed)) == 25
    # Without accounting, by the status command of the profile.
    assert "AccountingStorageType   = accounting_storage/none" in cluster.ask("scontrol", "show", "config")
    assert planned(folder, configuration=DEMO) == {}


def test_no_submission_after_a_local_run(finished):
    assert planned(finished, *PROFILE) == {}


def test_out_of_memory_training_gets_more_memory(cluster, project):
    expected = contents(project, TRAINED)
    for name in TRAINED:
        (project / name).unlink()
    # torch alone exceeds the first request. The second request is twice as large, as in the profile.
    resources = [f"{rule}:mem_mb=350*attempt" for rule in ("train_system", "predict_system")]
    with submitted(cluster, project, *TRAINED, "--set-resources", *resources) as printed:
        pass
    first, *others = [cluster.job(number) for number in numbers(printed)]
    assert others
    assert first["JobState"] in ("OUT_OF_MEMORY", "FAILED", "CANCELLED")
    assert first["MinMemoryNode"] == "350M"
    assert others[-1]["JobState"] == "COMPLETED"
    assert others[-1]["MinMemoryNode"] == f"{350 * (1 + len(others))}M"
    assert "memory limit" in cluster.logs()
    assert contents(project, TRAINED) == expected


def test_gpu_lines_request_a_gpu(cluster, project):
    """The nodes only declare a GPU, so that the test cannot check whether a training uses it."""
    expected = contents(project, TRAINED)
    for name in TRAINED:
        (project / name).unlink()
    profile = project / "profiles/slurm/config.yaml"
    lines, number = re.subn(r"# (gpu: 1) # SITE", r"\1 #", profile.read_text(encoding="utf-8"))
    assert number == 2
    profile.write_text(lines, encoding="utf-8")
    with submitted(cluster, project, *TRAINED) as printed:
        pass
    assert [cluster.job(number)["TresPerJob"] for number in numbers(printed)] == ["gres:gpu:1"]
    assert contents(project, TRAINED) == expected


@pytest.fixture(scope="module")
def longer(finished, tmp_path_factory):
    """A finished project with one longer training, run locally, and the config files of this training."""
    folder = Path(shutil.copytree(finished, tmp_path_factory.mktemp("longer") / "project"))
    (folder / "longer.yaml").write_text(LONGER, encoding="utf-8")
    configuration = [*TINY, "longer.yaml"]
    snakemake(folder, *TRAINED, configuration=configuration)
    return folder, configuration


def cancel(cluster, number):
    cluster.ask("scancel", number)


def preempt(cluster, number):
    cluster.ask("scontrol", "requeue", number)


def overrun(cluster, number):
    """Stop a training until its job runs out of time. SLURM counts in minutes, which is too long for CI."""
    trainings = [pid for pid, command in cluster.processes().items() if re.search("softsed .* train.system ", command)]
    for pid in trainings:
        os.kill(pid, signal.SIGSTOP)
    cluster.ask("scontrol", "update", f"JobId={number}", "TimeLimit=1")
    wait_until(lambda: cluster.job(number)["JobState"] == "TIMEOUT", "the end of its time")


@pytest.mark.parametrize(
    "interrupt", [pytest.param(cancel, marks=pytest.mark.long), preempt, pytest.param(overrun, marks=pytest.mark.long)]
)
def test_stopped_training_resumes_to_equal_results(cluster, longer, tmp_path, interrupt):
    local, configuration = longer
    folder = Path(shutil.copytree(local, tmp_path / "project"))
    for name in [*TRAINED, TRAINING_LOG]:
        (folder / name).unlink()
    log = folder / TRAINING_LOG
    with submitted(cluster, folder, *TRAINED, *OFTEN, configuration=configuration) as printed:
        wait_until(lambda: log.exists() and "epoch 3 of" in log.read_text(), "a training in the middle")
        number = numbers(printed)[0]
        assert cluster.job(number)["JobState"] == "RUNNING"
        interrupt(cluster, number)
    state = [cluster.job(each) for each in numbers(printed)]
    if interrupt is preempt:  # the same submission again
        assert [(job["JobState"], job["Restarts"]) for job in state] == [("COMPLETED", "1")]
    else:  # a new submission
        assert [job["JobState"] for job in state] == ["CANCELLED" if interrupt is cancel else "TIMEOUT", "COMPLETED"]
    assert int(re.search(r"continuing after epoch (\d+), from results/tiny/checkpoints/", log.read_text())[1]) > 1
    assert not list((folder / "results/tiny/checkpoints").rglob("*.pt"))
    assert contents(folder, TRAINED) == contents(local, TRAINED)


# Added to the module of the prediction, so that it fails the first time.
FAILING = """
predict_well = main

def main(argv):
    Path("failing").rename("failed") if Path("failing").exists() else predict_well(argv)
"""


def test_failed_prediction_keeps_the_training(cluster, longer, tmp_path):
    local, configuration = longer
    folder = Path(shutil.copytree(local, tmp_path / "project"))
    for name in [*TRAINED, TRAINING_LOG]:
        (folder / name).unlink()
    with (folder / "workflow/softsed/predict/system.py").open("a", encoding="utf-8") as module:
        module.write(FAILING)
    (folder / "failing").touch()
    with submitted(cluster, folder, *TRAINED, *OFTEN, configuration=configuration) as printed:
        pass
    assert (folder / "failed").exists()
    # Both are submitted again, because Snakemake deletes the outputs of all jobs of a failed submission.
    assert [cluster.job(each)["JobState"] for each in numbers(printed)] == ["FAILED", "COMPLETED"]
    log = (folder / TRAINING_LOG).read_text()
    assert int(re.search(r"continuing after epoch (\d+), from", log)[1]) >= 499
    assert contents(folder, TRAINED) == contents(local, TRAINED)


@pytest.mark.long
def test_lost_node_does_not_change_results(cluster, project):
    expected = results(project, "tiny")
    for name in TRAINED:  # one training, and all jobs that depend on it
        (project / name).unlink()
    (project / "results/tiny/metrics/S_MSE_lin/run1.json").unlink()
    shutil.rmtree(project / "results/tiny/report")

    def running(*options):
        return cluster.ask("squeue", "--noheader", "--states=RUNNING", "--format=%i %N %k", *options).splitlines()

    with submitted(cluster, project) as printed:
        wait_until(lambda: "train_system" in "".join(running()), "a running training")
        training, node = next(line.split()[:2] for line in running() if "train_system" in line)
        cluster.ask("scontrol", "update", f"NodeName={node}", "State=DOWN", "Reason=test")
        wait_until(lambda: not running(f"--nodelist={node}"), "the end of the jobs there")
        assert cluster.states()[node].startswith("down")  # and stays down until a command resumes the node
        cluster.ask("scontrol", "update", f"NodeName={node}", "State=RESUME")
    job = cluster.job(training)
    assert (job["JobState"], job["Restarts"]) == ("COMPLETED", "1")
    assert numbers(printed).count(training) == 1
    wait_until(lambda: cluster.states().get(node) == "idle", "the node, back in service")
    assert results(project, "tiny") == expected
