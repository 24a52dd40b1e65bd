"""The index of the features changes exactly when one of them does."""

import hashlib

import pytest

from softsed import index
from softsed.errors import InputError


@pytest.fixture
def features(tmp_path):
    (tmp_path / "recordings.tsv").write_text("recording\tscene\tduration_s\nb\tpark\t9\na\tpark\t9\n")
    for name in ("a", "b", "left_over"):
        (tmp_path / f"{name}.npz").write_bytes(name.encode())
    return tmp_path


def table(folder):
    files = ["--recordings", str(folder / "recordings.tsv"), "--output", str(folder / "index.tsv")]
    index.main(["--features", str(folder), *files])
    return (folder / "index.tsv").read_text()


def test_it_lists_the_recordings_of_the_table_with_the_hash_of_their_features(features):
    rows = "".join(f"{name}\t{hashlib.sha256(name.encode()).hexdigest()}\n" for name in ("b", "a"))
    assert table(features) == "recording\tsha256\n" + rows


def test_it_changes_with_the_content_of_a_file_only(features):
    before = table(features)
    (features / "a.npz").touch()
    (features / "left_over.npz").write_bytes(b"other")
    assert table(features) == before
    (features / "a.npz").write_bytes(b"other")
    assert table(features) != before


def test_features_that_are_missing_are_named(features):
    (features / "a.npz").unlink()
    with pytest.raises(InputError, match=r"a\.npz: cannot be read.*`snakemake features` makes it"):
        table(features)
