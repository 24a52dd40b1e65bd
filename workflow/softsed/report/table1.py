"""Table 1: event instances, recordings and minutes per scene, counted from the hard labels.

A cell is "-" for a class that is not annotated in the scene.
"""

import numpy as np
import pandas as pd

from softsed.core.errors import InputError
from softsed.core.labels import Event, read_hard
from softsed.core.metadata import Recording, read_asked, read_classes
from softsed.core.options import add_options, build_parser
from softsed.report.tables import format_counts, write_frame


def count_events(
    recordings: dict[str, Recording], scenes: dict[str, list[str]], classes: list[str], hard: dict[str, list[Event]]
) -> pd.DataFrame:
    """Count event instances, recordings and minutes of each scene.

    Parameters
    ----------
    recordings : dict
        Scene and duration of each recording.
    scenes : dict of list of str
        Classes annotated in each scene.
    classes : list of str
        All classes, in the order of the columns.
    hard : dict of list of Event
        Hard labels of each recording.

    Returns
    -------
    DataFrame
        One row per scene that has recordings, in the order of `scenes`. Columns: one per class (instances, nan if the
        class is not annotated in the scene), files, minutes.

    Raises
    ------
    InputError
        If a recording has an event of a class that is not annotated in its scene.
    """
    for name, recording in recordings.items():
        if beyond := sorted({event.label for event in hard[name]} - set(scenes[recording.scene])):
            raise InputError(
                f"recording {name!r} has events of {beyond}, which are not annotated in its scene",
                key="--hard",
                expected=f"the classes annotated in {recording.scene}: {scenes[recording.scene]}",
            )
    events = pd.DataFrame(
        [(recordings[name].scene, event.label) for name in recordings for event in hard[name]],
        columns=["scene", "class"],
    )
    lengths = pd.DataFrame([(r.scene, r.duration_s / 60) for r in recordings.values()], columns=["scene", "minutes"])
    present = [scene for scene in scenes if scene in set(lengths["scene"])]
    counts = pd.crosstab(events["scene"], events["class"]).reindex(index=present, columns=classes, fill_value=0)
    annotated = np.array([[name in scenes[scene] for name in classes] for scene in present])
    totals = lengths.groupby("scene")["minutes"].agg(files="size", minutes="sum")
    return counts.where(annotated).join(totals)


EXAMPLE = """\
--recordings workflow/resources/demo.tsv --scenes workflow/resources/scenes.tsv
      --classes workflow/resources/classes.tsv --hard results/demo/labels/eq1/hard.tsv
      --tsv results/demo/report/table1.tsv\
"""


def main(argv: list[str] | None = None) -> None:
    """Make Table 1: event instances per scene and class."""
    parser = build_parser("report.table1", main, example=EXAMPLE)
    add_options(parser, "recordings", "scenes", "classes", "hard", "tsv")
    options = parser.parse_args(argv)
    classes = read_classes(options.classes)
    recordings, scenes = read_asked(options.recordings, options.scenes, classes)
    hard = read_hard(options.hard, classes, list(recordings))
    write_frame(options.tsv, format_counts(count_events(recordings, scenes, classes, hard)))
