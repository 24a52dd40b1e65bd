"""Embeddings by a user's model: equal to those by hand, in every format, for any length, in bounded memory."""

import re
import shlex
import sys
import tracemalloc

import numpy as np
import pytest
import soundfile
import torch
import yaml
from support.config import DEMO, SCHEMA, merged
from support.embedders import Net, embed_by_hand, save_export, save_onnx, save_torchscript
from support.errors import refused
from support.project import ROOT
from support.tiny_model import BANK, FEATURES, SIZES, save_model

from softsed.core.errors import InputError
from softsed.features import embed
from softsed.features.embed import Embedder, cut_windows, write_blocks
from softsed.features.extract import mel_energies
from softsed.planning.config import check_config
from softsed.train.network import CRNN

RATE = 800
WINDOW = {"sample_rate": RATE, "window_s": 1.0, "hop_s": 0.5}


def noise(seconds, rate=RATE):
    samples = round(seconds * rate)
    return (np.random.default_rng(0).normal(0, 0.1, samples) * np.linspace(0.2, 1, samples)).astype(np.float32)


@pytest.fixture
def script(tmp_path):
    return save_torchscript(tmp_path / "net.pt", Net(), RATE)


def command(*more, **options):
    arguments = [text for key, value in options.items() for text in (f"--{key}", str(value))]
    embed.main([*arguments, "--rate", str(RATE), "--window", "1", "--hop", "0.5", *more])


@pytest.mark.parametrize("samples", [1, 5, 6, 29, 30, 31, 100])
@pytest.mark.parametrize(("window", "hop"), [(12, 5), (6, 6), (60, 4)])
@pytest.mark.parametrize("piece", [1, 7, 1000])
def test_windows_are_centred_on_their_hops(samples, window, hop, piece):
    signal = np.arange(1, samples + 1, dtype=np.float32)
    lead = (window - hop) // 2
    padded = np.concatenate([np.zeros(lead), signal, np.zeros(window)])
    expected = [padded[start : start + window] for start in range(0, samples, hop)]
    pieces = [signal[start : start + piece] for start in range(0, samples, piece)]
    batches = list(cut_windows(pieces, window, hop, 3))
    assert all(len(batch) == 3 for batch in batches[:-1])
    np.testing.assert_array_equal(np.concatenate(batches), expected)


@pytest.mark.parametrize("kind", ["pt", "pt2", "onnx"])
@pytest.mark.parametrize("seconds", [0.3, 4, 7.77])
def test_all_formats_embed_as_by_hand(tmp_path, kind, seconds):
    path = tmp_path / f"net.{kind}"
    if kind == "onnx":
        pytest.importorskip("onnx", reason="the library onnx is not installed (envs/dev.lock)")
        pytest.importorskip("onnxruntime", reason="the library onnxruntime is not installed (envs/dev.lock)")
        save_onnx(path, RATE)
    else:
        (save_torchscript if kind == "pt" else save_export)(path, Net(), RATE)
    soundfile.write(tmp_path / "r.wav", noise(seconds), RATE, "FLOAT")
    command(model=path, audio=tmp_path / "r.wav", output=tmp_path / "made")
    found = np.load(tmp_path / "made/r.npy")
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, embed_by_hand(noise(seconds), RATE, 1, 0.5), atol=1e-5)


def test_batch_size_does_not_matter(script, tmp_path):
    soundfile.write(tmp_path / "r.wav", noise(9.1), RATE, "FLOAT")
    found = [np.concatenate(list(Embedder(script, **WINDOW, batch=n).embed(tmp_path / "r.wav"))) for n in (1, 5, 64)]
    assert len(found[0]) == 19
    np.testing.assert_allclose(found[1], found[0], atol=1e-6)
    np.testing.assert_allclose(found[2], found[0], atol=1e-6)


def test_frames_of_a_window_follow_one_another(tmp_path):
    """Four frames per second: each is the mean over its quarter of the window."""
    path = save_torchscript(tmp_path / "net.pt", Net(frames=4), RATE)
    soundfile.write(tmp_path / "r.wav", noise(3.1), RATE, "FLOAT")
    embedder = Embedder(path, sample_rate=RATE, window_s=1.0, hop_s=0.25, batch=2)
    found = np.concatenate(list(embedder.embed(tmp_path / "r.wav")))
    windows = np.concatenate([noise(3.1), np.zeros(RATE, np.float32)])[: 4 * RATE].reshape(4, RATE)
    with torch.inference_mode():
        expected = Net(frames=4)(torch.from_numpy(windows)).flatten(0, 1)[:13]  # 3.1 s have 12.4 quarters
    np.testing.assert_allclose(found, expected, atol=1e-6)
    with refused(key="--hop", expected="0.25 s, the length of a frame"):
        Embedder(path, sample_rate=RATE, window_s=1.0, hop_s=1.0)


