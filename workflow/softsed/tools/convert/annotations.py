"""Annotations of several people, the form between the reader of each format and the writer.

A reader collects two kinds of rows: an annotator listened to a recording, and an annotator marked an event in it. An
annotator who listened to a recording and marked nothing in it gave an opinion: they heard no class.
"""

import re
from dataclasses import dataclass, field
from math import isnan
from pathlib import Path
from typing import Any, NamedTuple

from softsed.core.errors import InputError, Problems
from softsed.core.metadata import LONGEST_S, seconds_or_milliseconds
from softsed.core.text.files import recording_name
from softsed.core.tsv import read_number

# Tabs and line breaks end a field of the tables that are written, and a quotation mark begins a quoted field.
UNWRITABLE = re.compile(r'[\x00-\x1f]|^"')


class Place(NamedTuple):
    """Place of a row: a line of a file, or a key of a file without lines."""

    file: Path
    line: int | None = None
    key: str | None = None


class Row(NamedTuple):
    """One annotator listened to a recording, and marked an event unless `label` is empty. Times in seconds."""

    place: Place
    recording: str
    annotator: str
    label: str = ""
    onset: float = 0.0
    offset: float = 0.0
    scene: str = ""


@dataclass
class Annotations:
    """What people marked, as a file or folder states it.

    Attributes
    ----------
    source : Path
        File or folder.
    silence : str
        How this format states that an annotator heard nothing, as an instruction: "add a row ...".
    clips : bool
        Labels are tags of whole recordings. Their events last from 0 to infinity.
    rows : list of Row
    lengths : dict of float
        Recording to its length in seconds, if the format contains it.
    problems : Problems
        Rows that cannot be used.
    idle : list of str
        Annotators without any annotation, such as those with an empty folder.
    files : dict of (str, Place)
        Recording to the text that first named it, such as the path of its file, and where.
    named : dict of (str, Path)
        Annotator and recording to the name of the first file of this annotator about it, and the file.
    """

    source: Path
    silence: str
    clips: bool = False
    rows: list[Row] = field(default_factory=list)
    lengths: dict[str, float] = field(default_factory=dict)
    problems: Problems = field(default_factory=Problems)
    idle: list[str] = field(default_factory=list)
    files: dict[str, tuple[str, Place]] = field(default_factory=dict)
    named: dict[tuple[str, str], tuple[str, Path]] = field(default_factory=dict)

    def report(self, kind: str, place: Place, problem: str, **parts: Any) -> None:
        """Add a problem of a row."""
        self.problems.add(kind, InputError(problem, **place._asdict(), **parts))

    def name(self, place: Place, text: str, file: str | None = None) -> str:
        """Return the name of a recording without folders and endings of audio files.

        Two texts that give one name are a problem, since ``a/x.wav`` and ``b/x.wav`` may be two recordings.

        Parameters
        ----------
        text : str
            Name of the recording in the annotations.
        file : str, optional
            Name of its file, if this is not `text`.
        """
        name = recording_name(text if file is None else file)
        first, where = self.files.setdefault(name, (text, place))
        if first != text:
            line = f" in line {where.line}" if where.line else ""
            expected = "one way to name a recording, because folders and endings of audio files do not count"
            self.report("audio", place, f"recording {text!r} is named {first!r}{line}", expected=expected)
        return name

    def listened(self, place: Place, recording: str, annotator: str, *, scene: str = "") -> bool:
        """Add that an annotator listened to a recording; return False if a name cannot be used."""
        for what, name in (("recording", recording), ("annotator", annotator), ("scene", scene)):
            if what != "scene" and not name:
                self.report("names", place, f"no {what}", expected=f"the name of the {what}")
                return False
            if not self._printable(place, what, name):
                return False
        self.rows.append(Row(place, recording, annotator, scene=scene))
        return True

    def marked(
        self,
        place: Place,
        recording: str,
        annotator: str,
        label: str,
        times: tuple[object, object] = (0, float("inf")),
        *,
        scene: str = "",
    ) -> None:
        """Add that an annotator listened to a recording and marked an event in it.

        Parameters
        ----------
        label : str
            Class of the event. Events without a label are problems.
        times : tuple of object
            Onset and offset in seconds, as text or numbers. By default the whole recording.
        """
        if not self.listened(place, recording, annotator, scene=scene) or not self._printable(place, "label", label):
            return
        onset, offset = (read_number(str(time)) for time in times)
        silence = f"f the annotator heard nothing, {self.silence}"
        event = f"from {times[0]!r} to {times[1]!r}"
        if not label:
            what, problem = ("tag", "a tag is empty") if self.clips else ("event", f"no label for the event {event}")
            remedy: str | None = f"Name the class of this {what}, or, i{silence}"
            self.report("labels", place, problem, expected="the name of a class", remedy=remedy)
        elif not (0 <= onset <= offset and (self.clips or offset <= LONGEST_S)):
            longest = f" <= {LONGEST_S}" if max(onset, offset) > LONGEST_S else ""
            expected = f"seconds, 0 <= onset <= offset{longest}"
            remedy = "Swap or correct the times" if onset > offset else seconds_or_milliseconds(max(onset, offset))
            if any("," in str(time) for time in times):
                remedy = "Replace the decimal comma by a point"
            elif isnan(onset) and isnan(offset):
                remedy = f"I{silence}"
            self.report("times", place, f"event {event}", expected=expected, remedy=remedy)
        else:
            self.rows[-1] = Row(place, recording, annotator, label, onset, offset, scene)

    def _printable(self, place: Place, what: str, name: str) -> bool:
        if UNWRITABLE.search(name):
            problem = f"{what} {name!r} contains a tab or a line break, or begins with a quotation mark"
            self.report("names", place, problem, expected="a name in one line without quotation marks around it")
            return False
        return True
