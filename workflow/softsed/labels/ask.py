"""Which questions to ask a crowd next: the windows and classes whose answers are expected to change the labels most.

A question is a window and class, or a window with all classes annotated in its scene. Questions are chosen one after
the other by the expected reduction of the Brier score per opinion (`softsed.labels.joint.gain`). After each choice, the
variance of the seconds of the window is reduced by its gain, and the gains of all windows that contain these seconds
are reduced in proportion. Otherwise the windows around one uncertain second would all be chosen.
"""

import heapq
from dataclasses import dataclass

import numpy as np

from softsed.core.metadata import Recording
from softsed.core.opinions import Opinions
from softsed.labels.joint.events import fit_all
from softsed.labels.joint.gain import Windows, list_windows
from softsed.labels.joint.hearing import Chains

DOUBT = 1.96  # standard errors of the competence up to which an annotator may be better than estimated
TINY = 1e-6  # gain in seconds below which a question is not asked
USELESS = 0.5  # gain relative to that of a typical annotator below which an annotator is not worth asking


@dataclass(frozen=True)
class Annotators:
    """Estimates about the annotators.

    Attributes
    ----------
    names : list of str
    opinions : ndarray of int [annotators]
        Number of opinions so far.
    competence, error : ndarray [annotators]
        Competence of the target event, and its standard error.
    rate : ndarray [annotators]
        Tick rate of an annotator who has not listened.
    worth : ndarray [annotators]
        Gain of an opinion relative to that of a typical annotator.
    at_most : ndarray [annotators]
        Worth of an annotator whose competence is `DOUBT` standard errors higher than estimated.
    """

    names: list[str]
    opinions: np.ndarray
    competence: np.ndarray
    error: np.ndarray
    rate: np.ndarray
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


class CrowdPosterior:
    """Posterior of the target event, from which questions are chosen.

    Parameters
    ----------
    opinions : Opinions
        Opinions so far.
    recordings : dict of Recording
        Name -> recording, including recordings without opinions.
    annotated : dict of list of int
        Recording -> classes about which annotators can be asked.
    length, hop : int
        Length and distance of the windows in seconds.
    class_weight : float
        As in `softsed.labels.joint.events.event_labels`.

    Attributes
    ----------
    cells : int
        Number of seconds and classes about which annotators can be asked.
    brier : float
        Expected Brier score: the mean of p (1 - p) over the cells.
    """

    def __init__(
        self,
        opinions: Opinions,
        recordings: dict[str, Recording],
        annotated: dict[str, list[int]],
        *,
        length: int,
        hop: int,
        class_weight: float,
    ) -> None:
        self.opinions, self.recordings = opinions, list(recordings)
        self.chains = Chains(opinions, recordings, class_weight)
        self.fits = fit_all(self.chains)
        self.windows: Windows = list_windows(
            self.chains, self.fits, recordings=recordings, annotated=annotated, length=length, hop=hop
        )
        self.annotators = self._judge()
        active = sum((weight * fit.found.active for weight, fit in self.fits), start=np.zeros(()))
        self.cells, variance = len(active), float((active * (1 - active)).sum())
        # Recordings and classes without opinions have the share of active seconds that the onsets and offsets imply.
        rates = [(weight, fit.parameters.onset, fit.parameters.offset) for weight, fit in self.fits]
        usual = sum((weight * on / (on + off) for weight, on, off in rates), start=np.zeros(()))
        known = set(self.chains.pairs)
        for place, (name, one) in enumerate(recordings.items()):
            new = [label for label in annotated[name] if (place, label) not in known]
            self.cells += len(new) * int(one.duration_s)
            variance += float((usual[new] * (1 - usual[new])).sum()) * int(one.duration_s)
        self.brier = variance / self.cells

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
        error = np.minimum(1 / np.sqrt(np.maximum(information, 1e-9)), 1)
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
        return Annotators(self.opinions.annotators, number, theta, error, rate, worth, at_most)

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
        typical = (float(np.average(values[asked], weights=number)) for values in (people.competence, people.rate))
        gain = windows.gain(*typical)
        key = np.stack([windows.recording, windows.onset, windows.label if not sheets else 0 * windows.label])
        _, sheet = np.unique(key, axis=1, return_inverse=True)
        order = np.argsort(sheet, kind="stable")
        members = np.split(order, np.flatnonzero(np.diff(sheet[order])) + 1)
        # Remaining share of the variance of each second: one row per recording and class.
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
            if now < TINY:
                break
            if len(one) > budget:
                continue
            budget -= len(one)
            start = int(windows.onset[one[0]])
            name = self.recordings[windows.recording[one[0]]]
            labels = tuple(sorted(windows.label[one].tolist()))
            chosen.append(Question(name, start, start + windows.length, labels, now))
            for w in one:
                seconds = windows.onset[w] + inside
                uncertain = windows.variance[w] > 0
                share = np.divide(gain[w], windows.variance[w], out=np.zeros(windows.length), where=uncertain)
                left[row[w], seconds] *= 1 - np.minimum(share, 1)
            if times + 1 < repeats:
                heapq.heappush(heap, (-value(one), place, times + 1))
        return chosen
