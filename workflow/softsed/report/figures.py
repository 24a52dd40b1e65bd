"""Figures of the report, drawn from its tables: class-wise F1 (Fig. 2), training curves, label quality, reliability.

The same table always becomes an SVG with the same bytes, without a date and with fixed identifiers. Baselines without
audio are drawn thin, grey and dashed.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from softsed.core.errors import InputError
from softsed.core.options import build_parser
from softsed.report.display import MOST_CLASSES, shorten
from softsed.report.tables import read_frame

# Okabe and Ito (2008): distinct for colour-blind readers. Markers differ as well, for print in black and white.
COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]
MARKERS = "osD^vP*"
PRIOR = re.compile(r"(scene|recording)_prior(_[hs])?")
STYLE: dict[Any, Any] = {
    "svg.hashsalt": "softsed",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.parse_math": False,  # names may contain $
}


def read_rows(path: Path, text: tuple[str, ...], numbers: tuple[str, ...]) -> pd.DataFrame:
    """Read a table that has at least one row. Empty cells of numbers become nan, which leaves a gap in a line."""
    frame = read_frame(path, text=text, numbers=numbers)
    if frame.empty:
        raise InputError("the table has no row, so that the figure would be empty", file=path)
    return frame


def draw_figure2(path: Path) -> Figure:
    """Draw class-wise F1 as in Fig. 2: classes by decreasing number of instances, one line per system.

    Parameters
    ----------
    path : Path
        Table with the columns class, instances and one per curve, F1 in percent. Rows are in the order of the axis. An
        empty cell leaves a gap: classes that are not evaluated have no value at the fixed threshold. The figure shows
        the first `MOST_CLASSES` rows, and the name of its axis counts the others.

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        If the table has no row or no curve.
    """
    names = ("class", "instances")
    curves = [column for column in read_rows(path, names, ()).columns if column not in names]
    if not curves:
        raise InputError(
            f"there is no curve beside the columns {list(names)}", file=path, expected="one column per curve"
        )
    table = read_rows(path, names, tuple(curves))
    rows = table.head(MOST_CLASSES)
    few = len(rows) <= 17  # names of more classes fit only if they are vertical, below a higher figure
    figure = Figure(figsize=(7.2, 4.2 if few else 5.4), layout="constrained")
    axes = figure.add_subplot()
    detectors = [curve for curve in curves if not PRIOR.fullmatch(curve)]
    style: dict[str, Any]
    for curve in curves:
        if curve in detectors:
            index = detectors.index(curve)
            style = {"color": COLOURS[index % len(COLOURS)], "marker": MARKERS[index % len(MARKERS)], "linewidth": 1.6}
        else:  # the length of the dashes distinguishes the operating points
            dashes = (0, (2, 2)) if curve.endswith("_s") else (0, (6, 2))
            style = {"color": "0.55", "linestyle": dashes, "linewidth": 1.0, "zorder": 1}
            if len(rows) == 1:  # a line of one point is invisible
                style["marker"] = "_"
        label = curve if curve in detectors else f"{curve} (no audio)"
        axes.plot(range(len(rows)), rows[curve], label=label, markersize=5, **style)
    shown = zip(rows["class"], rows["instances"], strict=True)
    labels = [f"{shorten(name.replace('_', ' '))} ({number})" for name, number in shown]
    position: dict[str, Any] = (
        {"rotation": 40, "ha": "right"} if few else {"rotation": 90, "ha": "right", "va": "center"}
    )
    axes.set_xticks(range(len(rows)), labels, rotation_mode="anchor", **position)
    chosen = f": the {len(rows)} most frequent of {len(table)} classes" if len(rows) < len(table) else ""
    axes.set(ylim=(-2, 100), ylabel="F1 in 1-s segments (%)", xlabel=f"class (event instances){chosen}")
    axes.grid(axis="y", color="0.9")
    axes.set_axisbelow(True)
    figure.legend(loc="outside upper center", ncols=3, frameon=False)
    return figure


def draw_training(path: Path) -> Figure:
    """Draw the losses of all trainings: one panel per system, one line per run and fold, with a mark at the best epoch.

    Parameters
    ----------
    path : Path
        Long table with the columns system, run, fold, epoch, train_loss, validation_loss, constant_loss.

    Returns
    -------
    Figure
        Panels have separate scales, because losses of different kinds are not comparable. A dotted line is the
        validation loss of a constant per scene. The validation loss of every training should fall below this line.

    Raises
    ------
    InputError
        If the table has no row.
    """
    rows = read_rows(path, ("system", "run", "fold"), ("epoch", "train_loss", "validation_loss", "constant_loss"))
    systems = rows.groupby("system", sort=False)
    figure = Figure(figsize=(3.0 * max(len(systems), 2), 3.2), layout="constrained")
    for axes, (system, trainings) in zip(figure.subplots(1, len(systems), squeeze=False)[0], systems, strict=True):
        for _, training in trainings.groupby(["run", "fold"], sort=False):
            axes.plot(training["epoch"], training["constant_loss"], ":", color="0.4", linewidth=0.8)
            best = training.loc[training["validation_loss"].idxmin()]
            axes.plot(training["epoch"], training["train_loss"], color=COLOURS[0], linewidth=0.8, alpha=0.7)
            axes.plot(training["epoch"], training["validation_loss"], color=COLOURS[1], linewidth=0.8, alpha=0.7)
            axes.plot(best["epoch"], best["validation_loss"], "o", color="black", markersize=3.5)
        axes.set(title=system, xlabel="epoch")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(color="0.9")
        axes.set_axisbelow(True)
    figure.axes[0].set_ylabel("loss")
    handles = [
        Line2D([], [], color=COLOURS[0], label="train"),
        Line2D([], [], color=COLOURS[1], label="validation"),
        Line2D([], [], color="black", marker="o", linestyle="", markersize=3.5, label="best epoch"),
        Line2D([], [], color="0.4", linestyle=":", label="validation, constant per scene"),
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=4, frameon=False)
    return figure


def draw_label_quality(path: Path) -> Figure:
    """Draw F1 of hard labels over event length, one panel per detection, number of opinions and share of spammers.

    Solid lines are methods at their own thresholds. The dashed line is eq. 1 at the threshold with the highest F1,
    which requires the ground truth.

    Parameters
    ----------
    path : Path
        Table of label quality, written by `softsed report.label_quality`.

    Returns
    -------
    Figure
    """
    kind = ("detection", "opinions_per_window", "spammers")
    rows = read_rows(path, (*kind, "method"), ("event_length_s", "f1", "f1_best"))
    panels = rows.groupby(list(kind), sort=False)
    width = rows["opinions_per_window"].nunique()
    height = -(-len(panels) // width)
    methods = list(rows["method"].unique())
    lines: list[tuple[str, str, Any]] = [(method, "f1", "-") for method in methods] + [("eq1", "f1_best", "--")] * (
        "eq1" in methods
    )
    figure = Figure(figsize=(2.6 * width + 0.6, 1.9 * height + 0.7), layout="constrained")
    grid = figure.subplots(height, width, squeeze=False, sharey=True).ravel()
    for axes in grid[len(panels) :]:
        axes.set_axis_off()
    for axes, ((detection, opinions, spammers), shown) in zip(grid, panels, strict=False):
        for method, column, style in lines:
            chosen = shown[shown["method"] == method]
            lengths, index = chosen["event_length_s"], methods.index(method)
            axes.plot(lengths, chosen[column], style, color=COLOURS[index], marker=MARKERS[index], markersize=4)
        axes.set_title(f"{detection} detection, {opinions} opinions, {float(spammers):.0%} spammers", fontsize=7)
        axes.set(xscale="log", xticks=lengths, xticklabels=[f"{length:g}" for length in lengths])
        axes.minorticks_off()
        axes.grid(color="0.9")
    figure.supxlabel("mean event length, s", fontsize=9)
    figure.supylabel("F1 of hard labels", fontsize=9)
    handles = [
        Line2D([], [], color=COLOURS[methods.index(m)], linestyle=style, marker=MARKERS[methods.index(m)], markersize=4,
               label=m if column == "f1" else f"{m} at the best threshold (requires the ground truth)")
        for m, column, style in lines
    ]  # fmt: skip
    figure.legend(handles=handles, loc="outside upper center", ncols=4, frameon=False)
    return figure


def draw_label_reliability(path: Path) -> Figure:
    """Draw share of true seconds over soft label: one panel per event length, one line per method."""
    rows = read_rows(path, ("event_length_s", "method"), ("soft", "true"))
    lengths, methods = (list(rows[key].unique()) for key in ("event_length_s", "method"))
    figure = Figure(figsize=(2.3 * len(lengths) + 0.4, 2.9), layout="constrained")
    for axes, length in zip(figure.subplots(1, len(lengths), squeeze=False, sharey=True)[0], lengths, strict=True):
        axes.plot([0, 1], [0, 1], color="0.6", linewidth=0.8)
        for index, method in enumerate(methods):
            line = rows[(rows["event_length_s"] == length) & (rows["method"] == method)]
            style = {"color": COLOURS[index], "marker": MARKERS[index], "markersize": 4}
            axes.plot(line["soft"], line["true"], label=method, **style)
        axes.set(title=f"events of {float(length):g} s", xlabel="soft label", xlim=(0, 1), ylim=(0, 1), aspect="equal")
        axes.grid(color="0.9")
    figure.axes[0].set_ylabel("share of true seconds")
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=4, frameon=False)
    return figure


def draw_reliability(path: Path) -> Figure:
    """Draw reliability diagrams of scores against soft and hard labels, one panel per system.

    The area of a marker increases with the number of cells in its bin. Titles contain the calibration errors.
    """
    rows = read_rows(path, ("system", "reference"), ("calibration_error", "cells", "score", "label"))
    systems = list(rows["system"].unique())
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
            line = rows[(rows["system"] == system) & (rows["reference"] == kind)]
            cells = line["cells"]
            axes.plot(line["score"], line["label"], color=colour, linewidth=1.0, label=text)
            axes.scatter(line["score"], line["label"], s=4 + 60 * cells / cells.sum(), color=colour, marker=marker)
            errors.append(f"{kind} {line['calibration_error'].iloc[0]:.3f}")
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


EXAMPLE = """\
figure2 --table results/demo/report/figure2.tsv --svg results/demo/report/figure2.svg
      --png results/demo/report/figure2.png\
"""


def main(argv: list[str] | None = None) -> None:
    """Draw one figure of the report."""
    parser = build_parser("report.figures", main, example=EXAMPLE)
    parser.add_argument("figure", choices=sorted(FIGURES), help="figure to draw")
    parser.add_argument("--table", type=Path, required=True, help="table of the figure")
    parser.add_argument("--svg", type=Path, required=True, help="figure to write (SVG)")
    parser.add_argument("--png", type=Path, required=True, help="figure to write (PNG, 200 dpi)")
    options = parser.parse_args(argv)
    with mpl.rc_context(STYLE):
        figure = FIGURES[options.figure](options.table)
        figure.savefig(options.svg, metadata={"Date": None})
        figure.savefig(options.png, dpi=200)
