"""The command ``softsed ask``: windows to ask a crowd about next, and annotators not to ask again.

The table of questions has the columns of opinions and the expected gain. The columns `annotator` and `opinion` are
empty and are filled in with an annotation platform or a spreadsheet. ``--answers`` adds the answers to the opinions,
and the next questions are chosen with all opinions.
"""

import argparse
import logging
from pathlib import Path

from softsed.core.errors import InputError, Problems, count
from softsed.core.log import PROGRESS
from softsed.core.metadata import Recording, read_asked, read_classes
from softsed.core.opinions import OPINION_COLUMNS, Opinions, OpinionTable, check_rows, read_opinions
from softsed.core.options import TABLES, ZERO, add_options, build_parser
from softsed.core.tsv import atomic_write, read_columns
from softsed.labels.ask import CrowdPosterior
from softsed.labels.joint.forward_backward import LONGEST_S
from softsed.labels.questions import list_classes, summarise, usual_length, write_annotators, write_questions
from softsed.planning.validate import check

logger = logging.getLogger(__name__)

Dataset = tuple[dict[str, Recording], list[str], dict[str, list[str]]]


def read_opinions_of(options: argparse.Namespace) -> tuple[Opinions, Dataset]:
    """Read the opinions, and their recordings, classes and scenes from the user's tables or inferred."""
    source, unticked = options.opinions, options.unticked
    if options.recordings:
        classes = read_classes(options.classes)
        recordings, scenes = read_asked(options.recordings, options.scenes, classes)
    else:
        tables = dict.fromkeys(TABLES)
        recordings, classes, scenes = check(
            None, source, "opinions", tables, folds=0, validation=0.0, unticked=unticked
        )
    opinions = read_opinions(source, classes, asked=scenes, recordings=recordings, unticked=unticked)
    return opinions, (recordings, classes, scenes)


def read_answers(path: Path, opinions: Opinions, dataset: Dataset) -> list[tuple[str, ...]]:
    """Read the answered rows of a table of questions: those with an annotator and an opinion.

    Returns
    -------
    list of tuple of str
        `OPINION_COLUMNS` of each answer.

    Raises
    ------
    InputError
        With file and line, for the problems of `check_rows`, an unknown recording, a class that is not annotated in the
        scene, or a question that the annotator has answered before.
    """
    recordings, _, scenes = dataset
    columns = read_columns(path, OPINION_COLUMNS)
    rows = list(zip(*(columns[name] for name in OPINION_COLUMNS), strict=True))
    kept = [place for place, row in enumerate(rows) if row[3] and row[5]]
    answers = [rows[place] for place in kept]
    if not answers:
        problem = f"the table has {count(len(rows), 'question', 'questions')} and no answer"
        raise InputError(problem, file=path, expected="at least one opinion (1 or 0) with its annotator")
    values = dict(zip(OPINION_COLUMNS, map(list, zip(*answers, strict=True)), strict=True))
    table = OpinionTable(path, values, [place + 2 for place in kept])
    problems = Problems()
    check_rows(table, {name: one.duration_s for name, one in recordings.items()}, problems)
    problems.raise_all("in the answers", alone=True)
    known = {row[:5] for row in opinions.rows()}
    for place, (name, onset, offset, who, label, _) in enumerate(answers):
        if name not in recordings:
            raise table.error(place, f"unknown recording {name!r}", expected="a recording of the opinions or the table")
        if label not in (asked := scenes[recordings[name].scene]):
            raise table.error(place, f"class {label!r} is not annotated in this scene", expected=f"one of {asked}")
        key = (name, int(float(onset)), int(float(offset)), who, label)
        if key in known:
            raise table.error(place, f"{who!r} has answered this question before", expected="another annotator")
        known.add(key)
    number = count(len(answers), "answer", "answers")
    left = count(len(rows) - len(answers), "question", "questions")
    logger.info("%s: %s, %s without an answer", path, number, left, extra=PROGRESS)
    return answers


def merge(source: Path, opinions: Opinions, answers: list[tuple[str, ...]], *, unticked: str) -> str:
    """Return the opinions and the answers as one table.

    Further columns of the opinions, such as the scene, have the value of the first row of the same recording. With
    `unticked` ``zero``, the table lists all zeros, because an answer about one class contains no answer about other
    classes.
    """
    table = OpinionTable.read(source).columns
    names = list(table)
    rows = list(zip(*table.values(), strict=True))
    first = {row[names.index("recording")]: dict(zip(names, row, strict=True)) for row in reversed(rows)}
    added = [dict(zip(OPINION_COLUMNS, row, strict=True)) for row in answers]
    if unticked == ZERO:
        rows = []
        added = [dict(zip(OPINION_COLUMNS, map(str, row), strict=True)) for row in opinions.rows()] + added
    for row in added:
        known = first.get(row["recording"], {})
        rows.append(tuple(row.get(name, known.get(name, "")) for name in names))
    return "\n".join(["\t".join(names), *("\t".join(row) for row in rows)]) + "\n"


