"""Drawings of the page about a crowd, as SVG in the text colour of the page, for light and dark screens.

Opinions are small pictures within the drawing, a few kilobytes for any number of annotators. Text from input files is
never parsed as a formula, and matplotlib escapes it.
"""

import io
import re
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.text import Text

from softsed.core.labels import Event

INK = "#010203"  # placeholder of the text colour, which `svg` replaces
# Colours of Okabe and Ito (2008) that are visible on white and on black.
COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"]
TICKED, NOT_TICKED = "#7a6fd0", "#8a8a8a"
MOST_ROWS = 20  # annotators per recording that are drawn one by one; more become a share of ticks
WIDTH = 4.7  # inches (340 points), so that text keeps its size on a phone
STYLE: dict[Any, Any] = {
    "svg.hashsalt": "softsed",
    "svg.fonttype": "none",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    **dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), INK),
}


def colours(methods: list[str]) -> dict[str, str]:
    """Assign a colour to each method."""
    return {method: COLOURS[index % len(COLOURS)] for index, method in enumerate(methods)}


def svg(figure: Figure) -> str:
    """Write a figure as a transparent SVG element for a page; the same figure gives the same bytes.

    Matplotlib 3.11 has no setting for four properties of its output, so the text of the drawing is edited.
    """
    for text in figure.findobj(Text):
        text.set_parse_math(False)
    file = io.StringIO()
    with mpl.rc_context(STYLE):
        # None leaves an entry out; without entries there is no metadata element.
        metadata = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(file, format="svg", transparent=True, metadata=metadata)
    drawing = file.getvalue()
    drawing = drawing[drawing.index("<svg") :]  # An XML declaration is not allowed within HTML.
    drawing = drawing.replace(INK, "currentColor")  # Matplotlib accepts no CSS keyword as a colour.
    # Each drawing numbers its groups from 1, while ids must be unique within the page. Nothing refers to these ids.
    drawing = re.sub(r'<g id="[\w.]+_\d+"', "<g", drawing)
    # Matplotlib writes six decimals; hundredths of a point are enough and keep the page small.
    return re.sub(r' d="[^"]*"', lambda match: re.sub(r"(\.\d\d)\d+", r"\1", match[0]), drawing)


def figure(height: float) -> Figure:
    """Create a figure with the width of the page and a height in inches."""
    return Figure(figsize=(WIDTH, height), layout="constrained")


def draw_competence(competence: dict[str, list[float]], methods: list[str]) -> str:
    """Draw the histogram of competences, one panel per method, or per group of methods such as "eq1, majority"."""
    with mpl.rc_context(STYLE):
        drawing = figure(1.3 * len(competence) + 0.3)
        panels = drawing.subplots(len(competence), 1, sharex=True, squeeze=False)[:, 0]
        for axes, (method, values) in zip(panels, competence.items(), strict=True):
            axes.hist(values, bins=np.linspace(0, 1, 21), color=colours(methods)[method.split(", ")[0]])
            axes.set_title(method, loc="left", fontsize=9)
            axes.set_ylabel("annotators")
            axes.yaxis.get_major_locator().set_params(integer=True)
        panels[-1].set_xlabel("competence")
    return svg(drawing)


def draw_crowd_size(rows: list[dict[str, str]]) -> str:
    """Draw F1 by number of annotators and method, against all annotators (solid) and the ground truth (dashed).

    Parameters
    ----------
    rows : list of dict
        Table of `softsed.labels.crowd_size`, as text.
    """
    methods = list(dict.fromkeys(row["method"] for row in rows))
    with mpl.rc_context(STYLE):
        drawing = figure(2.8)
        axes = drawing.subplots()
        for method in methods:
            mine = [row for row in rows if row["method"] == method]
            for name, style, label in (("f1", "o-", "against all"), ("truth_f1", "s--", "against the ground truth")):
                points = [
                    (float(row["per_window"]), float(row[name]), float(row[f"{name}_sd"] or 0))
                    for row in mine
                    if row[name]
                ]
                if points:
                    x, y, spread = zip(*points, strict=True)
                    axes.errorbar(
                        x, y, spread, fmt=style, color=colours(methods)[method], markersize=4, linewidth=1.2,
                        capsize=2, label=f"{method}, {label}",
                    )  # fmt: skip
        axes.set(xlabel="annotators per window", ylabel="F1 of the hard labels", ylim=(None, 1.02))
        sizes = sorted({float(row["per_window"]) for row in rows})
        axes.set_xticks(sizes, [f"{size:.3g}" for size in sizes])
        axes.grid(color=NOT_TICKED, alpha=0.25)
        drawing.legend(loc="outside upper left", ncols=1, frameon=False, fontsize=8)
    return svg(drawing)


