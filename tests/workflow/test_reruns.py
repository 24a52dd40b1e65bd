"""Only invalidated steps: an edit reruns exactly what uses it and is named, everything else reruns nothing."""

import os
import re
import shutil
import subprocess
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import yaml
from support.project import ROOT, TINY, planned, snakemake

from softsed.tools.status import describe, rules

# Jobs of the tiny experiment that follow from one another, read off the graph of the rules.
PAGE = {"build_page": 1}
TABLES = {"make_table2": 1, "make_class_curves": 1, "draw_figure": 1, **PAGE}
INTERVALS = {"make_intervals": 1, **PAGE}
COMPARED = {**INTERVALS, "make_reliability": 1}
SCORES = {**TABLES, **COMPARED, "make_truth": 1, "evaluate_system": 8, "evaluate_truth": 10, "evaluate_labels": 2}
SCORES |= {"draw_figure": 2}
REPORTED = {**TABLES, "make_truth": 1}
AFTER_TRAINING = {**REPORTED, **COMPARED, "predict_system": 24, "evaluate_system": 6, "evaluate_truth": 8}
AFTER_TRAINING |= {"draw_figure": 2}
FROM_TRAINING = {**AFTER_TRAINING, "train_system": 24, "make_training_curves": 1, "draw_figure": 3}
FROM_INDEX = {**FROM_TRAINING, "write_manifest": 1}
PRIORS_TOO = {"predict_prior": 6, "evaluate_system": 8, "evaluate_truth": 10}
FROM_FOLDS = {**FROM_TRAINING, **PRIORS_TOO, "make_folds": 1, "evaluate_labels": 2}
FROM_HARD = {**FROM_TRAINING, "evaluate_system": 8, "make_table1": 1}
FROM_SOFT = {**FROM_HARD, **PRIORS_TOO, "harden_labels": 2, "evaluate_labels": 2, "make_label_statistics": 1}
CROWD = {"measure_crowd_size": 2, "collect_crowd_sizes": 1, "make_crowd_page": 1}
ESTIMATED = {**FROM_SOFT, **CROWD, "aggregate_opinions": 2}
FROM_OPINIONS = {**ESTIMATED, "measure_agreement": 1}
ASKED = {**FROM_OPINIONS, "simulate_annotators": 1}
RENDERED = {**ASKED, "render_recording": 6, "extract_features": 6, "make_media": 6, "write_manifest": 1}
FROM_FEATURES = {**FROM_INDEX, "make_filterbank": 1, "extract_features": 6, "make_media": 6}
TRIALS = {"run_trials": 2, "make_label_quality": 1, "draw_figure": 2}
BOTH = {**TRIALS, "draw_figure": 5}  # the figures of the trials and those of the systems
ONE_SYSTEM = {"train_system": 6, "predict_system": 6, "evaluate_truth": 2, "make_training_curves": 1}
ONE_SYSTEM |= {"make_truth": 1, "draw_figure": 1, **PAGE}

