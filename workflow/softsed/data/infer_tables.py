"""Tables of recordings, classes and scenes, inferred from opinions alone or from a dataset with audio.

A dataset is a folder of recordings with soft labels, hard labels or opinions. Tables that the user provides are used;
the others are inferred:

- A recording lasts as long as its audio. With a soft table or opinions, it ends with its last row or window, rounded
  down to whole seconds.
- The classes are those of the labels.
- Without a table of recordings (recording, scene), all recordings of labels have the scene ``all``. Recordings of
  opinions have the scene in the column ``scene``, or without this column the scene ``all``.
- The classes annotated in a scene are those with a row in the scene (soft table, opinions). For all other labels, all
  classes are annotated, including classes of a table of classes without a label. A table of scenes replaces this rule.
"""

import json
import logging
from pathlib import Path

from softsed.core.code_hash import content
from softsed.core.errors import InputError, Problems
from softsed.core.event_text import read_label_rows
from softsed.core.label_rows import LabelRows
from softsed.core.log import PROGRESS
from softsed.core.metadata import (
    LONGEST_S,
    Recording,
    check_name,
    read_classes,
    read_recordings,
    seconds_or_milliseconds,
)
from softsed.core.opinions import OpinionTable
from softsed.core.options import add_dataset, add_options, build_parser, read_dataset
from softsed.core.text.names import check_spelling
from softsed.core.text.windows import cut_windows
from softsed.core.tsv import read_number
from softsed.data import dataset_checks

SCENE_COLUMN = "scene"  # optional column of opinions
DATASET = "dataset.json"  # beside the inferred tables: the names and content of their sources

logger = logging.getLogger(__name__)


def read_named(path: Path) -> OpinionTable:
    """Read a table of opinions; raise an InputError if the name of a recording cannot be that of a file."""
    table = OpinionTable.read(path)
    for name, place in table.places("recording").items():
        check_name(name, **place)
    return table


def recording_names(path: Path) -> list[str]:
    """List the recordings of a table of opinions, sorted.

    Raises
    ------
    InputError
        If the table cannot be read or is empty, or a name cannot be the name of a file.
    """
    return sorted(set(read_named(path).columns["recording"]))


def longest_window(path: Path) -> float:
    """Return the longest window in seconds; skip windows without valid times, which later steps report."""
    columns = OpinionTable.read(path).columns
    times = set(zip(columns["onset"], columns["offset"], strict=True))
    lengths = (read_number(offset) - read_number(onset) for onset, offset in times)
    return max((length for length in lengths if length > 0), default=0.0)


def survey(opinions: Path | OpinionTable) -> tuple[dict[str, int], list[str], dict[str, str], dict[str, list[str]]]:
    """Infer recordings, classes and scenes from opinions.

    Parameters
    ----------
    opinions : Path or OpinionTable
        See `softsed.core.opinions`. The optional column ``scene`` names the scene of the recording.

    Returns
    -------
    durations : dict of int
        Recording to the end of its last window, whole seconds; recordings sorted.
    classes : list of str
        Sorted.
    scenes : dict of str
        Recording to its scene: from the column ``scene``, or ``all``.
    asked : dict of list of str
        Scene to the classes annotated in it, sorted.

    Raises
    ------
    InputError
        With file and line: an offset that is neither a whole number of seconds nor the end of the recording, a class or
        scene without a name, a scene in two spellings, a recording in two scenes. Later steps check the other columns.
    """
    table = opinions if isinstance(opinions, OpinionTable) else read_named(opinions)
    table = _cut_last_windows(table)
    (spans, span), (_, offsets) = table.spans, table.times
    durations = dict.fromkeys(sorted({name for name, _, _ in spans}), 0)
    for index, ((name, _, text), offset) in enumerate(zip(spans, offsets.tolist(), strict=True)):
        if not (offset.is_integer() and 1 <= offset <= LONGEST_S):
            raise table.error(
                span.tolist().index(index),
                f"offset is {text!r}",
                expected=f"a whole number of seconds, 1 to {LONGEST_S}",
                remedy=seconds_or_milliseconds(offset),
            )
        durations[name] = max(durations[name], int(offset))
    for column in ("class", SCENE_COLUMN):
        if "" in table.columns.get(column, []):
            row = table.columns[column].index("")
            raise table.error(row, f"no {column}", expected=f"the name of a {column} in every row")
    answered = _answered(table)
    one_scene = dict.fromkeys(durations, dataset_checks.ONLY_SCENE)
    scenes = _named_scenes(table) if SCENE_COLUMN in table.columns else one_scene
    asked: dict[str, set[str]] = {}
    for name in durations:
        asked.setdefault(scenes[name], set()).update(answered[name])
    return durations, sorted(set(table.columns["class"])), scenes, {scene: sorted(asked[scene]) for scene in asked}


