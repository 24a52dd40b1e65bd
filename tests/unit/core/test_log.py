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
    logger.info("step: end", extra=log.PROGRESS)
    assert capsys.readouterr().err == "step: half\nclipped\nstep: end\n"
    assert [line.split(" ", 3)[2:] for line in path.read_text().splitlines()] == [
        ["INFO", "step"],
        ["INFO", "half"],
        ["WARNING", "clipped"],
        ["INFO", "step: end"],
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


@pytest.fixture
def clock(monkeypatch):
    """Clock of `log.Remaining` that the test moves."""
    now = [0.0]
    monkeypatch.setattr(log.time, "monotonic", lambda: now[0])
    return now


def test_remaining_reports_minutes(tmp_path, capsys, clock):
    log.start(tmp_path / "step.log")
    steps = log.Remaining(logger, "joint: steps", 20)
    for _ in range(20):
        clock[0] += 15
        steps.advance()
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "step: joint: steps: 1 of 20, about 5 min left"  # 19 * 15 s
    assert lines[1] == "step: joint: steps: 3 of 20, about 4 min left"  # every 30 s
    assert lines[-1] == "step: joint: steps: 19 of 20, about 15 s left"


def test_remaining_is_silent_if_fast(tmp_path, capsys, clock):
    log.start(tmp_path / "step.log")
    steps = log.Remaining(logger, "joint: steps", 20)
    for _ in range(20):
        clock[0] += 4
        steps.advance()
    assert capsys.readouterr().err == ""


def test_remaining_says_that_total_is_bound(tmp_path, capsys, clock):
    log.start(tmp_path / "step.log")
    steps = log.Remaining(logger, "joint: steps", 200, bound=True)
    clock[0] += 60
    steps.advance()
    assert capsys.readouterr().err == "step: joint: steps: 1 of 200, at most 199 min left\n"
