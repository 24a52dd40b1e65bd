"""Opinions out of what others publish: strong labels of several annotators, and tags of clips.

Strong labels (`strong`) become opinions on windows: an annotator ticks a class in a window if an event of his of that
class overlaps the window by more than 0 s. A table of events does not say who was asked or how long a recording is, so:

- The classes asked in a scene are all labels that anybody used in the scene. A vocabulary that nobody had in full turns
  into noes that nobody meant; `minimum` leaves out the labels of few.
- The annotators of a recording are those with a row in it. One who heard nothing at all cannot be seen.
- A recording lasts until its last event ends, rounded down to whole seconds; what follows is lost.

Tags of clips (`sonyc`) follow SONYC-UST (Cartwright et al., DCASE 2020; Zenodo 3966543): one row a clip and annotator,
a column ``CLASS_presence`` of 1, 0 or -1 (not annotated), clips of 10 s. Positive annotator numbers are volunteers, the
crowd; negative ones are members of the SONYC team, 0 is what the team agreed upon. Only the crowd is taken over: the
others are no opinions of a crowd, and team members answered one group of classes at a time.
"""

import argparse
import csv
import logging
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from softsed.core.errors import InputError
from softsed.core.event_text import write_events
from softsed.core.labels import to_events
from softsed.core.metadata import LONGEST_S, OPINION_COLUMNS, doubt
from softsed.core.tsv import atomic_write, read_lines, read_number
from softsed.data.infer_tables import NAME, check_name

CLIP_S = 10  # seconds, every clip of SONYC-UST
LEVELS = {"coarse": re.compile(r"(\d+_.+)_presence"), "fine": re.compile(r"(\d+-[0-9X]+_.+)_presence")}
HEADER = "\t".join(OPINION_COLUMNS)

logger = logging.getLogger(__name__)


