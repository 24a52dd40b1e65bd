"""Labels of what most people would mark, from the marks of each annotator, inferred from all opinions together.

The soft label of a second is the probability that more than half of a large crowd would mark it. Model:

1. Share: for each second and class, a_t is the share of people who mark the second.
2. Marks: each annotator has marks of their own, a Markov chain in which a second is marked with probability a_t
   (`softsed.labels.joint.marking`). An annotator who does not hear an event does not hear it in any window. Therefore
   ten opinions of one annotator on overlapping windows contain less information than ten opinions of ten annotators.
3. Answers: with probability theta, the competence, an annotator reports whether the window contains one of their marks.
   Otherwise they tick at a fixed rate, as in MACE (Hovy et al., NAACL-HLT 2013). Competence and rate are parameters per
   annotator and class, shrunk towards those of the annotator.

Only overlapping windows distinguish their seconds, because the model assumes nothing about the length of events.
Without overlap, all seconds of a ticked window are marked.

EM estimates all parameters. The E step is exact for given shares. In the M step, a_t is the mean of the marks of the
annotators who were asked about the second, weighted by competence, and of the shares of the seconds before and after,
which count `NEAR` times as much as the annotators. Nothing is random.

The number of people for which the share stands follows from the data. An annotator counts as 1 - v / (a_t (1 - a_t))
people, with v the posterior variance of the mark: as one person if the answers determine the mark, and as nobody if the
answers contain no information about it. With one further person who marks as often as all do on average, these people
give a beta distribution of the share, and the soft label is its probability above one half.
"""

import logging
from dataclasses import dataclass

import numpy as np
from scipy.special import betaincc

from softsed.core.log import Remaining
from softsed.core.metadata import Recording
from softsed.core.opinions import Opinions
from softsed.labels.joint.competence import shrink
from softsed.labels.joint.marking import infer_marks

# Chosen on LEAD, see benchmarks/lead.py.
NEAR = 0.4
REDRAW = 0.03  # rate of new levels in 1/s, see `softsed.labels.joint.marking`
LEAST = 1e-3  # smallest distance of a share from 0 and 1
ITERATIONS, TOLERANCE = 30, 1e-3  # EM steps; mean change of the shares below which they end
# Priors as pseudo-counts (yes, no). They are weak and only prevent probabilities of 0 or 1.
KNOWING, TICKING = (9, 1), (1, 1)
CELLS = 8_000_000  # states times seconds times chains of a block: 32 MB

logger = logging.getLogger(__name__)


@dataclass
class Block:
    """Groups of chains: a group is a recording and class, a chain is an annotator who was asked about it.

    Attributes
    ----------
    groups : ndarray of int [groups]
        Index of the recording times number of classes, plus index of the class.
    first : ndarray of int [groups]
        First chain of each group.
    group, annotator, label : ndarray of int [chains]
        Group within the block; annotator; class.
    last : ndarray of int [groups]
        Last second of the recording. The seconds after it have no meaning.
    asked : ndarray of bool [seconds, chains]
        True where a window about which the annotator was asked covers the second.
    answers : ndarray of int [answers]
        Index into the opinions.
    chain, end, length : ndarray of int [answers]
        Chain; last second and length of the window.
    share, people : ndarray [seconds, groups]
        a_t, and the number of people for which it stands.
    """

    groups: np.ndarray
    first: np.ndarray
    group: np.ndarray
    annotator: np.ndarray
    label: np.ndarray
    last: np.ndarray
    asked: np.ndarray
    answers: np.ndarray
    chain: np.ndarray
    end: np.ndarray
    length: np.ndarray
    share: np.ndarray
    people: np.ndarray


class Counts:
    """Expected counts of opinions per annotator and class: all, those that report own marks, and ticks that do not."""

    def __init__(self, opinions: Opinions) -> None:
        self.size = len(opinions.annotators), len(opinions.classes)
        self.opinions, self.known, self.ticks = (np.zeros(self.size) for _ in range(3))

    def add(self, place: np.ndarray, known: np.ndarray, ticked: np.ndarray) -> None:
        """Add opinions whose annotator and class are `place`, with the probability that they report own marks."""
        for total, values in ((self.opinions, None), (self.known, known), (self.ticks, (1 - known) * ticked)):
            np.add(total, np.bincount(place, weights=values, minlength=total.size).reshape(self.size), out=total)


