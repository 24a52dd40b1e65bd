"""Recordings with the names that people give them, from the audio to the results page and to other programs."""

import json
import re
import unicodedata

import numpy as np
import pytest
from support.project import copy_project, planned, snakemake
from support.run import run
from support.tiny import SECONDS, write_noise, write_sizes
from support.tsv import OPINIONS, read_rows, write_rows

from softsed.core.metadata import file_stem

NAMES = ["Müller (2) [take 1]", "-x", "a b", 'it\'s "5" $HOME;&#%']
SIZES = {
    "folds": {"number": 2, "validation": 0.5},
    "systems": {"H_BCE_sig": None, "S_BCE_sig": None},
    "report": {"curves": ["S_MSE_lin:h"]},
}
OWN = ["--configfile", "sizes.yaml", "--config", "audio=my audio"]


def decomposed(name):
    """Name of a file as macOS writes it."""
    return unicodedata.normalize("NFD", name)


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """Audio, opinions, labels and true events of four recordings; the files have the Unicode form of macOS."""
    folder = copy_project(tmp_path_factory.mktemp("names"))
    for name in ("my audio", "-my labels", "my truth"):
        (folder / name).mkdir()
    write_noise(folder / "my audio", [decomposed(name) for name in NAMES])
    rows = []
    rng = np.random.default_rng(0)
    for name in NAMES:
        for labels in ("-my labels", "my truth"):
            write_rows(folder / labels / f"{decomposed(name)}.txt", [(2, 5, "car"), (4, 9, "dog")])
        for onset in range(0, SECONDS - 2):
            # No annotator was asked about dogs in "a b" after 7 s, and only Ann about dogs in "-x".
            asked = [(who, c) for who in ("Ann", "Bob") for c in ("car", "dog")]
            asked = [one for one in asked if one[1] == "car" or not (name == "a b" and onset > 4)]
            asked = [one for one in asked if name != "-x" or one != ("Bob", "dog")]
            rows += [(name, onset, onset + 3, who, c, rng.integers(2)) for who, c in asked]
    write_rows(folder / "-opinions.tsv", rows, OPINIONS)
    write_sizes(folder / "sizes.yaml", **SIZES)
    return folder


@pytest.fixture(scope="module")
def results(own):
    options = [*OWN, "opinions=-opinions.tsv", "truth=my truth", "experiment=named"]
    page = [
        f"results/named/page/{file}" for file in ["index.html", *(f"media/{file_stem(name)}.mp3" for name in NAMES)]
    ]
    snakemake(own, *page, "results/named/labels/page.html", configuration=options)
    assert planned(own, *page, configuration=options) == {}
    return own / "results/named"


def test_seconds_without_opinion_count_in_no_metric(results):
    """Seconds 7 to 11 of the dog in "a b" have no label, and no hit, miss or false alarm."""
    rows = [row for row in read_rows(results / "labels/eq1/soft.tsv") if not row["value"]]
    assert [(row["recording"], row["onset"], row["label"]) for row in rows] == [
        ("a b", str(second), "dog") for second in range(7, 12)
    ]
    found = json.loads((results / "metrics/scene_prior/run1.json").read_text())["pooled"]["operating_points"]
    dog = found["class-dependent"]["class_wise"]["dog"]
    assert dog["tp"] + dog["fp"] + dog["fn"] <= 4 * SECONDS - 5


def test_tables_show_the_names_and_files_have_stems(results):
    index = read_rows(results / "features/index.tsv")
    assert {row["recording"]: row["file"] for row in index} == {name: f"{file_stem(name)}.npz" for name in NAMES}
    assert {row["recording"] for row in read_rows(results / "folds/fold1.tsv")} == set(NAMES)
    scored = [
        row["recording"] for fold in (1, 2) for row in read_rows(results / f"predictions/S_MSE_lin/run1/fold{fold}.tsv")
    ]
    assert set(scored) == set(NAMES)
    assert json.loads((results / "metrics/S_MSE_lin/run1.truth.json").read_text())["recordings"] == 4
    found = [path.name for path in results.rglob("*") if not re.fullmatch(r"[\w.+-]+", path.name, re.ASCII)]
    assert found == []


def test_the_page_plays_the_recordings(results):
    page = (results / "page/index.html").read_text(encoding="utf-8")
    data = json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)[1])
    assert {row["name"] for row in data["recordings"]} == set(NAMES)
    for row in data["recordings"]:
        assert (results / f"page/media/{row['file']}.mp3").exists()
        assert (results / f"page/media/{row['file']}.webp").exists()


def test_exports_have_the_names(results, tmp_path):
    hard, classes = results / "labels/eq1/hard.tsv", results / "data/classes.tsv"
    run(tmp_path, "softsed", "export", "events", "--hard", hard, "--classes", classes, "--output", "events")
    assert {path.stem for path in (tmp_path / "events").iterdir()} == set(NAMES)


def test_a_folder_of_labels_belongs_to_the_audio(own):
    snakemake(own, "labels", configuration=[*OWN, "hard=-my labels", "experiment=hard"])
    rows = read_rows(own / "results/hard/labels/given/hard.tsv")
    assert {row["recording"] for row in rows} == set(NAMES)


def test_a_model_is_applied_to_a_name_with_a_hyphen(own, results):
    apply = ["audio=my audio/-x.wav", f"model={results}/models/S_MSE_lin/run1/fold1.pt", 'output=my "ö" \\ out']
    snakemake(own, configuration=["--snakefile", "workflow/apply.smk", "--config", *apply])
    for kind in ("scores", "events", "timelines"):
        assert [path.stem for path in (own / 'my "ö" \\ out' / kind).iterdir()] == ["-x"]