class Strong:
    """Strong labels, with the scene, annotators and length of every recording and the classes asked in every scene.

    Attributes
    ----------
    scenes : dict of str
        Recording to its scene, sorted by recording.
    annotators : dict of list of str
        Recording to those with a row in it, sorted.
    seconds : dict of int
        Recording to its last offset, rounded down.
    asked : dict of list of str
        Scene to its classes, sorted.
    events : dict of ndarray [events, 2]
        (recording, annotator, class) to onsets and offsets in seconds.
    """

    def __init__(self, path: Path, *, minimum: int = 1) -> None:
        """Read a table with the columns recording, scene, annotator, onset, offset, label.

        Raises
        ------
        InputError
            With file and line: an onset or offset that is no number of seconds, an offset before the onset, an empty
            name, a recording in two scenes; also for a recording shorter than a second or a scene without classes.
        """
        rows = read_lines(path, ("recording", "scene", "annotator", "onset", "offset", "label"))
        if not rows:
            raise InputError(f"{path}: no event; expected one row an event")
        scenes: dict[str, str] = {}
        annotators, users, ends = defaultdict(set), defaultdict(set), defaultdict(float)
        events = defaultdict(list)
        empty = 0
        for line, row in rows:
            name, scene, annotator, label = (row[key] for key in ("recording", "scene", "annotator", "label"))
            if not all((name, scene, annotator, label)):
                raise InputError(f"{path}, line {line}: recording, scene, annotator and label need a name, got {row}")
            check_name(name, f"{path}, line {line}")
            onset, offset = read_number(row["onset"]), read_number(row["offset"])
            if not 0 <= onset <= offset <= LONGEST_S:
                raise InputError(
                    f"{path}, line {line}: event from {row['onset']!r} to {row['offset']!r}, expected seconds, "
                    f"0 <= onset <= offset <= {LONGEST_S}{doubt(max(onset, offset))}"
                )
            if scenes.setdefault(name, scene) != scene:
                raise InputError(f"{path}, line {line}: {name!r} is in {scene!r}, but in {scenes[name]!r} before")
            empty += onset == offset
            annotators[name].add(annotator)
            users[scene, label].add(annotator)
            ends[name] = max(ends[name], offset)
            events[name, annotator, label].append((onset, offset))
        if empty:
            logger.warning("%s: %d events without duration overlap nothing and count as not heard", path, empty)
        self.scenes = dict(sorted(scenes.items()))
        self.annotators = {name: sorted(annotators[name]) for name in self.scenes}
        self.seconds = {name: int(ends[name]) for name in self.scenes}
        if short := [name for name, seconds in self.seconds.items() if seconds < 1]:
            raise InputError(f"{path}: {short[0]}: the last event ends at {ends[short[0]]} s, expected 1 s or more")
        self.asked = {
            scene: sorted(label for used, label in users if used == scene and len(users[used, label]) >= minimum)
            for scene in dict.fromkeys(self.scenes.values())
        }
        if bare := [scene for scene, labels in self.asked.items() if not labels]:
            raise InputError(f"{path}: no label was used by {minimum} annotators in the scene {bare[0]!r}")
        self.events = {key: np.array(spans) for key, spans in events.items()}

    def heard(self, name: str, annotator: str, label: str, onsets: np.ndarray, length: int) -> np.ndarray:
        """Tell which spans [onset, onset + length) an annotator's events overlap by more than 0 s: bool [spans]."""
        spans = self.events.get((name, annotator, label), np.empty((0, 2)))
        start, end = spans[spans[:, 0] < spans[:, 1]].T[:, :, None]
        return ((start < onsets + length) & (end > onsets)).any(axis=0)

    def opinions(self, *, window: int, hop: int) -> Iterable[str]:
        """Yield the header and rows of the opinions.

        Windows start every `hop` seconds from 0, and one ends with the recording, so that no second is without a
        window; a recording shorter than a window is one window.
        """
        yield f"{HEADER}\tscene\n"
        for name, scene in self.scenes.items():
            length = min(window, self.seconds[name])
            last = self.seconds[name] - length
            onsets = np.append(np.arange(0, last, hop), last)
            for annotator in self.annotators[name]:
                for label in self.asked[scene]:
                    for onset, heard in zip(onsets, self.heard(name, annotator, label, onsets, length), strict=True):
                        yield f"{name}\t{onset}\t{onset + length}\t{annotator}\t{label}\t{heard:d}\t{scene}\n"

    def majority(self, name: str) -> np.ndarray:
        """Tell in which seconds more than half of a recording's annotators have an event of the class.

        A second counts for an annotator as soon as one of his events touches it, as in `labels.rasterise`: boundaries
        grow to whole seconds, short events to one or two.

        Returns
        -------
        ndarray of bool [seconds, classes asked in the scene]
        """
        onsets = np.arange(self.seconds[name])
        people, labels = self.annotators[name], self.asked[self.scenes[name]]
        votes = [sum(self.heard(name, who, label, onsets, 1).astype(int) for who in people) for label in labels]
        return np.column_stack(votes) * 2 > len(people)


def _sonyc_classes(path: Path, header: list[str], level: str) -> dict[str, str]:
    """Read the columns of a level and their classes off the header of SONYC-UST."""
    classes = {column: match[1] for column in header if (match := LEVELS[level].fullmatch(column))}
    missing = [column for column in ("audio_filename", "annotator_id") if column not in header]
    if missing or not classes:
        missing += [] if classes else [f"ending in _presence of the {level} level"]
        raise InputError(f"{path}, line 1: no column {missing}; found {header}")
    if bad := sorted(name for name, times in Counter(header).items() if (name and times > 1) or not name.isprintable()):
        raise InputError(f"{path}, line 1: the columns {bad} are there twice, or cannot be names; correct them")
    return classes


