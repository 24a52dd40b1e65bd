"""Only invalidated steps run again: an edit reruns exactly its users and is named; other changes rerun no job.

What an edit reruns is computed from the jobs of a finished run: the import closure of the step that a job runs, the
files that it reads, and the files that it makes. A dry run after the edit must agree. A dry run takes seconds, so that
edits which do not hide each other share one. Cases written by hand are the oracle of what is computed.
"""

import ast
import os
import re
import shutil
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import yaml
from support import generated_docs
from support.jobs import Jobs, reasons
from support.project import ROOT, TINY, environment, planned, snakemake
from support.run import git, run

from softsed.tools.status import describe, rules

PACKAGE = ROOT / "workflow/softsed"
EDIT = "\nEDITED = True\n"
PAGE = {"build_page": 1}
REPORTED = {
    "make_table2": 1,
    "make_class_curves": 1,
    "make_ground_truth_table": 1,
    "make_intervals": 1,
    "make_reliability": 1,
}
REPORTED |= {"make_origin": 1, "render_document": 3, **PAGE}  # table2, scores and truth
AFTER_TRAINING = {**REPORTED, "predict_system": 24, "evaluate_system": 6, "evaluate_ground_truth": 8, "draw_figure": 2}
CURVES = {"make_training_curves": 1, "make_convergence_table": 1}
FROM_TRAINING = {**AFTER_TRAINING, "train_system": 24, **CURVES, "draw_figure": 3, "render_document": 4}
ONE_SYSTEM = {
    "train_system": 6,
    "predict_system": 6,
    "evaluate_ground_truth": 2,
    "make_ground_truth_table": 1,
    "make_intervals": 1,
}
ONE_SYSTEM |= {**CURVES, "draw_figure": 1, "make_origin": 1, "render_document": 3, **PAGE}

# By hand: a module, or a file, and what its edit reruns.
MODULES = {
    "tools.status": {},
    "core.errors": {},
    "train.system": FROM_TRAINING,
    "predict.system": AFTER_TRAINING,
    "labels.agreement": {"measure_agreement": 1, "make_crowd_page": 1},
    "labels.questions": {"ask_questions": 1, "make_crowd_page": 1},
    "report.jackknife": {"make_intervals": 1, "make_origin": 1, "render_document": 1, **PAGE},
    "report.figures": {"draw_figure": 5},
    "report.page.media": {"make_media": 6},
}
FILES = {
    "results/tiny/data/opinions.tsv": {"aggregate_opinions": 2, "measure_agreement": 1, "measure_crowd_size": 2}
    | {
        "collect_crowd_sizes": 1,
        "ask_questions": 1,
        "make_crowd_page": 1,
        "harden_labels": 2,
        "make_label_statistics": 1,
        "make_table1": 1,
    }
    | {
        "evaluate_ground_truth_labels": 2,
        "predict_prior": 6,
        **FROM_TRAINING,
        "render_document": 6,
        "evaluate_system": 8,
        "evaluate_ground_truth": 10,
    },
    "results/tiny/models/S_MSE_lin/run1/fold1.pt": {**REPORTED, "predict_system": 1, "evaluate_system": 1}
    | {"evaluate_ground_truth": 1, "draw_figure": 2},
    "workflow/resources/paper_table2.tsv": {"make_table2": 1, "make_origin": 1, "render_document": 1, **PAGE},
    "workflow/softsed/report/page/assets/main.js": PAGE,
}

