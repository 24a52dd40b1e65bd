"""Posterior of the Markov chains of all recordings and classes.

Chains whose windows do not overlap, such as clips that are one window each, are computed window by window
(`softsed.labels.joint.blocks`). All other chains are computed second by second
(`softsed.labels.joint.forward_backward`). Both compute the exact posterior.
"""

from dataclasses import dataclass

import numpy as np

from softsed.labels.joint.blocks import smooth_blocks, sum_paths
from softsed.labels.joint.forward_backward import smooth

BLOCKS = 8192  # blocks of a part that are in memory at once: about 3 MB per array
TABLE = 24_000_000  # cells of the table [states, seconds, chains] that is in memory at once: 96 MB


@dataclass(frozen=True)
class Posterior:
    """Posterior of all chains.

    Attributes
    ----------
    active : ndarray [seconds of all chains]
        Probability that the second is active, one chain after the other.
    counts : ndarray [cells, w + 1]
        Probability of each number of active seconds in the window of each cell.
    moves : ndarray [4, classes]
        Expected number of transitions: stay inactive, onset, offset, stay active.
    log_likelihood : float
        Logarithm of the likelihood of the evidence.
    """

    active: np.ndarray
    counts: np.ndarray
    moves: np.ndarray
    log_likelihood: float


@dataclass(frozen=True)
class Apart:
    """Chains of one class without overlapping windows, as blocks: windows and gaps, then empty blocks of length 0.

    Attributes
    ----------
    label : int
        Class.
    lengths : ndarray of int [blocks, chains]
        Lengths of the blocks in seconds.
    cells : ndarray of int [blocks, chains]
        Cell of a window; -1 for a gap.
    seconds : ndarray of int [blocks, chains, w]
        Index of each second of a block among the seconds of all chains; -1 after the end of the block.
    """

    label: int
    lengths: np.ndarray
    cells: np.ndarray
    seconds: np.ndarray


