"""The plan of the config, of the demo, of user-provided data: without Snakemake."""

import itertools
import json
import shutil
from dataclasses import FrozenInstanceError, replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import yaml
from support.config import DEMO, OPINIONS, OWN, QUICK, SCHEMA, STUDY, merged
from support.errors import compare, refused
from support.project import ROOT
from support.tsv import SOFT, write_opinions, write_rows

from softsed.core.code_hash import content
from softsed.core.metadata import file_stem
from softsed.planning import places
from softsed.planning.config import check_config, find_mistakes
from softsed.planning.plan import Plan

PAPER = ["H_BCE_sig", "S_BCE_sig", "S_MSE_lin"]
JOINT = {"method": "joint", "target": "event", "class_weight": 200}


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Folder with the tables of the project and data of a user, as the working directory."""
    shutil.copytree(ROOT / "workflow/resources", tmp_path / "workflow/resources")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(places, "ROOT", tmp_path)
    (tmp_path / "audio").mkdir()
    for name in ("b", "a"):
        soundfile.write(tmp_path / "audio" / f"{name}.wav", np.zeros(16000), 8000)
    rows = [(name, 0, 10, who, "dog", 1) for name in ("y", "x") for who in ("Ann", "Bob")]
    write_opinions(tmp_path / "opinions.tsv", rows)
    write_opinions(tmp_path / "long.tsv", [("x", 0, 30, "Ann", "dog", 1)])
    write_rows(tmp_path / "soft.tsv", [("a", 0, 1, "dog", 0.5)], SOFT)
    return tmp_path


def plan_of(*changes, check=False):
    config = merged(*changes)
    check_config(config, SCHEMA)
    return Plan.from_config(config, check=check)


def test_plan_of_maestro_real(project):
    plan = plan_of(check=True)
    assert plan.source == "maestro_real"
    assert len(plan.recordings) == 49
    assert plan.tables["recordings"] == "workflow/resources/maestro_real.tsv"
    assert plan.folds == [1, 2, 3, 4, 5]
    assert plan.systems == plan.reference_systems == PAPER
    assert (plan.method, plan.methods, plan.from_opinions) == ("published", ["published"], False)
    assert (plan.truth, plan.truth_option, plan.trials, plan.notes) == ([], "", [], [])
    assert (plan.user.folder, plan.user.kind, plan.user.labels) == ("", "", "")
    assert plan.user.content() == []
    assert plan.curves == ["H_BCE_sig", "S_MSE_lin:h", "S_MSE_lin:s", "scene_prior:h", "scene_prior:s"]
    assert plan.audio_of("cafe_restaurant_00") == "results/maestro_real/data/audio/cafe_restaurant_00.wav"
    assert plan.scene_of("cafe_restaurant_00") == "cafe_restaurant"
    with pytest.raises(FrozenInstanceError):
        plan.source = "demo"


def test_source_does_not_depend_on_the_name(project):
    assert plan_of("workflow/dcase2023.yaml").source == "maestro_real"
    assert plan_of(DEMO, "experiment: maestro_real").source == "demo"


def test_plan_of_study(project):
    plan = plan_of(DEMO, STUDY)
    assert plan.source == "demo"
    assert plan.methods == ["eq1", "majority", "joint"]
    assert plan.systems[:3] == PAPER
    assert [plan.method_of(system) for system in plan.systems] == ["eq1"] * 11 + ["joint"] * 3
    assert plan.reference_systems == plan.systems[:11]
    assert plan.truth[0] == "results/study/data/truth/cafe_restaurant_00.tsv"
    assert plan.truth_option == "--truth=results/study/data/truth"
    assert plan.trials == list(range(1, 9))
    assert plan.opinions == "results/study/data/opinions.tsv"
    assert plan.estimator("joint") == JOINT
    assert plan.estimator("eq1")["competence"]["restarts"] == 10
    assert [plan.threshold(method) for method in plan.methods] == [0.5, 0.5, "expected_f1"]
    assert plan.trial_methods()["joint"] == {"config": JOINT, "threshold": "expected_f1"}
    assert plan.soft_labels_of("S_MSE_lin_joint") == ["results/study/labels/joint/soft.tsv"]
    assert plan.hard_labels_of("S_MSE_lin_joint") == []
    assert plan.hard_labels_of("H_BCE_sig") == plan.labels("hard") == ["results/study/labels/eq1/hard.tsv"]
    assert plan.soft_labels_of("scene_prior") == plan.labels("soft")
    assert plan.counts_of("S_BCE_sig_opinions") == ["results/study/labels/counts.tsv"]
    assert plan.counts_of("S_BCE_sig") == []
    assert plan.system_settings("S_BCE_sig_mixup")["augment"] == {"mixup": 0.2}
    assert plan.system_settings("scene_prior") == {"method": "eq1"}
    assert (plan.loss_of("scene_prior"), plan.loss_of("S_MSE_lin")) == ("none", "mse")


def test_plan_of_the_crowd_layer(project):
    """True events train a system, but are not a method of labels by a crowd."""
    plan = plan_of(DEMO, "workflow/crowd_layer.yaml")
    assert plan.results == "results/crowd_layer_5"
    assert plan.methods == ["eq1", "joint"]
    assert plan.reference_systems == ["S_BCE_sig", "S_BCE_sig_crowd"]
    assert set(plan.other_systems) == {"S_BCE_sig_joint", "S_BCE_sig_truth"}
    assert plan.trained_on("opinions") == ["S_BCE_sig_crowd"]
    assert plan.trained_on("hard", "soft") == ["S_BCE_sig", "S_BCE_sig_joint", "S_BCE_sig_truth"]
    settings = {"labels": "opinions", "loss": "crowd", "output": "sigmoid", "method": "eq1"}
    assert plan.system_settings("S_BCE_sig_crowd") == settings
    assert plan.hard_labels_of("S_BCE_sig_crowd") == []
    assert plan.soft_labels_of("S_BCE_sig_crowd") == plan.labels("soft")
    assert plan.soft_labels_of("S_BCE_sig_truth") == ["results/crowd_layer_5/labels/truth/soft.tsv"]


def test_plan_of_the_crowd_layer_with_few_opinions(project):
    plan = plan_of(DEMO, "workflow/crowd_layer.yaml", "workflow/crowd_layer_3.yaml")
    assert plan.results == "results/crowd_layer_3"
    assert plan.config["data"]["demo"]["crowd"]["opinions_per_window"] == 3
    assert "S_BCE_sig_truth" not in plan.systems


def test_plan_of_user_audio(project):
    plan = plan_of(OWN, "{audio: audio, soft: soft.tsv}")
    assert plan.source == "own"
    assert plan.recordings == {"a": "a", "b": "b"}
    assert plan.audio_of("b") == "audio/b.wav"
    assert (plan.method, plan.user.kind, plan.from_opinions) == ("given", "soft", False)
    assert plan.tables["recordings"] == plan.config["recordings"] == "results/own/data/recordings.tsv"
    assert plan.user.options() == "--audio=audio --soft=soft.tsv"
    assert [text.split("@")[0] for text in plan.user.content()] == ["soft.tsv"]
    with refused(file="audio", problem="'c'"):
        plan.audio_of("c")
    with refused(golden=False) as caught:
        plan_of(OWN, "{audio: audio, soft: soft.tsv}\n", check=True)
    assert any(error.file == Path("soft.tsv") and "'b'" in error.problem for error in caught.value.problems)


TRIALS = yaml.safe_dump(
    {"data": {"demo": {"crowd": merged(DEMO)["data"]["demo"]["crowd"]}}, "trials": merged(DEMO, STUDY)["trials"]}
)


@pytest.mark.parametrize(
    ("changes", "source", "labels"),
    [
        ([], "maestro_real", False),
        ([OWN, "{audio: audio, soft: soft.tsv}\n"], "own", False),
        ([OWN, "{audio: audio, opinions: opinions.tsv}\n"], "own", True),
        ([OPINIONS, "opinions: opinions.tsv\n"], "opinions", True),
        ([DEMO], "demo", True),
    ],
)
def test_trials_leave_the_source_unchanged(project, changes, source, labels):
    plan, without = plan_of(*changes, TRIALS), plan_of(*changes)
    assert (plan.source, plan.from_opinions) == (without.source, without.from_opinions) == (source, labels)
    assert plan.trials == list(range(1, 9))
    assert (plan.recordings, plan.truth, plan.methods) == (without.recordings, without.truth, without.methods)


def test_long_windows_of_the_crowd_concern_trials_only(project):
    long = "{data: {demo: {crowd: {window_s: 20}}}, trials: {methods: [eq1]}}\n"
    own = [OPINIONS, "{opinions: opinions.tsv, labels: {method: joint}}\n"]
    assert plan_of(*own, TRIALS, long).methods == ["joint", "majority"]
    with refused(key="trials.methods", problem=["joint", "20"]):
        plan_of(*own, TRIALS, long, "trials: {methods: [joint]}\n")


EVENTS = "{data: {demo: {events: e.tsv, backgrounds: b.tsv, level: {background_dbfs: -42, background_std_db: 2}}}}\n"


@pytest.mark.parametrize(
    ("changes", "key", "problem"),
    [
        ([TRIALS, EVENTS], "recordings", ["data.demo.events", "MAESTRO Real"]),
        ([TRIALS, OWN, "{audio: audio, soft: soft.tsv}\n", EVENTS], "audio", ["audio=audio", "demo"]),
        ([TRIALS, OPINIONS, "opinions: opinions.tsv\n", EVENTS], "opinions", ["opinions=opinions.tsv", "demo"]),
        (["trials: {}\n"], "data", "the section has no demo"),
        (["data: {demo: {}}\n"], "data.demo", "the section has no crowd"),
        ([TRIALS, "data: {demo: {level: {background_dbfs: 0}}}\n"], "data.demo", "no events or backgrounds"),
    ],
)
def test_unclear_demo_is_refused(project, changes, key, problem):
    config = merged(*changes)
    texts = [problem] if isinstance(problem, str) else problem
    found = [
        one for one in find_mistakes(config, SCHEMA) if one.key == key and all(text in one.problem for text in texts)
    ]
    assert len(found) == 1
    assert "crowd" in found[0].remedy  # what to do for trials
    compare(str(found[0]))


BAD_NAMES = ["-rf{x}", "<touch x>"]


@pytest.fixture
def bad_dataset(project):
    """Audio with two names that cannot be used, and a label row with a value that cannot be used."""
    for old, new in zip("ab", BAD_NAMES, strict=True):
        (project / "audio" / f"{old}.wav").rename(project / "audio" / f"{new}.wav")
    rows = "".join(f"{name}\t0\t1\tdog\t{value}\n" for name, value in zip(BAD_NAMES, ("0.5", "loud"), strict=True))
    (project / "soft.tsv").write_text("recording\tonset\toffset\tlabel\tvalue\n" + rows)


def test_user_audio_problems_are_reported_at_once(bad_dataset):
    with refused(golden=False) as caught:
        plan_of(OWN, "{audio: audio, soft: soft.tsv}\n", check=True)
    problems = list(caught.value.problems)
    named = {str(error.file): error.remedy for error in problems if str(error.file).startswith("audio")}
    assert named == {f"audio/{name}.wav": "Rename the file" for name in BAD_NAMES}
    assert [error.line for error in problems if error.file == Path("soft.tsv") and "'loud'" in error.problem] == [3]


def test_names_of_user_audio_get_stems(project):
    """Jobs are named by the stem of a recording's files, and steps get its name."""
    names = {"a": "Mu\u0308ller (2)", "b": "-x"}
    for old, new in names.items():
        (project / f"audio/{old}.wav").rename(project / f"audio/{new}.wav")
    plan = plan_of(OWN, "{audio: audio, soft: soft.tsv}\n")
    assert plan.recordings == {file_stem("-x"): "-x", file_stem("Müller (2)"): "Müller (2)"}
    assert plan.audio_of(file_stem("-x")) == "audio/-x.wav"
    assert plan.audio_of(file_stem("Müller (2)")) == "audio/Mu\u0308ller (2).wav"
    with refused(file="audio", problem="'-x'"):
        plan.audio_of("-x")