# A change of the config, patterns of the jobs whose parameters change by it, and a part of the reason for each of them.
CHANGES = [
    ("report:\n  curves: [S_MSE_lin]", ["make_class_curves"], r"now: \['S_MSE_lin'\]"),
    ("evaluate:\n  trim: 20", ["evaluate_(system|ground_truth)/.*", "make_intervals"], '"trim": 20'),
    (
        "evaluate:\n  classes: [car]",
        ["evaluate_(system|ground_truth|ground_truth_labels)/.*", "make_(intervals|reliability|label_statistics)"],
        r'now: .*\["car"\]',
    ),
    ("predict:\n  pooling: max", ["predict_system/.*"], '"pooling": "max"'),
    ("train:\n  learning_rate: 0.5", ["train_system/.*"], '"learning_rate": 0.5'),
    ("systems:\n  S_MSE_lin:\n    augment: {mixup: 0.3}", ["train_system/S_MSE_lin.*"], '"mixup": 0.3'),
    ("train:\n  model:\n    filters: 3", ["train_system/.*"], '"filters": 3'),
    ("features:\n  mel_bands: 32", ["make_filterbank", "train_system/.*"], '"mel_bands": 32'),
    ("folds:\n  validation: 0.4", ["make_folds"], '"validation": 0.4'),
    ("labels:\n  threshold: 0.41", ["(harden_labels|measure_crowd_size)/eq1", "run_trials/.*"], "now: .*0.41"),
    (
        "labels:\n  joint:\n    threshold: 0.42",
        ["(harden_labels|measure_crowd_size)/joint", "run_trials/.*"],
        "now: .*0.42",
    ),
    (
        "unticked: zero",
        ["(aggregate_opinions|measure_crowd_size)/.*", "measure_agreement", "ask_questions", "make_crowd_page"],
        "now: .*zero",
    ),
    ("labels:\n  draws: 77", ["measure_crowd_size/.*"], "now: .*77"),
    ("trials:\n  duration_s: 50", ["run_trials/.*"], '"duration_s": 50'),
    ("data:\n  demo:\n    crowd:\n      lapse: 0.1", ["simulate_annotators", "run_trials/.*"], '"lapse": 0.1'),
    ("data:\n  demo:\n    level:\n      background_dbfs: -50", ["render_recording/.*"], '"background_dbfs": -50'),
    (
        "seed: 1",
        ["render_recording/.*", "simulate_annotators", "run_trials/.*", "make_folds", "train_system/.*"],
        r"now: .*\d{6}",
    ),
]
# A change of the config that asks for more jobs, and the jobs of a dry run.
MORE = [
    (
        "labels:\n  compare: [majority]",
        {
            "aggregate_opinions": 1,
            "harden_labels": 1,
            "evaluate_ground_truth_labels": 1,
            "measure_crowd_size": 1,
            "make_ground_truth_table": 1,
        }
        | {"collect_crowd_sizes": 1, "make_crowd_page": 1, "make_origin": 1, "render_document": 1, **PAGE},
    ),
    ("systems:\n  other:\n    {labels: soft, loss: bce, output: sigmoid, method: joint}", ONE_SYSTEM),
    (
        "systems:\n  other:\n    {labels: opinions, loss: crowd, output: sigmoid, method: joint}",
        {**{rule: jobs for rule, jobs in ONE_SYSTEM.items() if rule != "train_system"}, "train_on_opinions": 6}
        | {"estimate_annotators": 3},
    ),
    (
        "systems:\n  other:\n    {labels: soft, loss: focal, output: sigmoid, weight: opinions, method: joint}",
        {**ONE_SYSTEM, "count_opinions": 1},
    ),
    (
        "runs: 3",
        {**REPORTED, "train_system": 12, "predict_system": 12, "evaluate_system": 3, "evaluate_ground_truth": 4}
        | {**CURVES, "draw_figure": 3, "render_document": 4},
    ),
]


def module_names() -> list[str]:
    """List every module of the package, such as "core.tsv"."""
    paths = (path.relative_to(PACKAGE).with_suffix("") for path in PACKAGE.rglob("*.py"))
    return sorted(".".join(path.parts) for path in paths if path.name != "__init__")


def module_path(folder: Path, module: str) -> Path:
    return folder / "workflow/softsed" / f"{module.replace('.', '/')}.py"


@pytest.fixture(scope="module")
def jobs(finished):
    return Jobs.of(finished)


@pytest.fixture(scope="module")
def edited(finished, tmp_path_factory):
    """A copy of the finished project in whose files `edit` may be used."""
    return Path(shutil.copytree(finished, tmp_path_factory.mktemp("reruns") / "project"))


@contextmanager
def edit(*paths, text=EDIT, change=None):
    """Change files, by default by text added to the end, and restore them with their time stamps."""
    with ExitStack() as edits:
        for path in paths:
            before, times = path.read_bytes(), path.stat()
            edits.callback(os.utime, path, ns=(times.st_atime_ns, times.st_mtime_ns))
            edits.callback(path.write_bytes, before)
            path.write_bytes(change(before) if change else before + text.encode())
        yield


def dry_run(folder, *arguments, configuration=TINY):
    return snakemake(folder, "--dry-run", *arguments, configuration=configuration)


def check_nothing(folder, *arguments, configuration=TINY):
    shown = dry_run(folder, *arguments, configuration=configuration)
    assert "Nothing to be done" in shown
    assert "provenance" not in shown


def check_round(jobs, shown, causes, named):
    """Compare a dry run with the causes of a round: which jobs run, and what is the reason of the first ones.

    Parameters
    ----------
    causes : dict of str to set of str
        Change -> the jobs that it affects directly.
    named : callable
        From a reason to the causes that it names.
    """
    direct = set().union(*causes.values())
    hidden = jobs.after(direct)
    found = reasons(shown)
    assert found.keys() == direct | hidden
    assert rules(shown) == jobs.count(direct | hidden)
    expected = {job: {cause for cause, of in causes.items() if job in of} for job in direct - hidden}
    assert {job: named(found[job]) for job in expected} == expected


