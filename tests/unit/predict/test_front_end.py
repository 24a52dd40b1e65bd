"""Embeddings of a user-provided recording: read or made, checked, and cut into stretches."""

import numpy as np
import pytest
import soundfile
import torch
from support.embedders import Net, save_torchscript
from support.errors import refused
from support.tiny_model import BANK, SIZES, save_model

from softsed.features.embed import Embedder, write_blocks
from softsed.features.embeddings import file_sha256
from softsed.predict import apply
from softsed.predict.front_end import embeddings_of, inputs_of
from softsed.predict.long_audio import stretches
from softsed.train.network import CRNN

RATE = 8000
WINDOW = {"sample_rate": 800, "window_s": 1.0, "batch": 4}


@pytest.fixture
def embedder(tmp_path):
    return save_torchscript(tmp_path / "net.pt", Net(), 800)


def settings(embedder=None):
    made_by = embedder and {"name": embedder.name, "sha256": file_sha256(embedder), **WINDOW}
    return {"hop_s": 0.5, "dimensions": 6, "model": made_by}


def model_of(tmp_path, front_end, embeddings):
    """Save a model that reads embeddings, and load it as `apply` does."""
    bands = 16 if front_end == "both" else 0
    torch.manual_seed(0)
    parameters = SIZES | {"mel_bands": bands, "dimensions": 6}
    initial = CRNN(**parameters).state_dict()
    state = {name: value * 2 if value.is_floating_point() else value for name, value in initial.items()}
    columns = {"mean": torch.zeros(bands + 6), "std": torch.ones(bands + 6)}
    parts = {"state": state, "parameters": parameters, "front_end": front_end, "embeddings": embeddings}
    path = save_model(tmp_path / "model.pt", seed=1, **parts, **columns)
    return apply.load_models([path], torch.device("cpu"))


def record(tmp_path, seconds):
    time = np.arange(int(seconds * RATE)) / RATE
    noise = 0.1 * np.random.default_rng(0).standard_normal(len(time)) * (1 + np.sin(time / 3))
    soundfile.write(tmp_path / "r.wav", noise, RATE)
    return tmp_path / "r.wav"


def read(audio, extras, **given):
    given = {"files": None, "model": None} | given
    return embeddings_of(audio, extras, **given, work=audio.parent)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, []), (3, [(0, 3, 0)]), (10, [(0, 6, 0), (2, 10, 2), (6, 10, 2)]), (9, [(0, 6, 0), (2, 9, 2), (6, 9, 2)])],
)
def test_stretches_have_context_on_either_side(seconds, expected):
    assert list(stretches(seconds, 4, 2)) == expected


@pytest.mark.parametrize("front_end", ["embeddings", "both"])
def test_files_and_their_model_give_equal_scores(tmp_path, embedder, front_end):
    models = model_of(tmp_path, front_end, settings(embedder))
    audio = record(tmp_path, 9.3)
    (tmp_path / "files").mkdir()
    made = Embedder(embedder, hop_s=0.5, **WINDOW)
    write_blocks(tmp_path / "files/r.npy", made.embed(audio))
    scores = [
        apply.score_recording(models, audio, BANK, embeddings=read(audio, models[0][1], **given))
        for given in ({"files": tmp_path / "files"}, {"model": embedder})
    ]
    assert scores[0].shape == (9, 2)
    assert scores[0].std(axis=0).min() > 1e-4  # they depend on the recording
    np.testing.assert_array_equal(*scores)


@pytest.mark.parametrize("front_end", ["embeddings", "both"])
def test_stretches_are_parts_of_the_whole(tmp_path, embedder, front_end):
    ((_, extras),) = model_of(tmp_path, front_end, settings(embedder))
    audio = record(tmp_path, 23.3)
    embeddings = read(audio, extras, model=embedder)
    ((whole, lead),) = inputs_of(extras, audio, BANK, embeddings=embeddings, length=60, context=5)
    assert lead == 0
    rates = {"mel": 20, "embeddings": 2}
    for number, (x, lead) in enumerate(inputs_of(extras, audio, BANK, embeddings=embeddings, length=10, context=2)):
        assert lead == (2 if number else 0)
        for name, rate in rates.items() if front_end == "both" else [("", 2)]:
            found, expected = (getattr(one, name) if name else one for one in (x, whole))
            start = (number * 10 - lead) * rate
            np.testing.assert_allclose(found, expected[start : start + len(found)], atol=1e-5)
            assert len(found) >= min(10, 23 - number * 10) * rate
    assert number == 2


