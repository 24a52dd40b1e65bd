"""What a crowd marked, arranged for the writer: people, length, scene and classes of each recording, and its events."""

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from softsed.core.errors import InputError
from softsed.core.label_rows import Event
from softsed.core.metadata import check_name
from softsed.core.text.names import spelled_twice
from softsed.tools.convert.annotations import Annotations, Place, Row
from softsed.tools.convert.delimited import decode
from softsed.tools.convert.lengths import Lengths

logger = logging.getLogger(__name__)


class Crowd:
    """Annotations of a crowd.

    Attributes
    ----------
    source : Path
        File or folder of the annotations.
    clips : bool
        Labels are tags of whole recordings.
    scenes : dict of str
        Recording to its scene, sorted by recording; all are empty if scenes are unknown.
    annotators : dict of list of str
        Recording to the annotators who listened to it, sorted.
    lengths : dict of float
        Recording to its length in seconds; 0 if it is unknown.
    guessed : list of str
        Recordings whose length is the end of their last event, or unknown.
    asked : dict of list of str
        Scene to its classes, sorted: all labels that annotators used in it.
    events : dict of dict of list of (float, float)
        (recording, annotator) to class to onsets and offsets in seconds, cut at the end of the recording.
    """

    def __init__(
        self,
        annotations: Annotations,
        lengths: Lengths | None = None,
        *,
        minimum: int = 1,
        points: float = 0.0,
        rename: Mapping[str, str] | None = None,
        everyone: bool = False,
    ) -> None:
        """Arrange annotations.

        Parameters
        ----------
        annotations : Annotations
        lengths : Lengths, optional
            Recordings and their lengths. All other recordings are left out. By default, a recording has the length that
            its annotations state, or lasts until its last event ends.
        minimum : int
            Leave out labels that fewer annotators used in a scene.
        points : float
            Length in seconds that events without duration get, from their onset. 0: they are left out.
        rename : mapping of str, optional
            Label in the annotations to the name of the class. Labels with an empty name are left out.
        everyone : bool
            Every annotator listened to every recording, also to those without a row.

        Raises
        ------
        InputError
            For all problems of the annotations together. Also if no recording or no class remains, for a recording in
            two scenes, and for names that are spelled in two ways.
        """
        source = self.source = annotations.source
        annotations.problems.raise_all(f"in {source}", alone=True)
        self.clips = annotations.clips
        rows = [row._replace(label=(rename or {}).get(row.label, row.label)) for row in annotations.rows]
        rows = _with_audio(rows, source, lengths)
        for what in ("annotator", "label"):
            _check_spelling(what, rows)
        self.scenes = _scenes(rows, source, lengths, everyone)
        people: dict[str, set[str]] = {name: set() for name in self.scenes}
        for row in rows:
            people[row.recording].add(row.annotator)
        marks = _with_duration([row for row in rows if row.label], source, points)
        if everyone:
            people = dict.fromkeys(people, set().union(*people.values()))
        else:
            _compare_numbers(people, {(row.recording, row.annotator) for row in marks}, annotations)
        self.annotators = {name: sorted(who) for name, who in people.items()}
        known = annotations.lengths if lengths is None else lengths.seconds
        ends = dict.fromkeys(self.scenes, 0.0)
        for row in [] if self.clips else marks:
            ends[row.recording] = max(ends[row.recording], row.offset)
        self.lengths = {name: known.get(name, end) for name, end in ends.items()}
        self.guessed = [name for name in ends if name not in known]
        users: dict[tuple[str, str], set[str]] = defaultdict(set)
        self.events: dict[tuple[str, str], dict[str, list[tuple[float, float]]]] = {}
        cut: list[Row] = []
        for row in marks:
            end = self.lengths[row.recording]
            users[self.scenes[row.recording], row.label].add(row.annotator)
            if row.offset > end and not self.clips:
                cut.append(row)
            if row.onset < end:
                own = self.events.setdefault((row.recording, row.annotator), {})
                own.setdefault(row.label, []).append((row.onset, min(row.offset, end)))
        _warn(source, cut, "events end after their recording and are cut", "Check the lengths if this was not expected")
        self.asked = {
            scene: sorted(label for used, label in users if used == scene and len(users[used, label]) >= minimum)
            for scene in dict.fromkeys(self.scenes.values())
        }
        if bare := [scene for scene, labels in self.asked.items() if not labels]:
            of = f"in the scene {bare[0]!r}" if bare[0] else "in any recording"
            number = f"{minimum} annotators" if minimum > 1 else "an annotator"
            remedy = "Lower --minimum" if minimum > 1 else "Add the events, or leave out these recordings"
            raise InputError(f"no label was used by {number} {of}", file=source, remedy=remedy)

    def check_lengths(self) -> None:
        """Warn if lengths are guessed; raise an InputError for a length that is unknown or less than 1 s."""
        remedy = "Pass --recordings with a table of durations, or --audio with the folder of recordings"
        if short := [name for name, seconds in self.lengths.items() if seconds < 1]:
            end = self.lengths[short[0]]
            place = "the last event of recording" if short[0] in self.guessed else "recording"
            problem = f"{place} {short[0]!r} ends at {end:.10g} s"
            if not end:
                problem = f"the length of recording {short[0]!r} is unknown"
            raise InputError(problem, file=self.source, expected="1 s or more", remedy=remedy)
        if self.guessed:
            name = self.guessed[0]
            text = "%s: %d recordings count as long as their last event, such as %r (%.10g s). %s"
            logger.warning(text, self.source, len(self.guessed), name, self.lengths[name], remedy)

    def seconds(self, name: str) -> int:
        """Return the length of a recording, rounded down to whole seconds."""
        return int(self.lengths[name])

    def heard(self, name: str, annotator: str, label: str, onsets: np.ndarray, length: int) -> np.ndarray:
        """Return which spans [onset, onset + length) an annotator's events overlap by more than 0 s: bool [spans]."""
        spans = self.events.get((name, annotator), {}).get(label)
        if spans is None:
            return np.zeros(len(onsets), dtype=bool)
        start, end = np.array(spans).T[:, :, None]
        return ((start < onsets + length) & (end > onsets)).any(axis=0)

    def marked(self, name: str, annotator: str) -> list[Event]:
        """Return the events of an annotator, sorted by onset, then by class."""
        own = self.events.get((name, annotator), {})
        classes = self.asked[self.scenes[name]]
        found = [Event(*span, label) for label, spans in own.items() if label in classes for span in spans]
        return sorted(found, key=lambda event: (event.onset, event.label))


