"""Fixtures that unit tests of several stages share."""

from pathlib import Path

import pytest
from support.dataset import write_audio


@pytest.fixture
def data(tmp_path) -> Path:
    """Return a folder with four recordings in ``audio``."""
    return write_audio(tmp_path)
