"""Names from data files are text in shells, patterns of the workflow, formulas of drawings and pages."""

import json
import os

import numpy as np
import pytest
from support.chromium import chromium
from support.project import TINY, copy_project, snakemake
from support.tiny import SECONDS, write_noise, write_sizes
from support.tsv import write_rows

from softsed.core.event_text import read_events
from softsed.core.metadata import file_stem
from softsed.core.tsv import read_table

MARK = "PWNED"
IMAGE = "<img src=x onerror=document.title=1>"
NAMES = [
    f"a; touch {MARK}",
    f"$(touch {MARK})",
    f"`touch {MARK}` && touch {MARK}",
    f'it\'s "quoted" > {MARK}',
    "--help",
    "{wildcards} {recording} {0}",
    IMAGE,
    "%s %(name)s $\\frac$ \\",
    "</script><script>document.title=2</script>",
]
RECORDINGS = [f"r{index}" for index in range(6)]
SCENES = {name: (IMAGE, f"$(touch {MARK})")[index % 2] for index, name in enumerate(RECORDINGS)}
OWN = ["--configfile", "sizes.yaml", "--config", "audio=sounds", "opinions=opinions.tsv", "recordings=recordings.tsv"]


def marks(folder):
    return [path for path in folder.rglob("*") if path.name.startswith(MARK)]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """A copy of the project with recordings of noise, and opinions of people and about classes of hostile names."""
    folder = copy_project(tmp_path_factory.mktemp("hostile"))
    (folder / "sounds").mkdir()
    write_noise(folder / "sounds", RECORDINGS)
    rng = np.random.default_rng(0)
    rows = []
    for name in RECORDINGS:
        loud = rng.random((SECONDS, len(NAMES))) > 0.5
        rows += [
            (name, onset, onset + 3, who, label, int(loud[onset, index]))
            for onset in range(SECONDS - 2)
            for who in NAMES[:3]
            for index, label in enumerate(NAMES)
        ]
    write_rows(folder / "opinions.tsv", rows, ["recording", "onset", "offset", "annotator", "class", "opinion"])
    write_rows(folder / "recordings.tsv", SCENES.items(), ["recording", "scene"])
    write_sizes(folder / "sizes.yaml")
    return folder


@pytest.fixture(scope="module")
def results(dataset):
    """A finished run, with Snakemake's report and a model that is applied."""
    snakemake(dataset, configuration=OWN)
    snakemake(dataset, "--report", "report.html", configuration=OWN)
    apply = [
        "--snakefile",
        "workflow/apply.smk",
        "--config",
        "audio=sounds/r0.wav",
        "model=results/own/models/S_MSE_lin",
    ]
    snakemake(dataset, configuration=[*apply[:-1], f"{apply[-1]}/run1"])
    return dataset / "results/own"


@pytest.mark.slow
def test_hostile_names_are_text_in_all_results(dataset, results):
    assert marks(dataset) == []
    classes = sorted(NAMES)
    assert json.loads((results / "metrics/S_MSE_lin/run1.json").read_text())["classes"] == classes
    assert {row["scene"] for row in read_table(results / "report/table1.tsv", ["scene"])} > set(SCENES.values())
    competence = read_table(results / "labels/eq1/competence.tsv", ["annotator"])
    assert {row["annotator"] for row in competence} == set(NAMES[:3])
    assert {row["class"] for row in read_table(results / "report/figure2.tsv", ["class"])} == set(NAMES)
    events = dataset / "results/apply/r0/events/r0.txt"
    assert {event.label for event in read_events(events, classes)} <= set(NAMES)
    for page in (results / "page/index.html", results / "labels/page.html", dataset / "report.html"):
        text = page.read_text(encoding="utf-8")
        assert IMAGE not in text, page
        assert NAMES[-1] not in text, page


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.parametrize("page", ["page/index.html", "labels/page.html", "../../report.html"])
def test_pages_execute_no_name(results, page):
    with chromium() as driver:
        driver.get((results / page).resolve().as_uri())
        assert driver.title not in ("1", "2")
        assert driver.find_elements("css selector", "img[onerror]") == []


@pytest.mark.parametrize("name", ["{fold}" + IMAGE, f"a\ttouch {MARK}"])
def test_unusable_recording_names_are_refused(dataset, tmp_path, name):
    """Snakemake would read its path as a pattern, or no row of a table could contain its name."""
    for path in (dataset / "sounds").iterdir():
        (tmp_path / path.name).hardlink_to(path)
    (tmp_path / "r0.wav").rename(tmp_path / f"{name}.wav")
    own = [*OWN[:2], "--config", f"audio={tmp_path}", *OWN[4:], "experiment=renamed"]
    shown = snakemake(dataset, configuration=own, fails=True)
    assert f"{name}.wav: " in shown
    assert "Rename the file." in shown
    assert "Traceback" not in shown
    assert not os.path.exists(dataset / "results/renamed/features")


def test_recording_name_cannot_leave_its_folder(dataset):
    name = f"../{MARK}"
    (dataset / "table.tsv").write_text(f"recording\tscene\tduration_s\n{name}\tcity_center\t20\n")
    (dataset / "table.yaml").write_text("recordings: table.tsv\n")
    shown = snakemake(dataset, configuration=[*TINY, "table.yaml"], fails=True)
    assert "folds need more recordings in 1 of 1 scenes: 'city_center' (1)" in shown  # the name itself is accepted
    assert marks(dataset) == []
    assert not (dataset.parent / MARK).exists()
    assert not (dataset / "results/tiny").exists()


def test_recording_names_of_a_table_are_text(dataset):
    """The demo renders recordings with any names that a table can contain, and simulates opinions on them."""
    names = [f"$(touch {MARK}); touch {MARK}", "-rf", "{fold}" + IMAGE, "--help"]
    rows = "".join(f"{name}\tcity_center\t20\n" for name in names)
    (dataset / "table.tsv").write_text("recording\tscene\tduration_s\n" + rows)
    (dataset / "table.yaml").write_text("recordings: table.tsv\nexperiment: named\n")
    snakemake(dataset, "results/named/data/opinions.tsv", configuration=[*TINY, "table.yaml"])
    opinions = read_table(dataset / "results/named/data/opinions.tsv", ["recording"])
    assert {row["recording"] for row in opinions} == set(names)
    assert {path.stem for path in (dataset / "results/named/data/audio").iterdir()} == set(map(file_stem, names))
    assert marks(dataset) == []


@pytest.mark.parametrize("key", ["audio", "truth"])
def test_path_with_braces_is_refused(dataset, key):
    own = [*OWN, f"{key}=so{{und}}s"]
    shown = snakemake(dataset, "--dry-run", configuration=own, fails=True)
    assert f"{key}: the path so{{und}}s contains braces or angle brackets" in shown
