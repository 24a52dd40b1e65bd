"""Assertions on the parts of an `InputError`, and the golden file of all full messages.

Tests assert file, line, key and the facts of a problem, so that wording can be improved in one place: after a change,
`pytest --update-messages` writes the messages of the tests that ran into the golden file, for a person to review.
"""

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest
from filelock import FileLock

from softsed.core.errors import InputError

GOLDEN = Path(__file__).parents[1] / "golden" / "messages.json"
TEMPORARY = re.compile(r"[^\s']*pytest-of-\w+/pytest-\d+(?:/popen-gw\d+)?/[^/\s']+/?")
RECORDED: dict[str, list[str]] = {}  # messages of the tests that ran, where they update the golden file
COLLECTED: set[str] = set()  # tests that pytest collected, with all parameters of their functions
UPDATE = "SOFTSED_UPDATE_MESSAGES"


@contextmanager
def refused(*, golden: bool = True, **parts: object) -> Iterator[pytest.ExceptionInfo]:
    """Expect an `InputError` with the given parts and the message of the golden file.

    Parameters
    ----------
    golden : bool
        False for messages that differ between runs, as those about generated input do.
    **parts
        Parts of the error: `file` is compared with the end of the path, `problem` with a part of the text (a string,
        or several), the others for equality. Use `problem` for names and numbers, not for wording.
    """
    with pytest.raises(InputError) as caught:
        yield caught
    error = caught.value
    for name, value in parts.items():
        found = getattr(error, name)
        if name == "problem":
            assert all(text in found for text in ([value] if isinstance(value, str) else value)), found
        elif name == "file":
            assert found is not None, str(error)
            assert str(found).endswith(str(value)), found
        else:
            assert found == value, f"{name} is {found!r}: {error}"
    if golden:
        compare(str(error))


def compare(message: str) -> None:
    """Compare a message, without the folders of this machine, with those of the golden file for the running test."""
    test = re.sub(r" \(\w+\)$", "", os.environ["PYTEST_CURRENT_TEST"])
    message = TEMPORARY.sub("", message).replace(f"{GOLDEN.parents[2]}/", "")
    if os.environ.get(UPDATE):
        RECORDED.setdefault(test, []).append(message)
    else:
        known = read_golden().get(test, [])
        assert message in known, f"not in {GOLDEN.name}: {message}\nReview it, then `pytest --update-messages`"


@cache
def read_golden() -> dict[str, list[str]]:
    """Read the golden file: test -> messages."""
    return json.loads(GOLDEN.read_text(encoding="utf-8")) if GOLDEN.exists() else {}


def write_golden() -> None:
    """Write the messages of the tests that ran into the golden file; tests that no longer exist leave it."""
    GOLDEN.parent.mkdir(exist_ok=True)
    with FileLock(GOLDEN.with_suffix(".lock")):  # pytest -n has several processes
        read_golden.cache_clear()
        messages = read_golden() | {test: list(dict.fromkeys(texts)) for test, texts in RECORDED.items()}
        kept = {test: messages[test] for test in sorted(messages) if exists(GOLDEN.parents[2], test)}
        GOLDEN.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def exists(root: Path, test: str) -> bool:
    """Report whether a test, ``FILE::FUNCTION[PARAMETERS]``, exists: among the collected tests, or else in its file."""
    function = test.split("[", maxsplit=1)[0]
    if function in {name.split("[", maxsplit=1)[0] for name in COLLECTED}:
        return test in COLLECTED
    file, name = function.split("::")[:2]
    return (root / file).exists() and f"def {name}(" in (root / file).read_text(encoding="utf-8")