def read_renames(path: Path) -> dict[str, str]:
    """Read new names of labels: old and new name in each line, tab-separated, without a header.

    An empty new name leaves the label out.
    """
    names = {}
    for number, line in enumerate(decode(path).split("\n"), start=1):
        if line.strip():
            fields = [field.strip() for field in line.split("\t")]
            if len(fields) != 2 or not fields[0]:
                expected = "old and new name, tab-separated, with an empty new name for a label to leave out"
                raise InputError(f"{line!r}", file=path, line=number, expected=expected)
            names[fields[0]] = fields[1]
    return names


def _warn(source: Path, rows: list[Row], what: str, remedy: str) -> None:
    """Log how many rows something concerns, the first one as an example, and what to do."""
    if rows:
        line = f", line {rows[0].place.line}" if rows[0].place.line else ""
        example = f"such as {rows[0].label!r} in {rows[0].recording!r} ({rows[0].place.file.name}{line})"
        logger.warning("%s: %d %s, %s. %s", source, len(rows), what, example, remedy)


def _with_audio(rows: list[Row], source: Path, lengths: Lengths | None) -> list[Row]:
    """Leave out recordings whose length is not known, and check the names of the remaining recordings."""
    if not rows:
        raise InputError("no annotations", file=source, expected="one row per event")
    if lengths is not None:
        unknown = [row for row in rows if row.recording not in lengths.seconds]
        rows = [row for row in rows if row.recording in lengths.seconds]
        if not rows:
            problem = f"none of the recordings is in {lengths.source}, such as {unknown[0].recording!r}"
            raise InputError(problem, **unknown[0].place._asdict(), remedy="Check the names of the recordings")
        if unknown:
            names, known = sorted({row.recording for row in unknown}), lengths.source
            text = "%s: %d recordings are not in %s and are left out, such as %r. Check their names"
            logger.warning(text, source, len(names), known, names[0])
    for name, row in {row.recording: row for row in reversed(rows)}.items():
        check_name(name, row.place.file, row.place.line)
    return rows


