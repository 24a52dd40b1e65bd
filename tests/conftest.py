"""Fixtures that several tests share: finished runs of the workflow; the option that updates the golden file."""

import os
import shutil
from pathlib import Path

import pytest
from support import errors
from support.project import made_once, make_demo, snakemake


def pytest_addoption(parser):
    parser.addoption("--update-messages", action="store_true", help="write error messages into tests/golden")


def pytest_configure(config):
    if config.getoption("--update-messages"):
        os.environ[errors.UPDATE] = "1"


def pytest_collection_modifyitems(config, items):
    """Run files with slow tests first, and above all those that need the demo, so that no core is idle at the end."""
    if not any("[" in argument for argument in config.args):  # which would collect some parameters of a function only
        errors.COLLECTED.update(item.nodeid for item in items)
    ranks = {}
    for item in items:
        rank = 0 if "demo" in item.fixturenames else 1 if item.get_closest_marker("slow") else 2
        ranks[item.path] = min(rank, ranks.get(item.path, rank))
    items.sort(key=lambda item: ranks[item.path])


def pytest_sessionfinish(session):
    if session.config.getoption("--update-messages"):
        errors.write_golden()


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Path:
    """A copy of the project in which the tiny experiment has run; tests must not change it."""
    return made_once(tmp_path_factory, "finished", snakemake)


@pytest.fixture
def project(finished, tmp_path) -> Path:
    """A copy of the finished project to change at will."""
    return Path(shutil.copytree(finished, tmp_path / "project"))


@pytest.fixture(scope="session")
def demo(tmp_path_factory) -> tuple[Path, str]:
    """The folder of a finished `make demo`, which tests must not change, and its output."""
    folder = made_once(tmp_path_factory, "demo", make_demo)
    return folder, folder.with_suffix(".txt").read_text(encoding="utf-8")
