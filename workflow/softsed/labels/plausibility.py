"""Plausibility of opinions: warnings about tables that are valid but probably do not say what their author meant.

A row is an opinion, and a missing row is none. A table that lists only ticks is therefore a table in which every asked
annotator ticked, and all its soft labels are 1.
"""

import numpy as np

from softsed.core.metadata import Recording
from softsed.core.opinions import Opinions
from softsed.labels.aggregate import soft_labels

ONLY_TICKS = "If the table lists only ticks, set `unticked` to zero (`unticked=zero`, for a check `--unticked zero`)"


def find_doubts(opinions: Opinions, recordings: dict[str, Recording]) -> list[str]:
    """Describe what is probably wrong with opinions, one sentence or two per kind.

    Parameters
    ----------
    opinions : Opinions
    recordings : dict of Recording

    Returns
    -------
    list of str
        Warnings about a table, annotators or classes without any opinion 0, and about seconds and classes without any
        opinion.
    """
    return [*_missing_zeros(opinions), *_missing_opinions(opinions, recordings)]


def _missing_zeros(opinions: Opinions) -> list[str]:
    if opinions.opinion.all():
        return [f"no opinion is 0, so that all soft labels are 1. {ONLY_TICKS}"]
    found = []
    for kind, names, index in (
        ("annotators", opinions.annotators, opinions.annotator),
        ("classes", opinions.classes, opinions.label),
    ):
        given = np.bincount(index, minlength=len(names))
        ticked = np.flatnonzero((given > 0) & (np.bincount(index, opinions.opinion, len(names)) == given))
        if len(ticked):
            first = ", ".join(f"{names[i]!r} ({given[i]} opinions)" for i in ticked[:3].tolist())
            number = f"{len(ticked)} of {np.count_nonzero(given)} {kind} have no opinion 0: {first}"
            found.append(f"{number}{', ...' if len(ticked) > 3 else ''}. {ONLY_TICKS}")
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
    second, column = np.argwhere(missing[name])[0].tolist()
    return [
        f"{number} of {cells} pairs of a second and a class annotated in the scene have no opinion (first: "
        f"{opinions.classes[column]!r} in {name!r}, {second} to {second + 1} s). They have no label. Metrics leave "
        "them out; in the training of a system they count as inactive, or not at all with `mask: asked`"
    ]
