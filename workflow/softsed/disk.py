"""What a person is told when a step could not write: a full disk, one that is read-only, no permission."""

import errno
import shutil
from pathlib import Path

FULL = {errno.ENOSPC, errno.EDQUOT}
FORBIDDEN = {errno.EROFS, errno.EACCES, errno.EPERM}
SCARCE_BYTES = 100_000  # left over on a disk that a step has just failed to write to


def explain(error: Exception, folder: Path) -> str | None:
    """Tell what is wrong with the disk, where that explains an error.

    Parameters
    ----------
    error : Exception
        torch and libsndfile say nothing of the reason in theirs, so that the disk itself is looked at.
    folder : Path
        Where the step writes; its nearest parent that exists is looked at.

    Returns
    -------
    str or None
        None where the disk is not the reason.
    """
    code = error.errno if isinstance(error, OSError) else None
    if code in FORBIDDEN:
        return f"{error}. Make this place readable and writable for whoever runs it, then give the same command again"
    there = next(path for path in (folder, *folder.resolve().parents) if path.exists())
    free = shutil.disk_usage(there).free
    if code in FULL or free < SCARCE_BYTES:
        return (
            f"{error}. The disk is full: {free / 1e6:.1f} MB are free in {there}. Make room there, then give the same "
            "command again; what is finished is kept, trainings go on from their checkpoints"
        )
    return None
