"""Audio files of many kinds: readable files give equal features, and every command names unreadable files."""

import shutil
import struct

import numpy as np
import pytest
import soundfile
from support.errors import refused
from support.project import copy_project, snakemake
from support.tiny_model import BANK, FEATURES, save_model

from softsed import cli
from softsed.core.audio import measure, read_audio
from softsed.features.extract import mel_energies

RATE = 8000
SOUND = 0.1 * np.random.default_rng(0).standard_normal(3 * RATE + 400).astype(np.float32)
GOOD = (
    "mono",
    "six_channels",
    "float",
    "double",
    "law",
    "wide",
    "silence",
    "other_rate",
    "flac",
    "ogg",
    "mp3",
    "piped",
)
# File -> part of the error message when it is read.
BAD = {
    "empty.wav": "cannot be read as audio",
    "no_samples.wav": "the recording is empty",
    "text.wav": "cannot be read as audio",
    "cut.wav": "the recording is cut off: its header announces 48800 bytes of audio, there are only 24378",
    "cut.aiff": "the recording is cut off: its header announces",
    "cut.rf64": "the recording is cut off: its header announces",
    "cut.flac": "cannot be read as audio: Error : flac decoder lost sync",
    "cut.mp3": "the recording is cut off: it ends after",
    "nan.wav": "2 samples are not finite numbers",
}