def _check_spelling(what: str, rows: list[Row]) -> None:
    first: dict[str, Place] = {}
    for row in rows:
        if name := getattr(row, what):
            first.setdefault(name, row.place)
    for name, other in spelled_twice(first):
        line = f", line {first[other].line}" if first[other].line else ""
        problem = f"{what} {name!r} is also spelled {other!r} ({first[other].file}{line})"
        remedy = "Correct the spelling" + (", or pass a table with the new name as --rename" if what == "label" else "")
        raise InputError(problem, **first[name]._asdict(), expected="one spelling", remedy=remedy)


def _scenes(rows: list[Row], source: Path, lengths: Lengths | None, everyone: bool) -> dict[str, str]:
    """Return the scene of each recording: from the annotations, or else from the table of recordings."""
    scenes: dict[str, str] = {}
    for row in rows:
        if scenes.setdefault(row.recording, row.scene) != row.scene:
            problem = (
                f"recording {row.recording!r} is in the scene {row.scene!r}, but in {scenes[row.recording]!r} before"
            )
            raise InputError(problem, **row.place._asdict(), expected="one scene per recording")
    if lengths is not None:
        if lengths.scenes and not any(scenes.values()):
            scenes = {name: lengths.scenes[name] for name in scenes}
        silent = [name for name in lengths.seconds if name not in scenes]
        if silent and everyone:
            first, *others = dict.fromkeys(scenes.values())
            for name in silent:
                if others and name not in lengths.scenes:
                    problem = f"the scene of recording {name!r} is unknown, because it has no annotation"
                    raise InputError(problem, file=source, remedy="Pass --recordings with a column scene")
                scenes[name] = lengths.scenes.get(name, first)
        elif silent:
            text = "%s: %d recordings of %s have no annotation and are left out, such as %r. %s"
            remedy = "If every annotator listened to all recordings, pass --everyone"
            logger.warning(text, source, len(silent), lengths.source, silent[0], remedy)
    return dict(sorted(scenes.items()))


def _with_duration(marks: list[Row], source: Path, points: float) -> list[Row]:
    """Leave out events without duration, or let them last `points` seconds."""
    empty = [row for row in marks if row.onset == row.offset]
    if empty and not points:
        remedy = "If they mark short sounds, pass --points with their length in seconds"
        _warn(source, empty, "events without duration overlap no window and are ignored", remedy)
    lasting = (row._replace(offset=row.onset + points) if row.onset == row.offset else row for row in marks)
    return [row for row in lasting if row.onset < row.offset]


def _compare_numbers(people: dict[str, set[str]], marked: Iterable[tuple[str, str]], annotations: Annotations) -> None:
    """Warn of recordings with fewer annotators than the most, unless the annotations state what silence is."""
    heard_nothing = {(name, who) for name, listeners in people.items() for who in listeners} - set(marked)
    most = max(len(listeners) for listeners in people.values())
    fewer = {name: len(listeners) for name, listeners in people.items() if len(listeners) < most}
    if fewer and not heard_nothing:
        name, number = min(fewer.items(), key=lambda one: one[1])
        logger.warning(
            "%s: %d of %d recordings have fewer annotators than the most (%d), such as %r with %d. If an annotator "
            "listened and heard nothing, %s. If all annotators listened to all recordings, pass --everyone",
            annotations.source,
            len(fewer),
            len(people),
            most,
            name,
            number,
            annotations.silence,
        )
