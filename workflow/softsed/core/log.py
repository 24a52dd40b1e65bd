"""Logging of a step: all messages to its log file; warnings, errors and progress also to the terminal."""

import logging
import sys
from pathlib import Path

PROGRESS = {"progress": True}  # extra=PROGRESS: show this message on the terminal as well


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
