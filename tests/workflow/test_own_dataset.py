"""User-provided datasets: labels or opinions in any format use the same rules, and mistakes stop the run first."""

import json
import os

import numpy as np
import pytest
import soundfile
import yaml
from support.project import ROOT, copy_project, planned, snakemake
from support.tiny import RATE, SECONDS, write_sizes
from support.tsv import HARD, OPINIONS, SOFT, read_rows, write_rows

from softsed.core.labels import read_hard, read_soft, to_events
from softsed.tools.status import describe, rules

CLASSES = ["dog barking", "tap"]
NAMES = [f"{scene}.{index}" for scene in ("kitchen", "yard") for index in range(3)]


def labels_of(name):
    """Soft labels [seconds, classes] of one recording, drawn by its name."""
    rng = np.random.default_rng(NAMES.index(name))
    return np.round(np.clip(rng.normal(0.5, 0.4, (SECONDS, 2)), 0, 1), 3)


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """A copy of the project with a dataset in all formats and no results."""
    folder = copy_project(tmp_path_factory.mktemp("own"))
    data = folder / "my data"
    for name in ("audio", "soft", "hard"):
        (data / name).mkdir(parents=True)
    soft, hard, opinions, scenes = [SOFT], [HARD], [OPINIONS], ["recording\tscene"]
    for index, name in enumerate(NAMES):
        values = labels_of(name)
        audible = np.repeat(values, RATE, axis=0)  # tones as loud as their soft labels
        time = np.arange(len(audible)) / RATE
        signal = 0.1 * (audible * np.sin(2 * np.pi * time[:, None] * [440, 1760])).sum(axis=1)
        signal = np.concatenate([signal, np.zeros(RATE // 2)])
        ending = ["wav", "flac"][index % 2]
        soundfile.write(data / "audio" / f"{name}.{ending}", np.stack([signal] * 2, axis=1), RATE)
        rows = [(t, t + 1, label, values[t, c]) for t in range(SECONDS) for c, label in enumerate(CLASSES)]
        soft += [(name, *row) for row in rows]
        write_rows(data / "soft" / f"{name}.txt", [row for row in rows if row[3]])
        events = to_events(values > 0.5, CLASSES)
        hard += [(name, *event) for event in events]
        write_rows(data / "hard" / f"{name}.txt", events)
        for onset in range(SECONDS - 2):
            for who in "abc":
                ticks = values[onset : onset + 3].mean(axis=0) > 0.5
                opinions += [(name, onset, onset + 3, who, c, int(t)) for c, t in zip(CLASSES, ticks, strict=True)]
        scenes += [f"{name}\t{name.split('.')[0]}"]
    for name, lines in {"soft": soft, "hard": hard, "opinions": opinions, "recordings": scenes}.items():
        write_rows(data / f"{name}.tsv", lines)
    write_sizes(folder / "sizes.yaml")
    return folder


def config(kind, labels, *more):
    """The options of a dataset whose labels are of a kind; results go to results/KIND."""
    dataset = ["audio=my data/audio", f"{kind}=my data/{labels}", f"experiment={kind}", *more]
    return ["--configfile", "sizes.yaml", "--config", *dataset]


@pytest.mark.parametrize(
    ("kind", "labels", "rule"),
    [
        ("soft", "soft.tsv", "adopt_labels"),
        ("hard", "hard", "adopt_labels"),
        ("opinions", "opinions.tsv", "measure_agreement"),
    ],
)
def test_the_whole_workflow_is_planned(own, kind, labels, rule):
    shown = snakemake(own, "--dry-run", configuration=config(kind, labels))
    assert "workflow/own.yaml is read after config.yaml, because the key audio is set" in shown
    plan = rules(shown)
    assert plan[rule] == plan["infer_tables"] == 1
    assert plan["extract_features"] == plan["make_media"] == 6
    assert plan["train_system"] == 2 * 3
    assert plan["make_table2"] == plan["make_class_curves"] == 1
    assert not set(plan) & {"render_recording", "fetch_archive", "simulate_annotators"}


def test_systems_on_opinions_alone_are_planned(own):
    """No system is trained on labels. The opinions are read as for the labels."""
    crowd = {"labels": "opinions", "loss": "crowd", "output": "sigmoid"}
    systems = {"H_BCE_sig": None, "S_BCE_sig": None, "S_MSE_lin": None, "mine": crowd}
    (own / "crowd.yaml").write_text(yaml.safe_dump({"systems": systems, "report": {"curves": ["mine:h"]}}))
    configuration = config("opinions", "opinions.tsv", "unticked=zero")
    shown = snakemake(own, "--dry-run", configuration=[*configuration[:2], "crowd.yaml", *configuration[2:]])
    plan = rules(shown)
    assert plan["train_on_opinions"] == plan["estimate_annotators"] == 3
    assert "train_system" not in plan
    command = next(line for line in shown.splitlines() if " train.on_opinions " in line)
    assert (
        "--opinions 'my data/opinions.tsv' --unticked zero --recordings results/opinions/data/recordings.tsv" in command
    )


def test_opinions_are_counted_for_weights(own):
    """The opinions are read as for the labels, once for all folds."""
    mine = {"labels": "soft", "loss": "focal", "output": "sigmoid", "weight": "opinions", "augment": {"mixup": 0.2}}
    (own / "weights.yaml").write_text(yaml.safe_dump({"systems": {"mine": mine}}))
    configuration = config("opinions", "opinions.tsv", "unticked=zero")
    shown = snakemake(own, "--dry-run", configuration=[*configuration[:2], "weights.yaml", *configuration[2:]])
    plan = rules(shown)
    assert plan["count_opinions"] == 1
    commands = [line for line in shown.splitlines() if " train.system " in line]
    assert sum("--counts results/opinions/labels/counts.tsv " in command for command in commands) == 3
    assert sum("--counts  --classes" in command for command in commands) == len(commands) - 3
    command = next(line for line in shown.splitlines() if " labels.counts " in line)
    assert "--opinions 'my data/opinions.tsv' --unticked zero" in command


def test_edited_labels_rerun_their_users(own):
    """The soft labels by either format are those that were given; with a table of recordings there are scenes."""
    with_scenes = config("soft", "soft.tsv", "recordings=my data/recordings.tsv")
    targets = ["check", "labels", "results/soft/folds/fold1.tsv"]
    shown = snakemake(own, *targets, configuration=with_scenes)
    assert "no errors: 6 recordings (1.2 min) in 2 scenes, 2 classes: dog barking, tap" in shown
    found = read_soft(own / "results/soft/labels/given/soft.tsv", CLASSES)
    for name in NAMES:
        np.testing.assert_allclose(found[name], labels_of(name))
    assert {row["scene"] for row in read_rows(own / "results/soft/data/recordings.tsv")} == {"kitchen", "yard"}
    assert planned(own, *targets, configuration=with_scenes) == {}
    # Other folds leave the labels as they are; they are checked too.
    (own / "other.yaml").write_text("folds:\n  validation: 0.3\n")
    (own / "more.yaml").write_text("folds:\n  number: 4\n")
    other, more = ([*with_scenes[:2], name, *with_scenes[2:]] for name in ("other.yaml", "more.yaml"))
    assert planned(own, *targets, configuration=other) == {"make_folds": 1}
    shown = snakemake(own, *targets, configuration=more, fails=True)
    assert "4 folds need more recordings in 2 of 2 scenes: 'kitchen' (3), 'yard' (3)" in shown
    assert "Traceback" not in shown


def test_older_replaced_labels_rerun_their_users(own):
    path = own / "my data/changing.tsv"
    text = (own / "my data/soft.tsv").read_text()
    path.write_text(text)
    configuration = config("soft", "changing.tsv", "experiment=changing")
    snakemake(own, "labels", configuration=configuration)
    assert planned(own, "labels", configuration=configuration) == {}
    path.write_text(text.replace("\ttap\t", "\twater tap\t"))
    os.utime(path, (0, 0))  # such as a file that is moved or unpacked into its place
    shown = snakemake(own, "--dry-run", "labels", configuration=configuration)
    assert rules(shown) == {"infer_tables": 1, "adopt_labels": 1, "harden_labels": 1, "labels": 1}
    assert "changed: my data/changing.tsv" in describe(shown)
    # Classes to be evaluated are those of the labels as they are now.
    (own / "classes.yaml").write_text("evaluate:\n  classes: [water tap]\n")
    evaluated = [*configuration[:2], "classes.yaml", *configuration[2:]]
    assert planned(own, "labels", configuration=evaluated)["infer_tables"] == 1
    path.write_text(text.replace("\ttap\t0.", "\ttap\t7."))
    os.utime(path, (0, 0))
    assert "Expected a soft label from 0 to 1" in snakemake(own, "--dry-run", configuration=configuration, fails=True)


def test_all_mistakes_are_reported_before_jobs(own):
    lines = (own / "my data/soft.tsv").read_text().splitlines()
    lines[3] = lines[3].replace("dog barking", "dog_barking")
    lines[5] = lines[5].rsplit("\t", 1)[0] + "\t1.5"
    lines.append("attic\t0\t1\ttap\t0.5")
    lines.append("yard.2\t14\t15\ttap\t0.5")
    (own / "my data/wrong.tsv").write_text("\n".join(lines) + "\n")
    shown = snakemake(own, configuration=config("soft", "wrong.tsv", "experiment=wrong"), fails=True)
    for message in (
        "line 4: class 'dog_barking' is spelled 'dog barking' in my data/wrong.tsv, line 2",
        "value is '1.5'. Expected a soft label from 0 to 1",
        "line 146: no audio named 'attic'",
        "line 147: the row lasts from 14 to 15 s, but the recording 'yard.2' lasts 12.50 s",
    ):
        assert message in shown
    assert "Traceback" not in shown
    assert not list((own / "results/wrong").glob("features/*.npz"))
    assert not list((own / "results/wrong").glob("data/*.tsv"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["audio=my data/audio"],
            "audio: audio is set, but none of soft, hard and opinions",
        ),
        (["audio=my data/audio", "soft=a", "hard=b"], "audio: audio is set together with soft and hard"),
        (["audio=my data/audio", "soft=nowhere.tsv"], "soft: there is no file or folder 'nowhere.tsv'"),
        (["audio=nowhere", "soft=my data/soft.tsv"], "audio: there is no file or folder 'nowhere'"),
        (["soft=my data/soft.tsv"], "soft: soft is set, but audio is not"),
    ],
)
def test_config_mistakes_stop_before_the_check(own, options, message):
    assert message in snakemake(own, "--dry-run", configuration=["--config", *options], fails=True)


def test_a_dataset_is_not_the_demo(own):
    configuration = ["--configfile", "workflow/demo.yaml", "--config", "audio=my data/audio", "soft=my data/soft.tsv"]
    shown = snakemake(own, "--dry-run", configuration=configuration, fails=True)
    assert "audio: audio=my data/audio cannot be combined with the demo" in shown


@pytest.mark.parametrize(
    ("kind", "labels"),
    [
        pytest.param("soft", "soft", marks=pytest.mark.long),  # in CI by test_readme
        pytest.param("hard", "hard", marks=pytest.mark.long),
        pytest.param("hard", "hard.tsv", marks=pytest.mark.slow),
        pytest.param("opinions", "opinions.tsv", marks=pytest.mark.long),  # in CI by test_hostile
    ],
)
def test_user_dataset_runs_up_to_the_report(own, kind, labels):
    name = f"all_{labels.replace('.', '_')}"
    configuration = config(kind, labels, f"experiment={name}")
    snakemake(own, configuration=configuration)
    assert planned(own, configuration=configuration) == {}
    results = own / "results" / name
    table = read_rows(results / "report/table2.tsv")
    assert {row["system"] for row in table} == {"H_BCE_sig", "S_MSE_lin", "scene_prior", "recording_prior"}
    metrics = json.loads((results / "metrics/S_MSE_lin/run1.json").read_text())
    assert metrics["classes"] == CLASSES
    assert metrics["recordings"] == 6
    if kind == "opinions":
        assert (results / "labels/page.html").exists()
    else:
        expected = {name: to_events(labels_of(name) > 0.5, CLASSES) for name in NAMES}
        assert read_hard(results / "labels/given/hard.tsv", CLASSES) == expected
    if kind == "hard":  # soft labels of 0 and 1: class-dependent thresholds of .5, and something is above them
        soft = read_soft(results / "labels/given/soft.tsv", CLASSES)
        assert set(np.concatenate(list(soft.values())).ravel()) == {0, 1}
        assert metrics["thresholds"]["class-dependent"]["fold1"] == dict.fromkeys(CLASSES, 0.5)
        assert metrics["pooled"]["operating_points"]["class-dependent"]["counts"]["n_ref"] > 0


def test_small_sizes_are_those_of_the_demo():
    small, demo = (yaml.safe_load((ROOT / f"workflow/{name}.yaml").read_text()) for name in ("small", "demo"))
    assert small == {section: demo[section] for section in ("features", "train")}
