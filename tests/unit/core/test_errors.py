"""Errors for users: collected problems, and explanations of errors of the disk."""

import errno
import shutil

import pytest
from support.errors import refused

from softsed.core.errors import SHOWN, InputError, Problems, explain_os_error

GB = 10**9


def error_of(row):
    return InputError(f"value of row {row}", file="t.tsv", line=row + 2)


def test_problems_strict_raise_first():
    problems = Problems(strict=True)
    problems.add_rows("values", [], error_of)
    with refused(file="t.tsv", line=7, problem="row 5"):
        problems.add_rows("values", [5, 6], error_of)
    assert len(problems) == 0


def test_problems_are_raised_as_one():
    problems = Problems()
    problems.raise_all("in the dataset")
    problems.add("names", InputError("no name", file="a.tsv"))
    problems.add_rows("values", range(SHOWN + 5), error_of)
    problems.add("names", InputError("no other name", key="audio"))
    with refused(problem=f"{SHOWN + 7} problems in the dataset") as caught:
        problems.raise_all("in the dataset")
    assert caught.value.problems is problems
    assert [error.file for error in problems] == ["a.tsv", None] + ["t.tsv"] * SHOWN
    lines = str(caught.value).splitlines()
    assert lines[1:4] == ["  a.tsv: no name", "  audio: no other name", "  t.tsv, line 2: value of row 0"]
    assert "5 more" in lines[-1]
    assert "'values'" in lines[-1]
    with refused(problem=f"{SHOWN + 7} problems"):
        problems.raise_all("in the dataset", alone=True)


def test_single_problem_is_raised_alone_if_asked():
    problems = Problems()
    problems.raise_all("in the dataset", alone=True)
    problems.add("names", InputError("no name", file="a.tsv"))
    with refused(problem="1 problem in the dataset"):
        problems.raise_all("in the dataset")
    with refused(file="a.tsv", problem="no name"):
        problems.raise_all("in the dataset", alone=True)


def test_problems_describe_only_what_is_shown():
    described = []
    problems = Problems()
    problems.add_rows("values", range(1000), lambda row: described.append(row) or error_of(row))
    assert len(problems) == 1000
    assert len(described) == SHOWN
    everything = Problems(shown=None)
    everything.add_rows("values", range(50), error_of)
    assert len(list(everything)) == 50


@pytest.mark.parametrize(
    ("error", "free", "part"),
    [
        (
            OSError(errno.ENOSPC, "No space left"),
            2 * GB,
            "The disk is full: 2000.0 MB are free",
        ),  # no inodes, for example
        (OSError(errno.EDQUOT, "Quota"), 2 * GB, "Your quota on this disk is used up"),
        (OSError(errno.EROFS, "Read-only"), 2 * GB, "Allow reading and writing"),
        (PermissionError(errno.EACCES, "Denied"), 0, "Allow reading and writing"),
        (RuntimeError("write failed"), 10_000, "write failed. The disk is full: 0.0 MB are free"),
        (RuntimeError("another error"), 2 * GB, None),
        (KeyError("a bug of softsed"), 10_000, None),
        (FileNotFoundError(errno.ENOENT, "None such", "a/b.tsv"), 10_000, "None such: 'a/b.tsv'. Correct this path"),
        (FileNotFoundError(errno.ENOENT, "None such", "ours.tsv"), 10_000, None),
        (OSError(errno.EFBIG, "File too large"), 2 * GB, "ulimit -f"),
    ],
)
def test_os_errors_are_explained(tmp_path, monkeypatch, error, free, part):
    usage = type(shutil.disk_usage(tmp_path))(4 * GB, 4 * GB - free, free)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    found = explain_os_error(error, tmp_path / "not" / "there", ["--table", "a/b.tsv"])
    assert found is None if part is None else part in found


def test_os_errors_without_disk_size(tmp_path, monkeypatch):
    usage = type(shutil.disk_usage(tmp_path))(0, 0, 0)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    assert explain_os_error(RuntimeError("write failed"), tmp_path) is None
