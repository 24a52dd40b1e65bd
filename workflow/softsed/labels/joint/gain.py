"""Worth of one further opinion: the expected reduction of the Brier score of the labels for the target event.

The expected Brier score of a second with posterior p is p (1 - p), its variance. An answer y about a window changes the
posterior of each second t of the window, and the variance falls on average by

    g_t = Cov(z_t, y)^2 / Var(y),

with z_t the activity of the second. An annotator with competence theta and tick rate r answers with a tick with
probability P(y) = theta P(h) + (1 - theta) r, where h is that the window sounds active. Therefore
Cov(z_t, y) = theta Cov(z_t, h). Seconds outside of the window are left out. Their gain is small.

For the joint distribution of z_t and the number of active seconds, the forward-backward algorithm runs once more over
all recordings and classes, including those without opinions.
"""

import itertools
import logging
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from softsed.core.errors import InputError, count
from softsed.core.metadata import Recording
from softsed.labels.joint.events import Fit
from softsed.labels.joint.forward_backward import LONGEST_S, smooth
from softsed.labels.joint.hearing import Chains
from softsed.labels.joint.smoothing import TABLE

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Windows:
    """Windows and classes about which annotators can be asked.

    Attributes
    ----------
    recording, label, onset : ndarray of int [windows]
        Index of the recording, class, and start in seconds.
    length : int
        Length in seconds.
    covariance : ndarray [windows, length]
        Cov(z_t, h) for each second of the window.
    heard : ndarray [windows]
        P(h).
    variance : ndarray [windows, length]
        p (1 - p) of each second.
    """

    recording: np.ndarray
    label: np.ndarray
    onset: np.ndarray
    length: int
    covariance: np.ndarray
    heard: np.ndarray
    variance: np.ndarray

    def gain(self, competence: float | np.ndarray, rate: float | np.ndarray) -> np.ndarray:
        """Compute g_t for an answer of an annotator with this competence and tick rate: [windows, length]."""
        ticked = competence * self.heard + (1 - competence) * rate
        return (competence * self.covariance) ** 2 / (ticked * (1 - ticked))[:, None]


def list_windows(
    chains: Chains,
    fits: list[tuple[float, Fit]],
    *,
    recordings: dict[str, Recording],
    annotated: dict[str, list[int]],
    length: int,
    hop: int,
) -> Windows:
    """List all windows of a length, with the moments from which the gain of an answer follows.

    Parameters
    ----------
    chains : Chains
        Opinions.
    fits : list of (float, Fit)
        Weights and fits of `softsed.labels.joint.events.fit_all`.
    recordings : dict of Recording
        Name -> recording, as for `chains`.
    annotated : dict of list of int
        Recording -> classes about which annotators can be asked.
    length, hop : int
        Length and distance of the windows in seconds. The last window of a recording ends with it.

    Raises
    ------
    InputError
        If no recording is as long as a window, or the window is longer than `LONGEST_S`.
    """
    if length > LONGEST_S:
        raise InputError(f"the windows last {length} s", expected=f"at most {LONGEST_S} s")
    names, seconds = list(recordings), [int(one.duration_s) for one in recordings.values()]
    known = [place for place, name in enumerate(recordings) if annotated[name]]
    pairs = [(place, label) for place in known for label in annotated[names[place]] if seconds[place] >= length]
    if short := [names[place] for place in known if seconds[place] < length]:
        what = count(len(short), "recording", "recordings")
        text = "no questions about %s shorter than a window of %d s, such as %r. To ask about such recordings, run "
        text += "`softsed ask` with a shorter --window"
        logger.warning(text, what, length, short[0])
    if not pairs:
        longest = max(seconds[place] for place in known)
        problem = f"windows of {length} s are longer than all recordings"
        raise InputError(problem, key="--window", expected=f"at most {longest} s, the longest recording")
    pairs.sort(key=lambda pair: seconds[pair[0]])
    onsets = [np.unique(np.append(np.arange(0, last + 1, hop), last)) for last in (np.array(seconds) - length)]
    known_fits = [(weight, one, chains.evidence(one.parameters, one.kinds)[0]) for weight, one in fits]
    parts = [_Batch(chains, known_fits, part, seconds, length) for part in _divide(pairs, seconds, chains, length)]
    found = [part.infer(onsets) for part in parts]
    columns = [np.concatenate(values) for values in zip(*found, strict=True)]
    place, label, onset, joint, active, heard = columns
    covariance = joint - active * heard[:, None]
    return Windows(place, label, onset, length, covariance, heard, active * (1 - active))


