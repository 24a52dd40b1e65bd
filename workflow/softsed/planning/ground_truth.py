"""Check of the true events that a user provides, before anything is planned."""

import logging
from collections import Counter
from pathlib import Path
from typing import Any

from softsed.core.errors import InputError, Problems, count
from softsed.core.event_text import read_truth, truth_files
from softsed.core.metadata import Recording
from softsed.core.text.names import spelled_twice
from softsed.evaluate.true_seconds import find_late

EXAMPLES = 5  # classes that a note names

logger = logging.getLogger(__name__)


def check_truth(
    folder: Path,
    recordings: dict[str, Recording],
    classes: list[str],
    asked: dict[str, list[str]],
    problems: Problems,
) -> None:
    """Check the true events of all recordings, with the rules of `softsed.evaluate.true_seconds`.

    True events that do not count are left out with one warning for each cause: they begin after the labelled seconds of
    their recording, or have a class that is not annotated in its scene.

    Parameters
    ----------
    folder : Path
        Folder of RECORDING.txt (onset, offset, label, tab-separated, no header).
    recordings : dict of Recording
    classes : list of str
    asked : dict of list of str
        Scene to the classes annotated in it.
    problems : Problems
        Receives a missing folder, recordings without exactly one file, rows that cannot be used, times that are
        probably milliseconds, classes with two spellings, and true events none of which has an annotated class.
    """
    if not folder.is_dir():
        expected = "a folder with RECORDING.txt, the true events"
        problems.add("truth", InputError("the path is not a folder", file=folder, expected=expected))
        return
    counted, late, left_out = 0, list[dict[str, Any]](), Counter[str]()
    first: dict[str, dict[str, Any]] = {}  # class -> place of the first event that does not count
    far: list[InputError] = []
    for name, file in truth_files(folder, recordings, problems).items():
        rows = read_truth(file, problems)
        try:
            late += [rows.place(row) for row in find_late(rows, int(recordings[name].duration_s))]
        except InputError as error:
            far.append(error)
        annotated = asked.get(recordings[name].scene, [])
        for row, label in enumerate(rows.label):
            if label in annotated:
                counted += 1
            else:
                left_out[label] += 1
                first.setdefault(label, rows.place(row))
    if far:
        more = count(len(far) - 1, "more file has", "more files have")
        far[0].problem += f". {more} such times" if far[1:] else ""
        problems.add("truth", far[0])
    total = counted + left_out.total()
    if late:
        what = count(
            len(late),
            f"of {total} true events begins after the labelled seconds of its recording and does not count",
            f"of {total} true events begin after the labelled seconds of their recordings and do not count",
        )
        logger.warning(
            "%s: %s. The first one is in %s, line %d. Correct the times of this event, or leave the event out.",
            *(folder, what, late[0]["file"].name, late[0]["line"]),
        )
    others = [(label, other) for label, other in spelled_twice(first, classes) if other in classes]
    for label, other in others:
        problem = f"class {label!r} is spelled {other!r} in the annotation"
        problems.add("truth", InputError(problem, **first[label], remedy="Use one spelling everywhere"))
    if not left_out or others:
        return
    texts = [f"{label!r} ({number})" for label, number in left_out.most_common(EXAMPLES)]
    texts += [count(len(left_out) - EXAMPLES, "more class", "more classes")] * (len(left_out) > EXAMPLES)
    number, listed, place = left_out.total(), ", ".join(texts), first[next(iter(left_out))]
    if not counted:
        problem = f"no true event has a class that is annotated in the scene: {listed}"
        problems.add("truth", InputError(problem, **place, expected=f"events of {classes}"))
        return
    what = count(
        number,
        f"of {total} true events does not count, because its class is not annotated in the scene",
        f"of {total} true events do not count, because their classes are not annotated in the scene",
    )
    logger.warning(
        "%s: %s: %s. The first one is in %s, line %d. Annotate these classes, or rename them in the true events.",
        *(folder, what, listed, place["file"].name, place["line"]),
    )
