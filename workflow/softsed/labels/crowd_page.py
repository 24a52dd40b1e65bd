"""Build the page about a crowd: competence, agreement, number of annotators, and the labels from their opinions.

The size of the page is bounded: `RECORDINGS` timelines of at most `CLASSES` classes and `SECONDS` seconds, `ROWS` rows
per table. The tables in the folder of the page contain all rows.
"""

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from softsed.core.errors import Problems
from softsed.core.event_text import read_true_events, truth_files
from softsed.core.html import render
from softsed.core.labels import Event, read_hard, read_soft
from softsed.core.metadata import Recording
from softsed.core.opinions import Opinions, read_tables
from softsed.core.options import TRUTH_HELP, add_options, build_parser
from softsed.core.tsv import read_table
from softsed.labels.crowd_plots import MOST_ROWS, draw_competence, draw_crowd_size, draw_timeline, draw_worth

EXAMPLE = """\
--opinions results/demo/data/opinions.tsv --recordings workflow/resources/demo.tsv
      --classes workflow/resources/classes.tsv --scenes workflow/resources/scenes.tsv --labels results/demo/labels
      --methods eq1 majority --agreement results/demo/labels/agreement.tsv
      --annotators results/demo/labels/annotators.tsv --crowd-size results/demo/labels/crowd_size.tsv
      --questions results/demo/labels/questions.json
      --truth results/demo/data/truth --experiment demo --page results/demo/labels/page.html
      --templates workflow/softsed/labels/templates/crowd_page.html.j2 workflow/softsed/core/templates/base.html.j2"""
RECORDINGS, CLASSES, SECONDS = 6, 12, 600  # bounds of the timelines
ROWS = 600  # bound of each table
# Columns of the table of crowd sizes, and their digits. The table in the file has more.
SIZE_DIGITS = {"f1": 2, "difference": 3, "competence": 2, "expected_brier": 4, "truth_f1": 2, "truth_brier": 4}


@dataclass(frozen=True)
class Labels:
    """Result of one method: soft labels [seconds, classes], hard labels as events, competence of each annotator."""

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
    """Measure the disagreement of the annotators about each recording and class.

    Returns
    -------
    dict of float
        (recording, class index) -> mean over the windows of 4 p (1 - p), with p the share of ticks of a window. 0 if
        all annotators agree, 1 if half of them ticked in every window.
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
    """Choose the recordings to draw: the one of each scene with most disagreement, then the next one of each scene."""
    total: dict[str, list[float]] = {}
    for (name, _), value in divided.items():
        total.setdefault(name, []).append(value)
    order = sorted(total, key=lambda name: (-np.mean(total[name]), name))
    number: Counter[str] = Counter()  # of recordings per scene so far
    rank = {}
    for name in order:
        rank[name] = number[recordings[name].scene]
        number[recordings[name].scene] += 1
    return sorted(order, key=rank.__getitem__)[:RECORDINGS]


def marks(opinions: Opinions, name: str, label: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Arrange the opinions about a class of a recording for `crowd_plots.picture`: centres, marks and their width."""
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


def draw_recording(
    opinions: Opinions, name: str, labels: dict[str, Labels], truth: list[Event] | None, divided: dict
) -> tuple[str, int]:
    """Draw the classes of a recording with most disagreement, in the order of the table.

    Returns
    -------
    str, int
        Drawing (SVG) and number of classes that it omits.
    """
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


def summarise(opinions: Opinions) -> dict[str, int | str]:
    """Count annotators, opinions, classes, windows and recordings, and name the length of the windows in seconds."""
    shortest, longest = ((opinions.offset - opinions.onset).min(), (opinions.offset - opinions.onset).max())
    return {
        "annotators": len(opinions.annotators),
        "opinions": len(opinions.opinion),
        "classes": len(np.unique(opinions.label)),
        "windows": len(opinions.onset),
        "recordings": len(np.unique(opinions.recording)),
        "length": f"{shortest}" if shortest == longest else f"{shortest} to {longest}",
    }


def distinct_competences(labels: dict[str, Labels]) -> dict[str, dict[str, float]]:
    """List the competences by method; methods with equal competences, such as eq1 and majority, share an entry."""
    competences = {method: made.competence for method, made in labels.items()}
    names = [[name for name, other in competences.items() if other == values] for values in competences.values()]
    return {", ".join(equal): competences[equal[0]] for equal in names}


