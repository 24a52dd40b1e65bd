"""A picture of what a system heard in a recording: scores as shades, events as bars, a row a class."""

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from softsed.core.labels import Event

WIDEST = 40  # inches: an hour at 120 dots an inch has more than one dot a second
STEPS_S = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 86400)  # between marks of the time
MARKS = 16


@mpl.rc_context({"text.parse_math": False})  # a $ in a name is a $
def draw_timeline(scores: np.ndarray, events: list[Event], classes: list[str], *, title: str) -> Figure:
    """Draw scores and events of one recording.

    Parameters
    ----------
    scores : ndarray [seconds, classes]
        Shaded from white, 0, to blue, 1; a linear output beyond is cut there.
    events : list of Event
        Drawn as bars over the lower part of the row of their class.
    classes : list of str
        The rows, from above.
    title : str

    Returns
    -------
    Figure
        Wider for longer recordings.
    """
    seconds = len(scores)
    width = min(WIDEST, 9 + seconds / 120)
    figure = Figure(figsize=(width, 1.1 + 0.26 * len(classes)), layout="constrained")
    axes = figure.add_subplot()
    shades = axes.imshow(
        scores.T,
        aspect="auto",
        interpolation="nearest",
        cmap="Blues",
        vmin=0,
        vmax=1,
        extent=(0, seconds, len(classes) - 0.5, -0.5),
    )
    for row, name in enumerate(classes):
        bars = [(event.onset, event.offset - event.onset) for event in events if event.label == name]
        axes.broken_barh(bars, (row + 0.22, 0.2), facecolors="#D55E00")
    axes.set_yticks(range(len(classes)), [name.replace("_", " ") for name in classes])
    axes.set_yticks(np.arange(len(classes) - 1) + 0.5, minor=True)
    axes.grid(axis="y", which="minor", color="0.85", linewidth=0.5)
    axes.tick_params(which="both", left=False)
    axes.set_xticks(np.arange(0, seconds + 1, next(step for step in STEPS_S if seconds / step < MARKS)))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value // 60:.0f}:{value % 60:02.0f}")
    axes.set(xlabel="time, min:s", title=f"{title}: scores, and events in orange")
    figure.colorbar(shades, ax=axes, label="score", pad=0.01, aspect=15)
    return figure
