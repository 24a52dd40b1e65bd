"""The workflow with embeddings: files of the user or of a model, and the same scores by `softsed apply`."""

import json
from functools import partial

import numpy as np
import pytest
import soundfile
import yaml
from support.embedders import Net, save_torchscript
from support.project import copy_project, snakemake
from support.tiny import RATE, SECONDS, write_sizes
from support.tsv import SOFT, as_options, write_rows

from softsed.core.metadata import file_stem
from softsed.core.scores import read_scores
from softsed.features import embed
from softsed.predict import apply
from softsed.tools.status import rules

NAMES = [f"{scene} {index}" for scene in ("kitchen", "yard") for index in range(3)]  # with a space: names have stems
CLASSES = ["dog", "tap"]
KINDS = ["embeddings", "both"]
WINDOW = {"sample_rate": 800, "window_s": 1.0, "hop_s": 0.5}


def run(folder, *targets, embeddings="folder", fails=False):
    data = ["audio=audio", "soft=soft.tsv", "recordings=scenes.tsv", f"experiment={embeddings}"]
    configuration = ["--configfile", "sizes.yaml", f"{embeddings}.yaml", "--config", *data]
    return snakemake(folder, *targets, configuration=configuration, fails=fails)


def prediction(kind):
    return f"results/folder/predictions/S_{kind}/run1/fold1.tsv"


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A copy of the project with a fold trained for each front end, on files made by `softsed embed`."""
    folder = copy_project(tmp_path_factory.mktemp("embeddings"))
    (folder / "audio").mkdir()
    rng, rows = np.random.default_rng(0), [SOFT]
    for name in NAMES:
        soundfile.write(folder / f"audio/{name}.wav", rng.normal(0, 0.1, SECONDS * RATE + RATE // 3), RATE)
        rows += [(name, t, t + 1, label, round(rng.uniform(), 3)) for t in range(SECONDS) for label in CLASSES]
    write_rows(folder / "soft.tsv", rows)
    write_rows(folder / "scenes.tsv", [("recording", "scene"), *((name, name.split()[0]) for name in NAMES)])
    save_torchscript(folder / "net.pt", Net(), 800)
    paths = {"model": folder / "net.pt", "audio": folder / "audio", "output": folder / "mine"}
    embed.main([*as_options(paths), "--rate", "800", "--window", "1", "--hop", "0.5"])
    systems = {f"S_{kind}": {"labels": "soft", "loss": "mse", "output": "linear", "front_end": kind} for kind in KINDS}
    changes = {"systems": systems, "report": {"curves": ["S_both:h"]}}
    for name, section in {"folder": {"folder": "mine", "hop_s": 0.5}, "model": {"model": "net.pt", **WINDOW}}.items():
        config = changes | {"features": {"embeddings": section}}
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(config))
    write_sizes(folder / "sizes.yaml")
    run(folder, *map(prediction, KINDS))
    return folder


@pytest.mark.parametrize("kind", KINDS)
def test_apply_scores_as_the_workflow(project, kind, tmp_path):
    for name, expected in read_scores(project / prediction(kind), CLASSES).items():
        assert expected.shape == (SECONDS, 2)
        files = {
            "models": project / f"results/folder/models/S_{kind}/run1/fold1.pt",
            "filterbank": tmp_path / "bank.npz",
        }
        apply.main(as_options(files))
        files |= {"audio": project / f"audio/{name}.wav", "embeddings": project / "mine"}
        files |= {key: tmp_path / f"{key}.png" for key in ("scores", "events", "timeline")}
        apply.main(as_options(files))
        lines = (tmp_path / "scores.png").read_text().splitlines()[1:]
        found = np.array([line.split("\t")[2:] for line in lines], dtype=float)
        np.testing.assert_allclose(found, expected, atol=2e-6)


def test_apply_workflow_needs_the_embeddings(project):
    name = next(iter(read_scores(project / prediction("both"), CLASSES)))
    options = [f"audio=audio/{name}.wav", "model=results/folder/models/S_both/run1/fold1.pt", "output=applied"]
    apply_to = partial(snakemake, project, "--snakefile", "workflow/apply.smk")
    shown = apply_to(configuration=["--config", *options], fails=True)
    assert "--embeddings: the models read embeddings of the recording" in shown
    apply_to(configuration=["--config", *options, "embeddings=mine"])
    assert len((project / f"applied/scores/{name}.tsv").read_text().splitlines()) == 1 + SECONDS


def test_model_of_the_user_makes_the_same_files(project):
    run(project, "results/model/embeddings/manifest.json", embeddings="model")
    manifest = json.loads((project / "results/model/embeddings/manifest.json").read_text())
    assert manifest["model"]["name"] == "net.pt"
    for name in NAMES:
        made = project / manifest["recordings"][name]["file"]
        assert made.name == f"{file_stem(name)}.npy"
        assert made.read_bytes() == (project / f"mine/{name}.npy").read_bytes()


def test_changed_file_reruns_what_depends_on_it(project):
    dry = partial(run, project, *map(prediction, KINDS), "--dry-run")
    assert rules(dry()) == {}
    path = project / f"mine/{NAMES[0]}.npy"
    whole = path.read_bytes()
    np.save(path, np.load(path) + 1)
    assert rules(dry()) == {"list_embeddings": 1, "train_system": 2, "predict_system": 2}
    path.unlink()
    assert f"no file of embeddings for 1 of 6 recordings, such as '{NAMES[0]}'" in dry(fails=True)
    path.write_bytes(whole)