def test_model_with_fixed_batch_needs_its_batch(tmp_path):
    path = save_export(tmp_path / "net.pt2", Net(), RATE, batch=1)
    soundfile.write(tmp_path / "r.wav", noise(2), RATE, "FLOAT")
    with refused(file="net.pt2", problem="fails on 8 windows of 800 samples", golden=False):
        Embedder(path, **WINDOW)
    found = np.concatenate(list(Embedder(path, **WINDOW, batch=1).embed(tmp_path / "r.wav")))
    np.testing.assert_allclose(found, embed_by_hand(noise(2), RATE, 1, 0.5), atol=1e-5)


def test_other_rates_and_channels_are_converted(script, tmp_path):
    time = np.arange(44100 * 4) / 44100
    tone = 0.3 * np.sin(2 * np.pi * 100 * time)
    soundfile.write(tmp_path / "r.flac", np.stack([tone, 0.5 * tone], axis=1), 44100)
    found = np.concatenate(list(Embedder(script, **WINDOW).embed(tmp_path / "r.flac")))
    expected = embed_by_hand(0.75 * 0.3 * np.sin(2 * np.pi * 100 * np.arange(RATE * 4) / RATE), RATE, 1, 0.5)
    np.testing.assert_allclose(found[1:-1], expected[1:-1], atol=5e-3)


