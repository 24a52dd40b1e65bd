"""The index of the features changes exactly when one of them does."""

import hashlib

import numpy as np
import pytest

from softsed.core.errors import InputError
from softsed.features import manifest


def save(path, value=0.0, seconds=9):
    np.savez(path, mel=np.full((seconds * 20 + 1, 2), value, np.float32), sample_rate=8000, hop_s=0.05)


@pytest.fixture
def features(tmp_path):
    (tmp_path / "recordings.tsv").write_text("recording\tscene\tduration_s\nb\tpark\t9\na\tpark\t9\n")
    for name in ("a", "b", "left_over"):
        save(tmp_path / f"{name}.npz")
    return tmp_path


def table(folder):
    files = ["--recordings", str(folder / "recordings.tsv"), "--output", str(folder / "index.tsv")]
    manifest.main(["--features", str(folder), *files])
    return (folder / "index.tsv").read_text()


def test_it_lists_the_recordings_of_the_table_with_the_hash_of_their_features(features):
    rows = "".join(
        f"{name}\t{hashlib.sha256((features / f'{name}.npz').read_bytes()).hexdigest()}\n" for name in ("b", "a")
    )
    assert table(features) == "recording\tsha256\n" + rows


def test_it_changes_with_the_content_of_a_file_only(features):
    before = table(features)
    (features / "a.npz").touch()
    save(features / "left_over.npz", 1.0)
    assert table(features) == before
    save(features / "a.npz", 1.0)
    assert table(features) != before


def test_features_that_are_missing_are_named(features):
    (features / "a.npz").unlink()
    with pytest.raises(InputError, match=r"a\.npz: cannot be read.*`snakemake features` makes it"):
        table(features)


def test_features_that_are_none_or_half_written_are_named(features):
    whole = (features / "a.npz").read_bytes()
    for content in (b"", b"text", whole[: len(whole) // 2]):
        (features / "a.npz").write_bytes(content)
        for read in (lambda: table(features),):
            with pytest.raises(InputError, match=r"a\.npz: .*delete it, `snakemake features` makes it"):
                read()


def test_recordings_shorter_than_the_table_says_are_named_before_any_training(features):
    save(features / "a.npz", seconds=7)
    with pytest.raises(InputError, match=r"whole seconds: a 7 of 9 s; replace the recordings"):
        table(features)
    assert not (features / "index.tsv").exists()