class Smoother:
    """Forward-backward algorithm for many chains, in parts that fit into the cache.

    Parameters
    ----------
    chain, onset, length : ndarray of int [cells]
        Chain of each cell, which is a window with evidence; start and length of the window in seconds.
    seconds, label : ndarray of int [chains]
        Length in seconds and class of each chain. A chain ends with its last window, if this is later.

    Attributes
    ----------
    longest : int
        w, the length of the longest window; at least two seconds, which a transition needs.
    """

    def __init__(
        self, chain: np.ndarray, onset: np.ndarray, length: np.ndarray, *, seconds: np.ndarray, label: np.ndarray
    ) -> None:
        self.chain, self.end, self.length = chain, onset + length, length
        self.seconds, self.label = seconds.copy(), label
        np.maximum.at(self.seconds, chain, self.end)
        self.longest = max(2, int(length.max()))
        self.start = np.cumsum(self.seconds) - self.seconds  # index of the first second of each chain among all seconds
        self.apart, overlapping = self._divide(chain, onset, length)
        # Up to 64 chains at once, so that the arrays fit into the cache.
        width = max(1, min(64, TABLE // (self.seconds.max() << self.longest)))
        chains = np.flatnonzero(overlapping)
        order = np.argsort(chain, kind="stable")
        bounds = np.searchsorted(chain[order], np.arange(len(seconds) + 1))
        self.overlapping = []
        for first in range(0, len(chains), width):
            some = chains[first : first + width]
            self.overlapping.append((some, np.concatenate([order[bounds[one] : bounds[one + 1]] for one in some])))

    def _divide(self, chain: np.ndarray, onset: np.ndarray, length: np.ndarray) -> tuple[list[Apart], np.ndarray]:
        """Divide the chains without overlapping windows into parts; mark all other chains."""
        chains, longest = len(self.seconds), self.longest
        # A mark at the end of each chain, so that every gap comes before a window or a mark.
        cell = np.append(np.arange(len(chain)), np.full(chains, -1))
        chain, onset = np.append(chain, np.arange(chains)), np.append(onset, self.seconds)
        length = np.append(length, np.zeros(chains, dtype=np.int64))
        order = np.lexsort((cell < 0, onset, chain))
        cell, chain, onset, length = (values[order] for values in (cell, chain, onset, length))
        first = np.append(True, chain[1:] != chain[:-1])
        gap = onset - np.where(first, 0, np.append(0, (onset + length)[:-1]))
        overlapping = np.bincount(chain, weights=gap < 0, minlength=chains) > 0
        pieces = -(-np.maximum(gap, 0) // longest)
        blocks = pieces + (cell >= 0)  # of each window and mark, with the gap before
        row = np.repeat(np.arange(len(chain)), blocks)
        number = np.arange(len(row)) - (np.cumsum(blocks) - blocks)[row]
        last_piece = gap[row] - (pieces[row] - 1) * longest
        lengths = np.where(number < pieces[row] - 1, longest, np.where(number < pieces[row], last_piece, length[row]))
        cell, chain = np.where(number < pieces[row], -1, cell[row]), chain[row]

        start = np.searchsorted(chain, np.arange(chains + 1))
        number = np.diff(start)  # of the blocks of each chain
        place = np.cumsum(lengths) - lengths
        place += self.start[chain] - place[start[chain]]
        size = 1 << np.ceil(np.log2(np.maximum(number, 1))).astype(int)  # of a part: at most twice the number
        size[overlapping | (number == 0)] = 0
        each, parts = np.arange(longest), []
        for most, column in sorted(set(zip(size.tolist(), self.label.tolist(), strict=True))):
            mine = np.flatnonzero((size == most) & (self.label == column))
            for some in np.array_split(mine, -(-len(mine) * most // BLOCKS)) if most else ():
                index = start[some] + np.arange(number[some].max())[:, None]
                inside = index < start[some + 1]
                index = np.where(inside, index, 0)
                some_lengths = np.where(inside, lengths[index], 0)
                second = np.where(each < some_lengths[..., None], place[index][..., None] + each, -1)
                parts.append(Apart(column, some_lengths, np.where(inside, cell[index], -1), second))
        return parts, overlapping

    def posterior(self, evidence: np.ndarray, transition: np.ndarray) -> Posterior:
        """Compute the posterior of all chains.

        Parameters
        ----------
        evidence : ndarray [cells, w + 1]
            Likelihood of the opinions on the window, given its number of active seconds. Above 0; the largest value
            is 1.
        transition : ndarray [2, 2, classes]
            Probability of a transition, from (first axis) inactive or active to (second axis) inactive or active.
        """
        # The last element is that of index -1: it receives what is not part of a window or chain, and is not returned.
        active, counts = np.empty(self.seconds.sum() + 1), np.zeros((len(evidence) + 1, self.longest + 1))
        moves, log_likelihood = np.zeros((4, transition.shape[2])), 0.0
        padded = np.vstack([evidence, np.ones(self.longest + 1)])
        step = transition.transpose(2, 0, 1)
        sums = sum_paths(step, self.longest) if self.apart else ()
        for part in self.apart:
            label = part.label
            blocks = smooth_blocks(padded[part.cells], part.lengths, step[label], sums[label])
            counts[part.cells], active[part.seconds] = blocks[:2]
            moves[:, label] += blocks[2]
            log_likelihood += blocks[3]
        for chains, cells in self.overlapping:
            lengths, kind = np.unique(self.length[cells], return_inverse=True)
            seconds, labels, longest = self.seconds[chains], self.label[chains], max(2, lengths[-1])
            table = np.ones((len(lengths), seconds.max(), longest + 1, len(chains)), dtype=np.float32)
            place = kind, self.end[cells] - 1, slice(None), np.searchsorted(chains, self.chain[cells])
            table[place] = evidence[cells, : longest + 1]
            found = smooth(table, transition[:, :, labels], lengths.tolist())
            by_number, moved, log_scale = (values.astype(float) for values in found[:3])  # sums need 64 bits
            counts[cells, : longest + 1] = by_number[place]
            inside = np.arange(len(moved)) < seconds[:, None]  # [chains, seconds]
            row, second = np.nonzero(inside)
            active[self.start[chains][row] + second] = (moved[:, 1] + moved[:, 3]).T[inside]
            by_chain = np.einsum("tmc,ct->mc", moved[1:], inside[:, 1:])  # the first second has no transition
            moves += [np.bincount(labels, weights=one, minlength=moves.shape[1]) for one in by_chain]
            log_likelihood += log_scale.T[inside].sum()
        return Posterior(active[:-1], counts[:-1], moves, float(log_likelihood))
