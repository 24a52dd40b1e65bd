"""Figures of the report, drawn from its tables: class-wise F1 (Fig. 2), training curves, reliability.

The SVG of the same table has the same bytes on every run: no date, fixed identifiers. The two priors never hear the
audio and are drawn thin, grey and dashed.
"""

import argparse
import re
from collections.abc import Callable
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from softsed.core.errors import InputError
from softsed.core.tsv import read_table

# Okabe and Ito (2008): distinct for colour-blind readers. Markers differ too, for print in black and white.
COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]
MARKERS = "osD^vP*"
PRIOR = re.compile(r"(scene|recording)_prior(_[hs])?")
STYLE = {
    "svg.hashsalt": "softsed",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.parse_math": False,  # a $ in a name is a $
}


def numbers(rows: list[dict[str, str]], column: str, path: Path) -> list[float]:
    """Convert a column to numbers, nan for empty cells, which leaves a gap in a line."""
    try:
        return [float(row[column] or "nan") for row in rows]
    except ValueError as error:
        raise InputError(f"{path}, column {column!r}: expected numbers or empty cells: {error}") from error


def draw_figure2(path: Path) -> Figure:
    """Draw class-wise F1 as Fig. 2 does: classes from many to few instances, one line a system.

    Parameters
    ----------
    path : Path
        Table with the columns class, instances and one a curve, F1 in percent; rows in the order of the axis.

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        When the table has no row or no curve.
    """
    rows = read_table(path, ("class", "instances"))
    curves = [column for column in (rows[0] if rows else []) if column not in ("class", "instances")]
    if not curves:
        raise InputError(f"{path}: nothing to draw; expected one row a class and one column a curve")
    figure = Figure(figsize=(7.2, 4.2), layout="constrained")
    axes = figure.add_subplot()
    detectors = [curve for curve in curves if not PRIOR.fullmatch(curve)]
    for curve in curves:
        if curve in detectors:
            index = detectors.index(curve)
            style = {"color": COLOURS[index % len(COLOURS)], "marker": MARKERS[index % len(MARKERS)], "linewidth": 1.6}
        else:  # told apart by the length of the dashes: _s short, others long
            dashes = (0, (2, 2)) if curve.endswith("_s") else (0, (6, 2))
            style = {"color": "0.55", "linestyle": dashes, "linewidth": 1.0, "zorder": 1}
        label = curve if curve in detectors else f"{curve} (no audio)"
        axes.plot(range(len(rows)), numbers(rows, curve, path), label=label, markersize=5, **style)
    labels = [f"{row['class'].replace('_', ' ')} ({row['instances']})" for row in rows]
    axes.set_xticks(range(len(rows)), labels, rotation=40, ha="right", rotation_mode="anchor")
    axes.set(ylim=(-2, 100), ylabel="F1 in 1-s segments (%)", xlabel="class (event instances)")
    axes.grid(axis="y", color="0.9")
    axes.set_axisbelow(True)
    figure.legend(loc="outside upper center", ncols=3, frameon=False)
    return figure