def test_plan_of_user_opinions(project):
    plan = plan_of(OPINIONS, "opinions: opinions.tsv")
    assert plan.source == "opinions"
    assert plan.recordings == {"x": "x", "y": "y"}
    assert plan.methods == ["eq1", "majority", "joint"]
    assert plan.opinions == "opinions.tsv"
    assert plan.tables["scenes"] == "results/crowd/data/scenes.tsv"
    before = plan.user.content()
    write_opinions(project / "opinions.tsv", [("x", 0, 10, "Ann", "dog", 1)])
    content.cache_clear()
    assert plan.user.content() != before


def test_long_windows_leave_joint_out(project):
    plan = plan_of(OPINIONS, "opinions: long.tsv")
    assert plan.methods == ["eq1", "majority"]
    reason = "long.tsv has windows of more than 12 s, which only `labels.joint.target: people` accepts"
    assert plan.notes == [f"joint is left out of labels.compare: {reason}"]
    plan = plan_of(OPINIONS, "{opinions: long.tsv, labels: {method: joint, compare: [joint]}}")
    assert plan.methods == ["joint"]


def test_null_system_leaves_its_curves_out(project):
    plan = plan_of("systems: {S_MSE_lin: null}")
    assert plan.systems == ["H_BCE_sig", "S_BCE_sig"]
    assert plan.curves == ["H_BCE_sig", "scene_prior:h", "scene_prior:s"]
    assert len(plan.notes) == 1
    assert "S_MSE_lin:h, S_MSE_lin:s left out of report.curves" in plan.notes[0]


