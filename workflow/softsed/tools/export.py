"""Labels and predictions in the formats that others read: folders with a file a recording.

- ``events``: hard labels, or scores above a threshold, as text: onset, offset, label, tab-separated, no header. That is
  an event list of sed_eval and dcase_util, and a label track that Audacity imports (File > Import > Labels).
- ``scores``: the layout of sed_scores_eval: a header, then onset, offset and one column a class.
- ``jams``: hard and soft labels as JAMS, of the namespace tag_open: an event a row, the soft label as confidence. Needs
  the library jams, which the workflow does not: ``pip install jams``.
"""

import argparse
import json
import logging
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from softsed.core.errors import InputError
from softsed.core.event_text import write_events
from softsed.core.labels import Event, harden, read_hard, read_soft, to_events
from softsed.core.metadata import read_classes
from softsed.core.scores import read_scores, write_plain
from softsed.core.thresholds import MIDRANGE
from softsed.data.infer_tables import check_name

logger = logging.getLogger(__name__)


def read_thresholds(path: Path, classes: list[str]) -> dict[str, np.ndarray]:
    """Read the class-dependent thresholds of each fold off the metrics of a run; nan for classes not evaluated."""
    try:
        folds = json.loads(path.read_text(encoding="utf-8"))["thresholds"][MIDRANGE]
        return {fold: np.array([found.get(c) for c in classes], dtype=float) for fold, found in folds.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: not metrics written by `softsed evaluate.system`: {error!r}") from error


def read_predictions(paths: list[Path], classes: list[str]) -> dict[str, tuple[str, np.ndarray]]:
    """Read the scores of all folds of a run: recording to the name of its fold and its scores [seconds, classes]."""
    found: dict[str, tuple[str, np.ndarray]] = {}
    for path in paths:
        for name, values in read_scores(path, classes).items():
            if name in found:
                raise InputError(f"{path}: {name!r} is in {found[name][0]}, too; expected the folds of one run")
            found[name] = path.stem, values
    return found


def events_of_scores(
    paths: list[Path], classes: list[str], *, threshold: float | None, metrics: Path | None
) -> dict[str, list[Event]]:
    """Merge the seconds above a threshold, or above the class-dependent ones in `metrics`, into events."""
    by_fold = read_thresholds(metrics, classes) if metrics else {}
    events = {}
    for name, (fold, values) in read_predictions(paths, classes).items():
        if metrics and fold not in by_fold:
            raise InputError(f"{metrics}: no thresholds of {fold}; there are those of {list(by_fold)}")
        events[name] = to_events(harden(values, by_fold[fold] if metrics else threshold), classes)
    return events


def write_jams(path: Path, *, seconds: int, events: list[Event], soft: np.ndarray | None, classes: list[str]) -> None:
    """Write the labels of one recording as JAMS.

    Parameters
    ----------
    path : Path
    seconds : int
        Length of the recording.
    events : list of Event
        Hard labels, the first annotation.
    soft : ndarray [seconds, classes], optional
        Soft labels, the second annotation: an observation a second and class asked, with the label as confidence.
    classes : list of str
    """
    try:
        import jams  # noqa: PLC0415  # only this needs it
    except ImportError as error:
        raise InputError("JAMS are written by the library jams, which is not installed: pip install jams") from error
    file = jams.JAMS(file_metadata=jams.FileMetadata(title=path.stem, duration=float(seconds)))

    def annotate(kind: str, rows: list[tuple[Event, float | None]]) -> None:
        tool = jams.AnnotationMetadata(annotation_tools="softsed", data_source=kind)
        annotation = jams.Annotation("tag_open", time=0, duration=float(seconds), annotation_metadata=tool)
        for event, confidence in rows:
            length = float(event.offset - event.onset)
            annotation.append(time=float(event.onset), duration=length, value=event.label, confidence=confidence)
        file.annotations.append(annotation)

    annotate("hard labels", [(event, None) for event in events])
    if soft is not None:
        cells = [
            (Event(second, second + 1, name), round(float(value), 6))
            for second, row in enumerate(soft)
            for name, value in zip(classes, row, strict=True)
            if not np.isnan(value)
        ]
        annotate("soft labels, as confidence", cells)
    file.save(str(path))


def make_folder(folder: Path, recordings: Iterable[str], source: Path) -> None:
    """Make the folder; an InputError where a recording cannot be the name of a file: one could lead out of it."""
    for name in recordings:
        check_name(name, str(source))
    if folder.is_file():
        raise InputError(f"{folder}: a file; expected the name of a folder")
    folder.mkdir(parents=True, exist_ok=True)


def main(argv: list[str] | None = None) -> None:
    """Write labels or predictions in a format that others read."""
    parser = argparse.ArgumentParser(prog="softsed export", description=main.__doc__)
    formats = parser.add_subparsers(dest="format", required=True)
    events = formats.add_parser("events", help="text that sed_eval reads and Audacity imports")
    scores = formats.add_parser("scores", help="text that sed_scores_eval reads")
    jams = formats.add_parser("jams", help="JAMS, of labels; needs the library jams")
    source = events.add_mutually_exclusive_group(required=True)
    source.add_argument("--hard", type=Path, help="hard labels")
    source.add_argument("--scores", type=Path, nargs="+", help="scores of a run, one file a fold")
    level = events.add_mutually_exclusive_group()
    level.add_argument("--threshold", type=float, default=0.5, help="of the scores (0.5)")
    level.add_argument("--metrics", type=Path, help="metrics of the run: its class-dependent thresholds")
    scores.add_argument("--scores", type=Path, nargs="+", required=True, help="scores of a run, one file a fold")
    jams.add_argument("--soft", type=Path, required=True, help="soft labels")
    jams.add_argument("--hard", type=Path, required=True, help="hard labels")
    for command in (events, scores, jams):
        command.add_argument("--classes", type=Path, required=True, help="table of classes")
        command.add_argument("--output", type=Path, required=True, help="folder, written")
    options = parser.parse_args(argv)
    classes = read_classes(options.classes)
    if options.format == "scores":
        found = read_predictions(options.scores, classes)
        make_folder(options.output, found, options.scores[0].parent)
        for name, (_, values) in found.items():
            write_plain(options.output / f"{name}.tsv", values, classes)
    elif options.format == "events":
        level = {"threshold": options.threshold, "metrics": options.metrics}
        found = read_hard(options.hard, classes) if options.hard else events_of_scores(options.scores, classes, **level)
        make_folder(options.output, found, options.hard or options.scores[0].parent)
        for name, listed in found.items():
            write_events(options.output / f"{name}.txt", listed)
    else:
        found, hard = read_soft(options.soft, classes), read_hard(options.hard, classes)
        make_folder(options.output, found, options.soft)
        for name, soft in found.items():
            path = options.output / f"{name}.jams"
            write_jams(path, seconds=len(soft), events=hard.get(name, []), soft=soft, classes=classes)
    logger.info("%d recordings in %s", len(found), options.output)
