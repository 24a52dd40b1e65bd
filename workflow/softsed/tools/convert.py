"""Opinions from published annotations: strong labels of several annotators, and tags of clips.

Strong labels (`strong`) become opinions on windows: an annotator ticks a class in a window if one of their events of
that class overlaps the window by more than 0 s. A table of events contains neither the annotators who were asked nor
the length of a recording. Therefore:

- The classes annotated in a scene are all labels that any annotator used in the scene. If no annotator knew the full
  vocabulary, this creates negative opinions that nobody meant. `minimum` leaves out labels that few annotators used.
- The annotators of a recording are those with a row in it. An annotator without any event cannot be seen.
- A recording lasts until its last event ends, rounded down to whole seconds. Any audio after it is lost.

Tags of clips (`sonyc`) follow SONYC-UST (Cartwright et al., DCASE 2020; Zenodo 3966543): one row per clip and
annotator, a column ``CLASS_presence`` of 1, 0 or -1 (not annotated), clips of 10 s. Positive annotator numbers are
volunteers, the crowd. Negative numbers are members of the SONYC team, and 0 is what the team agreed upon. Only the
crowd is converted, because team members annotated one group of classes at a time.
"""

import argparse
import csv
import logging
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from softsed.core.errors import InputError
from softsed.core.event_text import write_events
from softsed.core.labels import to_events
from softsed.core.metadata import LONGEST_S, check_name, is_valid_name, seconds_or_milliseconds
from softsed.core.opinions import OPINION_COLUMNS
from softsed.core.options import build_parser
from softsed.core.tsv import atomic_write, read_lines, read_number

CLIP_S = 10  # seconds, every clip of SONYC-UST
LEVELS = {"coarse": re.compile(r"(\d+_.+)_presence"), "fine": re.compile(r"(\d+-[0-9X]+_.+)_presence")}
HEADER = "\t".join(OPINION_COLUMNS)

logger = logging.getLogger(__name__)


