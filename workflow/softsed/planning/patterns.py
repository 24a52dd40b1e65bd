"""Characters that Snakemake reads as patterns in paths."""

from pathlib import Path

from softsed.core.errors import InputError

PATTERN = set("{}<>")  # {name} is a wildcard and <name> a path variable (Snakemake 9.27.1), also in paths of users


def pattern_error(key: str, path: Path | str | None) -> InputError | None:
    """Return the error of a path with characters that Snakemake reads as patterns, and None for other paths."""
    if PATTERN.isdisjoint(str(path or "")):
        return None
    problem = f"the path {path} contains braces or angle brackets, which Snakemake reads as patterns"
    return InputError(problem, key=key, remedy="Rename the file or folder")
