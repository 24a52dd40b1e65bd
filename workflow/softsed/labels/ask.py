"""Which questions to ask a crowd next: the windows and classes whose answers are expected to change the labels most.

A question is a window and class, or a window with all classes annotated in its scene. Questions are chosen one after
the other by the expected reduction of the Brier score per opinion (`softsed.labels.joint.gain`). After each choice, the
variance of the seconds of the window is reduced by its gain, and the gains of all windows that contain these seconds
are reduced in proportion. Otherwise the windows around one uncertain second would all be chosen.
"""

import heapq
import json
import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from softsed.core.metadata import Recording
from softsed.core.opinions import OPINION_COLUMNS, Opinions, read_tables
from softsed.core.options import add_options, build_parser
from softsed.labels.joint.events import fit_all
from softsed.labels.joint.gain import Windows, list_windows
from softsed.labels.joint.hearing import Chains

DOUBT = 1.96  # standard errors of the competence up to which an annotator may be better than estimated
SHOWN = 5  # annotators that the summary names
USELESS = 0.5  # gain relative to that of a typical annotator below which an annotator is not worth asking

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Annotators:
    """What is known about the annotators.

    Attributes
    ----------
    names : list of str
    opinions : ndarray of int [annotators]
        Number of opinions so far.
    competence, error : ndarray [annotators]
        Competence of the target event, and its standard error.
    worth : ndarray [annotators]
        Gain of an opinion relative to that of a typical annotator; at the upper end of the competence in `at_most`.
    at_most : ndarray [annotators]
    """

    names: list[str]
    opinions: np.ndarray
    competence: np.ndarray
    error: np.ndarray
    worth: np.ndarray
    at_most: np.ndarray

    @property
    def useful(self) -> np.ndarray:
        """Report for each annotator whether to ask again: bool [annotators]."""
        return self.at_most >= USELESS


@dataclass(frozen=True)
class Question:
    """A question about a window: recording, start and end in seconds, classes, expected gain per opinion."""

    recording: str
    onset: int
    offset: int
    classes: tuple[int, ...]
    gain: float


