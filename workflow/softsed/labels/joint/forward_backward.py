"""Exact forward-backward algorithm for two-state Markov chains that are observed through windows of w seconds.

The usual forward-backward algorithm needs observations that depend on the current state only. Here an observation
depends on the number of active seconds in a window. Therefore the state of the algorithm is the activity of the last w
seconds: 2^w states.
"""

import numpy as np

LONGEST_S = 12  # longest window: 2^12 states


def smooth(
    evidence: np.ndarray, transition: np.ndarray, lengths: list[int], further: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Compute posterior probabilities by summing over all sequences of active and inactive seconds.

    A state is a number of w bits, one per second. The lowest bit is the current second.

    Parameters
    ----------
    evidence : ndarray [lengths, seconds, w + 1, chains]
        Likelihood of the opinions on the window of each length that ends with each second, given the number of active
        seconds in the window. Above 0; 1 if there is no such window. The sums have the same float type. With 32 bits,
        which take half the time of 64 bits, the product of the evidence of a second must stay above 1e-37.
    transition : ndarray [2, 2, chains]
        Probability of a transition, from (first axis) inactive or active to (second axis) inactive or active. The first
        second follows the stationary distribution.
    lengths : list of int
        Lengths of the windows in seconds, 1 to w.
    further : ndarray [statistics, states], optional
        Values of the states whose posterior means are returned in `means`.

    Returns
    -------
    counts : ndarray [lengths, seconds, w + 1, chains]
        Posterior probability of each number of active seconds in the window of each length that ends with each second.
    moves : ndarray [seconds, 4, chains]
        Posterior probability of each transition, with index 2 * (previous second) + (this second). The second before
        the first one counts as inactive.
    log_scale : ndarray [seconds, chains]
        Logarithm of the likelihood of the evidence of each second given all evidence before.
    means : ndarray [seconds, statistics, chains]
        Posterior means of `further`.
    """
    _, seconds, numbers, chains = evidence.shape
    kind = evidence.dtype
    states = np.arange(1 << (numbers - 1))
    half = len(states) // 2
    active = [np.bitwise_count(states & ((1 << length) - 1)).astype(np.intp) for length in lengths]
    sums = [np.equal.outer(np.arange(numbers), number) for number in active]
    asked = np.empty((0, len(states))) if further is None else further
    readout = np.concatenate([*sums, np.equal.outer(np.arange(4), states & 3), asked]).astype(kind)
    rest = transition[[1, 0], [0, 1]] / (transition[1, 0] + transition[0, 1])  # stationary [2, chains]
    steps = [np.stack([rest, rest]).astype(kind), *[transition.astype(kind)] * (seconds - 1)]

    # Memory access takes most of the time, not arithmetic. Therefore arrays are reused (`out=`), and sums over states
    # are products of matrices.
    forward, scale = np.empty((seconds, len(states), chains), kind), np.empty((seconds, chains), kind)
    seen, kept = np.empty((len(states), chains), kind), np.empty((half, chains), kind)
    ones = np.ones(len(states), kind)
    before = np.zeros((len(states), chains), kind)
    before[0] = 1
    for second, step in enumerate(steps):
        now = forward[second]
        np.add(before[:half], before[half:], out=kept)  # the oldest second drops out
        np.multiply(kept.reshape(-1, 2, 1, chains), step, out=now.reshape(-1, 2, 2, chains))
        for likelihood, number in zip(evidence[:, second], active, strict=True):
            now *= np.take(likelihood, number, axis=0, out=seen, mode="clip")  # mode="clip" avoids a copy
        np.matmul(ones, now, out=scale[second])
        now /= scale[second]
        before = now

    statistics = np.empty((seconds, len(readout), chains), kind)
    backward = np.ones(
        (half, chains), kind
    )  # states of the last w - 1 seconds: the future does not depend on the oldest
    ahead, posterior = np.empty((2, half, chains), kind), np.empty((2, half, chains), kind)
    for second in range(seconds - 1, -1, -1):
        np.multiply(forward[second].reshape(2, half, chains), backward, out=posterior)
        np.matmul(readout, posterior.reshape(-1, chains), out=statistics[second])
        ahead[:] = backward
        for likelihood, number in zip(evidence[:, second], active, strict=True):
            ahead.reshape(-1, chains)[:] *= np.take(likelihood, number, axis=0, out=seen, mode="clip")
        pairs, step = ahead.reshape(-1, 2, 2, chains), steps[second] / scale[second]
        np.multiply(pairs[:, :, 0], step[:, 0], out=backward.reshape(-1, 2, chains))
        np.multiply(pairs[:, :, 1], step[:, 1], out=kept.reshape(-1, 2, chains))
        backward += kept
    counts, moves, means = np.split(statistics, [len(lengths) * numbers, len(lengths) * numbers + 4], axis=1)
    return counts.reshape(seconds, len(lengths), numbers, chains).swapaxes(0, 1), moves, np.log(scale), means