@pytest.fixture(scope="module")
def sounds(tmp_path_factory):
    """Two folders, `good` and `bad`. The second one also contains `short.wav`, which is shorter than a window."""
    good, bad = (tmp_path_factory.mktemp(name) for name in ("good", "bad"))
    for name, channels, subtype in (("mono", 1, "PCM_16"), ("six_channels", 6, "PCM_16"), ("wide", 2, "PCM_24")):
        soundfile.write(good / f"{name}.wav", np.stack([SOUND] * channels, axis=1), RATE, subtype)
    for name, subtype in (("float", "FLOAT"), ("double", "DOUBLE"), ("law", "ULAW")):
        soundfile.write(good / f"{name}.wav", SOUND, RATE, subtype)
    for ending in ("flac", "ogg", "mp3"):
        soundfile.write(good / f"{ending}.{ending}", SOUND, RATE)
    soundfile.write(good / "silence.wav", np.zeros_like(SOUND), RATE)
    soundfile.write(good / "other_rate.wav", np.repeat(SOUND, 6), 6 * RATE)
    piped = bytearray((good / "mono.wav").read_bytes())
    piped[4:8] = piped[40:44] = b"\xff" * 4  # as of a program that writes into a pipe
    (good / "piped.wav").write_bytes(piped)
    for ending in ("wav", "aiff", "rf64", "flac", "mp3"):
        soundfile.write(bad / f"cut.{ending}", SOUND, RATE)
        whole = (bad / f"cut.{ending}").read_bytes()
        (bad / f"cut.{ending}").write_bytes(whole[: len(whole) // 2])
    (bad / "empty.wav").touch()
    (bad / "text.wav").write_text("not audio")
    soundfile.write(bad / "no_samples.wav", SOUND[:0], RATE)
    soundfile.write(bad / "short.wav", SOUND[:300], RATE)
    broken = SOUND.copy()
    broken[[100, -5]] = np.nan, np.inf
    soundfile.write(bad / "nan.wav", broken, RATE, "FLOAT")
    return good, bad


@pytest.mark.parametrize("name", GOOD)
def test_readable_files_have_equal_features(sounds, name):
    (path,) = sounds[0].glob(f"{name}.*")
    mel = mel_energies(read_audio(path, RATE), BANK, FEATURES)
    assert len(mel) == 62 or (name == "mp3" and len(mel) >= 62)  # MP3 may pad
    if name == "silence":
        np.testing.assert_array_equal(mel, np.log(np.float32(FEATURES["log_floor"])))
    elif name not in ("other_rate", "mp3", "ogg"):  # these change the sound
        expected = mel_energies(iter([SOUND]), BANK, FEATURES)
        assert np.abs(mel - expected).max() < (0.5 if name == "law" else 0.05)
    assert np.isfinite(mel).all()


def test_recording_shorter_than_a_window_has_frames(sounds):
    assert len(mel_energies(read_audio(sounds[1] / "short.wav", RATE), BANK, FEATURES)) == 1


@pytest.mark.parametrize(
    ("ending", "subtype"), [("wav", "PCM_16"), ("wav", "PCM_24"), ("aiff", "PCM_16"), ("au", "ULAW")]
)
def test_up_to_a_second_may_be_missing(tmp_path, ending, subtype):
    """A program that announces one byte too many, or leaves out the last block, has written the whole sound."""
    path = tmp_path / f"r.{ending}"
    soundfile.write(path, np.stack([SOUND] * 2, axis=1), RATE, subtype)
    content, sample = path.read_bytes(), {"PCM_16": 4, "PCM_24": 6, "ULAW": 2}[subtype]
    for missing in (1, (RATE - 1) * sample):
        path.write_bytes(content[:-missing])
        there = len(SOUND) - -(-missing // sample)
        assert measure(path) == there / RATE
        assert sum(map(len, read_audio(path, RATE))) == there
    path.write_bytes(content[: -(RATE + 2) * sample])
    for read in (measure, lambda path: list(read_audio(path, RATE))):
        with refused(file=path.name, problem="is cut off"):
            read(path)


def test_cut_off_recording_of_4_gb_is_refused(tmp_path):
    """Lengths of RF64 files have 64 bits, and no length means that the program did not know it."""
    path = tmp_path / "long.rf64"
    soundfile.write(path, SOUND, RATE)
    content = bytearray(path.read_bytes())
    content[20:44] = struct.pack("<QQQ", 6_000_000_072, 6_000_000_000, 3_000_000_000)  # the chunk ds64
    path.write_bytes(content)
    with refused(file="long.rf64", problem=["cut off", "6000000000 bytes"]):
        measure(path)


@pytest.mark.parametrize("name", BAD)
def test_unreadable_files_are_refused(sounds, name):
    with refused(file=name, problem=BAD[name]):
        for _ in read_audio(sounds[1] / name, RATE):
            pass


def test_check_reports_all_audio_and_label_problems(sounds, tmp_path, capsys):
    good, bad = sounds
    folder = shutil.copytree(good, tmp_path / "audio")
    (tmp_path / "hard").mkdir()
    for name in GOOD:
        (tmp_path / "hard" / f"{name}.txt").write_text("0\t1\tcar\n")
    command = ["check", "--audio", str(folder), "--hard", str(tmp_path / "hard"), "--tables", str(tmp_path)]
    assert cli.main(command) == 0
    for path in bad.iterdir():
        shutil.copy(
            path, folder / f"{path.stem}_{path.suffix[1:]}{path.suffix}"
        )  # other names than those of the good files
        (tmp_path / "hard" / f"{path.stem}_{path.suffix[1:]}.txt").write_text("0\t1\tcar\n")
    (tmp_path / "hard/mono.txt").write_text("0\t1\tcar\n2\t9\tcar\n")
    for table in ("recordings", "classes", "scenes"):
        (tmp_path / f"{table}.tsv").unlink()
    capsys.readouterr()
    assert cli.main(command) == 1
    shown = capsys.readouterr().err.replace(f"{folder}/", "")
    for name, message in (BAD | {"short.wav": "the recording lasts 0.04 s. Expected 1 s or more"}).items():
        if name != "nan.wav":  # only when the whole file is read, for the features
            stem, ending = name.split(".")
            said = {"cut.mp3": "the recording is cut off", "cut.flac": "cannot be read"}.get(name, message)
            assert f"{stem}_{ending}.{ending}: {said}" in shown
    assert "hard/mono.txt, line 2: the row lasts from 2 to 9 s, but the recording 'mono' lasts 3.05 s" in shown
    assert "Traceback" not in shown
    assert not list(tmp_path.glob("*.tsv"))


def test_apply_scores_the_readable_recordings(sounds, tmp_path):
    """One run of apply.smk names every bad file and leaves no output for it; the good files are scored."""
    folder = copy_project(tmp_path / "project")
    model = save_model(folder / "model.pt", seed=2)
    (folder / "sounds").mkdir()
    for path in (sounds[0] / "six_channels.wav", sounds[1] / "cut.wav", sounds[1] / "nan.wav"):
        shutil.copy(path, folder / "sounds")
    own = ["--snakefile", "workflow/apply.smk", "--config", "audio=sounds", f"model={model}"]
    shown = snakemake(folder, configuration=own, fails=True)
    assert f"sounds/cut.wav: {BAD['cut.wav']}" in shown
    assert f"sounds/nan.wav: {BAD['nan.wav']}" in shown
    assert "Traceback" not in shown
    made = folder / "results/apply/sounds"
    for kind, ending in (("scores", "tsv"), ("events", "txt"), ("timelines", "png")):
        assert [path.name for path in (made / kind).iterdir()] == [f"six_channels.{ending}"]
