"""Number of folds that the recordings of each scene allow."""

from collections import Counter

from softsed.core.errors import InputError, Problems
from softsed.core.metadata import Recording
from softsed.folds import generate_folds

SHOWN = 5  # scenes in a problem
FEWEST = 3  # recordings: one to train, one to validate, one to test


def check_folds(recordings: dict[str, Recording], number: int, validation: float, problems: Problems) -> None:
    """Report scenes with too few recordings for every part of every fold, and a number of folds that is possible."""
    try:
        generate_folds(recordings, number=number, validation=validation, seed=0)
        return
    except InputError as error:
        reason = error
    counts = Counter(recording.scene for recording in recordings.values())
    nearest = sorted(range(2, min(counts.values()) + 1), key=lambda other: abs(other - number))
    possible = next((other for other in nearest if _can_fold(recordings, other, validation)), None)
    ways = [f"set the config key folds.number to {possible}"] if possible else []
    ways += ["lower the config key folds.validation"] if _can_fold(recordings, number, 0.01) else []
    ways += ["add recordings"] + ["merge scenes"] * (len(counts) > 1)
    remedy = ", ".join(ways[:-1]) + " or " * bool(ways[:-1]) + ways[-1]
    least = max(number, FEWEST)
    small = [f"{scene!r} ({count})" for scene, count in counts.items() if count < least]
    problem, expected = reason.problem, reason.expected
    if small:
        listed = f"{len(small)} of {len(counts)} scenes: {', '.join(small[:SHOWN])}"
        listed += f" and {len(small) - SHOWN} more" if len(small) > SHOWN else ""
        problem = f"{number} folds need more recordings in {listed}"
        expected = f"{least} recordings or more in each scene, because each fold tests, validates and trains on some"
    problems.add("folds", InputError(problem, expected=expected, remedy=remedy[0].upper() + remedy[1:]))


def _can_fold(recordings: dict[str, Recording], number: int, validation: float) -> bool:
    try:
        return bool(generate_folds(recordings, number=number, validation=validation, seed=0))
    except InputError:
        return False