@pytest.mark.parametrize("front_end", ["embeddings", "both"])
def test_recording_shorter_than_a_second_is_refused(tmp_path, front_end):
    models = model_of(tmp_path, front_end, settings())
    audio = record(tmp_path, 0.9)
    with refused(file="r.wav", problem="shorter than one second", golden=False):
        apply.score_recording(models, audio, BANK, embeddings=np.ones((2, 6)))


def test_missing_or_unread_embeddings_are_refused(tmp_path, embedder):
    audio = record(tmp_path, 3)
    ((_, extras),) = model_of(tmp_path, "both", settings(embedder))
    with refused(key="--embeddings", problem="read embeddings") as caught:
        read(audio, extras)
    assert "--embedding-model with the file net.pt" in caught.value.remedy
    with refused(problem="no file of embeddings", golden=False):
        read(audio, extras, files=tmp_path / "nowhere")
    ((_, mel),) = apply.load_models([save_model(tmp_path / "mel.pt", seed=1)], torch.device("cpu"))
    assert read(audio, mel) is None
    with refused(problem="the models read no embeddings", golden=False):
        read(audio, mel, model=embedder)


def test_another_embedding_model_is_refused(tmp_path, embedder):
    audio = record(tmp_path, 3)
    ((_, extras),) = model_of(tmp_path, "both", settings(embedder))
    other = save_torchscript(tmp_path / "other.pt", Net(frames=2), 800)
    with refused(key="--embedding-model", file="other.pt", golden=False) as caught:
        read(audio, extras, model=other)
    assert file_sha256(embedder) in caught.value.expected
    ((_, extras),) = model_of(tmp_path, "both", settings())
    with refused(key="--embedding-model", expected="files (--embeddings)", golden=False):
        read(audio, extras, model=embedder)


@pytest.mark.parametrize(("shape", "problem"), [((6, 5), "5 dimensions"), ((20, 6), "10.0 s"), ((6,), "shape [6]")])
def test_embeddings_that_do_not_fit_are_refused(tmp_path, shape, problem):
    audio = record(tmp_path, 3)
    ((_, extras),) = model_of(tmp_path, "embeddings", settings())
    np.save(tmp_path / "r.npy", np.zeros(shape))
    with refused(file="r.npy", problem=problem):
        read(audio, extras, files=tmp_path)


@pytest.mark.parametrize(
    "changes",
    [
        {"front_end": "beats"},
        {"embeddings": None},
        {"embeddings": {"hop_s": 0.0, "dimensions": 6, "model": None}},
        {"embeddings": {"hop_s": 1.0, "dimensions": 5, "model": None}},
        {"front_end": "embeddings"},
        {"front_end": "mel"},
    ],
)
def test_model_whose_front_end_does_not_fit_is_refused(tmp_path, changes):
    parameters = SIZES | {"dimensions": 6}
    parts = {"state": CRNN(**parameters).state_dict(), "parameters": parameters, "front_end": "both"}
    parts |= {"embeddings": settings(), "mean": torch.zeros(22), "std": torch.ones(22)} | changes
    with refused(file="model.pt", problem="not a model of softsed", golden=False):
        apply.load_models([save_model(tmp_path / "model.pt", seed=1, **parts)], torch.device("cpu"))


def test_command_scores_a_recording(tmp_path, embedder):
    model_of(tmp_path, "both", settings(embedder))
    audio = record(tmp_path, 4)
    common = ["--models", str(tmp_path / "model.pt"), "--filterbank", str(tmp_path / "bank.npz")]
    apply.main(common)
    outputs = [text for name in ("scores", "events") for text in (f"--{name}", str(tmp_path / f"out/{name}.tsv"))]
    (tmp_path / "out").mkdir()
    outputs += ["--timeline", str(tmp_path / "out/picture.png"), "--audio", str(audio)]
    apply.main([*common, *outputs, "--embedding-model", str(embedder)])
    assert len((tmp_path / "out/scores.tsv").read_text().splitlines()) == 5
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"scores.tsv", "events.tsv", "picture.png"}
    with refused(key="--embeddings"):
        apply.main([*common, *outputs])
