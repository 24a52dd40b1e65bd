"""The command ``softsed ask``: which windows to ask a crowd about next, and whom not to ask any more.

The table of questions has the columns of opinions, with `annotator` and `opinion` empty, and the expected gain. An
annotation platform, or a spreadsheet, fills in both columns. ``--answers`` adds the answers to the opinions, and the
next questions follow from all of them.
"""

import logging
from pathlib import Path

from softsed.core.errors import InputError
from softsed.core.log import PROGRESS
from softsed.core.metadata import Recording, read_asked, read_classes
from softsed.core.opinions import OPINION_COLUMNS, Opinions, OpinionTable, read_opinions
from softsed.core.options import TABLES, add_options, build_parser
from softsed.core.tsv import read_columns
from softsed.labels.ask import Posterior, summarise, usual_length, write_annotators, write_questions
from softsed.planning.validate import check

logger = logging.getLogger(__name__)


def merge(opinions: Path, answers: list[Path], merged: Path) -> None:
    """Write the opinions and the answers as one table; rows of answers without an annotator or opinion are left out.

    Further columns of the opinions, such as the scene, have the value of the first row of the same recording.

    Raises
    ------
    InputError
        If no row is answered.
    """
    table = OpinionTable.read(opinions).columns
    names = list(table)
    rows = list(zip(*table.values(), strict=True))
    first = {row[names.index("recording")]: row for row in reversed(rows)}
    left = answered = 0
    for path in answers:
        columns = read_columns(path, OPINION_COLUMNS)
        for values in zip(*(columns[name] for name in OPINION_COLUMNS), strict=True):
            row = dict(zip(OPINION_COLUMNS, values, strict=True))
            if not row["annotator"] or not row["opinion"]:
                left += 1
                continue
            known = dict(zip(names, first.get(row["recording"], ()), strict=False))
            rows.append(tuple(row.get(name, known.get(name, "")) for name in names))
            answered += 1
    if not answered:
        problem = f"none of the {left} questions has an annotator and an opinion"
        raise InputError(problem, file=answers[0], expected="at least one answer, 1 or 0, and who gave it")
    lines = ["\t".join(names), *("\t".join(row) for row in rows)]
    merged.write_text("\n".join(lines) + "\n", encoding="utf-8")
    logger.info("%s: %d answers added, %d questions without answer", merged, answered, left, extra=PROGRESS)


def list_classes(
    opinions: Opinions, recordings: dict[str, Recording], scenes: dict[str, list[str]], *, complete: bool
) -> dict[str, list[int]]:
    """List the classes to ask about in each recording: those that were asked about so far; `complete`: of the scene."""
    number = {name: place for place, name in enumerate(opinions.classes)}
    if complete:
        return {name: sorted(number[label] for label in scenes[one.scene]) for name, one in recordings.items()}
    pairs = zip(opinions.recording[opinions.window].tolist(), opinions.label.tolist(), strict=True)
    found: dict[str, list[int]] = {name: [] for name in recordings}
    for name, label in sorted(set(pairs)):
        found[name].append(label)
    return found


def main(argv: list[str] | None = None) -> None:
    """List the questions to ask a crowd next, from the opinions so far."""
    parser = build_parser(
        "ask", main, example="--opinions results/demo/data/opinions.tsv --budget 500 --questions results/questions.tsv"
    )
    add_options(parser, "opinions", "unticked")
    for name in TABLES:
        text = f"table of {name}, to ask about recordings and classes without opinions too (default: inferred)"
        parser.add_argument(f"--{name}", type=Path, help=text)
    parser.add_argument("--budget", type=int, required=True, help="number of opinions to ask for")
    parser.add_argument("--window", type=int, help="length of the windows in seconds (default: as most so far)")
    parser.add_argument("--hop", type=int, default=1, help="distance of the windows in seconds (default: 1)")
    parser.add_argument("--sheets", action="store_true", help="ask about all classes of a window together")
    parser.add_argument(
        "--repeats", type=int, default=1, help="annotators who can be asked the same question (default: 1)"
    )
    parser.add_argument("--answers", type=Path, nargs="+", default=[], help="answered tables of questions")
    parser.add_argument("--merged", type=Path, help="table to write: the opinions and the answers")
    parser.add_argument("--annotators", type=Path, help="table to write: what an answer of each annotator is worth")
    parser.add_argument("--questions", type=Path, required=True, help="table to write: the questions")
    options = parser.parse_args(argv)
    for name in ("budget", "hop", "window", "repeats"):
        value = getattr(options, name)
        if value is not None and value < 1:
            raise InputError(f"the value is {value}", key=f"--{name}", expected="1 or more")
    if bool(options.answers) != bool(options.merged):
        raise InputError("only one of --answers and --merged", expected="both, or none")
    source = options.opinions
    if options.answers:
        merge(source, options.answers, options.merged)
        source = options.merged
    tables = {name: getattr(options, name) for name in TABLES}
    if len({path is None for path in tables.values()}) > 1:
        given = ", ".join(f"--{name}" for name, path in tables.items() if path)
        raise InputError(f"only {given}", expected="the tables of recordings, classes and scenes, or none of them")
    if options.recordings:
        classes = read_classes(options.classes)
        recordings, scenes = read_asked(options.recordings, options.scenes, classes)
    else:
        settings = {"folds": 0, "validation": 0.0, "unticked": options.unticked}
        recordings, classes, scenes = check(None, source, "opinions", tables, **settings)
    opinions = read_opinions(source, classes, asked=scenes, recordings=recordings, unticked=options.unticked)
    annotated = list_classes(opinions, recordings, scenes, complete=options.scenes is not None)
    length = options.window or usual_length(opinions)
    posterior = Posterior(opinions, recordings, annotated, length=length, hop=options.hop)
    questions = posterior.choose(options.budget, sheets=options.sheets, repeats=options.repeats)
    write_questions(options.questions, questions, classes)
    if options.annotators:
        write_annotators(options.annotators, posterior)
    logger.info("%s", summarise(posterior, questions), extra=PROGRESS)
