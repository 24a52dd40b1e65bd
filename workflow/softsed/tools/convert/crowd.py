"""What a crowd marked, arranged for the writer: people, length, scene and classes of each recording, and its events."""

import difflib
import logging
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from softsed.core.errors import InputError, Problems, count
from softsed.core.label_rows import Event
from softsed.core.metadata import check_name
from softsed.core.tsv import read_fields
from softsed.tools.convert.annotations import Annotations, Row
from softsed.tools.convert.checks import check_ends, check_spelling, compare_numbers, warn_late, warn_rows, without_late
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
    late : list of Row
        Events of recordings in `guessed` that overlap no whole second of their recording.
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
        rows = _renamed(annotations.rows, source, rename or {})
        known = annotations.lengths if lengths is None else lengths.seconds
        check_spelling(rows, lengths)
        rows = _with_audio(rows, source, lengths)
        if not self.clips:
            check_ends([row for row in rows if row.label], known, source)
        self.scenes = _scenes(rows, source, lengths, everyone)
        people: dict[str, set[str]] = {name: set() for name in self.scenes}
        for row in rows:
            people[row.recording].add(row.annotator)
        marks = _with_duration([row for row in rows if row.label], source, points)
        if everyone:
            people = dict.fromkeys(people, set(annotations.idle).union(*people.values()))
        else:
            compare_numbers(people, annotations)
        self.annotators = {name: sorted(who) for name, who in people.items()}
        ends = dict.fromkeys(self.scenes, 0.0)
        for row in [] if self.clips else marks:
            ends[row.recording] = max(ends[row.recording], row.offset)
        self.lengths = {name: known.get(name, end) for name, end in ends.items()}
        self.guessed = [name for name in ends if name not in known]
        users: dict[tuple[str, str], set[str]] = defaultdict(set)
        self.events: dict[tuple[str, str], dict[str, list[tuple[float, float]]]] = {}
        for row in marks:
            users[self.scenes[row.recording], row.label].add(row.annotator)
        late = [] if self.clips else [row for row in marks if row.onset >= self.seconds(row.recording)]
        self.late = [row for row in late if row.recording in self.guessed]
        if not self.clips:
            marks = without_late(marks, known, source)
        for row in marks:
            own = self.events.setdefault((row.recording, row.annotator), {})
            own.setdefault(row.label, []).append((row.onset, min(row.offset, self.lengths[row.recording])))
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
        """Warn if lengths are guessed, and of events without a whole second there.

        Raises
        ------
        InputError
            For a length that is unknown or less than 1 s.
        """
        remedy = "Pass --recordings with a table of durations, or --audio with the folder of recordings"
        if short := [name for name, seconds in self.lengths.items() if seconds < 1]:
            end = self.lengths[short[0]]
            place = "the last event of recording" if short[0] in self.guessed else "recording"
            problem = f"{place} {short[0]!r} ends at {end:.10g} s"
            if not end:
                problem = f"the length of recording {short[0]!r} is unknown"
            raise InputError(problem, file=self.source, expected="1 s or more", remedy=remedy)
        if self.guessed:
            name, what = self.guessed[0], count(len(self.guessed), "recording ends", "recordings end")
            text = "%s: %s with the last event, such as %r (%.10g s). %s"
            logger.warning(text, self.source, what, name, self.lengths[name], remedy)
            warn_late(self.late, self.lengths, self.source)

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
    """Read new names of labels: the columns old and new, with or without a header.

    An empty new name leaves the label out.
    """
    problems, expected = Problems(), "old and new name, with an empty new name for a label to leave out"
    (olds, news), lines = read_fields(path, ("old", "new"), problems, header=False, bare=False)
    names: dict[str, str] = {}
    for old, new, line in zip(olds, news, lines, strict=True):
        if not old or names.setdefault(old, new) != new:
            problem = f"{old!r} is renamed {new!r}" + (f", but {names[old]!r} in a row above" if old else "")
            problems.add("names", InputError(problem, file=path, line=line, expected=expected))
    problems.raise_all(f"in {path}", alone=True)
    return names


def _renamed(rows: list[Row], source: Path, rename: Mapping[str, str]) -> list[Row]:
    """Rename labels, and warn of old names that are not a label."""
    labels = {row.label for row in rows}
    if unused := [old for old in rename if old not in labels]:
        what = count(len(unused), "old name of --rename is", "old names of --rename are")
        logger.warning("%s: %s not among the labels, such as %r. Check the spelling", source, what, unused[0])
    return [row._replace(label=rename.get(row.label, row.label)) for row in rows]


def _with_audio(rows: list[Row], source: Path, lengths: Lengths | None) -> list[Row]:
    """Leave out recordings whose length is not known, and check the names of the remaining recordings."""
    if not rows:
        raise InputError("no annotations", file=source, expected="one row per event")
    if lengths is not None:
        unknown = [row for row in rows if row.recording not in lengths.seconds]
        rows = [row for row in rows if row.recording in lengths.seconds]
        if not rows:
            problem = f"none of the recordings is in {lengths.source}, such as {unknown[0].recording!r}"
            expected = "ANNOTATOR/RECORDING, one folder per annotator" if source.is_dir() else None
            remedy = "Check the names of the recordings"
            raise InputError(problem, **unknown[0].place._asdict(), expected=expected, remedy=remedy)
        if unknown:
            names, known = sorted({row.recording for row in unknown}), lengths.source
            what = count(len(names), f"recording is not in {known} and is", f"recordings are not in {known} and are")
            near = difflib.get_close_matches(names[0], lengths.seconds, n=1)
            similar = f" (similar: {near[0]!r})" if near else ""
            logger.warning("%s: %s left out, such as %r%s. Check the names", source, what, names[0], similar)
    for name, row in {row.recording: row for row in reversed(rows)}.items():
        check_name(name, row.place.file, row.place.line)
    return rows


def _scenes(rows: list[Row], source: Path, lengths: Lengths | None, everyone: bool) -> dict[str, str]:
    """Return the scene of each recording: from the annotations, or else from the table of recordings."""
    scenes: dict[str, str] = {}
    for row in rows:
        if scenes.setdefault(row.recording, row.scene) != row.scene:
            problem = (
                f"recording {row.recording!r} is in the scene {row.scene!r}, but in {scenes[row.recording]!r} above"
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
            of = f"of {lengths.source}"
            what = count(
                len(silent), f"recording {of} has no annotation and is", f"recordings {of} have no annotation and are"
            )
            remedy = "If every annotator listened to all recordings, pass --everyone"
            logger.warning("%s: %s left out, such as %r. %s", source, what, silent[0], remedy)
    return dict(sorted(scenes.items()))


def _with_duration(marks: list[Row], source: Path, points: float) -> list[Row]:
    """Leave out events without duration, or let them last `points` seconds."""
    empty = [row for row in marks if row.onset == row.offset]
    if empty and not points:
        remedy = "If such labels mark short sounds, pass --points with a length in seconds"
        what = "event without duration overlaps no window and is", "events without duration overlap no window and are"
        warn_rows(source, empty, f"{count(len(empty), *what)} ignored", remedy)
    lasting = (row._replace(offset=row.onset + points) if row.onset == row.offset else row for row in marks)
    return [row for row in lasting if row.onset < row.offset]