class Posterior:
    """Posterior of the target event, from which questions are chosen.

    Parameters
    ----------
    opinions : Opinions
        Opinions so far.
    recordings : dict of Recording
        Name -> recording, also those without opinions.
    annotated : dict of list of int
        Recording -> classes about which annotators can be asked.
    length, hop : int
        Length and distance of the windows in seconds.
    """

    def __init__(
        self,
        opinions: Opinions,
        recordings: dict[str, Recording],
        annotated: dict[str, list[int]],
        *,
        length: int,
        hop: int,
    ) -> None:
        self.opinions, self.recordings = opinions, list(recordings)
        self.chains = Chains(opinions, recordings, np.inf)
        self.fits = fit_all(self.chains)
        self.windows: Windows = list_windows(
            self.chains, self.fits, recordings=recordings, annotated=annotated, length=length, hop=hop
        )
        self.annotators = self._judge()

    @property
    def cells(self) -> int:
        """Number of seconds and classes with opinions about the recording."""
        return int(self.chains.smoother.seconds.sum())

    @property
    def brier(self) -> float:
        """Expected Brier score: the mean of p (1 - p) over these seconds and classes."""
        active = sum((weight * fit.found.active for weight, fit in self.fits), start=np.zeros(()))
        return float(np.mean(active * (1 - active)))

    def brier_after(self, questions: list[Question]) -> float:
        """Return the expected Brier score with one answer to each question."""
        return self.brier - sum(one.gain * len(one.classes) for one in questions) / self.cells

    def _judge(self) -> Annotators:
        """Estimate competence and worth of all annotators.

        The standard error follows from the squared derivatives of the log likelihood of the single opinions.
        """
        size = len(self.opinions.annotators)
        theta, rate, information = np.zeros((3, size))
        for weight, fit in self.fits:
            kinds, now = fit.kinds, fit.parameters
            known, guessed = kinds.chances(now, self.chains.longest)
            own = now.competence[kinds.annotator, kinds.label][:, None]
            slope = (known / own - guessed / (1 - own)) / (known + guessed)  # derivative by theta
            squared = ((kinds.votes.T @ fit.found.counts) * slope**2).sum(axis=1)
            information += weight * np.bincount(kinds.annotator, weights=squared, minlength=size)
            theta, rate = theta + weight * now.common, rate + weight * now.tick_rate.mean(axis=1)
        error = 1 / np.sqrt(np.maximum(information, 1e-9))
        number = np.bincount(self.opinions.annotator, minlength=size)
        mean, mean_rate = (float(np.average(values, weights=number)) for values in (theta, rate))
        some = slice(None, None, max(1, len(self.windows.heard) // 2000))  # enough windows for a mean

        def value(competence: float, ticks: float) -> float:
            return float(self.windows.gain(competence, ticks)[some].sum())

        typical = value(mean, mean_rate)
        best = np.minimum(theta + DOUBT * error, 0.99)
        worth, at_most = (
            np.array([value(*pair) for pair in zip(values.tolist(), rate.tolist(), strict=True)]) / typical
            for values in (theta, best)
        )
        return Annotators(self.opinions.annotators, number, theta, error, worth, at_most)

    def choose(self, budget: int, *, sheets: bool = False, repeats: int = 1) -> list[Question]:
        """Choose questions, the most valuable first.

        Parameters
        ----------
        budget : int
            Number of opinions.
        sheets : bool
            Ask about all classes of a window together.
        repeats : int
            Number of annotators who can be asked the same question.
        """
        windows, people = self.windows, self.annotators
        asked = people.useful if people.useful.any() else np.ones(len(people.names), dtype=bool)
        number = people.opinions[asked]
        competence = float(np.average(people.competence[asked], weights=number))
        rates = sum((weight * fit.parameters.tick_rate.mean(axis=1) for weight, fit in self.fits), start=np.zeros(()))
        gain = windows.gain(competence, float(np.average(rates[asked], weights=number)))
        key = np.stack([windows.recording, windows.onset, windows.label if not sheets else 0 * windows.label])
        _, sheet = np.unique(key, axis=1, return_inverse=True)
        order = np.argsort(sheet, kind="stable")
        members = np.split(order, np.flatnonzero(np.diff(sheet[order])) + 1)
        # The variance that is left of each second, relative to that before: one row per recording and class.
        pairs, row = np.unique(np.stack([windows.recording, windows.label]), axis=1, return_inverse=True)
        left = np.ones((pairs.shape[1], int(windows.onset.max()) + windows.length))
        inside = np.arange(windows.length)

        def value(one: np.ndarray) -> float:
            return float(sum((gain[w] * left[row[w], windows.onset[w] + inside]).sum() for w in one)) / len(one)

        heap = [(-value(one), place, 0) for place, one in enumerate(members)]
        heapq.heapify(heap)
        chosen: list[Question] = []
        while heap and budget > 0:
            _, place, times = heapq.heappop(heap)
            one = members[place]
            now = value(one)
            if heap and now < -heap[0][0]:  # the gain has fallen since it was computed
                heapq.heappush(heap, (-now, place, times))
                continue
            if len(one) > budget:
                break
            budget -= len(one)
            start = int(windows.onset[one[0]])
            name = self.recordings[windows.recording[one[0]]]
            labels = tuple(sorted(windows.label[one].tolist()))
            chosen.append(Question(name, start, start + windows.length, labels, now))
            for w in one:
                seconds = windows.onset[w] + inside
                share = np.divide(gain[w], windows.variance[w], out=np.zeros(windows.length), where=gain[w] > 0)
                left[row[w], seconds] *= 1 - np.minimum(share, 1)
            if times + 1 < repeats:
                heapq.heappush(heap, (-value(one), place, times + 1))
        return chosen


def usual_length(opinions: Opinions) -> int:
    """Return the most frequent length of the windows in seconds."""
    return int(np.bincount(opinions.offset - opinions.onset).argmax())


def write_questions(path: Path, questions: list[Question], classes: list[str]) -> None:
    """Write questions as a table of opinions without answers, the most valuable first."""
    lines = ["\t".join((*OPINION_COLUMNS, "gain"))]
    for one in questions:
        for label in one.classes:
            window = f"{one.recording}\t{one.onset}\t{one.offset}"
            lines.append(f"{window}\t\t{classes[label]}\t\t{one.gain:.6f}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_annotators(path: Path, posterior: Posterior) -> None:
    """Write a table of the annotators, the least useful first."""
    people = posterior.annotators
    lines = ["annotator\topinions\tcompetence\tstandard_error\tworth\tworth_at_most\task"]
    for place in np.argsort(people.worth, kind="stable"):
        values = (people.competence, people.error, people.worth, people.at_most)
        numbers = "\t".join(f"{column[place]:.3f}" for column in values)
        again = "yes" if people.useful[place] else "no"
        lines.append(f"{people.names[place]}\t{people.opinions[place]}\t{numbers}\t{again}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def summarise(posterior: Posterior, questions: list[Question]) -> str:
    """Say in a few lines what the questions are worth, and whom not to ask."""
    people, number = posterior.annotators, sum(len(one.classes) for one in questions)
    lines = [
        f"{number} questions. Expected Brier score: {posterior.brier:.4f} now, {posterior.brier_after(questions):.4f} "
        "with one answer to each"
    ]
    if stopped := [name for name, useful in zip(people.names, people.useful, strict=True) if not useful]:
        names = ", ".join(stopped[:SHOWN]) + (" ..." if len(stopped) > SHOWN else "")
        lines.append(
            f"{len(stopped)} of {len(people.names)} annotators are not worth asking, because an answer tells less than "
            f"{USELESS:g} times what a typical annotator's does: {names}"
        )
    return ". ".join(lines)


def main(argv: list[str] | None = None) -> None:
    """List the questions to ask a crowd next, for a share of the opinions so far."""
    example = "--opinions results/demo/data/opinions.tsv --recordings workflow/resources/demo.tsv "
    example += "--classes workflow/resources/classes.tsv --scenes workflow/resources/scenes.tsv --share 0.1 --hop 1 "
    example += "--questions results/demo/labels/questions.tsv --annotators results/demo/labels/worth.tsv "
    example += "--summary results/demo/labels/questions.json"
    parser = build_parser("labels.ask", main, example=example)
    add_options(parser, "opinions", "unticked", "recordings", "classes", "scenes")
    parser.add_argument("--share", type=float, required=True, help="number of questions relative to that of opinions")
    parser.add_argument("--hop", type=int, required=True, help="distance of the windows in seconds")
    parser.add_argument("--questions", type=Path, required=True, help="table of questions to write")
    parser.add_argument("--annotators", type=Path, required=True, help="table of the worth of the annotators to write")
    parser.add_argument("--summary", type=Path, required=True, help="JSON to write: expected Brier scores")
    options = parser.parse_args(argv)
    opinions, recordings = read_tables(options)
    answered = sorted(set(zip(opinions.recording[opinions.window].tolist(), opinions.label.tolist(), strict=True)))
    annotated: dict[str, list[int]] = {name: [] for name in recordings}
    for name, label in answered:
        annotated[name].append(label)
    posterior = Posterior(opinions, recordings, annotated, length=usual_length(opinions), hop=options.hop)
    questions = posterior.choose(max(1, round(options.share * len(opinions.opinion))), repeats=len(opinions.annotators))
    write_questions(options.questions, questions, opinions.classes)
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
