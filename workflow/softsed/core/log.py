"""Logging of a step: all messages to its log file; warnings, errors and progress also to the terminal."""

import logging
import sys
import time
from pathlib import Path

PROGRESS = {"progress": True}  # extra=PROGRESS: show this message on the terminal as well
# `Remaining`, in seconds: time before the first estimate, shortest reported remaining time, time between two messages.
FIRST_S, LEAST_S, NEXT_S = 5, 90, 30


class LogFile(logging.FileHandler):
    """Log file that ignores a full disk: the step itself reports which output it could not write."""

    def handleError(self, record: logging.LogRecord) -> None:
        """Report errors in a record, but not errors of the disk."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handleError(record)


class ProgressOfJob(logging.Formatter):
    """Format messages for the terminal, and name the job before its progress: several jobs share the terminal."""

    def __init__(self, job: str) -> None:
        super().__init__("%(message)s")
        self.job = job

    def format(self, record: logging.LogRecord) -> str:
        """Return the message; the message of a record of progress begins with the name of the job."""
        text = super().format(record)
        named = text.startswith(f"{self.job}:") or not getattr(record, "progress", False)
        return text if named else f"{self.job}: {text}"


def start(path: Path | None) -> None:
    """Send log records of level INFO and above to a file and to the terminal.

    Parameters
    ----------
    path : Path or None
        Log file, replaced if it exists. The terminal then shows only warnings, errors and records marked with
        ``extra=PROGRESS``, which begin with the name of the file. Without a file, the terminal shows all records.
    """
    terminal = logging.StreamHandler(sys.stderr)
    handlers: list[logging.Handler] = [terminal]
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = LogFile(path, mode="w", encoding="utf-8")
        file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        handlers.append(file)
        terminal.setFormatter(ProgressOfJob(path.stem))
        terminal.addFilter(lambda record: record.levelno >= logging.WARNING or getattr(record, "progress", False))
    logging.basicConfig(level=logging.INFO, format="%(message)s", handlers=handlers, force=True)
    logging.captureWarnings(True)


class Remaining:
    """Report the remaining time of a computation on the terminal, estimated from its finished parts.

    Nothing is reported while the remaining time is below `LEAST_S` seconds, unless it was reported before.

    Parameters
    ----------
    logger : Logger
    parts : str
        Name of the computation and its parts, such as "joint: EM steps".
    total : int
        Number of parts.
    bound : bool
        Whether `total` is the largest possible number.
    """

    def __init__(self, logger: logging.Logger, parts: str, total: int, *, bound: bool = False) -> None:
        self.logger, self.parts, self.total, self.done = logger, parts, total, 0
        self.word = "at most" if bound else "about"
        self.start = time.monotonic()
        self.due, self.reported = self.start + FIRST_S, False

    def advance(self) -> None:
        """Count one finished part."""
        self.done += 1
        now = time.monotonic()
        left = (now - self.start) / self.done * (self.total - self.done)
        if self.done < self.total and now >= self.due and (left >= LEAST_S or self.reported):
            duration = f"{self.word} {left / 60:.0f} min" if left >= LEAST_S else f"{self.word} {left:.0f} s"
            self.logger.info("%s: %d of %d, %s left", self.parts, self.done, self.total, duration, extra=PROGRESS)
            self.due, self.reported = now + NEXT_S, True