def test_folder_of_recordings_is_embedded(script, tmp_path):
    (tmp_path / "sounds").mkdir()
    for name in ("a.wav", "Tür 1.flac"):
        soundfile.write(tmp_path / "sounds" / name, noise(2), RATE)
    command(model=script, audio=tmp_path / "sounds", output=tmp_path / "made")
    assert {path.name for path in (tmp_path / "made").iterdir()} == {"a.npy", "Tür 1.npy"}
    with pytest.raises(SystemExit):
        command(model=script, audio=tmp_path / "sounds", output=tmp_path / "one.npy")
    command(model=script, audio=tmp_path / "sounds/a.wav", output=tmp_path / "one.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "one.npy"), np.load(tmp_path / "made/a.npy"))


def test_recordings_that_cannot_be_read_are_all_named(script, tmp_path):
    """The other recordings are embedded, and no incomplete file is left."""
    (tmp_path / "sounds").mkdir()
    for name in ("a.wav", "b.wav", "c.wav"):
        soundfile.write(tmp_path / "sounds" / name, noise(2), RATE, "FLOAT")
    (tmp_path / "sounds/a.wav").write_text("text")
    broken = noise(3)
    broken[-5] = np.nan
    soundfile.write(tmp_path / "sounds/b.wav", broken, RATE, "FLOAT")
    with refused(problem="2 problems in the recordings; all other recordings are embedded", golden=False) as caught:
        command(model=script, audio=tmp_path / "sounds", output=tmp_path / "made")
    assert [error.file.name for error in caught.value.problems] == ["a.wav", "b.wav"]
    assert [path.name for path in (tmp_path / "made").iterdir()] == ["c.npy"]


class Infinite(torch.nn.Module):
    def forward(self, x):
        return 1 / (x[:, :3] * 0)


class Pair(torch.nn.Module):
    def forward(self, x):
        return x, x


class Flat(torch.nn.Module):
    def forward(self, x):
        return x.mean(dim=1)


def test_values_that_are_not_finite_are_refused(tmp_path):
    path = save_torchscript(tmp_path / "net.pt", Infinite(), RATE)
    soundfile.write(tmp_path / "r.wav", noise(2), RATE)
    with refused(file="r.wav", problem="not finite, near second 0"):
        list(Embedder(path, **WINDOW).embed(tmp_path / "r.wav"))


@pytest.mark.parametrize(
    ("model", "changes", "parts"),
    [
        (Pair, {}, {"problem": "the output is a tuple", "expected": "one tensor"}),
        (Flat, {}, {"problem": "the shape [8]"}),
        (Net, {"hop_s": 2.0}, {"key": "--hop", "problem": "longer than the window"}),
        (Net, {"hop_s": 0.3333}, {"key": "--hop", "problem": "266.667 samples"}),
        (Net, {"window_s": 0.1234}, {"key": "--window", "problem": "98.72 samples"}),
        (Net, {"window_s": 0.05, "hop_s": 0.05}, {"problem": "fails on 8 windows of 40 samples"}),
    ],
)
def test_models_and_windows_that_do_not_fit(tmp_path, model, changes, parts):
    path = save_torchscript(tmp_path / "net.pt", model(), RATE)
    with refused(**parts, golden="fails" not in parts["problem"]):
        Embedder(path, **WINDOW | changes)


def test_memory_does_not_depend_on_the_length(script, tmp_path, monkeypatch):
    monkeypatch.setattr(embed, "read_audio", lambda path, rate: (np.ones(1 << 16, np.float32) for _ in range(count)))
    embedder, peaks = Embedder(script, **WINDOW, batch=64), []
    for count in (10, 100):
        tracemalloc.start()
        frames, _ = write_blocks(tmp_path / "r.npy", embedder.embed(tmp_path / "r.wav"))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert frames == len(np.load(tmp_path / "r.npy")) == -(-count * (1 << 16) // 400)
    assert peaks[1] < 1.2 * peaks[0]


def test_loading_imports_no_package_that_is_not_needed(script, monkeypatch):
    for name in ("onnxruntime", "h5py"):
        monkeypatch.setitem(sys.modules, name, None)
    Embedder(script, **WINDOW)


def test_example_of_the_documentation_can_be_run(tmp_path, monkeypatch):
    """The model of the page, run word for word: a tone is loudest in the filter of its frequency."""
    page = (ROOT / "docs/embeddings.md").read_text(encoding="utf-8")
    program = page.split("```python\n# bands.py\n")[1].split("```")[0]
    command, *others = re.findall(r"^softsed embed (.*)$", page, re.MULTILINE)
    monkeypatch.chdir(tmp_path)
    assert len(others) == 2
    for other in others:  # their options are valid; model and recordings are missing
        with pytest.raises(InputError, match="AUDIO"):
            embed.main(shlex.split(other))
    exec(compile(program, "bands.py", "exec"), {"__name__": "bands"})
    (tmp_path / "mydata/audio").mkdir(parents=True)
    time = np.arange(44100 * 3) / 44100
    frequency = np.logspace(np.log10(50), np.log10(14000), 64)[40]
    soundfile.write("mydata/audio/r.wav", 0.1 * np.sin(2 * np.pi * frequency * time), 44100)
    embed.main(shlex.split(command))
    found = np.load("my_embeddings/r.npy")
    assert found.shape == (15, 64)
    assert set(found.argmax(axis=1)) == {40}
    written = yaml.safe_load(page.split("```yaml\n# embeddings.yaml\n")[1].split("```")[0])
    check_config(merged(DEMO, yaml.safe_dump(written)), SCHEMA)
    for section in re.findall(r"```yaml\n(features:\n.*?)```", page, re.DOTALL):
        check_config(merged(DEMO, section), SCHEMA)


def test_convolutions_of_the_documentation_can_be_run(tmp_path, monkeypatch):
    """The program of the page, run word for word, embeds as mel energies of the package and a network by hand."""
    page = (ROOT / "docs/embeddings.md").read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "results/pretraining/models/S_BCE_sig/run1/fold1.pt"
    path.parent.mkdir(parents=True)
    saved = torch.load(save_model(path, seed=1), weights_only=True)
    program = page.split("```python\n# convolutions.py\n")[1].split("```")[0]
    exec(compile(program, "convolutions.py", "exec"), {"__name__": "convolutions"})

    rate, hop = FEATURES["sample_rate"], round(FEATURES["sample_rate"] * FEATURES["hop_s"])
    signal = noise(10, rate)
    soundfile.write("r.wav", signal, rate, subtype="FLOAT")
    embed.main(shlex.split(f"--model convolutions.pt2 --audio r.wav --output . --rate {rate} --window 10 --hop 0.05"))
    # Half a hop of silence before the signal shifts frames that are centred on multiples of the hop by half a hop.
    mel = mel_energies([np.zeros(hop // 2, np.float32), signal], BANK, FEATURES)[1:201]
    network = CRNN(**SIZES).eval()
    network.load_state_dict(saved["state"])
    with torch.inference_mode():
        expected = network.convolve(((torch.from_numpy(mel) - saved["mean"]) / saved["std"])[None])[0]
    np.testing.assert_allclose(np.load("r.npy"), expected, rtol=1e-3, atol=1e-4)
