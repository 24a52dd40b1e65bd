"""Number of opinions about each second and class, for systems that are trained with ``weight: opinions``.

An opinion about a window is an opinion about each of its seconds, as in eq. 1 (`softsed.labels.aggregate`).
"""

import logging
from pathlib import Path

import numpy as np

from softsed.core.metadata import Recording
from softsed.core.opinions import Opinions, read_tables
from softsed.core.options import add_options, build_parser

logger = logging.getLogger(__name__)


def count_opinions(opinions: Opinions, recordings: dict[str, Recording]) -> dict[str, np.ndarray]:
    """Count the opinions about each second and class: recording -> int [seconds, classes]."""
    # All recordings lie on one axis of seconds, with one more place after each for windows that end with it.
    lengths = [int(recording.duration_s) + 1 for recording in recordings.values()]
    ends = np.cumsum(lengths)
    starts = dict(zip(recordings, ends - lengths, strict=True))
    start = np.array([starts[name] for name in opinions.recording])[opinions.window]
    changes = np.zeros((ends[-1], len(opinions.classes)), dtype=int)
    np.add.at(changes, (start + opinions.onset[opinions.window], opinions.label), 1)
    np.add.at(changes, (start + opinions.offset[opinions.window], opinions.label), -1)
    pieces = np.split(changes.cumsum(axis=0), ends[:-1])
    return {name: piece[:-1] for name, piece in zip(recordings, pieces, strict=True)}


def write_counts(path: Path, counts: dict[str, np.ndarray], classes: list[str]) -> None:
    """Write the numbers of opinions: one row per second and class with an opinion in the recording, zeros included."""
    rows = [
        f"{recording}\t{second}\t{second + 1}\t{classes[column]}\t{number[second, column]}\n"
        for recording, number in counts.items()
        for second in range(len(number))
        for column in np.flatnonzero(number.any(axis=0)).tolist()
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("recording\tonset\toffset\tlabel\topinions\n" + "".join(rows), encoding="utf-8")


def main(argv: list[str] | None = None) -> None:
    """Count the opinions about each second and class."""
    example = (
        "--opinions results/demo/data/opinions.tsv --recordings workflow/resources/demo.tsv"
        " --classes workflow/resources/classes.tsv --scenes workflow/resources/scenes.tsv --output counts.tsv"
    )
    parser = build_parser("labels.counts", main, example=example)
    add_options(parser, "opinions", "unticked", "recordings", "classes", "scenes")
    add_options(parser, output="table of the numbers of opinions per second and class to write")
    options = parser.parse_args(argv)
    opinions, recordings = read_tables(options)
    counts = count_opinions(opinions, recordings)
    write_counts(options.output, counts, opinions.classes)
    logger.info("%s: opinions about %d recordings", options.output, sum(number.any() for number in counts.values()))