def read_options(argv: list[str] | None) -> argparse.Namespace:
    """Read and check the options."""
    parser = build_parser(
        "ask", main, example="--opinions results/demo/data/opinions.tsv --budget 500 --questions results/questions.tsv"
    )
    add_options(parser, "opinions", "unticked")
    for name in TABLES:
        text = f"table of {name}, to ask also about recordings and classes without opinions (default: inferred)"
        parser.add_argument(f"--{name}", type=Path, help=text)
    parser.add_argument("--budget", type=int, required=True, help="number of opinions to ask for")
    help_text = "length of the windows in seconds (default: the most frequent length of the opinions)"
    parser.add_argument("--window", type=int, help=help_text)
    help_text = "time between the starts of two windows in seconds (default: 1)"
    parser.add_argument("--hop", type=int, default=1, help=help_text)
    parser.add_argument("--sheets", action="store_true", help="ask about all classes of a window together")
    parser.add_argument("--repeats", type=int, default=1, help="largest number of annotators per question (default: 1)")
    parser.add_argument(
        "--class-weight", type=float, default=200, help="labels.joint.class_weight of the config (default: 200)"
    )
    parser.add_argument("--answers", type=Path, nargs="+", default=[], help="answered tables of questions")
    parser.add_argument("--merged", type=Path, help="table to write: the opinions and the answers")
    parser.add_argument("--annotators", type=Path, help="table to write: worth of an answer by each annotator")
    parser.add_argument("--questions", type=Path, required=True, help="table to write: the questions")
    options = parser.parse_args(argv)
    for name in ("budget", "hop", "window", "repeats"):
        value = getattr(options, name)
        if value is not None and value < 1:
            raise InputError(f"the value is {value}", key=f"--{name}", expected="1 or more")
    if options.window and options.window > LONGEST_S:
        raise InputError(f"the value is {options.window}", key="--window", expected=f"1 to {LONGEST_S}")
    if bool(options.answers) != bool(options.merged):
        given, missing = ("--answers", "--merged") if options.answers else ("--merged", "--answers")
        raise InputError(f"{given} is set without {missing}", expected="both options, or neither")
    if options.merged in (options.opinions, *options.answers):
        raise InputError("the table is also read", key="--merged", expected="another name than those of the inputs")
    tables = [f"--{name}" for name in TABLES if getattr(options, name)]
    others = [f"--{name}" for name in TABLES if not getattr(options, name)]
    if tables and others:
        problem = f"{' and '.join(tables)} {'is' if len(tables) == 1 else 'are'} set without {' and '.join(others)}"
        raise InputError(problem, expected="--recordings, --classes and --scenes together, or no table")
    return options


def main(argv: list[str] | None = None) -> None:
    """List the questions to ask a crowd next, chosen with the opinions so far."""
    options = read_options(argv)
    source = options.opinions
    opinions, dataset = read_opinions_of(options)
    recordings, classes, scenes = dataset
    if options.answers:
        answers = [row for path in options.answers for row in read_answers(path, opinions, dataset)]
        atomic_write(options.merged, merge(source, opinions, answers, unticked=options.unticked))
        source = options.merged
        opinions = read_opinions(source, classes, asked=scenes, recordings=recordings)
    if (longest := int((opinions.offset - opinions.onset).max())) > LONGEST_S:
        expected = f"windows of at most {LONGEST_S} s, the limit of the labels by joint with the target event"
        raise InputError(f"a window lasts {longest} s", file=source, expected=expected)
    annotated = list_classes(opinions, recordings)
    if options.recordings:
        annotated = {name: [classes.index(label) for label in scenes[one.scene]] for name, one in recordings.items()}
    posterior = CrowdPosterior(
        opinions,
        recordings,
        annotated,
        length=options.window or usual_length(opinions),
        hop=options.hop,
        class_weight=options.class_weight,
    )
    if usual_length(opinions) == 1:
        text = "%s: windows of 1 s. In such windows, nearly every tick counts as a sound, so that the questions do not "
        text += "concern disagreements. Use opinions about windows of 5 s or more"
        logger.warning(text, source)
    questions = posterior.choose(options.budget, sheets=options.sheets, repeats=options.repeats)
    if not questions:
        largest = max(map(len, annotated.values()))
        if options.sheets and options.budget < largest:
            problem = f"the value is {options.budget}, and no sheet with so few questions would change the labels"
            expected = f"at least {largest}, the largest number of classes of a window"
            raise InputError(problem, key="--budget", expected=expected)
        problem = "no question is expected to change the labels: more opinions about these windows are not needed"
        raise InputError(problem, file=source)
    write_questions(options.questions, questions, opinions)
    if options.annotators:
        write_annotators(options.annotators, posterior)
    logger.info("%s", summarise(posterior, questions), extra=PROGRESS)
    number = sum(len(one.classes) for one in questions)
    if number < options.budget and not options.sheets:
        text = "%d of %d questions, because no other question is expected to change the labels. To ask several"
        text += " annotators the same question, pass --repeats"
        logger.info(text, number, options.budget, extra=PROGRESS)