def test_parameters_are_the_closure_of_the_step(jobs):
    """Each job names all modules that its step imports, and no other: an edit of one of them reruns the job."""
    for job in jobs.values():
        assert job.modules == {module for module in module_names() if job.name in jobs.running(module)}, job.name


@pytest.mark.parametrize("module", MODULES)
def test_computed_jobs_of_a_module_by_hand(jobs, module):
    direct = jobs.running(module)
    assert jobs.count(direct | jobs.after(direct)) == MODULES[module]


@pytest.mark.parametrize("name", FILES)
def test_computed_jobs_of_a_file_by_hand(jobs, name):
    direct = jobs.reading(name)
    assert jobs.count(direct | jobs.after(direct)) == FILES[name]


def named_modules(reason):
    return {name.replace("/", ".") for name in re.findall(r"softsed/([\w/]+)\.py@", reason)}


@pytest.mark.parametrize("part", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_edited_modules_rerun_their_users(edited, jobs, part):
    """Every module of the package is edited in one of the dry runs; the first part is one of them."""
    causes = {module: jobs.running(module) for module in module_names()}
    unused = [module for module, found in causes.items() if not found]
    for number, together in enumerate(jobs.rounds({module: found for module, found in causes.items() if found})):
        if (number > 0) == part:
            with edit(*(module_path(edited, module) for module in [*together, *unused])):
                shown = dry_run(edited)
            check_round(jobs, shown, together, named_modules)
            assert "code changed: softsed/" in describe(shown)


@pytest.mark.parametrize("part", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_edited_files_rerun_their_readers(edited, jobs, part):
    """Every file that a job reads, templates and parts of pages among them, is edited in one of the dry runs."""
    causes = {path: jobs.reading(path) for job in jobs.values() for path in job.inputs}
    # Each recording is rendered from the rows of its scene, which are a parameter: the table as a whole is ancient().
    causes["tests/workflow/tiny.tsv"] -= jobs.named("render_recording/.*")
    for number, together in enumerate(jobs.rounds(causes)):
        if (number > 0) == part:
            with edit(*(edited / path for path in together), text="\n"):
                shown = dry_run(edited)
            check_round(jobs, shown, together, lambda reason: set(reason.split("Updated input files: ")[1].split(", ")))
            assert f"changed: {sorted(together)[0]}" in describe(shown) or len(together) > 1


def test_every_template_is_read_by_a_job(jobs):
    """Templates and parts of pages are inputs; a template that another one includes counts as well."""
    read = {path for job in jobs.values() for path in job.inputs}
    found = {path for path in PACKAGE.rglob("*") if path.suffix in (".j2", ".html", ".css", ".js")}
    assert found
    apart = {"without_audio.md.j2"}  # of `snakemake baselines`, which the whole workflow does not contain
    assert {str(path.relative_to(ROOT)) for path in found if path.name not in apart} - read == set()


@pytest.mark.slow
def test_edited_sections_rerun_their_users(edited, jobs):
    causes = {change: jobs.named(*patterns) for change, patterns, _ in CHANGES}
    texts = {change: text for change, _, text in CHANGES}
    for together in jobs.rounds(causes):
        files = []
        for number, change in enumerate(together):
            (edited / f"change{number}.yaml").write_text(change)
            files.append(f"change{number}.yaml")
        shown = dry_run(edited, configuration=[*TINY, *files])
        check_round(jobs, shown, together, lambda reason, of=together: {c for c in of if re.search(texts[c], reason)})


@pytest.mark.parametrize(
    ("change", "expected"), [pytest.param(*case, marks=[] if case is MORE[-1] else pytest.mark.slow) for case in MORE]
)
def test_more_jobs_are_planned_alone(edited, change, expected):
    (edited / "change.yaml").write_text(change)
    shown = dry_run(edited, configuration=[*TINY, "change.yaml"])
    assert rules(shown) == expected
    assert "not made yet" in describe(shown)


def test_every_section_is_edited():
    sections = set(yaml.safe_load((ROOT / "config.yaml").read_text()))
    for name in ("demo", "study"):
        sections |= set(yaml.safe_load((ROOT / f"workflow/{name}.yaml").read_text()))
    changed = {name for change, *_ in [*CHANGES, *MORE] for name in yaml.safe_load(change)}
    # Tables are files; user-provided audio, labels, opinions and ground truth make another experiment.
    own = {"audio", "soft", "hard", "opinions", "truth"}
    assert sections - changed == {"experiment", "recordings", "classes", "scenes", *own}


def add_comment_and_reword(code: bytes) -> bytes:
    """Add a comment to a module and a word to each of its docstrings."""
    lines = code.split(b"\n")
    nodes = [node for node in ast.walk(ast.parse(code)) if hasattr(node, "body") and ast_docstring(node)]
    for node in sorted(nodes, key=lambda node: -node.body[0].lineno):
        row = node.body[0].lineno - 1
        lines[row] = lines[row].replace(b'"""', b'"""Reworded. ', 1)
    return b"\n".join(lines) + b"\n# A comment.\n"


def ast_docstring(node) -> bool:
    documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    return isinstance(node, documented) and bool(ast.get_docstring(node))


def test_comments_and_docstrings_rerun_nothing(edited):
    """All modules at once: each gets a comment and changed docstrings."""
    paths = [module_path(edited, module) for module in module_names()]
    with edit(*paths, change=add_comment_and_reword):
        assert sum(path.read_bytes() != (PACKAGE.parents[1] / path.relative_to(edited)).read_bytes() for path in paths)
        check_nothing(edited)


@pytest.mark.slow
def test_only_an_added_recording_is_rendered(edited, jobs):
    """Labels depend on all opinions, and folds on all recordings: the jobs that depend on them run as well."""
    every = {**jobs.count(jobs), "render_recording": 1, "extract_features": 1, "make_media": 1}
    every["render_document"] -= 1  # that of the trials
    with edit(edited / "tests/workflow/tiny.tsv", text="city_center_03\tcity_center\t20.0\n"):
        shown = dry_run(edited)
    apart = {"make_filterbank", "run_trials", "make_label_quality"}
    found = rules(shown)
    assert found.pop("draw_figure") == 3  # not those of the trials
    assert found == {rule: count for rule, count in every.items() if rule not in apart | {"draw_figure"}}
    assert "results/tiny/data/audio/city_center_03.wav" in shown


@pytest.mark.slow
def test_a_longer_recording_changes_its_scene(edited):
    """The demo deals the events of a class along the recordings of a scene, in the order of the table."""
    longer = lambda table: table.replace(b"00\tcity_center\t20.0", b"00\tcity_center\t20.5")  # noqa: E731
    with edit(edited / "tests/workflow/tiny.tsv", change=longer):
        assert planned(edited)["render_recording"] == 3


def test_device_memory_and_address_rerun_nothing(edited):
    (edited / "change.yaml").write_text("folds:\n  official:\n    address: https://mirror.example\n")
    resources = ("train_system:device=cpu", "train_system:mem_mb=9999", "train_system:checkpoint_s=9")
    configuration = [*TINY, "change.yaml"]
    check_nothing(edited, "--set-threads", "train_system=2", "--set-resources", *resources, configuration=configuration)


def test_time_stamps_clones_and_branches_rerun_nothing(project, jobs, tmp_path):
    for path in [*project.glob("workflow/**/*"), *project.glob("results/**/*"), project / "config.yaml"]:
        if path.is_file():
            path.touch()
    check_nothing(project)
    git(project, "init", "--initial-branch=main")
    git(project, "add", ".")
    git(project, "commit", "--message=as it was")
    git(project, "switch", "--create=other")
    module = module_path(project, "report.ground_truth")
    module.write_text(module.read_text() + "EDITED = True\n")
    git(project, "commit", "--all", "--message=another experiment")
    git(project, "switch", "main")
    # All files of a clone are new; results and Snakemake's records are copied into it.
    git(tmp_path, "clone", str(project), "clone")
    shutil.copytree(project / "results", tmp_path / "clone/results", copy_function=shutil.copyfile, dirs_exist_ok=True)
    shutil.copytree(project / ".snakemake/metadata", tmp_path / "clone/.snakemake/metadata")
    check_nothing(tmp_path / "clone")
    git(tmp_path / "clone", "switch", "other")
    direct = jobs.running("report.ground_truth")
    assert planned(tmp_path / "clone") == jobs.count(direct | jobs.after(direct))


@pytest.mark.slow
def test_make_status_names_jobs_and_causes(edited, jobs):
    venv = Path(shutil.which("snakemake")).parents[1]
    (venv / "workflow").touch()  # the environment is complete
    configuration, how = "CONFIG=" + " ".join(TINY[1:]), {"environment": environment()}

    def status():
        return run(edited, "make", "status", f"VENV={venv}", configuration, **how)

    assert "nothing to do: all results are up to date" in status()
    with edit(module_path(edited, "report.ground_truth")):
        shown = status()
    direct = jobs.running("report.ground_truth")
    assert f"jobs that would run: {len(direct | jobs.after(direct))}\n" in shown
    assert "make_ground_truth_table" in shown
    assert "code changed: softsed/report/ground_truth.py" in shown
    configuration, how = "CONFIG=not_there.yaml", how | {"fails": True}
    assert "No such file or directory: 'not_there.yaml'" in status()


def test_table_of_closures_is_that_of_the_code():
    text = generated_docs.RERUNS.read_text(encoding="utf-8")
    assert generated_docs.page(text, generated_docs.table()) == text, "run `make docs`"
