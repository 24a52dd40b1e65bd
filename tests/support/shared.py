"""Real data that tests compare with, in a folder beside the repository.

The files are not part of the project, because their licences do not allow it or nobody asked for it: the labels of
MAESTRO Real (all 49 recordings, and 25 of them) and the published folds, the strong labels of LEAD, and the annotations
of RTE with the figures of MACE. The folder is ``../shared``, or the one that the variable SOFTSED_SHARED names; the
files are in its subfolder ``data``. Without the folder such a test is skipped; with SOFTSED_SHARED, as `.ci/run` sets
it, it fails.
"""

import os
from pathlib import Path

import pytest

FOLDER = Path(os.environ.get("SOFTSED_SHARED") or Path(__file__).parents[3] / "shared") / "data"


def shared(name: str) -> Path:
    """Return the path of a file or folder of real data; skip the test if it is missing, or fail with SOFTSED_SHARED."""
    path = FOLDER / name
    if not path.exists():
        message = f"{path} is missing: set SOFTSED_SHARED to the folder with data/{name}"
        if "SOFTSED_SHARED" in os.environ:
            pytest.fail(message, pytrace=False)
        pytest.skip(message)
    return path
