"""Check of the true events that a user provides, before anything is planned."""

import logging
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from softsed.core.errors import InputError, Problems
from softsed.core.label_rows import read_rows
from softsed.core.metadata import Recording
from softsed.core.text.names import spelled_twice
from softsed.planning.choices import find_truth

EXAMPLES = 5  # classes that a note names

logger = logging.getLogger(__name__)


def truth_files(folder: Path, recordings: Iterable[str]) -> dict[str, Path]:
    """Return the file of true events of each recording, as the plan names it; the file may be missing."""
    names = list(recordings)
    return dict(zip(names, map(Path, find_truth({"truth": str(folder)}, "own", names)), strict=True))


def check_truth(
    folder: Path,
    recordings: dict[str, Recording],
    classes: list[str],
    asked: dict[str, list[str]],
    problems: Problems,
) -> None:
    """Check the true events of all recordings. Events of classes that are not annotated are left out with one warning.

    Parameters
    ----------
    folder : Path
        Folder of RECORDING.txt (onset, offset, label, tab-separated, no header).
    recordings : dict of Recording
    classes : list of str
    asked : dict of list of str
        Scene to the classes annotated in it.
    problems : Problems
        Receives a missing folder or file, rows that cannot be used, classes with two spellings, and true events none of
        which has an annotated class.
    """
    if not folder.is_dir():
        expected = "a folder with RECORDING.txt, the true events"
        problems.add("truth", InputError("the path is not a folder", file=folder, expected=expected))
        return
    files = truth_files(folder, recordings)
    if missing := [name for name, file in files.items() if not file.is_file()]:
        problem = f"{len(missing)} of {len(files)} recordings have no file of true events, such as {_names(missing)}"
        if found := sorted(path.name for path in folder.iterdir() if path.name[0] != "."):
            problem += f" (the folder contains {_names(found)})"
        remedy = "Add the files, empty ones for recordings without events"
        problems.add(
            "truth", InputError(problem, file=folder, expected="one RECORDING.txt per recording", remedy=remedy)
        )
    counted, left_out = 0, Counter[str]()
    first: dict[str, dict[str, Any]] = {}  # class -> place of the first event that does not count
    for name, file in files.items():
        if name in missing:
            continue
        rows = read_rows(file, "hard", problems, recording=name, header=file.suffix.lower() != ".txt")
        annotated = asked.get(recordings[name].scene, [])
        for row, label in enumerate(rows.label):
            if label in annotated:
                counted += 1
            else:
                left_out[label] += 1
                first.setdefault(label, rows.place(row))
    others = [(label, other) for label, other in spelled_twice(first, classes) if other in classes]
    for label, other in others:
        problem = f"class {label!r} is spelled {other!r} in the annotation"
        problems.add("truth", InputError(problem, **first[label], remedy="Use one spelling everywhere"))
    if not left_out or others:
        return
    texts = [f"{label!r} ({number})" for label, number in left_out.most_common(EXAMPLES)]
    texts += [f"{len(left_out) - EXAMPLES} more classes"] * (len(left_out) > EXAMPLES)
    number, listed, place = left_out.total(), ", ".join(texts), first[next(iter(left_out))]
    if not counted:
        problem = f"none of the {number} true events has a class that is annotated in the scene: {listed}"
        problems.add("truth", InputError(problem, **place, expected=f"events of {classes}"))
        return
    logger.warning(
        "%s: %d of %d true events do not count, because nobody was asked about these classes: %s. The first one is "
        "in %s, line %d. Annotate these classes, or rename them in the true events.",
        *(folder, number, number + counted, listed, place["file"].name, place["line"]),
    )


def _names(names: list[str]) -> str:
    return " and ".join(map(repr, names[:2]))