class Strong:
    """Strong labels: scene, annotators and length of each recording, and the classes annotated in each scene.

    Attributes
    ----------
    scenes : dict of str
        Recording to its scene, sorted by recording.
    annotators : dict of list of str
        Recording to the annotators with a row in it, sorted.
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
            With file and line: an onset or offset that is not a number of seconds, an offset before the onset, an
            empty name, a recording in two scenes. Also for a recording shorter than 1 s or a scene without classes.
        """
        rows = read_lines(path, ("recording", "scene", "annotator", "onset", "offset", "label"))
        if not rows:
            raise InputError("no events", file=path, expected="one row per event")
        scenes: dict[str, str] = {}
        annotators, users, events = defaultdict(set), defaultdict(set), defaultdict(list)
        ends: dict[str, float] = defaultdict(float)
        empty = 0
        for line, row in rows:
            name, scene, annotator, label = (row[key] for key in ("recording", "scene", "annotator", "label"))
            if not all((name, scene, annotator, label)):
                problem = f"an empty field in {row}"
                expected = "recording, scene, annotator and label with a name"
                raise InputError(problem, file=path, line=line, expected=expected)
            check_name(name, path, line)
            onset, offset = read_number(row["onset"]), read_number(row["offset"])
            if not 0 <= onset <= offset <= LONGEST_S:
                raise InputError(
                    f"event from {row['onset']!r} to {row['offset']!r}",
                    file=path,
                    line=line,
                    expected=f"seconds, 0 <= onset <= offset <= {LONGEST_S}",
                    remedy=seconds_or_milliseconds(max(onset, offset)),
                )
            if scenes.setdefault(name, scene) != scene:
                problem = f"recording {name!r} is in the scene {scene!r}, but in {scenes[name]!r} before"
                raise InputError(problem, file=path, line=line, expected="one scene per recording")
            empty += onset == offset
            annotators[name].add(annotator)
            users[scene, label].add(annotator)
            ends[name] = max(ends[name], offset)
            events[name, annotator, label].append((onset, offset))
        if empty:
            logger.warning("%s: %d events without duration overlap no window and are ignored", path, empty)
        self.scenes = dict(sorted(scenes.items()))
        self.annotators = {name: sorted(annotators[name]) for name in self.scenes}
        self.seconds = {name: int(ends[name]) for name in self.scenes}
        if short := [name for name, seconds in self.seconds.items() if seconds < 1]:
            problem = f"the last event of recording {short[0]!r} ends at {ends[short[0]]} s"
            raise InputError(problem, file=path, expected="1 s or more")
        self.asked = {
            scene: sorted(label for used, label in users if used == scene and len(users[used, label]) >= minimum)
            for scene in dict.fromkeys(self.scenes.values())
        }
        if bare := [scene for scene, labels in self.asked.items() if not labels]:
            problem = f"no label was used by {minimum} annotators in the scene {bare[0]!r}"
            raise InputError(problem, file=path, remedy="Lower --minimum")
        self.events = {key: np.array(spans) for key, spans in events.items()}

    def heard(self, name: str, annotator: str, label: str, onsets: np.ndarray, length: int) -> np.ndarray:
        """Return which spans [onset, onset + length) an annotator's events overlap by more than 0 s: bool [spans]."""
        spans = self.events.get((name, annotator, label), np.empty((0, 2)))
        start, end = spans[spans[:, 0] < spans[:, 1]].T[:, :, None]
        return ((start < onsets + length) & (end > onsets)).any(axis=0)

    def opinions(self, *, window: int, hop: int) -> Iterable[str]:
        """Yield the header and rows of the opinions.

        Windows start every `hop` seconds from 0. The last window ends with the recording, so that every second has a
        window. A recording shorter than a window is one window.
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
        """Return the seconds in which more than half of a recording's annotators have an event of the class.

        A second counts for an annotator if one of their events touches it, as in `softsed.core.labels.rasterise`:
        boundaries grow to whole seconds, short events to one or two seconds.

        Returns
        -------
        ndarray of bool [seconds, classes annotated in the scene]
        """
        onsets = np.arange(self.seconds[name])
        people, labels = self.annotators[name], self.asked[self.scenes[name]]
        votes = [sum(self.heard(name, who, label, onsets, 1).astype(int) for who in people) for label in labels]
        return np.column_stack(votes) * 2 > len(people)


def _sonyc_classes(path: Path, header: Sequence[str], level: str) -> dict[str, str]:
    """Return the columns of a level in the header of SONYC-UST, and their classes."""
    classes = {column: match[1] for column in header if (match := LEVELS[level].fullmatch(column))}
    missing = [column for column in ("audio_filename", "annotator_id") if column not in header]
    if missing or not classes:
        missing += [] if classes else [f"CLASS_presence of the {level} level"]
        raise InputError(f"no column {missing} among {header}", file=path, line=1)
    if bad := sorted(name for name, times in Counter(header).items() if (name and times > 1) or not name.isprintable()):
        problem = f"the columns {bad} are listed twice or are not printable"
        raise InputError(problem, file=path, line=1, expected="each name once")
    return classes


def read_sonyc(path: Path, level: str) -> Iterable[str]:
    """Yield the header and rows of the opinions of the volunteers in an ``annotations.csv`` of SONYC-UST.

    Parameters
    ----------
    level : {"coarse", "fine"}
        Presence columns that become classes, by name: ``1_engine`` or ``1-1_small-sounding-engine``. The fine level has
        an ``X`` per group, such as ``1-X_engine-of-uncertain-size``. Volunteers were asked about it, so it is a class
        like the others. It means that a fine class of the group may be present without a tick.

    Raises
    ------
    InputError
        With file and line: a missing column, a value other than 1, 0 or -1, an annotator that is not a whole number,
        or a volunteer with a class that was not annotated (-1). Also for a file without volunteers.
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
                where: dict[str, Any]
                where, who, clip = {"file": path, "line": reader.line_num}, row["annotator_id"], row["audio_filename"]
                if None in row or None in row.values():
                    raise InputError("too many or too few fields", **where, expected=f"{len(header)}, comma-separated")
                if not re.fullmatch(r"-?[0-9]+", who):
                    raise InputError(f"annotator_id is {who!r}", **where, expected="a whole number")
                if not is_valid_name(Path(clip).stem):
                    raise InputError(f"audio_filename is {clip!r}", **where, expected="a name such as 01_000006.wav")
                if who[0] == "-" or not who.strip("0"):
                    continue
                if (clip, who) in seen:
                    repeated += 1
                    continue
                seen.add((clip, who))
                found += 1
                for column, name in classes.items():
                    if row[column] not in ("0", "1"):
                        raise InputError(f"{column} is {row[column]!r}", **where, expected="1 or 0 from a volunteer")
                    yield f"{Path(clip).stem}\t0\t{CLIP_S}\t{who}\t{name}\t{row[column]}\n"
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"cannot be read as a comma-separated table: {error}", file=path) from error
    if not found:
        raise InputError("no volunteers", file=path, expected="rows with an annotator_id above 0")
    if repeated:
        logger.warning("%s: %d rows repeat clip and annotator. The first row of each is used", path, repeated)


