"""User-provided opinions: one command computes labels, tables and a page; mistakes have a message with a remedy."""

import numpy as np
import pytest
from support.project import copy_project, planned, snakemake
from support.shared import shared
from support.tsv import read_rows, write_rows

from softsed.core.labels import read_hard, read_soft
from softsed.tools.convert import command

HEADER = ["recording", "onset", "offset", "annotator", "class", "opinion"]
OWN = ["--config", "opinions=my opinions.tsv", "experiment=mine"]
PLAN = {
    "infer_tables": 1,
    "aggregate_opinions": 3,
    "harden_labels": 3,
    "measure_agreement": 1,
    "measure_crowd_size": 3,
    "collect_crowd_sizes": 1,
    "ask_questions": 1,
    "make_crowd_page": 1,
    "labels": 1,
}


def own_opinions():
    """Six people about three recordings; the last recording was asked another class."""
    rng = np.random.default_rng(0)
    table = [HEADER]
    for name, classes in {"yard-1": ["dog", "car (far)"], "yard-2": ["dog", "car (far)"], "küche (a)": ["tap"]}.items():
        for onset in range(16):
            for who in range(6):
                table += [
                    [name, onset, onset + 5, f"Ann {who}", label, int(onset > 8 if rng.random() < 0.95 else onset <= 8)]
                    for label in classes
                ]
    return table


@pytest.fixture(scope="module")
def fresh(tmp_path_factory):
    """A copy of the project with opinions and no results; tests must not change the opinions."""
    folder = copy_project(tmp_path_factory.mktemp("door"))
    write_rows(folder / "my opinions.tsv", own_opinions())
    return folder


@pytest.fixture(scope="module")
def made(fresh):
    """The same project after the command; tests must not change it."""
    assert planned(fresh, "labels", configuration=OWN) == PLAN
    snakemake(fresh, "labels", configuration=OWN)
    return fresh


def test_one_command_makes_all_label_files(made):
    labels = made / "results/mine/labels"
    classes = [row["class"] for row in read_rows(made / "results/mine/data/classes.tsv")]
    assert classes == ["car (far)", "dog", "tap"]
    asked = {"yard-1": classes[:2], "yard-2": classes[:2], "küche (a)": classes[2:]}
    # Windows that start at 9 s or later are ticked, and windows that end at 13 s or before are not. Most windows around
    # a second are ticked from 11 s on, but the event begins at 13 s.
    for method, onset in {"eq1": 11, "majority": 11, "joint": 13}.items():
        softs = read_soft(labels / method / "soft.tsv", classes)
        for name in ("yard-1", "yard-2", "küche (a)"):
            soft = softs[name]
            assert len(soft) == 20
            assert np.isnan(soft[0]).tolist() == [name[0] == "k", name[0] == "k", name[0] == "y"]
            events = read_hard(labels / method / "hard.tsv", classes)[name]
            assert {(event.label, event.offset) for event in events} == {(label, 20) for label in asked[name]}
            assert all(abs(event.onset - onset) <= 1 for event in events)
        assert len(read_rows(labels / method / "competence.tsv")) == 6
    assert [row["class"] for row in read_rows(labels / "agreement.tsv")] == [*classes, "all classes"]
    found = [(row["method"], row["annotators"]) for row in read_rows(labels / "crowd_size.tsv")]
    assert found == [(method, size) for method in ("eq1", "majority", "joint") for size in ("1", "2", "3", "5", "all")]
    page = (labels / "page.html").read_text(encoding="utf-8")
    assert page.count("<svg") == 2 + 3 + 1
    assert "The crowd of mine" in page


def test_second_run_of_all_has_no_jobs(made):
    assert planned(made, "labels", configuration=OWN) == {}
    assert planned(made, configuration=OWN) == {}


def test_added_opinion_reruns_the_labels(made):
    path = made / "my opinions.tsv"
    before = path.read_bytes()
    write_rows(
        path,
        [*own_opinions(), *([name, 0, 5, "Zoe", label, 0] for name in ("yard-1",) for label in ("dog", "car (far)"))],
    )
    try:
        assert planned(made, "labels", configuration=OWN) == PLAN
    finally:
        path.write_bytes(before)
    assert planned(made, "labels", configuration=OWN) == {}


def test_command_line_overrides_opinions_yaml(made):
    (made / "change.yaml").write_text("labels:\n  compare: []\nopinions: my opinions.tsv\nexperiment: mine\n")
    assert planned(made, "labels", configuration=["--configfile", "change.yaml"]) == {
        "collect_crowd_sizes": 1,
        "make_crowd_page": 1,
        "labels": 1,
    }


