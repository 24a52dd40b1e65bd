"""One page about a crowd: whom to trust, how far they agree, how many are enough, and what became of their opinions.

Its size is bounded: `RECORDINGS` timelines of at most `CLASSES` classes and `SECONDS` seconds, `webpage.ROWS` rows a
table; the tables beside it hold everything.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from softsed.core.event_text import read_true_events, truth_file
from softsed.core.html import grid, page
from softsed.core.labels import Event, read_hard, read_soft
from softsed.core.metadata import Recording
from softsed.core.opinions import Opinions, add_tables, read_tables
from softsed.core.tsv import read_table
from softsed.labels.crowd_plots import MOST_ROWS, draw_competence, draw_crowd_size, draw_timeline

RECORDINGS, CLASSES, SECONDS = 6, 12, 600  # bounds of the timelines
COMPETENCE = (
    "The competence of an annotator is the probability, estimated without knowing any truth, of answering from what "
    "was heard instead of guessing. Scales differ between methods: compare people within one. The method majority "
    "counts everybody alike and only reports the competence."
)
ANNOTATORS = (
    "Least competent first, by the first method. Agreement is with the others' answers about the same windows, beyond "
    "chance: 1 is perfect, 0 what ticking at random would reach."
)
AGREEMENT = (
    "Krippendorff's alpha of each class: 1 is perfect agreement, 0 chance. Empty where it is not defined, because "
    "nobody or everybody ticked. Over all classes it can be higher than within each, since some classes are simply "
    "more frequent than others."
)
SIZE = (
    "Labels made again from a few annotators, drawn at random, against those from all: F1 of the hard labels (bars: "
    "standard deviation over draws), mean absolute difference and correlation of the soft labels, rank correlation of "
    "the competences. The few are among the many, so the curve ends at 1 by construction: look for where it flattens."
)
TIMELINES = (
    "The recordings on which the annotators are most divided, of every scene first the first. In each panel from "
    "below: the opinions, a mark at the middle of each window, one row an annotator or, where there are more than "
    f"{MOST_ROWS}, the share of ticks; the soft labels of every second, 0 to 1, one line a method; above them the hard "
    "labels and, where it is known, the truth."
)


@dataclass(frozen=True)
class Labels:
    """What one method made: soft labels [seconds, classes], events and the table of competences."""

    soft: dict[str, np.ndarray]
    hard: dict[str, list[Event]]
    competence: dict[str, float]


def read_labels(folder: Path, names: list[str], classes: list[str]) -> Labels:
    """Read the labels of some recordings by one method from its folder."""
    rows = read_table(folder / "competence.tsv", ("annotator", "competence"))
    return Labels(
        read_soft(folder / "soft.tsv", classes, names),
        read_hard(folder / "hard.tsv", classes, names),
        {row["annotator"]: float(row["competence"]) for row in rows},
    )


def disagreement(opinions: Opinions) -> dict[tuple[str, int], float]:
    """Measure how divided the annotators are: (recording, class index) to the mean of 4 p (1 - p) over its windows.

    p is the share of ticks of a window: 0 where all agree, 1 where half of them ticked.
    """
    cell = opinions.window * len(opinions.classes) + opinions.label
    found, index = np.unique(cell, return_inverse=True)
    share = np.bincount(index, weights=opinions.opinion) / np.bincount(index)
    window, label = np.divmod(found, len(opinions.classes))
    names, place = np.unique(opinions.recording, return_inverse=True)
    key = place[window] * len(opinions.classes) + label
    sums, counts = np.bincount(key, weights=4 * share * (1 - share)), np.bincount(key)
    return {
        (str(names[k // len(opinions.classes)]), int(k % len(opinions.classes))): float(sums[k] / counts[k])
        for k in np.flatnonzero(counts)
    }


def choose(recordings: dict[str, Recording], divided: dict[tuple[str, int], float]) -> list[str]:
    """Choose the recordings to draw: of every scene the most divided one, then of every scene the next."""
    total: dict[str, list[float]] = {}
    for (name, _), value in divided.items():
        total.setdefault(name, []).append(value)
    order = sorted(total, key=lambda name: (-np.mean(total[name]), name))
    rank = {}
    for name in order:
        rank[name] = sum(recordings[other].scene == recordings[name].scene for other in rank)
    return sorted(order, key=rank.__getitem__)[:RECORDINGS]


def marks(opinions: Opinions, name: str, label: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Arrange the opinions on a class of a recording for `crowdplots.picture`: centres, marks and their width."""
    mine = np.flatnonzero((opinions.recording == name) & (opinions.onset < SECONDS))
    rows = np.isin(opinions.window, mine) & (opinions.label == label)
    window = np.searchsorted(mine, opinions.window[rows])
    people, person = np.unique(opinions.annotator[rows], return_inverse=True)
    values = np.full((len(people), len(mine)), np.nan)
    values[person, window] = opinions.opinion[rows]
    if len(people) > MOST_ROWS:
        counted = np.bincount(window, minlength=len(mine))
        ticks = np.bincount(window, weights=opinions.opinion[rows], minlength=len(mine))
        values = np.divide(ticks, counted, out=np.full(len(mine), np.nan), where=counted > 0)[None]
    centres = (opinions.onset[mine] + opinions.offset[mine]) / 2
    steps = np.diff(np.unique(centres))
    width = steps.min() if len(steps) else float((opinions.offset - opinions.onset)[mine].max())
    return centres, values, max(1.0, float(width))


