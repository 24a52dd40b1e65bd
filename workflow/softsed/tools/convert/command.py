"""The command ``softsed convert``: annotations of other programs and datasets to opinions or hard labels."""

import argparse
import logging
import shlex
from collections.abc import Callable, Collection
from pathlib import Path

from softsed.core.errors import InputError, count
from softsed.core.log import PROGRESS
from softsed.core.opinions import OPINION_COLUMNS
from softsed.core.options import add_command, build_parser
from softsed.tools.convert import audacity, label_studio, macs, raven, sonyc, tables, textgrid
from softsed.tools.convert.annotations import Annotations
from softsed.tools.convert.crowd import Crowd, read_renames
from softsed.tools.convert.delimited import FIELDS, read_mapping
from softsed.tools.convert.lengths import measure_folder, read_lengths
from softsed.tools.convert.write import opinions, write_labels, write_opinions

TABLES = ("table", "desed", "audioset")  # other names of `strong`: the columns decide, not the name of the dataset
RAVEN_FIELDS, STUDIO_FIELDS = ["label"], ["recording", "label"]
FOLDERS = "folder with one folder per annotator, or folder or file of one annotator"

logger = logging.getLogger(__name__)


def _read_tables(options: argparse.Namespace) -> Annotations:
    return tables.read_events(options.annotations, read_mapping(options.map, FIELDS), options.annotator)


def _read_audacity(options: argparse.Namespace) -> Annotations:
    return audacity.read_labels(options.annotations, options.annotator)


def _read_raven(options: argparse.Namespace) -> Annotations:
    return raven.read_selections(options.annotations, read_mapping(options.map, RAVEN_FIELDS), options.annotator)


def _read_textgrids(options: argparse.Namespace) -> Annotations:
    return textgrid.read_textgrids(
        options.annotations, tiers=options.tier, meaning=options.tiers, annotator=options.annotator
    )


def _read_label_studio(options: argparse.Namespace) -> Annotations:
    mapping = read_mapping(options.map, STUDIO_FIELDS)
    return label_studio.read_annotations(options.annotations, mapping, options.annotator)


def _read_macs(options: argparse.Namespace) -> Annotations:
    return macs.read_macs(options.annotations, options.annotator)


def convert(options: argparse.Namespace) -> None:
    """Write the opinions or the hard labels of a crowd, or both."""
    if not 1 <= options.hop <= options.window:
        problem = f"the hop is {options.hop} s and the window is {options.window} s"
        raise InputError(problem, key="--hop", expected="1 <= hop <= window")
    if not 0 <= options.points < float("inf"):
        raise InputError(f"the value is {options.points}", key="--points", expected="seconds, 0 or more")
    if not (options.opinions or options.hard):
        raise InputError("no table to write is named", key="--opinions", expected="--opinions, --hard or both")
    lengths = read_lengths(options.recordings) if options.recordings else None
    lengths = measure_folder(options.audio) if options.audio else lengths
    crowd = Crowd(
        options.read(options),
        lengths,
        minimum=options.minimum,
        points=options.points,
        rename=read_renames(options.rename) if options.rename else None,
        everyone=options.everyone,
    )
    asked = {label for labels in crowd.asked.values() for label in labels}
    if options.opinions:
        write_opinions(options.opinions, opinions(crowd, window=options.window, hop=options.hop))
        _report("opinions", options, crowd, asked)
    if options.hard:
        written = write_labels(options.hard, crowd)
        _report("hard", options, crowd, written)
        if rare := sorted(asked - written):
            logger.warning("%s: classes that no majority marked in any second: %s", options.hard, ", ".join(rare))


def _report(kind: str, options: argparse.Namespace, crowd: Crowd, classes: set[str]) -> None:
    """Report what the written labels of a kind contain, and the command that checks these labels."""
    path = getattr(options, kind)
    annotators = {who for people in crowd.annotators.values() for who in people}
    what = _summarise(crowd.scenes, annotators, classes)
    audio = options.audio or (Path("FOLDER") if kind == "hard" else None)  # hard labels are checked with their audio
    arguments = [*(["--audio", str(audio)] if audio else []), f"--{kind}", str(path)]
    if kind == "opinions" and options.window > 1 and not crowd.clips:
        what += f". Windows last {options.window} s; --window 1 keeps the times of the events"
    logger.info("%s written: %s. Next: `softsed check %s`", path, what, shlex.join(arguments), extra=PROGRESS)


def _summarise(recordings: Collection[str], annotators: Collection[str], classes: Collection[str]) -> str:
    """Describe the contents of a written table: how many recordings and annotators, and which classes."""
    people = count(len(annotators), "annotator", "annotators")
    names = f"{count(len(classes), 'class', 'classes')}: {', '.join(sorted(classes))}"
    return f"{count(len(recordings), 'recording', 'recordings')}, {people}, {names}"


