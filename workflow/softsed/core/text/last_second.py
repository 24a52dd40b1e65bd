"""Labels at the end of a recording, whose last second is partial in most files.

Conventions
-----------
- Only whole seconds count: a recording of 9.97 s has 9 seconds of labels, features and scores, 0 to 9 s.
- Programs round the length of a file up. Therefore, labels that end up to `LATEST_S` after the audio are cut to the
  whole seconds, and so are windows that end up to `LATEST_S` after the last whole second. Later ends are errors:
  they indicate a wrong file or a wrong unit.
"""

import numpy as np

LATEST_S = 1.0  # largest time between the end of the audio, or of its whole seconds, and the end of a label


def cut_offsets(offset: np.ndarray, length: np.ndarray) -> np.ndarray:
    """Cut windows that end near the end of their recordings to whole seconds.

    Near is less than 1 s before the end, and at most `LATEST_S` after the last whole second.

    Parameters
    ----------
    offset : ndarray [windows]
        End of each window in seconds, nan if it is not known.
    length : ndarray [windows]
        Length of its recording in seconds, nan if it is not known.

    Returns
    -------
    ndarray [windows]
        ``offset`` rounded down, at most the whole seconds of the recording; other values of ``offset`` unchanged.
    """
    whole = np.floor(length)
    # The limit depends on whole seconds only: without audio, the length is known in whole seconds only.
    last = (offset > length - 1) & (offset <= whole + LATEST_S)
    return np.where(last, np.minimum(np.floor(offset), whole), offset)


def split_ends(onset: np.ndarray, offset: np.ndarray, length: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Find labels at the end of a recording. Each label is in at most one of three groups.

    Parameters
    ----------
    onset, offset : ndarray [labels]
        Seconds.
    length : ndarray [labels]
        Length of the recording in seconds, nan if it is not known.

    Returns
    -------
    far, outside, over : ndarray of bool [labels]
        ``far``: labels that end more than `LATEST_S` after the audio. ``outside``: other labels that start after the
        last whole second and therefore contain no whole second. ``over``: other labels that end after the audio.
    """
    far = offset > length + LATEST_S
    outside = ~far & (onset >= np.floor(length))
    return far, outside, ~outside & ~far & (offset > length)