def read_sonyc(path: Path, level: str) -> Iterable[str]:
    """Yield the header and rows of the opinions of the volunteers in an ``annotations.csv`` of SONYC-UST.

    Parameters
    ----------
    level : {"coarse", "fine"}
        Which presence columns become classes, by name: ``1_engine`` or ``1-1_small-sounding-engine``. The fine level
        has an ``X`` a group, such as ``1-X_engine-of-uncertain-size``: volunteers were asked about it, so that it is
        a class like the others, which says that a fine class of the group may have been heard and not been ticked.

    Raises
    ------
    InputError
        With file and line: a missing column, a value other than 1, 0 or -1, an annotator that is no whole number, a
        volunteer with a class that was not annotated (-1). Also for a file without volunteers.
    """
    yield f"{HEADER}\n"
    found = repeated = 0
    seen: set[tuple[str, str]] = set()
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            header = reader.fieldnames or []
            classes = _sonyc_classes(path, header, level)
            for row in reader:
                where, who, clip = f"{path}, line {reader.line_num}", row["annotator_id"], row["audio_filename"]
                if None in row or None in row.values():
                    raise InputError(f"{where}: expected {len(header)} comma-separated fields")
                if not re.fullmatch(r"-?[0-9]+", who):
                    raise InputError(f"{where}: annotator_id is {who!r}, expected a whole number")
                if not NAME.fullmatch(Path(clip).stem):
                    raise InputError(f"{where}: audio_filename is {clip!r}, expected a name such as 01_000006.wav")
                if who[0] == "-" or not who.strip("0"):
                    continue
                if (clip, who) in seen:
                    repeated += 1
                    continue
                seen.add((clip, who))
                found += 1
                for column, name in classes.items():
                    if row[column] not in ("0", "1"):
                        raise InputError(f"{where}: {column} is {row[column]!r}, expected 1 or 0 from a volunteer")
                    yield f"{Path(clip).stem}\t0\t{CLIP_S}\t{who}\t{name}\t{row[column]}\n"
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read as a comma-separated table: {error}") from error
    if not found:
        raise InputError(f"{path}: no volunteer; expected rows with an annotator_id above 0")
    if repeated:
        logger.warning("%s: %d rows repeat clip and annotator; the first row of each was taken", path, repeated)


def main(argv: list[str] | None = None) -> None:
    """Convert labels of several annotators to a table of opinions."""
    parser = argparse.ArgumentParser(prog="softsed convert", description=main.__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    strong = commands.add_parser("strong", help="events of several annotators -> opinions on windows")
    strong.add_argument("--window", type=int, default=10, help="length of a window, seconds (default 10)")
    strong.add_argument("--hop", type=int, default=1, help="from one window to the next, seconds (default 1)")
    strong.add_argument("--minimum", type=int, default=1, help="leave out labels that fewer annotators used in a scene")
    strong.add_argument("--majority", type=Path, help="folder of the hard labels of the majority, written")
    sonyc = commands.add_parser("sonyc", help="tags of the volunteers of SONYC-UST -> opinions on clips")
    sonyc.add_argument("--level", choices=sorted(LEVELS), required=True, help="which classes")
    for command in (strong, sonyc):
        command.add_argument("--annotations", type=Path, required=True, help="table to convert")
        command.add_argument("--opinions", type=Path, required=True, help="table of opinions, written")
    options = parser.parse_args(argv)
    if options.command == "sonyc":
        rows = read_sonyc(options.annotations, options.level)
    else:
        if not 1 <= options.hop <= options.window:
            raise InputError(f"window {options.window} s, hop {options.hop} s: expected 1 <= hop <= window")
        labels = Strong(options.annotations, minimum=options.minimum)
        rows = labels.opinions(window=options.window, hop=options.hop)
    atomic_write(options.opinions, "".join(rows))
    if options.command == "strong" and options.majority:
        options.majority.mkdir(parents=True, exist_ok=True)
        for name, scene in labels.scenes.items():
            events = to_events(labels.majority(name), labels.asked[scene])
            write_events(options.majority / f"{name}.txt", events)
