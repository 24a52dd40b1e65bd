"""Picture of the scores of a recording as shades and of its events as bars, with one row per class."""

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from softsed.core.labels import Event

WIDEST = 40  # inches: at 120 dots per inch, one hour has more than one dot per second
STEPS_S = (
    1,
    2,
    5,
    10,
    20,
    30,
    60,
    120,
    300,
    600,
    1800,
    3600,
    7200,
    21600,
    86400,
)  # distances between marks of the time axis
MOST_CLASSES = 40  # rows, at most: the picture stays readable with hundreds of classes
MARKS = 16  # marks of the time axis, at most


@mpl.rc_context({"text.parse_math": False})  # a $ in a name does not begin a formula
def draw_timeline(scores: np.ndarray, events: list[Event], classes: list[str], *, title: str) -> Figure:
    """Draw scores and events of one recording.

    Parameters
    ----------
    scores : ndarray [seconds, classes]
        Shown from white (0) to blue (1). Linear outputs outside of this range have the colour of its ends.
    events : list of Event
        Shown as bars in the row of their class.
    classes : list of str
        Names of the rows, from the top. Of more than `MOST_CLASSES`, the picture shows the classes with the longest
        events, then those with the highest scores, and its title counts the others.
    title : str
        Name of the recording.

    Returns
    -------
    Figure
        Its width grows with the recording.
    """
    seconds = len(scores)
    detected = {name: sum(event.offset - event.onset for event in events if event.label == name) for name in classes}
    order = sorted(range(len(classes)), key=lambda column: (-detected[classes[column]], -scores[:, column].max()))
    if len(classes) > MOST_CLASSES:
        title += f" ({MOST_CLASSES} of {len(classes)} classes, by detected seconds)"
    chosen = sorted(order[:MOST_CLASSES])
    scores, classes = scores[:, chosen], [classes[column] for column in chosen]
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
