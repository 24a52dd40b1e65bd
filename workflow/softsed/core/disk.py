"""What a person is told when a step could not read or write: a full disk, a read-only one, no permission, no file."""

import errno
import shutil
from collections.abc import Sequence
from pathlib import Path

FORBIDDEN = {errno.EROFS, errno.EACCES, errno.EPERM}
WRONG_PATH = {errno.ENOENT, errno.EEXIST, errno.ENOTDIR, errno.EISDIR}
SCARCE_BYTES = 100_000  # left over on a disk that a step has just failed to write to
AGAIN = "then give the same command again; what is finished is kept, trainings go on from their checkpoints"


def explain(error: Exception, folder: Path, arguments: Sequence[str] = ()) -> str | None:
    """Tell what is wrong with the disk or with a path that was given, where that explains an error.

    Parameters
    ----------
    error : Exception
        torch and libsndfile raise a RuntimeError that says nothing of the reason, so that the disk itself is looked at.
    folder : Path
        Where the step writes; its nearest parent that exists is looked at.
    arguments : sequence of str
        Of the step: a path that is none of them is not for a person to correct.

    Returns
    -------
    str or None
        None where neither is the reason.
    """
    code = error.errno if isinstance(error, OSError) else None
    if code in FORBIDDEN:
        return f"{error}. Make this place readable and writable for whoever runs it, then give the same command again"
    if code in WRONG_PATH and str(error.filename) in arguments:
        return f"{error}. Correct this path"
    if code == errno.EFBIG:
        return f"{error}. Files may not be that large here: look at `ulimit -f`, or use another disk"
    if code == errno.EDQUOT:
        return f"{error}. Your share of this disk is used up. Make room, {AGAIN}"
    there = next(path for path in (folder, *folder.resolve().parents) if path.exists())
    disk = shutil.disk_usage(there)
    silent = isinstance(error, RuntimeError) and disk.total and disk.free < SCARCE_BYTES
    if code == errno.ENOSPC or silent:
        return f"{error}. The disk is full: {disk.free / 1e6:.1f} MB are free in {there}. Make room there, {AGAIN}"
    return None
