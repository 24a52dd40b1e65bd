"""Messages of a step: all in its log file, only important ones on the terminal."""

import logging

import pytest

from softsed.core import log

logger = logging.getLogger("softsed.test")


@pytest.fixture(autouse=True)
def _restored():
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    for handler in root.handlers:
        handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)


def test_start_with_file_shows_warnings_and_progress(tmp_path, capsys):
    path = tmp_path / "logs/step.log"
    log.start(path)
    logger.debug("detail")
    logger.info("step")
    logger.info("half", extra=log.PROGRESS)
    logger.warning("clipped")
    assert capsys.readouterr().err == "half\nclipped\n"
    assert [line.split(" ", 3)[2:] for line in path.read_text().splitlines()] == [
        ["INFO", "step"],
        ["INFO", "half"],
        ["WARNING", "clipped"],
    ]


def test_start_replaces_log_of_earlier_run(tmp_path):
    for text in ("first", "second"):
        log.start(tmp_path / "step.log")
        logger.info(text)
    assert "first" not in (tmp_path / "step.log").read_text()


def test_start_without_file_shows_all(capsys):
    log.start(None)
    logger.info("step")
    assert capsys.readouterr().err == "step\n"


def test_log_file_ignores_disk_errors(tmp_path, capsys, monkeypatch):
    log.start(tmp_path / "step.log")
    file = next(handler for handler in logging.getLogger().handlers if isinstance(handler, log.LogFile))

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(file.stream, "write", full, raising=False)
    logger.warning("clipped")
    assert capsys.readouterr().err == "clipped\n"  # no traceback of the handler