def test_user_tables_and_true_events(fresh):
    for name, text in {
        "recordings": "recording\tscene\tduration_s\nyard-1\tyard\t20.4\nyard-2\tyard\t20\nküche (a)\tkitchen\t20\n",
        "scenes": "scene\tclass\nyard\tdog\nyard\tcar (far)\nkitchen\ttap\n",
    }.items():
        (fresh / f"{name}.tsv").write_text(text, encoding="utf-8")
    (fresh / "truth").mkdir()
    for name in ("yard-1", "yard-2", "küche (a)"):
        (fresh / "truth" / f"{name}.txt").write_text("11.5\t20\t" + ("tap" if name[0] == "k" else "dog") + "\n")
    (fresh / "one.yaml").write_text("labels:\n  compare: []\n")  # one method, to save time
    own = ["--configfile", "one.yaml", "--config", "opinions=my opinions.tsv", "experiment=tables", "truth=truth"]
    own += ["recordings=recordings.tsv", "scenes=scenes.tsv"]
    snakemake(fresh, "labels", configuration=own)
    sizes = read_rows(fresh / "results/tables/labels/crowd_size.tsv")
    assert all(0 < float(row["truth_f1"]) <= 1 for row in sizes)
    shown = snakemake(fresh, "--dry-run", configuration=own[:-1], fails=True)
    assert "scenes: recordings is a table, scenes is null. Expected both" in shown
    for name, old, message in (
        ("recordings", "yard-2", "my opinions.tsv, line 194: no recording named 'yard-2' in recordings.tsv"),
        (
            "scenes",
            "tap",
            "scenes.tsv: the labels of the scene 'kitchen' contain ['tap']",
        ),
    ):
        text = (fresh / f"{name}.tsv").read_text(encoding="utf-8")
        (fresh / f"{name}.tsv").write_text(text.replace(old, "dog" if old == "tap" else "yard-3"), encoding="utf-8")
        assert message in snakemake(fresh, "--dry-run", "labels", configuration=own, fails=True)
        (fresh / f"{name}.tsv").write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("configuration", "message"),
    [
        (["--config", "opinions=nowhere.tsv"], "there is no file or folder 'nowhere.tsv'"),
        (["--config", "opinions=header.tsv"], "lacks the columns ['annotator']"),
        (["--config", "opinions=name.tsv"], "name.tsv, line 3: recording 'b\\x7f' cannot be the name of a file"),
        (["--configfile", "null.yaml"], "recordings: the value is null. Expected the path of a table"),
        (
            ["--configfile", "workflow/demo.yaml", "--config", "opinions=my opinions.tsv"],
            "opinions: opinions=my opinions.tsv cannot be combined with the demo",
        ),
        (["--config", "opinions=my opinions.tsv", "systms=1"], "systms"),
    ],
)
def test_mistakes_stop_before_anything_runs(fresh, configuration, message):
    table = own_opinions()[:3]
    (fresh / "header.tsv").write_text("\t".join(HEADER).replace("annotator", "whose") + "\n")
    (fresh / "null.yaml").write_text("recordings: null\n")
    table[2][0] = "b\x7f"
    write_rows(fresh / "name.tsv", table)
    assert message in snakemake(fresh, "--dry-run", "labels", configuration=configuration, fails=True)


def test_stage_that_needs_audio_stops(fresh):
    shown = snakemake(fresh, "--dry-run", "features", configuration=OWN, fails=True)
    assert "The stage features needs audio" in shown


def test_mistake_in_a_row_stops_before_jobs(fresh):
    table = own_opinions()
    table[7][5] = 2
    write_rows(fresh / "wrong.tsv", table)
    shown = snakemake(fresh, "labels", configuration=["--config", "opinions=wrong.tsv", "experiment=wrong"], fails=True)
    assert "wrong.tsv, line 8: opinion is '2'. Expected 0 or 1" in shown
    assert "Traceback" not in shown
    assert not (fresh / "results/wrong").exists()


@pytest.mark.slow
def test_strong_labels_of_twenty_people(fresh):
    """Real people, four recordings: more annotators agree better with all; no annotator is perfect or useless."""
    wanted = {"street_a001", "street_a008", "street_a010", "street_b003"}
    header, *lines = shared("lead/street_12_recordings.tsv").read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if line.split("\t")[0] in wanted]
    (fresh / "strong.tsv").write_text("\n".join([header, *kept]) + "\n", encoding="utf-8")
    arguments = ["strong", "--annotations", str(fresh / "strong.tsv"), "--opinions", str(fresh / "lead.tsv")]
    command.main([*arguments, "--majority", str(fresh / "majority"), "--minimum", "5"])
    change = (
        "opinions: lead.tsv\nexperiment: lead\ntruth: majority\nlabels:\n  compare: [joint]\n"
        "  crowd_sizes: [3, 5, 10, 20]\n  draws: 2\n  competence:\n    restarts: 2\n"
    )
    (fresh / "lead.yaml").write_text(change)
    snakemake(fresh, "labels", configuration=["--configfile", "lead.yaml"])
    labels = fresh / "results/lead/labels"
    competence = [float(row["competence"]) for row in read_rows(labels / "eq1/competence.tsv")]
    assert len(competence) == 20
    assert 0.1 < min(competence) < max(competence) < 1
    alphas = {row["class"]: float(row["alpha"]) for row in read_rows(labels / "agreement.tsv")}
    assert 0.5 < alphas["all classes"] < 0.75
    assert max(alphas.values()) < 1
    assert alphas["bird singing"] > alphas["(object) rustling"]
    everybody = {}
    for method in ("eq1", "joint"):
        sizes = [row for row in read_rows(labels / "crowd_size.tsv") if row["method"] == method]
        everybody[method] = sizes[-1]
        assert [row["annotators"] for row in sizes] == ["3", "5", "10", "all"]
        for name in ("f1", "correlation"):
            values = [float(row[name]) for row in sizes]
            assert values == sorted(values)
            assert values[0] > 0.6
        # Labels of windows are similar to the majority of the same people's events, but longer.
        assert 0.6 < float(sizes[-1]["truth_f1"]) < 0.95
    assert float(everybody["joint"]["truth_brier"]) < float(everybody["eq1"]["truth_brier"])
    assert float(everybody["joint"]["truth_f1_best"]) > 0.8


def test_windows_too_long_for_joint_leave_it_out(fresh):
    table = [HEADER, *(["r", onset, onset + 30, who, "dog", 1] for onset in (0, 10) for who in ("Ann", "Bob"))]
    write_rows(fresh / "long.tsv", table)
    own = ["--config", "opinions=long.tsv", "experiment=long"]
    assert "joint is left out of labels.compare: long.tsv" in snakemake(fresh, "--dry-run", "labels", configuration=own)
    assert planned(fresh, "labels", configuration=own)["aggregate_opinions"] == 2