def _cut_last_windows(table: OpinionTable) -> OpinionTable:
    """Cut windows at the end of the last second of each recording, with a warning; see `cut_windows`."""
    table, note = cut_windows(table)
    if note:
        logger.warning("%s: %s", table.path, note)
    return table


def _answered(table: OpinionTable) -> dict[str, set[str]]:
    """Return the classes with an opinion about each recording."""
    answered: dict[str, set[str]] = {}
    for name, label in set(zip(table.columns["recording"], table.columns["class"], strict=True)):
        answered.setdefault(name, set()).add(label)
    return answered


def _named_scenes(table: OpinionTable) -> dict[str, str]:
    check_spelling(table.places(SCENE_COLUMN), Problems(strict=True), column=SCENE_COLUMN)
    scenes: dict[str, str] = {}
    for (name, scene), row in table.first_rows("recording", SCENE_COLUMN).items():
        if scenes.setdefault(name, scene) != scene:
            problem = f"recording {name!r} has the scene {scene!r}, but the scene {scenes[name]!r} in an earlier row"
            raise table.error(row, problem, expected="one scene per recording")
    return scenes


def infer_dataset(
    audio: Path | None, labels: Path, kind: str, tables: dict[str, Path | None], problems: Problems
) -> tuple[dict[str, Recording], list[str], dict[str, list[str]]]:
    """Check a dataset and infer its tables, which are incomplete if there are problems.

    Parameters
    ----------
    audio : Path or None
        Folder of recordings; None for opinions without audio. The recordings are then those of the table of recordings
        or, without one, of the opinions.
    labels : Path
        Soft labels, hard labels or opinions.
    kind : {"soft", "hard", "opinions"}
    tables : dict of Path or None
        User-provided tables of recordings, classes and scenes.
    problems : Problems
        Receives all problems of the dataset.

    Returns
    -------
    recordings : dict of Recording
    classes : list of str
    asked : dict of list of str
        Scene to the classes annotated in it.

    Raises
    ------
    InputError
        If a table cannot be read as such.
    """
    known = read_classes(tables["classes"]) if tables["classes"] else None
    if kind == "opinions":
        table = OpinionTable.read(labels) if audio else _cut_last_windows(OpinionTable.read(labels))
        lengths = _lengths(audio, table, tables["recordings"], problems)
        table = dataset_checks.check_opinions(
            table, lengths, known, problems, source=audio or tables["recordings"] or labels
        )
        if problems:
            return {}, known or [], {}
        durations, classes, scenes, _ = survey(table)
        if audio or not tables["recordings"]:
            lengths = dict(durations.items())
        used = _answered(table)
    elif audio is None:
        raise InputError(
            "the option is missing", key="--audio", expected=f"the folder of the recordings with these {kind} labels"
        )
    else:
        lengths = dataset_checks.check_audio(audio, problems)
        rows = read_label_rows(labels, kind, problems)
        classes, used = _check_labels(rows, lengths, known, audio, problems, scenes_given=bool(tables["scenes"]))
    classes = known or classes
    if kind != "opinions" or tables["recordings"]:
        scenes = dataset_checks.check_scenes(tables["recordings"], lengths, problems)
    recordings = {name: Recording(name, scenes[name], lengths[name]) for name in sorted(scenes)}
    asked: dict[str, list[str]] = {}
    for name, one in recordings.items():
        reported = {*asked.get(one.scene, []), *used.get(name, [])}
        asked[one.scene] = [label for label in classes if label in reported]
    return recordings, classes, dataset_checks.check_asked(tables["scenes"], asked, classes, problems)


