"""Errors: the exception for bad input, a collection of such errors, and explanations of errors of the system."""

import errno
import shutil
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

SHOWN = 10  # number of problems of one kind in a message
FORBIDDEN = {errno.EROFS, errno.EACCES, errno.EPERM}
WRONG_PATH = {errno.ENOENT, errno.EEXIST, errno.ENOTDIR, errno.EISDIR}
SCARCE_BYTES = 100_000  # a disk with less free space counts as full after a failed write
REPEAT = "then repeat the command; finished files are kept, and trainings resume from their checkpoints"


def count(number: int | str, one: str, several: str = "") -> str:
    """Return a number and its noun, perhaps with a verb: "1 row is", "1,200 rows are". The default plural adds an s."""
    return f"{int(number):,} {one if int(number) == 1 else several or f'{one}s'}"


class InputError(ValueError):
    """Bad input from a user: what is wrong and where, what was expected, what to do.

    The message joins the parts to at most three sentences: "opinions.tsv, line 7: opinion is 'yes'. Expected 0 or 1.
    Replace it, or convert the file with `softsed convert`."

    Parameters
    ----------
    problem : str
        What is wrong, without a final full stop.
    file : Path or str, optional
        Where: the file.
    line : int, optional
        Where: the line of the file, counted from 1.
    key : str, optional
        Where: the key of the config, dotted (``labels.joint.threshold``), or the option of a command.
    expected : str, optional
        What was expected, without the word "Expected" and a final full stop.
    remedy : str, optional
        What to do, a sentence that begins with a verb, without a final full stop.
    problems : Problems, optional
        The single problems that this error reports together, one line each below `problem`.
    """

    def __init__(
        self,
        problem: str,
        *,
        file: Path | str | None = None,
        line: int | None = None,
        key: str | None = None,
        expected: str | None = None,
        remedy: str | None = None,
        problems: "Problems | None" = None,
    ) -> None:
        super().__init__(problem)
        self.problem, self.file, self.line, self.key = problem, file, line, key
        self.expected, self.remedy, self.problems = expected, remedy, problems

    def __str__(self) -> str:
        """Return the message."""
        if self.problems is not None:
            return "\n".join([f"{self.problem}:", *(f"  {line}" for line in str(self.problems).splitlines())])
        line = None if self.line is None else f"line {self.line}"
        place = ", ".join(str(part) for part in (self.file, line, self.key) if part is not None)
        sentences = [f"{place}: {self.problem}" if place else self.problem]
        sentences += [f"Expected {self.expected}"] * (self.expected is not None)
        sentences += [self.remedy] if self.remedy is not None else []
        return ". ".join(sentences) + "." * (len(sentences) > 1)


class Problems:
    """Problems found in input, by kind, in the order in which each kind was found first.

    A reader adds each problem and leaves the affected row out, so that one call reports all problems.

    Parameters
    ----------
    strict : bool
        Raise the first problem instead of collecting it.
    shown : int, optional
        Number of problems of one kind that are kept for the message. The others are only counted. None keeps all.
    """

    def __init__(self, *, strict: bool = False, shown: int | None = SHOWN) -> None:
        self.strict, self.shown = strict, shown
        self.found: dict[str, list[InputError]] = {}
        self.counts: dict[str, int] = {}

    def add(self, kind: str, error: InputError) -> None:
        """Add one problem.

        Raises
        ------
        InputError
            The problem itself, if these problems are strict.
        """
        self._add(kind, 1, iter([error]))

    def add_rows(self, kind: str, rows: Collection[int], describe: Callable[[int], InputError]) -> None:
        """Add one problem per row; `describe` is only called for the problems that are shown."""
        if len(rows):
            self._add(kind, len(rows), (describe(int(row)) for row in rows))

    def _add(self, kind: str, number: int, errors: Iterator[InputError]) -> None:
        if self.strict:
            raise next(errors)
        kept = self.found.setdefault(kind, [])
        self.counts[kind] = self.counts.get(kind, 0) + number
        while self.shown is None or len(kept) < self.shown:
            error = next(errors, None)
            if error is None:
                break
            kept.append(error)

    def __len__(self) -> int:
        """Return the number of problems, including those that are only counted."""
        return sum(self.counts.values())

    def __iter__(self) -> Iterator[InputError]:
        """Yield the problems that are kept."""
        for errors in self.found.values():
            yield from errors

    def __str__(self) -> str:
        """Return one line per problem that is kept, and one line per kind with more problems."""
        lines: list[str] = []
        for kind, errors in self.found.items():
            lines += map(str, errors)
            if more := self.counts[kind] - len(errors):
                lines.append(f"... and {count(more, 'more problem', 'more problems')} of the kind {kind!r}")
        return "\n".join(lines)

    def raise_all(self, where: str, *, alone: bool = False) -> None:
        """Raise one InputError with all problems, such as "3 problems in the dataset: ..."; return if there are none.

        Parameters
        ----------
        where : str
            What was examined, such as "in the dataset".
        alone : bool
            Raise a single problem itself.
        """
        number = len(self)
        if alone and number == 1:
            raise next(iter(self))
        if number:
            raise InputError(f"{count(number, 'problem', 'problems')} {where}", problems=self)


def is_out_of_memory(error: Exception) -> bool:
    """Report whether memory was too small: Python has an exception for this case, torch has a message."""
    return isinstance(error, MemoryError) or any(
        words in str(error).lower() for words in ("can't allocate memory", "cannot allocate memory", "out of memory")
    )


def explain_os_error(error: Exception, folder: Path, arguments: Sequence[str] = ()) -> str | None:
    """Explain an error that a full disk, missing permissions or a wrong path caused.

    Parameters
    ----------
    error : Exception
        Error of a step. torch and libsndfile raise a RuntimeError without a reason if the disk is full. The free space
        decides in this case.
    folder : Path
        Folder that the step writes to. The free space is that of its nearest existing parent.
    arguments : sequence of str
        Command-line arguments of the step. A wrong path is reported as a user error only if it is one of them.

    Returns
    -------
    str or None
        The error and what to do. None if the cause is neither the disk nor a path.
    """
    code = error.errno if isinstance(error, OSError) else None
    if code in FORBIDDEN:
        return f"{error}. Allow reading and writing at this place, then repeat the command"
    if isinstance(error, OSError) and code in WRONG_PATH and str(error.filename) in arguments:
        return f"{error}. Correct this path"
    if code == errno.EFBIG:
        return f"{error}. Files of this size are not allowed: raise the limit (`ulimit -f`), or use another disk"
    if code == errno.EDQUOT:
        return f"{error}. Your quota on this disk is used up. Free some space, {REPEAT}"
    existing = next(path for path in (folder, *folder.resolve().parents) if path.exists())
    disk = shutil.disk_usage(existing)
    silent = isinstance(error, RuntimeError) and disk.total and disk.free < SCARCE_BYTES
    if code == errno.ENOSPC or silent:
        return f"{error}. The disk is full: {disk.free / 1e6:.1f} MB are free in {existing}. Free some space, {REPEAT}"
    return None