def timeline(
    opinions: Opinions, name: str, labels: dict[str, Labels], truth: list[Event] | None, divided: dict
) -> tuple[str, int]:
    """Draw a recording: its most divided classes in the order of the table; also tell how many are left out."""
    asked = sorted((-value, label) for (other, label), value in divided.items() if other == name)
    panels = {}
    for label in sorted(label for _, label in asked[:CLASSES]):
        wanted = opinions.classes[label]
        content = {
            method: (
                made.soft[name][:SECONDS, label],
                [event for event in made.hard[name] if event.label == wanted and event.onset < SECONDS],
            )
            for method, made in labels.items()
        }
        known = None if truth is None else [e for e in truth if e.label == wanted and e.onset < SECONDS]
        panels[wanted] = (marks(opinions, name, label), content, known)
    return draw_timeline(panels, list(labels)), len(asked) - len(panels)


def annotator_grid(rows: list[dict[str, str]], labels: dict[str, Labels]) -> str:
    """Write the table of annotators, the least competent by the first method first."""
    first = next(iter(labels.values())).competence
    rows = sorted(rows, key=lambda row: (first[row["annotator"]], row["annotator"]))
    cells = [
        [
            row["annotator"],
            *(f"{made.competence[row['annotator']]:.3f}" for made in labels.values()),
            *(row["agreement"], row["ticks"], row["opinions"]),
        ]
        for row in rows
    ]
    return grid(
        ["annotator", *(f"competence ({name})" for name in labels), "agreement", "share of ticks", "opinions"], cells
    )


def size_grid(rows: list[dict[str, str]]) -> tuple[list[str], list[list[str]]]:
    """Choose what the page shows of the table of `crowd_size`: the means of the columns that hold any."""
    wanted = ["method", "annotators", "f1", "difference", "correlation", "competence"]
    wanted += ["truth_f1", "truth_f1_best", "truth_brier"]
    columns = [name for name in wanted if any(row.get(name) for row in rows)]
    return columns, [[row[name] for name in columns] for row in rows]


def main(argv: list[str] | None = None) -> None:
    """Make the page about a crowd."""
    parser = argparse.ArgumentParser(prog="softsed labels.crowd_page", description=main.__doc__)
    add_tables(parser)
    parser.add_argument("--labels", type=Path, required=True, help="folder with a folder of labels a method")
    parser.add_argument("--methods", nargs="+", required=True, help="which of them")
    parser.add_argument("--truth", type=Path, help="folder of RECORDING.tsv or .txt, the true events, where known")
    parser.add_argument("--agreement", type=Path, required=True, help="table of agreement by class")
    parser.add_argument("--annotators", type=Path, required=True, help="table of agreement by annotator")
    parser.add_argument("--crowd-size", type=Path, required=True, help="table of labels by fewer annotators")
    parser.add_argument("--experiment", required=True, help="name for the heading")
    parser.add_argument("--page", type=Path, required=True, help="page, written")
    options = parser.parse_args(argv)
    opinions, recordings, _ = read_tables(options)
    classes = opinions.classes
    divided = disagreement(opinions)
    names = choose(recordings, divided)
    labels = {method: read_labels(options.labels / method, names, classes) for method in options.methods}
    agreement = read_table(options.agreement, ("class", "alpha"))
    sizes = read_table(options.crowd_size, ("method", "per_window", "f1"))
    competence = {method: list(made.competence.values()) for method, made in labels.items()}
    sections = [
        ("Whom to trust", COMPETENCE, draw_competence(competence)),
        ("Annotators", ANNOTATORS, annotator_grid(read_table(options.annotators, ("annotator", "agreement")), labels)),
        ("How far they agree", AGREEMENT, grid(list(agreement[0]), [list(row.values()) for row in agreement])),
        ("How many annotators are enough", SIZE, draw_crowd_size(sizes) + grid(*size_grid(sizes))),
        ("What became of their opinions", TIMELINES, ""),
    ]
    for name in names:
        truth = read_true_events(truth_file(options.truth, name), classes) if options.truth else None
        drawing, left = timeline(opinions, name, labels, truth, divided)
        notes = [f"Scene {recordings[name].scene}."]
        notes += [f"{left} classes on which the annotators differ less are left out."] if left else []
        notes += [f"The first {SECONDS} s."] if recordings[name].duration_s > SECONDS else []
        sections.append((name, " ".join(notes), drawing))
    options.page.write_text(page(f"The crowd of {options.experiment}", sections), encoding="utf-8")
