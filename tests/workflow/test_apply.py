"""Trained models on user-provided recordings: a workflow that needs the model files only."""

import hashlib
import shutil
import zipfile

import numpy as np
import pytest
import soundfile
import yaml
from support.maestro import render
from support.project import copy_project, snakemake

from softsed.core.event_text import read_events
from softsed.core.metadata import read_classes
from softsed.tools.status import rules

RUN = "models/S_MSE_lin/run1"
RATE = 44100


@pytest.fixture(scope="module")
def somewhere(finished, tmp_path_factory):
    """A copy of the project with the models of a run, and neither config nor any other result of the experiment."""
    folder = copy_project(tmp_path_factory.mktemp("apply"))
    shutil.copytree(finished / "results/tiny" / RUN, folder / RUN)
    (folder / "config.yaml").unlink()
    (folder / "my sounds").mkdir()
    noise = 0.1 * np.random.default_rng(0).standard_normal((RATE * 8, 2))
    soundfile.write(folder / "my sounds/Straße 1.flac", noise, RATE)
    soundfile.write(folder / "my sounds/b.wav", noise[: 48000 * 3 + 100, 0], 48000)
    return folder


def apply(folder, *options, dry=False, fails=False):
    configuration = ["--snakefile", "workflow/apply.smk", "--config", *options]
    return snakemake(folder, *(["--dry-run"] if dry else []), configuration=configuration, fails=fails)


def test_folder_gets_scores_events_and_timelines(somewhere):
    own = ["audio=my sounds", f"model={RUN}"]
    shown = apply(somewhere, *own)
    assert "different sampling rates: 44100 Hz (1, first: 'Straße 1'), 48000 Hz (1, first: 'b')" in shown
    made = somewhere / "results/apply/my_sounds"
    classes = read_classes(somewhere / "workflow/resources/classes.tsv")
    for name, seconds in {"Straße 1": 8, "b": 3}.items():
        header, *lines = (made / f"scores/{name}.tsv").read_text().splitlines()
        assert header.split("\t") == ["onset", "offset", *classes]
        assert len(lines) == seconds
        scores = np.array([line.split("\t")[2:] for line in lines], dtype=float)
        for event in read_events(made / f"events/{name}.txt", classes):
            assert scores[int(event.onset) : int(event.offset), classes.index(event.label)].min() > 0
        assert (made / f"timelines/{name}.png").read_bytes().startswith(b"\x89PNG")
        assert "mean of 3 models" in (made / f"logs/{name}.log").read_text(encoding="utf-8")
    # Only what is new is scored; another threshold scores all.
    assert rules(apply(somewhere, *own, dry=True)) == {}
    shutil.copy(somewhere / "my sounds/b.wav", somewhere / "my sounds/c.wav")
    assert rules(apply(somewhere, *own, dry=True)) == {"apply_model": 1, "examine_audio": 1}
    (somewhere / "my sounds/c.wav").unlink()
    assert rules(apply(somewhere, *own, "threshold=fixed", dry=True)) == {"apply_model": 2}


def test_folder_with_the_same_name_is_refused(somewhere):
    for where in ("first", "second"):
        shutil.copytree(somewhere / "my sounds", somewhere / where / "sounds")
    apply(somewhere, "audio=first/sounds", f"model={RUN}")
    assert rules(apply(somewhere, "audio=first/sounds", f"model={RUN}", dry=True)) == {}
    shown = apply(somewhere, "audio=second/sounds", f"model={RUN}", dry=True, fails=True)
    assert "output: results/apply/sounds has the results of first/sounds, but audio is second/sounds" in shown
    assert rules(apply(somewhere, "audio=second/sounds", f"model={RUN}", "output=other", dry=True))["apply_model"] == 2


def test_one_model_and_recording_in_a_chosen_folder(somewhere):
    own = ["audio=my sounds/b.wav", f"model={RUN}/fold2.pt", "threshold=0.0", "output=out put"]
    apply(somewhere, *own)
    assert "mean of 1 model\n" in (somewhere / "out put/logs/b.log").read_text()
    assert {path.name for path in (somewhere / "out put").iterdir()} > {"scores", "events", "timelines"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["audio=my sounds"], "the keys ['model'] are missing"),
        (["audio=my sounds", "model=models"], "model: models is neither a model nor a folder"),
        (["audio=nowhere", f"model={RUN}"], "nowhere: there is no such folder"),
        (["audio=my sounds", f"model={RUN}", "treshold=1"], "unknown keys ['treshold']"),
        (
            ["audio=my sounds", f"model={RUN}", "threshold=50"],
            "threshold: the value is '50'. Expected class-dependent",
        ),
    ],
)
def test_mistakes(somewhere, options, message):
    assert message in apply(somewhere, *options, dry=True, fails=True)


@pytest.mark.slow
def test_the_evaluation_recordings_of_maestro_real(finished, tmp_path):
    """From the archive of the published name and layout, through the rule that unpacks it, to scores."""
    project = copy_project(tmp_path / "project")
    shutil.copytree(finished / "results/tiny" / RUN, project / RUN)
    archive = tmp_path / "mirror/7870026/files/Evaluation_audio.zip"
    archive.parent.mkdir(parents=True)
    classes = read_classes(project / "workflow/resources/classes.tsv")
    labels = {(second, "car"): 0.5 for second in range(6)}
    with zipfile.ZipFile(archive, "w") as file:
        for seed, (scene, number) in enumerate([("city_center", 3), ("metro_station", 11)]):
            wave = render(labels, classes, 6.4, wide=seed, seed=seed)
            file.writestr(f"Evaluation_audio/{scene}/{scene}_{number:02}.wav", wave)
    md5 = hashlib.md5(archive.read_bytes()).hexdigest()
    maestro = {"address": str(tmp_path / "mirror"), "evaluation": True, "archives": {"evaluation_audio": {"md5": md5}}}
    (project / "mirror.yaml").write_text(yaml.safe_dump({"data": {"maestro_real": maestro}}))
    snakemake(project, "results/maestro_real/data/evaluation.tsv", configuration=["--configfile", "mirror.yaml"])
    apply(project, "audio=results/maestro_real/data/evaluation", f"model={RUN}")
    made = project / "results/apply/evaluation"
    assert {path.stem for path in made.glob("scores/*")} == {"city_center_03", "metro_station_11"}
    assert all(len(path.read_text().splitlines()) == 1 + 6 for path in made.glob("scores/*"))