# Every module of the package -> what an edit of it reruns.
MODULES = {
    "__init__": {},
    "__main__": {},
    "agreement": {"measure_agreement": 1, "make_crowd_page": 1},
    "annotators": {**ASKED, **BOTH},
    "apply": {},
    "archives": {},
    "audiofiles": FROM_FEATURES,
    "blocks": FROM_TRAINING,
    "check": {},
    "checkpoint": FROM_TRAINING,
    "checks": {},
    "classes": {**RENDERED, **BOTH, "make_folds": 1},
    "cli": {},
    "configuration": {},
    "convert": {},
    "crowd": {**ESTIMATED, **BOTH},
    "crowdpage": {"make_crowd_page": 1},
    "crowdplots": {"make_crowd_page": 1},
    "crowdsize": CROWD,
    "dataset": FROM_TRAINING,
    "demo": RENDERED,
    "disk": {},
    "divergence": {**TABLES, "evaluate_system": 8},
    "download": FROM_FOLDS,
    "errors": {},
    "evaluate": {**TABLES, "evaluate_system": 8},
    "export": {},
    "features": FROM_FEATURES,
    "figures": {"draw_figure": 5},
    "folds": FROM_FOLDS,
    "given": {},
    "index": FROM_INDEX,
    "intervalpage": INTERVALS,
    "intervals": INTERVALS,
    "joint": {**ESTIMATED, **BOTH},
    "knowntruth": {**CROWD, "evaluate_labels": 2, "evaluate_truth": 10, "make_truth": 1, **PAGE},
    "labelfiles": {**ESTIMATED, **BOTH},
    "labelquality": {"make_label_quality": 1, "draw_figure": 2},
    "labels": {**FROM_HARD, **SCORES, **CROWD, **BOTH, "harden_labels": 2},
    "labelstats": {"make_label_statistics": 1},
    "lifeline": {},
    "log": {},
    "mace": {**ESTIMATED, **BOTH},
    "maestro": {},
    "media": {"make_media": 6},
    "model": FROM_TRAINING,
    "opinions": {**FROM_OPINIONS, **BOTH},
    "origin": {"make_origin": 1, **PAGE},
    "pages": {**REPORTED, **COMPARED, "make_table1": 1, "make_training_curves": 1}
    | {"make_label_statistics": 1, "make_label_quality": 1, "draw_figure": 5},
    "predict": AFTER_TRAINING,
    "priors": {**REPORTED, **COMPARED, "predict_prior": 6, "evaluate_system": 2, "evaluate_truth": 2}
    | {"draw_figure": 2},
    "progress": {},
    "provenance": {},
    "quality": {**CROWD, **TRIALS, "make_reliability": 1, "draw_figure": 3},
    "records": {},
    "recurrent": FROM_TRAINING,
    "reliability": {"make_reliability": 1, "draw_figure": 1},
    "resampling": INTERVALS,
    "resultpage": PAGE,
    "resulttables": PAGE,
    "salience": {**ASKED, **BOTH},
    "scores": {**SCORES, "predict_system": 24, "predict_prior": 6},
    "segments": {**REPORTED, "evaluate_system": 8, "evaluate_truth": 10, "evaluate_labels": 2},
    "smoothing": {**ESTIMATED, **BOTH},
    "sounds": RENDERED,
    "status": {},
    "stream": {},
    "survey": {},
    "synthesis": RENDERED,
    "tables": {**REPORTED, **COMPARED, "make_table1": 1, "make_training_curves": 1}
    | {"make_label_statistics": 1, "make_label_quality": 1, "draw_figure": 5},
    "tested": SCORES,
    "textfiles": {**RENDERED, **BOTH, "make_folds": 1},
    "timeline": {},
    "thresholds": {**FROM_HARD, **SCORES, **CROWD, **BOTH, "harden_labels": 2, "make_label_statistics": 1},
    "train": FROM_TRAINING,
    "trials": TRIALS,
    "truth": {"evaluate_truth": 10, "evaluate_labels": 2, "make_truth": 1, **PAGE},
    "truthtable": {"make_truth": 1, **PAGE},
    "webpage": {"make_crowd_page": 1},
}

# Those of the same effect are edited at once, to save dry runs: each must be named.
ALIKE = [[name for name, found in MODULES.items() if found == jobs] for jobs in MODULES.values()]
ALIKE = sorted({" ".join(names) for names in ALIKE if MODULES[names[0]]})

