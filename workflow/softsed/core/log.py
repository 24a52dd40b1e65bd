"""Where the messages of a step go: everything to its log file, news that a person waits for to the terminal."""

import logging
import sys
from pathlib import Path


class LogFile(logging.FileHandler):
    """A log that a full disk cuts off, without ado: the step says itself what it could not write."""

    def handleError(self, record: logging.LogRecord) -> None:
        """Report what is wrong with a record, not with the disk."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handleError(record)


def start(path: Path | None) -> None:
    """Send log records of level INFO and above to `path` (appended to nothing: a step begins its log anew).

    Parameters
    ----------
    path : Path or None
        The log file. The terminal then sees warnings, errors and records marked ``extra=PROGRESS``; without
        a file it sees everything.
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


PROGRESS = {"progress": True}
