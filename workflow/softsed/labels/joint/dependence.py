"""Dependence of the answers of one annotator about overlapping windows on each other.

If an annotator does not hear an event, their answers about all windows that contain it are the same mistake, and count
as fewer opinions than the same answers by several annotators. With a_s the agreement of answers of the same annotator
about two overlapping windows, and a_d that of different annotators, the dependence is

    rho = (a_s - a_d) / (1 - a_d),

0 if an annotator agrees with themselves as often as with others, and 1 if annotators never contradict themselves. Both
agreements are means over the same classes and recordings, and each pair of windows counts as much as the windows
overlap. An answer whose windows overlap those of k further answers of the annotator (fractions are added) counts as

    1 / (1 + rho k)

independent opinions, as in the design effect of cluster samples (Kish, "Survey Sampling", 1965).
"""

import numpy as np

from softsed.core.opinions import Opinions


def count_independent(opinions: Opinions) -> tuple[float, np.ndarray]:
    """Estimate the dependence, and the number of independent opinions for which each opinion counts.

    Parameters
    ----------
    opinions : Opinions
        Opinions of all annotators.

    Returns
    -------
    rho : float
        Dependence, 0..1; 0 if no annotator was asked about overlapping windows, or if all annotators agree.
    weight : ndarray [opinions]
        In (0, 1].
    """
    name = np.unique(opinions.recording, return_inverse=True)[1]
    group = name[opinions.window] * len(opinions.classes) + opinions.label
    onset, offset = opinions.onset[opinions.window], opinions.offset[opinions.window]
    mine = group * len(opinions.annotators) + opinions.annotator
    order = np.lexsort((onset, mine))
    agreed, pairs, further = _sum_pairs(mine[order], onset[order], offset[order], opinions.opinion[order])
    # Answers of all annotators about the same window and class together: pairs of windows instead of pairs of answers.
    key, cell = np.unique(opinions.window * len(opinions.classes) + opinions.label, return_inverse=True)
    window, label = np.divmod(key, len(opinions.classes))
    group, onset, offset = name[window] * len(opinions.classes) + label, opinions.onset[window], opinions.offset[window]
    ticks, answers = np.bincount(cell, weights=opinions.opinion), np.bincount(cell)
    cells = np.lexsort((onset, group))
    all_agreed, all_pairs, _ = _sum_pairs(group[cells], onset[cells], offset[cells], ticks[cells], answers[cells])
    weight = np.ones(len(order))
    if pairs == 0 or all_pairs - pairs <= 0 or all_agreed - agreed >= all_pairs - pairs:
        return 0.0, weight
    by_others = (all_agreed - agreed) / (all_pairs - pairs)
    rho = float(np.clip((agreed / pairs - by_others) / (1 - by_others), 0, 1))
    weight[order] = 1 / (1 + rho * further)
    return rho, weight


def _sum_pairs(
    group: np.ndarray, onset: np.ndarray, offset: np.ndarray, ticks: np.ndarray, answers: np.ndarray | int = 1
) -> tuple[float, float, np.ndarray]:
    """Compare each window with the later windows of its group that overlap it; sorted by group and onset.

    Returns
    -------
    agreed, pairs : float
        Number of pairs of equal answers, and of all pairs, each times the overlapping fraction of the window.
    further : ndarray [windows]
        Sum of the overlapping fractions.
    """
    agreed = pairs = 0.0
    answers = np.broadcast_to(answers, ticks.shape)
    further = np.zeros(len(group))
    for step in range(1, len(group)):
        first, second = np.arange(len(group) - step), np.arange(step, len(group))
        near = (group[first] == group[second]) & (onset[second] < offset[first])
        if not near.any():
            break
        first, second = first[near], second[near]
        length = np.maximum(offset[first] - onset[first], offset[second] - onset[second])
        overlap = (np.minimum(offset[first], offset[second]) - onset[second]) / length
        yes, no = ticks[first] * ticks[second], (answers[first] - ticks[first]) * (answers[second] - ticks[second])
        agreed += float((overlap * (yes + no)).sum())
        pairs += float((overlap * answers[first] * answers[second]).sum())
        further[first] += overlap
        further[second] += overlap
    return agreed, pairs, further
