"""Export labels and scores for other programs: folders with one file per recording.

- ``events``: hard labels, or scores above a threshold, as tab-separated text without a header (onset, offset, label).
  sed_eval and dcase_util read this as an event list, Audacity as a label track (File > Import > Labels).
- ``scores``: the format of sed_scores_eval: a header, then onset, offset and one column per class.
- ``jams``: hard and soft labels as JAMS, namespace tag_open: one event per row, the soft label as its confidence. This
  needs the library jams, which the workflow does not use: ``pip install jams``.
"""

import json
import logging
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from softsed.core.errors import InputError, count
from softsed.core.event_text import write_events
from softsed.core.labels import Event, harden, read_hard, read_soft, to_events
from softsed.core.metadata import check_name, read_classes
from softsed.core.options import add_command, add_options, build_parser
from softsed.core.scores import read_scores, write_plain
from softsed.core.thresholds import MIDRANGE

logger = logging.getLogger(__name__)


def read_thresholds(path: Path, classes: list[str]) -> dict[str, np.ndarray]:
    """Read the class-dependent thresholds of each fold from the metrics of a run.

    Parameters
    ----------
    path : Path
        Metrics of a run, written by `softsed evaluate.system`.
    classes : list of str
        Classes in the order of the result.

    Returns
    -------
    dict of ndarray [classes]
        Fold -> thresholds; NaN for classes that are not evaluated.

    Raises
    ------
    InputError
        If the file is not the metrics of a run.
    """
    try:
        folds = json.loads(path.read_text(encoding="utf-8"))["thresholds"][MIDRANGE]
        return {fold: np.array([found.get(c) for c in classes], dtype=float) for fold, found in folds.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        expected = "metrics written by `softsed evaluate.system`"
        raise InputError("not a file of metrics", file=path, expected=expected) from error


def read_predictions(paths: list[Path], classes: list[str]) -> dict[str, tuple[str, np.ndarray]]:
    """Read the scores of all folds of a run.

    Parameters
    ----------
    paths : list of Path
        Tables of scores, one per fold.
    classes : list of str
        Classes in the order of the columns of the result.

    Returns
    -------
    dict
        Recording -> (name of its fold, scores [seconds, classes]).

    Raises
    ------
    InputError
        If a recording is in two tables.
    """
    found: dict[str, tuple[str, np.ndarray]] = {}
    for path in paths:
        for name, values in read_scores(path, classes).items():
            if name in found:
                problem = f"recording {name!r} is also in {found[name][0]}"
                raise InputError(problem, file=path, expected="the folds of one run")
            found[name] = path.stem, values
    return found


def events_of_scores(
    paths: list[Path], classes: list[str], *, threshold: float, metrics: Path | None
) -> dict[str, list[Event]]:
    """Merge seconds whose score is above a threshold into events.

    Parameters
    ----------
    paths : list of Path
        Tables of scores, one per fold.
    classes : list of str
        Classes.
    threshold : float
        Threshold for all classes; ignored with `metrics`.
    metrics : Path or None
        Metrics of the run, for its class-dependent thresholds.

    Returns
    -------
    dict of list of Event
        Recording -> events.

    Raises
    ------
    InputError
        If the metrics have no thresholds for a fold, or for the reasons of `read_thresholds` and `read_predictions`.
    """
    by_fold = read_thresholds(metrics, classes) if metrics else {}
    events = {}
    for name, (fold, values) in read_predictions(paths, classes).items():
        if metrics and fold not in by_fold:
            raise InputError(f"no thresholds of {fold}", file=metrics, expected=f"one of {list(by_fold)}")
        events[name] = to_events(harden(values, by_fold[fold] if metrics else threshold), classes)
    return events


def write_jams(path: Path, *, seconds: int, events: list[Event], soft: np.ndarray | None, classes: list[str]) -> None:
    """Write the labels of one recording as JAMS.

    Parameters
    ----------
    path : Path
        File to write; its name without the ending is the title.
    seconds : int
        Length of the recording.
    events : list of Event
        Hard labels: the first annotation.
    soft : ndarray [seconds, classes] or None
        Soft labels: the second annotation, with one observation per second and class annotated in the scene, whose
        confidence is the soft label.
    classes : list of str
        Classes in the order of the columns.

    Raises
    ------
    InputError
        If the library jams is not installed.
    """
    try:
        import jams  # noqa: PLC0415  # needed by this format only
    except ImportError as error:
        raise InputError("the library jams is not installed", remedy="Run `pip install jams`") from error
    file = jams.JAMS(file_metadata=jams.FileMetadata(title=path.stem, duration=float(seconds)))

    def annotate(kind: str, rows: Sequence[tuple[Event, float | None]]) -> None:
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
    """Create the folder of an export.

    Parameters
    ----------
    folder : Path
        Folder to create.
    recordings : iterable of str
        Names of the files.
    source : Path
        File that contains the names, for messages.

    Raises
    ------
    InputError
        If a name is not a valid file name (such as one with a slash), or if the folder is a file.
    """
    for name in recordings:
        check_name(name, str(source))
    if folder.is_file():
        raise InputError("the path is a file", file=folder, expected="the name of a folder")
    folder.mkdir(parents=True, exist_ok=True)


EXAMPLES = {
    "events": "--hard results/demo/labels/eq1/hard.tsv --classes workflow/resources/classes.tsv --output events",
    "scores": "--scores results/demo/predictions/S_MSE_lin/run1/fold1.tsv --classes workflow/resources/classes.tsv "
    "--output scores",
    "jams": "--soft results/demo/labels/eq1/soft.tsv --hard results/demo/labels/eq1/hard.tsv "
    "--classes workflow/resources/classes.tsv --output jams",
}


def main(argv: list[str] | None = None) -> None:
    """Export labels or scores for other programs (sed_eval, Audacity, sed_scores_eval, JAMS)."""
    parser = build_parser("export", main, example=f"events {EXAMPLES['events']}")
    formats = parser.add_subparsers(dest="format", required=True)
    events, scores, jams = (
        add_command(formats, name, summary, example=EXAMPLES[name])
        for name, summary in (
            ("events", "Export hard labels, or scores above a threshold, as text for sed_eval and Audacity"),
            ("scores", "Export scores as text for sed_scores_eval"),
            ("jams", "Export hard and soft labels as JAMS, which needs the library jams"),
        )
    )
    source = events.add_mutually_exclusive_group(required=True)
    source.add_argument("--hard", type=Path, help="table of hard labels (recording, onset, offset, label)")
    source.add_argument("--scores", type=Path, nargs="+", help="scores of one run, one file per fold")
    level = events.add_mutually_exclusive_group()
    level.add_argument("--threshold", type=float, default=0.5, help="threshold of the scores (default: 0.5)")
    level.add_argument("--metrics", type=Path, help="metrics of the run, to use its class-dependent thresholds")
    add_options(scores, "scores")
    add_options(jams, "soft", "hard")
    for command in (events, scores, jams):
        add_options(command, "classes", output="folder to write")
    options = parser.parse_args(argv)
    classes = read_classes(options.classes)
    if options.format == "scores":
        predictions = read_predictions(options.scores, classes)
        number = len(predictions)
        make_folder(options.output, predictions, options.scores[0].parent)
        for name, (_, values) in predictions.items():
            write_plain(options.output / f"{name}.tsv", values, classes)
    elif options.format == "events":
        if options.hard:
            listed = read_hard(options.hard, classes)
        else:
            listed = events_of_scores(options.scores, classes, threshold=options.threshold, metrics=options.metrics)
        number = len(listed)
        make_folder(options.output, listed, options.hard or options.scores[0].parent)
        for name, found in listed.items():
            write_events(options.output / f"{name}.txt", found)
    else:
        soft, hard = read_soft(options.soft, classes), read_hard(options.hard, classes)
        number = len(soft)
        make_folder(options.output, soft, options.soft)
        for name, levels in soft.items():
            path = options.output / f"{name}.jams"
            write_jams(path, seconds=len(levels), events=hard.get(name, []), soft=levels, classes=classes)
    logger.info("%s in %s", count(number, "recording", "recordings"), options.output)
