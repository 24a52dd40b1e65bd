"""Pairs of annotators who never disagree: one person under two names, or copied answers.

Two annotators are compared about the windows and classes that both answered. The rarer of the two answers decides,
because nearly all answers about a rare class are 0. If two people give the rarer answer together in at most `AGREEMENT`
of the cases, k shared answers without a disagreement happen by chance with a probability of at most AGREEMENT^k. A pair
is reported if its k makes this probability times the number of compared pairs less than `RISK` (Bonferroni).

The largest agreement on ticks is .73 among the 435 pairs of the demo's crowd. Among the 1254 pairs of the RTE crowd
(Snow et al., EMNLP 2008), 18 pairs never disagree, all with fewer than 10 shared answers of the rarer kind; 29 are
required there.
"""

import math
from collections.abc import Iterator

import numpy as np

from softsed.core.opinions import Opinions

AGREEMENT = 0.7  # largest probability that the second annotator gives the rarer answer if the first one does
RISK = 0.05  # largest probability of a false alarm per crowd


def count_shared(opinions: Opinions) -> np.ndarray:
    """Count the shared answers of each pair of annotators who answered about the same window and class.

    Returns
    -------
    ndarray of int [pairs, 5]
        Indices of the two annotators; number of windows and classes to which both answered 0, both answered 1, and
        answered differently. Sorted by the annotators.
    """
    people = len(opinions.annotators)
    item = opinions.window * len(opinions.classes) + opinions.label
    order = np.lexsort((opinions.annotator, item))
    item, who, answer = item[order], opinions.annotator[order], opinions.opinion[order]
    found: list[np.ndarray] = []
    counts: list[np.ndarray] = []
    # Annotators of an item stand next to each other: step 1 pairs neighbours, step 2 the next but one, and so on.
    for step in range(1, len(item)):
        same = np.flatnonzero(item[step:] == item[:-step])
        if not len(same):
            break
        pair = who[same] * people + who[same + step]
        kind = np.where(answer[same] != answer[same + step], 2, answer[same])
        key, times = np.unique(pair * 3 + kind, return_counts=True)
        found.append(key)
        counts.append(times)
    if not found:
        return np.empty((0, 5), int)
    key = np.concatenate(found)
    pairs, index = np.unique(key // 3, return_inverse=True)
    table = np.zeros((len(pairs), 3), int)
    np.add.at(table, (index, key % 3), np.concatenate(counts))
    return np.column_stack([pairs // people, pairs % people, table])


def needed(pairs: int) -> int:
    """Return the smallest number of shared answers of the rarer kind at which one of `pairs` pairs is reported."""
    return math.floor(math.log(RISK / max(pairs, 1)) / math.log(AGREEMENT)) + 1


def find_same_answers(opinions: Opinions) -> Iterator[str]:
    """Yield one note about the pairs of annotators who never disagree; nothing if there are none."""
    shared = count_shared(opinions)
    rarer = shared[:, 2:4].min(axis=1, initial=len(opinions.opinion))
    least = needed(len(shared))
    if len(suspects := shared[(shared[:, 4] == 0) & (rarer >= least)]):
        first, second, zeros, ones, _ = suspects[suspects[:, 2:4].sum(axis=1).argmax()].tolist()
        names = opinions.annotators[first], opinions.annotators[second]
        yield (
            f"{len(suspects)} of {len(shared)} pairs of annotators never disagree, with {least} or more shared answers "
            f"of each kind, such as {names[0]!r} and {names[1]!r} ({zeros} times 0 and {ones} times 1). Check whether "
            "one person has two names or copied answers, and leave out the copies"
        )
