"""Exact forward-backward algorithm for two-state Markov chains that are observed through windows without overlap.

The future depends on the past only through the last second of a window. Therefore a window, or a gap between windows,
is one step with two states, instead of one step per second with 2^w states as in
`softsed.labels.joint.forward_backward`. The results are the same.
"""

import numpy as np


def sum_paths(transition: np.ndarray, longest: int) -> np.ndarray:
    """Sum the probabilities of all paths through blocks of up to `longest` seconds.

    Parameters
    ----------
    transition : ndarray [classes, 2, 2]
        Probability of a transition, from inactive or active (second axis) to inactive or active (third axis).

    Returns
    -------
    ndarray [classes, longest + 1, 1 + longest + 4, 2, longest + 1, 2]
        By length of the block (0 to `longest`), statistic, state in the second before the block, number of active
        seconds in the block, and state in its last second. Statistics: the probability; the probability that also
        second 1, 2, ... of the block is active; the probability times the numbers of transitions, with index
        2 * (state before) + (state after).
    """
    sums = np.zeros((len(transition), longest + 1, longest + 5, 2, longest + 1, 2))
    sums[:, 0, 0, [0, 1], 0, [0, 1]] = 1
    for length in range(1, longest + 1):
        new = sums[:, length]
        for state in (0, 1):
            old = sums[:, length - 1, ..., : longest + 1 - state, :] * transition[:, None, None, None, :, state]
            reached = new[..., state:, state]  # [classes, statistics, 2, numbers]
            reached[:] = old[..., 0] + old[..., 1]
            reached[:, longest + 1 + state] += old[:, 0, ..., 0]
            reached[:, longest + 3 + state] += old[:, 0, ..., 1]
        new[:, length, ..., 1] = new[:, 0, ..., 1]
    return sums


def smooth_blocks(
    evidence: np.ndarray, lengths: np.ndarray, transition: np.ndarray, sums: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Compute posterior probabilities of chains of one class by summing over all sequences.

    Parameters
    ----------
    evidence : ndarray [blocks, chains, w + 1]
        Likelihood of the opinions on the block, given its number of active seconds; 1 for a gap.
    lengths : ndarray of int [blocks, chains]
        Lengths of the blocks, up to w.
    transition : ndarray [2, 2]
        Probability of a transition. The first second follows the stationary distribution.
    sums : ndarray
        From `sum_paths`, for this class and w.

    Returns
    -------
    counts : ndarray [blocks, chains, w + 1]
        Posterior probability of each number of active seconds in each block.
    active : ndarray [blocks, chains, w]
        Posterior probability that each second of the block is active; 0 after its end.
    moves : ndarray [4]
        Expected number of transitions in all chains, with index 2 * (state before) + (state after).
    log_likelihood : float
        Logarithm of the likelihood of the evidence of all chains.
    """
    blocks, chains, numbers = evidence.shape
    by_length = [(length, lengths == length) for length in np.unique(lengths)]
    through = np.empty((blocks, chains, 2, 2))
    for length, mine in by_length:
        through[mine] = np.tensordot(evidence[mine], sums[length, 0], axes=(1, 1))
    forward, scale = np.empty((blocks + 1, chains, 2)), np.empty((blocks, chains, 1))
    forward[0] = transition[[1, 0], [0, 1]] / (transition[1, 0] + transition[0, 1])
    for block in range(blocks):
        now = np.einsum("ki,kij->kj", forward[block], through[block])
        scale[block] = now.sum(axis=1, keepdims=True)
        forward[block + 1] = now / scale[block]
    backward = np.ones((blocks + 1, chains, 2))
    for block in range(blocks - 1, -1, -1):
        backward[block] = np.einsum("kij,kj->ki", through[block], backward[block + 1]) / scale[block]

    counts, active, moves = np.zeros(evidence.shape), np.zeros((blocks, chains, numbers - 1)), np.zeros(4)
    for length, mine in by_length:
        ends = forward[:-1][mine][:, :, None] * (backward[1:] / scale)[mine][:, None]  # [cells, 2, 2]
        ends, seen = ends.reshape(-1, 4), evidence[mine]
        # [states before and in the last second, statistics, numbers]
        paths = sums[length].transpose(1, 3, 0, 2).reshape(4, -1, numbers)
        counts[mine] = seen * (ends @ paths[:, 0])
        moves += np.einsum("esn,en->s", paths[:, numbers:], ends.T @ seen)
        active[mine] = sum(ends[:, [pair]] * (seen @ paths[pair, 1:numbers].T) for pair in range(4))
    # The sums contain a transition into the first second of a chain. As a chain of two states is reversible, the second
    # before has the distribution of a second after.
    share = active[0, :, 0].sum()
    moves -= (transition.T * [chains - share, share]).ravel()
    return counts, active, moves, float(np.log(scale).sum())
