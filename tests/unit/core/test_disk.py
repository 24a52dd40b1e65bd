import errno
import shutil

import pytest

from softsed.core.disk import explain

GB = 10**9


@pytest.mark.parametrize(
    ("error", "free", "told"),
    [
        (OSError(errno.ENOSPC, "No space left"), 2 * GB, "The disk is full: 2000.0 MB are free"),  # no inodes, say
        (OSError(errno.EDQUOT, "Quota"), 2 * GB, "Your share of this disk is used up. Make room"),
        (OSError(errno.EROFS, "Read-only"), 2 * GB, "Make this place readable and writable"),
        (PermissionError(errno.EACCES, "Denied"), 0, "Make this place readable and writable"),
        (RuntimeError("write failed"), 10_000, "write failed. The disk is full: 0.0 MB are free"),
        (RuntimeError("another one"), 2 * GB, None),
        (KeyError("a bug of ours"), 10_000, None),
        (FileNotFoundError(errno.ENOENT, "None such", "a/b.tsv"), 10_000, "None such: 'a/b.tsv'. Correct this path"),
        (FileNotFoundError(errno.ENOENT, "None such", "ours.tsv"), 10_000, None),
        (OSError(errno.EFBIG, "File too large"), 2 * GB, "Files may not be that large here"),
    ],
)
def test_what_a_person_is_told(tmp_path, monkeypatch, error, free, told):
    usage = type(shutil.disk_usage(tmp_path))(4 * GB, 4 * GB - free, free)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    found = explain(error, tmp_path / "not" / "there", ["--table", "a/b.tsv"])
    assert found is None if told is None else told in found


def test_a_file_system_that_tells_no_size_explains_nothing(tmp_path, monkeypatch):
    usage = type(shutil.disk_usage(tmp_path))(0, 0, 0)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    assert explain(RuntimeError("write failed"), tmp_path) is None
