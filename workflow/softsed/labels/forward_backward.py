"""Forward-backward sums over two-state chains that are seen through windows: exact, over the last w seconds."""

import numpy as np


def smooth(
    evidence: np.ndarray, transition: np.ndarray, lengths: list[int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sum over all courses of two-state chains, by forward-backward over the states of the last w seconds.

    A state is a number of w bits, the lowest of which is the current second.

    Parameters
    ----------
    evidence : ndarray [lengths, seconds, w + 1, chains]
        Likelihood of the opinions on the window of each length that ends with the second, by its number of active
        seconds; above 0; 1 where there is no window. Its type of float is that of all sums: with 32 bits, half the
        time of 64, the evidence on any second must stay above 1e-37.
    transition : ndarray [2, 2, chains]
        From, to; the first second follows the stationary distribution.
    lengths : list of int
        Of the windows, in seconds, up to w.

    Returns
    -------
    counts : ndarray as `evidence`
        Posterior probability of each number of active seconds.
    moves : ndarray [seconds, 4, chains]
        Posterior probability of 2 * (previous second) + (this second); the previous of the first is inactive.
    log_scale : ndarray [seconds, chains]
        Log likelihood of the evidence of each second given all before.
    """
    _, seconds, numbers, chains = evidence.shape
    kind = evidence.dtype
    states = np.arange(1 << (numbers - 1))
    half = len(states) // 2
    active = [np.bitwise_count(states & ((1 << length) - 1)).astype(np.intp) for length in lengths]
    sums = [np.equal.outer(np.arange(numbers), number) for number in active]
    readout = np.concatenate([*sums, np.equal.outer(np.arange(4), states & 3)]).astype(kind)  # [statistics, states]
    rest = transition[[1, 0], [0, 1]] / (transition[1, 0] + transition[0, 1])  # stationary [2, chains]
    steps = [np.stack([rest, rest]).astype(kind), *[transition.astype(kind)] * (seconds - 1)]

    # Arrays are reused and sums are products of matrices: what takes the time is memory, not arithmetic.
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
            now *= np.take(likelihood, number, axis=0, out=seen, mode="clip")  # clip: without a copy
        np.matmul(ones, now, out=scale[second])
        now /= scale[second]
        before = now

    statistics = np.empty((seconds, len(readout), chains), kind)
    backward = np.ones((half, chains), kind)  # of the last w - 1 seconds: the future does not depend on the oldest
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
    counts = statistics[:, :-4].reshape(seconds, len(lengths), numbers, chains).swapaxes(0, 1)
    return counts, statistics[:, -4:], np.log(scale)
