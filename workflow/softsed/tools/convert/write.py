"""Write the annotations of a crowd: opinions on windows, and the hard labels of the majority.

An annotator ticks a class in a window if one of their events of that class overlaps the window by more than 0 s. The
classes annotated in a scene are all labels that any annotator used in the scene. If no annotator knew the full
vocabulary, this creates negative opinions that nobody meant.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from softsed.core.event_text import write_events
from softsed.core.label_rows import Event
from softsed.core.labels import to_events, write_hard
from softsed.core.opinions import OPINION_COLUMNS
from softsed.core.tsv import atomic_write
from softsed.tools.convert.crowd import Crowd


def opinions(crowd: Crowd, *, window: int, hop: int) -> Iterable[str]:
    """Yield the header and rows of the opinions; the column scene only if scenes are known.

    Windows start every `hop` seconds from 0. The last window ends with the last whole second of the recording, so that
    every second has a window. A recording shorter than a window is one window, and so is a recording with tags.

    Raises
    ------
    InputError
        If a recording has no length, or is shorter than 1 s.
    """
    crowd.check_lengths()
    has_scenes = any(crowd.scenes.values())
    yield "\t".join((*OPINION_COLUMNS, "scene") if has_scenes else OPINION_COLUMNS) + "\n"
    for name, scene in crowd.scenes.items():
        seconds = crowd.seconds(name)
        length = seconds if crowd.clips else min(window, seconds)
        last = seconds - length
        onsets = np.append(np.arange(0, last, hop), last)
        end = f"\t{scene}\n" if has_scenes else "\n"
        for annotator in crowd.annotators[name]:
            for label in crowd.asked[scene]:
                for onset, heard in zip(onsets, crowd.heard(name, annotator, label, onsets, length), strict=True):
                    yield f"{name}\t{onset}\t{onset + length}\t{annotator}\t{label}\t{heard:d}{end}"


def majority(crowd: Crowd, name: str) -> np.ndarray:
    """Return the seconds in which more than half of a recording's annotators have an event of the class.

    A second counts for an annotator if one of their events touches it, as in `softsed.core.labels.rasterise`:
    boundaries grow to whole seconds, short events to one or two seconds.

    Returns
    -------
    ndarray of bool [seconds, classes annotated in the scene]
    """
    onsets = np.arange(crowd.seconds(name))
    people, labels = crowd.annotators[name], crowd.asked[crowd.scenes[name]]
    votes = [sum(crowd.heard(name, who, label, onsets, 1).astype(int) for who in people) for label in labels]
    return np.column_stack(votes) * 2 > len(people)


def hard_labels(crowd: Crowd, name: str) -> list[Event]:
    """Return the hard labels of a recording: the events of its only annotator, or the seconds of the majority."""
    people = crowd.annotators[name]
    if len(people) == 1:
        return crowd.marked(name, people[0])
    return to_events(majority(crowd, name), crowd.asked[crowd.scenes[name]])


def write_labels(path: Path, crowd: Crowd) -> set[str]:
    """Write hard labels, and return their classes.

    A path that ends in .tsv becomes one table, any other path a folder with one RECORDING.txt per recording.
    """
    if crowd.clips:
        crowd.check_lengths()
    labels = {name: hard_labels(crowd, name) for name in crowd.scenes}
    if path.suffix == ".tsv":
        write_hard(path, labels)
    else:
        path.mkdir(parents=True, exist_ok=True)
        for name, events in labels.items():
            write_events(path / f"{name}.txt", events)
    return {label for events in labels.values() for _, _, label in events}


def write_opinions(path: Path, rows: Iterable[str]) -> None:
    """Write a table of opinions whole or not at all."""
    atomic_write(path, "".join(rows))
