"""Logging of a step: all messages to its log file; warnings, errors and progress also to the terminal."""

import logging
import sys
import time
from pathlib import Path

PROGRESS = {"progress": True}  # extra=PROGRESS: show this message on the terminal as well
FIRST_S, NEXT_S = 5, 30  # seconds of work before the first line of `Remaining`, and between two lines


class LogFile(logging.FileHandler):
    """Log file that ignores a full disk: the step itself reports which output it could not write."""

    def handleError(self, record: logging.LogRecord) -> None:
        """Report errors in a record, but not errors of the disk."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handleError(record)


def start(path: Path | None) -> None:
    """Send log records of level INFO and above to a file and to the terminal.

    Parameters
    ----------
    path : Path or None
        Log file, replaced if it exists. The terminal then shows only warnings, errors and records marked with
        ``extra=PROGRESS``. Without a file, the terminal shows all records.
    """
    terminal = logging.StreamHandler(sys.stderr)
    handlers: list[logging.Handler] = [terminal]
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = LogFile(path, mode="w", encoding="utf-8")
        file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        handlers.append(file)
        terminal.addFilter(lambda record: record.levelno >= logging.WARNING or getattr(record, "progress", False))
    logging.basicConfig(level=logging.INFO, format="%(message)s", handlers=handlers, force=True)
    logging.captureWarnings(True)


class Remaining:
    """Report on the terminal how long a computation still takes, estimated from its finished parts.

    A computation that ends within `NEXT_S` reports nothing.

    Parameters
    ----------
    logger : Logger
    parts : str
        Name of the computation and its parts, such as "joint: EM steps".
    total : int
        Number of parts, or the largest number that is possible.
    """

    def __init__(self, logger: logging.Logger, parts: str, total: int) -> None:
        self.logger, self.parts, self.total, self.done = logger, parts, total, 0
        self.start = time.monotonic()
        self.due = self.start + FIRST_S

    def advance(self) -> None:
        """Count one finished part."""
        self.done += 1
        now = time.monotonic()
        left = (now - self.start) / self.done * (self.total - self.done)
        if now >= self.due and (left > NEXT_S or self.due > self.start + FIRST_S):
            text = "%s: %d of %d, at most %s left"
            duration = f"{left / 60:.0f} min" if left >= 90 else f"{left:.0f} s"
            self.logger.info(text, self.parts, self.done, self.total, duration, extra=PROGRESS)
            self.due = now + NEXT_S
