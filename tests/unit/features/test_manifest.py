"""The manifest of the features changes exactly when a feature file changes."""

import hashlib

import numpy as np
import pytest
from support.errors import refused

from softsed.core.metadata import file_stem
from softsed.features import manifest


def save(path, value=0.0, seconds=9, **formats):
    formats = {"recorded_rate": 8000, "channels_cancel": False} | formats
    np.savez(path, mel=np.full((seconds * 20 + 1, 2), value, np.float32), sample_rate=8000, hop_s=0.05, **formats)


@pytest.fixture
def features(tmp_path):
    (tmp_path / "recordings.tsv").write_text("recording\tscene\tduration_s\nb\tpark\t9\na\tpark\t9\n")
    for name in ("a", "b", "left_over"):
        save(tmp_path / f"{name}.npz")
    return tmp_path


def table(folder, f_max=4000):
    files = ["--recordings", str(folder / "recordings.tsv"), "--output", str(folder / "index.tsv")]
    files += ["--audio", str(folder / "audio.tsv"), "--f-max", str(f_max)]
    manifest.main(["--features", str(folder), *files])
    return (folder / "index.tsv").read_text()


def test_main_lists_recordings_with_hashes(features):
    digests = {name: hashlib.sha256((features / f"{name}.npz").read_bytes()).hexdigest() for name in "ab"}
    rows = "".join(f"{name}\t{name}.npz\t{digests[name]}\n" for name in ("b", "a"))
    assert table(features) == "recording\tfile\tsha256\n" + rows


def test_main_lists_names_with_their_files(features):
    (features / "recordings.tsv").write_text("recording\tscene\tduration_s\nTür (2)\tpark\t9\n", encoding="utf-8")
    save(features / f"{file_stem('Tür (2)')}.npz")
    recording, file, _ = table(features).splitlines()[1].split("\t")
    assert (recording, file) == ("Tür (2)", f"{file_stem('Tür (2)')}.npz")


def test_main_ignores_times_and_other_files(features):
    before = table(features)
    (features / "a.npz").touch()
    save(features / "left_over.npz", 1.0)
    assert table(features) == before
    save(features / "a.npz", 1.0)
    assert table(features) != before


def test_main_refuses_missing_features(features):
    (features / "a.npz").unlink()
    with refused(file="a.npz", problem="cannot be read", remedy="Delete the file; the workflow creates it again"):
        table(features)


def test_main_refuses_damaged_features(features):
    whole = (features / "a.npz").read_bytes()
    for content in (b"", b"text", whole[: len(whole) // 2]):
        (features / "a.npz").write_bytes(content)
        with refused(golden=False, file="a.npz", problem="cannot be read"):
            table(features)


def test_main_refuses_short_recordings(features):
    save(features / "a.npz", seconds=7)
    with refused(file=features, problem="'a' has 7 of 9 whole seconds"):
        table(features)
    assert not (features / "index.tsv").exists()


def test_main_warns_about_formats(features, caplog):
    table(features)
    assert not caplog.records
    assert (features / "audio.tsv").read_text().splitlines()[1:] == ["b\t8000\t0", "a\t8000\t0"]
    save(features / "a.npz", recorded_rate=44100, channels_cancel=True)
    table(features, 14000)
    low, rates, cancelling = (record.getMessage() for record in caplog.records)
    assert all(text in low for text in ("1 of 2 recordings", "'b' at 8000 Hz", "28000 Hz"))
    assert all(text in rates for text in ("8000 Hz (1", "44100 Hz (1"))
    assert "first: 'a'" in cancelling
    assert {record.levelname for record in caplog.records} == {"WARNING"}
    assert (features / "audio.tsv").read_text().splitlines()[1:] == ["b\t8000\t0", "a\t44100\t1"]
