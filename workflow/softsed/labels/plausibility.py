"""Plausibility of opinions: warnings about valid tables that probably have another meaning than intended.

A row is an opinion, and a missing row is no opinion. In a table that lists only ticks, all soft labels are therefore 1.
"""

import numpy as np

from softsed.core.errors import count
from softsed.core.metadata import Recording
from softsed.core.opinions import Opinions
from softsed.labels.aggregate import soft_labels
from softsed.labels.same_answers import find_same_answers

ADD_ZEROS = "Add a row with opinion 0 for each class that an annotator was asked about and did not tick"
EXAMPLES = 3  # annotators or classes that a warning names


def find_doubts(opinions: Opinions, recordings: dict[str, Recording], *, added: int = 0) -> list[str]:
    """Describe doubts about opinions, one or two sentences per kind.

    Parameters
    ----------
    opinions : Opinions
    recordings : dict of Recording
    added : int
        Number of opinions 0 that `unticked` ``zero`` added to the rows of the table.

    Returns
    -------
    list of str
        Warnings about a table, annotators or classes without any opinion 0, about added zeros beside stated zeros,
        about seconds and classes without any opinion, and about annotators who never disagree.
    """
    return [
        *_missing_zeros(opinions, added),
        *_missing_opinions(opinions, recordings),
        *find_same_answers(opinions),
    ]


def _missing_zeros(opinions: Opinions, added: int) -> list[str]:
    if opinions.opinion.all():
        text = f"no opinion is 0, so that all soft labels are 1. {ADD_ZEROS}"
        if len(np.unique(opinions.label)) > 1:
            text += ". If all annotators of a window were asked about all classes of the scene, `unticked=zero` "
            text += "(`softsed check --unticked zero`) adds these opinions"
        return [text]
    if stated := int((opinions.opinion == 0).sum()) - added if added else 0:
        return [
            f"`unticked=zero` adds {count(added, 'opinion 0', 'opinions 0')} to a table that already contains "
            f"{count(stated, 'opinion 0', 'opinions 0')}. If missing rows are questions that were not asked, remove "
            "`unticked`"
        ]
    found = []
    for kind, names, index in (
        ("annotator", opinions.annotators, opinions.annotator),
        ("class", opinions.classes, opinions.label),
    ):
        given = np.bincount(index, minlength=len(names))
        ticked = np.flatnonzero((given > 0) & (np.bincount(index, opinions.opinion, len(names)) == given))
        if len(ticked):
            numbers = [(names[i], count(int(given[i]), "opinion", "opinions")) for i in ticked[:EXAMPLES].tolist()]
            first = ", ".join(f"{name!r} ({number})" for name, number in numbers)
            more = ", ..." if len(ticked) > EXAMPLES else ""
            plural = {"annotator": "annotators", "class": "classes"}[kind]
            number = f"{len(ticked)} of {np.count_nonzero(given)} {plural}"
            found.append(f"no opinion is 0 for {number}: {first}{more}. {ADD_ZEROS}")
    return found


def _missing_opinions(opinions: Opinions, recordings: dict[str, Recording]) -> list[str]:
    labels = soft_labels(opinions, np.ones(len(opinions.annotators)), recordings=recordings)
    annotated: dict[str, np.ndarray] = {}
    for name, values in labels.items():
        scene = recordings[name].scene
        annotated[scene] = annotated.get(scene, False) | ~np.isnan(values).all(axis=0)
    missing = {name: np.isnan(values) & annotated[recordings[name].scene] for name, values in labels.items()}
    number = sum(int(cells.sum()) for cells in missing.values())
    if not number:
        return []
    cells = sum(len(values) * int(annotated[recordings[name].scene].sum()) for name, values in labels.items())
    name = next(name for name, gaps in missing.items() if gaps.any())
    pairs = f"of {cells} pairs of a second and a class annotated in the scene"
    what = count(number, f"{pairs} has", f"{pairs} have")
    second, column = np.argwhere(missing[name])[0].tolist()
    return [
        f"{what} no opinion (first: {opinions.classes[column]!r} in {name!r}, {second} to {second + 1} s). Metrics "
        "leave these pairs out. In the training of a system, these pairs count as inactive, or not at all with `mask: "
        "asked`. If annotators were asked there and did not tick, add rows with opinion 0"
    ]