def draw_training(path: Path) -> Figure:
    """Draw the losses of all trainings: one panel a system, one line a run and fold, the best epoch marked.

    Parameters
    ----------
    path : Path
        Long table with the columns system, run, fold, epoch, train_loss, validation_loss.

    Returns
    -------
    Figure
        Panels have their own scales: losses of different kinds are not comparable.

    Raises
    ------
    InputError
        When the table has no row.
    """
    rows = read_table(path, ("system", "run", "fold", "epoch", "train_loss", "validation_loss"))
    if not rows:
        raise InputError(f"{path}: nothing to draw; expected one row an epoch")
    systems = list(dict.fromkeys(row["system"] for row in rows))
    figure = Figure(figsize=(3.0 * max(len(systems), 2), 3.2), layout="constrained")
    for axes, system in zip(figure.subplots(1, len(systems), squeeze=False)[0], systems, strict=True):
        trainings: dict[tuple[str, str], list[dict[str, str]]] = {}
        for row in rows:
            if row["system"] == system:
                trainings.setdefault((row["run"], row["fold"]), []).append(row)
        for training in trainings.values():
            epochs, train, validation = (
                numbers(training, column, path) for column in ("epoch", "train_loss", "validation_loss")
            )
            best = validation.index(min(validation))
            axes.plot(epochs, train, color=COLOURS[0], linewidth=0.8, alpha=0.7)
            axes.plot(epochs, validation, color=COLOURS[1], linewidth=0.8, alpha=0.7)
            axes.plot(epochs[best], validation[best], "o", color="black", markersize=3.5)
        axes.set(title=system, xlabel="epoch")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(color="0.9")
        axes.set_axisbelow(True)
    figure.axes[0].set_ylabel("loss")
    handles = [
        Line2D([], [], color=COLOURS[0], label="train"),
        Line2D([], [], color=COLOURS[1], label="validation"),
        Line2D([], [], color="black", marker="o", linestyle="", markersize=3.5, label="best epoch"),
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=3, frameon=False)
    return figure


def draw_label_quality(path: Path) -> Figure:
    """Draw F1 of hard labels over event length, a panel a detection, number of opinions and share of spammers.

    Solid lines are methods at the threshold they would use; the dashed one is eq. 1 at the best threshold there is,
    which only the truth can tell.

    Parameters
    ----------
    path : Path
        Table of label quality.

    Returns
    -------
    Figure
    """
    kind = ("detection", "opinions_per_window", "spammers")
    rows = read_table(path, ("event_length_s", *kind, "method", "f1"))
    if not rows:
        raise InputError(f"{path}: nothing to draw; expected one row a setting and method")
    panels = list(dict.fromkeys(tuple(row[key] for key in kind) for row in rows))
    width = len({row["opinions_per_window"] for row in rows})
    height = -(-len(panels) // width)
    methods = list(dict.fromkeys(row["method"] for row in rows))
    lines = [(method, "f1", "-") for method in methods] + [("eq1", "f1_best", "--")] * ("eq1" in methods)
    figure = Figure(figsize=(2.6 * width + 0.6, 1.9 * height + 0.7), layout="constrained")
    grid = figure.subplots(height, width, squeeze=False, sharey=True).ravel()
    for axes in grid[len(panels) :]:
        axes.set_axis_off()
    for axes, panel in zip(grid, panels, strict=False):
        shown = [row for row in rows if tuple(row[key] for key in kind) == panel]
        for method, column, style in lines:
            mine = [row for row in shown if row["method"] == method]
            lengths, scores = (numbers(mine, name, path) for name in ("event_length_s", column))
            index = methods.index(method)
            axes.plot(lengths, scores, style, color=COLOURS[index], marker=MARKERS[index], markersize=4)
        detection, asked, spammers = panel
        axes.set_title(f"{detection} detection, {asked} opinions, {float(spammers):.0%} spammers", fontsize=7)
        axes.set(xscale="log", xticks=lengths, xticklabels=[f"{length:g}" for length in lengths])
        axes.minorticks_off()
        axes.grid(color="0.9")
    figure.supxlabel("mean event length, s", fontsize=9)
    figure.supylabel("F1 of hard labels", fontsize=9)
    handles = [
        Line2D([], [], color=COLOURS[methods.index(m)], linestyle=style, marker=MARKERS[methods.index(m)], markersize=4,
               label=m if column == "f1" else f"{m} at the best threshold (needs the truth)")
        for m, column, style in lines
    ]  # fmt: skip
    figure.legend(handles=handles, loc="outside upper center", ncols=4, frameon=False)
    return figure


def draw_label_reliability(path: Path) -> Figure:
    """Draw reliability diagrams: share of true seconds over soft label, a panel an event length, a line a method."""
    rows = read_table(path, ("event_length_s", "method", "bin_from", "cells", "soft", "true"))
    if not rows:
        raise InputError(f"{path}: nothing to draw; expected one row a bin")
    lengths, methods = (list(dict.fromkeys(row[key] for row in rows)) for key in ("event_length_s", "method"))
    figure = Figure(figsize=(2.3 * len(lengths) + 0.4, 2.9), layout="constrained")
    for axes, length in zip(figure.subplots(1, len(lengths), squeeze=False, sharey=True)[0], lengths, strict=True):
        axes.plot([0, 1], [0, 1], color="0.6", linewidth=0.8)
        for index, method in enumerate(methods):
            mine = [row for row in rows if (row["event_length_s"], row["method"]) == (length, method)]
            axes.plot(*(numbers(mine, key, path) for key in ("soft", "true")), color=COLOURS[index],
                      marker=MARKERS[index], markersize=4, label=method)  # fmt: skip
        axes.set(title=f"events of {float(length):g} s", xlabel="soft label", xlim=(0, 1), ylim=(0, 1), aspect="equal")
        axes.grid(color="0.9")
    figure.axes[0].set_ylabel("share of true seconds")
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=4, frameon=False)
    return figure