def draw_worth(rows: list[dict[str, str]], asked: dict[str, Any]) -> str:
    """Draw the expected Brier score by number of opinions: so far, and with the answers to the next questions.

    Parameters
    ----------
    rows : list of dict
        Table of `softsed.labels.crowd_size`, as text.
    asked : dict
        Summary of `softsed.labels.questions`.
    """
    mine = [row for row in rows if row.get("expected_brier") and row["method"] == "joint"]
    most = max((float(row["per_window"]) for row in mine), default=1.0)
    some = [row for row in mine if row["annotators"] != "all"]
    so_far = [(float(row["per_window"]) / most * asked["opinions"], float(row["expected_brier"])) for row in some]
    so_far.append((asked["opinions"], asked["brier"]))
    total = asked["opinions"] + asked["questions"]
    with mpl.rc_context(STYLE):
        drawing = figure(2.6)
        axes = drawing.subplots()
        axes.plot(*zip(*so_far, strict=True), "o-", color=COLOURS[0], markersize=4, linewidth=1.2, label="so far")
        ahead = (asked["opinions"], total), (asked["brier"], asked["brier_after"])
        axes.plot(*ahead, "s--", color=COLOURS[1], markersize=4, linewidth=1.2, label="with the next questions")
        axes.set(xlabel="opinions", ylabel="expected Brier score", xlim=(0, None), ylim=(0, None))
        axes.grid(color=NOT_TICKED, alpha=0.25)
        drawing.legend(loc="outside upper left", ncols=2, frameon=False, fontsize=8)
    return svg(drawing)


def picture(centres: np.ndarray, marks: np.ndarray, width: float, seconds: int) -> np.ndarray:
    """Paint opinions on a grid of half seconds.

    Parameters
    ----------
    centres : ndarray [windows]
        Middle of each window, seconds, a multiple of 0.5.
    marks : ndarray [rows, windows]
        1 ticked, 0 not ticked, values between are shares of ticks; nan without an opinion.
    width : float
        Width of a mark, seconds.

    Returns
    -------
    ndarray [rows, 2 * seconds, 4]
        Red, green, blue and opacity, 0..1; opacity 0 without an opinion.
    """
    image = np.zeros((len(marks), 2 * seconds, 4))
    half = max(1, round(width))
    for centre, column in zip(centres, marks.T, strict=True):
        start = round(2 * centre)
        known = ~np.isnan(column)
        share = column[known, None]
        painted = share * to_rgb(TICKED) + (1 - share) * to_rgb(NOT_TICKED)
        image[known, max(0, start - half) : start + half] = np.hstack([painted, 0.3 + 0.7 * share])[:, None]
    return image


def draw_class(
    axes: Axes,
    opinions: tuple[np.ndarray, np.ndarray, float],
    labels: dict[str, tuple[np.ndarray, list[Event]]],
    truth: list[Event] | None,
) -> None:
    """Draw one class of one recording: ground truth and hard labels as bars, soft labels as steps, opinions below.

    Parameters
    ----------
    opinions : tuple
        Centres, marks and width as for `picture`.
    labels : dict of tuple
        Method -> soft labels [seconds] and the events of the hard labels.
    truth : list of Event or None
        Ground truth, or None.
    """
    seconds = len(next(iter(labels.values()))[0])
    axes.imshow(
        picture(*opinions, seconds), aspect="auto", interpolation="none", extent=(0, seconds, -1.05, -0.1)
    )  # fmt: skip
    shade = colours(list(labels))
    bars = [(shade[method], events) for method, (_, events) in labels.items()]
    bars += [] if truth is None else [(INK, truth)]
    for index, (colour, events) in enumerate(bars):
        spans = [(event.onset, event.offset - event.onset) for event in events]
        axes.broken_barh(spans, (1.1 + 0.2 * index, 0.14), color=colour, linewidth=0)
    for method, (soft, _) in labels.items():
        axes.stairs(soft, np.arange(seconds + 1), baseline=None, color=shade[method], linewidth=1.0)
    axes.set(xlim=(0, seconds), ylim=(-1.1, 1.1 + 0.2 * len(bars)), yticks=(0, 1))


def draw_timeline(panels: dict[str, tuple], methods: list[str]) -> str:
    """Draw a recording, one panel per class.

    Parameters
    ----------
    panels : dict of tuple
        Class -> arguments of `draw_class` after the axes.
    """
    with mpl.rc_context(STYLE):
        drawing = figure(1.05 * len(panels) + 0.7)
        for axes, (name, content) in zip(
            drawing.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0], panels.items(), strict=True
        ):
            draw_class(axes, *content)
            axes.set_title(name, loc="left", fontsize=9, pad=2)
        axes.set_xlabel("seconds")
        handles = [Patch(color=colour, label=method) for method, colour in colours(methods).items()]
        handles += [Patch(color=TICKED, label="ticked"), Patch(color=NOT_TICKED, alpha=0.3, label="not ticked")]
        if content[2] is not None:
            handles.append(Patch(color=INK, label="ground truth"))
        drawing.legend(handles=handles, loc="outside upper left", ncols=3, frameon=False, fontsize=8)
    return svg(drawing)