def convert_sonyc(options: argparse.Namespace) -> None:
    """Write the opinions of the volunteers of SONYC-UST."""
    rows = sonyc.read_sonyc(options.annotations, options.level)
    write_opinions(options.opinions, rows)
    columns = zip(*(row.rstrip("\n").split("\t") for row in rows[1:]), strict=True)
    found = {name: set(cells) for name, cells in zip(OPINION_COLUMNS, columns, strict=True)}
    what = _summarise(found["recording"], found["annotator"], found["class"])
    check = shlex.join(["--opinions", str(options.opinions)])
    logger.info("%s written: %s. Next: `softsed check %s`", options.opinions, what, check, extra=PROGRESS)


def _add_output(command: argparse.ArgumentParser) -> None:
    """Add the options of all formats whose events become opinions on windows."""
    command.add_argument("--opinions", type=Path, help="table of opinions to write")
    command.add_argument(
        "--hard",
        "--majority",
        type=Path,
        help="hard labels to write: the events of a recording with one annotator, otherwise the seconds that more than "
        "half of the annotators marked "
        "(FILE.tsv, or a folder for one RECORDING.txt per recording)",
    )
    lengths = command.add_mutually_exclusive_group()
    lengths.add_argument("--recordings", type=Path, help="table of recordings (recording, duration_s; optional: scene)")
    lengths.add_argument("--audio", type=Path, help="folder of recordings, to measure their durations")
    command.add_argument("--annotator", help="name of the annotator, if the input does not contain it")
    command.add_argument(
        "--everyone", action="store_true", help="assume that every annotator listened to every recording"
    )
    command.add_argument("--window", type=int, default=10, help="length of a window, seconds (default: 10)")
    command.add_argument(
        "--hop", type=int, default=1, help="time between the starts of two windows, seconds (default: 1)"
    )
    command.add_argument(
        "--minimum", type=int, default=1, help="leave out classes that fewer annotators used in a scene (default: 1)"
    )
    command.add_argument(
        "--points", type=float, default=0.0, help="length of events without duration, seconds (default: ignore them)"
    )
    command.add_argument(
        "--rename", type=Path, help="table of new names of classes (old, new); an empty new name leaves the class out"
    )


def main(argv: list[str] | None = None) -> None:
    """Convert annotations of other programs and datasets to a table of opinions or to hard labels."""
    example = "--annotations mydata/annotations.tsv --opinions mydata/opinions.tsv"
    parser = build_parser("convert", main, example=f"strong {example}")
    commands = parser.add_subparsers(dest="command", required=True)

    def add(name: str, read: Callable, text: str, source: str, path: str, *names: str) -> argparse.ArgumentParser:
        example = f"--annotations mydata/{path} --opinions mydata/opinions.tsv"
        command = add_command(commands, name, f"Convert {text}", example=example, aliases=names)
        command.add_argument("--annotations", type=Path, required=True, help=source)
        command.set_defaults(read=read, run=convert)
        _add_output(command)
        return command

    kinds = "JSON, CSV or TSV"
    mapped = (
        (add("strong", _read_tables, "a table of events", "table, CSV or TSV", "annotations.tsv", *TABLES), FIELDS),
        (add("raven", _read_raven, "selection tables of Raven", FOLDERS, "raven"), RAVEN_FIELDS),
        (add("label-studio", _read_label_studio, "exports of Label Studio", kinds, "project.json"), STUDIO_FIELDS),
    )
    for command, fields in mapped:
        text = f"columns of fields, such as label=Species (default: found by their names). Fields: {', '.join(fields)}"
        command.add_argument("--map", action="append", default=[], metavar="FIELD=COLUMN,...", help=text)
    add("audacity", _read_audacity, "labels exported by Audacity", FOLDERS, "audacity")
    grids = add("textgrid", _read_textgrids, "TextGrids of Praat", FOLDERS, "praat")
    grids.add_argument("--tier", nargs="+", default=[], help="names of the tiers to read (default: all)")
    grids.add_argument(
        "--tiers",
        choices=("ignored", "classes", "annotators"),
        default="ignored",
        help="meaning of the names of tiers (default: ignored)",
    )
    add("macs", _read_macs, "tags of clips in MACS", "MACS.yaml", "MACS.yaml")
    example = "--annotations mydata/annotations.csv --level coarse --opinions mydata/opinions.tsv"
    tags = add_command(commands, "sonyc", "Convert tags of clips by the volunteers of SONYC-UST", example=example)
    tags.add_argument("--annotations", type=Path, required=True, help="annotations.csv of SONYC-UST")
    tags.add_argument("--level", choices=sorted(sonyc.LEVELS), required=True, help="level of the classes")
    tags.add_argument("--opinions", type=Path, required=True, help="table of opinions to write")
    tags.set_defaults(run=convert_sonyc)
    options = parser.parse_args(argv)
    options.run(options)