def draw_reliability(path: Path) -> Figure:
    """Draw reliability diagrams of scores: a panel a system, against soft and hard labels.

    The area of a marker grows with the cells in its bin; calibration errors are in the title of the panel.
    """
    rows = read_table(path, ("system", "reference", "calibration_error", "cells", "score", "label"))
    if not rows:
        raise InputError(f"{path}: nothing to draw; expected one row a bin")
    systems = list(dict.fromkeys(row["system"] for row in rows))
    width = min(4, len(systems))
    height = -(-len(systems) // width)
    figure = Figure(figsize=(2.1 * width + 0.4, 2.4 * height + 0.5), layout="constrained")
    panels = figure.subplots(height, width, squeeze=False, sharex=True, sharey=True).ravel()
    for axes in panels[len(systems) :]:
        axes.set_axis_off()
    kinds = {"soft": ("mean soft label", COLOURS[0], "o"), "hard": ("share of active seconds", COLOURS[1], "s")}
    for axes, system in zip(panels, systems, strict=False):
        axes.plot([0, 1], [0, 1], color="0.6", linewidth=0.8)
        errors = []
        for kind, (text, colour, marker) in kinds.items():
            mine = [row for row in rows if (row["system"], row["reference"]) == (system, kind)]
            cells, scores, labels = (np.array(numbers(mine, key, path)) for key in ("cells", "score", "label"))
            axes.plot(scores, labels, color=colour, linewidth=1.0, label=text)
            axes.scatter(scores, labels, s=4 + 60 * cells / cells.sum(), color=colour, marker=marker)
            errors.append(f"{kind} {float(mine[0]['calibration_error']):.3f}")
        name = f"{system} (no audio)" if PRIOR.fullmatch(system) else system
        axes.set_title(f"{name}\n{', '.join(errors)}", fontsize=7)
        axes.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), aspect="equal", xticks=(0, 0.5, 1), yticks=(0, 0.5, 1))
        axes.grid(color="0.9")
        axes.set_axisbelow(True)
    figure.supxlabel("score", fontsize=9)
    figure.supylabel("label", fontsize=9)
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=2, frameon=False)
    return figure


FIGURES: dict[str, Callable[[Path], Figure]] = {
    "figure2": draw_figure2,
    "training": draw_training,
    "label_quality": draw_label_quality,
    "label_reliability": draw_label_reliability,
    "reliability": draw_reliability,
}


def main(argv: list[str] | None = None) -> None:
    """Draw one figure of the report."""
    parser = argparse.ArgumentParser(prog="softsed report.figures", description=main.__doc__)
    parser.add_argument("figure", choices=sorted(FIGURES))
    parser.add_argument("--table", type=Path, required=True, help="table to draw")
    parser.add_argument("--svg", type=Path, required=True, help="figure, written")
    parser.add_argument("--png", type=Path, required=True, help="figure, written")
    options = parser.parse_args(argv)
    with mpl.rc_context(STYLE):
        figure = FIGURES[options.figure](options.table)
        figure.savefig(options.svg, metadata={"Date": None})
        figure.savefig(options.png, dpi=200)