# A change of the config -> what it reruns, and how `make status` puts it.
CHANGES = [
    (
        "report:\n  curves: [S_MSE_lin]",
        {"make_class_curves": 1, "draw_figure": 1, **PAGE},
        "config changed: ['H_BCE_sig', ",
    ),
    (
        "evaluate:\n  trim: 20",
        {**REPORTED, **INTERVALS, "evaluate_system": 8, "evaluate_truth": 10},
        "config changed: trim: 10 -> 20",
    ),
    (
        "evaluate:\n  classes: [car]",
        {**SCORES, "make_label_statistics": 1},
        "classes: ['birds_singing', ",
    ),
    ("predict:\n  pooling: max", AFTER_TRAINING, "pooling: mean -> max"),
    ("train:\n  learning_rate: 0.5", FROM_TRAINING, "learning_rate: 0.003 -> 0.5"),
    ("train:\n  model:\n    filters: 3", FROM_TRAINING, "model.filters: 2 -> 3"),
    ("features:\n  mel_bands: 32", FROM_FEATURES, "mel_bands: 64 -> 32"),
    ("folds:\n  validation: 0.4", FROM_FOLDS, "validation: 0.25 -> 0.4"),
    # Only the system trained on hard labels is trained again.
    (
        "labels:\n  threshold: 0.4",
        {**FROM_HARD, **ONE_SYSTEM, **CROWD, **BOTH, "harden_labels": 1, "evaluate_labels": 1, "measure_crowd_size": 1},
        "config changed: 0.5 -> 0.4",
    ),
    # Labels by another method, and a system trained on them, leave everything else alone.
    (
        "labels:\n  compare: [majority]",
        {**CROWD, "aggregate_opinions": 1, "harden_labels": 1, "evaluate_labels": 1, "make_truth": 1}
        | {"measure_crowd_size": 1, **PAGE},
        "not made yet",
    ),
    (
        "labels:\n  joint:\n    threshold: 0.4",
        {**ONE_SYSTEM, **CROWD, **TRIALS, "harden_labels": 1, "evaluate_labels": 1}
        | {"measure_crowd_size": 1, "draw_figure": 3},
        "config changed: 'expected_f1' -> 0.4",
    ),
    ("labels:\n  draws: 1", CROWD, "config changed: 2 -> 1"),
    ("trials:\n  duration_s: 50", TRIALS, "duration_s: 40 -> 50"),
    ("data:\n  demo:\n    crowd:\n      lapse: 0.1", {**ASKED, **BOTH}, "lapse: 0.08 -> 0.1"),
    ("data:\n  demo:\n    level:\n      background_dbfs: -50", RENDERED, "background_dbfs: -42 -> -50"),
    ("systems:\n  other:\n    {labels: soft, loss: bce, output: sigmoid, method: joint}", ONE_SYSTEM, "not made yet"),
    (
        "runs: 3",
        {**REPORTED, **COMPARED, "train_system": 12, "predict_system": 12, "evaluate_system": 3, "evaluate_truth": 4}
        | {"make_training_curves": 1, "draw_figure": 3},
        "not made yet",
    ),
    (
        "seed: 1",
        {**RENDERED, **BOTH, "make_folds": 1},
        "config changed: ",
    ),
    ("folds:\n  official:\n    address: https://mirror.example", {}, "nothing to do"),
]

# Text added to the end of a file -> what it reruns.
FILES = {
    "results/tiny/data/audio/city_center_00.wav": {**FROM_INDEX, "extract_features": 1, "make_media": 1},
    "results/tiny/data/truth/city_center_00.tsv": {**ASKED, "evaluate_truth": 10, "evaluate_labels": 2},
    "results/tiny/data/opinions.tsv": FROM_OPINIONS,
    "results/tiny/labels/joint/soft.tsv": {**ONE_SYSTEM, **CROWD, "harden_labels": 1, "evaluate_labels": 1}
    | {"measure_crowd_size": 1},
    "results/tiny/features/city_center_00.npz": {**FROM_INDEX, "make_media": 1},
    "results/tiny/folds/fold1.tsv": {**SCORES, "train_system": 8, "predict_system": 8, "predict_prior": 2}
    | {"make_training_curves": 1, "draw_figure": 3},
    "results/tiny/models/S_MSE_lin/run1/fold1.pt": {**REPORTED, **COMPARED, "predict_system": 1}
    | {"evaluate_system": 1, "evaluate_truth": 1, "draw_figure": 2},
    "workflow/resources/paper_table1.tsv": {"make_table1": 1, "make_class_curves": 1, "draw_figure": 1, **PAGE},
    "workflow/resources/paper_recordings.tsv": {"make_table1": 1, "make_class_curves": 1, "draw_figure": 1, **PAGE},
    "workflow/resources/paper_table2.tsv": {"make_table2": 1, **PAGE},
    "workflow/softsed/report/page/assets/main.js": PAGE,
    "workflow/resources/published_labels.tsv": {"make_label_statistics": 1},
    "workflow/resources/demo_events.tsv": RENDERED,
    "workflow/resources/classes.tsv": RENDERED,
    "workflow/resources/scenes.tsv": RENDERED,
    "results/tiny/labels/eq1/hard.tsv": {
        **TABLES,
        **COMPARED,
        **ONE_SYSTEM,
        **CROWD,
        "make_table1": 1,
        "evaluate_system": 8,
    }
    | {"evaluate_labels": 1, "measure_crowd_size": 1, "draw_figure": 3},
    "results/tiny/predictions/S_MSE_lin/run1/fold1.tsv": {
        **REPORTED,
        **COMPARED,
        "evaluate_system": 1,
        "evaluate_truth": 1,
        "draw_figure": 2,
    },
    "results/tiny/metrics/S_MSE_lin/run1.json": {**TABLES, "make_origin": 1},
    "workflow/resources/demo_backgrounds.tsv": RENDERED,
}