def make_blocks(opinions: Opinions, recordings: dict[str, Recording]) -> list[Block]:
    """Arrange the opinions as blocks that fit into memory, with groups of similar length.

    The initial share is that of ticks in all windows that cover the second.
    """
    number = {name: place for place, name in enumerate(recordings)}
    recording = np.array([number[name] for name in opinions.recording])
    seconds = np.array([int(one.duration_s) for one in recordings.values()])
    np.maximum.at(seconds, recording, opinions.offset)
    crowd, classes = len(opinions.annotators), len(opinions.classes)
    length = opinions.offset - opinions.onset
    groups, group = np.unique(recording[opinions.window] * classes + opinions.label, return_inverse=True)
    chains, chain = np.unique(group * crowd + opinions.annotator, return_inverse=True)
    owner, annotator = np.divmod(chains, crowd)
    seconds = seconds[groups // classes]
    order = np.argsort(seconds, kind="stable")
    cells = np.bincount(owner) * seconds * (length.max() + 1)
    part = np.empty(len(groups), dtype=np.int64)
    part[order] = np.cumsum(cells[order]) // CELLS
    blocks = []
    for one in np.unique(part):
        kept, mine, answers = (np.flatnonzero(values == one) for values in (part, part[owner], part[group]))
        place, where = np.searchsorted(kept, owner[mine]), np.searchsorted(mine, chain[answers])
        window = opinions.window[answers]
        shape = int(seconds[kept].max()), len(mine)
        first = np.searchsorted(place, np.arange(len(kept)))
        windows = cover(opinions.onset[window], opinions.offset[window], where, np.ones_like(window), shape)
        ticks = cover(opinions.onset[window], opinions.offset[window], where, opinions.opinion[answers], shape)
        ticks, asked_windows = (np.add.reduceat(values, first, axis=1) for values in (ticks, windows))
        share = np.clip(ticks / np.maximum(asked_windows, 1), LEAST, 1 - LEAST)
        who = annotator[mine], (groups[kept] % classes)[place]
        answer = answers, where, opinions.offset[window] - 1, length[window]
        last = seconds[kept] - 1
        blocks.append(Block(groups[kept], first, place, *who, last, windows > 0, *answer, share, np.zeros_like(share)))
    return blocks


def cover(
    onset: np.ndarray, offset: np.ndarray, chain: np.ndarray, values: np.ndarray, shape: tuple[int, int]
) -> np.ndarray:
    """Sum whole numbers, one per window, over the seconds of the windows: [seconds, chains]."""
    steps = np.zeros((shape[0] + 1, shape[1]), dtype=np.int64)
    np.add.at(steps, (onset, chain), values)
    np.subtract.at(steps, (offset, chain), values)
    return np.cumsum(steps[:-1], axis=0)


def update(block: Block, opinions: Opinions, competence: np.ndarray, rate: np.ndarray, counts: Counts) -> None:
    """Infer the marks of a block (E step), update its shares, and add its expected counts.

    Parameters
    ----------
    block : Block
        Block, whose share and people are replaced.
    opinions : Opinions
        All opinions.
    competence, rate : ndarray [annotators, classes]
        theta, and the rate of ticks of annotators who do not report their marks.
    counts : Counts
        Counts to which those of the block are added.
    """
    theta, rate = competence[block.annotator, block.label], rate[block.annotator, block.label]
    chain, ticked = block.chain, opinions.opinion[block.answers] == 1
    guessed = (1 - theta[chain]) * np.where(ticked, rate[chain], 1 - rate[chain])
    right = theta[chain] + guessed  # probability of the answer that agrees with the own marks
    ratio = np.where(ticked, guessed / right, right / guessed)  # P(answer | no mark) / P(answer | mark)
    evidence = {}
    for length in np.unique(block.length).tolist():
        evidence[length], some = np.ones(block.asked.shape, dtype=np.float32), block.length == length
        np.multiply.at(evidence[length], (block.end[some], chain[some]), ratio[some])
    share = block.share[:, block.group].astype(np.float32)
    marks = infer_marks(share, evidence, REDRAW)
    empty = np.empty(len(chain))
    for length, values in marks.empty.items():
        some = block.length == length
        empty[some] = values[block.end[some], chain[some]]
    known = np.where(ticked, 1 - empty, empty) * theta[chain] / right
    counts.add((block.annotator * competence.shape[1] + block.label)[chain], known, ticked)

    weight = (block.asked * theta).astype(np.float32)
    certain = np.clip(1 - marks.marked * (1 - marks.marked) / (share * (1 - share)), 0, 1)
    marked, asked, block.people = (
        np.add.reduceat(values, block.first, axis=1) for values in (weight * marks.marked, weight, weight * certain)
    )
    second = np.arange(len(share))[:, None]
    after = np.take_along_axis(block.share, np.minimum(second + 1, block.last), axis=0)
    near = (block.share[np.maximum(second[:, 0] - 1, 0)] + after) / 2
    smooth = NEAR * np.maximum(asked, 1)  # at least 1: seconds without windows follow their neighbours
    new = np.clip((marked + smooth * near) / (asked + smooth), LEAST, 1 - LEAST)
    block.share = np.where(second <= block.last, new, block.share)


def mean_share(blocks: list[Block], classes: int) -> np.ndarray:
    """Compute the mean share of each class over all seconds of the recordings with opinions about it: [classes]."""
    marked, seconds = np.zeros((2, classes))
    for block in blocks:
        inside = np.arange(len(block.share))[:, None] <= block.last
        np.add.at(marked, block.groups % classes, (block.share * inside).sum(axis=0))
        np.add.at(seconds, block.groups % classes, block.last + 1)
    return marked / np.maximum(seconds, 1)


def people_labels(
    opinions: Opinions, *, recordings: dict[str, Recording], class_weight: float = np.inf
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Infer the marks of all annotators, and from them what most people would mark.

    Parameters
    ----------
    opinions : Opinions
        Opinions on windows of any length, with any hop.
    recordings : dict of Recording
        Name -> recording.
    class_weight : float
        Number of opinions for which the competence in all classes counts in the competence in one class. 0: separate
        classes; infinite: one competence per annotator.

    Returns
    -------
    competence : ndarray [annotators]
        Probability, 0..1, that an answer reports the annotator's own marks. Not comparable with the competence of MACE.
    soft : dict of ndarray [seconds, classes]
        Recording -> probability that more than half of a large crowd would mark the second; NaN for classes without any
        opinion about the recording. For a second without windows, it follows from the neighbouring seconds.
    """
    blocks, first = make_blocks(opinions, recordings), Counts(opinions)
    place = opinions.annotator * first.size[1] + opinions.label
    first.add(place, np.zeros(len(place)), opinions.opinion)
    rate = shrink(first.ticks, first.opinions, prior=TICKING, weight=np.inf)[1]
    competence = np.full(first.size, KNOWING[0] / sum(KNOWING))
    steps = Remaining(logger, "joint: steps of EM", ITERATIONS, bound=True)
    cells = sum(int((block.last + 1).sum()) for block in blocks)
    for _ in range(ITERATIONS):
        counts, change = Counts(opinions), 0.0
        for block in blocks:
            before = block.share
            update(block, opinions, competence, rate, counts)
            change += float(np.abs(block.share - before).sum())
        steps.advance()
        common, competence = shrink(counts.known, counts.opinions, prior=KNOWING, weight=class_weight)
        rate = shrink(counts.ticks, counts.opinions - counts.known, prior=TICKING, weight=class_weight)[1]
        if change < TOLERANCE * cells:
            break
    usual = mean_share(blocks, first.size[1])
    logger.info("mean change of the shares in the last step: %.2g", change / cells)
    soft = {name: np.full((int(one.duration_s), first.size[1]), np.nan) for name, one in recordings.items()}
    names = list(recordings)
    for block in blocks:
        one = usual[block.groups % first.size[1]]
        above = betaincc(block.share * block.people + one, (1 - block.share) * block.people + 1 - one, 0.5)
        for column, group in enumerate(block.groups.tolist()):
            values = soft[names[group // first.size[1]]]
            values[:, group % first.size[1]] = above[: len(values), column]
    return common, soft