def format_cell(text: str, digits: int, scale: int = 1) -> str:
    """Format a number of a table with some decimals; return "" for an empty cell."""
    return f"{scale * float(text):.{digits}f}" if text else ""


def annotator_rows(rows: list[dict[str, str]], competences: dict[str, dict[str, float]]) -> list[dict[str, str]]:
    """Arrange the table of annotators, the annotator with the lowest competence by the first method first."""
    first = next(iter(competences.values()))
    return [
        {"annotator": row["annotator"]}
        | {f"Competence ({name})": f"{values[row['annotator']]:.2f}" for name, values in competences.items()}
        | {"agreement": format_cell(row["agreement"], 2), "ticks": format_cell(row["ticks"], 1, 100)}
        | {"opinions": row["opinions"]}
        for row in sorted(rows, key=lambda row: (first[row["annotator"]], row["annotator"]))
    ]


def class_rows(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """Format the table of agreement per class."""
    return [row | {"alpha": format_cell(row["alpha"], 2), "ticks": format_cell(row["ticks"], 1, 100)} for row in rows]


def size_rows(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """Choose and format the columns of the table of `crowd_size` that the page shows, without empty columns."""
    columns = {name: digits for name, digits in SIZE_DIGITS.items() if any(row.get(name) for row in rows)}
    return [
        {name: row[name] for name in ("method", "annotators")}
        | {name: format_cell(row[name], digits) for name, digits in columns.items()}
        for row in rows
    ]


def main(argv: list[str] | None = None) -> None:
    """Build the page about a crowd."""
    parser = build_parser("labels.crowd_page", main, example=EXAMPLE)
    add_options(parser, "opinions", "unticked", "recordings", "classes", "scenes", "experiment")
    parser.add_argument("--labels", type=Path, required=True, help="folder with one folder of labels per method")
    parser.add_argument("--methods", nargs="+", required=True, help="methods to show")
    parser.add_argument("--truth", type=Path, help=TRUTH_HELP)
    parser.add_argument("--agreement", type=Path, required=True, help="table of agreement per class")
    parser.add_argument("--annotators", type=Path, required=True, help="table of agreement per annotator")
    parser.add_argument("--crowd-size", type=Path, required=True, help="table of labels from fewer annotators")
    parser.add_argument("--questions", type=Path, help="summary of the questions to ask next, if any")
    parser.add_argument("--templates", type=Path, nargs="+", required=True, help="templates, that of the page first")
    parser.add_argument("--page", type=Path, required=True, help="HTML page to write")
    options = parser.parse_args(argv)
    opinions, recordings = read_tables(options)
    divided = disagreement(opinions)
    names = choose(recordings, divided)
    labels = {method: read_labels(options.labels / method, names, opinions.classes) for method in options.methods}
    timelines = []
    files = truth_files(options.truth, names, Problems(strict=True)) if options.truth else {}
    for name in names:
        truth = read_true_events(files[name], opinions.classes) if options.truth else None
        drawing, omitted = draw_recording(opinions, name, labels, truth, divided)
        recording = {"name": name, "scene": recordings[name].scene, "cut": recordings[name].duration_s > SECONDS}
        timelines.append(recording | {"drawing": drawing, "omitted": omitted})
    *by_class, all_classes = read_table(options.agreement, ("class", "alpha", "ticks"))
    sizes = read_table(options.crowd_size, ("method", "per_window", "f1"))
    asked = json.loads(options.questions.read_text(encoding="utf-8")) if options.questions else None
    competences = distinct_competences(labels)
    page = render(
        options.templates,
        experiment=options.experiment,
        max_rows=ROWS,
        most_annotators=MOST_ROWS,
        most_classes=CLASSES,
        seconds=SECONDS,
        crowd=summarise(opinions),
        competence=draw_competence({name: list(found.values()) for name, found in competences.items()}, list(labels)),
        annotators=annotator_rows(read_table(options.annotators, ("annotator", "agreement", "ticks")), competences),
        agreement=class_rows([all_classes, *by_class]),
        crowd_size=draw_crowd_size(sizes),
        sizes=size_rows(sizes),
        asked=asked,
        worth=draw_worth(sizes, asked) if asked else "",
        timelines=timelines,
    )
    options.page.write_text(page, encoding="utf-8", newline="\n")
