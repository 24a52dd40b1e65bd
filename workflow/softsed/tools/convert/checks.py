"""Rows of a crowd that cannot be right, or that a person should know of: spelling, ends, numbers of annotators."""

import logging
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from softsed.core.errors import InputError, Problems, count
from softsed.core.text.last_second import LATEST_S, split_ends
from softsed.core.text.names import spelled_twice
from softsed.tools.convert.annotations import Annotations, Place, Row
from softsed.tools.convert.lengths import Lengths

# What a person may do who cannot correct the spelling of a name.
OTHERWISE = {
    "label": ", or pass a table with the new name as --rename",
    "recording": ", or list both recordings in the table of --recordings",
}

logger = logging.getLogger(__name__)


def warn_rows(source: Path, rows: list[Row], what: str, remedy: str) -> None:
    """Log what concerns some rows, the first one as an example, and what to do; nothing without rows."""
    if rows:
        line = f", line {rows[0].place.line}" if rows[0].place.line else ""
        example = f"such as {rows[0].label!r} in {rows[0].recording!r} ({rows[0].place.file.name}{line})"
        logger.warning("%s: %s, %s. %s", source, what, example, remedy)


def check_spelling(rows: list[Row], lengths: Lengths | None = None, *, options: bool = True) -> None:
    """Raise an InputError for all names of recordings, scenes, annotators and labels in two spellings.

    Recordings whose lengths are known may have names that differ in spelling only. `options` is False for a command
    without --rename and --recordings.
    """
    problems, known = Problems(), lengths.seconds if lengths else {}
    for what in ("recording", "scene", "annotator", "label"):
        first: dict[str, Place] = {}
        for row in rows:
            if name := getattr(row, what):
                first.setdefault(name, row.place)
        for name, other in spelled_twice(first, known if what == "recording" else ()):
            place = first.get(other) or Place(lengths.source if lengths else first[name].file)
            line = f", line {place.line}" if place.line else ""
            problem = f"{what} {name!r} is also spelled {other!r} ({place.file}{line})"
            remedy = "Correct the spelling" + (OTHERWISE.get(what, "") if options else "")
            problems.add(what, InputError(problem, **first[name]._asdict(), expected="one spelling", remedy=remedy))
    problems.raise_all("in the names", alone=True)


def _split(rows: list[Row], lengths: Mapping[str, float]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return which events end far after their recording, start after its last whole second, or are cut at its end."""
    length = np.array([lengths.get(row.recording, np.nan) for row in rows])
    return split_ends(np.array([row.onset for row in rows]), np.array([row.offset for row in rows]), length)


def check_ends(rows: list[Row], lengths: Mapping[str, float], source: Path) -> None:
    """Raise an InputError for all events that end more than `LATEST_S` after their recording."""
    problems = Problems()

    def beyond(index: int) -> InputError:
        row = rows[index]
        problem = f"the event lasts from {row.onset:g} to {row.offset:g} s, but the recording {row.recording!r} lasts "
        problem += f"{lengths[row.recording]:.10g} s"
        expected = f"seconds, with an end at most {LATEST_S:g} s after the recording"
        remedy = "Check whether the times are in milliseconds, or leave the event out"
        return InputError(problem, **row.place._asdict(), expected=expected, remedy=remedy)

    problems.add_rows("beyond the recording", np.flatnonzero(_split(rows, lengths)[0]), beyond)
    problems.raise_all(f"in {source}", alone=True)


def warn_late(rows: list[Row], lengths: Mapping[str, float], source: Path) -> None:
    """Warn of events that overlap no whole second of their recording."""
    if rows:
        name = rows[0].recording
        what = count(len(rows), "event is", "events are")
        count_s = f"Only 0 to {int(lengths[name])} s count of {name!r}, which lasts {lengths[name]:.10g} s"
        warn_rows(source, rows, f"{what} in the last, partial second of a recording and left out", count_s)


def without_late(rows: list[Row], lengths: Mapping[str, float], source: Path) -> list[Row]:
    """Leave out events that overlap no whole second of their recording; warn of them, and of events that are cut."""
    _, outside, over = _split(rows, lengths)
    cut = [rows[index] for index in np.flatnonzero(over)]
    what = count(len(cut), "event ends after its recording and is", "events end after their recordings and are")
    warn_rows(source, cut, f"{what} cut", "Check the lengths if this was not expected")
    warn_late([rows[index] for index in np.flatnonzero(outside)], lengths, source)
    return [row for row, late in zip(rows, outside, strict=True) if not late]


def compare_numbers(people: Mapping[str, set[str]], annotations: Annotations) -> None:
    """Warn of recordings with fewer annotators than others, and of annotators without any annotation."""
    source, silence = annotations.source, annotations.silence
    remedy = (
        f"If an annotator listened and heard nothing, {silence}. If all listened to all recordings, pass --everyone"
    )
    if idle := annotations.idle:
        what = count(len(idle), "annotator has an empty folder and is", "annotators have empty folders and are")
        logger.warning("%s: %s left out, such as %r. %s", source, what, idle[0], remedy)
    most = max(len(listeners) for listeners in people.values())
    if fewer := {name: len(listeners) for name, listeners in people.items() if len(listeners) < most}:
        name, number = min(fewer.items(), key=lambda one: one[1])
        total = f"of {len(people)} recordings"
        what = count(len(fewer), f"{total} has", f"{total} have")
        text = "%s: %s fewer than %d annotators, the largest number, such as %r with %d. %s"
        logger.warning(text, source, what, most, name, number, remedy)