def test_null_curves_are_replaced_by_other_systems(project):
    plan = plan_of("{systems: {S_MSE_lin: null}, report: {curves: ['S_MSE_lin:s']}}\n")
    assert plan.curves == ["H_BCE_sig:h", "S_BCE_sig:h", "scene_prior:h"]
    assert ["S_MSE_lin:s left out" in plan.notes[0], ", ".join(plan.curves) in plan.notes[1]] == [True, True]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("report: {curves: [nothing]}", "'nothing'"),
        ("report: {curves: [S_MSE_lin, H_BCE_sig_joint:s]}", "'H_BCE_sig_joint:s'"),
    ],
)
def test_curve_without_compared_system_is_refused(project, change, problem):
    with refused(key="report.curves", problem=problem):
        plan_of(DEMO, STUDY, change)


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        (["truth: nowhere"], {"key": "truth", "problem": "'nowhere'"}),
        ([OPINIONS, "opinions: nowhere.tsv"], {"key": "opinions", "problem": "'nowhere.tsv'"}),
        (["recordings: nowhere.tsv"], {"key": "recordings", "problem": "'nowhere.tsv'"}),
        ([OWN, "{audio: x, hard: audio}"], {"key": "audio", "problem": "'x'"}),
    ],
)
def test_missing_file_is_refused(project, changes, parts):
    with refused(**parts, golden=False):  # the messages name the working directory
        plan_of(*changes, check=True)


