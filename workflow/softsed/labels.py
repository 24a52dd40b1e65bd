"""Soft and hard labels as matrices and events, and the step from one to the other.

Conventions
-----------
- A label matrix is a float array [seconds, classes]: row t is the second from t to t + 1, columns follow
  ``classes.tsv``, values are activity levels in 0..1. A column of nan is a class that annotators were not asked
  about in the scene; 0 is a class that was asked and that nobody reported.
- How they are written is in `labelfiles`.
"""

import argparse
from pathlib import Path

import numpy as np

from softsed.classes import read_asked, read_classes, read_recordings
from softsed.errors import InputError
from softsed.labelfiles import Event, read_hard, read_published, read_soft, write_hard, write_soft
from softsed.thresholds import EXPECTED_F1, expected_f1


def harden(soft: np.ndarray, threshold: float | np.ndarray) -> np.ndarray:
    """Binarise activity levels: active where strictly above the threshold (Sec. 2.1).

    Parameters
    ----------
    soft : ndarray [seconds, classes]
        Activity levels; nan (not asked) is never active.
    threshold : float or ndarray [classes]
        One threshold, or one a class; nan as a threshold (no positive value in the training data) detects nothing.

    Returns
    -------
    ndarray of bool [seconds, classes]
    """
    return np.greater(soft, threshold)


def to_events(active: np.ndarray, classes: list[str]) -> list[Event]:
    """Merge contiguous active seconds of each class into events.

    Parameters
    ----------
    active : ndarray of bool [seconds, classes]

    Returns
    -------
    list of Event
        Sorted by onset, then by the order of `classes`; empty when nothing is active.
    """
    edges = np.diff(np.pad(active.astype(np.int8), ((1, 1), (0, 0))), axis=0)
    events = []
    for column, name in enumerate(classes):
        onsets, offsets = (np.flatnonzero(edges[:, column] == step).tolist() for step in (1, -1))
        events += [Event(onset, offset, name) for onset, offset in zip(onsets, offsets, strict=True)]
    return sorted(events, key=lambda event: event.onset)  # stable: classes stay in order


def rasterise(events: list[Event], classes: list[str], seconds: int) -> np.ndarray:
    """Mark the seconds that events touch: onset rounded down, offset rounded up, as sed_eval does.

    Returns
    -------
    ndarray of bool [seconds, classes]
        What lies beyond `seconds` is left out.
    """
    active = np.zeros((seconds, len(classes)), dtype=bool)
    for event in events:
        active[int(np.floor(event.onset)) : int(np.ceil(event.offset)), classes.index(event.label)] = True
    return active


def choose_thresholds(threshold: str, values: list[np.ndarray], classes: list[str]) -> np.ndarray:
    """Read a threshold for every class, or find one a class by `expected_f1`, to 6 decimals as soft labels have.

    Returns
    -------
    ndarray [classes]
        An InputError for text that is neither a number nor "expected_f1".
    """
    if threshold == EXPECTED_F1:
        return np.round(expected_f1(values), 6)
    try:
        return np.full(len(classes), float(threshold))
    except ValueError as error:
        raise InputError(f"threshold {threshold!r}: expected a number or {EXPECTED_F1!r}") from error


def read_active(path: Path, soft: dict[str, np.ndarray], classes: list[str]) -> dict[str, np.ndarray]:
    """Read the hard labels of the recordings that have soft ones.

    Parameters
    ----------
    path : Path
        Hard table.
    soft : dict of ndarray [seconds, classes]
        Their soft labels, which tell how long they are.

    Returns
    -------
    dict of ndarray of bool [seconds, classes]
    """
    events = read_hard(path, classes, list(soft))
    return {name: rasterise(events[name], classes, len(values)) for name, values in soft.items()}


def main(argv: list[str] | None = None) -> None:
    """Adopt published soft labels, or turn soft labels into hard ones."""
    parser = argparse.ArgumentParser(prog="softsed labels", description=main.__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    adopt = commands.add_parser("adopt", help="published soft labels -> soft labels with every zero written out")
    adopt.add_argument("--published", type=Path, required=True, help="folder of RECORDING.txt as published")
    adopt.add_argument("--scenes", type=Path, required=True, help="table of the classes asked in each scene")
    harden_ = commands.add_parser("harden", help="soft labels -> hard labels: active above a threshold, merged")
    harden_.add_argument("--threshold", required=True, help=f"activity level, 0.5 in Sec. 2.1, or {EXPECTED_F1}")
    harden_.add_argument("--hard", type=Path, required=True, help="hard labels, written")
    harden_.add_argument("--thresholds", type=Path, required=True, help="table of class and threshold, written")
    for command in (adopt, harden_):
        command.add_argument("--recordings", type=Path, required=True, help="table of recordings")
        command.add_argument("--soft", type=Path, required=True, help="soft labels")
        command.add_argument("--classes", type=Path, required=True, help="table of classes")
    options = parser.parse_args(argv)
    classes = read_classes(options.classes)
    if options.command == "adopt":
        recordings, scenes = read_asked(options.recordings, options.scenes, classes)
        soft = {
            name: read_published(
                options.published / f"{name}.txt",
                classes,
                asked=scenes[recording.scene],
                seconds=int(recording.duration_s),
            )
            for name, recording in recordings.items()
        }
        write_soft(options.soft, soft, classes)
    else:
        recordings = read_recordings(options.recordings)
        soft = read_soft(options.soft, classes, list(recordings))
        for name, values in soft.items():
            if len(values) != (seconds := int(recordings[name].duration_s)):
                raise InputError(
                    f"{options.soft}: {name!r} has {len(values)} s of labels, expected {seconds} s as in "
                    f"{options.recordings}"
                )
        thresholds = choose_thresholds(options.threshold, list(soft.values()), classes)
        events = {name: to_events(harden(values, thresholds), classes) for name, values in soft.items()}
        write_hard(options.hard, events)
        rows = "".join(f"{name}\t{value:.10g}\n" for name, value in zip(classes, thresholds, strict=True))
        options.thresholds.write_text("class\tthreshold\n" + rows, encoding="utf-8")