def _divide(
    pairs: list[tuple[int, int]], seconds: list[int], chains: Chains, length: int
) -> Iterator[list[tuple[int, int]]]:
    """Divide the recordings and classes, sorted by length, into parts that fit into memory."""
    states = 1 << max(2, length, chains.longest)
    part: list[tuple[int, int]] = []
    for pair in pairs:
        if part and (len(part) + 1) * seconds[pair[0]] * states > TABLE:
            yield part
            part = []
        part.append(pair)
    yield part


class _Batch:
    """Recordings and classes that are computed together; the fits with the evidence of all windows."""

    def __init__(
        self,
        chains: Chains,
        fits: list[tuple[float, Fit, np.ndarray]],
        pairs: list[tuple[int, int]],
        seconds: list[int],
        length: int,
    ) -> None:
        self.chains, self.fits, self.length = chains, fits, length
        self.place, self.label = (np.array(values) for values in zip(*pairs, strict=True))
        self.longest = max(2, length, chains.longest)
        self.pairs, self.seconds = pairs, max(seconds[place] for place in self.place)

    def infer(self, onsets: list[np.ndarray]) -> tuple[np.ndarray, ...]:
        """Infer the columns of all windows: recording, class, onset, P(z_t, h), P(z_t) and P(h)."""
        row = np.repeat(np.arange(len(self.pairs)), [len(onsets[place]) for place, _ in self.pairs])
        onset = np.concatenate([onsets[place] for place, _ in self.pairs])
        joint, active = np.zeros((2, len(row), self.length))
        heard = np.zeros(len(row))
        for weight, fit, evidence in self.fits:
            found = self._smooth(fit, evidence)[onset + self.length - 1, :, row]  # [windows, seconds * numbers]
            found = found.reshape(len(row), self.length + 1, self.length + 1)
            sounds = self._sounds(fit, row, onset)  # P(h) by number of active seconds
            joint = joint + weight * np.einsum("wtn,wn->wt", found[:, 1:], sounds)
            active = active + weight * found[:, 1:].sum(axis=2)
            heard = heard + weight * (found[:, 0] * sounds).sum(axis=1)
        return self.place[row], self.label[row], onset, joint, active, heard

    def _smooth(self, fit: Fit, evidence: np.ndarray) -> np.ndarray:
        """Return P(n), then P(z_t, n) for each second t of the window that ends with each second.

        Returns
        -------
        ndarray [seconds, (length + 1) * (length + 1), pairs]
        """
        chains, now = self.chains, fit.parameters
        lengths = np.unique(chains.smoother.length)
        table = np.ones((len(lengths), self.seconds, self.longest + 1, len(self.pairs)), dtype=np.float32)
        columns = np.full(len(chains.pairs), -1)  # of the chains
        for index, pair in enumerate(self.pairs):
            if pair in chains.number:
                columns[chains.number[pair]] = index
        columns = columns[chains.smoother.chain]
        cells = np.flatnonzero((columns >= 0) & (chains.smoother.end <= self.seconds))
        kind = np.searchsorted(lengths, chains.smoother.length[cells])
        table[kind, chains.smoother.end[cells] - 1, : evidence.shape[1], columns[cells]] = evidence[cells]
        states = np.arange(1 << self.longest)
        bits = (states >> np.arange(self.length)[::-1, None]) & 1  # the first second of the window first
        number = np.equal.outer(np.arange(self.length + 1), bits.sum(axis=0))
        rows = np.concatenate([np.ones((1, len(states)), dtype=np.int64), bits])[:, None] * number
        transition = np.array([[1 - now.onset, now.onset], [now.offset, 1 - now.offset]])[:, :, self.label]
        return smooth(table, transition, lengths.tolist(), rows.reshape(-1, len(states)))[3]

    def _sounds(self, fit: Fit, row: np.ndarray, onset: np.ndarray) -> np.ndarray:
        """Return the probability that each window sounds active, by number of its active seconds."""
        now, chains = fit.parameters, self.chains
        place = {one: index for index, one in enumerate(dict.fromkeys(self.place.tolist()))}
        active = np.zeros((len(place), chains.classes, self.seconds + 1))
        for recording, label in itertools.product(place, range(chains.classes)):
            if (recording, label) in chains.number:
                chain = chains.number[recording, label]
                start = chains.smoother.start[chain]
                values = fit.found.active[start : start + min(chains.smoother.seconds[chain], self.seconds)]
                active[place[recording], label, 1 : len(values) + 1] = values
        total = np.cumsum(active, axis=2)
        mine = np.array([place[one] for one in self.place.tolist()])[row]
        inside = total[mine, :, onset + self.length] - total[mine, :, onset]  # [windows, classes]
        hazard = now.rate * (inside * now.confusion[:, self.label[row]].T).sum(axis=1)
        silent = np.exp(-now.false_alarm[self.label[row]] - hazard)
        return 1 - silent[:, None] * (1 - now.detection) ** np.arange(self.length + 1)