def test_listed_recordings_get_stems(project):
    (project / "mine.tsv").write_text("recording\tscene\tduration_s\na b\tcity_center\t60\nc\tcity_center\t60\n")
    plan = plan_of(DEMO, "recordings: mine.tsv")
    stem = file_stem("a b")
    assert plan.recordings == {stem: "a b", "c": "c"}
    assert plan.scene_of(stem) == "city_center"
    assert plan.audio_of(stem) == f"{plan.results}/data/audio/{stem}.wav"
    assert plan.truth[0] == f"{plan.results}/data/truth/{stem}.tsv"
    assert plan.listed_until(stem) != plan.listed_until("c")


def test_name_that_is_no_file_name_is_refused(project):
    (project / "mine.tsv").write_text("recording\tscene\tduration_s\na\x7fb\tcity_center\t60\n")
    with refused(file="mine.tsv", line=2, problem="'a\\x7fb'"):
        plan_of("recordings: mine.tsv", check=True)


def test_truth_of_the_user(project):
    (project / "my truth").mkdir()
    plan = plan_of(OPINIONS, "{opinions: opinions.tsv, truth: my truth}")
    assert plan.truth == ["my truth/x.txt", "my truth/y.txt"]
    assert plan.truth_option == "--truth='my truth'"


def test_truth_of_the_user_has_the_names_of_the_user(project):
    """Also in the Unicode form of macOS; a file that Snakemake would read as a pattern is refused."""
    names = ["Tür 1", "Zu\u0308g", "{x}"]
    write_opinions(project / "odd.tsv", [(name, 0, 10, who, "dog", 1) for name in names[:2] for who in ("Ann", "Bob")])
    (project / "my truth").mkdir()
    for name in ("Tu\u0308r 1", "Zu\u0308g"):
        (project / f"my truth/{name}.txt").touch()
    plan = plan_of(OPINIONS, "{opinions: odd.tsv, truth: my truth}")
    assert plan.truth == ["my truth/Tu\u0308r 1.txt", "my truth/Zu\u0308g.txt"]
    write_opinions(project / "odd.tsv", [("{x}", 0, 10, who, "dog", 1) for who in ("Ann", "Bob")])
    with refused(key="truth", problem="{x}.txt"):
        plan_of(OPINIONS, "{opinions: odd.tsv, truth: my truth}")


