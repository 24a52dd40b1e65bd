"""The one exception for bad input, which carries its parts."""

from pathlib import Path


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
    ) -> None:
        super().__init__(problem)
        self.problem, self.file, self.line, self.key = problem, file, line, key
        self.expected, self.remedy = expected, remedy

    def __str__(self) -> str:
        """Return the message."""
        places = [str(self.file)] * (self.file is not None) + [f"line {self.line}"] * (self.line is not None)
        place = ", ".join([*places, *([self.key] * (self.key is not None))])
        sentences = [f"{place}: {self.problem}" if place else self.problem]
        sentences += [f"Expected {self.expected}"] * (self.expected is not None)
        sentences += [self.remedy] if self.remedy is not None else []
        return ". ".join(sentences) + "." * (len(sentences) > 1)


def is_out_of_memory(error: Exception) -> bool:
    """Report whether memory was too small: Python has an exception for this case, torch has a message."""
    return isinstance(error, MemoryError) or any(
        words in str(error).lower() for words in ("can't allocate memory", "cannot allocate memory", "out of memory")
    )
