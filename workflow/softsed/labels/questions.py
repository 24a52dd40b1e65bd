"""Files with the questions to ask a crowd next, the worth of an answer of each annotator, and a summary."""

import json
import logging
from pathlib import Path

import numpy as np

from softsed.core.errors import count
from softsed.core.metadata import Recording
from softsed.core.opinions import OPINION_COLUMNS, Opinions, read_tables
from softsed.core.options import add_options, build_parser
from softsed.labels.ask import USELESS, CrowdPosterior, Question

SHOWN = 5  # annotators that the summary names

logger = logging.getLogger(__name__)


def usual_length(opinions: Opinions) -> int:
    """Return the most frequent length of the windows in seconds."""
    return int(np.bincount(opinions.offset - opinions.onset).argmax())


def list_classes(opinions: Opinions, recordings: dict[str, Recording]) -> dict[str, list[int]]:
    """List the classes of each recording that have opinions about it."""
    pairs = zip(opinions.recording[opinions.window].tolist(), opinions.label.tolist(), strict=True)
    found: dict[str, list[int]] = {name: [] for name in recordings}
    for name, label in sorted(set(pairs)):
        found[name].append(label)
    return found


def write_questions(path: Path, questions: list[Question], opinions: Opinions) -> None:
    """Write questions as opinions without answers, the most valuable first, with the annotators who answered before."""
    lines = ["\t".join((*OPINION_COLUMNS, "gain", "answered_by"))]
    answered: dict[tuple[str, int, int, str], list[str]] = {}
    for recording, onset, offset, annotator, name, _ in opinions.rows():
        answered.setdefault((recording, onset, offset, name), []).append(annotator)
    for one in questions:
        for label in one.classes:
            window = one.recording, one.onset, one.offset
            name = opinions.classes[label]
            before = ", ".join(answered.get((*window, name), ()))
            start = "\t".join(map(str, window))
            lines.append(f"{start}\t\t{name}\t\t{one.gain:.6f}\t{before}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_annotators(path: Path, posterior: CrowdPosterior) -> None:
    """Write a table of the annotators, the least useful first."""
    people = posterior.annotators
    lines = ["annotator\topinions\tcompetence\tstandard_error\tworth\tworth_at_most\task"]
    for place in np.argsort(people.worth, kind="stable"):
        values = (people.competence, people.error, people.worth, people.at_most)
        numbers = "\t".join(f"{column[place]:.3f}" for column in values)
        again = "yes" if people.useful[place] else "no"
        lines.append(f"{people.names[place]}\t{people.opinions[place]}\t{numbers}\t{again}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def summarise(posterior: CrowdPosterior, questions: list[Question]) -> str:
    """Describe the gain of the questions, and name the annotators who are not worth asking."""
    people, number = posterior.annotators, sum(len(one.classes) for one in questions)
    lines = [
        count(number, "question", "questions"),
        f"Expected Brier score: {posterior.brier:.4f} now, {posterior.brier_after(questions):.4f} with one answer to "
        "each question",
    ]
    if stopped := [name for name, useful in zip(people.names, people.useful, strict=True) if not useful]:
        names = ", ".join(stopped[:SHOWN]) + (" ..." if len(stopped) > SHOWN else "")
        total, less = len(people.names), f"less than {USELESS:g} answers of a typical annotator"
        what = count(
            len(stopped),
            f"of {total} annotators is not worth asking, because one answer is worth {less}",
            f"of {total} annotators are not worth asking, because one answer of each is worth {less}",
        )
        lines.append(f"{what}: {names}")
    return ". ".join(lines)


def main(argv: list[str] | None = None) -> None:
    """List the questions to ask a crowd next, for a share of the opinions so far."""
    example = "--opinions results/demo/data/opinions.tsv --recordings workflow/resources/demo.tsv "
    example += "--classes workflow/resources/classes.tsv --scenes workflow/resources/scenes.tsv --share 0.1 --hop 1 "
    example += "--class-weight 200 "
    example += "--questions results/demo/labels/questions.tsv --annotators results/demo/labels/worth.tsv "
    example += "--summary results/demo/labels/questions.json"
    parser = build_parser("labels.questions", main, example=example)
    add_options(parser, "opinions", "unticked", "recordings", "classes", "scenes")
    parser.add_argument(
        "--share", type=float, required=True, help="number of questions as a share of the number of opinions"
    )
    parser.add_argument(
        "--hop", type=int, required=True, help="distance between the starts of two windows, in whole seconds"
    )
    parser.add_argument("--class-weight", type=float, required=True, help="labels.joint.class_weight of the config")
    parser.add_argument("--questions", type=Path, required=True, help="table of questions to write")
    parser.add_argument(
        "--annotators", type=Path, required=True, help="table to write: worth of an answer by each annotator"
    )
    parser.add_argument("--summary", type=Path, required=True, help="JSON to write: expected Brier scores")
    options = parser.parse_args(argv)
    opinions, recordings = read_tables(options)
    annotated = list_classes(opinions, recordings)
    posterior = CrowdPosterior(
        opinions,
        recordings,
        annotated,
        length=usual_length(opinions),
        hop=options.hop,
        class_weight=options.class_weight,
    )
    questions = posterior.choose(max(1, round(options.share * len(opinions.opinion))))
    write_questions(options.questions, questions, opinions)
    write_annotators(options.annotators, posterior)
    people = posterior.annotators
    summary: dict[str, object] = {
        "opinions": len(opinions.opinion),
        "questions": len(questions),
        "brier": posterior.brier,
    }
    summary |= {"brier_after": posterior.brier_after(questions)}
    summary |= {"stopped": [name for name, useful in zip(people.names, people.useful, strict=True) if not useful]}
    options.summary.write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    logger.info("%s", summarise(posterior, questions))