def test_per_run_orders_systems_folds_runs(project):
    plan = plan_of("{runs: 2, folds: {source: generated, number: 2}}")
    found = plan.per_run("{system}/{run}/{fold}", ["S_MSE_lin", "scene_prior"])
    expected = [f"S_MSE_lin/{run}/{fold}" for fold, run in itertools.product((1, 2), (1, 2))]
    assert found == [*expected, "scene_prior/1/1", "scene_prior/1/2"]
    assert plan.per_run("{system}/{run}", ["S_MSE_lin"]) == ["S_MSE_lin/1", "S_MSE_lin/2"]
    assert list(json.loads(plan.runs_as_json(plan.compared_systems))) == [*PAPER, "scene_prior", "recording_prior"]


def test_other_runs_are_those_of_other_methods(project):
    """Their only metrics are those against the true events, so that there is none without true events."""
    plan = plan_of(DEMO, STUDY, "runs: 2")
    joint = [system for system in plan.systems if plan.method_of(system) == "joint"]
    assert json.loads(plan.runs_as_json(plan.other_systems)) == {system: [1, 2] for system in joint}
    assert joint
    assert replace(plan, truth=[]).other_systems == []


def test_quick_changes_only_the_schedule(project):
    """Added to another experiment, the file changes the config's section `train` and no size of the network."""
    for before in ([], [DEMO], ["workflow/dcase2023.yaml"]):
        plan, quick = plan_of(*before), plan_of(*before, QUICK)
        assert replace(quick, config=plan.config) == plan
        changed = {key for key, value in quick.config["train"].items() if value != plan.config["train"][key]}
        assert changed - {"batch_size", "learning_rate"} == {"schedule", "epochs"}
        assert 2 * quick.config["train"]["epochs"] <= plan.config["train"]["epochs"]
        assert quick.config | {"train": None} == plan.config | {"train": None}


def test_seeds_differ_by_part_and_seed(project):
    plan, other = plan_of(), plan_of("seed: 1")
    seeds = [plan.derive_seed("S", run, fold) for run in (1, 2) for fold in (1, 2)]
    assert len(set(seeds)) == 4
    assert plan.derive_seed("S", "1", "1") == seeds[0] != other.derive_seed("S", 1, 1)
    assert plan.fold_seed() == 0
    assert plan_of("folds: {source: generated}").fold_seed() == plan.derive_seed("folds")


def test_fold_settings_hold_what_the_source_needs(project):
    assert set(plan_of().fold_settings()) == {"source", "number", "official"}
    assert "address" not in plan_of().fold_settings()["official"]
    assert set(plan_of("folds: {source: generated}").fold_settings()) == {"source", "number", "validation"}


def test_window_shorter_than_the_hop_is_noted(project):
    (note,) = plan_of("features: {window: 8192, hop_s: 0.2}").notes
    assert "628 samples per hop are not analysed. Set features.window to at least 8820" in note
    assert plan_of("features: {window: 8820, hop_s: 0.2}").notes == plan_of().notes == []
    assert plan_of(OPINIONS, "{opinions: opinions.tsv, features: {window: 8192, hop_s: 0.2}}\n").notes == []


def test_listed_until_ignores_later_recordings(project):
    before = plan_of(DEMO)
    table = project / "workflow/resources/demo.tsv"
    table.write_text(table.read_text() + "city_center_99\tcity_center\t60\n")
    after = plan_of(DEMO)
    assert all(before.listed_until(name) == after.listed_until(name) for name in before.recordings)
    assert after.listed_until("city_center_99") not in {before.listed_until(name) for name in before.recordings}
    with refused(file="demo.tsv", problem="'nobody'"):
        after.scene_of("nobody")
