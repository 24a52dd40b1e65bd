"""Published labels, or user-provided labels, as the soft labels of this project.

User-provided labels are one of these, with fields separated by tabs or commas:

- ``soft``: a table ``recording onset offset label value`` with a row for every second of every annotated class, or a
  folder of RECORDING.txt as published (``onset offset label value`` without header, zeros left out).
- ``hard``: a table ``recording onset offset label``, in which a recording without events is one row with its name, or
  a folder of RECORDING.txt (``onset offset label`` without header), in which such a recording is an empty file.
"""

from pathlib import Path

import numpy as np

from softsed.core.errors import InputError, Problems
from softsed.core.event_text import read_label_rows, read_published, read_truth, truth_files
from softsed.core.label_rows import LABEL_KINDS, LabelRows, cut_rows
from softsed.core.labels import rasterise, write_soft
from softsed.core.metadata import Recording, file_stem, read_asked, read_classes
from softsed.core.options import add_options, build_parser

CHECK_AGAIN = "Check the labels again with `softsed check`"


def to_matrix(labels: LabelRows, rows: np.ndarray, classes: list[str], *, asked: list[str], seconds: int) -> np.ndarray:
    """Arrange the labels of one recording, which `softsed check` accepts, as a matrix.

    Parameters
    ----------
    labels : LabelRows
    rows : ndarray of int
        Rows of the recording.
    classes : list of str
        Names of the columns of the matrix, in order.
    asked : list of str
        Classes annotated in the scene: 0 where they have no row. For a soft table, the classes with a row count
        instead.
    seconds : int
        Length of the recording. Hard labels that end within its last, incomplete second are cut off.

    Returns
    -------
    ndarray [seconds, classes]
        Soft labels; hard labels become 0 and 1 (onset rounded down, offset rounded up, as in sed_eval). Columns of
        classes that are not annotated are nan.

    Raises
    ------
    InputError
        If a row has a class that is not in `classes`, or a soft row lies after the end.
    """
    number = {name: column for column, name in enumerate(classes)}
    column = np.array([number.get(label, -1) for label in labels.label[rows]], dtype=int)
    unknown = (column < 0) | ((labels.kind == "soft") & (labels.onset[rows] >= seconds))
    if unknown.any():
        row = rows[unknown.argmax()]
        name, label = labels.names[labels.recording[row]], labels.label[row]
        problem = f"{label!r} at {labels.onset[row]:g} s of recording {name!r} has been edited since the last check"
        expected = f"a second from 0 to {seconds - 1} and one of the classes {classes}, as in the last check"
        raise InputError(problem, **labels.place(row), expected=expected, remedy=CHECK_AGAIN)
    matrix = np.full((seconds, len(classes)), np.nan)
    columns = np.unique(column) if labels.zeros_listed else [classes.index(label) for label in asked]
    matrix[:, columns] = 0
    if labels.kind == "hard":
        matrix[:, columns] = rasterise(labels.events(rows), classes, seconds)[:, columns]
    else:
        matrix[labels.onset[rows].astype(int), column] = labels.value[rows]
    return matrix


def adopt(
    labels: LabelRows, recordings: dict[str, Recording], asked: dict[str, list[str]], classes: list[str]
) -> dict[str, np.ndarray]:
    """Arrange the labels of all recordings as matrices; raise an InputError if a recording has no labels."""
    labels, _ = cut_rows(labels, {name: one.duration_s for name, one in recordings.items()})
    rows = labels.by_recording()
    if missing := [name for name in recordings if name not in rows]:
        problem = f"no labels for {missing}, which the table of recordings lists"
        raise InputError(problem, file=labels.path, remedy=CHECK_AGAIN)
    return {
        name: to_matrix(labels, rows[name], classes, asked=asked[one.scene], seconds=int(one.duration_s))
        for name, one in recordings.items()
    }


def adopt_truth(
    folder: Path, recordings: dict[str, Recording], asked: dict[str, list[str]], classes: list[str]
) -> dict[str, np.ndarray]:
    """Rasterise the true events of all recordings, with the rules of `softsed.evaluate.true_seconds`.

    Returns
    -------
    dict of ndarray [seconds, classes]
        1 in the seconds that a true event overlaps, else 0; nan for classes that are not annotated in the scene.
    """
    problems, labels = Problems(strict=True), {}
    for name, file in truth_files(folder, recordings, problems).items():
        rows, seconds = read_truth(file, problems), int(recordings[name].duration_s)
        annotated = asked[recordings[name].scene]
        known = [row for row, label in enumerate(rows.label) if label in annotated and rows.onset[row] < seconds]
        events = rasterise(rows.events(np.array(known, dtype=int)), classes, seconds)
        labels[name] = np.where([one in annotated for one in classes], events, np.nan)
    return labels


def main(argv: list[str] | None = None) -> None:
    """Convert published or user-provided labels, or true events, to a table of soft labels."""
    parser = build_parser(
        "labels.adopt",
        main,
        example="--kind published --labels results/maestro_real/data/published --recordings "
        "workflow/resources/maestro_real.tsv --classes workflow/resources/classes.tsv --scenes "
        "workflow/resources/scenes.tsv --soft results/maestro_real/labels/published/soft.tsv",
    )
    parser.add_argument(
        "--kind",
        choices=(*LABEL_KINDS, "published", "truth"),
        required=True,
        help="kind of the labels; hard labels and true events (truth) become 0 and 1",
    )
    parser.add_argument("--labels", type=Path, required=True, help="table of labels, or folder of RECORDING.txt")
    add_options(parser, "recordings", "classes", "scenes", soft="table of soft labels to write")
    options = parser.parse_args(argv)
    classes = read_classes(options.classes)
    recordings, asked = read_asked(options.recordings, options.scenes, classes)
    if options.kind == "published":
        soft = {
            name: read_published(
                options.labels / f"{file_stem(name)}.txt", classes, asked=asked[one.scene], seconds=int(one.duration_s)
            )
            for name, one in recordings.items()
        }
    elif options.kind == "truth":
        soft = adopt_truth(options.labels, recordings, asked, classes)
    else:
        problems = Problems()
        labels = read_label_rows(options.labels, options.kind, problems)
        problems.raise_all("in the labels")
        soft = adopt(labels, recordings, asked, classes)
    write_soft(options.soft, soft, classes)