def mostly_slow(cases, quick):
    """All cases, of which those that are not named take part in CI alone: a dry run each, of some seconds."""
    cases = [case if isinstance(case, tuple) else (case,) for case in cases]
    return [pytest.param(*case, marks=[] if case[0] in quick else pytest.mark.slow) for case in cases]


@pytest.fixture(scope="module")
def edited(finished, tmp_path_factory):
    """A copy of the finished project, in whose files `edit` may be used."""
    return Path(shutil.copytree(finished, tmp_path_factory.mktemp("reruns") / "project"))


def with_origin(expected):
    """Add the file on where results come from, in the page too: it has hashes of data, models, metrics and tables."""
    makers = {"harden_labels", "aggregate_opinions", "write_manifest", "make_folds", "train_system", "evaluate_system"}
    makers |= {
        "evaluate_truth",
        "make_table1",
        "make_table2",
        "make_intervals",
        "make_reliability",
        "make_class_curves",
    }
    makers |= {"make_training_curves", "make_label_statistics", "make_truth", "make_label_quality"}
    return {**expected, "make_origin": 1, **PAGE} if makers & set(expected) else expected


@contextmanager
def edit(path, text):
    """Add text to a file and take it away again, with the old time stamp: a dry run changes nothing else."""
    before, times = path.read_bytes(), path.stat()
    path.write_bytes(before + text.encode())
    try:
        yield
    finally:
        path.write_bytes(before)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


@contextmanager
def edit_modules(folder, modules):
    with ExitStack() as edits:
        for module in modules:
            edits.enter_context(
                edit(folder / "workflow" / "softsed" / f"{module.replace('.', '/')}.py", "\nEDITED = True\n")
            )
        yield


def check_nothing(folder, *arguments, configuration=TINY):
    shown = snakemake(folder, "--dry-run", *arguments, configuration=configuration)
    assert "Nothing to be done" in shown
    assert "provenance" not in shown


def test_every_module_and_every_section_is_edited_below():
    assert set(MODULES) == {path.stem for path in (ROOT / "workflow/softsed").glob("*.py")}
    sections = set(yaml.safe_load((ROOT / "config.yaml").read_text()))
    sections |= set(yaml.safe_load((ROOT / "workflow/demo.yaml").read_text()))
    changed = {name for change, *_ in CHANGES for name in yaml.safe_load(change)}
    # The tables are edited as files below; audio, labels, opinions and truth of one's own make another experiment.
    own = {"audio", "soft", "hard", "opinions", "truth"}
    assert sections - changed == {"experiment", "recordings", "classes", "scenes", *own}


@pytest.mark.parametrize("modules", mostly_slow(ALIKE, ["audiofiles features", "labels", "pages tables", "truthtable"]))
def test_edited_modules_rerun_their_users_and_are_named(edited, modules):
    modules = modules.split()
    with edit_modules(edited, modules):
        shown = snakemake(edited, "--dry-run")
    assert rules(shown) == with_origin(MODULES[modules[0]])
    named = set(re.findall(r"softsed/(\w+)\.py@", shown))  # in the parameters that changed, no others are shown
    assert named == set(modules)
    assert "code changed: " in describe(shown)
    assert all(f"softsed/{name}.py" in describe(shown) for name in modules)


def test_modules_that_reach_no_result_rerun_nothing(edited):
    with edit_modules(edited, [name for name, jobs in MODULES.items() if not jobs]):
        check_nothing(edited)


@pytest.mark.parametrize(
    ("change", "expected", "reason"),
    mostly_slow(CHANGES, ["evaluate:\n  trim: 20", "runs: 3", "labels:\n  threshold: 0.4"]),
)
def test_an_edited_section_reruns_its_users_and_is_named(edited, change, expected, reason):
    (edited / "change.yaml").write_text(change)
    shown = snakemake(edited, "--dry-run", configuration=[*TINY, "change.yaml"])
    assert rules(shown) == with_origin(expected)
    assert reason in describe(shown)