def _lengths(audio: Path | None, table: OpinionTable, recordings: Path | None, problems: Problems) -> dict[str, float]:
    """Return the length of each recording: of the audio, of the table of recordings, or 0 where both are missing."""
    if audio:
        return dataset_checks.check_audio(audio, problems)
    if recordings:
        return {name: one.duration_s for name, one in read_recordings(recordings).items()}
    return dict.fromkeys(table.columns["recording"], 0.0)


def _check_labels(
    rows: LabelRows,
    lengths: dict[str, float],
    known: list[str] | None,
    audio: Path,
    problems: Problems,
    *,
    scenes_given: bool,
) -> tuple[list[str], dict[str, set[str]]]:
    """Check labels against the audio; return their classes, and the classes annotated in each recording.

    `lengths` becomes the length of the labels for recordings of a soft table.
    """
    own = rows.by_recording()
    places = {name: rows.place(one[0]) if len(one) else {"file": rows.file(name)} for name, one in own.items()}
    dataset_checks.check_recordings(places, lengths, rows.path, problems, source=audio)
    first = {name: rows.place(row) for name, row in rows.first_rows().items()}
    reported = dataset_checks.check_classes(first, known, problems)
    rows = dataset_checks.check_labels(rows, lengths, problems, reported=reported)
    classes, used = known or sorted(first), dict[str, set[str]]()
    for name, one in rows.by_recording().items():
        # If neither the labels nor a table of scenes list the annotated classes, all classes are annotated.
        used[name] = set(rows.label[one] if rows.zeros_listed or scenes_given else classes)
        if rows.zeros_listed and len(one) and name in lengths:
            lengths[name] = float(rows.offset[one].max())
    return classes, used


def write_tables(
    folder: Path, recordings: dict[str, Recording], classes: list[str], asked: dict[str, list[str]]
) -> None:
    """Write the tables of recordings, classes and scenes into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = "".join(f"{one.name}\t{one.scene}\t{one.duration_s:.10g}\n" for one in recordings.values())
    (folder / "recordings.tsv").write_text("recording\tscene\tduration_s\n" + rows, encoding="utf-8")
    (folder / "classes.tsv").write_text("class\n" + "".join(f"{name}\n" for name in classes), encoding="utf-8")
    rows = "".join(f"{scene}\t{name}\n" for scene, names in asked.items() for name in names)
    (folder / "scenes.tsv").write_text("scene\tclass\n" + rows, encoding="utf-8")


def describe_sources(labels: Path, kind: str, tables: dict[str, Path | None], unticked: str) -> str:
    """Describe the labels and tables of a dataset by name and content, as JSON; empty if one is missing.

    For opinions, the description contains `unticked`, because the check of opinions depends on it.
    """
    given = {name: path for name, path in {kind: labels, **tables}.items() if path}
    if not all(path.exists() for path in given.values()):
        return ""
    sources = dict(zip(given, content(*given.values()), strict=True))
    return json.dumps(sources | ({"unticked": unticked} if kind == "opinions" else {}), indent=2) + "\n"


def main(argv: list[str] | None = None) -> None:
    """Infer the tables of recordings, classes and scenes from a dataset or from opinions."""
    parser = build_parser(
        "data.infer_tables", main, example="--opinions results/demo/data/opinions.tsv --tables results/mine/data"
    )
    add_dataset(parser)
    add_options(parser, "unticked")
    parser.add_argument(
        "--tables", type=Path, required=True, help="folder to write recordings.tsv, classes.tsv and scenes.tsv into"
    )
    options = parser.parse_args(argv)
    labels, kind, tables = read_dataset(options)
    problems = Problems()
    inferred = infer_dataset(options.audio, labels, kind, tables, problems)
    problems.raise_all("in the dataset")
    logger.info("%s", dataset_checks.summarise(kind, *inferred), extra=PROGRESS)
    write_tables(options.tables, *inferred)
    (options.tables / DATASET).write_text(describe_sources(labels, kind, tables, options.unticked), encoding="utf-8")