def convert_strong(options: argparse.Namespace) -> None:
    """Write the opinions of events of several annotators, and the hard labels of their majority if requested."""
    if not 1 <= options.hop <= options.window:
        problem = f"window {options.window} s, hop {options.hop} s"
        raise InputError(problem, key="--hop", expected="1 <= hop <= window")
    labels = Strong(options.annotations, minimum=options.minimum)
    atomic_write(options.opinions, "".join(labels.opinions(window=options.window, hop=options.hop)))
    if options.majority:
        options.majority.mkdir(parents=True, exist_ok=True)
        for name, scene in labels.scenes.items():
            events = to_events(labels.majority(name), labels.asked[scene])
            write_events(options.majority / f"{name}.txt", events)


def convert_sonyc(options: argparse.Namespace) -> None:
    """Write the opinions of the volunteers of SONYC-UST."""
    atomic_write(options.opinions, "".join(read_sonyc(options.annotations, options.level)))


def main(argv: list[str] | None = None) -> None:
    """Convert annotations of several annotators to a table of opinions."""
    parser = build_parser(
        "convert", main, example="strong --annotations mydata/annotations.tsv --opinions mydata/opinions.tsv"
    )
    commands = parser.add_subparsers(dest="command", required=True)
    strong = commands.add_parser("strong", help="convert events of several annotators to opinions on windows")
    strong.add_argument("--window", type=int, default=10, help="length of a window, seconds (default: 10)")
    strong.add_argument(
        "--hop", type=int, default=1, help="time between the starts of two windows, seconds (default: 1)"
    )
    strong.add_argument(
        "--minimum",
        type=int,
        default=1,
        help="leave out labels that fewer annotators used in a scene (default: 1)",
    )
    strong.add_argument("--majority", type=Path, help="folder to write the hard labels of the majority into")
    sonyc = commands.add_parser("sonyc", help="convert the volunteers' tags of SONYC-UST to opinions on clips")
    sonyc.add_argument("--level", choices=sorted(LEVELS), required=True, help="level of the classes")
    for command, columns in ((strong, "recording, scene, annotator, onset, offset, label"), (sonyc, "annotations.csv")):
        command.add_argument("--annotations", type=Path, required=True, help=f"table to convert ({columns})")
        command.add_argument("--opinions", type=Path, required=True, help="table of opinions to write")
    options = parser.parse_args(argv)
    {"strong": convert_strong, "sonyc": convert_sonyc}[options.command](options)