@pytest.mark.parametrize(
    "name",
    mostly_slow(sorted(FILES), ["results/tiny/data/opinions.tsv", "results/tiny/models/S_MSE_lin/run1/fold1.pt"]),
)
def test_an_edited_file_reruns_its_users_and_is_named(edited, name):
    with edit(edited / name, "\n"):
        shown = snakemake(edited, "--dry-run")
    assert rules(shown) == with_origin(FILES[name])
    assert re.search(rf"Reason: Updated input files: .*{re.escape(name)}", shown)
    assert f"changed: {name}" in describe(shown)


def test_an_added_recording_is_the_only_one_rendered_and_transformed(edited):
    """Labels are made from all opinions together and folds deal all recordings, so what comes after them is new."""
    expected = {**RENDERED, "render_recording": 1, "extract_features": 1, "make_media": 1, "make_folds": 1}
    with edit(edited / "tests/workflow/tiny.tsv", "city_center_03\tcity_center\t20.0\n"):
        shown = snakemake(edited, "--dry-run")
        assert rules(shown) == with_origin(expected)
        assert "results/tiny/data/audio/city_center_03.wav" in shown


def test_a_recording_listed_before_others_changes_those_of_its_scene(edited):
    """The demo deals the events of a class along the recordings of a scene, in the order of the table."""
    path = edited / "tests/workflow/tiny.tsv"
    before, times = path.read_text(), path.stat()
    path.write_text(before.replace("city_center_00\tcity_center\t20.0", "city_center_00\tcity_center\t20.5"))
    try:
        assert planned(edited)["render_recording"] == 3
    finally:
        path.write_text(before)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def test_device_threads_and_memory_compute_nothing(edited):
    check_nothing(
        edited, "--set-resources", "train_system:device=cpu", "train_system:mem_mb=9999", "train_system:checkpoint_s=9"
    )
    check_nothing(edited, "--set-threads", "train_system=2")


def test_touching_everything_reruns_nothing(project):
    for path in [*project.glob("workflow/**/*"), *project.glob("results/**/*"), project / "config.yaml"]:
        if path.is_file():
            path.touch()
    check_nothing(project)


def git(folder, *arguments):
    command = ["git", "-c", "user.name=someone", "-c", "user.email=someone@example.org", *arguments]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


def test_a_clone_and_switched_branches_rerun_nothing(project, tmp_path):
    git(project, "init", "--initial-branch=main")
    git(project, "add", ".")
    git(project, "commit", "--message=as it was")
    git(project, "switch", "--create=other")
    module = project / "workflow/softsed/report/ground_truth.py"
    module.write_text(module.read_text() + "EDITED = True\n")
    (project / "config.yaml").write_text((project / "config.yaml").read_text().replace("trim: 10 ", "trim: 20 "))
    git(project, "commit", "--all", "--message=another experiment")
    expected = {**REPORTED, **INTERVALS, "evaluate_system": 8, "evaluate_truth": 10}
    assert planned(project) == with_origin(expected)
    git(project, "switch", "main")
    check_nothing(project)
    # A clone has all files anew; results and Snakemake's records are brought along.
    git(tmp_path, "clone", str(project), "clone")
    shutil.copytree(project / "results", tmp_path / "clone/results", copy_function=shutil.copyfile, dirs_exist_ok=True)
    shutil.copytree(project / ".snakemake/metadata", tmp_path / "clone/.snakemake/metadata")
    check_nothing(tmp_path / "clone")
    git(tmp_path / "clone", "switch", "other")
    assert planned(tmp_path / "clone") == with_origin(expected)


def test_make_status_tells_what_would_run_and_why(edited):
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("MAKE", "MFLAGS"))}
    venv = Path(shutil.which("snakemake")).parents[1]
    (venv / "workflow").touch()  # the environment is complete
    configuration = "CONFIG=" + " ".join(TINY[1:])

    def status():
        command = ["make", "status", f"VENV={venv}", configuration]
        done = subprocess.run(command, cwd=edited, env=environment, check=True, capture_output=True, text=True)
        return done.stdout

    assert "nothing to do: all results are up to date" in status()
    with edit(edited / "workflow/softsed/report/ground_truth.py", "EDITED = True\n"):
        shown = status()
    assert "3 jobs would run" in shown
    assert "make_truth" in shown
    assert "code changed: softsed/report/ground_truth.py" in shown
    configuration = "CONFIG=not_there.yaml"
    with pytest.raises(subprocess.CalledProcessError) as failed:
        status()
    assert "No such file or directory: 'not_there.yaml'" in failed.value.stderr
